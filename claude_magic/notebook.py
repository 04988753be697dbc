"""Which notebook this is, its named sessions, and what of them survives a kernel restart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.cli.manager import default_manager
from claude_magic.errors import UsageError
from claude_magic.options import Options
from claude_magic.session import Session
from claude_magic.store import ConversationStore, Kept, NotebookKey

__all__ = ["MAIN", "NOTE", "Sessions", "this_notebook"]

MAIN = "main"
NOTE = """\
You are called from a Jupyter notebook (or an IPython prompt) by the extension claude_magic: the user's \
message is the text of a cell, and your answer is shown under that cell as Markdown. Answer in text; do not \
create or edit notebook files (.ipynb) unless you are asked to. `python` in your shell is the Python that \
runs the notebook's kernel."""


def this_notebook(shell: InteractiveShell) -> NotebookKey:
    """What the notebook of this kernel is known by; nothing in a plain terminal."""
    path = str(shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", ""))
    if not hasattr(shell, "kernel"):
        return NotebookKey()
    return NotebookKey(_kernel_id(shell), path if Path(path).is_absolute() else "", _inode(path))


def _kernel_id(shell: InteractiveShell) -> str:
    connection_file = shell.config.get("IPKernelApp", {}).get("connection_file") or getattr(
        getattr(shell, "parent", None), "connection_file", ""
    )
    if not connection_file:
        from ipykernel.connect import get_connection_file  # noqa: PLC0415  # only in a kernel

        connection_file = get_connection_file()
    return Path(connection_file).stem.removeprefix("kernel-")


def _inode(path: str) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116  # "" is no path to Path
    except (OSError, ValueError):
        return ""
    return f"{status.st_dev}:{status.st_ino}"


class Sessions:
    """The sessions of one notebook, by name.

    Args:
        notebook: What it is known by.
        store: Where conversations are kept.
    """

    def __init__(self, notebook: NotebookKey, store: ConversationStore) -> None:
        self._notebook = notebook
        self._store = store
        self._sessions: dict[str, Session] = {}
        self._backends: dict[str, str] = {}
        self._news: list[str] = []
        default_manager().notebook = notebook.path  # for those whom it refuses a conversation

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    @property
    def names(self) -> list[str]:
        """The names in use, in the order of first use."""
        return list(self._sessions)

    async def get(self, name: str, options: Options, backend: str) -> Session:
        """The session called `name`, made if need be, with these options from its next turn on.

        Another backend is another conversation: the session that talked to the one before is stopped.
        """
        session = self._sessions.get(name)
        if session is not None and self._backends[name] != backend:
            await session.stop()
            session = None
        if session is None:
            session = self._sessions[name] = self._made(name, options, backend)
            self._backends[name] = backend
        elif options != session.options:
            session.options = options
        return session

    def find(self, name: str | None) -> Session:
        """The session called `name` (the only one, or `main`, if None).

        Raises:
            UsageError: There is none of this name.
        """
        if name is None and len(self._sessions) == 1:
            return next(iter(self))
        wanted = name or MAIN
        if wanted not in self._sessions:
            known = f" Known: {', '.join(self.names)}." if self._sessions else ""
            start = "%claude PROMPT" if wanted == MAIN else f"%claude -s {wanted} PROMPT"
            raise UsageError(f"There is no session {wanted!r}.{known} Start it with: {start}")
        return self._sessions[wanted]

    def news(self) -> list[str]:
        """What the person should know about keeping conversations, once."""
        news, self._news = self._news, []
        return news + self._store.news()

    async def stop_all(self) -> None:
        """Ends every session's process."""
        for session in self:
            await session.stop()

    def kill_now(self) -> None:
        """Ends every session's process tree without a loop, for interpreter exit."""
        for session in self:
            session.kill_now()

    def _made(self, name: str, options: Options, backend: str) -> Session:
        kept = self._free(name, backend) if options.resume == "auto" else None
        if kept is not None and options.session_id is None:
            options = options.with_(session_id=kept.session_id)
        session = Session(options, name=name, earlier_turns=kept.turns if kept else 0)
        session.on("status", self._keeper(session, backend))
        return session

    def _free(self, name: str, backend: str) -> Kept | None:
        """What was kept for a session, unless another kernel uses it: of a notebook that was renamed, say."""
        kept = self._store.find(self._notebook, backend, name)
        holder = default_manager().registry.holder(kept.session_id) if kept else None
        if holder is None or holder.kernel_pid == os.getpid():
            return kept
        where = holder.notebook or f"another kernel in {holder.cwd}"
        self._news.append(
            f"The earlier conversation is in use by {where} (pid {holder.pid}); this is a new one."
        )
        return None

    def _keeper(self, session: Session, backend: str) -> Callable[[object], None]:
        """Keeps the conversation whenever it has changed, and forgets it when another is begun."""
        last: Kept | None = None

        def keep(_: object) -> None:
            nonlocal last
            recorded = session.conversation.recorded
            kept = Kept(session.session_id, session.turns) if recorded else None
            if kept is None:
                self._store.forget(self._notebook, backend, session.name)
            elif kept != last:
                self._store.keep(self._notebook, backend, session.name, kept)
            last = kept

        session.on("complete", keep)
        return keep
