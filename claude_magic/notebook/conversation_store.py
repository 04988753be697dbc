"""Which conversation belongs to which notebook, kept in the state folder across kernels.

The promise: a folder that is read-only, full or corrupt costs one warning and the memory across restarts,
never a turn. Nothing but ids, counts and paths is kept, and nothing that is no id is taken for one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from claude_magic.errors import UsageError
from claude_magic.options import checked_id
from claude_magic.support.state_file import StateFile

__all__ = ["ConversationStore", "NotebookKey", "StoredConversation"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY,
    kernel_id TEXT NOT NULL,
    path TEXT NOT NULL,
    inode TEXT NOT NULL,
    backend TEXT NOT NULL,
    name TEXT NOT NULL,
    session_id TEXT NOT NULL,
    turns INTEGER NOT NULL,
    updated REAL NOT NULL
)
"""


_FIND = """
SELECT session_id, turns FROM conversations
WHERE {column} = ? AND backend = ? AND name = ?
ORDER BY updated DESC LIMIT 1
"""
_NAMES = "SELECT session_id, name FROM conversations WHERE session_id IN ({placeholders}) ORDER BY updated"
_NOTEBOOKS = "SELECT path FROM conversations WHERE session_id = ? AND path != ''"
_REPLACE = "DELETE FROM conversations WHERE backend = ? AND name = ? AND kernel_id = ?"
_FORGET = """
DELETE FROM conversations WHERE backend = ? AND name = ?
AND ((kernel_id = ? AND kernel_id != '') OR (path = ? AND path != '') OR (inode = ? AND inode != ''))
"""
_INSERT = """
INSERT INTO conversations (kernel_id, path, inode, backend, name, session_id, turns, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


class NotebookKey(Struct, frozen=True):
    """What a notebook is known by.

    Args:
        kernel_id: From the connection file; survives kernel restarts. "" outside Jupyter.
        path: The notebook's path when its kernel started, or "".
        inode: Device and inode of that file, or ""; survives saving and renaming.
    """

    kernel_id: str = ""
    path: str = ""
    inode: str = ""

    @property
    def is_known(self) -> bool:
        """There is something to know the notebook by again."""
        return bool(self.kernel_id or self.path)


class StoredConversation(Struct, frozen=True):
    """What is kept of a session's conversation.

    Args:
        session_id: Its id.
        turns: How many turns it had.
        is_left: Another is to begin: neither this one nor what saved answers name is to be resumed.
    """

    session_id: str
    turns: int
    is_left: bool = False


_NO_ID = "none"  # in the place of an id


class ConversationStore:
    """Keeps conversation ids in SQLite.

    Args:
        folder: Where; the user's state folder if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = StateFile("conversations.sqlite", _SCHEMA, folder)
        self._notices: list[str] = []

    def find(self, notebook: NotebookKey, backend: str, name: str) -> StoredConversation | None:
        """The latest conversation of a notebook's session: by kernel id, else by inode, else by path.

        Returns:
            What was kept; None if nothing is known.
        """
        row = self._file.run(lambda database: _find(database, notebook, backend, name))
        return row and self._parse_row(*row)

    def notebooks_of(self, session_id: str) -> list[str]:
        """The paths of the notebooks that a conversation is kept for."""
        rows = self._file.run(lambda database: database.execute(_NOTEBOOKS, (session_id,)).fetchall())
        return [str(path) for (path,) in rows]

    def names_of(self, session_ids: Iterable[str]) -> dict[str, str]:
        """What the sessions are called that kept these conversations, of whatever notebook."""
        ids = list(session_ids)
        placeholders = ", ".join("?" * len(ids))
        rows = self._file.run(
            lambda database: database.execute(_NAMES.format(placeholders=placeholders), ids).fetchall()
        )
        return {str(session_id): str(name) for session_id, name in rows}

    def keep(self, notebook: NotebookKey, backend: str, name: str, record: StoredConversation) -> None:
        """Remembers a conversation; what was kept for this session before is forgotten."""
        if notebook.is_known:
            self._file.run(lambda database: _keep(database, notebook, backend, name, record))

    def notices(self) -> list[str]:
        """What the person should know; each is told once."""
        notices, self._notices = self._notices, []
        return notices + self._file.notices()

    def _parse_row(self, session_id: object, turns: object) -> StoredConversation | None:
        if session_id == _NO_ID:
            return StoredConversation(_NO_ID, 0, is_left=True)
        try:
            return StoredConversation(checked_id(str(session_id)), int(str(turns)))
        except (UsageError, ValueError):
            self._notices.append("What was kept of the earlier conversation is damaged; this is a new one.")
            return None


def _find(
    database: sqlite3.Connection, notebook: NotebookKey, backend: str, name: str
) -> tuple[object, object] | None:
    ways = {"kernel_id": notebook.kernel_id, "inode": notebook.inode, "path": notebook.path}
    for column, value in ways.items():
        row: tuple[object, object] | None = (
            database.execute(_FIND.format(column=column), (value, backend, name)).fetchone()
            if value
            else None
        )
        if row:
            return row
    return None


def _keep(
    database: sqlite3.Connection, notebook: NotebookKey, backend: str, name: str, record: StoredConversation
) -> None:
    if record.is_left:  # by whatever it would be found again
        database.execute(_FORGET, (backend, name, notebook.kernel_id, notebook.path, notebook.inode))
    else:  # only this kernel's own: another live kernel of the same notebook keeps its row
        database.execute(_REPLACE, (backend, name, notebook.kernel_id))
    key = (notebook.kernel_id, notebook.path, notebook.inode, backend, name)
    session_id = _NO_ID if record.is_left else record.session_id
    database.execute(_INSERT, (*key, session_id, record.turns, time.time()))
