"""What an interrupt does while a cell waits.

The promise: SIGINT during a wait becomes one call on the loop and nothing else, and afterwards the old
handler is back. So no KeyboardInterrupt is raised inside a task, which would wedge ipykernel for good. Never
`loop.add_signal_handler`: to remove it leaves another handler behind.
Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["TurnInterrupted", "asking", "for_thread", "interruptible"]

for_thread: ContextVar[bool] = ContextVar("claude_magic_for_thread", default=False)
"""Set in a turn that another thread asked for: an interrupt is not meant for that thread's cell."""


class TurnInterrupted(KeyboardInterrupt):
    """The person interrupted the cell.

    A KeyboardInterrupt, so that an `except Exception` around the magic does not swallow it. Raised only
    where the cell's own code sees it, never in a task.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback."""
        return [f"claude_magic: {self}"]


@contextmanager
def interruptible(on_interrupt: Callable[[], object], loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Has SIGINT call `on_interrupt` on the loop, and do nothing else.

    Without effect outside the main thread, and in a turn that another thread asked for.

    Args:
        on_interrupt: Called on the loop, once for each SIGINT.
        loop: The loop that the turn runs on. It is woken, which ipykernel's own handler does not do.
    """
    if not _takes_signals():
        yield
        return
    notify = partial(loop.call_soon_threadsafe, on_interrupt)
    _interrupts.add(notify)
    try:
        yield
    finally:
        _interrupts.remove(notify)


@contextmanager
def asking() -> Iterator[None]:
    """Has SIGINT raise KeyboardInterrupt, for a blocking `input()`; to be caught right there, in the task."""
    if not _takes_signals():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Interrupts:
    """Who is told of SIGINT: the newest of those that wait, for turns may end in any order."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], object]] = []
        self._before: Any = None

    def add(self, notify: Callable[[], object]) -> None:
        if not self._waiting:
            self._before = signal.signal(signal.SIGINT, self._handle)
        self._waiting.append(notify)

    def remove(self, notify: Callable[[], object]) -> None:
        self._waiting.remove(notify)
        if not self._waiting:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._waiting[-1]()


_interrupts = _Interrupts()


def _takes_signals() -> bool:
    return threading.current_thread() is threading.main_thread() and not for_thread.get()
