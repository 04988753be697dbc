"""The guard with small trees: a kernel that is gone in any way leaves nothing, and what it costs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from children import alive, descriptors, nothing_left
from waiting import eventually

from claude_magic.processes import guard as guard_module
from claude_magic.processes.guard import Guard
from claude_magic.processes.identity import creation_time
from claude_magic.processes.orphans import Leader, kill_orphan_trees
from claude_magic.processes.tree import TREE_TAG

pytestmark = pytest.mark.process

# A leader that ignores SIGTERM, and a grandchild in a session of its own that has lost its parent.
_TREE = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
orphan = "import subprocess; subprocess.Popen(['/bin/sleep', '987'], start_new_session=True)"
subprocess.run([sys.executable, "-c", orphan])
time.sleep(987)
"""
# A kernel: it starts the tree, says who is who, and does what it is told.
_KERNEL = """
import asyncio, ctypes, json, os, select, signal, sys, time
from claude_magic.processes import guard
from claude_magic.processes.manager import default_manager
from claude_magic.processes.spawn_options import SpawnOptions

async def main():
    manager = default_manager()
    await manager.spawn(SpawnOptions("tree", sys.executable, ("-c", sys.argv[1])))
    print(json.dumps([manager.guard.pid, manager.list()[0].mark]), flush=True)
    while True:  # with neither a thread nor the loop's selector: a fork has its own part in those
        if select.select([0], [], [], 0)[0]:
            exec(sys.stdin.readline())
        await asyncio.sleep(0.01)

asyncio.run(main())
"""
_FORK_THAT_STAYS = "print(child, flush=True) if child else time.sleep(987)"


class Kernel:
    """A process with a tree under guard."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _KERNEL, _TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.guard, self.mark = self.answer()

    def tell(self, code: str) -> None:
        assert self.process.stdin is not None
        print(code, file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tree(self) -> list[psutil.Process]:
        return marked(self.mark)


def marked(mark: str) -> list[psutil.Process]:
    """The processes that carry a mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TREE_TAG) == mark and alive(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def kernel(until: Callable[..., None]) -> Iterator[Kernel]:
    made = Kernel()
    until(lambda: len(made.tree()) == 2)
    yield made
    made.process.kill()
    made.process.communicate()
    try:
        until(lambda: not made.tree())
    finally:
        for process in made.tree():
            process.kill()


@pytest.fixture
def killed_at_the_end() -> Iterator[list[int]]:
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.fault(57, via="os")
@pytest.mark.fault(60, via="os")
@pytest.mark.parametrize(
    "death",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.execv('/bin/sleep', ['sleep', '987'])",
        "os.closerange(3, 1000)",
        "sys.exit()",
    ],
)
def test_whatever_ends_a_kernel_its_trees_are_ended(
    kernel: Kernel, until: Callable[..., None], death: str, figure: Callable[[str], None]
) -> None:
    """The kernel is not reaped before: it stays a zombie, as in a container without init."""
    began = time.monotonic()
    kernel.tell(death)
    until(lambda: not kernel.tree() and not alive_pid(kernel.guard), bound=10)
    figure(f"a tree gone {time.monotonic() - began:4.1f} s after {death}")


@pytest.mark.fault(63, via="os")
@pytest.mark.parametrize("fork", ["os.fork()", "ctypes.CDLL(None).fork()"])
def test_a_forked_child_that_stays_does_not_hide_the_kernels_end(
    kernel: Kernel, until: Callable[..., None], killed_at_the_end: list[int], fork: str
) -> None:
    """The second is a fork that Python does not know of: it keeps our end of the pipe."""
    kernel.tell(f"child = {fork}; {_FORK_THAT_STAYS}")
    child = kernel.answer()
    killed_at_the_end.append(child)
    kernel.process.kill()
    until(lambda: not kernel.tree(), bound=10)
    assert alive(psutil.Process(child))


@pytest.mark.fault(63, via="os")
@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit()", "os.kill(os.getpid(), 9)"])
def test_the_end_of_a_forked_child_is_none_of_ours(
    kernel: Kernel, until: Callable[..., None], end: str
) -> None:
    kernel.tell(f"child = os.fork(); print(child, flush=True) if child else {end}")
    child = kernel.answer()
    until(lambda: not alive(psutil.Process(child)))
    kernel.tell("print(int(manager.is_running('tree')), flush=True)")
    assert kernel.answer() == 1
    until(lambda: len(kernel.tree()) == 2)
    assert psutil.pid_exists(kernel.guard)


