"""The conversations of a folder, as the CLI's own files have them. Reads only.

Each is a file of JSON lines, `projects/FOLDER/ID.jsonl`; FOLDER is the path it began in, every character that
is no ASCII letter or digit replaced by `-`, so that two paths can share one (measured: 2.1.191, 2.1.330).
The promise: work is bounded however many or long the files are, and one that cannot be read is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from claude_magic.errors import UsageError
from claude_magic.options import checked_id

__all__ = ["PastConversation", "past_conversations"]

READ_LIMIT = 32 * 1024 * 1024  # bytes of a file that are looked at; measured: 0.4 s on a busy machine
LINE_LIMIT = 1024 * 1024  # bytes of a line that is looked at; a prompt with pictures may be longer
PROMPT_LIMIT = 200  # characters kept of a prompt
_NAME_LIMIT = 200  # a folder's name is cut there, and goes on with a hash (measured: 2.1.191, 2.1.330)
_NO_PERSON = ("isMeta", "isSidechain", "isCompactSummary")
# What stands in a user's line and is no prompt: outputs of commands, notices of the CLI's and of ours.
_NO_PROMPT = re.compile(r"<local-command|<task-notification|<bash-|\[Request interrupted|\[claude_magic\]")
_COMMAND = re.compile(r"<command-name>(.*?)</command-name>", re.DOTALL)


class PastConversation(Struct, frozen=True):
    """A conversation that can be gone on with.

    Args:
        session_id: Its id, a UUID.
        prompt: How its first prompt begins, as it was typed.
        turns: How many prompts it has had.
        more: There are more, behind what was looked at.
        changed: When it last went on, in seconds since 1970.
    """

    session_id: str
    prompt: str
    turns: int
    more: bool
    changed: float


def past_conversations(
    projects: Path, directory: Path, *, limit: int | None = None, beginning: str = ""
) -> list[PastConversation]:
    """The conversations that began in a directory, the newest first. Reads files: call it in a thread.

    Args:
        projects: Where the CLI keeps them, from `recorded.projects_folder`.
        directory: The directory.
        limit: At most so many; no more files than needed are read.
        beginning: What their ids begin with.
    """
    paths = (path for path in _files(projects, directory) if path.stem.startswith(beginning))
    conversations = (_read(path, directory) for path in paths)
    return list(islice((each for each in conversations if each is not None), limit))


def _files(projects: Path, directory: Path) -> list[Path]:
    """What may be their files, the newest first."""
    name = _folder_name(directory)
    folders = [projects / name] if len(name) <= _NAME_LIMIT else list(_folders_by_prefix(projects, name))
    entries = [entry for folder in folders for entry in _entries(folder)]
    return [path for _, path in sorted(entries, key=lambda entry: entry[0], reverse=True)]


def _folder_name(directory: Path) -> str:
    # In JavaScript's characters: one beyond the first 65,536 counts twice.
    letters = os.path.realpath(directory).encode("utf-16-le", "surrogatepass")
    units = (letters[at] if not letters[at + 1] else 0 for at in range(0, len(letters), 2))
    return "".join(chr(unit) if unit < 128 and chr(unit).isalnum() else "-" for unit in units)


def _folders_by_prefix(projects: Path, name: str) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (path for path in projects.iterdir() if path.name.startswith(name[:_NAME_LIMIT]))


def _entries(folder: Path) -> Iterator[tuple[float, Path]]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError, UsageError):
                path = Path(entry.path)
                if path.suffix == ".jsonl" and checked_id(path.stem) == path.stem and entry.is_file():
                    yield entry.stat().st_mtime, path


def _read(path: Path, directory: Path) -> PastConversation | None:
    """The conversation in a file; None if it has no prompt, or began in another directory."""
    first, turns, own = "", 0, os.path.realpath(directory)
    try:
        with path.open("rb") as file:
            for line in _user_lines(file):
                entry = _parse(line)
                if entry.get("cwd", own) != own and not turns:
                    return None
                prompt = _prompt(entry)
                turns += prompt is not None
                if prompt and (not first or first.startswith("/")):
                    first = prompt
            more = file.tell() >= READ_LIMIT
            changed = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    return PastConversation(path.stem, first, turns, more, changed) if turns else None


def _user_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines that may be prompts, of a long one its beginning."""
    is_start = True
    while file.tell() < READ_LIMIT and (line := file.readline(LINE_LIMIT)):
        if is_start and b'"type":"user"' in line and b'"tool_result"' not in line:
            yield line
        is_start = line.endswith(b"\n")


def _parse(line: bytes) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        # A long one is cut off: with a picture, say. Anything else is garbage.
        return {"message": {"content": [{}]}} if len(line) == LINE_LIMIT else {}
    return entry if isinstance(entry, dict) else {}


def _prompt(entry: Mapping[str, object]) -> str | None:
    """What was asked, as far as it is text; None if the line is no prompt of a person's."""
    message = entry.get("message")
    if not isinstance(message, dict) or any(entry.get(name) is True for name in _NO_PERSON):
        return None
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        words = [text for text in texts if isinstance(text, str)]
        content = words[-1] if words else "(a picture)"  # what stands before the words is data
    if not isinstance(content, str) or _NO_PROMPT.match(content):
        return None
    command = _COMMAND.search(content[:1000])
    return (command[1] if command else content)[:PROMPT_LIMIT]
