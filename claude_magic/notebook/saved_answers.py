"""Which conversation the answers in a notebook file belong to: their outputs' metadata name it.

So a notebook that was downloaded or moved finds its conversation again. The promise: the file is somebody
else's text. Nothing but an id is taken from it, and only a UUID; a file that cannot be read names none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from claude_magic.errors import UsageError
from claude_magic.options import checked_id

__all__ = ["conversation_in_file"]

SIZE_LIMIT = 16 * 1024 * 1024  # bytes of a notebook file that is read; measured: 0.08 s


def conversation_in_file(path: str, session: str) -> str | None:
    """The conversation of the last saved answer. Reads the file: call it in a thread.

    Args:
        path: The notebook's.
        session: The name of the session that answered.
    """
    try:
        file = Path(path)
        if file.stat().st_size > SIZE_LIMIT:
            return None
        facts = _facts(json.loads(file.read_bytes()))
        ids = [each.get("session_id") for each in facts if each.get("session") == session]
        return checked_id(str(ids[-1])) if ids else None
    except (OSError, ValueError, RecursionError, UsageError):
        return None


def _facts(notebook: object) -> Iterator[dict[str, object]]:
    """What is known of each answer, in the order of the cells."""
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            metadata = output.get("metadata") if isinstance(output, dict) else None
            facts = metadata.get("claude_magic") if isinstance(metadata, dict) else None
            if isinstance(facts, dict):
                yield facts


def _list(value: object, name: str) -> list[object]:
    items = value.get(name) if isinstance(value, dict) else None
    return items if isinstance(items, list) else []
