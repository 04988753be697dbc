"""What a tool call says, in words, whatever shows it: its name, what it is about, its state and result.

Everything that comes from outside has gone through `show_invisibles` or `strip_controls` when it leaves here.
What is known of a tool by its name stands in `tools.TOOLS`. Pure.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line, printed, shortened, show_invisibles
from claude_magic.tools import Todos, Tool, ToolKind, tool_called
from claude_magic.transcript.blocks import ToolBlock, ToolState
from claude_magic.wording.requests import decision_line
from claude_magic.wording.room import Room
from claude_magic.wording.units import LINE_LIMIT, duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "argument",
    "calls_line",
    "checklist",
    "description",
    "input_json",
    "is_told",
    "output",
    "question_lines",
    "rest",
    "state",
    "tail",
    "title",
    "tool_name",
]

_KINDS = 5  # of tools that are named
_OUTPUT_LIMIT = Room().characters
_TODO_WORDS = {"completed": "done", "in_progress": "in progress", "pending": "to do"}


def tool_name(name: str) -> str:
    """The tool as a person knows it: `mcp__kernel__inspect` is `inspect (kernel)`."""
    if title := tool_called(name).title:
        return title
    parts = name.split("__", 2)
    if len(parts) == 3 and parts[0] == "mcp":
        name = f"{parts[2]} ({parts[1]})"
    return one_line(name, LINE_LIMIT) or "tool"


def argument(name: str, tool_input: Mapping[str, object], cwd: str = "") -> str:
    """The argument that matters, in one line: the command, the path, the pattern."""
    tool = tool_called(name)
    if tool.kind is ToolKind.DATA:  # which stands below
        return ""
    match tool.todos:
        case Todos.ALL_GIVEN:
            return _done(_items(tool_input.get(tool.argument)))
        case Todos.CHANGED:
            return one_line(
                f"#{tool_input.get('taskId', '?')} {_todo_word(tool_input.get('status'))}", LINE_LIMIT
            )
    value = tool_input.get(tool.argument_in(tool_input))
    if tool.kind is ToolKind.QUESTION:
        value = next(iter(question_lines(value)), "")
    text = show_invisibles(value[: 10 * LINE_LIMIT]) if isinstance(value, str) else ""
    if tool.path_in(tool_input):
        text = _relative(text, cwd)
    first, _, more = text.strip().partition("\n")
    return one_line(f"{first} …" if more else first, LINE_LIMIT) + _addition(tool, tool_input, cwd)


def _addition(tool: Tool, tool_input: Mapping[str, object], cwd: str) -> str:
    """Where in a file it reads, or where it searches."""
    offset, limit, path = tool_input.get("offset", 1), tool_input.get("limit"), tool_input.get("path")
    if tool.kind is ToolKind.READ and isinstance(offset, int):
        if isinstance(limit, int):
            return f", lines {offset}-{offset + limit - 1}"
        return f", from line {offset}" if "offset" in tool_input else ""
    if tool.kind is ToolKind.SEARCH and isinstance(path, str) and path:
        return f" in {one_line(_relative(show_invisibles(path), cwd), LINE_LIMIT)}"
    return ""


def state(call: ToolBlock) -> str:
    """How a call stands, in words: `ok, 0.3 s, reloaded utils · allowed by you`."""
    decided = decision_line(call.asked) if call.asked is not None and not call.asked.pending else ""
    if call.state is ToolState.DENIED:
        return decided or call.state.value
    words = [call.state.value]
    if call.duration is not None and call.duration >= 0.05:
        words.append(duration(call.duration))
    if call.note:
        words.append(one_line(call.note, 2 * LINE_LIMIT))
    return " · ".join([", ".join(words), *([decided] if decided else [])])


def description(call: ToolBlock) -> str:
    """What a call is for, in Claude's words, where its tool has it say so; "" where it does not."""
    said = call.input.get(tool_called(call.name).description)
    return one_line(show_invisibles(said[: 10 * LINE_LIMIT]), LINE_LIMIT) if isinstance(said, str) else ""


def output(call: ToolBlock, limit: int = _OUTPUT_LIMIT) -> str:
    """The result worth showing, at most `limit` characters of it; "" where the call says it all."""
    if tool_called(call.name).quiet and call.state is ToolState.OK:
        return ""
    if call.state is ToolState.DENIED and is_told(call):
        return ""
    if isinstance(call.details, dict) and call.details.get("isAsync"):
        return "Works in the background."
    return shortened(printed(call.result).strip("\n"), limit)


