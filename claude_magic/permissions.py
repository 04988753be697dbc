"""What the CLI asks before it acts, and what is answered. Pure; no front end, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

__all__ = ["Asker", "Behavior", "Decision", "PermissionRequest", "deny_unattended"]


class Behavior(Enum):
    """The three answers to a permission request."""

    ALLOW = "allow"
    ALWAYS = "always"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRequest:
    """A tool call that waits for an answer.

    Args:
        id: The control request's id.
        tool_use_id: The tool call it is about.
        tool_name: As the CLI names it.
        input: The whole input of the call.
        description: The CLI's short description, or "".
        blocked_path: The path that made it ask, or "".
        suggestions: The CLI's ready-made permission updates for "always".
    """

    id: str
    tool_use_id: str
    tool_name: str
    input: dict[str, object]
    description: str = ""
    blocked_path: str = ""
    suggestions: Sequence[Mapping[str, object]] = ()

    @classmethod
    def from_wire(cls, request_id: str, asked: Mapping[str, object]) -> PermissionRequest:
        """The request as the CLI sends it; what is not as expected counts as absent."""
        tool_input, suggestions = asked.get("input"), asked.get("permission_suggestions")
        return cls(
            id=request_id,
            tool_use_id=str(asked.get("tool_use_id", "")),
            tool_name=str(asked.get("tool_name", "")),
            input=tool_input if isinstance(tool_input, dict) else {},
            description=str(asked.get("description") or ""),
            blocked_path=str(asked.get("blocked_path") or ""),
            suggestions=suggestions if isinstance(suggestions, list) else (),
        )

    @property
    def is_question(self) -> bool:
        """Claude asks the person something, rather than for leave to act."""
        return self.tool_name == "AskUserQuestion"

    @property
    def is_plan(self) -> bool:
        """Claude shows a plan and asks to go on."""
        return self.tool_name == "ExitPlanMode"

    @property
    def always_means(self) -> str:
        """What "always" would allow, in words; "" if the CLI suggests nothing."""
        return "; ".join(text for text in map(_in_words, self.suggestions) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to a permission request.

    Args:
        behavior: Allow once, always allow, or deny.
        message: Why it was denied; Claude is told.
        answers: For a question: its text to the chosen label or free text.
        interrupt: Deny and end the turn.
        by: Who decided: "you", "nobody to ask", "stopped".
    """

    behavior: Behavior
    message: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    interrupt: bool = False
    by: str = "you"

    def response(self, request: PermissionRequest) -> dict[str, object]:
        """The body of the control response for `request`."""
        if self.behavior is Behavior.DENY:
            message = self.message or "The user denied this tool call."
            return {"behavior": "deny", "message": message, "interrupt": self.interrupt}
        updated = dict(request.input) | ({"answers": dict(self.answers)} if self.answers else {})
        response: dict[str, object] = {"behavior": "allow", "updatedInput": updated}
        if self.behavior is Behavior.ALWAYS and request.suggestions:
            response["updatedPermissions"] = [dict(suggestion) for suggestion in request.suggestions]
        return response


class Asker(Protocol):
    """Puts a request before a person and brings the answer."""

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        """The person's decision."""
        ...


async def deny_unattended(request: PermissionRequest, /) -> Decision:
    """The answer where nobody can be asked: no, and which flag would have allowed it."""
    if request.is_question:
        return Decision(
            behavior=Behavior.DENY,
            message="Nobody can answer here. Go on with the most sensible choice and say which it was.",
            by="nobody to ask",
        )
    return Decision(
        behavior=Behavior.DENY,
        message=f"Nobody could be asked for permission here. Allow it with: --allow {request.tool_name}",
        by="nobody to ask",
    )


def _in_words(suggestion: Mapping[str, object]) -> str:
    kind, destination = suggestion.get("type"), suggestion.get("destination")
    where = {"session": "this session", "localSettings": "this project", "projectSettings": "this project"}
    scope = where.get(str(destination), "all projects" if destination == "userSettings" else "this session")
    if kind == "setMode":
        return f"permission mode {suggestion.get('mode')} for {scope}"
    if kind == "addDirectories":
        return f"work in {_joined(suggestion.get('directories'))} for {scope}"
    if kind == "addRules":
        return f"{_joined(suggestion.get('rules'))} for {scope}"
    return ""


def _joined(values: object) -> str:
    return ", ".join(_rule(value) for value in values) if isinstance(values, list) else ""


def _rule(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    name, content = value.get("toolName", ""), value.get("ruleContent")
    return f"{name}({content})" if content else str(name)
