"""What a turn came to: the Result from its transcript and the CLI's last word. Pure."""

from __future__ import annotations

from claude_magic.control_characters import one_line
from claude_magic.result import Result, Usage
from claude_magic.schema import MismatchError, Schema
from claude_magic.session.turn import Turn
from claude_magic.tools import DATA_TOOL
from claude_magic.wire.events import ResultEvent, TokenUsage

__all__ = ["context_left", "result_of"]

_NO_DATA = "error_max_structured_output_retries"  # the CLI has refused what the model gave, again and again


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
    data: object = None
    if event is not None and not turn.interrupted and (not error or event.subtype == _NO_DATA):
        data, error = _data(turn, event)
    return Result(
        text=turn.transcript.answer or _data_as_text(event),
        tool_calls=turn.transcript.tool_calls,
        files=turn.transcript.edits.files,
        usage=_usage(event.usage) if event and event.usage else Usage(),
        cost_usd=cost_usd,
        duration=turn.duration,
        session_id=session_id,
        is_error=bool(error),
        interrupted=turn.interrupted,
        error=error,
        data=data,
        prompt=turn.prompt,
        model=model,
        num_turns=event.num_turns if event else 0,
    )


def _data(turn: Turn, event: ResultEvent) -> tuple[object, str]:
    """The data that a turn with a schema was to give, and why it is none; "" if it fits."""
    schema: Schema | None = turn.options.schema
    if schema is None:
        return None, ""
    calls = [call for call in turn.transcript.tool_calls if call.name == DATA_TOOL]
    answer = event.structured_output
    if answer is None and not calls:
        return None, f"The answer has no data for {schema}, only text."
    try:
        data = schema.data(calls[-1].input if answer is None else answer)
    except MismatchError as error:
        return None, f"The answer does not fit {schema}: {error}."
    if answer is None:  # the CLI is stricter, and has refused it
        return None, f"The answer does not fit {schema}: {one_line(calls[-1].result, 300)}."
    return data, ""


def _data_as_text(event: ResultEvent | None) -> str:
    return event.result or "" if event is not None and event.structured_output is not None else ""


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
