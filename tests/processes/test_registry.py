"""The registry of processes: rows that are verified, claims that hold, and state folders that fail."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from claude_magic.errors import InUseError
from claude_magic.processes.identity import creation_time, is_same_process
from claude_magic.processes.registry import ProcessInfo, ProcessRegistry, ProcessStatus

FILE = "processes.sqlite"
GONE = {"kernel_pid": 2**22 + 1, "kernel_created": "long ago"}  # more than any pid


def info(process_id: str = "one", **changes: Any) -> ProcessInfo:
    """A process that runs, under our own pid."""
    ours = os.getpid()
    made = ProcessInfo(
        id=process_id,
        pid=ours,
        created=creation_time(ours),
        kernel_pid=ours,
        kernel_created=creation_time(ours),
        cwd="/",
        notebook="/home/ada/é.ipynb",
        session_id="",
        mark=uuid.uuid4().hex,
        argv=("/bin/claude", "--model=opus"),
        status=ProcessStatus.RUNNING,
        started_at=1.5,
    )
    return replace(made, **changes)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ProcessRegistry]:
    made = ProcessRegistry(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def ended() -> tuple[int, str]:
    """Pid and creation time of a process that has ended."""
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    created = creation_time(child.pid)
    assert is_same_process(child.pid, created)
    child.communicate()
    return child.pid, created


def test_register_keeps_every_field_and_no_environment(registry: ProcessRegistry) -> None:
    made = info(status=ProcessStatus.CRASHED, returncode=-9)
    registry.register(made)
    assert registry.get_all() == [made]
    assert "env" not in ProcessInfo.__struct_fields__


def test_get_gives_the_process_of_a_name_or_none(registry: ProcessRegistry) -> None:
    first, second = info("one"), info("two")
    registry.register(first)
    registry.register(second)
    assert (registry.get("one"), registry.get("two"), registry.get("three")) == (first, second, None)


def test_unregister_takes_a_process_out(registry: ProcessRegistry) -> None:
    first, second = info("one"), info("two")
    registry.register(first)
    registry.register(second)
    registry.unregister(first)
    assert registry.get_all() == [second]


def test_get_all_gives_the_oldest_first(registry: ProcessRegistry) -> None:
    for number in (3, 1, 2):
        registry.register(info(str(number), started_at=number))
    assert [row.id for row in registry.get_all()] == ["1", "2", "3"]


def test_get_by_pid_finds_what_runs_and_no_stranger_under_a_used_pid(registry: ProcessRegistry) -> None:
    registry.register(info("stranger", created="another time"))
    assert registry.get_by_pid(os.getpid()) is None
    registry.register(info("one"))
    found = registry.get_by_pid(os.getpid())
    assert found is not None
    assert found.id == "one"


def test_clear_takes_out_what_no_longer_runs_and_nothing_else(
    registry: ProcessRegistry, ended: tuple[int, str]
) -> None:
    registry.register(info("dead", pid=ended[0], created=ended[1]))
    registry.register(info("stopped", status=ProcessStatus.STOPPED, returncode=0))
    registry.register(info("alive"))
    registry.clear()
    assert [row.id for row in registry.get_all()] == ["alive"]


def test_an_update_changes_the_row_of_this_process_only(registry: ProcessRegistry) -> None:
    old, new = info(status=ProcessStatus.STOPPED), info()
    registry.register(old)
    registry.register(new)
    registry.update(replace(old, status=ProcessStatus.CRASHED, returncode=-9))
    registry.unregister(old)
    assert registry.get("one") == new
    registry.update(replace(new, status=ProcessStatus.CRASHED, returncode=-9))
    changed = registry.get("one")
    assert changed is not None
    assert (changed.status, changed.returncode) == (ProcessStatus.CRASHED, -9)


@pytest.mark.fault(95, via="pure")
def test_a_second_process_on_a_conversation_is_refused_with_the_firsts_notebook_and_pid(
    registry: ProcessRegistry,
) -> None:
    conversation = str(uuid.uuid4())
    registry.register(info("one", session_id=conversation))
    with pytest.raises(InUseError) as refused:
        registry.register(info("two", session_id=conversation))
    assert (refused.value.pid, refused.value.notebook) == (os.getpid(), "/home/ada/é.ipynb")
    assert f"/home/ada/é.ipynb (pid {os.getpid()}" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert [row.id for row in registry.get_all()] == ["one"]
    registry.register(info("three"))  # no conversation: none to hold


@pytest.mark.fault(95, via="pure")
@pytest.mark.parametrize("how", ["dead", "reused", "starting in a kernel that is gone"])
def test_a_conversation_goes_on_elsewhere_once_its_process_is_gone(
    registry: ProcessRegistry, ended: tuple[int, str], how: str
) -> None:
    ways: dict[str, dict[str, Any]] = {
        "dead": {"pid": ended[0], "created": ended[1]},
        "reused": {"created": "another time"},
        "starting in a kernel that is gone": {"pid": 0, "created": "", **GONE},
    }
    registry.register(info("one", session_id="a", **ways[how]))
    assert registry.holder("a") is None
    registry.register(info("two", session_id="a"))
    holder = registry.holder("a")
    assert holder is not None
    assert holder.id == "two"
    assert registry.get("one") is None


def test_a_process_that_is_being_started_holds_its_conversation(registry: ProcessRegistry) -> None:
    registry.register(info("one", session_id="a", pid=0, created=""))
    with pytest.raises(InUseError):
        registry.register(info("two", session_id="a"))


_RIVAL = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_registry import ProcessRegistry, info
from claude_magic.errors import InUseError
registry = ProcessRegistry(Path(sys.argv[1]))
won = 0
sys.stdin.readline()
for number in range(40):
    registry.register(mine := info(f"{sys.argv[3]} {number}"))
    registry.update(mine)
    try:
        registry.register(info(f"{sys.argv[3]} claim {number}", session_id=str(number)))
        won += 1
    except InUseError:
        pass
assert not registry.notices()
print(won, flush=True)
sys.stdin.readline()
"""


