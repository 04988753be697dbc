"""What a call of the CLI's file tools would change, by the file as it is now; read beside the loop.

The CLI tells it after the call, with the result; a person is asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_magic.permissions import PermissionRequest
from claude_magic.session.edited_files import content_of
from claude_magic.tool_server import Preview
from claude_magic.tools import Tool, file_of, tool_called
from claude_magic.transcript.file_edits import text_of

__all__ = ["edit_preview"]

_SIZE_LIMIT = 1_000_000  # bytes of a file that is looked at
_CONTEXT = 3  # lines


def edit_preview(request: PermissionRequest, cwd: str) -> Preview | None:
    """What becomes of the file; None where that cannot be told, or the file is new.

    Args:
        request: What is asked.
        cwd: Where relative paths begin.
    """
    tool = tool_called(request.tool_name)
    path = file_of({"tool_name": tool.name, "tool_input": request.input, "cwd": cwd})
    before = _text(path) if path is not None and tool.argument == "file_path" and tool.added else None
    after = _after(before, tool, request.input) if before else None
    return _around(before, after) if before and after is not None else None


def _text(path: Path) -> str | None:
    try:
        is_small = path.stat().st_size <= _SIZE_LIMIT
    except (OSError, ValueError):
        return None
    content = content_of(str(path)) if is_small else None
    return None if content is None or b"\0" in content else text_of(content)


def _after(text: str, tool: Tool, tool_input: Mapping[str, object]) -> str | None:
    """The text after the call; None if the call does not fit it."""
    if not tool.removed:
        content = tool_input.get(tool.added)
        return content if isinstance(content, str) else None
    edits = tool_input.get(tool.edits) if tool.edits else [tool_input]
    for edit in edits if isinstance(edits, list) else ():
        facts = edit if isinstance(edit, Mapping) else {}
        old, new = facts.get(tool.removed), facts.get(tool.added)
        if not isinstance(old, str) or not isinstance(new, str) or not old or old not in text:
            return None
        text = text.replace(old, new, -1 if facts.get("replace_all") is True else 1)
    return text


def _around(before: str, after: str) -> Preview:
    """The lines from the first that differs to the last, and those around them."""
    old, new = (text.removesuffix("\n").split("\n") for text in (before, after))
    head = _alike(old, new)
    tail = min(_alike(old[::-1], new[::-1]), len(old) - head, len(new) - head)
    start, rest = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    shown_before, shown_after = ("\n".join(lines[start : len(lines) - rest]) for lines in (old, new))
    return Preview(before=shown_before, after=shown_after, line=start + 1)


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """With how many equal lines both begin."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(old), len(new)))
