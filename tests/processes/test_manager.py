"""`ProcessManager` with small commands: facts of naming, ending and telling, which need no CLI."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from children import alive, nothing_left
from waiting import eventually

from claude_magic.errors import CLINotFoundError, InUseError, UsageError, WorkingDirectoryError
from claude_magic.processes.child import Rung
from claude_magic.processes.identity import creation_time
from claude_magic.processes.manager import ProcessManager
from claude_magic.processes.registry import ProcessInfo, ProcessRegistry, ProcessStatus
from claude_magic.processes.spawn_options import SpawnOptions
from claude_magic.support.state_file import off_loop

pytestmark = pytest.mark.process

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(100)"
# Tells where and with what it runs.
TELL = """
import json, os, sys
os.environ.pop("CLAUDE_MAGIC_TREE")  # another one for each process
with open("told.jsonl", "a") as file:
    print(json.dumps([os.getcwd(), sys.argv[1:], dict(os.environ)]), file=file)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
async def as_before() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[ProcessManager]:
    made = ProcessManager(ProcessRegistry(tmp_path / "state"), notebook="/n.ipynb")
    yield made
    await made.stop_all(timeout=0.2)


def cat(process_id: str = "cat", **changes: Any) -> SpawnOptions:
    return SpawnOptions(process_id, "/bin/cat", **changes)


def code(source: str, process_id: str = "code", **changes: Any) -> SpawnOptions:
    return SpawnOptions(process_id, sys.executable, ("-c", source), **changes)


def told(folder: Path) -> list[Any]:
    path = folder / "told.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_spawn_runs_a_command_and_registers_it(manager: ProcessManager, tmp_path: Path) -> None:
    info = await manager.spawn(cat(cwd=tmp_path))
    assert psutil.Process(info.pid).name() == "cat"
    assert (info.status, info.cwd, info.notebook) == (ProcessStatus.RUNNING, str(tmp_path), "/n.ipynb")
    assert (info.created, info.kernel_pid) == (creation_time(info.pid), os.getpid())
    assert await off_loop(manager.registry.get, "cat") == info
    assert await off_loop(manager.registry.get_by_pid, info.pid) == info


async def test_a_command_gets_its_arguments_folder_and_environment_as_given(
    manager: ProcessManager, tmp_path: Path
) -> None:
    odd = ["", "a b", "$HOME", "*", "é東"]
    options = SpawnOptions("t", sys.executable, ("-c", TELL, *odd), tmp_path, {"ONLY": "this"})
    await manager.spawn(options)
    await eventually(lambda: told(tmp_path))
    ((cwd, args, env),) = told(tmp_path)
    assert (cwd, args, env["ONLY"]) == (str(tmp_path), odd, "this")
    assert "HOME" not in env


async def test_is_running_is_true_from_spawn_to_stop(manager: ProcessManager) -> None:
    assert not manager.is_running("cat")
    await manager.spawn(cat())
    assert manager.is_running("cat")
    await manager.stop("cat")
    assert not manager.is_running("cat")


async def test_stop_ends_a_process_and_tells_the_rung(manager: ProcessManager) -> None:
    info = await manager.spawn(cat())
    report = await manager.stop("cat")
    assert report is not None
    assert (report.rung, report.returncode) == (Rung.EOF, 0)
    assert not psutil.pid_exists(info.pid)
    stopped = await off_loop(manager.registry.get, "cat")
    assert stopped is not None
    assert (stopped.status, stopped.returncode) == (ProcessStatus.STOPPED, 0)
    assert await manager.stop("cat") is None


async def test_a_process_that_had_to_be_killed_counts_as_stopped(manager: ProcessManager) -> None:
    child = await manager.open(code(STUBBORN), session_id="s")
    await child.read()
    report = await manager.stop("code", timeout=0.5)
    assert report is not None
    assert report.rung is Rung.KILL
    assert await off_loop(manager.registry.get, "code") is None  # a conversation leaves no row
    assert manager.list() == []