@pytest.mark.process
@pytest.mark.fault(95, via="pure")
def test_many_kernels_at_once_lose_no_row_and_only_one_gets_each_conversation(tmp_path: Path) -> None:
    tests = Path(__file__).parent
    argv = [sys.executable, "-c", _RIVAL, str(tmp_path), str(tests)]
    rivals = [
        subprocess.Popen([*argv, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(4)
    ]
    won = []
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write(b"\n")
        rival.stdin.flush()
    for rival in rivals:  # all have claimed before the first ends
        assert rival.stdout is not None
        won.append(int(rival.stdout.readline()))
    rows = ProcessRegistry(tmp_path).get_all()
    for rival in rivals:
        rival.communicate(b"\n")
    assert [rival.returncode for rival in rivals] == [0] * 4
    assert sum(won) == 40
    assert len(rows) == 4 * 40 + 40


# State folders that fail


def works(registry: ProcessRegistry) -> None:
    """What this kernel needs of it."""
    registry.register(info("one", session_id="a"))
    with pytest.raises(InUseError):
        registry.register(info("two", session_id="a"))
    held = registry.get("one")
    assert held is not None
    registry.unregister(held)
    registry.register(info("two", session_id="a"))
    assert [row.id for row in registry.get_all()] == ["two"]


def _a_file_in_its_place(folder: Path) -> None:
    folder.write_text("no folder")


def _no_database(folder: Path) -> None:
    (folder / FILE).mkdir(parents=True)


@contextmanager
def _full() -> Iterator[None]:
    """No file of this process may grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def one_warning(registry: ProcessRegistry) -> str:
    (notice,) = registry.notices()
    assert "Sessions work" in notice
    assert "\n" not in notice
    assert registry.notices() == []
    return notice


@pytest.mark.fault(97, via="pure")
@pytest.mark.parametrize("break_it", [_a_file_in_its_place, _no_database])
def test_an_unusable_state_folder_costs_one_warning(
    registry: ProcessRegistry, tmp_path: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(tmp_path / "state")
    works(registry)
    one_warning(registry)


@pytest.mark.fault(97, via="pure")
def test_a_read_only_state_folder_costs_one_warning() -> None:
    registry = ProcessRegistry(Path("/proc/claude_magic"))  # where not even root may write
    works(registry)
    one_warning(registry)
    registry.close()


@pytest.mark.fault(97, via="pure")
def test_a_full_disk_costs_one_warning(registry: ProcessRegistry) -> None:
    registry.register(info("before"))
    with _full():
        works(registry)
    one_warning(registry)


@pytest.mark.fault(97, via="pure")
def test_a_locked_database_costs_one_warning_and_one_wait(registry: ProcessRegistry, tmp_path: Path) -> None:
    registry.register(info("before"))
    with closing(sqlite3.connect(tmp_path / "state" / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        works(registry)
    assert "locked" in one_warning(registry)


@pytest.mark.fault(97, via="pure")
@pytest.mark.parametrize("garbage", [b"no database at all " * 500, None])
def test_a_corrupt_database_is_set_aside_and_begun_anew(tmp_path: Path, garbage: bytes | None) -> None:
    registry = ProcessRegistry(tmp_path)
    for number in range(60):
        registry.register(info(f"before {number}"))
    path = tmp_path / FILE
    path.write_bytes(garbage or path.read_bytes()[:2000] + b"\xff" * 50_000)
    works(registry)
    (notice,) = registry.notices()
    assert "begun anew" in notice
    assert [row.id for row in ProcessRegistry(tmp_path).get_all()] == ["two"]
    (aside,) = tmp_path.glob(f"{FILE}.corrupt-*")
    assert garbage is None or aside.read_bytes() == garbage


def test_a_registry_that_nobody_has_written_to_makes_no_file(tmp_path: Path) -> None:
    registry = ProcessRegistry(tmp_path / "state")
    assert registry.get_all() == []
    assert not (tmp_path / "state").exists()


def test_what_is_kept_is_for_the_user_alone(registry: ProcessRegistry, tmp_path: Path) -> None:
    registry.register(info())
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
