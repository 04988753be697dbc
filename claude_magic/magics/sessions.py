"""`%claude`, `%claude_explain`, `%claude_wait`, `%claude_stop`, `%claude_restart`: ask, wait, begin again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from claude_magic.magics.answer_code import code_to
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
from claude_magic.magics.prompts import Draft, Prompts
from claude_magic.magics.status import would_send
from claude_magic.magics.tasks import check_task_options
from claude_magic.notebook.sessions import MAIN, Sessions
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
        prompts: Makes what is asked.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        sessions: Sessions,
        cells: Cells,
        tasks: TaskMagics,
        open_notebook: OpenNotebook,
        *,
        prompts: Prompts,
    ) -> None:
        self._shell = shell
        self._sessions = sessions
        self._cells = cells
        self._tasks = tasks
        self._open_notebook = open_notebook
        self._prompts = prompts

    @magic(*OPTIONS, usage="[options] PROMPT", kind="line_cell", prompt=True)
    def claude(self, arguments: Namespace, cell: str | None = None) -> Coroutine[Any, Any, Result | None]:
        """Ask Claude. `%%claude` sends the cell as it is; `%claude` sends the rest of the line.

        In a `%claude` line `{name}` stands for the text of that variable. The cells that were run since the
        last prompt go with it. An empty `%%claude` after an error asks to explain that.
        """
        check_task_options(arguments)
        return self._ask(arguments, self._prompts.of_line_or_cell(arguments, cell))

    @magic(*OPTIONS, usage="[options] [QUESTION]", prompt=True)
    def claude_explain(self, arguments: Namespace) -> Coroutine[Any, Any, Result | None]:
        """Have Claude explain the last error. Its traceback, cell and variables go with the question."""
        check_task_options(arguments)
        return self._ask(arguments, self._prompts.of_error(arguments))

    @magic(_NAME, flag("--stop", "An interrupt ends the turns too."), usage="[NAME] [--stop]")
    async def claude_wait(self, arguments: Namespace) -> None:
        """Wait for background turns. Interrupting it ends the wait alone; the turns go on."""
        session = self._sessions.find(arguments.name) if arguments.name else None
        cells = await self._cells.wait(session, stop=arguments.stop)
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

    async def _ask(self, arguments: Namespace, draft: Draft) -> Result | None:
        destination = code_to(arguments)
        self._open_notebook.look()
        prompt = await self._prompts.with_named(draft)
        if arguments.task is not None:
            prompt, _ = await self._prompts.with_cells(prompt, arguments, None, draft.failed)
            await self._tasks.start(arguments, prompt, self._putter(arguments.out))
            return None
        options, changes = turn_options(arguments), session_changes(arguments)
        if arguments.busy == "refuse" and (session := self._sessions.peek(arguments.session or MAIN)):
            session.refuse_if_busy()  # before anything is changed
        session = await self._sessions.get(arguments.session or MAIN, changes)
        prompt, unseen = await self._prompts.with_cells(prompt, arguments, session, draft.failed)
        if arguments.dry_run:
            say(would_send(session, prompt, flag_values(arguments), options.schema))
            return None
        if not arguments.background:
            session.refuse_from_within()
        asker = self._cells.asker(background=arguments.background)
        turn = session.submit(prompt, options=options, asker=asker, refuse_if_busy=arguments.busy == "refuse")
        self._prompts.sent(session, turn, unseen)
        turn.transcript.update(options=flag_values(arguments))
        for notice in self._sessions.notices():
            turn.transcript.notice(notice, "warning")
        out = self._putter(arguments.out)
        turn_cell = self._cells.show(session, turn, asker, out, code_to=destination)
        return None if arguments.background else await turn_cell.wait()

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
