"""What an error of the CLI means, and what to do about it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line
from claude_magic.transcript.advice import typeable

if TYPE_CHECKING:
    from claude_magic.wire import events as wire

__all__ = ["LOGIN_REFUSED", "NOT_LOGGED_IN", "explained", "silence", "turn_error"]

NOT_LOGGED_IN = (
    "Not logged in. Type: %claude_login (in a terminal: claude-magic login). "
    'To try it without an account: %config ClaudeMagics.backend = "offline"'
)
LOGIN_REFUSED = (
    "The API did not accept the login (HTTP 401). If ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN is set, "
    "check it; otherwise type: %claude_login (in a terminal: claude-magic login)."
)
_FORBIDDEN = re.compile(r"API Error: 403\s*(.*)", re.DOTALL)
_NO_CONNECTION = re.compile(
    r"\((?:E[A-Z_]{4,}|Connection\w+|FailedToOpenSocket)\)|connect to API|reach the API|Connection error"
)

_SILENCES = {
    "max_tokens": ": the model's limit of output tokens was reached",
    "model_context_window_exceeded": ": the context window is full",
    "refusal": ": the model declined",
}
# Ends that are as they should be, or that an interrupt, which has its own words, has brought about.
_FINE = {
    None,
    "",
    "aborted_streaming",
    "aborted_tools",
    "background_requested",
    "completed",
    "stop_hook_prevented",  # after the answer
    "tool_deferred",
}


def turn_error(event: wire.ResultEvent, halt: str = "", unreachable: str = "") -> str:
    """What went wrong in a turn, in a line that says what to do; "" if nothing did.

    `is_error` counts, whatever the subtype says: an API error comes as `success` with `is_error`. So does an
    end before the answer: a hook's no comes as `success` and without any request to the model.

    Args:
        event: The turn's last word.
        halt: Why the CLI went no further, if it said so.
        unreachable: Why the API cannot be reached, if that is known.
    """
    if not event.is_error and event.subtype in {"", "success"}:
        return _cut_short(event, halt)
    reason = event.result or "; ".join(error for error in event.errors if "_diagnostic]" not in error)
    if reason or event.api_error_status:
        return explained(reason, event.api_error_status, unreachable)
    return {
        "error_max_turns": "The turn reached its limit of model requests.",
        "error_during_execution": "The turn was stopped before its end.",
    }.get(event.subtype, "The turn failed, and the CLI did not say why.")


def silence(event: wire.ResultEvent) -> str:
    """What to say of a turn that ended well and without a word."""
    if event.num_turns == 0:
        return "The command said nothing."
    why = _SILENCES.get(event.stop_reason or "", "")
    return f"Claude ended the turn without an answer{why}."


def _cut_short(event: wire.ResultEvent, halt: str) -> str:
    if halt and (event.num_turns == 0 or event.terminal_reason == "hook_stopped"):
        return halt
    if event.terminal_reason in _FINE:
        return ""
    return f"The turn ended before its answer ({str(event.terminal_reason).replace('_', ' ')})."


def explained(text: str, status: int | None = None, unreachable: str = "") -> str:
    """An error of the CLI, with the next step where there is a better one than its own words.

    Args:
        text: What the CLI said.
        status: The HTTP status, if it gave one.
        unreachable: Why the API cannot be reached, if that is known.
    """
    if unreachable and status is None and _NO_CONNECTION.search(text):
        return f"{unreachable}. To look further, in a terminal: claude-magic doctor"
    if "not logged in" in text.lower():
        return NOT_LOGGED_IN
    if status == 401 or "API Error: 401" in text:
        return LOGIN_REFUSED
    if forbidden := _FORBIDDEN.search(text):
        why = one_line(forbidden[1]) or "no reason given"
        return f"The API does not let this login do that (HTTP 403): {why}"
    return one_line(typeable(text)) or (
        f"The API answered with HTTP status {status}." if status else "The turn failed."
    )
