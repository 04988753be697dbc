"""A turn as Markdown and as plain text: for a file, for nbconvert, for where no HTML is shown.

The Markdown is as safe as the HTML, in any renderer; `commonmark.writing` sees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.commonmark.writing import escaped, fenced, safe_markdown
from claude_magic.control_characters import show_invisibles, strip_controls
from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ToolBlock,
)
from claude_magic.wording import tool as tool_wording
from claude_magic.wording import turn as wording
from claude_magic.wording.diff_lines import diff
from claude_magic.wording.requests import decision_line
from claude_magic.wording.room import Room, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_magic.transcript import Transcript

__all__ = ["decisions_of", "history_of", "markdown_of", "plain_of"]

_INDEXED = 4  # turns of which there is a list


def markdown_of(transcript: Transcript, *, whole: bool = False) -> str:
    """The turn as Markdown that is safe in any renderer.

    Args:
        transcript: The turn.
        whole: With all of the data that was sent, also what the notebook has anyway.
    """
    parts = [f"**Claude** · {_facts(transcript)}"]
    if transcript.permission_mode == "bypassPermissions":
        parts.append(f"**{wording.BYPASS_BANNER}**")
    parts.append(_quoted(transcript.prompt))
    parts += [
        f"{escaped(about)}\n\n{fenced(text)}" if text else escaped(about)
        for about, text in _attached(transcript, whole=whole)
    ]
    room = Room() if whole else shared(len(transcript.tool_calls))
    parts += [said for block in transcript.blocks if (said := _markdown(block, transcript.cwd, room))]
    parts += [f"*{escaped(line)}*" for line in _last_lines(transcript)]
    return "\n\n".join(parts) + "\n"


def history_of(transcripts: Sequence[Transcript]) -> str:
    """Turns as Markdown, all of each; above many of them what there is, by numbers."""
    turns = [markdown_of(transcript, whole=True) for transcript in transcripts]
    if len(turns) < _INDEXED:
        return "\n\n".join(turns)
    lines = [
        f"{number}. {escaped(wording.prompt_line(each))} ({each.state.value})"
        for number, each in enumerate(transcripts, start=1)
    ]
    return "\n\n".join(
        ["\n".join(lines), *(f"## Turn {number}\n\n{turn}" for number, turn in enumerate(turns, start=1))]
    )


def decisions_of(transcript: Transcript) -> list[str]:
    """What a person was asked in the turn, a line each: the tool, what it was for, and the answer."""
    return [
        f"{tool_wording.tool_name(asked.request.tool_name)} {about}: {decision_line(asked)}"
        for asked in transcript.asked
        for about in [tool_wording.argument(asked.request.tool_name, asked.request.input, transcript.cwd)]
    ]


def plain_of(transcript: Transcript) -> str:
    """The turn as plain text, for a terminal's pager or a front end that shows nothing else."""
    parts = [f"Claude · {' · '.join([*wording.header(transcript), transcript.state.value])}"]
    if transcript.permission_mode == "bypassPermissions":
        parts.append(wording.BYPASS_BANNER)
    attached = _attached(transcript)
    titles = [about for about, text in attached if not text]
    parts.append("\n".join([f"> {wording.prompt_line(transcript)}", *titles]))
    parts += [f"{about}\n{text}" for about, text in attached if text]
    room = shared(len(transcript.tool_calls))
    parts += [said for block in transcript.blocks if (said := _plain(block, transcript.cwd, room))]
    parts += _last_lines(transcript)
    return "\n\n".join(parts)


def _attached(transcript: Transcript, *, whole: bool = False) -> list[tuple[str, str]]:
    """The data that was sent; what has a title of its own is only named."""
    attachments = transcript.attachments
    shown = wording.attached(attachments, limit=None) if whole else wording.attached(attachments)
    lines = zip(attachments, shown, strict=True)
    return [(about, "" if each.title and not whole else text) for each, (about, text) in lines]


def _facts(transcript: Transcript) -> str:
    return escaped(" · ".join([*wording.header(transcript), transcript.state.value]))


def _markdown(block: Block, cwd: str, room: Room) -> str:
    match block:
        case TextBlock():
            return safe_markdown(block.text).strip("\n")
        case ToolBlock():
            return _tool_markdown(block, cwd, room)
        case _:
            return escaped(_plain(block, cwd, room))


def _tool_markdown(tool: ToolBlock, cwd: str, room: Room) -> str:
    if tool.superseded:
        return ""  # a later call shows the list
    name, about = tool_wording.title(tool, cwd)
    line = f"**{escaped(name)}** {escaped(about)} ({escaped(tool_wording.state(tool))})"
    if items := tool_wording.checklist(tool):
        return f"{line}\n\n" + "\n".join(f"- {escaped(text)} ({state})" for state, text in items)
    changed = [*map(str, diff(tool, room.diff_lines).lines)]
    below = "\n".join(changed or tool_wording.tail(tool, room.lines, room.characters))
    return f"{line}\n\n{fenced(below, 'diff' if changed else '')}" if below else line


def _quoted(prompt: str) -> str:
    return "\n".join(f"> {escaped(line)}" for line in show_invisibles(prompt).strip().split("\n"))


# --- plain text


def _plain(block: Block, cwd: str, room: Room) -> str:
    match block:
        case TextBlock():
            return strip_controls(block.text).strip("\n")
        case ToolBlock():
            return _tool_plain(block, cwd, room)
        case RetryBlock():
            return wording.retry_line(block)
        case NoticeBlock():
            return show_invisibles(block.text)
        case PermissionBlock():
            return _permission_plain(block)
        case _:
            return ""


def _permission_plain(block: PermissionBlock) -> str:
    if block.kind == "question":
        return "\n".join(
            [*tool_wording.question_lines(block.request.about), f"Question: {decision_line(block)}"]
        )
    what = (
        "Plan"
        if block.kind == "plan"
        else f"Permission for {tool_wording.tool_name(block.request.tool_name)}"
    )
    return f"{what}: {decision_line(block)}"


def _tool_plain(tool: ToolBlock, cwd: str, room: Room) -> str:
    if tool.superseded:
        return ""  # a later call shows the list
    name, about = tool_wording.title(tool, cwd)
    items = [f"{text} ({state})" for state, text in tool_wording.checklist(tool)]
    changed = [*map(str, diff(tool, room.diff_lines).lines)]
    below = items or changed or tool_wording.tail(tool, room.lines, room.characters)
    return "\n".join([f"[{name}] {about} ({tool_wording.state(tool)})", *(f"    {text}" for text in below)])


def _last_lines(transcript: Transcript) -> list[str]:
    ending = " · ".join(wording.footer(transcript)) or wording.running_line(transcript)
    return [line for line in (wording.hidden_line(transcript), ending) if line]
