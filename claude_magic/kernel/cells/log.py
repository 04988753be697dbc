"""The cells that a shell has run, as they happened: source, short output, pictures, error. In bounds.

What a cell prints or displays is heard while it runs, in its own context, from its threads too. Cells that
leave no history, cells within cells, and those that hold nothing but magics of ours are left out.
"""

from __future__ import annotations

import base64
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from itertools import count, islice
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.control_characters import printed, shortened
from claude_magic.kernel.cells.taps import Taps

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

__all__ = ["Cell", "CellLog", "Output"]

T = TypeVar("T")
_CELLS = 1_000  # kept
_FULL = 100  # of which the newest are kept whole
_PICTURES = 8  # kept of all cells, the newest
_PICTURE_SIZE = 10_000_000  # bytes of one
_SOURCE = 20_000  # characters
_LINE = 300  # characters of an error in short
_ENDS = 4_000  # characters kept of an output's beginning, and as many of its end
_MAGICS = re.compile(
    r"[ \t]*(?:(?:\w[\w., \t]*=[ \t]*)?%%?claude|%(?:re|un)?load_ext +claude_magic|%config +ClaudeMagics)"
)
_PICTURE_TYPES = ("image/png", "image/jpeg")
_RUN = InteractiveShell.run_cell_async.__code__

_cell: ContextVar[Cell | None] = ContextVar("claude_magic_cell")  # None where nothing is to be heard


class Output:
    """Text as it comes, of which beginning and end are kept."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets what has come."""
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._room, self._tail_length, self._hidden = _ENDS, 0, 0

    def write(self, text: str) -> None:
        """Takes what comes next."""
        if self._room > 0:
            self._head.append(text[: self._room])
            self._room -= len(text)
            text = text[self._room + len(text) :]
            if not text:
                return
        self._tail.append(text[-_ENDS:])
        self._tail_length += len(self._tail[-1])
        self._hidden += len(text) - len(self._tail[-1])
        while self._tail_length - len(self._tail[0]) >= _ENDS:
            first = self._tail.popleft()
            self._tail_length -= len(first)
            self._hidden += len(first)

    @property
    def text(self) -> str:
        """What is kept, as a terminal shows it in the end."""
        head, tail = "".join(self._head), "".join(self._tail)
        if not self._hidden:
            return printed(head + tail)
        return f"{printed(head)}\n… {self._hidden:,} characters left out …\n{printed(tail)}"


class Cell:
    """A cell that has been run, or runs.

    Args:
        source: Its source.
        key: What it is known by when it is run again.
    """

    def __init__(self, source: str, key: str) -> None:
        self.number = 0  # its place among those that are remembered, when it has ended
        self.execution_count = 0  # what the notebook numbers it by
        self.source = source if len(source) <= _SOURCE else f"{source[:_SOURCE]}…"
        self.key = key
        self.output = Output()
        self.pictures: list[bytes] = []
        self.error = ""  # what was raised, in a line
        self.traceback = ""
        self.error_id = 0  # of the exception, which is not held on to
        self.has_ended = False

    @property
    def exception(self) -> BaseException | None:
        """What was raised, as long as Python has it for post-mortems."""
        value = getattr(sys, "last_value", None)
        return value if value is not None and id(value) == self.error_id else None