async def test_stop_all_ends_all_at_once(manager: ProcessManager) -> None:
    infos = [await manager.spawn(cat(f"cat {number}")) for number in range(5)]
    assert manager.guard.pid is not None
    await manager.stop_all()
    assert not any(psutil.pid_exists(info.pid) for info in infos)
    assert {info.status for info in await off_loop(manager.registry.get_all)} == {ProcessStatus.STOPPED}


async def test_restart_runs_the_same_command_with_exactly_the_same_options(
    manager: ProcessManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"ONLY": "this"}
    first = await manager.spawn(SpawnOptions("t", sys.executable, ("-c", TELL, "x"), tmp_path, given))
    await eventually(lambda: len(told(tmp_path)) == 1)
    given["ONLY"] = "changed"
    monkeypatch.chdir("/")
    second = await manager.restart("t")
    await eventually(lambda: len(told(tmp_path)) == 2)
    one, two = told(tmp_path)
    assert one == two
    assert first.pid != second.pid
    assert not psutil.pid_exists(first.pid)
    assert [info.pid for info in await off_loop(manager.registry.get_all)] == [second.pid]


async def test_restart_also_runs_again_what_has_ended_by_itself(manager: ProcessManager) -> None:
    await manager.spawn(code("import sys; sys.exit(3)"))
    await eventually(lambda: not manager.is_running("code"))
    assert (await manager.restart("code")).status is ProcessStatus.RUNNING


async def test_list_has_all_but_the_environment(manager: ProcessManager, tmp_path: Path) -> None:
    secret = "sk-ant-" + "x" * 20
    prompt = "--append-system-prompt=You are a pirate."
    env = {"MY_TOKEN": "t0p-s3cret"}
    await manager.spawn(
        SpawnOptions("a", sys.executable, ("-c", TELL, prompt, secret, "t0p-s3cret"), tmp_path, env)
    )
    await manager.spawn(cat("b"))
    assert [info.id for info in manager.list()] == ["a", "b"]
    shown = repr(manager.list()) + repr(await off_loop(manager.registry.get_all))
    for hidden in ("MY_TOKEN", "t0p-s3cret", secret, "pirate"):
        assert hidden not in shown
    assert manager.list()[0].argv[-3] == "--append-system-prompt=…"


@pytest.mark.parametrize(
    ("source", "status", "returncode"),
    [
        ("pass", ProcessStatus.STOPPED, 0),
        ("import sys; sys.exit(3)", ProcessStatus.CRASHED, 3),
        ("import os; os.kill(os.getpid(), 9)", ProcessStatus.CRASHED, -9),
        ("print('x' * 1_000_000)", ProcessStatus.STOPPED, 0),
    ],
)
async def test_an_exit_is_told_and_registered(
    manager: ProcessManager, source: str, status: ProcessStatus, returncode: int
) -> None:
    told: list[ProcessInfo] = []
    manager.on("exit", told.append)
    await manager.spawn(code(source))
    await eventually(lambda: told)
    assert [(info.id, info.status, info.returncode) for info in told] == [("code", status, returncode)]
    assert await off_loop(manager.registry.get, "code") == manager.list()[0] == told[0]


