"""Starts and ends a session's process, one thing at a time.

The promise: whatever is asked at once, a session has one process; a start or an end that is cut short leaves
none behind, and the session's state says what is true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from claude_magic.errors import ProcessEndedError
from claude_magic.options import TurnOptions
from claude_magic.processes.child import StopReport
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.routing import Router
from claude_magic.session.states import SessionState, Status
from claude_magic.session.turn import Turn

__all__ = ["Supervisor"]

_S = SessionState
Spawn = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


class Supervisor:
    """The process's beginning and end.

    Args:
        conversation: Whose process it is.
        status: The session's state.
        router: Told when the process ends.
        cost: Told when another begins.
        spawn: Makes a task outside any cell's context.
    """

    def __init__(
        self, conversation: Conversation, status: Status, router: Router, cost: CostMeter, spawn: Spawn
    ) -> None:
        self._conversation = conversation
        self._status = status
        self._router = router
        self._cost = cost
        self._spawn = spawn
        self.rebind()

    def rebind(self) -> None:
        """The session is used on another event loop from now on."""
        self._lock = asyncio.Lock()  # held while a process is started or ended
        self._start_task: asyncio.Task[list[str]] | None = None

    async def ensure(
        self, options: TurnOptions, turn: Turn | None = None, *, recovering: bool = False
    ) -> list[str]:
        """Sees to it that a process runs with the session's options.

        Args:
            options: What the process must be able to do.
            turn: For which; one that is being stopped starts nothing.
            recovering: It had a process before, and its conversation goes on.

        Returns:
            What the person should know: a restart and its reason, a conversation that is gone.

        Raises:
            CLINotFoundError: There is no usable CLI.
            StartError: The process did not start.
            ProcessEndedError: Starting was interrupted.
        """
        conversation = self._conversation
        async with self._lock:
            if turn is not None and turn.interrupted:
                raise ProcessEndedError("The turn was stopped before it began.")
            notices = []
            if conversation.start_fresh and not recovering:
                if conversation.is_running:
                    await self.end(conversation.stop(conversation.options.stop_timeout))
                conversation.reset()
                notices.append("A new conversation begins here.")
            if conversation.is_running and (changed := conversation.needs_another(options)):
                conversation.check()
                notices.append(f"Restarted for {', '.join(changed)}; the conversation goes on.")
                await self.end(conversation.stop(conversation.options.stop_timeout))
            if not conversation.is_running:
                conversation.process = None  # the news of its end must not reach the next one's turn
                return notices + await self._start(options)
            await conversation.refresh()
            return notices

    async def stop(self, timeout: float) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process, or its start; None if there was none."""
        self.cancel_start()
        async with self._lock:
            if not self._conversation.is_running:
                return None
            return await self.end(self._conversation.stop(timeout))

    async def end(self, ending: Coroutine[Any, Any, StopReport | None]) -> StopReport | None:
        """Ends the process in the given way."""
        self._router.reset()
        self._status.enter(_S.STOPPING)
        try:
            return await ending
        finally:
            self._status.enter(_S.STOPPED)

    def cancel_start(self) -> bool:
        """Ends a process that is just being started."""
        return self._start_task is not None and self._start_task.cancel()

    async def _start(self, options: TurnOptions) -> list[str]:
        if self._status.state is not _S.RECOVERING:
            self._status.enter(_S.STARTING)
        self._router.ended()
        task = self._start_task = self._spawn(self._conversation.start(options))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})  # nothing of it is left when the next one begins
            self._status.enter(_S.STOPPED)
            raise
        finally:
            self._start_task = None
        return self._started(task)

    def _started(self, task: asyncio.Task[list[str]]) -> list[str]:
        error = ProcessEndedError("Starting was interrupted.") if task.cancelled() else task.exception()
        process = self._conversation.process
        if error is None and (process is None or not process.is_running):
            error = ProcessEndedError("claude ended as soon as it had started.")
        if error is not None or process is None:
            self._status.enter(_S.STOPPED if task.cancelled() else _S.CRASHED)
            raise error or ProcessEndedError("claude is not running.")
        self._cost.new_process(process.info)
        if self._status.state is _S.STARTING:
            self._status.enter(_S.IDLE)
        return task.result()
