"""Runs a session's turns in its process, one at a time.

The promise: `run` ends in the CLI's `result` or in an error that says why there is none, whatever the process
does; a process that did not end its turn with a `result` is not used for another.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from claude_magic.cli.claude import ClaudeProcess
from claude_magic.cli.process import StopReport
from claude_magic.errors import ClaudeMagicError, MalformedLineError, ProcessEndedError, StartError, WireError
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import PermissionRequest
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.desk import Desk
from claude_magic.session.interrupt import kill_turn, stop_turn
from claude_magic.session.routing import Router
from claude_magic.session.states import SessionState, Status
from claude_magic.session.turn import Outcome, Turn
from claude_magic.transcript import TurnState
from claude_magic.wire.events import (
    ControlRequest,
    Diagnostic,
    Event,
    ResultEvent,
    StreamEvent,
    SystemInit,
    Unknown,
)

__all__ = ["Runner"]

log = logging.getLogger(__name__)
_S = SessionState
EXIT_NEWS = 5.0  # seconds for the news of an exit after a write has failed


class Runner:
    """The process-facing half of a session.

    Args:
        options: The session's options.
        status: The session's state and its followers.
        turns: Turns the conversation had before.
    """

    def __init__(self, options: Options, status: Status, *, turns: int = 0) -> None:
        self.conversation = Conversation(
            options, turns=turns, deliver=self._hear, exited=self._exited, permission=self._can_use_tool
        )
        self.cost = CostMeter()
        self.unknown: Counter[str] = Counter()  # of what no turn took in
        self._status = status
        self._router = Router()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.rebind()

    def rebind(self) -> None:
        """The session is used on another event loop from now on; what is left on the old one is ended."""
        self._turn: Turn | None = None
        if self.conversation.abandon():
            self._exited(ProcessEndedError("The event loop ended before the session; claude was killed."))
        self._process = asyncio.Lock()  # held while a process is started or ended
        self._desk = Desk(self._waiting)
        self._start_task: asyncio.Task[list[str]] | None = None

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task with a strong reference, outside any cell's context: nothing it does belongs to a cell."""
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # The process

    async def ensure(self, options: TurnOptions, turn: Turn | None = None) -> list[str]:
        """Sees to it that a process runs with the session's options.

        Args:
            options: What the process must be able to do.
            turn: For which; one that is being stopped starts nothing.

        Returns:
            What the person should know: a restart and its reason, a conversation that is gone.

        Raises:
            CLINotFoundError: There is no usable CLI.
            StartError: The process did not start.
            ProcessEndedError: Starting was interrupted.
        """
        async with self._process:
            if turn is not None and turn.interrupted:
                raise ProcessEndedError("The turn was stopped before it began.")
            notices = []
            if self.conversation.begin_anew:
                await self._end(self.conversation.stop(self.conversation.options.stop_timeout))
                self.conversation.renew()
                notices.append("A new conversation begins here.")
            if self.conversation.is_running and (changed := self.conversation.needs_another(options)):
                notices.append(f"Restarted for {', '.join(changed)}; the conversation goes on.")
                await self._end(self.conversation.stop(self.conversation.options.stop_timeout))
            if not self.conversation.is_running:
                return notices + await self._start(options)
            await self.conversation.refresh()
            return notices

    async def stop(self, timeout: float) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process, or its start; None if there was none."""
        self._cancel_start()
        async with self._process:
            if not self.conversation.is_running:
                return None
            return await self._end(self.conversation.stop(timeout))

    async def _start(self, options: TurnOptions) -> list[str]:
        self._status.enter(_S.STARTING)
        task = self._start_task = self.spawn(self.conversation.start(options))
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
        process = self.conversation.process
        if error is None and (process is None or not process.is_running):
            error = ProcessEndedError("claude ended as soon as it had started.")
        if error is not None or process is None:
            self._status.enter(_S.STOPPED if task.cancelled() else _S.CRASHED)
            raise error or ProcessEndedError("claude is not running.")
        self.cost.new_process(process.info)
        self._status.enter(_S.IDLE)
        return task.result()

    def _cancel_start(self) -> bool:
        return self._start_task is not None and self._start_task.cancel()

    async def _end(self, ending: Coroutine[Any, Any, StopReport | None]) -> StopReport | None:
        self._router.reset()
        self._status.enter(_S.STOPPING)
        try:
            return await ending
        finally:
            self._status.enter(_S.STOPPED)

    # A turn

    async def run(self, turn: Turn) -> Outcome:
        """A turn, from its start to the CLI's last word or to what went wrong instead."""
        self._turn = turn
        turn.begin()
        self.cost.new_turn()
        try:
            turn.end(await self._converse(turn))
        except ClaudeMagicError as error:
            turn.end(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours ends the turn, not the queue
            turn.end(_our_fault(error))
        finally:
            self._turn = None
            if self._status.state in {_S.RUNNING, _S.WAITING}:
                self._status.enter(_S.STOPPED if self.conversation.process is None else _S.IDLE)
        if turn.stopping is not None:
            await asyncio.wait({turn.stopping})
        self.conversation.turns += turn.begun
        return turn.ended.result()

    def interrupt(self, turn: Turn, reason: str = "") -> bool:
        """Asks the running turn to end; a second call kills the process tree. False if it has ended."""
        if turn.ended.done():
            return False
        if turn.stopping is None:
            turn.stop_reason = reason
            turn.stopping = self.spawn(stop_turn(turn, self.conversation))
            if not turn.sent:
                self._cancel_start()
        elif not reason:
            self.spawn(kill_turn(turn, self.conversation))
        return True

    async def _converse(self, turn: Turn) -> Outcome:
        """The turn's way through the process: options, prompt, events, options put back."""
        conversation = self.conversation
        turn.transcript.set_state(TurnState.STARTING)
        resumed = not conversation.is_running and conversation.recorded
        for notice in await self.ensure(turn.options, turn):
            turn.transcript.notice(notice, "info")
        if resumed and conversation.recorded:
            turn.transcript.update(resumed_turns=conversation.turns)
        async with conversation.adjusted(turn.options):
            if turn.interrupted or conversation.process is None:
                return ProcessEndedError("The turn was stopped before it began.")
            self._status.enter(_S.RUNNING)
            outcome = await self._exchange(turn, conversation.process)
            if conversation.is_running and not isinstance(outcome, ResultEvent):
                await self._end(conversation.kill())
            return outcome

    async def _exchange(self, turn: Turn, process: ClaudeProcess) -> Outcome:
        turn.begin()
        turn.sent = True
        self._router.sent(turn)
        watch = self.spawn(self._watch_time(turn, turn.options.timeout)) if turn.options.timeout else None
        try:
            await process.send_user(turn.content, turn.id)
            return await asyncio.shield(turn.ended)
        except ProcessEndedError as error:
            await asyncio.wait({turn.ended}, timeout=EXIT_NEWS)  # the exit says more than the failed write
            return turn.ended.result() if turn.ended.done() else error
        finally:
            if watch is not None:
                watch.cancel()

    async def _watch_time(self, turn: Turn, limit: float) -> None:
        while (left := limit - turn.working_time) > 0:  # noqa: ASYNC110  # it stands still at times
            await asyncio.sleep(max(left, 0.05))
        self.interrupt(turn, f"Stopped after {limit:g} s (--timeout).")

    # What the process says

    def _hear(self, event: Event) -> None:
        try:
            self._take(event)
        except Exception as error:  # noqa: BLE001  # a fault of ours ends the turn, not the reader
            if self._turn is None:
                self._status.failed(_our_fault(error))
            elif not self._turn.ended.done():
                self._turn.end(_our_fault(error))

    def _take(self, event: Event) -> None:
        self.conversation.take(event)
        self.cost.feed(event)
        turn = self._router.route(event)
        if turn is not None:
            turn.hear(event)
        elif isinstance(event, Unknown):
            self.unknown[event.type] += 1
        if isinstance(event, Diagnostic):
            self._unreadable(event)
        elif turn is not None and turn is self._turn:
            self._follow(turn, event)

    def _follow(self, turn: Turn, event: Event) -> None:
        match event:
            case StreamEvent(parent_tool_use_id=None) if event.event.delta and event.event.delta.text:
                self._status.emit("output", event.event.delta.text)
            case ResultEvent() if self._router.is_end_of(turn, event):
                turn.end(event)
            case SystemInit():
                self._compare(turn, event)
        budget = turn.options.max_budget_usd
        if budget is not None and self.cost.turn > budget:
            self.interrupt(turn, f"Stopped at ${self.cost.turn:.4f}, over --max-budget-usd {budget:g}.")

    def _compare(self, turn: Turn, event: SystemInit) -> None:
        """Says what the process was given unasked; with `strict_init` that ends the turn."""
        found = self.conversation.surprises(event, turn.options)
        for surprise in found:
            turn.transcript.notice(surprise, "warning")
        if found and self.conversation.options.strict_init:
            turn.end(StartError(f"Refused (strict_init): {found[0]}"))

    def _unreadable(self, event: Diagnostic) -> None:
        self.unknown[f"{event.kind} line"] += 1
        if event.kind != "malformed" and event.type != "result":
            return
        error = MalformedLineError(
            "claude sent a line that cannot be read and was stopped; the next prompt resumes. "
            f"The line begins: {event.text}"
        )
        if self._turn is None:
            self._status.failed(error)
        else:
            self._turn.end(error)

    def _exited(self, reason: ClaudeMagicError) -> None:
        self._router.reset()
        turn = self._turn
        self._status.enter(_S.STOPPED if turn is not None and turn.interrupted else _S.CRASHED)
        if turn is None or turn.ended.done():
            self._status.failed(reason)
            return
        turn.withdraw()
        if not isinstance(reason, WireError):
            reason = ProcessEndedError(f"{reason} The next prompt resumes the conversation.")
        turn.end(reason)

    async def _can_use_tool(self, control: ControlRequest) -> dict[str, object]:
        request = PermissionRequest.from_wire(control.request_id, control.request)
        turn = None if self._router.is_own else self._turn
        decision = await self._desk.decide(turn, request)
        if decision.interrupt and turn is not None:  # the answer alone would end it as an error
            self.interrupt(turn)
        return decision.response(request)

    def _waiting(self, waiting: bool) -> None:  # noqa: FBT001  # a state, not a switch
        if self._status.state is (_S.RUNNING if waiting else _S.WAITING):
            self._status.enter(_S.WAITING if waiting else _S.RUNNING)


def _our_fault(error: Exception) -> ClaudeMagicError:
    log.error("A turn failed inside claude_magic", exc_info=error)
    return ClaudeMagicError(f"claude_magic itself failed: {error!r}. The next prompt resumes.")
