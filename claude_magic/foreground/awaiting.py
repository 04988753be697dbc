"""How a cell waits for a turn.

The promise: at the top level of a cell a waiting magic is awaited, so that the loop stays free. Anywhere
else it is run to its end on the same loop, nested if that loop runs already. From another thread it is handed
to that loop or refused in one line, never left hanging. An interrupt cancels the wait, unless the magic takes
it itself.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
import warnings
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from IPython.core.async_helpers import _asyncio_runner, get_asyncio_loop
from IPython.core.interactiveshell import InteractiveShell

from claude_magic.errors import StateError
from claude_magic.foreground.interrupts import TurnInterrupted, asking, for_thread, interruptible
from claude_magic.foreground.one_line import OneLineErrors
from claude_magic.foreground.reply_guard import ReplyGuard
from claude_magic.foreground.rewrite import AWAITED, BARE, capture_names, rewrite, without_comments_above
from claude_magic.foreground.verbatim import VerbatimCells

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

__all__ = ["Foreground", "MagicKind", "TurnInterrupted", "asking", "interruptible", "is_nested"]

MagicKind = Literal["line", "cell", "line_cell"]
T = TypeVar("T")

_PICK_UP_TIMEOUT = 5.0
"""Seconds that the main loop may take to answer another thread before it counts as blocked."""

_nested: ContextVar[bool] = ContextVar("claude_magic_nested", default=False)


def is_nested() -> bool:
    """Whether the current turn runs on a nested loop; then no widget message arrives before the cell ends."""
    return _nested.get()


class Foreground:
    """The waiting magics of one shell.

    Args:
        shell: The InteractiveShell to serve.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._names: set[str] = set()
        self._verbatim = VerbatimCells(self._names)
        self._originals: list[tuple[dict[str, Any], str, Any]] = []
        # Each with the task that it executes in: a cell that somebody runs by `run_cell_async` begins, and no
        # event ever says that it has ended.
        self._cells: dict[ExecutionInfo, asyncio.Task[Any] | None] = {}
        self._waits = 0
        self._reply_guard = ReplyGuard(shell)
        self._errors = OneLineErrors(shell, self._reply_guard.begin_to_show)

    @property
    def awaited_names(self) -> frozenset[str]:
        """The magics that are awaited at the top level of a cell."""
        return frozenset(self._names)

    @property
    def is_computing(self) -> bool:
        """A cell executes, and waits for none of our magics."""
        return self._a_cell_executes() and not self._waits

    def install(self) -> None:
        """Hooks into the shell: cells are rewritten, and known while they execute. Once is enough."""
        if self._transform in self._shell.input_transformers_post:
            return
        self.main_loop()
        self._shell.input_transformers_cleanup[:0] = [self._uncomment, self._verbatim]
        self._shell.input_transformers_post.append(self._transform)
        self._shell.events.register("pre_run_cell", self._begin)
        self._shell.events.register("post_run_cell", self._end)
        self._reply_guard.install()
        self._errors.install()

    def uninstall(self) -> None:
        """Takes out the hooks and every registered magic, and puts back what these had replaced."""
        while self._originals:
            table, name, before = self._originals.pop()
            if before is None:
                table.pop(name, None)
            else:
                table[name] = before
        self._names.clear()
        self._cells.clear()
        if self._transform in self._shell.input_transformers_post:
            self._shell.input_transformers_cleanup.remove(self._uncomment)
            self._shell.input_transformers_cleanup.remove(self._verbatim)
            self._shell.input_transformers_post.remove(self._transform)
            self._shell.events.unregister("pre_run_cell", self._begin)
            self._shell.events.unregister("post_run_cell", self._end)
            self._reply_guard.uninstall()
            self._errors.uninstall()

    def register(
        self,
        name: str,
        kind: MagicKind,
        function: Callable[..., Coroutine[Any, Any, Any]],
        read: Callable[[str], Any] = str,
    ) -> None:
        """Makes a coroutine function a magic that is awaited where it can be, and run to its end elsewhere.

        Args:
            name: The magic's name, without `%`.
            kind: What it can be: "line", "cell" or "line_cell".
            function: Called with the line, and for a cell magic with the cell's text. Its docstring and what
                `no_var_expand` has put on it hold for the magic.
            read: What the function gets of the line.
        """

        @wraps(function)
        def run(line: str, *cell: str) -> Any:
            return self.run(function(read(line), *cell))

        @wraps(function)
        async def awaited(line: str, *cell: str) -> Any:
            with self._waiting():
                return (await _wait(function(read(line), *cell))).result()

        @wraps(function)
        async def bare(line: str, *cell: str) -> None:
            result = await awaited(line, *cell)
            if result is not None:
                self._shell.displayhook.update_user_ns(result)

        for table in ("line", "cell") if kind == "line_cell" else (kind,):
            self._define(table, name, run)
            self._define(table, AWAITED + name, awaited)
            self._define(table, BARE + name, bare)
        self._names.add(name)

    def main_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that sessions live on: the kernel's, or in a terminal the one IPython runs its cells on.

        It stays the same when user code runs a loop of its own, for instance by `asyncio.run`.
        """
        kernel = getattr(self._shell, "kernel", None)
        if kernel is not None:
            self._loop = _kernel_loop(kernel)
        elif self._loop is None or self._loop.is_closed():
            self._loop = get_asyncio_loop()
        return self._loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs `coroutine` on the main loop and waits for it, from code that cannot await.

        Args:
            coroutine: It is closed if it cannot be run.

        Returns:
            Its value.

        Raises:
            StateError: This is another thread, and the main loop does not run or does not answer; or the loop
                is of a kind that cannot be nested.
            TurnInterrupted: It was cancelled by an interrupt that it did not take itself.
        """
        loop, running_loop = self.main_loop(), _running_loop()
        try:
            if threading.current_thread() is not threading.main_thread() and running_loop is not loop:
                _check_answers(loop)
                return asyncio.run_coroutine_threadsafe(_wait(coroutine, thread=True), loop).result().result()
            if running_loop is not None:
                _make_reentrant(loop)
        except StateError:
            coroutine.close()
            raise
        if running_loop is None:
            with self._waiting():
                return loop.run_until_complete(_wait(coroutine)).result()
        with self._waiting(), _enough_ready(loop):
            return loop.run_until_complete(_wait(coroutine, nested=True)).result()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1

    def _define(self, table: Literal["line", "cell"], name: str, function: Callable[..., Any]) -> None:
        magics = self._shell.magics_manager.magics[table]
        self._originals.append((magics, name, magics.get(name)))
        magics[name] = function

    def _uncomment(self, lines: list[str]) -> list[str]:
        return without_comments_above(lines, self._names)

    def _transform(self, lines: list[str]) -> list[str]:
        source = capture_names("".join(lines), self._names)
        new_source = rewrite(source, self._names)
        if new_source != source and self._can_be_awaited():
            source = new_source
        return source.splitlines(keepends=True)

    def _can_be_awaited(self) -> bool:
        """Whether the source being transformed is a cell that its runner will await."""
        return (
            not self._a_cell_executes()
            and get_asyncio_loop() is self.main_loop()  # a cell before the kernel's loop runs is on another
            and self._shell.autoawait
            and self._shell.loop_runner is _asyncio_runner
            and threading.current_thread() is threading.main_thread()
            and not (_running_loop() is not None and _called_by_run_cell())
        )

    def _begin(self, info: ExecutionInfo) -> None:
        self._cells[info] = None if _running_loop() is None else asyncio.current_task()
        self._reply_guard.cell_is_over = False

    def _end(self, result: ExecutionResult | None) -> None:
        # An empty cell ends without having begun, and a cancelled one ends without a result.
        if result is not None:
            self._cells.pop(result.info, None)
            self._reply_guard.cell_is_over = not self._a_cell_executes()

    def _a_cell_executes(self) -> bool:
        for info in [info for info, task in self._cells.items() if task is not None and task.done()]:
            del self._cells[info]
        return bool(self._cells)


