"""One turn's way through a process, and through others if one ends by itself.

The promise: `run` ends in the CLI's `result` or in an error that says why there is none, whatever the process
does; a process that did not end its turn with a `result` is not used for another.
"""

from __future__ import annotations

import asyncio
import contextlib

from claude_magic.errors import ClaudeMagicError, ControlError, ProcessEndedError, StartError
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.recovery import Recovery
from claude_magic.session.states import Status
from claude_magic.session.stream import our_fault
from claude_magic.session.supervisor import Supervisor
from claude_magic.session.turn import Outcome, Turn, TurnPhase
from claude_magic.support.loop_tasks import spawn
from claude_magic.transcript import TurnState
from claude_magic.wire.events import Event

__all__ = ["Exchange"]

EXIT_TIMEOUT = 5.0  # seconds for an exit to show after a write has failed
ASK_AGAIN = 0.5  # seconds; the CLI may have been in a turn of its own, or not yet in ours
_KILLED = "claude did not stop and was killed; the next prompt resumes."


class Exchange:
    """The exchange of one turn with the CLI.

    Args:
        turn: The turn.
        conversation: Its conversation.
        supervisor: Has the process.
        cost: The session's.
        status: Told of each end of a process and each try.
    """

    def __init__(
        self,
        turn: Turn,
        conversation: Conversation,
        supervisor: Supervisor,
        cost: CostMeter,
        status: Status,
    ) -> None:
        self._turn = turn
        self._conversation = conversation
        self._supervisor = supervisor
        self._cost = cost
        self._recovery = Recovery(turn, conversation, supervisor, status)
        self._killing = asyncio.Lock()
        self._stopping: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None  # of its time

    async def run(self) -> Outcome:
        """The turn, from its start to the CLI's last word or to what went wrong instead."""
        turn = self._turn
        turn.begin()
        turn.start()
        self._cost.new_turn()
        try:
            await self._to_its_end()
            if self._stopping is not None:  # the CLI may answer it after the turn's end
                await asyncio.wait({self._stopping})
        finally:
            self._supervisor.settle()
            turn.move(TurnPhase.OVER)
        if turn.is_taken_up:
            self._conversation.count_turn()
        return await turn.wait_for_outcome()

    def interrupt(self, reason: str = "") -> bool:
        """Asks the turn to end; a second call kills the process tree. False if it has ended.

        Args:
            reason: Why, for the Result; "" is a person's wish.
        """
        turn = self._turn
        if turn.outcome is not None:
            return False
        if self._stopping is None:
            turn.stop_reason = reason
            turn.move(TurnPhase.STOPPING)
            self._stopping = spawn(self._stop())
            if not turn.is_sent:
                self._supervisor.cancel_start()
        elif not reason:
            spawn(self._kill())
        return True

    async def _to_its_end(self) -> None:
        turn, budget = self._turn, self._turn.options.max_budget_usd
        if budget is not None:
            turn.listeners.append(lambda event: self._keep_within(budget, event))
        try:
            turn.end(await self._converse())
        except ClaudeMagicError as error:
            turn.end(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours ends the turn, not the queue
            turn.end(our_fault(error))
        finally:
            if self._watch is not None:
                self._watch.cancel()

    async def _converse(self) -> Outcome:
        self._turn.transcript.set_state(TurnState.STARTING)
        while await self._recovery.follows(outcome := await self._attempt()):
            self._cost.lost_turn()
        return self._recovery.last_word(outcome)

    async def _attempt(self) -> Outcome:
        """The turn's way through one process: options, prompt, events, options put back."""
        turn, supervisor = self._turn, self._supervisor
        try:
            await self._ready()
            async with supervisor.adjusted(turn.options):
                if not self._recovery.has_begun:
                    turn.begin()
                outcome = await self._send()
                if turn.is_sent and supervisor.is_running and isinstance(outcome, ClaudeMagicError):
                    await supervisor.kill()
                return outcome
        except ProcessEndedError as error:
            return await self._cause(error)
        except StartError as error:
            return error

    async def _ready(self) -> None:
        """Sees to it that a process runs which can take the turn, and says what the person should know."""
        turn, conversation, again = self._turn, self._conversation, self._recovery.has_begun
        resumed = not again and not self._supervisor.is_running and conversation.has_history
        for notice in await self._supervisor.ensure(turn.options, turn, recovering=again):
            turn.transcript.notice(notice, "info")
        if resumed and conversation.has_history:
            turn.transcript.update(resumed_turns=conversation.turns)
            if not conversation.turns:  # the header has nothing to count
                turn.transcript.notice("An earlier conversation goes on here.")
        self._recovery.announce()

    async def _send(self) -> Outcome:
        turn, process, stream = self._turn, self._supervisor.process, self._supervisor.stream
        if turn.interrupted or process is None or stream is None:
            raise ProcessEndedError("The turn was stopped before it began.")
        if turn.options.timeout and self._watch is None:
            self._watch = spawn(self._watch_time(turn.options.timeout))
        turn.move(TurnPhase.SENT)
        stream.start_turn(turn)
        try:
            await process.send_user(turn.content, turn.message_id)
        except ProcessEndedError as error:
            return await self._cause(error)
        return await turn.wait_for_outcome()

    async def _cause(self, error: ProcessEndedError) -> Outcome:
        """What ended the turn's way: the exit says more than a write that failed, and comes after it."""
        turn = self._turn
        exits = self._supervisor.process is not None and (turn.is_sent or not turn.interrupted)
        if exits or turn.loss or turn.outcome:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(turn.wait_for_outcome(), EXIT_TIMEOUT)
        return error

    # Its limits, and its end before its time

    def _keep_within(self, budget: float, event: Event | None) -> None:
        if event is not None and self._cost.turn > budget:
            self.interrupt(f"Stopped at ${self._cost.turn:.4f}, over --max-budget-usd {budget:g}.")

    async def _watch_time(self, limit: float) -> None:
        while (remaining := limit - self._turn.working_time) > 0:  # noqa: ASYNC110  # it stands still at times
            await asyncio.sleep(max(remaining, 0.05))
        self.interrupt(f"Stopped after {limit:g} s (--timeout).")

    async def _stop(self) -> None:
        """Asks the CLI to end the turn, and kills its tree if it does not within `kill_after`.

        The partial answer, the process and the conversation stay if the CLI obeys.
        """
        turn, clock = self._turn, asyncio.get_running_loop().time
        deadline = clock() + self._supervisor.options.kill_after
        turn.withdraw()
        while turn.outcome is None and (remaining := deadline - clock()) > 0:
            process = self._supervisor.process
            if turn.is_sent and process is not None:
                with contextlib.suppress(ControlError, ProcessEndedError):
                    await process.request("interrupt", timeout=remaining)
            await turn.until(lambda: turn.outcome is not None, max(0, min(ASK_AGAIN, deadline - clock())))
        await self._kill()

    async def _kill(self) -> None:
        """Kills the process tree, and with it the turn; the next prompt resumes the conversation."""
        turn = self._turn
        async with self._killing:  # whoever comes second waits for the end of the process too
            if turn.outcome is not None:
                return
            if self._supervisor.process is not None:  # else another is just about to take its place
                turn.transcript.notice(_KILLED, "warning")
                await self._supervisor.kill()
            turn.end(ProcessEndedError("claude was killed."))
