"""`%claude`, `%claude_wait`, `%claude_stop` and `%claude_restart`: ask, wait, stop, begin again."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from claude_magic.errors import UsageError
from claude_magic.foreground import caller_names
from claude_magic.magics.arguments import (
    OPTIONS,
    Word,
    flag,
    given_options,
    magic,
    session_changes,
    sessions,
    turn_options,
)
from claude_magic.magics.output import say
from claude_magic.magics.prompt_line import expand
from claude_magic.magics.status import would_send
from claude_magic.magics.tasks import check_task_options
from claude_magic.notebook.sessions import MAIN, Sessions
from claude_magic.prompt import Prompt
from claude_magic.result import Result

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.magics.cell import Cells
    from claude_magic.magics.tasks import TaskMagics
    from claude_magic.notebook.open_notebook import OpenNotebook
    from claude_magic.session import Session

__all__ = ["SessionMagics"]

_NAME = Word("name", sessions)


class SessionMagics:
    """The magics that act on sessions.

    Args:
        shell: The shell.
        sessions: The notebook's sessions.
        cells: Their turns in cells.
        tasks: The kernel's tasks.
        opened: The notebook that is open.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        sessions: Sessions,
        cells: Cells,
        tasks: TaskMagics,
        opened: OpenNotebook,
    ) -> None:
        self._shell = shell
        self._sessions = sessions
        self._cells = cells
        self._tasks = tasks
        self._open = opened

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
        waited = await self._cells.wait(self._sessions.find(given.name) if given.name else None)
        if not waited:
            say("Nothing runs in the background.")
        for cell in waited:
            if cell.turn.error is not None:
                say(f"Session {cell.session.name!r}: {cell.turn.error}")

    @magic(
        _NAME,
        flag("--turn", "Only interrupt the running turn."),
        flag("--all", "End every session's process."),
        usage="[NAME] [--turn | --all]",
    )
    async def claude_stop(self, given: Namespace) -> None:
        """End a session's process. The conversation stays; the next prompt resumes it."""
        found = list(self._sessions) if given.all else [self._sessions.find(given.name)]
        stop = self._stop_turn if given.turn else self._stop
        for session in found:
            say(await stop(session))
        if not found:
            say("There is no session yet.")

    @magic(_NAME, flag("--fresh", "Begin a new conversation."), usage="[NAME] [--fresh]")
    async def claude_restart(self, given: Namespace) -> None:
        """Restart a session. The conversation goes on."""
        session = await self._sessions.get(given.name or MAIN)
        await session.restart(fresh=given.fresh)
        turns = f"{session.turns} earlier turn{'s' * (session.turns != 1)}"
        how = f"; the conversation goes on after {turns}" if session.turns else " with a new conversation"
        say(f"Session {session.name!r} is running{how}.")

    # Helpers

    async def _ask(self, options: Namespace, prompt: Prompt) -> Result | None:
        self._open.look()
        if options.task is not None:
            await self._tasks.start(options, prompt, self._putter(options.out))
            return None
        turn_only, changes = turn_options(options), session_changes(options)
        if options.busy == "refuse" and (known := self._sessions.known(options.session or MAIN)):
            known.refuse_if_busy()  # before anything is changed
        session = await self._sessions.get(options.session or MAIN, changes)
        if options.dry_run:
            say(would_send(session, prompt, given_options(options)))
            return None
        asker = self._cells.asker(background=options.background)
        turn = session.submit(prompt, options=turn_only, asker=asker, refuse_if_busy=options.busy == "refuse")
        turn.transcript.options = given_options(options)
        for notice in self._sessions.notices():
            turn.transcript.notice(notice, "warning")
        shown = self._cells.show(session, turn, asker, self._putter(options.out))
        return None if options.background else await shown.wait()

    def _prompt(self, rest: str, cell: str | None) -> Prompt:
        """What is to be sent; the names in it are those of the code that has called the magic."""
        if cell is None:
            if not rest.strip():
                raise UsageError(
                    "Usage: %claude [options] PROMPT, or a cell that begins with %%claude. See %claude?"
                )
            return expand(rest, caller_names(self._shell.user_ns))
        if rest.strip():
            raise UsageError(
                f"The %%claude line holds more than options: {rest.strip()[:60]!r}. The prompt goes below it."
            )
        if not cell.strip():
            raise UsageError("The cell is empty. Write what you want to ask below %%claude. See %claude?")
        return Prompt(re.sub(r"\r?\n\Z", "", cell))  # IPython ends a cell with one

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

    def _putter(self, name: str | None) -> Any:
        return lambda result: self._shell.user_ns.__setitem__(name, result) if name else None
