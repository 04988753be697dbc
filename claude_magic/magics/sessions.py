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
    flag_values,
    magic,
    session_changes,
    sessions,
    turn_options,
)
from claude_magic.magics.output import say
from claude_magic.magics.prompt_line import expand
from claude_magic.magics.schema_name import schema_named
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
        open_notebook: The notebook that is open.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        sessions: Sessions,
        cells: Cells,
        tasks: TaskMagics,
        open_notebook: OpenNotebook,
    ) -> None:
        self._shell = shell
        self._sessions = sessions
        self._cells = cells
        self._tasks = tasks
        self._open_notebook = open_notebook

    @magic(*OPTIONS, usage="[options] PROMPT", kind="line_cell", prompt=True)
    def claude(self, arguments: Namespace, cell: str | None = None) -> Coroutine[Any, Any, Result | None]:
        """Ask Claude. `%%claude` sends the cell as it is; `%claude` sends the rest of the line.

        In a `%claude` line `{name}` stands for the text of that variable.
        """
        check_task_options(arguments)
        if arguments.schema is not None:
            arguments.schema = schema_named(arguments.schema, caller_names(self._shell.user_ns))
        return self._ask(arguments, self._prompt(arguments.rest, cell))

    @magic(_NAME, usage="[NAME]")
    async def claude_wait(self, arguments: Namespace) -> None:
        """Wait for background turns. Interrupting it interrupts them."""
        cells = await self._cells.wait(self._sessions.find(arguments.name) if arguments.name else None)
        if not cells:
            say("Nothing runs in the background.")
        for cell in cells:
            if cell.turn.error is not None:
                say(f"Session {cell.session.name!r}: {cell.turn.error}")

    @magic(
        _NAME,
        flag("--turn", "Only interrupt the running turn."),
        flag("--all", "End every session's process."),
        usage="[NAME] [--turn | --all]",
    )
    async def claude_stop(self, arguments: Namespace) -> None:
        """End a session's process. The conversation stays; the next prompt resumes it."""
        sessions = list(self._sessions) if arguments.all else [self._sessions.find(arguments.name)]
        stop = self._stop_turn if arguments.turn else self._stop
        for session in sessions:
            say(await stop(session))
        if not sessions:
            say("There is no session yet.")

    @magic(_NAME, flag("--fresh", "Begin a new conversation."), usage="[NAME] [--fresh]")
    async def claude_restart(self, arguments: Namespace) -> None:
        """Restart a session. The conversation goes on."""
        session = await self._sessions.get(arguments.name or MAIN)
        await session.restart(fresh=arguments.fresh)
        turns = f"{session.turns} earlier turn{'s' * (session.turns != 1)}"
        how = f"; the conversation goes on after {turns}" if session.turns else " with a new conversation"
        say(f"Session {session.name!r} is running{how}.")

    # Helpers

    async def _ask(self, arguments: Namespace, prompt: Prompt) -> Result | None:
        self._open_notebook.look()
        if arguments.task is not None:
            await self._tasks.start(arguments, prompt, self._putter(arguments.out))
            return None
        options, changes = turn_options(arguments), session_changes(arguments)
        if arguments.busy == "refuse" and (session := self._sessions.peek(arguments.session or MAIN)):
            session.refuse_if_busy()  # before anything is changed
        session = await self._sessions.get(arguments.session or MAIN, changes)
        if arguments.dry_run:
            say(would_send(session, prompt, flag_values(arguments)))
            return None
        asker = self._cells.asker(background=arguments.background)
        turn = session.submit(prompt, options=options, asker=asker, refuse_if_busy=arguments.busy == "refuse")
        turn.transcript.options = flag_values(arguments)
        for notice in self._sessions.notices():
            turn.transcript.notice(notice, "warning")
        turn_cell = self._cells.show(session, turn, asker, self._putter(arguments.out))
        return None if arguments.background else await turn_cell.wait()

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
