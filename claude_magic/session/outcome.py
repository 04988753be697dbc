"""What a turn came to: the Result from its transcript and the CLI's last word. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from claude_magic.control_characters import one_line
from claude_magic.result import Result
from claude_magic.schema import MismatchError, Schema
from claude_magic.session.turn import Turn
from claude_magic.session.usage import plain
from claude_magic.tools import DATA_TOOL
from claude_magic.wire.events import ResultEvent

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
        # The same, unless the turn was cut or nothing of it was streamed.
        usage=max(turn.usage.total, plain(event.usage if event else None), key=lambda usage: usage.total),
        cost_usd=cost_usd,
        duration=turn.duration,
        session_id=session_id,
        is_error=bool(error),
        interrupted=turn.interrupted,
        error=error,
        data=data,
        prompt=turn.prompt,
        model=model,
        num_turns=turn.usage.requests,
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


def context_left(turn: Turn, windows: Mapping[str, int], model: str) -> float | None:
    """The share of the context window that the turn left free, 0 to 1; None if nothing has told.

    Args:
        turn: The turn.
        windows: The models' windows in tokens, as far as the CLI has told them.
        model: The conversation's.
    """
    window = windows.get(model) or max(windows.values(), default=0)
    if turn.usage.context is None or not window:
        return None
    return max(0.0, 1 - turn.usage.context / window)