class CellLog:
    """The cells of one shell.

    Args:
        shell: The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.cells: deque[Cell] = deque(maxlen=_CELLS)  # those that have ended, oldest first
        self.failed: Cell | None = None  # the last that has
        self._shell = shell
        self._numbers = count(1)
        self._running: dict[int, Cell] = {}  # by thread: a subshell has its own
        self._thread_hook: Callable[[threading.ExceptHookArgs], object] = threading.excepthook
        self._own_hook = self._raised_in_thread
        self._taps = Taps(shell, self._print, self._display, self._clear, self._raised)

    def install(self) -> None:
        """Begins to listen; the cell that runs is not heard."""
        self._shell.events.register("pre_run_cell", self._begin)
        self._shell.events.register("post_run_cell", self._end)
        self._thread_hook, threading.excepthook = threading.excepthook, self._own_hook

    def uninstall(self) -> None:
        """Ends it."""
        self._taps.close()
        if threading.excepthook is self._own_hook:
            threading.excepthook = self._thread_hook
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)

    @property
    def last_picture(self) -> bytes | None:
        """The picture that was shown last."""
        return next((cell.pictures[-1] for cell in reversed(self.cells) if cell.pictures), None)

    @property
    def has_just_failed(self) -> bool:
        """Whether the cell that was run last has."""
        return bool(self.cells) and self.cells[-1] is self.failed

    def unheard(
        self, function: Callable[..., Coroutine[Any, Any, T]]
    ) -> Callable[..., Coroutine[Any, Any, T]]:
        """A coroutine function whose own output belongs to no cell: a turn is none of what led to it."""

        async def silent(coroutine: Coroutine[Any, Any, T]) -> T:
            _cell.set(None)  # in a task of its own
            return await coroutine

        @wraps(function)
        def called(*arguments: Any) -> Coroutine[Any, Any, T]:
            return silent(function(*arguments))

        return called

    # A cell begins and ends

    def _begin(self, info: ExecutionInfo) -> None:
        if _depth() > 1:
            return
        self._running.pop(threading.get_ident(), None)  # it never said that it has ended
        if not info.store_history or _is_ours(info.raw_cell):
            return
        cell = Cell(info.raw_cell, getattr(info, "cell_id", None) or info.raw_cell)
        if not self._running:
            self._taps.open()
        self._running[threading.get_ident()] = cell
        _cell.set(cell)

    def _end(self, result: ExecutionResult | None) -> None:
        if _depth() > 0 or (cell := self._running.pop(threading.get_ident(), None)) is None:
            return
        if not self._running:
            self._taps.close()
        cell.has_ended = True
        error = result and (
            result.error_before_exec or result.error_in_exec
        )  # of one cancelled there is no result
        if error is not None and id(error) != cell.error_id:
            self._note_error(cell, error)
        if cell.error:
            self.failed = cell
        cell.execution_count = (result and result.execution_count) or self._shell.execution_count - 1
        cell.number = next(self._numbers)
        self.cells.append(cell)
        self._shorten()

    def _note_error(self, cell: Cell, error: BaseException) -> None:
        if type(error).__module__.startswith("claude_magic."):
            return  # a turn's
        from claude_magic.kernel.execution.tracebacks import short_traceback  # noqa: PLC0415  # load budget

        cell.error_id = id(error)
        cell.traceback = shortened(short_traceback(error, self._shell), 2 * _ENDS)
        cell.error = _in_short(error)

    def _shorten(self) -> None:
        """Keeps of what has become old only what it takes to name it."""
        if len(self.cells) > _FULL:
            old = self.cells[-_FULL - 1]
            old.source = old.source[:200]
            old.output.clear()
            old.traceback = ""
        room = _PICTURES
        for cell in islice(reversed(self.cells), _FULL):
            cell.pictures = cell.pictures[-room:] if room else []
            room -= len(cell.pictures)

    # What is heard meanwhile

    def _heard(self) -> Cell | None:
        """The cell that what is shown here belongs to, while it runs."""
        cell = self._owner()
        return None if cell is None or cell.has_ended else cell

    def _owner(self) -> Cell | None:
        """The cell whose code this is."""
        try:
            return _cell.get()
        except LookupError:  # a thread has a context of its own
            return next(reversed(self._running.values()), None)

    def _print(self, text: str) -> None:
        if cell := self._heard():
            cell.output.write(text)

    def _display(self, data: Mapping[str, Any]) -> None:
        cell = self._heard()
        if cell is None:
            return
        picture = next((data[each] for each in _PICTURE_TYPES if data.get(each)), None)
        if picture is not None and len(picture) <= _PICTURE_SIZE:
            cell.pictures = [*cell.pictures, _decoded(picture)][-_PICTURES:]
            cell.output.write("[a picture]\n")
        elif text := data.get("text/markdown") or data.get("text/plain"):
            cell.output.write(f"{text}\n")

    def _raised(self, error: BaseException) -> None:
        """An error is shown: the one that ends the cell, or another, that of a script that `%run` runs."""
        if cell := self._heard():
            self._note_error(cell, error)

    def _raised_in_thread(self, raised: threading.ExceptHookArgs) -> None:
        """A thread has died of an error: it is that of the cell that runs, else of the last one."""
        cell = self._owner() or (self.cells[-1] if self.cells else None)
        if cell is not None and raised.exc_value is not None:
            self._note_error(cell, raised.exc_value)
            self.failed = cell
            _cell.set(None)  # what is printed of it now is known; the thread ends here
        self._thread_hook(raised)

    def _clear(self) -> None:
        if cell := self._heard():
            cell.output.clear()
            cell.pictures = []


def _in_short(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_LINE]
    except Exception:  # noqa: BLE001  # its own code
        return type(error).__name__


def _decoded(picture: Any) -> bytes:
    return picture if isinstance(picture, bytes) else base64.b64decode(picture)


def _is_ours(source: str) -> bool:
    """Whether a cell holds nothing but magics of ours."""
    lines = [line for line in source.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if lines and lines[0].startswith("%%claude"):
        return True
    return all(_MAGICS.match(line) for line in lines)


def _depth() -> int:
    """How many cells run here: one that begins is the second if another's code runs it."""
    return sum(frame.f_code is _RUN for frame in _frames())


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        yield frame
        frame = frame.f_back
