"""What a person is asked, as HTML: as it stands where nobody can answer it, or with a place for the buttons.

`views.html.turn` sanitises it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from claude_magic.views.html.elements import LINE_BREAK, div, element, joined, span
from claude_magic.views.html.markup import markdown
from claude_magic.views.html.tool import BOX, asked_for
from claude_magic.wording import tool as tool_wording
from claude_magic.wording.requests import answers, decision_line

if TYPE_CHECKING:
    from claude_magic.permissions import PermissionRequest
    from claude_magic.transcript.blocks import PermissionBlock

__all__ = ["open_request", "told_request"]


def told_request(block: PermissionBlock) -> Markup:
    """A request as it stands where nobody can answer it."""
    request = block.request
    decision = span("claude-decision", decision_line(block))
    decided = "" if block.pending else " claude-decided"
    match block.kind:
        case "question" if given := answers(block):
            return div("claude-question claude-decided", Markup(" · ").join(map(_given, given)))
        case "question":
            lines = LINE_BREAK.join(tool_wording.question_lines(request.about))
            about = div("claude-question-text", lines)
            return div(f"claude-question{decided}", about, span("claude-label", "Question:"), " ", decision)
        case "plan":
            label, about = "Plan:", _plan(request)
        case "permission":  # pragma: no branch  # there is no fourth
            label = f"Permission for {tool_wording.tool_name(request.tool_name)}:"
            about = asked_for(block) if block.pending else Markup()
    return div(f"claude-permission{decided}", span("claude-label", label), " ", decision, about)


def open_request(block: PermissionBlock) -> Markup:
    """A request whose answer a live view takes: what it is about, and the box for the buttons."""
    request = block.request
    match block.kind:
        case "question":
            return div("claude-question", BOX)
        case "plan":
            return div("claude-permission", span("claude-label", "Claude has a plan"), _plan(request), BOX)
        case "permission":  # pragma: no branch  # there is no fourth
            name = span("claude-tool-name", tool_wording.tool_name(request.tool_name))
            label = span("claude-label", "Claude asks to use")
            return div("claude-permission", label, " ", name, asked_for(block, BOX))


def _plan(request: PermissionRequest) -> Markup:
    return div("claude-plan", markdown(request.about)) if isinstance(request.about, str) else Markup()


def _given(answer: tuple[str, str]) -> Markup:
    about, words = answer
    return joined([f"{about}: ", element("strong", "", words)])
