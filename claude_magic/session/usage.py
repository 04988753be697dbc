"""What a turn's requests to the model took, as their messages tell it. Pure: events in, counts out.

The CLI's own figures come with the end of a turn and leave out what was cut: measured after an interrupt,
2.1.332 and 2.1.191 give no tokens for the message that was being written, and count the interrupt itself as
one more turn. What a message has taken stands at its beginning, so nothing is missing here but the words
after it.
"""

from __future__ import annotations

from claude_magic.result import Usage
from claude_magic.wire.messages import Message, RawStream, TokenUsage

__all__ = ["TurnUsage", "merged", "plain"]

_SYNTHETIC = "<synthetic>"  # the model of a message that the CLI has written itself


class TurnUsage:
    """Follows one turn's events; a subagent's messages count as requests, their tokens do not count."""

    def __init__(self) -> None:
        self.requests = 0
        self._earlier = Usage()  # of all messages but the newest
        self._newest: TokenUsage | None = None
        self._ids: dict[str | None, str | None] = {}  # the newest message of each agent
        self._replaced: int | None = None  # the context's tokens, if it was made anew since

    @property
    def total(self) -> Usage:
        """The tokens of the main agent's messages so far."""
        return _sum(self._earlier, plain(self._newest))

    @property
    def context(self) -> int | None:
        """Tokens that the conversation has now; None if nothing has told."""
        if self._replaced is None and self._newest is not None:
            return plain(self._newest).total
        return self._replaced

    def stream(self, raw: RawStream, agent: str | None = None) -> None:
        """A piece of a message has come; `agent` is the call that a subagent works for."""
        if raw.type == "message_start" and raw.message is not None:
            self._begin(agent, raw.message)
        elif raw.type == "message_delta" and raw.usage is not None and agent is None:
            self._newest = merged(self._newest or TokenUsage(), raw.usage)

    def message(self, message: Message, agent: str | None = None) -> None:
        """A block of a message is there; one that was not streamed, as a subagent's, begins by it."""
        if message.model != _SYNTHETIC and message.id and message.id != self._ids.get(agent):
            self._begin(agent, message)

    def replace(self, context: int | None) -> None:
        """Something else stands in the place of the conversation so far, with so many tokens."""
        self._replaced = context

    def _begin(self, agent: str | None, message: Message) -> None:
        self.requests += 1
        self._ids[agent] = message.id
        if agent is None:
            self._earlier = self.total
            self._newest, self._replaced = message.usage, None


def merged(start: TokenUsage, delta: TokenUsage) -> TokenUsage:
    """A `message_delta` repeats or completes the counts of `message_start`."""
    return TokenUsage(
        input_tokens=delta.input_tokens or start.input_tokens,
        output_tokens=delta.output_tokens or start.output_tokens,
        cache_read_input_tokens=delta.cache_read_input_tokens or start.cache_read_input_tokens,
        cache_creation_input_tokens=delta.cache_creation_input_tokens or start.cache_creation_input_tokens,
    )


def plain(usage: TokenUsage | None) -> Usage:
    """The API's counts, with 0 for each that is missing."""
    usage = usage or TokenUsage()
    return Usage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_input_tokens=usage.cache_read_input_tokens or 0,
        cache_creation_input_tokens=usage.cache_creation_input_tokens or 0,
    )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cache_read_input_tokens=one.cache_read_input_tokens + other.cache_read_input_tokens,
        cache_creation_input_tokens=one.cache_creation_input_tokens + other.cache_creation_input_tokens,
    )
