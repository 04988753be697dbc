"""What a turn came to: the Result from its transcript and the CLI's last word. Pure."""

from __future__ import annotations

from claude_magic.result import Result, Usage
from claude_magic.session.turn import Turn
from claude_magic.wire.events import ResultEvent, TokenUsage

__all__ = ["context_left", "result_of"]


def result_of(
    turn: Turn,
    event: ResultEvent | None,
    *,
    error: str = "",
    cost_usd: float = 0.0,
    session_id: str = "",
    model: str = "",
) -> Result:
    """The turn's value; `event` is None if the CLI never ended the turn."""
    return Result(
        text=turn.transcript.answer,
        tool_calls=turn.transcript.tool_calls,
        usage=_usage(event.usage) if event and event.usage else Usage(),
        cost_usd=cost_usd,
        duration=turn.duration,
        session_id=session_id,
        is_error=bool(error),
        interrupted=turn.interrupted,
        error=error,
        data=event.structured_output if event else None,
        prompt=turn.prompt,
        model=model,
        num_turns=event.num_turns if event else 0,
    )


def context_left(event: ResultEvent | None) -> float | None:
    """The share of the context window that the turn left free, 0 to 1; None if the CLI does not tell."""
    if event is None or event.usage is None:
        return None
    window = max((usage.context_window for usage in event.model_usage.values()), default=0)
    return max(0.0, 1 - _usage(event.usage).total / window) if window else None


def _usage(usage: TokenUsage) -> Usage:
    return Usage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_input_tokens=usage.cache_read_input_tokens or 0,
        cache_creation_input_tokens=usage.cache_creation_input_tokens or 0,
    )
