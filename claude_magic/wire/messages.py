"""The parts of events: messages, their blocks, and how they grow as they are streamed. Pure."""

from __future__ import annotations

import msgspec

__all__ = ["JSON", "Block", "Delta", "Message", "ModelUsage", "RawStream", "Record", "TokenUsage"]

JSON = dict[str, object]


class Record(msgspec.Struct, frozen=True):
    """Base of everything decoded here."""


class TokenUsage(Record, frozen=True):
    """Token counts as the API gives them; any may be missing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class ModelUsage(Record, frozen=True, rename="camel"):
    """One model's share of the process's usage so far (cumulative)."""

    context_window: int = 0
    cost_usd: float = msgspec.field(default=0.0, name="costUSD")


class Block(Record, frozen=True):
    """A content block: text, thinking, tool_use, tool_result, image, or one we do not know."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: JSON | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None
    is_error: bool | None = None
    source: JSON | None = None


class Message(Record, frozen=True):
    """A message of the conversation. `content` is text or blocks."""

    id: str | None = None
    model: str | None = None
    content: str | list[Block] = ""
    usage: TokenUsage | None = None

    @property
    def blocks(self) -> list[Block]:
        """The content as blocks, whichever way it was sent."""
        if isinstance(self.content, str):
            return [Block(type="text", text=self.content)] if self.content else []
        return self.content


class Delta(Record, frozen=True):
    """The growth of a block, or of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class RawStream(Record, frozen=True):
    """One event of the Messages API's stream."""

    type: str = ""
    index: int = 0
    content_block: Block | None = None
    delta: Delta | None = None
    message: Message | None = None
    usage: TokenUsage | None = None
