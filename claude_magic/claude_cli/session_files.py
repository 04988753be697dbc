"""Where the CLI keeps its conversations, and whether a prompt has got there. Reads only.

Each conversation is a file of JSON lines, `CONFIG/projects/FOLDER/ID.jsonl`, where CONFIG is `~/.claude` or
CLAUDE_CONFIG_DIR. A prompt that was sent with a uuid is recorded under it (measured: 2.1.191, 2.1.327 and
2.1.330, about 0.1 s after it was sent).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from claude_magic.support.paths import absolute, notebook_folder

__all__ = ["conversation_file", "is_recorded", "projects_folder"]


def projects_folder(env: Mapping[str, str]) -> Path:
    """Where conversations are kept by a CLI with these variables on top of our own."""
    everything = {**os.environ, **env}
    config = everything.get("CLAUDE_CONFIG_DIR") or Path(everything.get("HOME") or Path.home(), ".claude")
    return absolute(config, notebook_folder()) / "projects"


def conversation_file(session_id: str, env: Mapping[str, str]) -> Path | None:
    """A conversation's file; None if it has none (yet).

    Args:
        session_id: The conversation's id, a UUID.
        env: The session's variables.
    """
    return next(iter(projects_folder(env).glob(f"*/{session_id}.jsonl")), None)


def is_recorded(session_id: str, prompt_id: str, env: Mapping[str, str]) -> bool:
    """Whether a conversation's file holds a prompt, whole. Reads the file: seconds for a very long one.

    Args:
        session_id: The conversation's id.
        prompt_id: The uuid that the prompt was sent with.
        env: The session's variables.

    Raises:
        OSError: The file cannot be read.
    """
    path = conversation_file(session_id, env)
    return path is not None and any(_id_of(line) == prompt_id for line in _lines_with(prompt_id, path))


def _lines_with(text: str, path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line for line in file if text in line)


def _id_of(line: str) -> str:
    """The id of the user's message that a line holds; "" if it holds another thing, or is cut short."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    is_user = isinstance(entry, dict) and entry.get("type") == "user"
    return str(entry.get("uuid", "")) if is_user else ""
