"""What code prints and shows, kept apart from what else is printed meanwhile.

Whose output it is stands in a context variable, which the code's own tasks inherit. stdout, stderr and
IPython's publisher of displays are taken over only while some code runs.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import TYPE_CHECKING, Any

from claude_magic.control_characters import printed
from claude_magic.transcript.blocks import Picture

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Outputs", "collecting"]

_TEXT = 1_000_000  # characters kept of what is printed
_PICTURES = 10

_current: ContextVar[Outputs | None] = ContextVar("claude_magic_outputs", default=None)


class Outputs:
    """What some code has printed and shown, in order.

    Args:
        on_text: Called with each piece of text, as it comes.
    """

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self.pictures: list[Picture] = []
        self.error = ""
        self._on_text = on_text
        self._pieces: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """All that was printed, as a terminal shows it in the end."""
        return printed("".join(self._pieces))

    def write(self, text: str) -> None:
        """Takes what is printed."""
        room = _TEXT - self._length
        if room > 0:
            self._pieces.append(text[:room])
        self._length += len(text)
        self._on_text(text)

    def display(self, data: Mapping[str, Any]) -> None:
        """Takes what is displayed: its picture, and its text if it has none."""
        if "image/png" in data or "image/jpeg" in data:
            media = "image/png" if "image/png" in data else "image/jpeg"
            if len(self.pictures) < _PICTURES:
                self.pictures.append(Picture(media, _base64(data[media])))
        elif text := data.get("text/markdown") or data.get("text/plain"):
            self.write(f"{text}\n")

    def result(self, shell: InteractiveShell, value: Any) -> None:
        """Takes the value of the last expression, as a cell shows it."""
        if value is not None:
            self.display(shell.display_formatter.format(value)[0])

    def failed(self, error: str) -> None:
        """The code has raised."""
        self.error = error.strip()


@contextmanager
def collecting(shell: InteractiveShell, outputs: Outputs) -> Iterator[None]:
    """Within, what this context prints and displays goes to `outputs`, new figures too."""
    token = _current.set(outputs)
    figures = _figures()
    with _taken_over(shell):
        try:
            yield
        finally:
            _collect_figures(outputs, figures)
            _current.reset(token)


@contextmanager
def _taken_over(shell: InteractiveShell) -> Iterator[None]:
    before = sys.stdout, sys.stderr, shell.display_pub
    sys.stdout, sys.stderr, shell.display_pub = _Stream(before[0]), _Stream(before[1]), _Displays(before[2])
    try:
        yield
    finally:
        sys.stdout, sys.stderr, shell.display_pub = before


class _Stream:
    """A stream that gives what belongs to some code to it, and the rest to the stream that was there."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def write(self, text: str) -> int:
        outputs = _current.get()
        if outputs is None:
            return int(self._before.write(text) or 0)
        outputs.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


class _Displays:
    """The same for what is displayed."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def publish(self, data: Mapping[str, Any], *arguments: Any, **named: Any) -> None:
        outputs = _current.get()
        if outputs is None:
            self._before.publish(data, *arguments, **named)
        else:
            outputs.display(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


def _figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def _collect_figures(outputs: Outputs, before: set[int]) -> None:
    """The figures that the code has left open, as a cell shows them; those of the person stay as they are."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    for number in sorted(_figures() - before):
        file = BytesIO()
        pyplot.figure(number).savefig(file, format="png", bbox_inches="tight")
        outputs.display({"image/png": file.getvalue()})
        pyplot.close(number)


def _base64(picture: Any) -> str:
    return base64.b64encode(picture).decode() if isinstance(picture, bytes) else str(picture)
