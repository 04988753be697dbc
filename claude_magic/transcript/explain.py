"""What an error of the CLI means, and what to do about it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line

if TYPE_CHECKING:
    from claude_magic.wire import events as wire

__all__ = ["NOT_LOGGED_IN", "explained", "turn_error"]

NOT_LOGGED_IN = (
    "Not logged in. Run `claude` in a terminal and type /login, or set ANTHROPIC_API_KEY; "
    'or try it without an account: %config ClaudeMagics.backend = "offline"'
)
_KEY_REFUSED = (
    "The API did not accept the login (HTTP 401). Run `claude` in a terminal and type /login, "
    "or check ANTHROPIC_API_KEY."
)


def turn_error(event: wire.ResultEvent) -> str:
    """What went wrong in a turn, in a line that says what to do; "" if nothing did.

    `is_error` counts, whatever the subtype says: an API error comes as `success` with `is_error`.
    """
    if not event.is_error and event.subtype in {"", "success"}:
        return ""
    said = event.result or "; ".join(error for error in event.errors if "_diagnostic]" not in error)
    if said or event.api_error_status:
        return explained(said, event.api_error_status)
    return {
        "error_max_turns": "The turn reached its limit of model requests.",
        "error_during_execution": "The turn was stopped before its end.",
    }.get(event.subtype, "The turn failed, and the CLI did not say why.")


def explained(text: str, status: int | None = None) -> str:
    """An error of the CLI, with the next step where there is a better one than its own words.

    Args:
        text: What the CLI said.
        status: The HTTP status, if it gave one.
    """
    if "not logged in" in text.lower():
        return NOT_LOGGED_IN
    if status == 401 or "API Error: 401" in text:
        return _KEY_REFUSED
    return one_line(text) or (
        f"The API answered with HTTP status {status}." if status else "The turn failed."
    )
