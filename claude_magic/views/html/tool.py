"""A tool call as HTML: what it was given, what came of it. `views.html.turn` sanitises it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from claude_magic.control_characters import shortened, show_invisibles
from claude_magic.tools import ToolKind, tool_called
from claude_magic.transcript.blocks import Picture, TextBlock, ToolBlock, ToolState
from claude_magic.views.html.elements import code, details, div, element, image, joined, pre, span
from claude_magic.views.html.markup import highlighted, markdown
from claude_magic.views.html.pictures import fitting
from claude_magic.wording import tool as tool_wording
from claude_magic.wording.diff_lines import diff

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["diff_rows", "tool", "written"]

_LINES = 20  # of an output that are not folded
_LEAST_FOLDED = 5
_PROMPT_LIMIT = 4_000
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_SIGNS = {"+": "claude-added", "-": "claude-removed", "@": "claude-hunk"}
_STATES = {
    ToolState.WRITING: "running",
    ToolState.WAITING: "waiting",
    ToolState.RUNNING: "running",
    ToolState.OK: "ok",
    ToolState.FAILED: "failed",
    ToolState.DENIED: "denied",
    ToolState.INTERRUPTED: "interrupted",
}


def tool(call: ToolBlock, cwd: str, children: Markup) -> Markup:
    """One call: its name, the argument that matters and its state; folded under them the rest.

    Args:
        call: The call.
        cwd: Paths below it are shown relative to it.
        children: The HTML of what a subagent did.
    """
    title, about = tool_wording.title(call, cwd)
    argument = element("code", "claude-tool-argument", about) if about else ""
    word = _STATES[call.state]
    state = span(f"claude-tool-state claude-{word}", tool_wording.state(call))
    summary = joined([span("claude-tool-name", title), " ", argument, " ", state])
    is_agent = tool_called(call.name).kind is ToolKind.AGENT
    body = _agent(call, children) if is_agent else written(call) + _output(call) + children
    return details(f"claude-tool claude-tool-{word}", summary, body, unfold=_is_unfolded(call))


def _is_unfolded(call: ToolBlock) -> bool:
    if call.state is ToolState.FAILED or call.todos:
        return True
    tool = tool_called(call.name)
    if tool.kind is ToolKind.AGENT:
        return call.state is ToolState.RUNNING
    return tool.unfolded and call.state is not ToolState.WAITING


def written(call: ToolBlock) -> Markup:
    """What a call was given: a command, a diff, a to-do list, or its input as JSON."""
    if lines := diff(call):
        return diff_rows(lines)
    if items := tool_wording.checklist(call):
        return _todos(items)
    tool = tool_called(call.name)
    if tool.language:
        return _command(call, tool.argument, tool.language)
    if tool.line_says_all or not call.input:
        return Markup()
    return code("claude-code", highlighted(tool_wording.input_json(call.input), "json"))


def _agent(call: ToolBlock, children: Markup) -> Markup:
    """What a subagent was asked, what it did, and what it said in the end."""
    task = show_invisibles(str(call.input.get(tool_called(call.name).prompt, ""))).strip()
    prompt = pre("claude-plain claude-asked", shortened(task, _PROMPT_LIMIT)) if task else Markup()
    if call.state is not ToolState.OK or not (answer := tool_wording.output(call)):
        return prompt + children + _output(call)
    last = next((block for block in reversed(call.children) if isinstance(block, TextBlock)), None)
    if last is not None and last.text.strip() == call.result.strip():
        return prompt + children
    return prompt + children + div("claude-answer", markdown(answer))


def _command(call: ToolBlock, argument: str, language: str) -> Markup:
    command = show_invisibles(str(call.input.get(argument, "")))
    if call.state.is_over and command.strip() == tool_wording.argument(call.name, call.input):
        return Markup()
    return code("claude-code claude-command", highlighted(command, language))


def diff_rows(lines: list[str]) -> Markup:
    """The lines of a diff, and above them how many were added and removed."""
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    # The line end is inside: it shows without a style sheet, and is no empty line with one.
    rows = (span(_SIGNS.get(line[:1], "claude-same"), f"{line}\n") for line in lines)
    return div("claude-counts", f"+{added} -{removed} lines") + pre("claude-diff", *rows)


def _todos(items: Iterable[tuple[str, str]]) -> Markup:
    marks = {"done": "✓", "in progress": "→", "to do": "○"}
    rows = (
        element("li", f"claude-todo-{state.replace(' ', '-')}", f"{marks[state]} {text} ({state})")
        for state, text in items
    )
    return element("ul", "claude-todos", *rows)


def _output(call: ToolBlock) -> Markup:
    output = tool_wording.output(call)
    text = _folded(output.split("\n")) if output else ""
    return joined([text, *(_picture(picture, call) for picture in call.pictures)])


def _folded(lines: list[str]) -> Markup:
    first, more = (lines, []) if len(lines) <= _LINES + _LEAST_FOLDED else (lines[:_LINES], lines[_LINES:])
    rest = details("claude-more", f"Show {len(more):,} more lines", _lines(more)) if more else ""
    return _lines(first) + rest


def _lines(lines: list[str]) -> Markup:
    return pre("claude-output", "\n".join(lines))


def _picture(picture: Picture, call: ToolBlock) -> Markup:
    size = f"{len(picture.data) * 3 // 4_000:,} kB"
    fit = fitting(picture) if picture.media_type in _PICTURES else None
    path = show_invisibles(tool_called(call.name).path_in(call.input))
    original = f"; the original is {path}" if path else ""
    if fit is None:
        return div("claude-about", f"An image of {size}, not shown here{original}")
    shown = image("claude-picture", "image", fit.media_type, fit.data)
    if fit is picture:
        return shown
    return shown + div("claude-about", f"An image of {size}, downscaled{original}")
