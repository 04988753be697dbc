"""What a tool call writes, or a text becomes, as lines of a diff.

Everything that comes from outside has gone through `show_invisibles` when it leaves here. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import show_invisibles
from claude_magic.tools import Tool, tool_called
from claude_magic.transcript.blocks import ToolBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_magic.result import FileChange
    from claude_magic.tool_server import Preview

__all__ = ["diff", "text_diff", "unified"]

_DIFF_LIMIT = 400
_COMPARED_LIMIT = 4_000  # lines; the comparison takes their square


def diff(call: ToolBlock) -> list[str]:
    """What a call writes, line by line, each with its `+`, `-`, blank or `@`; empty if it writes nothing."""
    return _bounded(
        list(_patched(call.details))
        or list(_previewed(call.preview))
        or list(_intended(tool_called(call.name), call.input))
    )


def text_diff(before: str | None, after: str | None) -> list[str]:
    """What becomes of a text, in the same lines; None stands for no text."""
    texts = ((text or "").removesuffix("\n") for text in (before, after))
    return _bounded(list(_compared(*texts)))


def unified(changes: Iterable[FileChange]) -> str:
    """What becomes of several texts, as one unified diff; of a very long one the beginning."""
    lines = [show_invisibles(line) for each in changes for line in each.diff.split("\n")]
    hidden = len(lines) - _DIFF_LIMIT
    return "\n".join([*lines[:_DIFF_LIMIT], *([f"… {hidden:,} more lines"] if hidden > 0 else [])])


def _bounded(lines: list[str]) -> list[str]:
    hidden = len(lines) - _DIFF_LIMIT
    shown = [show_invisibles(line[:2_000]).replace("\n", "⏎") for line in lines[:_DIFF_LIMIT]]
    return [*shown, f"@ {hidden:,} more lines hidden"] if hidden > 0 else shown


def _patched(details: object) -> Iterator[str]:
    hunks = details.get("structuredPatch") if isinstance(details, dict) else None
    for hunk in hunks if isinstance(hunks, list) else ():
        if isinstance(hunk, dict) and isinstance(lines := hunk.get("lines"), list):
            yield f"@ line {hunk.get('newStart', '?')}"
            yield from (str(line) for line in lines)


def _previewed(preview: Preview | None) -> Iterator[str]:
    """What changes in a text; nothing where the text is new, for the call shows it whole."""
    if preview is not None and preview.before:
        yield from _compared(preview.before, preview.after)


def _compared(text_before: str, text_after: str) -> Iterator[str]:
    before, after = (text.split("\n") if text else [] for text in (text_before, text_after))
    if len(before) + len(after) > _COMPARED_LIMIT:
        yield from (*_signed("-", text_before), *_signed("+", text_after))
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
