"""The files that a turn has changed, as they are on the disk; read beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from claude_magic.transcript.file_edits import FileEdits

__all__ = ["content_of", "follow", "look"]


async def follow(edits: FileEdits, account: Mapping[str, object]) -> None:
    """Takes in what a hook is told before and after a call, and what the files hold then."""
    if (path := edits.to_change(account)) and await asyncio.to_thread(content_of, path) == b"":
        edits.is_empty(path)
    elif edits.take(account):
        await look(edits)


async def look(edits: FileEdits) -> None:
    """Takes in what the files hold now."""
    for path in edits.paths:
        edits.see(path, await asyncio.to_thread(content_of, path))


def content_of(path: str) -> bytes | None:
    """What a file holds; None if it is not there, or cannot be read."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        return None
