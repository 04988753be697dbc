"""What the buttons of a live turn do to its session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from claude_magic.errors import ClaudeMagicError
from claude_magic.notebook.settings import Settings
from claude_magic.session import Session
from claude_magic.session.turn import Turn
from claude_magic.transcript import Transcript

__all__ = ["TakeBack", "TurnControls"]

TakeBack = Callable[[Session, Transcript], Awaitable[str]]
"""Takes back what a turn has changed; says what came of it, or raises ClaudeMagicError."""


class TurnControls:
    """The controls of one turn.

    Args:
        session: Its session.
        turn: The turn.
        settings: The notebook's settings.
        take_back: Takes back what a turn has changed.
    """

    def __init__(self, session: Session, turn: Turn, settings: Settings, take_back: TakeBack) -> None:
        self._session = session
        self._turn = turn
        self._settings = settings
        self._take_back = take_back
        self._task: asyncio.Task[None] | None = None

    def stop(self, *, again: bool = False) -> None:
        """Stops the turn, or takes it out of the queue.

        Args:
            again: It has not stopped, so its process is to end. No first click means that, if it comes late,
                when the kernel was interrupted instead.
        """
        if again or not self._turn.interrupted:
            self._session.interrupt(self._turn)

    def set_mode(self, mode: str) -> None:
        """Sets the permission mode of this turn and of those that follow."""
        self._settings.keep(self._session.name, "permission_mode", mode)
        self._task = asyncio.ensure_future(self._set_mode(mode))

    def start_fresh(self) -> None:
        """Has the next prompt begin a new conversation."""
        self._session.start_fresh()
        self._turn.transcript.notice("The next prompt begins a new conversation.")

    async def undo(self) -> str:
        """Takes back what the turn has changed, and says what came of it."""
        try:
            return await self._take_back(self._session, self._turn.transcript)
        except ClaudeMagicError as error:
            return str(error)

    async def _set_mode(self, mode: str) -> None:
        try:
            await self._session.set_permission_mode(mode)
        except ClaudeMagicError as error:
            self._turn.transcript.notice(str(error), "warning")
        else:
            self._turn.transcript.update(permission_mode=self._session.permission_mode)
