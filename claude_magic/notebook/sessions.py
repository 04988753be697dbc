"""Which notebook this is, its named sessions, and what of them survives a kernel restart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.claude_cli.past_conversations import PastConversation, past_conversations
from claude_magic.claude_cli.session_files import projects_folder
from claude_magic.errors import InUseError, UsageError
from claude_magic.notebook.conversation_store import (
    ConversationStore,
    NotebookKey,
    StoredConversation,
)
from claude_magic.notebook.saved_answers import conversation_in_file
from claude_magic.notebook.settings import Settings
from claude_magic.options import Options
from claude_magic.processes.manager import default_manager
from claude_magic.processes.registry import ProcessInfo, in_use
from claude_magic.session import Session
from claude_magic.session.states import EventName
from claude_magic.support.paths import notebook_path
from claude_magic.support.state_file import later, off_loop

__all__ = ["MAIN", "Sessions", "this_notebook"]

MAIN = "main"


def this_notebook(shell: InteractiveShell) -> NotebookKey:
    """What the notebook of this kernel is known by; nothing in a plain terminal."""
    if not hasattr(shell, "kernel"):
        return NotebookKey()
    path = notebook_path()
    return NotebookKey(_kernel_id(shell), path, _inode(path))


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
        notebook: What the notebook is known by.
        settings: Its settings.
        store: Where conversations are kept.
        ask_page: Asks which conversation a session's answers in the page name, if there is a page.
    """

    def __init__(
        self,
        notebook: NotebookKey,
        settings: Settings,
        store: ConversationStore,
        ask_page: Callable[[str], Awaitable[str | None]],
    ) -> None:
        self._notebook = notebook
        self._settings = settings
        self._store = store
        self._ask_page = ask_page
        self._sessions: dict[str, Session] = {}
        self._backends: dict[str, str] = {}
        self._stored: dict[tuple[str, str], StoredConversation] = {}  # by session and backend
        self._notices: list[str] = []

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    @property
    def names(self) -> list[str]:
        """The names in use, in the order of first use."""
        return list(self._sessions)

    async def get(self, name: str, new: Mapping[str, Any] | None = None) -> Session:
        """The session called `name`, made if need be, with the settings of now from its next turn on.

        Another backend is another conversation: the session that talked to the one before is stopped.

        Args:
            name: The session's.
            new: Fields of `Options` that change for it; kept once they have worked.
        """
        changes = self._settings.changes(name, self.peek(name), new)
        options, backend = await self._settings.options(changes), str(self._settings.backend)
        session = self._sessions.get(name)
        if session is not None and self._backends[name] != backend:
            await session.stop()
            self._sessions.pop(name, None)
            session = None
        if session is None:
            record = await self._conversation(name, options, backend)
            session = self._sessions.get(name)  # another cell may have been quicker
        if session is None:
            session = self._sessions[name] = self._make(name, options, backend, record)
            self._backends[name] = backend
        else:
            session.options = options
        self._settings.attempt(name, changes)
        return session

    async def options(self, name: str) -> Options:
        """The options that a session of this name has or would have."""
        return await self._settings.options(self._settings.changes(name, self.peek(name)))

    def peek(self, name: str) -> Session | None:
        """The session called `name`, if there is one."""
        return self._sessions.get(name)

    def find(self, name: str | None) -> Session:
        """The session called `name` (the only one, or `main`, if None).

        Raises:
            UsageError: There is none of this name.
        """
        if name is None and len(self._sessions) == 1:
            return next(iter(self))
        key = name or MAIN
        if key not in self._sessions:
            hint = f" Known: {', '.join(self.names)}." if self._sessions else ""
            start = "%claude PROMPT" if key == MAIN else f"%claude -s {key} PROMPT"
            raise UsageError(f"There is no session {key!r}.{hint} Start it with: {start}")
        return self._sessions[key]

    def notices(self) -> list[str]:
        """What the person should know about keeping conversations, once."""
        notices, self._notices = self._notices, []
        return notices + self._store.notices()

    async def names_of(self, session_ids: Iterable[str]) -> dict[str, str]:
        """What sessions with these conversations are called, here or in other notebooks, as far as known."""
        names = await off_loop(self._store.names_of, list(session_ids))
        return names | {session.session_id: session.name for session in self}

    async def user_of(self, session_id: str) -> str:
        """Who has a conversation now: a session here, or a live process elsewhere; "" if nobody."""
        own = next((session for session in self if session.session_id == session_id), None)
        if own is not None:
            return f"session {own.name!r}"
        holder = await off_loop(default_manager().registry.holder, session_id)
        return f"{_where(holder)} (pid {holder.pid})" if holder else ""

    async def resume(self, session: Session, past: PastConversation, *, copy: bool) -> None:
        """Has a session go on with an earlier conversation, or with a copy of it; its process is ended.

        Raises:
            InUseError: Another session has it, here or elsewhere; a copy may be made all the same.
        """
        if not copy:
            await self._refuse_if_used(session, past.session_id)
        await session.stop()
        session.resume_from(past.session_id, past.turns, copy=copy)
        self._keep(session, self._backends[session.name])

    async def stop_all(self) -> None:
        """Ends every session's process."""
        for session in self:
            await session.stop()

    def kill_now(self) -> None:
        """Ends every session's process tree without a loop, for interpreter exit."""
        for session in self:
            session.kill_now()

    def _make(self, name: str, options: Options, backend: str, record: StoredConversation | None) -> Session:
        if record is not None and options.session_id is None:
            options = options.with_(session_id=record.session_id)
        session = Session(options, name=name, earlier_turns=record.turns if record else 0)
        events: tuple[EventName, ...] = ("status", "complete", "conversation")  # the last comes in mid-turn
        for event in events:
            session.on(event, lambda _: self._keep(session, backend))
        return session

    async def _conversation(self, name: str, options: Options, backend: str) -> StoredConversation | None:
        """The conversation that a session goes on with: as it was kept, or as the saved answers name it."""
        if options.resume == "never":
            return None
        record = await off_loop(self._store.find, self._notebook, backend, name)
        if record is None:
            record = await self._if_moved(await self._in_answers(name, options))
        return None if record is None or record.is_left else await self._if_free(record)

    async def _in_answers(self, name: str, options: Options) -> StoredConversation | None:
        """What the answers name: those in the file or, where a gateway hides it, those in the page."""
        path = self._notebook.path
        reading = asyncio.to_thread(conversation_in_file, path, name) if path else self._ask_page(name)
        session_id = await reading
        return await asyncio.to_thread(_past_conversation, session_id, options) if session_id else None

    async def _if_moved(self, record: StoredConversation | None) -> StoredConversation | None:
        """What the answers name, unless the notebook that had it is still there: then this one is a copy."""
        original = await off_loop(self._original_of, record.session_id) if record else None
        if record is None or original is None:
            return record
        self._tell(
            f"The earlier conversation is that of {original}; this is a new one. "
            f"Go on with a copy of it: %claude_resume {record.session_id[:8]} --fork"
        )
        return None

    def _original_of(self, session_id: str) -> str | None:
        others = (path for path in self._store.notebooks_of(session_id) if path != self._notebook.path)
        return next((path for path in others if Path(path).exists()), None)

    async def _if_free(self, record: StoredConversation) -> StoredConversation | None:
        """What was kept, unless another session has it, here or in the kernel of a renamed notebook, say."""
        holder = await off_loop(default_manager().registry.holder, record.session_id)
        # After the last wait: another cell may have begun one meanwhile.
        own = next((session for session in self if session.session_id == record.session_id), None)
        if own is not None:
            self._tell(f"The earlier conversation is that of session {own.name!r}; this is a new one.")
            return None
        if holder is None or holder.kernel_pid == os.getpid():
            return record
        self._tell(
            f"The earlier conversation is in use by {_where(holder)} (pid {holder.pid}); this is a new one."
        )
        return None

    def _tell(self, notice: str) -> None:
        if notice not in self._notices:  # two cells may begin a session at the same time
            self._notices.append(notice)

    async def _refuse_if_used(self, session: Session, session_id: str) -> None:
        for other in self:
            if other is not session and other.session_id == session_id:
                message = (
                    f"Session {other.name!r} has this conversation. Ask it there: %claude -s {other.name}"
                )
                raise InUseError(message, pid=other.pid or 0, notebook=self._notebook.path)
        holder = await off_loop(default_manager().registry.holder, session_id)
        if holder is not None and holder.pid != session.pid:
            raise in_use(holder)

    def _keep(self, session: Session, backend: str) -> None:
        """Keeps a session's conversation, if that has changed or another is to begin."""
        conversation = session.conversation
        if conversation.forked_from and not conversation.recorded:
            return  # the copy is not there yet: until then the one before is found again
        record = StoredConversation(session.session_id, session.turns, is_left=not conversation.recorded)
        if record != self._stored.get((session.name, backend)):
            self._stored[session.name, backend] = record
            later(self._store.keep, self._notebook, backend, session.name, record)


def _past_conversation(session_id: str, options: Options) -> StoredConversation | None:
    """What the answers name, if it is a conversation of this directory."""
    projects = projects_folder(options.env)
    matches = past_conversations(projects, options.directory, limit=1, beginning=session_id)
    return next((StoredConversation(past.session_id, past.turns) for past in matches), None)


def _where(holder: ProcessInfo) -> str:
    return holder.notebook or f"another kernel in {holder.cwd}"
