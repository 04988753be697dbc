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

__all__ = ["diff"]

_DIFF_LIMIT = 400


def diff(call: ToolBlock) -> list[str]:
    """What a call writes, line by line, each with its `+`, `-`, blank or `@`; empty if it writes nothing."""
    lines = list(_patched(call.details)) or list(_intended(tool_called(call.name), call.input))
    hidden = len(lines) - _DIFF_LIMIT
    shown = [show_invisibles(line[:2_000]).replace("\n", "⏎") for line in lines[:_DIFF_LIMIT]]
    return [*shown, f"@ {hidden:,} more lines hidden"] if hidden > 0 else shown


def _patched(details: object) -> Iterator[str]:
    hunks = details.get("structuredPatch") if isinstance(details, dict) else None
    for hunk in hunks if isinstance(hunks, list) else ():
        if isinstance(hunk, dict) and isinstance(lines := hunk.get("lines"), list):
            yield f"@ line {hunk.get('newStart', '?')}"
            yield from (str(line) for line in lines)


def _intended(tool: Tool, tool_input: Mapping[str, object]) -> Iterator[str]:
    edits = tool_input.get(tool.edits) if tool.edits else [tool_input]
    for edit in edits if isinstance(edits, list) else ():
        if isinstance(edit, dict):
            yield from _signed("-", edit.get(tool.removed) if tool.removed else "")
            yield from _signed("+", edit.get(tool.added) if tool.added else "")


def _signed(sign: str, text: object) -> Iterator[str]:
    if isinstance(text, str) and text:
        yield from (sign + line for line in text.removesuffix("\n").split("\n"))
