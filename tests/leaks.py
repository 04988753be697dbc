"""What a test must leave as it was, and how long it held up the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil

__all__ = ["children", "descriptors", "heartbeat", "nothing_left"]


def descriptors() -> dict[str, str]:
    """This process's open files: number → what it is."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found[link.name] = str(link.readlink())
    return {number: target for number, target in found.items() if not target.startswith("/proc/")}


def children() -> set[psutil.Process]:
    """The processes below this one, those that nobody has reaped included."""
    return set(psutil.Process().children(recursive=True))


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Afterwards descriptors, threads, tasks and children are what they were."""

    def counted() -> dict[str, object]:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        threads = set(threading.enumerate())
        return {"files": descriptors(), "threads": threads, "tasks": tasks, "children": children()}

    before = counted()
    yield
    await asyncio.get_running_loop().shutdown_default_executor()  # its threads are the loop's
    deadline = time.monotonic() + 15
    while counted() != before and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # threads that have waited for a child end by themselves
    after = counted()
    changed = {kind: (before[kind], after[kind]) for kind in before if after[kind] != before[kind]}
    assert not changed, changed


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[Callable[[], float]]:
    """Measures the loop: gives a function that tells its longest gap so far, in seconds."""
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, last = max(worst, now - last - 0.001), now

    task = asyncio.create_task(beat())
    try:
        yield lambda: worst
    finally:
        task.cancel()
