"""Time in which nothing happens: a process that nobody uses is released, a turn that is silent is told of.

The promise: a process is released only if nothing is lost by it, and a prompt that comes meanwhile waits.
Both classes follow a session by its states and its events. Their timers are no tasks: they hold up no loop,
and end with it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

from claude_magic.session.conversation import Conversation
from claude_magic.session.queue import TurnQueue
from claude_magic.session.states import SessionState, Status
from claude_magic.session.supervisor import Supervisor
from claude_magic.session.turn import Turn
from claude_magic.support.loop_tasks import spawn
from claude_magic.transcript.blocks import RetryBlock, ToolBlock, ToolState
from claude_magic.wire.events import Event

__all__ = ["IdleTimer", "SilenceNotice"]

TOOL_PATIENCE = 10  # times as long: that a command runs for minutes is nothing to be told of


class _Timer:
    """Calls a function once, after a while, outside any cell's context; another start takes its place."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        self.stop()
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(seconds, self._function, context=contextvars.Context())

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class IdleTimer:
    """Ends a session's process after `Options.idle_timeout` without work; the next prompt resumes.

    Args:
        supervisor: Ends the process.
        conversation: The session's.
        turns: Whoever waits goes first.
        status: The session's state.
    """

    def __init__(
        self, supervisor: Supervisor, conversation: Conversation, turns: TurnQueue, status: Status
    ) -> None:
        self._supervisor = supervisor
        self._conversation = conversation
        self._turns = turns
        self._status = status
        self._timer = _Timer(self._look)
        self._since = 0.0  # when it became idle
        self._last_release: tuple[float, str] | None = None  # after how long, and which conversation
        status.add("status", self._enter)

    @property
    def released(self) -> bool:
        """The process was ended because it was idle, and none has been started since."""
        return self._last_release is not None and self._status.state is SessionState.STOPPED

    @property
    def _limit(self) -> float:
        return self._supervisor.options.idle_timeout or 0.0

    @property
    def _is_busy(self) -> bool:
        return self._supervisor.stream is not None and self._supervisor.stream.is_busy

    @property
    def _last(self) -> float:
        """When something happened last."""
        stream = self._supervisor.stream
        return max(self._since, stream.last_event if stream is not None else 0.0)

    def _enter(self, state: SessionState) -> None:
        if state is not SessionState.IDLE:
            self._timer.stop()
            return
        self._since = _now()
        self._say()
        if self._limit:
            self._timer.start(self._limit)

    def _look(self) -> None:
        """Whether the time has come; otherwise looks again when it may have."""
        limit = self._limit
        if limit and self._status.state is SessionState.IDLE:
            remaining = self._last + limit - _now()
            if remaining > 0 or self._is_busy:
                self._timer.start(remaining if remaining > 0 else limit)
            else:
                spawn(self._release(limit))

    async def _release(self, limit: float) -> None:
        async with self._turns.paused:  # prompts that come meanwhile wait
            process = self._supervisor.process
            # What Claude has started and left running, a server, say, would end with the process.
            if process is None or not self._is_idle or process.escaped():
                self._timer.start(limit)
                return
            self._last_release = limit, self._conversation.session_id
            await self._supervisor.stop(self._supervisor.options.stop_timeout)

    @property
    def _is_idle(self) -> bool:
        turns = self._turns.running or self._turns.waiting
        return self._status.state is SessionState.IDLE and not turns and not self._is_busy

    def _say(self) -> None:
        """In the turn for which another process has just been started."""
        release, self._last_release = self._last_release, None
        turn = self._turns.running
        if release is None or turn is None or not self._conversation.recorded:
            return
        after, session_id = release
        if session_id == self._conversation.session_id:
            turn.transcript.notice(
                f"The process had been released after {_span(after)} idle; the conversation was resumed."
            )


class SilenceNotice:
    """Says in a running turn that nothing has come for `Options.quiet_notice` seconds, once a silence.

    Nothing is said while a person is asked, and a running tool or an announced retry gives more time.

    Args:
        supervisor: Has the options.
        turns: Has the turn that runs.
        status: The session's state.
    """

    def __init__(self, supervisor: Supervisor, turns: TurnQueue, status: Status) -> None:
        self._supervisor = supervisor
        self._turns = turns
        self._status = status
        self._timer = _Timer(self._look)
        self._since = 0.0
        self._silent_turn: Turn | None = None
        status.add("status", self._enter)

    def handle(self, event: Event | None) -> None:
        """Takes note that an event of the turn has come."""
        turn, self._silent_turn = self._silent_turn, None
        if turn is not None and event is not None and turn.outcome is None:
            if not turn.interrupted:
                turn.transcript.notice(f"claude went on after {_span(_now() - self._since)}.")
            self._look_later()
        self._since = _now()

    def _enter(self, state: SessionState) -> None:
        self._timer.stop()
        self._silent_turn = None
        if state is SessionState.RUNNING:
            self._since = _now()
            self._look_later()

    def _look_later(self) -> None:
        limit = self._supervisor.options.quiet_notice
        if limit and self._status.state is SessionState.RUNNING:
            self._timer.start(limit)

    def _look(self) -> None:
        turn, limit = self._turns.running, self._supervisor.options.quiet_notice
        if turn is None or not limit or turn.interrupted or self._status.state is not SessionState.RUNNING:
            return
        tool = _runs_tool(turn)
        patience = limit * TOOL_PATIENCE if tool else limit + _retry_delay(turn)
        remaining = self._since + patience - _now()
        if remaining > 0:
            self._timer.start(min(remaining, limit))
            return
        self._silent_turn = turn
        span = f"{_span(patience)} while a tool runs" if tool else _span(patience)
        turn.transcript.notice(
            f"Nothing from claude for {span}. It may still be at work; to stop it use the Stop button, "
            "an interrupt or %claude_stop --turn.",
            "warning",
        )


def _runs_tool(turn: Turn) -> bool:
    blocks = turn.transcript.walk()
    return any(isinstance(block, ToolBlock) and block.state is ToolState.RUNNING for block in blocks)


def _retry_delay(turn: Turn) -> float:
    """Seconds that the CLI has said it will wait for the API."""
    retries = (block for block in turn.transcript.blocks if isinstance(block, RetryBlock) and not block.over)
    return sum(retry.delay_s for retry in retries)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _span(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.0f} min"
