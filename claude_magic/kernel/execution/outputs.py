"""What code prints and shows, kept apart from what else is printed meanwhile.

Whose output it is stands in a context variable, which the code's own tasks inherit. stdout, stderr and
IPython's publisher of displays are taken over only while some code runs.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_MEDIA = ("image/png", "image/jpeg")


class Outputs:
    """What some code has printed and shown, in order, and how it ended."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.error = ""
        self.interrupted = False
        self.on_text: Callable[[str], object] = lambda _: None
        self._clear()

    @property
    def text(self) -> str:
        """All that was printed, as a terminal shows it in the end."""
        left_out = self._length - _TEXT
        more = f"\n… {left_out:,} more characters were printed" if left_out > 0 else ""
        return printed("".join(self._pieces)).rstrip("\n") + more

    def write(self, text: str) -> None:
        """Takes what is printed."""
        room = _TEXT - self._length
        if room > 0:
            self._pieces.append(text[:room])
        self._length += len(text)
        self.on_text(text)

    def display(self, data: Mapping[str, Any]) -> None:
        """Takes what is displayed: its picture, and its text if it has none."""
        media = next((each for each in _MEDIA if each in data), None)
        if media is not None:
            if len(self.pictures) < _PICTURES:
                self.pictures.append(Picture(media, _base64(data[media])))
        elif text := data.get("text/markdown") or data.get("text/plain"):
            self.write(f"{text}\n")

    def clear(self) -> None:
        """Forgets what was printed and shown, as `clear_output` wants it."""
        self.pictures.clear()
        self._clear()

    def result(self, shell: InteractiveShell, value: Any) -> None:
        """Takes the value of the last expression, as a cell shows it."""
        if value is not None:
            self.display(shell.display_formatter.format(value)[0])

    def fail(self, error: str) -> None:
        """The code has raised."""
        self.error = error.strip()

    def _clear(self) -> None:
        self._pieces: list[str] = []
        self._length = 0


_current: ContextVar[Outputs | None] = ContextVar("claude_magic_outputs", default=None)


@contextmanager
def collecting(
    shell: InteractiveShell | None, outputs: Outputs, on_text: Callable[[str], object]
) -> Iterator[None]:
    """Within, what this context prints and displays goes to `outputs`, new figures too.

    Args:
        shell: Where it would go otherwise, if there is one.
        outputs: Takes it.
        on_text: Called with each piece of text, as it comes.
    """
    token, figures, outputs.on_text = _current.set(outputs), _figures(), on_text
    with _taken_over(shell):
        try:
            yield
        finally:
            _collect_figures(outputs, figures)
            _current.reset(token)


@contextmanager
def _taken_over(shell: InteractiveShell | None) -> Iterator[None]:
    """Puts what routes output in the place of stdout, stderr and the publisher, unless it stands there."""
    owners: tuple[tuple[Any, str, type[_Router]], ...] = (
        (sys, "stdout", _Stream),
        (sys, "stderr", _Stream),
        *([(shell, "display_pub", _Displays)] if shell is not None else []),
    )
    for owner, name, router in owners:
        if not isinstance(getattr(owner, name), _Router):
            setattr(owner, name, router(getattr(owner, name)))
    routers = [(owner, name, getattr(owner, name)) for owner, name, _ in owners]
    for _, _, router in routers:
        router.users += 1
    try:
        yield
    finally:
        for owner, name, router in routers:
            router.users -= 1
            if not router.users and getattr(owner, name) is router:  # else somebody has put theirs above it
                setattr(owner, name, router.before)


class _Router:
    """Gives what belongs to some code to its Outputs, and the rest to what was there before."""

    def __init__(self, before: Any) -> None:
        self.before = before
        self.users = 0
        self._pid = os.getpid()

    def outputs(self) -> Outputs | None:
        """Whose it is; a forked child's goes where it went before."""
        return _current.get() if self.users and os.getpid() == self._pid else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.before, name)


class _Stream(_Router):
    """A stream."""

    def write(self, text: str) -> int:
        outputs = self.outputs()
        if outputs is None:
            return int(self.before.write(text) or 0)
        outputs.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)


class _Displays(_Router):
    """IPython's publisher."""

    def publish(self, data: Mapping[str, Any], *arguments: Any, update: bool = False, **named: Any) -> None:
        outputs = self.outputs()
        if outputs is None:
            self.before.publish(data, *arguments, update=update, **named)
        elif not update:  # of a progress bar the first state is enough
            outputs.display(data)

    def clear_output(self, *arguments: Any, **named: Any) -> None:
        outputs = self.outputs()
        if outputs is None:
            self.before.clear_output(*arguments, **named)
        else:
            outputs.clear()


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
