"""One prompt and what becomes of it. Lives on the session's loop; knows no process and no front end."""

from __future__ import annotations

import asyncio
import contextvars
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from claude_magic.errors import CancelledTurnError, ClaudeMagicError
from claude_magic.options import TurnOptions
from claude_magic.permissions import Asker, Decision, PermissionRequest
from claude_magic.prompt import Content
from claude_magic.result import Result
from claude_magic.transcript import Transcript
from claude_magic.wire.events import Event, ResultEvent

__all__ = ["Outcome", "Turn", "answering"]

Outcome = ResultEvent | ClaudeMagicError
answering: contextvars.ContextVar[tuple[Turn, ...]] = contextvars.ContextVar(
    "claude_magic_answering", default=()
)
"""The turns whose askers this code runs in: none of them goes on before it is through."""


class Turn:
    """A prompt in the queue, then running, then done. Made by `Session.submit`.

    Args:
        prompt: What was asked, as text.
        content: What is sent: the prompt, or content blocks.
        options: What holds for this turn only.
        transcript: Where its events go.
        asker: Who is asked for permissions; run in the context the turn was made in, so that a front end
            knows which cell asks.
    """

    def __init__(
        self, prompt: str, content: Content, options: TurnOptions, transcript: Transcript, asker: Asker
    ) -> None:
        self.id = str(uuid.uuid4())
        self.prompt = prompt
        self.content = content
        self.message_id = self.id  # of what is sent: the prompt, or after a crash a word of ours to go on
        self.options = options
        self.transcript = transcript
        self.error: ClaudeMagicError | None = None
        self.sent = False  # the prompt is on its way
        self.begun = False  # the CLI has taken it up
        self.stop_reason = ""
        self.stopping: asyncio.Task[None] | None = None
        self.watch: asyncio.Task[None] | None = None  # of its time
        self.halted = asyncio.Event()  # it is to stop
        self.listeners: list[Callable[[Event | None], None]] = []
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Outcome] = loop.create_future()
        self.lost: asyncio.Future[Outcome] = loop.create_future()  # the process that had it ended
        self._result: asyncio.Future[Result] = loop.create_future()
        self.asker = asker  # a view that has buttons for the answers takes its place
        self._asking: asyncio.Task[Decision] | None = None
        self._asking_since: float | None = None
        self._context = contextvars.copy_context()
        self._started = time.monotonic()
        self._waited = 0.0

    @property
    def done(self) -> bool:
        """It has its Result."""
        return self._result.done()

    async def wait(self) -> Result:
        """The Result; what went wrong is in it, and in `error`. Cancelling the wait leaves the turn alone."""
        return await asyncio.shield(self._result)

    @property
    def interrupted(self) -> bool:
        """Somebody stopped it while it ran."""
        return self.stopping is not None

    def begin(self) -> None:
        """It is its turn now: time counts from here."""
        self._started = time.monotonic()

    @property
    def duration(self) -> float:
        """Seconds since `begin`."""
        return time.monotonic() - self._started

    @property
    def working_time(self) -> float:
        """Seconds since `begin` in which nobody was being waited for; stands still while somebody is."""
        waiting = 0.0 if self._asking_since is None else time.monotonic() - self._asking_since
        return self.duration - self._waited - waiting

    def hear(self, event: Event) -> None:
        """Takes an event in."""
        self.transcript.apply(event)
        for listener in self.listeners:
            listener(event)

    def end(self, outcome: Outcome) -> None:
        """The CLI is through with it, or never will be; the first call counts."""
        if not self.ended.done():
            self.ended.set_result(outcome)

    def lose(self, reason: ClaudeMagicError) -> None:
        """The process has ended; what had come is kept, and what is being asked needs no answer any more."""
        self.transcript.break_off()
        self.withdraw()
        if not self.lost.done():
            self.lost.set_result(reason)

    async def news(self) -> Outcome:
        """How it ended, or that its process has."""
        await asyncio.wait({self.ended, self.lost}, return_when=asyncio.FIRST_COMPLETED)
        return self.ended.result() if self.ended.done() else self.lost.result()

    def send_again(self) -> None:
        """Another process takes the place of the one that was lost."""
        self.sent = False
        self.lost = asyncio.get_running_loop().create_future()

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
        """It is taken out of the queue before its turn."""
        self.finish(replace(result, interrupted=True), CancelledTurnError(result.error))

    async def ask(self, request: PermissionRequest) -> Decision:
        """The person's decision, asked for in the turn's own context; the wait is not counted as work.

        Raises:
            asyncio.CancelledError: The turn was stopped meanwhile.
        """
        self._asking_since = began = time.monotonic()
        loop = asyncio.get_running_loop()
        self._asking = loop.create_task(self._asked(request), context=self._context, name="claude_magic ask")
        try:
            return await self._asking
        finally:
            self._asking = self._asking_since = None
            self._waited += time.monotonic() - began

    def withdraw(self) -> None:
        """What is being asked needs no answer any more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _asked(self, request: PermissionRequest) -> Decision:
        answering.set((*answering.get(), self))
        return await self.asker(request)