async def test_an_exit_callback_that_raises_changes_nothing(
    manager: ProcessManager, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[ProcessInfo] = []
    manager.on("exit", lambda _: 1 / 0)
    off = manager.on("exit", told.append)
    with caplog.at_level(logging.ERROR):
        await manager.spawn(code("pass"))
        await eventually(lambda: told)
    assert "callback" in caplog.text
    off()
    await manager.restart("code")
    await eventually(lambda: not manager.is_running("code"))
    await manager.stop_all()
    assert len(told) == 1


async def test_two_live_processes_of_one_name_are_refused(manager: ProcessManager, tmp_path: Path) -> None:
    first = await manager.spawn(cat())
    elsewhere = ProcessManager(ProcessRegistry(tmp_path / "state"))
    for other in (manager, elsewhere):
        with pytest.raises(InUseError, match=str(first.pid)):
            await other.spawn(cat())
    assert elsewhere.list() == []
    await manager.stop("cat")
    await elsewhere.spawn(cat())
    await elsewhere.stop("cat")


@pytest.mark.fault(95, via="os")
async def test_of_two_that_start_on_one_conversation_at_the_same_time_one_is_refused(
    manager: ProcessManager, tmp_path: Path
) -> None:
    elsewhere = ProcessManager(ProcessRegistry(tmp_path / "state"))
    starts = [other.open(cat(name), session_id="s") for name, other in (("a", manager), ("b", elsewhere))]
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    assert sorted(isinstance(outcome, InUseError) for outcome in outcomes) == [False, True]
    assert len(await off_loop(manager.registry.get_all)) == 1
    await elsewhere.stop_all()


async def test_a_conversation_is_held_under_its_new_id_after_clear(manager: ProcessManager) -> None:
    await manager.open(cat("a"), session_id="old")
    manager.converses("a", "new")
    with pytest.raises(InUseError):
        await manager.open(cat("b"), session_id="new")
    await manager.open(cat("c"), session_id="old")


@pytest.mark.parametrize("options", [cat(cwd="/missing"), SpawnOptions("x", "/missing/program")])
async def test_what_could_not_be_started_leaves_no_trace(
    manager: ProcessManager, options: SpawnOptions
) -> None:
    with pytest.raises((WorkingDirectoryError, CLINotFoundError)):
        await manager.spawn(options)
    assert (manager.list(), await off_loop(manager.registry.get_all), manager.guard.pid) == ([], [], None)


async def test_a_helper_is_in_no_list_and_watched_from_before_its_start_to_its_end(
    manager: ProcessManager,
) -> None:
    child = await manager.start_helper([sys.executable, "-c", "input()"], os.environ)
    assert manager.guard.pid is not None
    assert (manager.list(), await off_loop(manager.registry.get_all)) == ([], [])
    await child.kill()
    await eventually(lambda: manager.guard.pid is None)
    with pytest.raises(CLINotFoundError):
        await manager.start_helper(["/nowhere/at/all"], {})
    assert manager.guard.pid is None


async def test_an_unknown_name_is_named_with_those_that_are_known(manager: ProcessManager) -> None:
    await manager.spawn(cat("known"))
    for act in (manager.stop, manager.restart):
        with pytest.raises(UsageError, match=r"'unknown'.*known"):
            await act("unknown")


async def test_what_a_kernel_that_is_gone_has_left_is_ended_by_the_next(
    manager: ProcessManager, tmp_path: Path
) -> None:
    """Only what is verified: the process under a pid that was used again stays."""
    mine, innocent = await manager.spawn(code(STUBBORN)), await manager.spawn(cat())
    registry, gone = manager.registry, {"kernel_pid": 2**22 + 1, "kernel_created": "long ago"}
    await off_loop(registry.update, _changed(mine, **gone))
    theirs = _changed(innocent, created="another time", mark=innocent.mark, **gone)
    await off_loop(registry.update, theirs)
    reaped = await ProcessManager(ProcessRegistry(tmp_path / "state")).kill_orphans()
    assert [info.pid for info in reaped] == [mine.pid]
    await eventually(lambda: not manager.is_running("code"))
    assert alive(psutil.Process(innocent.pid))
    assert await off_loop(registry.get_all) == []


async def test_a_kernel_reaps_nothing_of_one_that_lives(manager: ProcessManager, tmp_path: Path) -> None:
    info = await manager.spawn(cat())
    assert await ProcessManager(ProcessRegistry(tmp_path / "state")).kill_orphans() == []
    assert await off_loop(manager.registry.get_all) == [info]
    assert alive(psutil.Process(info.pid))


async def test_a_process_killed_from_outside_is_told_as_crashed(manager: ProcessManager) -> None:
    info = await manager.spawn(cat())
    os.kill(info.pid, signal.SIGKILL)
    await eventually(lambda: manager.list()[0].status is ProcessStatus.CRASHED)
    assert manager.guard.pid is None


def _changed(info: ProcessInfo, **changes: Any) -> ProcessInfo:
    from msgspec.structs import replace

    return replace(info, **changes)
