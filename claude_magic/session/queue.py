"""The turns of a session, first come, first served: one runs, the others wait.

The promise: every turn gets its Result, exactly one and in order, even if it fails inside claude_magic.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from claude_magic.errors import ClaudeMagicError, StateError, TurnFailedError
from claude_magic.result import Result
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.edited_files import look
from claude_magic.session.exchange import Exchange
from claude_magic.session.outcome import context_left, result_of
from claude_magic.session.states import Status
from claude_magic.session.supervisor import Supervisor
from claude_magic.session.turn import Outcome, Turn
from claude_magic.support.loop_tasks import spawn
from claude_magic.transcript import Transcript
from claude_magic.wire.events import ResultEvent

__all__ = ["TurnQueue"]

log = logging.getLogger(__name__)
HISTORY = 200  # transcripts kept for reading again


class TurnQueue:
    """The queue.

    Args:
        conversation: The session's.
        supervisor: Has the process.
        cost: What the turns cost.
        status: Told of each Result and of what went wrong.
    """

    def __init__(
        self, conversation: Conversation, supervisor: Supervisor, cost: CostMeter, status: Status
    ) -> None:
        self.running: Turn | None = None
        self.concluded_at = 0.0  # when the last turn was, on the monotonic clock
        self.waiting: deque[Turn] = deque()
        self.history: deque[Transcript] = deque(maxlen=HISTORY)
        self._exchange: Exchange | None = None  # of the turn that runs
        self._conversation = conversation
        self._supervisor = supervisor
        self._cost = cost
        self._status = status
        self._pump_task: asyncio.Task[None] | None = None
        self._windows: dict[str, int] = {}  # tokens, by model
        self.rebind()

    def rebind(self) -> None:
        """Goes over to another event loop; what was on the old one is gone."""
        self.paused = asyncio.Lock()  # while somebody has it, no waiting turn begins
        self.waiting.clear()
        self.running = self._exchange = None

    def add(self, turn: Turn) -> None:
        """Puts a turn at the end of the queue."""
        self.waiting.append(turn)
        self.history.append(turn.transcript)
        self._count()
        if self._pump_task is None or self._pump_task.done():
            self._pump_task = spawn(self._pump())

    def interrupt(self, turn: Turn, reason: str = "") -> bool:
        """Drops a turn that waits, stops one that runs. False if it has ended."""
        if turn not in self.waiting:
            if turn is not self.running or self._exchange is None:
                return False
            return self._exchange.interrupt(reason)
        self.waiting.remove(turn)
        self._count()
        turn.drop(self._result(turn, None, "Dropped before its turn."))
        return True

    async def clear(self) -> None:
        """Drops what waits, stops what runs and waits for its end."""
        for turn in list(self.waiting):
            self.interrupt(turn)
        if self.running is not None:
            turn = self.running
            if not turn.interrupted:
                self.interrupt(turn)
            await turn.wait()

    async def _pump(self) -> None:
        while self.waiting:
            async with self.paused:
                if not self.waiting:  # dropped meanwhile
                    return
                self.running = self.waiting.popleft()
                self.running.transcript.update(ahead=0)
                self._count()
            await self._run(self.running)

    def _count(self) -> None:
        """Says in each turn that waits how many go first."""
        for ahead, turn in enumerate(self.waiting, int(self.running is not None)):
            turn.transcript.update(ahead=ahead)

    async def _run(self, turn: Turn) -> None:
        ending: ClaudeMagicError = StateError("The event loop ended before the turn did.")
        try:
            self._exchange = Exchange(turn, self._conversation, self._supervisor, self._cost, self._status)
            outcome = await self._exchange.run()
            await look(turn.transcript.edits)  # a command may have changed them too
            self.concluded_at = time.monotonic()
            self._conclude(turn, outcome)
        except Exception as error:
            log.exception("A turn could not be concluded")
            ending = ClaudeMagicError(f"claude_magic itself failed: {error!r}.")
        finally:
            self.running = self._exchange = None
            turn.finish(Result(prompt=turn.prompt, is_error=True, error=str(ending)), ending)

    def _conclude(self, turn: Turn, outcome: Outcome) -> None:
        event = None if isinstance(outcome, ClaudeMagicError) else outcome
        if event is None:
            self._cost.lost_turn()
        else:
            sizes = {name: each.context_window for name, each in event.model_usage.items()}
            self._windows |= {name: size for name, size in sizes.items() if size}
        result = self._result(turn, event, _message(turn, outcome))
        error: ClaudeMagicError | None = None
        if result.error:
            error = TurnFailedError(result.error, result)
            if (
                isinstance(outcome, ClaudeMagicError)
                and not isinstance(outcome, TurnFailedError)
                and not turn.interrupted
            ):
                error = outcome
            self._status.report(error)
        turn.finish(result, error, context_left(turn, self._windows, self._conversation.model))
        self._status.emit("complete", result)

    def _result(self, turn: Turn, event: ResultEvent | None, error: str) -> Result:
        return result_of(
            turn,
            event,
            error=error,
            cost_usd=self._cost.turn if turn is self.running else 0.0,
            session_id=self._conversation.session_id,
            model=self._conversation.model,
        )


def _message(turn: Turn, outcome: Outcome) -> str:
    """What went wrong; "" if nothing did, or if a person stopped the turn."""
    if turn.interrupted:
        return turn.stop_reason
    return str(outcome) if isinstance(outcome, ClaudeMagicError) else turn.transcript.error
