"""What a person is asked says, in words: why, and what came of it, whatever shows it.

Everything that comes from outside has gone through `show_invisibles` when it leaves here. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line
from claude_magic.permissions import Behavior
from claude_magic.wording.units import LINE_LIMIT

if TYPE_CHECKING:
    from claude_magic.permissions import PermissionRequest
    from claude_magic.transcript.blocks import PermissionBlock

__all__ = ["answers", "decision_line", "why_asked"]

_REASON_LIMIT = 1_000


def why_asked(request: PermissionRequest) -> list[str]:
    """What a person should know before the answer, a line each: what it is for, who asks, and why."""
    lines = [request.preview.about if request.preview else "", request.description]
    if request.agent_id:
        lines.append(f"For a subagent ({request.agent})" if request.agent else "For a subagent")
    if request.reason_type == "hook":
        lines.append(f"A hook asks: {request.reason}" if request.reason else "A hook asks to look at it.")
    elif request.reason_type == "rule":
        lines.append(request.reason or "A rule of the settings has it asked each time.")
    elif request.reason:
        lines.append(f"Why it is asked: {request.reason}")
    if request.blocked_path:
        lines.append(f"Because of {request.blocked_path}")
    return [one_line(line, _REASON_LIMIT) for line in lines if line]


def decision_line(block: PermissionBlock) -> str:
    """What became of a request."""
    decision = block.decision
    if decision is None:
        return "not answered; no longer asked" if block.withdrawn else "waiting for your answer"
    by = "by you" if decision.by == "you" else f"({one_line(decision.by, LINE_LIMIT)})"
    if decision.behavior is Behavior.DENY:
        reason = f": {one_line(decision.message, LINE_LIMIT)}" if decision.message else ""
        return f"denied {by}{reason}"
    if decision.answers:
        return " · ".join(f"{about}: {answer}" for about, answer in answers(block))
    if decision.behavior is Behavior.ALWAYS:
        return f"always allowed {by}: {one_line(block.request.always_means, LINE_LIMIT)}"
    if block.kind == "plan":
        return f"approved {by}, edits accepted" if decision.mode == "acceptEdits" else f"approved {by}"
    return f"allowed {by}"


def answers(block: PermissionBlock) -> list[tuple[str, str]]:
    """The answers to a question, each with what it is about: the question's short name, where it has one."""
    given = block.decision.answers if block.decision is not None else {}
    names = {str(each.get("question", "")): str(each.get("header") or "") for each in block.request.questions}
    return [
        (one_line(names.get(question) or question, LINE_LIMIT).rstrip(":"), one_line(str(answer), LINE_LIMIT))
        for question, answer in given.items()
    ]
