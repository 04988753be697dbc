"""`%claude_status`, `%claude_history` and `%claude_resume`: what is, what was, and what is to go on."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from argparse import Namespace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from claude_magic.claude_cli.past_conversations import PastConversation, past_conversations
from claude_magic.claude_cli.session_files import projects_folder
from claude_magic.control_characters import one_line
from claude_magic.errors import UsageError
from claude_magic.magics.arguments import SESSION, Word, flag, magic, sessions
from claude_magic.magics.output import say, show
from claude_magic.magics.status import (
    machine_table,
    session_table,
    sessions_table,
    short_id,
)
from claude_magic.notebook.sessions import MAIN, Sessions
from claude_magic.processes.identity import memory
from claude_magic.processes.manager import default_manager
from claude_magic.support.paths import absolute, notebook_folder
from claude_magic.support.state_file import off_loop
from claude_magic.views import table_output
from claude_magic.wording.tables import Table
from claude_magic.wording.units import ago

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.magics.cell import Cells
    from claude_magic.magics.tasks import TaskMagics
    from claude_magic.notebook.settings import Settings

__all__ = ["ConversationMagics"]

LISTING_LENGTH = 20
_SHORTEST_ID = 4  # characters
_NAME = Word("name", sessions)
_HISTORY = "%claude_history [NAME] -o FILE --force"


class ConversationMagics:
    """The magics about conversations.

    Args:
        shell: The shell.
        sessions: The notebook's sessions.
        settings: Its settings.
        cells: Its turns in cells.
        tasks: The kernel's tasks.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        sessions: Sessions,
        settings: Settings,
        cells: Cells,
        tasks: TaskMagics,
    ) -> None:
        self.listing: list[PastConversation] = []  # as `%claude_resume` has shown them: numbers mean these
        self._shell = shell
        self._sessions = sessions
        self._settings = settings
        self._cells = cells
        self._tasks = tasks

    @property
    def names(self) -> list[str]:
        """The beginnings of the ids that were listed."""
        return [short_id(past.session_id) for past in self.listing]

    @magic(_NAME, flag("--all", "Show every session on this machine."), usage="[NAME] [--all]")
    async def claude_status(self, arguments: Namespace) -> None:
        """Show a session's state; without a name, all of this notebook's."""
        if arguments.all:
            await self._show_machine()
            return
        sessions = [self._sessions.find(arguments.name)] if arguments.name else list(self._sessions)
        if not sessions:
            label = f" Answers: {self._settings.label}." if self._settings.label else ""
            say(f"No session yet; the first prompt starts one.{label}")
        elif len(sessions) == 1:
            show(self._shell, table_output(session_table(sessions[0], self._cells.of(sessions[0]))))
        else:
            show(self._shell, table_output(sessions_table(sessions)))

    @magic(
        _NAME,
        flag("--permissions", "Show only what was asked and what was answered."),
        flag("-o, --to FILE", "Write it to a file."),
        flag("--force", "Replace a file that is there already."),
        usage="[NAME] [--permissions] [-o FILE [--force]]",
    )
    async def claude_history(self, arguments: Namespace) -> None:
        """Show this notebook's turns with a session as Markdown."""
        if arguments.force and arguments.to is None:
            raise UsageError(f"--force goes with -o. Usage: {_HISTORY}")
        session = self._sessions.find(arguments.name)
        from claude_magic.wording.markdown import decisions_of, history_of  # noqa: PLC0415  # load budget

        if arguments.permissions:
            decisions = [line for transcript in session.history for line in decisions_of(transcript)]
            text, mime = "\n".join(decisions) or "Nothing was asked.", "text/plain"
        else:
            text, mime = history_of(session.history) or "No turn yet.", "text/markdown"
        if arguments.to is not None:
            say(_write(arguments.to, text, force=arguments.force))
        else:
            from claude_magic.views.html.turn import document  # noqa: PLC0415  # load budget

            page = {"text/html": str(document(text))} if mime == "text/markdown" else {}
            show(self._shell, page | {mime: text, "text/plain": text})

    @magic(
        Word("conversation", lambda in_use: in_use.conversations.names),
        SESSION,
        flag("--fork", "Go on with a copy; the original stays as it is."),
        flag("--all", f"List all, not only the newest {LISTING_LENGTH}."),
        usage="[NUMBER | ID] [-s NAME] [--fork] [--all]",
    )
    async def claude_resume(self, arguments: Namespace) -> None:
        """List this folder's earlier conversations, or have the next prompt go on with one."""
        name = arguments.session or MAIN
        if arguments.conversation is not None:
            await self._resume(name, arguments.conversation, copy=arguments.fork)
        elif arguments.fork:
            raise UsageError("Say which conversation to copy: %claude_resume NUMBER --fork")
        else:
            await self._list(name, None if arguments.all else LISTING_LENGTH)

    # Sessions of the machine

    async def _show_machine(self) -> None:
        records = await off_loop(default_manager().registry.get_all)
        processes = [info for info in records if info.session_id and info.is_running]
        if not processes:
            say("No session has a process on this machine.")
            return
        own = {session.pid: session for session in (*self._sessions, *self._tasks.sessions) if session.pid}
        names = await self._sessions.names_of(info.session_id for info in processes)
        table = machine_table(
            processes, own=own, kernel=os.getpid(), names=names, memory=memory, now=time.time()
        )
        show(self._shell, table_output(table))

    # Earlier conversations

    async def _list(self, name: str, limit: int | None) -> None:
        directory, conversations = await self._past(name, limit and limit + 1)
        self.listing = conversations[:limit]
        if not conversations:
            say(f"No earlier conversation in {directory}.")
            return
        rows = [await self._row(number, past, name) for number, past in enumerate(self.listing, 1)]
        session = "" if name == MAIN else f" -s {name}"
        note = (
            f"Go on with one: %claude_resume 1{session}. With a copy of it: %claude_resume 1{session} --fork."
        )
        if len(conversations) > len(self.listing):
            note += " Older ones: %claude_resume --all."
        show(
            self._shell, table_output(Table(("", "last used", "first prompt", "turns", "id", ""), rows, note))
        )

    async def _row(self, number: int, past: PastConversation, name: str) -> tuple[str, ...]:
        day = datetime.fromtimestamp(past.changed, tz=UTC).astimezone()
        when = f"{ago(time.time() - past.changed)} ({day:%Y-%m-%d %H:%M})"
        user = await self._sessions.user_of(past.session_id)
        return (
            str(number),
            when,
            one_line(past.prompt, 60),
            _turns(past),
            short_id(past.session_id),
            "this session" if user == f"session {name!r}" else f"in use by {user}" if user else "",
        )

    async def _resume(self, name: str, query: str, *, copy: bool) -> None:
        past = await self._look_up(name, query)
        session = await self._sessions.get(name)
        if not copy and session.goes_on_with(past.session_id):
            say(f"Session {name!r} goes on with this conversation already.")
            return
        await self._sessions.resume(session, past, copy=copy)
        turns = f"{_turns(past)} turn{'s' * (past.turns != 1)}"
        what = f"{one_line(past.prompt, 40)!r}, {turns} ({short_id(past.session_id)})"
        before = "" if name == MAIN else f" of session {name!r}"
        if copy:
            say(f"The next prompt{before} goes on with a copy of {what}. The original stays as it is.")
        else:
            say(f"The next prompt{before} goes on with {what}.")

    async def _look_up(self, name: str, query: str) -> PastConversation:
        """The conversation that a number of the list, or the beginning of an id, stands for.

        Raises:
            UsageError: It stands for none, or for several.
        """
        if query.isdecimal() and len(query) < _SHORTEST_ID:
            if not self.listing:
                _, self.listing = await self._past(name, LISTING_LENGTH)
            if 1 <= int(query) <= len(self.listing):
                return self.listing[int(query) - 1]
            raise UsageError(f"There is no conversation {query} in the list. See it with: %claude_resume")
        if len(query) < _SHORTEST_ID or not set(query.lower()) <= set("0123456789abcdef-"):
            raise UsageError(f"{query[:60]!r} is no number and no conversation id. See %claude_resume")
        directory, matches = await self._past(name, 2, query.lower())
        if len(matches) > 1:
            raise UsageError(f"{query!r} begins the ids of several conversations. Give more of it.")
        if not matches:
            raise UsageError(f"No conversation in {directory} has an id {query[:60]!r}. See %claude_resume")
        return matches[0]

    async def _past(
        self, name: str, limit: int | None, beginning: str = ""
    ) -> tuple[Path, list[PastConversation]]:
        options = await self._sessions.options(name)
        projects = projects_folder(options.env)
        find = partial(past_conversations, projects, options.directory, limit=limit, beginning=beginning)
        return options.directory, await asyncio.to_thread(find)


def _write(target: str, text: str, *, force: bool) -> str:
    """Writes a file and says so."""
    path = absolute(target, notebook_folder())
    if path.is_dir():
        raise UsageError(f"The file {str(path)!r} cannot be written: it is a folder.")
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(f"{text}\n")
    except FileExistsError:
        again = f"%claude_history -o {shlex.quote(target)} --force"
        raise UsageError(f"The file {str(path)!r} exists already. Replace it with: {again}") from None
    except OSError as error:
        raise UsageError(f"The file {str(path)!r} cannot be written: {error.strerror}.") from None
    return f"Written to {path} ({path.stat().st_size:,} bytes)."


def _turns(past: PastConversation) -> str:
    return f"{past.turns}{'+' * past.more}"
