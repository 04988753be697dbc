"""What the CLI asks before it acts, and what is answered. Pure; no front end, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from claude_magic.tool_server import Preview
from claude_magic.tools import ToolKind, tool_called

__all__ = ["Asker", "Behavior", "Decision", "PermissionRequest", "deny_unattended"]


class Behavior(Enum):
    """The three answers to a permission request."""

    ALLOW = "allow"
    ALWAYS = "always"
    DENY = "deny"


class PermissionRequest(Struct, frozen=True, kw_only=True):
    """A tool call that waits for an answer.

    Args:
        id: The control request's id.
        tool_use_id: The tool call it is about.
        tool_name: As the CLI names it.
        input: The whole input of the call.
        description: The CLI's short description, or "".
        blocked_path: The path that made it ask, or "".
        suggestions: The CLI's ready-made permission updates for "always".
        reason: Why the CLI asks, in its words or a hook's, or "".
        reason_type: What makes it ask: `hook`, `rule`, `safetyCheck` …; "" if it does not say.
        no_always: "Always" is not to be offered.
        default_to_no: The answer that lies nearest is to be no.
        needs_person: Only a person can let it go on, no rule.
        agent_id: Which subagent asks, as the CLI names it; "" for Claude itself.
        agent: That one as a person knows it; the transcript fills it in.
        allowed: The rules by which tools are allowed without asking just now.
        preview: What the call would change in a text, if it is a tool of ours that says so.
    """

    id: str
    tool_use_id: str
    tool_name: str
    input: dict[str, object]
    description: str = ""
    blocked_path: str = ""
    suggestions: Sequence[Mapping[str, object]] = ()
    reason: str = ""
    reason_type: str = ""
    no_always: bool = False
    default_to_no: bool = False
    needs_person: bool = False
    agent_id: str = ""
    agent: str = ""
    allowed: Sequence[str] = ()
    preview: Preview | None = None

    @classmethod
    def from_wire(
        cls, request_id: str, request: Mapping[str, object], allowed: Sequence[str] = ()
    ) -> PermissionRequest:
        """The request as the CLI sends it; what is not as expected counts as absent."""
        tool_input, suggestions = request.get("input"), request.get("permission_suggestions")
        return cls(
            id=request_id,
            tool_use_id=str(request.get("tool_use_id") or ""),
            tool_name=str(request.get("tool_name") or ""),
            input=tool_input if isinstance(tool_input, dict) else {},
            description=str(request.get("description") or ""),
            blocked_path=str(request.get("blocked_path") or ""),
            suggestions=suggestions if isinstance(suggestions, list) else (),
            reason=str(request.get("decision_reason") or ""),
            reason_type=str(request.get("decision_reason_type") or ""),
            no_always=request.get("suppress_always_allow_rule") is True,
            default_to_no=request.get("default_to_no") is True,
            needs_person=request.get("requires_user_interaction") is True,
            agent_id=str(request.get("agent_id") or ""),
            allowed=allowed,
        )

    def within_session(self) -> PermissionRequest:
        """The same, with an "always" that ends with the session and is written into nobody's settings."""
        here = [{**each, "destination": "session"} for each in self.suggestions if isinstance(each, Mapping)]
        return replace(self, suggestions=here)

    @property
    def is_question(self) -> bool:
        """Claude asks the person something, rather than for leave to act."""
        return tool_called(self.tool_name).kind is ToolKind.QUESTION

    @property
    def is_plan(self) -> bool:
        """Claude shows a plan and asks to go on."""
        return tool_called(self.tool_name).kind is ToolKind.PLAN

    @property
    def about(self) -> object:
        """What the call is about: a command, a path, the questions, the plan."""
        return self.input.get(tool_called(self.tool_name).argument_in(self.input))

    @property
    def questions(self) -> list[Mapping[str, object]]:
        """What a question asks, one by one."""
        items = self.about if self.is_question else None
        return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []

    @property
    def always_means(self) -> str:
        """What "always" would allow, in words; "" if the CLI suggests nothing, or wants none offered."""
        if self.no_always:
            return ""
        return "; ".join(text for text in map(_in_words, self.suggestions) if text)


