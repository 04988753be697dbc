"""What an interrupt does while a cell waits.

The promise: SIGINT during a wait becomes one call on the loop and nothing else, and afterwards the old
handler is back. So no KeyboardInterrupt is raised inside a task, which would wedge ipykernel for good. Never
`loop.add_signal_handler`: to remove it leaves another handler behind.
Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
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
    _interrupts.add(on_interrupt, loop)
    try:
        yield
    finally:
        _interrupts.remove(on_interrupt, loop)


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
    """Who is told of SIGINT: the newest of those that wait, for turns may end in any order.

    The newest when the loop comes to it: a turn whose cell has just shown it may begin to wait meanwhile.
    """

    def __init__(self) -> None:
        self._waiters: list[tuple[Callable[[], object], asyncio.AbstractEventLoop]] = []
        self._before: Any = None
        self._wakeup = _Wakeup()

    def add(self, on_interrupt: Callable[[], object], loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiters:
            self._before = signal.signal(signal.SIGINT, self._handle)
            self._wakeup.begin()
        self._waiters.append((on_interrupt, loop))
        self._wakeup.listen(loop)

    def remove(self, on_interrupt: Callable[[], object], loop: asyncio.AbstractEventLoop) -> None:
        self._waiters.remove((on_interrupt, loop))
        if loop not in [other for _, other in self._waiters]:
            self._wakeup.leave(loop)
        if not self._waiters:
            self._wakeup.end()
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        for _, loop in self._waiters[-1:]:  # none, if it comes while the last one leaves
            loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for on_interrupt, _ in self._waiters[-1:]:
            on_interrupt()


class _Wakeup:
    """Wakes a loop that sleeps when a signal comes.

    Python's handler only runs when the main thread runs. A signal that another thread received, or that came
    just before the loop went to sleep, would wait for the loop's next event: for good, in a quiet loop.
    """

    def __init__(self) -> None:
        self._sockets: tuple[socket.socket, ...] = ()

    def begin(self) -> None:
        """Has signals write to a socket, unless somebody (prompt_toolkit, say) has that already."""
        self._sockets = socket.socketpair()
        for end in self._sockets:
            end.settimeout(0)
        before = signal.set_wakeup_fd(self._sockets[1].fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            self._close()

    def end(self) -> None:
        if self._sockets:
            now = signal.set_wakeup_fd(-1)
            if now != self._sockets[1].fileno():  # somebody else's by now
                signal.set_wakeup_fd(now)
            self._close()

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._sockets:
            with suppress(NotImplementedError):  # Windows' loop is no selector
                loop.add_reader(self._sockets[0], self._drain)

    def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._sockets:
            with suppress(NotImplementedError):
                loop.remove_reader(self._sockets[0])

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self._sockets[0].recv(4096)

    def _close(self) -> None:
        for end in self._sockets:
            end.close()
        self._sockets = ()


_interrupts = _Interrupts()


def _takes_signals() -> bool:
    return threading.current_thread() is threading.main_thread() and not for_thread.get()
