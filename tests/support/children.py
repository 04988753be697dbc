"""What the tests of processes share: a `claude` that keeps what it said, and what must not be left behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from functools import partial
from typing import Any

import psutil
from leaks import children, descriptors, heartbeat, nothing_left
from places import FAKE
from waiting import eventually

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.errors import ClaudeMagicError
from claude_magic.options import Options
from claude_magic.processes.child import ChildProcess
from claude_magic.wire.events import Event, ResultEvent, SystemInit

__all__ = [
    "CancelledAt", "Claude", "alive", "cancelled_at", "children", "descriptors", "fake", "heartbeat",
    "line", "nothing_left", "running", "show",
]  # fmt: skip


def show(text: str) -> None:
    """Prints a figure; `pytest -s` shows it."""
    print(f"\n{text}")


def fake(behaviours: str = "", **changes: Any) -> Options:
    """Options for the fake CLI."""
    env = {"FAKE_CLAUDE": behaviours} | changes.pop("env", {})
    return Options(**({"cli": str(FAKE), "cwd": FAKE.parent, "env": env} | changes))


class Claude(ClaudeProcess):
    """A process that keeps its events, and the reasons it ended for."""

    def __init__(self, options: Options, *, session_id: str | None = None, resume: bool = False) -> None:
        self.events: list[Event] = []
        self.reasons: list[ClaudeMagicError] = []
        super().__init__(
            options,
            session_id=session_id or str(uuid.uuid4()),
            resume=resume,
            deliver=self._keep,
            on_exit=self.reasons.append,
        )

    def _keep(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, SystemInit):  # as a session's stream does
            self.reports(event)

    @property
    def results(self) -> list[ResultEvent]:
        return [event for event in self.events if isinstance(event, ResultEvent)]

    async def prompt(self, text: str) -> None:
        await self.send_user(text, str(uuid.uuid4()))

    async def ask(self, text: str) -> str | None:
        """One turn; the text of its result."""
        seen = len(self.results)
        await self.prompt(text)
        await eventually(lambda: len(self.results) > seen)
        return self.results[-1].result

    def descendants(self, word: str) -> list[psutil.Process]:
        """Those whose command line ends in `word`, as long as this process lives."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.pid).children(recursive=True)
            return [child for child in children if _last_word(child) == word]
        return []


@contextlib.asynccontextmanager
async def running(options: Options, **more: Any) -> AsyncIterator[Claude]:
    """A process that was started, and is gone at the end."""
    claude = Claude(options, **more)
    await claude.start()
    try:
        yield claude
    finally:
        await claude.kill()


async def line(child: ChildProcess) -> bytes:
    """The next line of its stdout, where there is one at a time."""
    data = b""
    while not data.endswith(b"\n"):
        chunk = await child.read()
        assert chunk, child.stderr_tail()
        data += chunk
    return data


def _last_word(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, IndexError):
        return process.cmdline()[-1]
    return ""


def alive(process: psutil.Process) -> bool:
    """It runs, and the pid is still its own; a zombie that nobody reaps does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


class CancelledAt:
    """A coroutine whose task is cancelled at its n-th await; `reached` says whether it has that many."""

    def __init__(self, n: int, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.reached = False
        self._n = n
        self._steps = coroutine.__await__()

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(next, self._steps)
        for n in itertools.count(1):
            try:
                future = step()
            except StopIteration as stop:
                return stop.value
            if n == self._n:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                step = partial(self._steps.send, (yield future))
            except asyncio.CancelledError as error:
                step = partial(self._steps.throw, error)
        raise AssertionError

    async def run(self) -> Any:
        return await self


async def cancelled_at(n: int, coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Runs `coroutine` in a task that is cancelled at its n-th await; whether it got there."""
    driven = CancelledAt(n, coroutine)
    await asyncio.wait({asyncio.create_task(driven.run())})
    return driven.reached
