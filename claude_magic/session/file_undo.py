"""The files that a turn has changed, taken back.

The CLI keeps a checkpoint of what its file tools change at each prompt, and goes back to it byte by byte,
line ends and encodings too (measured: 2.1.191, 2.1.332). What a subagent has written is not in it: that is
written back as text. What anybody has changed since is lost then: that is looked for here.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from claude_magic.result import FileChange
from claude_magic.session.edited_files import content_of
from claude_magic.transcript.file_edits import text_of

if TYPE_CHECKING:
    from claude_magic.session.session import Session
    from claude_magic.transcript import Transcript

__all__ = ["FileUndo"]

_BOM = "\ufeff".encode()


class FileUndo:
    """The files of one turn, as they would go back. `look` comes first.

    Args:
        session: Whose turn.
        transcript: The turn's.

    Attributes:
        changes: What goes back.
        changed_since: Files that somebody else has changed since, and that would go back too.
    """

    def __init__(self, session: Session, transcript: Transcript) -> None:
        self._session = session
        self._transcript = transcript
        self._known: dict[str, str] = {}  # files of the checkpoint, by their real paths
        self.changes: list[FileChange] = []
        self.changed_since: list[str] = []

    async def look(self) -> None:
        """Compares the files with what they were before and after the turn.

        Raises:
            BusyError: A turn runs.
            StateError: The CLI has no checkpoint of the prompt.
        """
        if self._transcript.edits.files:
            known = await self._session.rewind(self._transcript.message_id, dry_run=True)
            await asyncio.to_thread(self._compare, known)

    async def take_back(self) -> list[str]:
        """Does it.

        Returns:
            The files that are not as before.
        """
        if self._known:
            await self._session.rewind(self._transcript.message_id)
        await asyncio.to_thread(self._write_back)
        return [each.path for each in self.changes if not await asyncio.to_thread(_is_back, each)]

    def _compare(self, known: list[str]) -> None:
        self._known = {os.path.realpath(path): path for path in known}
        rest = dict(self._known)
        for file in self._transcript.edits.files:
            content = content_of(file.path)
            is_known = rest.pop(os.path.realpath(file.path), None) is not None
            if not is_known and _text(content) == file.before:
                continue  # it is back already
            self.changes.append(FileChange(path=file.path, before=_text(content), after=file.before))
            if not self._transcript.edits.is_as_seen(file.path, content):
                self.changed_since.append(file.path)
        self.changed_since += rest.values()

    def _write_back(self) -> None:
        """Writes what the checkpoint does not have, unless the file has changed since it was looked at."""
        for change in self.changes:
            is_known = os.path.realpath(change.path) in self._known
            if not _is_back(change) and (is_known or _text(content_of(change.path)) == change.before):
                with suppress(OSError):
                    _write(Path(change.path), change.after)


def _is_back(change: FileChange) -> bool:
    return _text(content_of(change.path)) == change.after


def _text(content: bytes | None) -> str | None:
    return None if content is None else text_of(content)


def _write(path: Path, text: str | None) -> None:
    """Writes a text with the line ends and the byte order mark that the file has; None deletes it."""
    if text is None:
        path.unlink(missing_ok=True)
        return
    now = content_of(str(path)) or b""
    lines = text.replace("\n", "\r\n") if _has_crlf(now) else text
    if _is_utf8(now):
        path.write_bytes((_BOM if now.startswith(_BOM) else b"") + lines.encode())


def _has_crlf(content: bytes) -> bool:
    return 0 < content.count(b"\n") == content.count(b"\r\n")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
