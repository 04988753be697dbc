"""A tool call as HTML: what it was given, what came of it. `views.html.turn` sanitises it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from claude_magic.control_characters import shortened, show_invisibles
from claude_magic.tools import ToolKind, tool_called
from claude_magic.transcript.blocks import PermissionBlock, Picture, TextBlock, ToolBlock, ToolState
from claude_magic.views.html.elements import LINE_BREAK, code, details, div, element, image, joined, pre, span
from claude_magic.views.html.markup import highlighted, markdown
from claude_magic.views.html.pictures import fitting
from claude_magic.views.html.shell_code import shell_code
from claude_magic.wording import tool as tool_wording
from claude_magic.wording.diff_lines import diff
from claude_magic.wording.requests import why_asked
from claude_magic.wording.room import Room

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_magic.wording.diff_lines import Diff, DiffLine

__all__ = ["BOX", "Look", "asked_for", "diff_rows", "tool"]

_LINES = 20  # of an output that are not folded
_LEAST_FOLDED = 5
_TALL = 12  # lines, below which buttons would be out of sight
_PROMPT_LIMIT = 4_000
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_SIGNS = {"+": "claude-added", "-": "claude-removed", " ": "claude-same"}
BOX = div("claude-box")
"""Where a live view puts what it makes itself: an answer's sections, a subagent's blocks, the buttons."""
_NOTHING = Markup()
_STATES = {
    ToolState.WRITING: "running",
    ToolState.WAITING: "waiting",
    ToolState.RUNNING: "running",
    ToolState.OK: "ok",
    ToolState.FAILED: "failed",
    ToolState.DENIED: "denied",
    ToolState.INTERRUPTED: "interrupted",
}


class Look(NamedTuple):
    """How much of a call is shown.

    Args:
        cwd: Paths below it are shown relative to it.
        room: How much of what it was given, and of what came of it.
    """

    cwd: str = ""
    room: Room = Room()


def tool(call: ToolBlock, look: Look, children: Markup, *, asks: bool = False) -> Markup:
    """One call: what it is for, the argument that matters and its state; folded under them the rest.

    Args:
        call: The call.
        look: How much of it is shown.
        children: The HTML of what a subagent did.
        asks: The view has buttons for what is asked.
    """
    summary = _summary(call, look.cwd)
    if _waits(call) and call.asked is not None:
        body = div("claude-permission", asked_for(call.asked, BOX if asks else _NOTHING))
    elif tool_called(call.name).kind is ToolKind.AGENT:
        body = _agent(call, children, look)
    else:
        body = _written(call, look) + _output(call, look) + children
    return details(f"claude-tool claude-tool-{_STATES[call.state]}", summary, body, unfold=_is_unfolded(call))


def _waits(call: ToolBlock) -> bool:
    return call.asked is not None and call.asked.pending


def _summary(call: ToolBlock, cwd: str) -> Markup:
    """The line of a call, or two, where Claude says what it is for."""
    title, about = tool_wording.title(call, cwd)
    brief = " claude-brief" if _is_told_below(call) else ""
    name, said = span("claude-tool-name", title), tool_wording.description(call)
    argument = element("code", f"claude-tool-argument{brief}", about) if about else ""
    state = span(f"claude-tool-state claude-{_STATES[call.state]}", tool_wording.state(call))
    if said:
        return joined([name, " ", span("claude-tool-about", said), " ", state, LINE_BREAK, argument])
    return joined([name, " ", argument, " ", state])


def _is_told_below(call: ToolBlock) -> bool:
    """The body has the argument of the line too, whole."""
    tool = tool_called(call.name)
    if tool.language:
        return _waits(call) or not _says_all(call)
    is_shown_otherwise = tool.kind is ToolKind.AGENT or diff(call).lines or tool_wording.checklist(call)
    return not (is_shown_otherwise or _line_suffices(call))


def _line_suffices(call: ToolBlock) -> bool:
    return tool_called(call.name).line_says_all or not call.input


def _says_all(call: ToolBlock) -> bool:
    """The line of a call has all of its argument."""
    argument = tool_called(call.name).argument_in(call.input)
    said = show_invisibles(str(call.input.get(argument, ""))).strip()
    return said == tool_wording.argument(call.name, call.input)


def asked_for(asked: PermissionBlock, buttons: Markup = _NOTHING) -> Markup:
    """What a person is asked to allow: why, what it would do, and the buttons, above what is tall."""
    request = asked.request
    call = ToolBlock(id="", name=request.tool_name, input=request.input, preview=request.preview, asked=asked)
    argument = f"/{tool_wording.argument(call.name, call.input)}"  # which the line of the call has
    lines = (line for line in why_asked(request) if line != tool_wording.description(call))
    reasons = joined(div("claude-about", line) for line in lines if not argument.endswith(f"/{line}"))
    what = _written(call, Look())
    return reasons + (buttons + what if what.count("\n") > _TALL else what + buttons)


def _is_unfolded(call: ToolBlock) -> bool:
    if call.state is ToolState.FAILED or call.todos or call.pictures or _waits(call):
        return True
    tool = tool_called(call.name)
    if tool.kind is ToolKind.AGENT:
        return call.state is ToolState.RUNNING
    return tool.unfolded and call.state is not ToolState.WAITING


def _written(call: ToolBlock, look: Look) -> Markup:
    """What a call was given: a command, a diff, a to-do list, or its input as JSON."""
    if (changed := diff(call, look.room.diff_lines)).lines:
        return diff_rows(changed)
    if items := tool_wording.checklist(call):
        return _todos(items)
    tool = tool_called(call.name)
    if tool.language:
        return _command(call, tool.argument, look)
    if _line_suffices(call):
        return _NOTHING
    return code("claude-code", highlighted(tool_wording.input_json(call.input, look.room.characters), "json"))


def _agent(call: ToolBlock, children: Markup, look: Look) -> Markup:
    """What a subagent was asked, what it did, and what it said in the end."""
    task = show_invisibles(str(call.input.get(tool_called(call.name).prompt, ""))).strip()
    prompt = (
        pre("claude-plain claude-asked", shortened(task, min(_PROMPT_LIMIT, look.room.characters)))
        if task
        else Markup()
    )
    if call.state is not ToolState.OK or not (answer := tool_wording.output(call, look.room.characters)):
        return prompt + children + _output(call, look)
    last = next((block for block in reversed(call.children) if isinstance(block, TextBlock)), None)
    if last is not None and last.text.strip() == call.result.strip():
        return prompt + children
    return prompt + children + div("claude-answer", markdown(answer))


def _command(call: ToolBlock, argument: str, look: Look) -> Markup:
    if not _is_told_below(call):
        return _NOTHING
    language = tool_called(call.name).language
    command = show_invisibles(str(call.input.get(argument, "")))
    command = command if _waits(call) else shortened(command, look.room.characters)
    rest = tool_wording.rest(call) if _waits(call) else ""
    coloured = shell_code(command) if language == "bash" else highlighted(command, language)
    return code("claude-code claude-command", coloured) + (div("claude-about", rest) if rest else _NOTHING)


def diff_rows(changed: Diff) -> Markup:
    """The lines of a diff with their numbers, and above them how many were added and removed."""
    lines = changed.lines
    width = len(str(max((line.number or 0 for line in lines), default=0)))
    begins_at_place = bool(lines) and lines[0].sign == "@" and not lines[0].text
    rows = (_diff_row(line, width) for line in lines[begins_at_place:])
    return div("claude-counts", f"+{changed.added:,} -{changed.removed:,} lines") + pre("claude-diff", *rows)


def _diff_row(line: DiffLine, width: int) -> Markup:
    """One line; its end is inside: it shows without a style sheet, and is no empty line with one."""
    if line.sign == "@":
        return span("claude-hunk", f"{line.text or '…'}\n")
    number = span("claude-number", f"{line.number or '':>{width}} ") if width > 1 or line.number else ""
    return span(_SIGNS[line.sign], number, line.sign, *_with_marks(line), "\n")


def _with_marks(line: DiffLine) -> Iterator[str]:
    place = 0
    for start, end in line.marks:
        yield line.text[place:start]
        yield span("claude-changed", line.text[start:end])
        place = end
    yield line.text[place:]


def _todos(items: Iterable[tuple[str, str]]) -> Markup:
    marks = {"done": "✓", "in progress": "→", "to do": "○"}
    rows = (
        element("li", f"claude-todo-{state.replace(' ', '-')}", f"{marks[state]} {text} ({state})")
        for state, text in items
    )
    return element("ul", "claude-todos", *rows)


def _output(call: ToolBlock, look: Look) -> Markup:
    output = tool_wording.output(call, look.room.characters)
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
