"""What a test must leave as it was, and how long it held up the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
from waiting import eventually

from claude_magic.support.state_file import flush

__all__ = ["begin", "children", "descriptors", "heartbeat", "nothing_left"]


def descriptors() -> dict[str, str]:
    """This process's open files: number → what it is."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found[link.name] = str(link.readlink())
    return {number: target for number, target in found.items() if not target.startswith("/proc/")}


_strangers: set[psutil.Process] = set()


def children() -> set[psutil.Process]:
    """The processes below this one, those that nobody has reaped included, but for what was there before."""
    return set(psutil.Process().children(recursive=True)) - _strangers


def begin() -> None:
    """What is below this process now is not of the test that begins: a server that files share, say."""
    _strangers.clear()
    _strangers.update(children())


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Afterwards there are no more descriptors, threads, tasks and children than before."""

    def counted() -> dict[str, set[object]]:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        threads, files = set(threading.enumerate()), set(descriptors().items())
        return {"files": {*files}, "threads": {*threads}, "tasks": {*tasks}, "children": {*children()}}

    def more() -> dict[str, set[object]]:
        return {kind: found - before[kind] for kind, found in counted().items() if found - before[kind]}

    await flush()  # the thread that asks state files stays
    before = counted()
    yield
    await asyncio.get_running_loop().shutdown_default_executor()  # its threads are the loop's
    await eventually(lambda: not more(), seen=more)  # threads that have waited for a child end by themselves


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[Callable[[], float]]:
    """Measures the loop: gives a function that tells its longest gap so far, in seconds.

    Less the longest gap that a thread saw which only slept: that is the machine's, not the loop's.
    """
    loop_gap = machine_gap = 0.0
    over = threading.Event()

    async def beat() -> None:
        nonlocal loop_gap
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)  # a beat
            now = time.perf_counter()
            loop_gap, last = max(loop_gap, now - last - 0.001), now

    def sleep() -> None:
        nonlocal machine_gap
        last = time.perf_counter()
        while not over.wait(0.01):
            now = time.perf_counter()
            machine_gap, last = max(machine_gap, now - last - 0.01), now

    task, thread = asyncio.create_task(beat()), threading.Thread(target=sleep)
    thread.start()
    try:
        yield lambda: max(0.0, loop_gap - machine_gap)
    finally:
        task.cancel()
        over.set()
        thread.join()
