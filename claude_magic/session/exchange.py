"""Runs a session's turns in its process, one at a time.

The promise: `run` ends in the CLI's `result` or in an error that says why there is none, whatever the process
does; a process that did not end its turn with a `result` is not used for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from claude_magic.errors import ClaudeMagicError, MalformedLineError, ProcessEndedError, StartError, WireError
from claude_magic.hooks import answered
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import PermissionRequest
from claude_magic.processes.child import StopReport
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.interrupt import kill_turn, stop_turn
from claude_magic.session.permission_queue import PermissionQueue
from claude_magic.session.recovery import Recovery
from claude_magic.session.routing import Router
from claude_magic.session.states import SessionState, Status
from claude_magic.session.supervisor import Supervisor
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

__all__ = ["Exchange"]

log = logging.getLogger(__name__)
_S = SessionState
WRITES_WITHIN = 0.5  # seconds until the CLI has a turn in its file; measured: 0.1
EXIT_NEWS = 5.0  # seconds for the news of an exit after a write has failed


class Exchange:
    """The process-facing half of a session.

    Args:
        options: The session's options.
        status: The session's state and its followers.
        turns: Turns the conversation had before.
    """

    def __init__(self, options: Options, status: Status, *, turns: int = 0) -> None:
        self.conversation = Conversation(
            options,
            turns=turns,
            deliver=self._hear,
            exited=self._exited,
            handlers={"can_use_tool": self._can_use_tool, "hook_callback": self._answer_hook},
        )
        self.cost = CostMeter()
        self.unknown: Counter[str] = Counter()  # of what no turn took in
        self._status = status
        self._concluded = 0.0  # when the last turn was, on the monotonic clock
        self._router = Router()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._supervisor = Supervisor(self.conversation, status, self._router, self.cost, self.spawn)
        self.rebind()

    def rebind(self) -> None:
        """The session is used on another event loop from now on; what is left on the old one is ended."""
        self._turn: Turn | None = None
        if self.conversation.abandon():
            self._exited(ProcessEndedError("The event loop ended before the session; claude was killed."))
        self._supervisor.rebind()
        self._permission_queue = PermissionQueue(self._waiting)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task with a strong reference, outside any cell's context: nothing it does belongs to a cell."""
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # The process

    async def ensure(self, options: TurnOptions) -> None:
        """Sees to it that a process runs with the session's options, as `Supervisor.ensure` does."""
        await self._supervisor.ensure(options)

    async def stop(self, timeout: float) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process, or its start; None if there was none."""
        return await self._supervisor.stop(timeout)

    # A turn

    async def run(self, turn: Turn) -> Outcome:
        """A turn, from its start to the CLI's last word or to what went wrong instead."""
        self._turn = turn
        turn.begin()
        self.cost.new_turn()
        try:
            await self._to_its_end(turn)
            if turn.stopping is not None:  # the CLI may answer it after the turn's end
                await asyncio.wait({turn.stopping})
        finally:
            if self._status.state in {_S.RUNNING, _S.WAITING, _S.RECOVERING}:
                self._status.enter(_S.STOPPED if self.conversation.process is None else _S.IDLE)
        self.conversation.turns += turn.begun
        self._concluded = time.monotonic()
        return turn.ended.result()

    def wait_until_recorded(self) -> None:
        """Waits, without a loop, until the CLI has written the last turn down; before it is killed."""
        left = self._concluded + WRITES_WITHIN - time.monotonic()
        if left > 0 and self.conversation.is_running:
            time.sleep(left)

    def interrupt(self, turn: Turn, reason: str = "") -> bool:
        """Asks the running turn to end; a second call kills the process tree. False if it has ended."""
        if turn.ended.done():
            return False
        if turn.stopping is None:
            turn.stop_reason = reason
            turn.stopping = self.spawn(stop_turn(turn, self.conversation))
            turn.halted.set()
            if not turn.sent:
                self._supervisor.cancel_start()
        elif not reason:
            self.spawn(kill_turn(turn, self.conversation))
        return True

    async def _to_its_end(self, turn: Turn) -> None:
        try:
            turn.end(await self._converse(turn))
        except ClaudeMagicError as error:
            turn.end(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours ends the turn, not the queue
            turn.end(_our_fault(error))
        finally:
            self._turn = None
            if turn.watch is not None:
                turn.watch.cancel()

    async def _converse(self, turn: Turn) -> Outcome:
        """The turn's way through a process, and through others if one ends by itself."""
        recovery = Recovery(turn, self.conversation, self._status)
        turn.transcript.set_state(TurnState.STARTING)
        while await recovery.follows(outcome := await self._attempt(turn, recovery)):
            self.cost.lost_turn()
        return recovery.last_word(outcome)

    async def _attempt(self, turn: Turn, recovery: Recovery) -> Outcome:
        """The turn's way through one process: options, prompt, events, options put back."""
        conversation = self.conversation
        try:
            await self._ready(turn, recovery)
            async with conversation.adjusted(turn.options):
                if not recovery.begun:
                    turn.begin()
                outcome = await self._exchange(turn)
                if turn.sent and conversation.is_running and not isinstance(outcome, ResultEvent):
                    await self._supervisor.end(conversation.kill())
                return outcome
        except ProcessEndedError as error:
            return await self._news(turn, error)
        except StartError as error:
            return error

    async def _ready(self, turn: Turn, recovery: Recovery) -> None:
        """Sees to it that a process runs which can take the turn, and says what the person should know."""
        conversation = self.conversation
        resumed = not recovery.begun and not conversation.is_running and conversation.has_history
        for notice in await self._supervisor.ensure(turn.options, turn, recovering=recovery.begun):
            turn.transcript.notice(notice, "info")
        if resumed and conversation.has_history:
            turn.transcript.update(resumed_turns=conversation.turns)
            if not conversation.turns:  # the header has nothing to count
                turn.transcript.notice("An earlier conversation goes on here.")
        recovery.resumed()

    async def _exchange(self, turn: Turn) -> Outcome:
        process = self.conversation.process
        if turn.interrupted or process is None:
            raise ProcessEndedError("The turn was stopped before it began.")
        self._status.enter(_S.RUNNING)
        if turn.options.timeout and turn.watch is None:
            turn.watch = self.spawn(self._watch_time(turn, turn.options.timeout))
        turn.sent = True
        for event in self._router.sent(turn):
            turn.hear(event)
        try:
            await process.send_user(turn.content, turn.message_id)
        except ProcessEndedError as error:
            return await self._news(turn, error)
        return await turn.news()

    async def _news(self, turn: Turn, error: ProcessEndedError) -> Outcome:
        """What ended the turn's way: the exit says more than a write that failed, and comes after it."""
        exits = self.conversation.process is not None and (turn.sent or not turn.interrupted)
        if exits or turn.lost.done() or turn.ended.done():
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(turn.news(), EXIT_NEWS)
        return error

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
        if self.conversation.take(event):
            self._status.emit("conversation", self.conversation.session_id)
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
        for line in self.conversation.unready(event):
            turn.transcript.notice(line, "warning")
        found = self.conversation.unexpected_settings(event, turn.options)
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
        self._router.ended()
        turn = self._turn
        self._status.enter(_S.STOPPED if turn is not None and turn.interrupted else _S.CRASHED)
        if turn is None or turn.ended.done():
            self._status.failed(reason)
            return
        turn.lose(reason)
        if isinstance(reason, WireError):
            turn.end(reason)

    async def _can_use_tool(self, control: ControlRequest) -> dict[str, object]:
        turn = None if self._router.is_own else self._turn
        allowed = self.conversation.options.allow + (turn.options.allow if turn is not None else ())
        request = PermissionRequest.from_wire(control.request_id, control.request, allowed)
        decision = await self._permission_queue.decide(turn, request)
        if decision.interrupt and turn is not None:  # the answer alone would end it as an error
            self.interrupt(turn)
        return decision.response(request)

    async def _answer_hook(self, control: ControlRequest) -> dict[str, object]:
        turn, request = self._router.owner, control.request
        began = turn.transcript.began(str(request.get("tool_use_id"))) if turn is not None else 0.0
        reply = await answered(self.conversation.options.hooks, request, began)
        if reply.notice and turn is not None:
            turn.transcript.notice(reply.notice, "warning")
        return dict(reply.output)

    def _waiting(self, waiting: bool) -> None:  # noqa: FBT001  # a state, not a switch
        if self._status.state is (_S.RUNNING if waiting else _S.WAITING):
            self._status.enter(_S.WAITING if waiting else _S.RUNNING)


def _our_fault(error: Exception) -> ClaudeMagicError:
    log.error("A turn failed inside claude_magic", exc_info=error)
    return ClaudeMagicError(f"claude_magic itself failed: {error!r}. The next prompt resumes.")
