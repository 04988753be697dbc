"""What a tool call writes, as lines of a diff.

Everything that comes from outside has gone through `show_invisibles` when it leaves here. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import show_invisibles
from claude_magic.tools import Tool, tool_called
from claude_magic.transcript.blocks import ToolBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claude_magic.tool_server import Preview

__all__ = ["diff"]

_DIFF_LIMIT = 400
_COMPARED_LIMIT = 4_000  # lines; the comparison takes their square


def diff(call: ToolBlock) -> list[str]:
    """What a call writes, line by line, each with its `+`, `-`, blank or `@`; empty if it writes nothing."""
    lines = (
        list(_patched(call.details))
        or list(_compared(call.preview))
        or list(_intended(tool_called(call.name), call.input))
    )
    hidden = len(lines) - _DIFF_LIMIT
    shown = [show_invisibles(line[:2_000]).replace("\n", "⏎") for line in lines[:_DIFF_LIMIT]]
    return [*shown, f"@ {hidden:,} more lines hidden"] if hidden > 0 else shown


def _patched(details: object) -> Iterator[str]:
    hunks = details.get("structuredPatch") if isinstance(details, dict) else None
    for hunk in hunks if isinstance(hunks, list) else ():
        if isinstance(hunk, dict) and isinstance(lines := hunk.get("lines"), list):
            yield f"@ line {hunk.get('newStart', '?')}"
            yield from (str(line) for line in lines)


def _compared(preview: Preview | None) -> Iterator[str]:
    """What changes from one text to another; nothing where the text is new, for the call shows it whole."""
    if preview is None or not preview.before:
        return
    before, after = preview.before.split("\n"), preview.after.split("\n") if preview.after else []
    if len(before) + len(after) > _COMPARED_LIMIT:
        yield from (*_signed("-", preview.before), *_signed("+", preview.after))
        return
    from difflib import SequenceMatcher  # noqa: PLC0415  # load budget

    for group in SequenceMatcher(None, before, after).get_grouped_opcodes():
        yield f"@ line {group[0][1] + 1}"
        for kind, old, old_end, new, new_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in before[old:old_end])
            else:
                yield from (f"-{line}" for line in before[old:old_end])
                yield from (f"+{line}" for line in after[new:new_end])


def _intended(tool: Tool, tool_input: Mapping[str, object]) -> Iterator[str]:
    edits = tool_input.get(tool.edits) if tool.edits else [tool_input]
    for edit in edits if isinstance(edits, list) else ():
        if isinstance(edit, dict):
            yield from _signed("-", edit.get(tool.removed) if tool.removed else "")
            yield from _signed("+", edit.get(tool.added) if tool.added else "")


def _signed(sign: str, text: object) -> Iterator[str]:
    if isinstance(text, str) and text:
        yield from (sign + line for line in text.removesuffix("\n").split("\n"))