async def _wait(
    coroutine: Coroutine[Any, Any, T], *, nested: bool = False, thread: bool = False
) -> Future[T]:
    """Runs `coroutine` in a task of its own, which SIGINT cancels unless it takes SIGINT itself."""
    _nested.set(nested)
    for_thread.set(thread)
    task = asyncio.ensure_future(_outcome_of(coroutine))
    interrupted = threading.Event()

    def interrupt() -> None:
        interrupted.set()
        task.cancel()

    with interruptible(interrupt, asyncio.get_running_loop()):
        outcome = await task
    if interrupted.is_set() and isinstance(outcome.exception(), asyncio.CancelledError):
        outcome = Future()
        outcome.set_exception(TurnInterrupted("Interrupted."))
    return outcome


async def _outcome_of(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    outcome: Future[T] = Future()
    try:
        outcome.set_result(await coroutine)
    except BaseException as error:  # noqa: BLE001  # carried out of the task, and raised where the cell sees it
        outcome.set_exception(error)
    return outcome


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _kernel_loop(kernel: Any) -> asyncio.AbstractEventLoop:
    """The loop of a kernel; in a start-up file, the one that it is about to begin with."""
    loop: Any = getattr(kernel, "io_loop", None)
    if loop is None:
        from tornado.ioloop import IOLoop  # noqa: PLC0415  # comes with ipykernel

        loop = IOLoop.current()
    asyncio_loop: asyncio.AbstractEventLoop = loop.asyncio_loop
    return asyncio_loop


def _called_by_run_cell() -> bool:
    """Whether a synchronous `run_cell` asks, as in a widget's callback: on a running loop it cannot await."""
    run_cell = InteractiveShell.run_cell.__code__
    return any(frame.f_code is run_cell for frame, _ in traceback.walk_stack(None))


def _check_answers(loop: asyncio.AbstractEventLoop) -> None:
    """Raises StateError unless the loop, which is another thread's, runs and is free."""
    if not loop.is_running():
        raise StateError(
            "This was called from a thread while the main thread's event loop is not running; "
            "call it from the main thread."
        )
    answered = threading.Event()
    loop.call_soon_threadsafe(answered.set)
    if not answered.wait(_PICK_UP_TIMEOUT):
        raise StateError(
            "This was called from a thread while the main thread is busy with a cell; "
            "call it from the main thread, or let the cell await the thread: await asyncio.to_thread(…)."
        )


@contextmanager
def _enough_ready(loop: Any) -> Iterator[None]:
    """As many callbacks are ready after a nested run as before it.

    The loop's step that the run comes in may be asyncio's own, not yet nest_asyncio2's. That one has counted
    what is ready, and ends the loop, and the kernel, when it finds less.
    """
    ready = loop._ready  # noqa: SLF001  # as nest_asyncio2 has it
    count = len(ready)
    try:
        yield
    finally:
        for _ in range(count - len(ready)):
            loop.call_soon(lambda: None)


def _make_reentrant(loop: asyncio.AbstractEventLoop) -> None:
    """Lets `loop` run nested in itself, or in another loop of this thread."""
    import nest_asyncio2  # noqa: PLC0415  # patches asyncio; nobody who always awaits needs it

    kind = type(loop)
    if hasattr(kind, "_nest_patched") and not hasattr(kind, "_nest_asyncio2"):
        # The original nest_asyncio knows nothing of ipykernel's shared context and loses the messages of the
        # next cells; its continuation takes its place.
        delattr(kind, "_nest_patched")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the original was there
            nest_asyncio2.apply(loop)
    except ValueError:
        raise StateError(
            f"An event loop of type {kind.__name__} cannot be nested; "
            "use the magic at the top level of a cell, where it is awaited."
        ) from None
