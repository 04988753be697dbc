"""One prompt and what becomes of it. Lives on the session's loop; knows no process and no front end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from claude_magic.errors import CancelledTurnError, ClaudeMagicError, StateError
from claude_magic.options import TurnOptions
from claude_magic.permissions import Asker, Decision, PermissionRequest
from claude_magic.prompt import Content
from claude_magic.result import Result
from claude_magic.session.usage import TurnUsage
from claude_magic.transcript import Transcript
from claude_magic.wire.events import Event, ResultEvent

__all__ = ["Outcome", "Turn", "TurnPhase", "answering"]

T = TypeVar("T")
Outcome = ResultEvent | ClaudeMagicError
answering: contextvars.ContextVar[tuple[Turn, ...]] = contextvars.ContextVar(
    "claude_magic_answering", default=()
)
"""The turns whose askers this code runs in: none of them goes on before it is through."""


class TurnPhase(Enum):
    """How far a turn is; `_NEXT` names the ways from one phase to the next."""

    QUEUED = "queued"
    STARTING = "starting"  # a process is made ready for it, or for the second time
    SENT = "sent"  # the prompt is on its way
    TAKEN_UP = "taken up"  # by the CLI
    STOPPING = "stopping"  # somebody wants it to end
    OVER = "over"  # nothing more is done for it


_P = TurnPhase
_NEXT = {
    _P.QUEUED: {_P.STARTING, _P.OVER},
    _P.STARTING: {_P.STARTING, _P.SENT, _P.STOPPING, _P.OVER},
    _P.SENT: {_P.STARTING, _P.TAKEN_UP, _P.STOPPING, _P.OVER},
    _P.TAKEN_UP: {_P.STARTING, _P.STOPPING, _P.OVER},
    _P.STOPPING: {_P.OVER},
    _P.OVER: set(),
}


class Turn:
    """A prompt in the queue, then running, then over. Made by `Session.submit`.

    Args:
        prompt: What was asked, as text.
        content: What is sent: the prompt, or content blocks.
        options: What holds for this turn only.
        transcript: Where its events go.
        asker: Who is asked for permissions; run in the context the turn was made in, so that a front end
            knows which cell asks.
        on_change: Called whenever its phase has changed.
    """

    def __init__(
        self,
        prompt: str,
        content: Content,
        options: TurnOptions,
        transcript: Transcript,
        asker: Asker,
        *,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.prompt = prompt
        self.content = content
        self.message_id = self.id  # of what is sent: the prompt, or after a crash a word of ours to go on
        self.options = options
        self.transcript = transcript
        transcript.message_id = self.id
        self.asker = asker  # a view that has buttons for the answers takes its place
        self.phase = TurnPhase.QUEUED
        self.outcome: Outcome | None = None  # the CLI's last word, or why there is none
        self.loss: ClaudeMagicError | None = None  # why the process that had it has ended
        self.error: ClaudeMagicError | None = None
        self.stop_reason = ""
        self.usage = TurnUsage()
        self.listeners: list[Callable[[Event | None], None]] = []
        self._on_change = on_change
        self._phases = {TurnPhase.QUEUED}
        self._changed = asyncio.Event()
        self._result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asking: asyncio.Task[Decision] | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        self._asking_since: float | None = None
        self._context = contextvars.copy_context()
        self._started = time.monotonic()
        self._waiting_time = 0.0

    # How far it is

    @property
    def done(self) -> bool:
        """The turn has its Result."""
        return self._result.done()

    @property
    def is_sent(self) -> bool:
        """A process has the turn's prompt, and the turn is not over."""
        return self.phase is not TurnPhase.OVER and TurnPhase.SENT in self._phases

    @property
    def is_taken_up(self) -> bool:
        """The CLI has begun with the turn."""
        return TurnPhase.TAKEN_UP in self._phases

    @property
    def interrupted(self) -> bool:
        """Somebody stopped the turn while it ran."""
        return TurnPhase.STOPPING in self._phases

    def move(self, phase: TurnPhase) -> None:
        """Goes on to a phase; what the CLI takes up while it is being stopped goes on being stopped.

        Raises:
            StateError: The phase does not follow the one before.
        """
        if phase is TurnPhase.TAKEN_UP and self.phase is TurnPhase.STOPPING:
            self._phases.add(phase)
            return
        if phase not in _NEXT[self.phase]:
            raise StateError(f"A turn that is {self.phase.value} cannot become {phase.value}.")
        self.phase = phase
        self._phases.add(phase)
        self._change()

    def take_up(self) -> None:
        """The CLI has begun with the turn; it may say so more than once."""
        if self.phase in {TurnPhase.SENT, TurnPhase.STOPPING}:
            self.move(TurnPhase.TAKEN_UP)

    def start(self) -> None:
        """A process is made ready for the turn; after one was lost, another."""
        self.loss = None
        self._phases.discard(TurnPhase.SENT)
        self.move(TurnPhase.STARTING)

    def end(self, outcome: Outcome) -> None:
        """The CLI is through with the turn, or never will be; the first call counts."""
        if self.outcome is None:
            self.outcome = outcome
            self._change()

    def lose(self, reason: ClaudeMagicError) -> None:
        """The process has ended; what had come is kept, and what is being asked needs no answer any more."""
        self.transcript.break_off()
        self.withdraw()
        if self.loss is None:
            self.loss = reason
            self._change()

    async def until(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Waits until something about the turn is so; False if `seconds` were not enough."""

        async def come_true() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(come_true(), seconds)
        return condition()

    async def wait_for_outcome(self) -> Outcome:
        """How the turn ended, or that its process has."""
        await self.until(lambda: (self.outcome or self.loss) is not None)
        outcome = self.outcome or self.loss
        assert outcome is not None  # noqa: S101  # that was waited for
        return outcome

    async def wait(self) -> Result:
        """The Result; what went wrong is in it, and in `error`. Cancelling the wait leaves the turn alone."""
        return await asyncio.shield(self._result)

    def finish(
        self, result: Result, error: ClaudeMagicError | None, context_left: float | None = None
    ) -> None:
        """The Result is there; the first call counts."""
        if self.done:
            return
        self.error = error
        try:
            self.transcript.finish(result, context_left)
        finally:  # nobody waits in vain
            self._result.set_result(result)
            for listener in self.listeners:
                listener(None)

    def drop(self, result: Result) -> None:
        """The turn is taken out of the queue before its time."""
        self.move(TurnPhase.OVER)
        self.finish(replace(result, interrupted=True), CancelledTurnError(result.error))

    # What happens in it

    def begin(self) -> None:
        """Time counts from here."""
        self._started = time.monotonic()

    @property
    def duration(self) -> float:
        """Seconds since `begin`."""
        return time.monotonic() - self._started

    @property
    def working_time(self) -> float:
        """Seconds since `begin` in which nobody was being waited for; stands still while somebody is."""
        waiting = 0.0 if self._asking_since is None else time.monotonic() - self._asking_since
        return self.duration - self._waiting_time - waiting

    def handle(self, event: Event) -> None:
        """Passes an event to the transcript, then to whoever listens."""
        self.transcript.apply(event)
        for listener in self.listeners:
            listener(event)

    async def ask(self, request: PermissionRequest) -> Decision:
        """The person's decision, asked for in the turn's own context; the wait is not counted as work.

        Raises:
            asyncio.CancelledError: The turn was stopped meanwhile.
        """
        self._asking_since = start = time.monotonic()
        loop = asyncio.get_running_loop()
        self._asking = loop.create_task(
            self._as_answer(partial(self.asker, request)), context=self._context, name="claude_magic ask"
        )
        try:
            return await self._asking
        finally:
            self._asking = self._asking_since = None
            self._waiting_time += time.monotonic() - start

    async def call(self, tool: Callable[[], Awaitable[T]]) -> T:
        """What a tool of ours comes to, called in the turn's own context: it prints in the cell that asked.

        Raises:
            asyncio.CancelledError: The turn was stopped meanwhile, and the tool with it.
        """
        if self.interrupted:  # it was called before the CLI had heard of that
            raise asyncio.CancelledError
        work = asyncio.get_running_loop().create_task(
            self._as_answer(tool), context=self._context.copy(), name="claude_magic tool"
        )
        self._calls.add(work)
        try:
            return await work
        finally:
            work.cancel()
            self._calls.discard(work)

    def withdraw(self) -> None:
        """What is being asked needs no answer any more, and no tool of ours is to go on."""
        for work in (self._asking, *self._calls):
            if work is not None:
                work.cancel()

    async def _as_answer(self, work: Callable[[], Awaitable[T]]) -> T:
        """A prompt to this session, from in here, would wait for this turn, and this turn for that."""
        answering.set((*answering.get(), self))
        return await work()

    def _change(self) -> None:
        self._changed.set()
        self._on_change()
