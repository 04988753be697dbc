"""What a tool call writes, as lines of a diff.

Everything that comes from outside has gone through `show_invisibles` when it leaves here. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import show_invisibles
from claude_magic.transcript.blocks import ToolBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["diff"]

_DIFF_LIMIT = 400


def diff(tool: ToolBlock) -> list[str]:
    """What a call writes, line by line, each with its `+`, `-`, blank or `@`; empty if it writes nothing."""
    lines = list(_patched(tool.details)) or list(_intended(tool.name, tool.input))
    hidden = len(lines) - _DIFF_LIMIT
    shown = [show_invisibles(line[:2_000]).replace("\n", "⏎") for line in lines[:_DIFF_LIMIT]]
    return [*shown, f"@ {hidden:,} more lines hidden"] if hidden > 0 else shown


def _patched(details: object) -> Iterator[str]:
    hunks = details.get("structuredPatch") if isinstance(details, dict) else None
    for hunk in hunks if isinstance(hunks, list) else ():
        if isinstance(hunk, dict) and isinstance(lines := hunk.get("lines"), list):
            yield f"@ line {hunk.get('newStart', '?')}"
            yield from (str(line) for line in lines)


def _intended(name: str, given: Mapping[str, object]) -> Iterator[str]:
    if name == "Write":
        yield from _signed("+", given.get("content"))
    elif name == "NotebookEdit":
        yield from _signed("+", given.get("new_source"))
    elif name == "Edit":
        yield from _replaced(given)
    elif name == "MultiEdit" and isinstance(edits := given.get("edits"), list):
        for edit in edits:
            if isinstance(edit, dict):
                yield from _replaced(edit)


def _replaced(edit: Mapping[str, object]) -> Iterator[str]:
    yield from _signed("-", edit.get("old_string"))
    yield from _signed("+", edit.get("new_string"))


def _signed(sign: str, text: object) -> Iterator[str]:
    if isinstance(text, str) and text:
        yield from (sign + line for line in text.removesuffix("\n").split("\n"))
