"""The magics: parse a line, find the session, hand the turn to its cell; nothing else."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import sys
from argparse import Namespace
from collections.abc import Coroutine, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError
from traitlets.config import Config

from claude_magic.errors import StateError, UsageError
from claude_magic.foreground import Foreground, caller_names
from claude_magic.foreground.question_marks import QuestionMarks
from claude_magic.magics.arguments import (
    OPTIONS,
    Word,
    flag,
    given_options,
    magic,
    magics_of,
    session_changes,
    sessions,
    turn_options,
)
from claude_magic.magics.cell import Cells
from claude_magic.magics.completion import Completer
from claude_magic.magics.conversations import ConversationMagics
from claude_magic.magics.prompt_line import expand
from claude_magic.magics.status import would_send
from claude_magic.magics.tasks import TaskMagics, check_task_options
from claude_magic.notebook.backend import OfflineModel
from claude_magic.notebook.changes import Changes
from claude_magic.notebook.conversation_store import ConversationStore
from claude_magic.notebook.defaults import Defaults
from claude_magic.notebook.open_notebook import OpenNotebook
from claude_magic.notebook.sessions import MAIN, Sessions, this_notebook
from claude_magic.options import Options
from claude_magic.processes.manager import default_manager
from claude_magic.prompt import Prompt
from claude_magic.result import Result
from claude_magic.session import Session

__all__ = ["ClaudeMagics", "load", "unload"]

_NAME = Word("name", sessions)


class ClaudeMagics(Defaults):
    """Claude Code sessions in this notebook. Defaults for them: `%config ClaudeMagics.model = "opus"`."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(parent=shell)
        self.shell = shell
        self.foreground = Foreground(shell)
        self._question_marks = QuestionMarks(shell)
        notebook = this_notebook(shell)
        self.cells = Cells(shell, self._keep_mode)
        self.sessions = Sessions(notebook, ConversationStore(), self.cells.named_in_page)
        self._open = OpenNotebook(lambda: this_notebook(shell).path)
        self._offline = OfflineModel()
        self._changes = Changes()
        self.conversations = ConversationMagics(
            shell,
            self.sessions,
            self.cells,
            session=self._session,
            options=self._options,
            tasks=lambda: self.tasks.sessions,
            label=lambda: self.label,
        )
        self.tasks = TaskMagics(shell, self.cells, notebook, options=self._new_options)
        families = (self, self.conversations, self.tasks)
        self._magics = [each for family in families for each in magics_of(family)]
        self._completer = Completer(shell, [declared for declared, _ in self._magics], self)
        self._pid = os.getpid()

    # Coming and going

    def install(self) -> None:
        """Makes the magics known to the shell."""
        self.foreground.install()
        for declared, function in self._magics:
            self.foreground.register(declared.name, declared.kind, function)
        self.shell.configurables.append(self)
        self._completer.install()
        self._question_marks.install()
        self.foreground.main_loop().call_soon(self._reap)  # after the cell: loading stays quick
        atexit.register(self._at_exit)

    def uninstall(self) -> None:
        """Stops the sessions and takes everything out of the shell again."""
        try:
            self.foreground.run(self._close())
        except StateError:  # a loop that cannot be nested, as uvloop's
            self._kill_now()
        self.cells.close()
        self.foreground.uninstall()
        self._completer.uninstall()
        self._question_marks.uninstall()
        self.shell.configurables.remove(self)
        atexit.unregister(self._at_exit)

    def _reap(self) -> None:
        self._reaping = asyncio.ensure_future(
            default_manager().kill_orphans()
        )  # kept, or it may be collected
        self.tasks.introduce()

    async def _close(self) -> None:
        await self.tasks.close()
        await self.sessions.stop_all()
        await self._offline.stop()

    def _at_exit(self) -> None:
        if os.getpid() == self._pid:  # a forked child owns none of it
            self._kill_now()

    def _kill_now(self) -> None:
        self.tasks.kill_now()
        self.sessions.kill_now()
        self._offline.kill_now()

    # The magics

    @magic(*OPTIONS, usage="[options] PROMPT", kind="line_cell", prompt=True)
    def claude(self, given: Namespace, cell: str | None = None) -> Coroutine[Any, Any, Result | None]:
        """Ask Claude. `%%claude` sends the cell as it is; `%claude` sends the rest of the line.

        In a `%claude` line `{name}` stands for the text of that variable.
        """
        check_task_options(given)
        return self._ask(given, self._prompt(given.rest, cell))

    @magic(_NAME, usage="[NAME]")
    async def claude_wait(self, given: Namespace) -> None:
        """Wait for background turns. Interrupting it interrupts them."""
        waited = await self.cells.wait(self.sessions.find(given.name) if given.name else None)
        if not waited:
            self._say("Nothing runs in the background.")
        for cell in waited:
            if cell.turn.error is not None:
                self._say(f"Session {cell.session.name!r}: {cell.turn.error}")

    @magic(
        _NAME,
        flag("--turn", help="Only interrupt the running turn."),
        flag("--all", help="End every session's process."),
        usage="[NAME] [--turn | --all]",
    )
    async def claude_stop(self, given: Namespace) -> None:
        """End a session's process. The conversation stays; the next prompt resumes it."""
        sessions = list(self.sessions) if given.all else [self.sessions.find(given.name)]
        stop = self._stop_turn if given.turn else self._stop
        for session in sessions:
            self._say(await stop(session))
        if not sessions:
            self._say("There is no session yet.")

    @magic(_NAME, flag("--fresh", help="Begin a new conversation."), usage="[NAME] [--fresh]")
    async def claude_restart(self, given: Namespace) -> None:
        """Restart a session. The conversation goes on."""
        session = await self._session(given.name or MAIN)
        await session.restart(fresh=given.fresh)
        turns = f"{session.turns} earlier turn{'s' * (session.turns != 1)}"
        how = f"; the conversation goes on after {turns}" if session.turns else " with a new conversation"
        self._say(f"Session {session.name!r} is running{how}.")

    # Helpers

    async def _ask(self, options: Namespace, prompt: Prompt) -> Result | None:
        self._open.look()
        if options.task is not None:
            await self.tasks.start(options, prompt, self._putter(options.out))
            return None
        turn_only, changes = turn_options(options), session_changes(options)
        if options.busy == "refuse" and (known := self.sessions.known(options.session or MAIN)):
            known.refuse_if_busy()  # before anything is changed
        session = await self._session(options.session or MAIN, changes)
        if options.dry_run:
            self._say(would_send(session, prompt, given_options(options)))
            return None
        turn = session.submit(
            prompt,
            options=turn_only,
            asker=self.cells.asker(background=options.background),
            refuse_if_busy=options.busy == "refuse",
        )
        turn.transcript.options = given_options(options)
        for news in self.sessions.news():
            turn.transcript.notice(news, "warning")
        shown = self.cells.show(session, turn, background=options.background, out=self._putter(options.out))
        return None if options.background else await shown.wait()

    def _prompt(self, rest: str, cell: str | None) -> Prompt:
        """What is to be sent; the names in it are those of the code that has called the magic."""
        if cell is None:
            if not rest.strip():
                raise UsageError(
                    "Usage: %claude [options] PROMPT, or a cell that begins with %%claude. See %claude?"
                )
            return expand(rest, caller_names(self.shell.user_ns))
        if rest.strip():
            raise UsageError(
                f"The %%claude line holds more than options: {rest.strip()[:60]!r}. The prompt goes below it."
            )
        if not cell.strip():
            raise UsageError("The cell is empty. Write what you want to ask below %%claude. See %claude?")
        return Prompt(re.sub(r"\r?\n\Z", "", cell))  # IPython ends a cell with one

    async def _session(self, name: str, changes: Mapping[str, object] | None = None) -> Session:
        """The session of this name, with the defaults of now and what was ever changed for it."""
        options, kept = await self._settings(name, changes)
        session = await self.sessions.get(name, options, self.backend)
        self._changes.attempt(name, kept)
        return session

    async def _settings(
        self, name: str, changes: Mapping[str, object] | None = None
    ) -> tuple[Options, dict[str, object]]:
        """The options that a session of this name has, or would have, and what of them is kept for it."""
        kept = self._changes.of(name, self.sessions.known(name)) | dict(changes or {})
        if "cwd" not in kept:
            kept["cwd"] = self.directory()  # a later chdir is not followed
        env = await self._offline.environment() if self.backend == "offline" else {}
        return self.options(env, kept | {"hooks": self._open.hooks}), kept

    async def _new_options(self, changes: Mapping[str, object]) -> Options:
        return (await self._settings("", changes))[0]

    async def _options(self, name: str) -> Options:
        return (await self._settings(name))[0]

    async def _stop(self, session: Session) -> str:
        report = await session.stop()
        if report is None:
            return f"Session {session.name!r} was not running."
        return f"Stopped session {session.name!r}; its next prompt resumes the conversation."

    async def _stop_turn(self, session: Session) -> str:
        turn = session.turn
        if turn is None or not session.interrupt(turn):
            return f"Session {session.name!r} has no turn running."
        await turn.wait()
        return f"Interrupted the turn of session {session.name!r}."

    def _keep_mode(self, session: Session, mode: str) -> None:
        self._changes.keep(session.name, "permission_mode", mode)

    def _say(self, text: str) -> None:
        print(text)  # noqa: T201  # the cell's output

    def _putter(self, name: str | None) -> Any:
        return lambda result: self.shell.user_ns.__setitem__(name, result) if name else None


def load(shell: InteractiveShell) -> None:
    """Puts the magics into a shell; once is enough."""
    if _loaded(shell) is None:
        _made(shell).install()


def unload(shell: InteractiveShell) -> None:
    """Stops the sessions and takes the magics out again."""
    magics = _loaded(shell)
    if magics is not None:
        magics.uninstall()


def _made(shell: InteractiveShell) -> ClaudeMagics:
    """The magics as configured; where they refuse a value (`%config` keeps those too) the default holds."""
    configured = shell.config.pop("ClaudeMagics", {})
    magics = ClaudeMagics(shell)
    for name, value in configured.items():
        try:
            magics.update_config(Config(ClaudeMagics={name: value}))
        except TraitError as error:
            sys.stderr.write(f"claude_magic: ClaudeMagics.{name} keeps its default: {error}\n")
        else:
            shell.config.ClaudeMagics[name] = value
    return magics


def _loaded(shell: InteractiveShell) -> ClaudeMagics | None:
    return next((item for item in shell.configurables if isinstance(item, ClaudeMagics)), None)