def is_told(call: ToolBlock) -> bool:
    """The answer of whoever was asked says all of the result."""
    reason = (
        call.asked.decision.message if call.asked is not None and call.asked.decision is not None else None
    )
    return reason is not None and len(reason) <= LINE_LIMIT and "\n" not in reason


def tail(call: ToolBlock, limit: int, characters: int = _OUTPUT_LIMIT) -> list[str]:
    """The last lines of the result, for where it cannot be folded: none of what was read."""
    kind, went_well = tool_called(call.name).kind, call.state is ToolState.OK
    if kind is ToolKind.READ and went_well:
        return []
    text = input_json(call.input) if kind is ToolKind.DATA and went_well else output(call, characters)
    lines = text.split("\n") if text else []
    hidden = len(lines) - limit
    return [f"… {hidden:,} lines hidden …", *lines[hidden:]] if hidden > 0 else lines


def input_json(tool_input: Mapping[str, object], limit: int = _OUTPUT_LIMIT) -> str:
    """The whole input as JSON, at most `limit` characters of it."""
    written = json.dumps(tool_input, indent=2, ensure_ascii=False, default=str)
    return shortened(show_invisibles(written), limit)


def checklist(call: ToolBlock) -> list[tuple[str, str]]:
    """The to-do list that a call shows, as (state in words, item)."""
    if call.todos is None:
        tool = tool_called(call.name)
        return _items(call.input.get(tool.argument)) if tool.todos is Todos.ALL_GIVEN else []
    return [(_todo_word(status), one_line(text, LINE_LIMIT)) for status, text in call.todos]


def title(call: ToolBlock, cwd: str = "") -> tuple[str, str]:
    """What stands above a call: the tool's name, or what it shows, and the argument that matters."""
    if call.todos:
        return "To do", _done(checklist(call))
    return tool_name(call.name), argument(call.name, call.input, cwd)


def rest(call: ToolBlock) -> str:
    """What a call was given beside its argument and what it is for, in one line."""
    tool = tool_called(call.name)
    others = {key: call.input[key] for key in call.input if key not in {tool.argument, tool.description}}
    return one_line(", ".join(f"{key}: {_plain(value)}" for key, value in others.items()), 4 * LINE_LIMIT)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def calls_line(calls: Sequence[ToolBlock]) -> str:
    """Several calls in one line: `12 calls: 8 Bash, 3 Read, 1 Edit · 14 s`."""
    names = Counter(tool_name(call.name) for call in calls).most_common()
    kinds = [f"{count} {name}" for name, count in names[:_KINDS]]
    others = sum(count for _, count in names[_KINDS:])
    failed = sum(call.state is not ToolState.OK for call in calls)
    seconds = sum(call.duration or 0.0 for call in calls)
    parts = [
        f"{len(calls)} calls: {', '.join([*kinds, *([f'{others} others'] if others else [])])}",
        *([f"{failed} failed"] if failed else []),
        *([duration(seconds)] if seconds >= 0.05 else []),
    ]
    return " · ".join(parts)


def question_lines(questions: object) -> list[str]:
    """A question with its options, a line each; several questions one after the other."""
    lines: list[str] = []
    for question in questions if isinstance(questions, list) else ():
        if isinstance(question, dict):
            lines.append(one_line(str(question.get("question", "")), LINE_LIMIT))
            options = question.get("options")
            lines += [f"- {_option(option)}" for option in (options if isinstance(options, list) else ())]
    return lines


def _option(option: object) -> str:
    if not isinstance(option, dict):
        return one_line(str(option), LINE_LIMIT)
    label, about = (one_line(str(option.get(key, "")), LINE_LIMIT) for key in ("label", "description"))
    return f"{label}: {about}" if about else label


def _items(items: object) -> list[tuple[str, str]]:
    """A to-do list that a call was given whole."""
    return [
        (_todo_word(item.get("status")), one_line(str(item.get("content", "")), LINE_LIMIT))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict)
    ]


def _done(items: list[tuple[str, str]]) -> str:
    return f"{sum(state == 'done' for state, _ in items)} of {len(items)} done"


def _todo_word(status: object) -> str:
    return _TODO_WORDS.get(str(status), "to do")


def _relative(path: str, cwd: str) -> str:
    return path.removeprefix(f"{show_invisibles(cwd).rstrip('/')}/") if cwd else path