def test_a_guard_that_was_killed_is_replaced_and_told_everything(
    kernel: Kernel, until: Callable[..., None]
) -> None:
    kernel.tell("guard.QUICK = 0; print(0, flush=True)")
    kernel.answer()
    os.kill(kernel.guard, signal.SIGKILL)
    until(lambda: not alive_pid(kernel.guard))

    def replaced() -> bool:
        kernel.tell("print(json.dumps(manager.guard.pid), flush=True)")
        return kernel.answer() not in {None, kernel.guard}

    until(replaced)
    kernel.process.kill()
    until(lambda: not kernel.tree(), bound=10)


def alive_pid(pid: int) -> bool:
    return bool(creation_time(pid))


async def test_the_guard_ends_with_the_last_tree() -> None:
    async with nothing_left():
        guard = Guard()
        guard.watch("one")
        guard.watch("two")
        first = guard.pid
        guard.forget("one")
        assert guard.pid == first
        guard.forget("two")
        guard.forget("two")
        assert guard.pid is None


async def test_the_guard_is_out_of_reach_of_signals_to_the_kernels_group() -> None:
    guard = Guard()
    guard.watch("one")
    assert guard.pid is not None
    assert os.getsid(guard.pid) == guard.pid
    assert os.getpgid(guard.pid) == guard.pid
    guard.forget("one")


async def test_a_guard_that_cannot_run_is_given_up_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard_module, "_WATCHER", tmp_path / "missing.py")
    guard = Guard()
    guard.watch("one")
    await eventually(lambda: guard.pid is None)
    await eventually(lambda: "guard" in caplog.text)
    guard.forget("one")


async def test_without_a_program_or_a_descriptor_there_is_a_warning_and_no_guard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/missing")
    guard = Guard()
    guard.watch("one")
    assert guard.pid is None
    assert "could not be started" in caplog.text
    guard.forget("one")


async def test_a_stopped_guard_is_replaced_rather_than_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "QUICK", 0)
    guard = Guard()
    guard.watch("one")
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    for number in range(100):  # more than the pipe holds
        guard.watch(f"{number:03000}")
    await eventually(lambda: guard.pid not in {None, first})
    guard.leave()


@pytest.mark.fault(54, via="os")
def test_a_pid_that_was_used_again_is_not_signalled() -> None:
    with subprocess.Popen(["/bin/sleep", "987"]) as stranger:
        kill_orphan_trees(
            [Leader(stranger.pid, "another time", "none"), Leader(0, "", "neither")], patience=0.1
        )
        assert alive(psutil.Process(stranger.pid))
        stranger.kill()


@pytest.mark.fault(60, via="os")
def test_a_zombie_that_nobody_reaps_counts_as_gone() -> None:
    zombie = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, start_new_session=True)
    leader = Leader(zombie.pid, creation_time(zombie.pid), "m")
    began = time.monotonic()
    kill_orphan_trees([leader])  # nobody waits for it
    assert psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE
    kill_orphan_trees([leader])
    assert time.monotonic() - began < 2.5  # less than the patience with one that lives
    zombie.communicate()


@pytest.mark.bench
async def test_what_the_guard_costs(figure: Callable[[str], None]) -> None:
    guard, before = Guard(), set(descriptors())
    clock = time.perf_counter()
    guard.watch("one")
    called = time.perf_counter() - clock
    assert guard.pid is not None
    process = psutil.Process(guard.pid)
    assert len(set(descriptors()) - before) == 1
    await eventually(
        lambda: process.status() == psutil.STATUS_SLEEPING and process.num_fds() == 3 and _waits(process)
    )
    ready = time.perf_counter() - clock
    memory = process.memory_full_info()
    cpu = sum(process.cpu_times()[:2])
    guard.forget("one")
    await eventually(lambda: not alive(process))
    figure(
        f"guard: RSS {memory.rss / 1e6:.1f} MB, PSS {memory.pss / 1e6:.1f} MB; watches after "
        f"{ready * 1000:.0f} ms, of which the kernel waits {called * 1000:.0f}; {cpu:.2f} s of CPU"
    )
    assert memory.pss < 8e6
    assert memory.rss < 16e6


def _waits(process: psutil.Process) -> bool:
    """In `select`, behind its imports."""
    return Path(f"/proc/{process.pid}/syscall").read_text().split()[0] in {"23", "270"}  # select, pselect6


def test_asyncio_is_not_needed() -> None:
    """A kernel whose loop has ended can still be guarded."""
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    guard = Guard()
    guard.watch("one")
    assert guard.pid is not None
    guard.forget("one")
