"""What a task says, line by line: the newest lines of its answer, and the tool calls between them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from claude_magic.wire.events import AssistantMessage, Block, Event, StreamEvent

__all__ = ["LINES", "Output"]

LINES = 1_000  # kept
LINE_LIMIT = 2_000  # characters; what is longer goes on in the next line
_ARGUMENT_LIMIT = 200


class Output:
    """A ring of lines that follows a turn's events.

    Args:
        tell: Called with each line once it is whole.
    """

    def __init__(self, tell: Callable[[str], object] = lambda _: None) -> None:
        self._lines: deque[str] = deque(maxlen=LINES)
        self._open = ""  # the line that still grows
        self._streamed = False  # the text block at hand has come piece by piece
        self._tell = tell

    @property
    def lines(self) -> list[str]:
        """The newest lines, oldest first; the last one may still grow."""
        return [*self._lines, self._open][-LINES:] if self._open else list(self._lines)

    @property
    def last(self) -> str:
        """The newest line that says something."""
        return next((line for line in reversed(self.lines) if line.strip()), "")

    def hear(self, event: Event | None) -> None:
        """Takes in an event of the turn; None is its end."""
        match event:
            case StreamEvent(parent_tool_use_id=None) if event.event.delta and event.event.delta.text:
                self._streamed = True
                self._feed(event.event.delta.text)
            case AssistantMessage(parent_tool_use_id=None):
                for block in event.message.blocks:
                    self._take(block)
                self._streamed = False
            case None:
                self._end_line()

    def _take(self, block: Block) -> None:
        if block.type == "text" and block.text and not self._streamed:  # a slash command's answer, say
            self._feed(block.text)
        self._end_line()
        if block.type == "tool_use":
            self._feed(f"[{block.name}] {_argument(block.input or {})}\n")

    def _feed(self, text: str) -> None:
        *whole, self._open = (self._open + text).split("\n")
        for line in whole:
            self._add(line)
        while len(self._open) > LINE_LIMIT:
            self._add(self._open[:LINE_LIMIT])
            self._open = self._open[LINE_LIMIT:]

    def _end_line(self) -> None:
        if self._open:
            self._feed("\n")

    def _add(self, line: str) -> None:
        for start in range(0, max(1, len(line)), LINE_LIMIT):
            piece = line[start : start + LINE_LIMIT]
            self._lines.append(piece)
            self._tell(piece)


def _argument(given: Mapping[str, object]) -> str:
    """The first text among a call's arguments: the command, the path, the pattern."""
    text = next((value for value in given.values() if isinstance(value, str) and value.strip()), "")
    line = " ".join(text[: 10 * _ARGUMENT_LIMIT].split())
    return line if len(line) <= _ARGUMENT_LIMIT else f"{line[: _ARGUMENT_LIMIT - 1]}…"
