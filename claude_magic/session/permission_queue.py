"""Puts the CLI's permission requests before a person, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from claude_magic.permissions import Behavior, Decision, PermissionRequest, deny_unattended
from claude_magic.session.turn import Turn

__all__ = ["PermissionQueue"]

log = logging.getLogger(__name__)
_STOPPED = Decision(behavior=Behavior.DENY, message="The turn was stopped.", by="stopped")
_FAILED = Decision(behavior=Behavior.DENY, message="Nobody could be asked.", by="nobody to ask")


class PermissionQueue:
    """Where requests wait their turn.

    Args:
        on_change: Called when a person begins and ends being waited for.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self.is_waiting = False
        self._on_change = on_change
        self.rebind()

    def rebind(self) -> None:
        """Goes over to another event loop."""
        self._lock = asyncio.Lock()

    async def decide(self, turn: Turn | None, request: PermissionRequest) -> Decision:
        """The decision on a request.

        Args:
            turn: In whose cell to ask; None for a background task of the CLI's, which has none.
            request: What is asked.
        """
        if turn is None:
            return await deny_unattended(request)
        block = turn.transcript.ask(request)
        try:
            async with self._lock:
                decision = await self._ask(turn, block.request)
        except asyncio.CancelledError:  # the CLI took the request back, or has ended
            turn.transcript.decide(block, _STOPPED)
            raise
        turn.transcript.decide(block, decision)
        return decision

    async def _ask(self, turn: Turn, request: PermissionRequest) -> Decision:
        if turn.interrupted or turn.outcome is not None:
            return _STOPPED
        self._set_waiting(waiting=True)
        try:
            return await turn.ask(request)
        except asyncio.CancelledError:
            return _STOPPED
        except Exception as error:
            log.exception("A permission request could not be asked")
            turn.transcript.notice(f"Asking for permission failed: {error!r}", "error")
            return _FAILED
        finally:
            self._set_waiting(waiting=False)

    def _set_waiting(self, *, waiting: bool) -> None:
        self.is_waiting = waiting
        self._on_change()
