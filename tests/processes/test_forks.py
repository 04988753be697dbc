"""Forks of a real kernel: the child leaves our processes alone, and hides nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from magic_fixtures import MagicNotebook

pytestmark = [pytest.mark.kernel, pytest.mark.process]

# What multiprocessing is given: a spawned child imports it, a forked one has it already.
WORKER = """
import atexit

def work(number):
    import claude_magic.processes.manager as m, claude_magic.session
    atexit.register(print, end="")
    assert not m.default_manager().list()
    return number * number
"""


# What is known of our processes: the guard, the registry's rows, the sessions' processes.
FACTS = """[
    (manager.guard.pid, [(info.pid, info.session_id) for info in manager.registry.get_all()], pids)
    for module in [__import__("claude_magic.processes.manager", fromlist=["default_manager"])]
    for manager in [module.default_manager()]
    for magics in get_ipython().configurables if type(magics).__name__ == "ClaudeMagics"
    for pids in [[session.pid for session in magics.sessions]]
][0]"""


@pytest.fixture(scope="module")
def sessions(kernel: MagicNotebook) -> MagicNotebook:
    """One session is idle, another in the middle of a turn."""
    kernel.load()
    kernel.do("%claude say one")
    cell = kernel.do("%%claude -b -s other\nstall")
    kernel.wait_for(lambda: "The first half" in str(cell.displays[-1].data))
    (kernel.work / "worker.py").write_text(WORKER)
    return kernel


@pytest.fixture
def busy(sessions: MagicNotebook) -> Iterator[MagicNotebook]:
    """A kernel in which all of ours is afterwards as before."""
    before, children = sessions.value(FACTS), sessions.children()
    assert len(before[1]) == len(before[2]) == 2
    yield sessions
    assert sessions.value(FACTS) == before
    assert [child for child in children if not alive(child)] == []
    sessions.do("r = %claude what came first?")
    assert sessions.value("r.text") == "First came: say one"
    assert sessions.status("other")["state"] == "running"


@pytest.mark.fault(63, via="real")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_leaves_the_sessions_alone(busy: MagicNotebook, method: str) -> None:
    busy.do(
        "import multiprocessing, worker\n"
        f"with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "    squares = pool.map(worker.work, range(4))"
    )
    assert busy.value("squares") == [0, 1, 4, 9]


ENDS = {
    "by itself": "os._exit(0)",
    "through what we do at exit": "magics._at_exit(); os._exit(0)",
    "through the garbage collector": "gc.collect(); os._exit(0)",
    "by a signal": "os.kill(os.getpid(), 9)",
}


@pytest.mark.fault(63, via="real")
@pytest.mark.parametrize("end", ENDS)
def test_a_forked_child_of_a_kernel_ends_alone(busy: MagicNotebook, end: str) -> None:
    busy.do(
        "import gc, os\n"
        "magics = next(m for m in get_ipython().configurables if type(m).__name__ == 'ClaudeMagics')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    try:\n"
        f"        {ENDS[end]}\n"
        "    finally:\n"
        "        os._exit(1)\n"
        "_, status = os.waitpid(child, 0)",
        timeout=30,
    )
    assert busy.value("status") == (signal.SIGKILL if end == "by a signal" else 0)


@pytest.mark.fault(57, via="real")
@pytest.mark.fault(63, via="real")
def test_a_child_that_holds_everything_open_outlives_a_killed_kernel_and_nothing_of_ours_does(
    own_kernel: MagicNotebook, until: Callable[..., None]
) -> None:
    """The offline model too: the child has the other end of its stdin, which therefore never ends."""
    own_kernel.load()
    own_kernel.do("%claude say one")
    own_kernel.do("import os, time\nchild = os.fork()\nif not child:\n    time.sleep(987)\n    os._exit(0)")
    child = psutil.Process(own_kernel.value("child"))
    ours = [
        process for process in psutil.Process(own_kernel.pid).children(recursive=True) if process != child
    ]
    assert any("claude_magic.offline" in process.cmdline() for process in ours)
    try:
        os.kill(own_kernel.pid, signal.SIGKILL)
        until(lambda: not any(map(alive, ours)), bound=10)
        assert alive(child)
    finally:
        child.kill()


HANGING = """#!/bin/sh
echo $$ >> {log}
exec sleep 987
"""


@pytest.mark.fault(57, via="real")
def test_a_question_for_the_version_that_hangs_ends_with_a_killed_kernel(
    own_kernel: MagicNotebook, until: Callable[..., None], tmp_path: Path
) -> None:
    cli, log = tmp_path / "hanging-claude", tmp_path / "pid"
    cli.write_text(HANGING.format(log=log))
    cli.chmod(0o700)
    own_kernel.load()
    own_kernel.do("import claude_magic.claude_cli.version as probe; probe.PROBE_TIMEOUT = 60")
    own_kernel.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
    own_kernel.start("%claude say one")
    until(lambda: log.exists() and log.read_text().strip())
    asked = psutil.Process(int(log.read_text().split()[0]))
    os.kill(own_kernel.pid, signal.SIGKILL)
    until(lambda: not alive(asked), bound=10)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
