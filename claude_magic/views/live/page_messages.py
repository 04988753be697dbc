"""What a page needs to ask a person, and what becomes of its answer. Pure.

The promise: a card holds text only, and an answer is a Decision only if it fits the request it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from claude_magic.control_characters import shortened, show_invisibles
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.transcript.blocks import PermissionBlock
from claude_magic.wording import tool as tool_wording

__all__ = ["Action", "Decide", "Do", "SetMode", "TakeEnd", "action", "card", "decision"]

_MESSAGE_LIMIT = 64_000
_LABEL_LIMIT = 400
_OPTIONS_LIMIT = 40


class Do(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="do"):
    """A word: stop, stop now, leave the queue, begin anew, send everything or the answer, hello, undo."""

    what: Literal["stop", "kill", "cancel", "fresh", "sync", "hello", "undo", "answer"]


class TakeEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="end"):
    """A page would put the end of the turn into the notebook; `page` is its name for itself."""

    page: Annotated[str, msgspec.Meta(max_length=40)]


class SetMode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="mode"):
    """Another permission mode; one that asks less than `acceptEdits` cannot come from a page."""

    mode: Literal["default", "acceptEdits", "plan"]


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="decide"):
    """The answer to a request."""

    id: str
    behavior: Literal["allow", "always", "deny"]
    message: str = ""
    answers: dict[str, str] = {}
    mode: Literal["", "acceptEdits"] = ""


Action = Do | TakeEnd | SetMode | Decide


def action(content: object) -> Action | None:
    """What a page's message asks for; None if it is none that a page may send."""
    try:
        if len(msgspec.json.encode(content)) > _MESSAGE_LIMIT:
            return None
        message: Action = msgspec.convert(content, Action)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
        return None
    return message


def card(block: PermissionBlock) -> dict[str, object]:
    """What the page makes the buttons of a request from."""
    request = block.request
    fields: dict[str, object] = {"id": request.id, "kind": block.kind}
    if block.kind == "question":
        return fields | {"questions": [_question(item) for item in request.questions[:_OPTIONS_LIMIT]]}
    always = (
        shortened(show_invisibles(request.always_means), _LABEL_LIMIT) if block.kind == "permission" else ""
    )
    tool = tool_wording.tool_name(request.tool_name)
    return fields | {"always": always, "tool": tool, "denyFirst": request.default_to_no}


def decision(request: PermissionRequest, answer: Decide) -> Decision | None:
    """The decision that an answer stands for; None if it does not fit the request."""
    behavior = Behavior(answer.behavior)
    if answer.mode and not (request.is_plan and behavior is Behavior.ALLOW):
        return None
    if behavior is Behavior.ALWAYS and not request.always_means:
        return None
    if behavior is Behavior.DENY:
        return None if answer.answers else Decision(behavior=behavior, message=answer.message.strip())
    if not request.is_question:
        return None if answer.answers else Decision(behavior=behavior, mode=answer.mode)
    questions = [str(item.get("question", "")) for item in request.questions[:_OPTIONS_LIMIT]]
    if sorted(answer.answers) != sorted(set(questions)) or not all(
        text.strip() for text in answer.answers.values()
    ):
        return None
    return Decision(behavior=Behavior.ALLOW, answers=answer.answers)


def _question(item: Mapping[str, object]) -> dict[str, object]:
    options = item.get("options")
    return {
        "id": str(item.get("question", "")),  # goes back as it came
        "question": _text(item.get("question")),
        "several": bool(item.get("multiSelect")),
        "options": [
            {
                "id": str(option.get("label", "")),
                "label": _text(option.get("label")),
                "about": _text(option.get("description")),
            }
            for option in (options[:_OPTIONS_LIMIT] if isinstance(options, list) else ())
            if isinstance(option, Mapping)
        ],
    }


def _text(value: object) -> str:
    return shortened(show_invisibles(str(value or "")), 10 * _LABEL_LIMIT)
