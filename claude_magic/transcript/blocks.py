"""What a turn is made of: the blocks of a transcript, in the order in which they appear.

Plain data, bounded by a `Budget`; who changes a block tells its transcript. Imports only the permissions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Literal

from msgspec import Struct, field

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.tool_server import Preview

__all__ = [
    "Block",
    "Budget",
    "Footer",
    "GrowingBlock",
    "Level",
    "NoticeBlock",
    "PermissionBlock",
    "PermissionKind",
    "Picture",
    "RetryBlock",
    "TextBlock",
    "ThinkingBlock",
    "ToolBlock",
    "ToolState",
]

_RESULT_LIMIT = 64_000
_STRING_LIMIT = 200_000
_ITEM_LIMIT = 2_000
_DEPTH_LIMIT = 24
_KEY_LIMIT = 200
_PIECES = 1_000  # small strings take ten times the room of their text, so they are joined by the thousand

Level = Literal["info", "warning", "error"]
PermissionKind = Literal["permission", "question", "plan"]


class ToolState(Enum):
    """How far a tool call has come; the value is the word a person reads."""

    WRITING = "being written"
    WAITING = "waiting for you"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    DENIED = "denied"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """Nothing more is expected of the call."""
        return self not in {ToolState.WRITING, ToolState.WAITING, ToolState.RUNNING}


class Block(Struct, kw_only=True, eq=False):
    """Base of all blocks.

    Args:
        number: Unique within the transcript, rising.
        revision: The transcript's revision when the block last changed.
    """

    number: int = 0
    revision: int = 0


class GrowingBlock(Block, kw_only=True, eq=False):
    """Text that grows by appending and is joined when it is read, so that growing costs linear time.

    Args:
        finished: The text is whole.
        hidden: Characters left out because the transcript is full.
    """

    finished: bool = False
    hidden: int = 0
    _parts: list[str] = []
    _pieces: list[str] = []  # the newest

    @property
    def text(self) -> str:
        """All that has come."""
        if self._pieces or len(self._parts) > 1:
            self._parts = ["".join((*self._parts, *self._pieces))]
            self._pieces.clear()
        return self._parts[0] if self._parts else ""

    def append(self, piece: str) -> None:
        """Lets the text grow."""
        self._pieces.append(piece)
        if len(self._pieces) == _PIECES:
            self._parts.append("".join(self._pieces))
            self._pieces.clear()

    def replace(self, text: str) -> None:
        """Puts another text in its place."""
        self._parts = [text]
        self._pieces.clear()


class TextBlock(GrowingBlock, kw_only=True, eq=False):
    """A piece of the answer, in Markdown."""


class ThinkingBlock(GrowingBlock, kw_only=True, eq=False):
    """What the model thought.

    Args:
        started: When it began, in seconds of the transcript's clock.
        duration: Seconds it took; None while it goes on.
    """

    started: float = 0.0
    duration: float | None = None


class Picture(Struct, frozen=True):
    """An image in a tool's result, base64."""

    media_type: str
    data: str


class ToolBlock(Block, kw_only=True, eq=False):
    """A tool call and what came of it.

    Args:
        id: The call's id.
        name: The tool, as the CLI names it.
        input: Its input; empty until it has been written.
        partial: The JSON of the input as far as it has been written.
        state: How far it has come.
        result: The result's text, head and tail if it is long.
        details: The CLI's structured result, or None.
        preview: What it changes in a text, if it is a tool of ours that says so.
        pictures: Images in the result.
        note: A line of ours about what came of it, "" for none.
        todos: The to-do list after a call that has changed it, as (status, text); None for any other call.
        superseded: Another call shows the list, or there is nothing on it.
        asked: Whether a person was asked for leave, and what came of it; None if nobody was.
        children: What a subagent did, for the tools that start one.
        started: When it began, in seconds of the transcript's clock.
        duration: Seconds it ran; None while it goes on.
    """

    id: str
    name: str
    input: dict[str, object] = {}
    partial: GrowingBlock = field(default_factory=GrowingBlock)
    state: ToolState = ToolState.WRITING
    result: str = ""
    details: object = None
    preview: Preview | None = None
    pictures: tuple[Picture, ...] = ()
    note: str = ""
    todos: tuple[tuple[str, str], ...] | None = None
    superseded: bool = False
    asked: PermissionBlock | None = None
    children: list[Block] = []
    started: float = 0.0
    duration: float | None = None