class Decision(Struct, frozen=True, kw_only=True):
    """The answer to a permission request.

    Args:
        behavior: Allow once, always allow, or deny.
        message: Why it was denied; Claude is told.
        answers: For a question: its text to the chosen label or free text.
        mode: The permission mode in which to go on from here; "" for the one that the CLI chooses.
        interrupt: Deny and end the turn.
        by: Who decided: "you", "nobody to ask", "stopped".
    """

    behavior: Behavior
    message: str = ""
    answers: Mapping[str, str] = {}
    mode: str = ""
    interrupt: bool = False
    by: str = "you"

    def response(self, request: PermissionRequest) -> dict[str, object]:
        """The body of the control response for `request`."""
        if self.behavior is Behavior.DENY:
            message = self.message or "The user denied this tool call."
            return {"behavior": "deny", "message": message, "interrupt": self.interrupt}
        updated = dict(request.input) | ({"answers": dict(self.answers)} if self.answers else {})
        response: dict[str, object] = {"behavior": "allow", "updatedInput": updated}
        if self.behavior is Behavior.ALWAYS and request.always_means:
            response["updatedPermissions"] = [dict(suggestion) for suggestion in request.suggestions]
        if self.mode:
            change = {"type": "setMode", "mode": self.mode, "destination": "session"}
            response["updatedPermissions"] = [change]
        return response


class Asker(Protocol):
    """Puts a request before a person and brings the answer."""

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        """The person's decision."""
        ...


async def deny_unattended(request: PermissionRequest, /) -> Decision:
    """The answer where nobody can be asked: no, and what would help."""
    message = "Nobody can answer here. Go on with the most sensible choice and say which it was."
    if not request.is_question:
        message = f"Nobody could be asked for permission here. {_advice(request)}"
    return Decision(behavior=Behavior.DENY, message=message, by="nobody to ask")


def _advice(request: PermissionRequest) -> str:
    """What lets a call like this go on where nobody is there; `--allow` only where it does."""
    by_hand = "run it where somebody can answer."
    if request.is_plan:
        return f"To have the plan done, ask without plan mode, or {by_hand}"
    if request.reason_type == "hook":
        return (
            f"A hook wants somebody to be asked, which --allow does not change: change the hook, or {by_hand}"
        )
    if request.reason_type == "rule":
        rules = "A rule of the settings (permissions.ask) has it asked each time"
        return f"{rules}, which --allow does not change: change the rule, or {by_hand}"
    if request.reason_type == "safetyCheck" or request.needs_person:
        return f"The CLI always asks before this, which --allow does not change: {by_hand}"
    if any(_covers(rule, request.tool_name) for rule in request.allowed):
        return f"{request.tool_name} was allowed, but not this use of it: {by_hand}"
    return f"Allow it with: --allow {request.tool_name}"


def _covers(rule: str, tool: str) -> bool:
    """The rule is for every use of the tool, or for all tools of its server."""
    return rule == tool or (rule.startswith("mcp__") and tool.startswith(f"{rule}__"))


def _in_words(suggestion: Mapping[str, object]) -> str:
    kind, project = suggestion.get("type"), "this project"
    where = {"localSettings": project, "projectSettings": project, "userSettings": "all projects"}
    scope = where.get(str(suggestion.get("destination")), "this session")
    if kind == "setMode":
        return f"permission mode {suggestion.get('mode')} for {scope}"
    if kind == "addDirectories" and (folders := _joined(suggestion.get("directories"))):
        return f"work in {folders} for {scope}"
    if kind == "addRules" and (rules := _joined(suggestion.get("rules"))):
        return f"{rules} for {scope}"
    return ""


def _joined(values: object) -> str:
    return ", ".join(_rule(value) for value in values) if isinstance(values, list) else ""


def _rule(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    name, content = value.get("toolName", ""), value.get("ruleContent")
    return f"{name}({content})" if content else str(name)
