"""The last lines of a program's stderr. Pure and bounded: bytes in, a few harmless, redacted lines out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from claude_magic.control_characters import one_line

__all__ = ["Tail"]

LINES = 1000
LINE_LENGTH = 2000  # bytes kept of a line: its beginning
SHOWN_LENGTH = 300  # characters of a line that are shown


class Tail:
    """Keeps the last lines.

    Args:
        redact: Takes secrets out of a line that is going to be shown.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._lines: deque[bytes] = deque(maxlen=LINES)
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Takes in the next bytes, cut anywhere."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._lines.extend(line[:LINE_LENGTH] for line in lines[-LINES:])
        self._rest = rest[:LINE_LENGTH]

    def last(self, lines: int) -> list[str]:
        """The last lines that are not blank, with nothing that a terminal acts on, redacted and shortened."""
        texts = (one_line(line.decode(errors="replace")) for line in (self._rest, *reversed(self._lines)))
        last = [text for text, _ in zip(filter(None, texts), range(lines), strict=False)]
        return [self._redact(text)[:SHOWN_LENGTH] for text in reversed(last)]