class NoticeBlock(Block, kw_only=True, eq=False):
    """A line of ours: something happened that the reader should know."""

    text: str
    level: Level = "info"


class RetryBlock(Block, kw_only=True, eq=False):
    """The API refused for now, and the CLI tries again; one block for all attempts in a row.

    Args:
        attempt: The attempt that failed last, from 1.
        max_retries: Attempts the CLI makes.
        delay_s: Seconds until the next one.
        status: HTTP status, if there was one.
        reason: The API's word for it.
        cause: Why it cannot be reached, if that is known.
        over: The stream went on, or the turn ended.
        given_up: The turn ended in an error by it, which says why.
    """

    attempt: int = 0
    max_retries: int = 0
    delay_s: float = 0.0
    status: int | None = None
    reason: str = ""
    cause: str = ""
    over: bool = False
    given_up: bool = False


class PermissionBlock(Block, kw_only=True, eq=False):
    """Something a person was asked: leave to act, a question, or whether a plan may go on.

    One that is a part of its call has the call's number.

    Args:
        request: What is asked.
        decision: The answer; None while it is waited for.
        withdrawn: The turn, or its process, ended before there was an answer.
    """

    request: PermissionRequest
    decision: Decision | None = None
    withdrawn: bool = False

    @property
    def kind(self) -> PermissionKind:
        """What sort of answer is wanted."""
        if self.request.is_question:
            return "question"
        return "plan" if self.request.is_plan else "permission"

    @property
    def pending(self) -> bool:
        """An answer is waited for."""
        return self.decision is None and not self.withdrawn

    @property
    def denied(self) -> bool:
        """The answer was no."""
        return self.decision is not None and self.decision.behavior is Behavior.DENY


class Footer(Struct, frozen=True, kw_only=True):
    """What a turn took.

    Args:
        requests: Requests to the model.
        seconds: From the prompt to the end.
        tokens: Tokens in and out.
        cached: How many of them were read from the cache.
        cost_usd: US dollars of this turn.
        context_left: Share of the context window still free, 0 to 1; None if unknown.
    """

    requests: int
    seconds: float
    tokens: int
    cost_usd: float
    context_left: float | None = None
    cached: int = 0


class Budget(Struct, eq=False):
    """Keeps a transcript bounded: hands out room until there is none, then counts what is hidden.

    Args:
        left: Characters there is still room for.
        hidden: Characters that were left out.
    """

    left: int
    hidden: int = 0

    def text(self, text: str) -> str:
        """The part of `text`, from its beginning, there is room for."""
        beginning = text[: self.left]
        self.left -= len(beginning)
        self.hidden += len(text) - len(beginning)
        return beginning

    def give_back(self, shown: int, hidden: int) -> None:
        """Frees the room of a text that is put aside."""
        self.left += shown
        self.hidden -= hidden

    def ends(self, text: str, limit: int = _RESULT_LIMIT) -> str:
        """Head and tail of `text`, at most `limit` characters, as far as there is room."""
        limit = min(limit, self.left)
        if len(text) <= limit:
            return self.text(text)
        cut, head = len(text) - limit, limit // 2
        self.hidden += cut
        self.left -= limit
        return f"{text[:head]}\n… {cut:,} characters hidden …\n{text[head + cut :]}"

    def json(self, value: object, depth: int = 0) -> object:
        """A copy of JSON data, bounded in depth, number and size."""
        if isinstance(value, str):
            return self.ends(value, _STRING_LIMIT)
        if isinstance(value, (Mapping, list, tuple)):
            if depth >= _DEPTH_LIMIT or self.left <= 0:
                self.hidden += 1
                return "…"
            return self._mapping(value, depth) if isinstance(value, Mapping) else self._items(value, depth)
        self.left -= 1
        return value

    def record(self, value: Mapping[str, object]) -> dict[str, object]:
        """A bounded copy of a JSON object."""
        return self._mapping(value, 0)

    def _mapping(self, value: Mapping[str, object], depth: int) -> dict[str, object]:
        kept = list(value.items())[:_ITEM_LIMIT]
        self.hidden += len(value) - len(kept)
        return {self.text(str(key)[:_KEY_LIMIT]): self.json(item, depth + 1) for key, item in kept}

    def _items(self, value: Sequence[object], depth: int) -> list[object]:
        self.hidden += max(0, len(value) - _ITEM_LIMIT)
        return [self.json(item, depth + 1) for item in value[:_ITEM_LIMIT]]
