"""What a task says, line by line: the newest lines of its answer, and the tool calls between them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from claude_magic.control_characters import one_line
from claude_magic.tools import tool_called
from claude_magic.transcript.blocks import Block, NoticeBlock, TextBlock, ToolBlock

__all__ = ["LINES", "Output"]

LINES = 1_000  # kept
LINE_LIMIT = 2_000  # characters; what is longer goes on in the next line
_ARGUMENT_LIMIT = 200


class Output:
    """A ring of lines that listens to a turn's transcript.

    Args:
        tell: Called with each line once it is whole.
    """

    def __init__(self, tell: Callable[[str], object] = lambda _: None) -> None:
        self._lines: deque[str] = deque(maxlen=LINES)
        self._open = ""  # the line that still grows
        self._tell = tell

    @property
    def lines(self) -> list[str]:
        """The newest lines, oldest first; the last one may still grow."""
        return [*self._lines, self._open][-LINES:] if self._open else list(self._lines)

    @property
    def last(self) -> str:
        """The newest line that says something."""
        return next((line for line in reversed(self.lines) if line.strip()), "")

    def handle(self, block: Block, piece: str = "") -> None:
        """Takes in what has come to a block; its text, once it is finished, ends its line."""
        match block:
            case TextBlock():
                self._feed(piece)
                if block.finished:
                    self.end_line()
            case ToolBlock():
                self.end_line()
                self._feed(f"[{block.name}] {_argument(block.name, block.input)}\n")
            case NoticeBlock():
                self.end_line()
                self._feed(f"{block.text}\n")

    def end_line(self) -> None:
        """Nothing more comes to the last line."""
        if self._open:
            self._feed("\n")

    def _feed(self, text: str) -> None:
        *whole, self._open = (self._open + text).split("\n")
        for line in whole:
            self._add(line)
        while len(self._open) > LINE_LIMIT:
            self._add(self._open[:LINE_LIMIT])
            self._open = self._open[LINE_LIMIT:]

    def _add(self, line: str) -> None:
        for start in range(0, max(1, len(line)), LINE_LIMIT):
            piece = line[start : start + LINE_LIMIT]
            self._lines.append(piece)
            self._tell(piece)


def _argument(name: str, arguments: Mapping[str, object]) -> str:
    """What a call is about: the command, the path, the pattern."""
    text = arguments.get(tool_called(name).argument_in(arguments))
    return one_line(text[: 10 * _ARGUMENT_LIMIT], _ARGUMENT_LIMIT) if isinstance(text, str) else ""
