"""Owns a session's process: starts it, ends it, tells it what options hold.

The promise: whatever is asked at once, a session has one process; a start or an end that is cut short leaves
none behind, and `phase` says what is true.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from claude_magic.claude_cli.checks import check_start
from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.control_characters import one_line
from claude_magic.errors import ClaudeMagicError, ProcessEndedError, StartError, StateError
from claude_magic.options import Options, TurnOptions
from claude_magic.processes.child import StopReport
from claude_magic.schema import Schema
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.options_in_force import Adjustment, OptionsInForce
from claude_magic.session.states import SessionState, Status
from claude_magic.session.stream import Stream
from claude_magic.session.turn import Turn
from claude_magic.support.loop_tasks import spawn
from claude_magic.wire.events import ControlRequest

__all__ = ["Answer", "Supervisor"]

_S = SessionState
Answer = Callable[[Stream, ControlRequest], Awaitable[dict[str, object]]]
"""Answers a control request of a process, given what the process says."""


class Supervisor:
    """The process, from its beginning to its end.

    Args:
        in_force: The options, and what of them the process was told.
        conversation: What the process speaks for.
        cost: What its turns cost.
        status: Told of what it says.
        answers: Answer its control requests, by their subtypes.
        on_change: Called when `phase` has changed.
        on_exit: Called when a process has ended that was not asked to, with the reason.
    """

    def __init__(
        self,
        in_force: OptionsInForce,
        conversation: Conversation,
        cost: CostMeter,
        status: Status,
        *,
        answers: Mapping[str, Answer],
        on_change: Callable[[], object],
        on_exit: Callable[[ClaudeMagicError], object],
    ) -> None:
        self.in_force = in_force
        self.phase = _S.NEW  # the session's state as far as the process makes it; IDLE if one is up
        self.process: ClaudeProcess | None = None
        self.stream: Stream | None = None  # what the last process says
        self._conversation = conversation
        self._cost = cost
        self._status = status
        self._answers = answers
        self._on_change = on_change
        self._on_exit = on_exit
        self.rebind()

    def rebind(self) -> None:
        """Goes over to another event loop; what is left on the old one is ended."""
        self._lock = asyncio.Lock()  # held while a process is started or ended
        self._start_task: asyncio.Task[list[str]] | None = None
        process, self.process, self.stream = self.process, None, None
        if process is not None:
            process.kill_now()
            self._enter(_S.CRASHED)
            self._on_exit(ProcessEndedError("The event loop ended before the session; claude was killed."))

    # What is

    @property
    def options(self) -> Options:
        """The session's options."""
        return self.in_force.options

    @property
    def is_running(self) -> bool:
        """A process lives."""
        return self.process is not None and self.process.is_running

    @property
    def mode(self) -> str:
        """The permission mode in force; without a process that of the next one, as far as it is known."""
        return self.process.permission_mode if self.process else self.in_force.usual_mode

    def recovering(self) -> None:
        """Another process is to take the place of one that has ended by itself."""
        self._enter(_S.RECOVERING)

    def settle(self) -> None:
        """The turn is over, and so is its recovery."""
        if self.phase is _S.RECOVERING:
            self._enter(_S.IDLE if self.process is not None else _S.STOPPED)

    async def rewind(self, message_id: str, *, dry_run: bool) -> list[str]:
        """Has the process put files back to what they were before a prompt; which, if it only tells.

        Raises:
            ProcessEndedError: There is none.
            StateError: It has no checkpoint of the prompt.
        """
        if self.process is None:
            raise ProcessEndedError("claude is not running.")
        reply = await self.process.request("rewind_files", user_message_id=message_id, dry_run=dry_run)
        if not reply.get("canRewind"):
            raise StateError(f"claude cannot undo it: {one_line(str(reply.get('error')), 200)}")
        files = reply.get("filesChanged")
        return [str(path) for path in files] if isinstance(files, list) else []

    # Starting and ending

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
        async with self._lock:
            if turn is not None and turn.interrupted:
                raise ProcessEndedError("The turn was stopped before it began.")
            notices = []
            if self._conversation.start_fresh and not recovering:
                await self._end(lambda process: process.stop(self.options.stop_timeout))
                self._conversation.reset()
                notices.append("A new conversation begins here.")
            if self.is_running and (names := self.in_force.needs_another(options)):
                self._check_start()
                lost = self.stream is not None and self.stream.is_busy
                ended = " What Claude had running in the background has ended." if lost else ""
                notices.append(f"Restarted for {' and '.join(names)}; the conversation goes on.{ended}")
                await self._end(lambda process: process.stop(self.options.stop_timeout))
            if not self.is_running:
                return notices + await self._start(options)
            await self.refresh()
            return notices

    async def stop(self, timeout: float) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process, or its start; None if there was none."""
        self.cancel_start()
        async with self._lock:
            return await self._end(lambda process: process.stop(timeout))

    async def kill(self) -> StopReport | None:
        """Ends the process tree at once; None if there is none."""
        return await self._end(lambda process: process.kill())

    def cancel_start(self) -> None:
        """Ends a process that is just being started."""
        if self._start_task is not None:
            self._start_task.cancel()

    async def _end(self, how: Callable[[ClaudeProcess], Awaitable[StopReport | None]]) -> StopReport | None:
        """Ends the process; that is expected, and not told to `on_exit`."""
        process, self.process = self.process, None
        if process is None:
            return None
        if self._start_task is not None:  # whose own end says what becomes of it
            return await how(process)
        if self.stream is not None:
            self.stream.ending()
        self._enter(_S.STOPPING)
        try:
            return await how(process)
        finally:
            self._enter(_S.STOPPED)

    async def _start(self, turn: TurnOptions) -> list[str]:
        self.process = None  # word of its end must not reach the next one's turn
        if self.phase is not _S.RECOVERING:
            self._enter(_S.STARTING)
        task = self._start_task = spawn(self._launch(turn, self.options))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})  # nothing of it is left when the next one begins
            self._enter(_S.STOPPED)
            raise
        finally:
            self._start_task = None
        return self._conclude_start(task)

    def _conclude_start(self, task: asyncio.Task[list[str]]) -> list[str]:
        error = ProcessEndedError("Starting was interrupted.") if task.cancelled() else task.exception()
        if error is None and not self.is_running:
            error = ProcessEndedError("claude ended as soon as it had started.")
        if error is not None:
            by_request = task.cancelled() and self.phase is not _S.CRASHED
            self._enter(_S.STOPPED if by_request else _S.CRASHED)
            raise error
        if self.phase is _S.STARTING:
            self._enter(_S.IDLE)
        return task.result()

    async def _launch(self, turn: TurnOptions, options: Options) -> list[str]:
        try:
            notices = await self._conversation.missing(options.env)
            try:
                return notices + await self._spawn(turn)
            except StartError as error:
                others = self._conversation.after_refusal(str(error), options)
                if others is None:
                    raise
            return notices + others + await self._spawn(turn)
        except ClaudeMagicError:
            self.in_force.refuse(options)
            raise

    async def _spawn(self, turn: TurnOptions) -> list[str]:
        session_options, options = self.options, self.in_force.of_process(turn)
        await self._one_at_a_time()
        resumed = self._conversation.has_history
        process = self._prepare(options, turn.schema)
        try:
            await process.start()
            notices = await self.in_force.begin(process, session_options, resumed=resumed)
        except BaseException:
            self._forget(process)
            await process.kill()
            raise
        self._conversation.begin_process(options.model)
        self._cost.new_process(process.info)
        return process.warnings + notices

    def _prepare(self, options: Options, schema: Schema | None) -> ClaudeProcess:
        recorded, forked_from = self._conversation.recorded, self._conversation.forked_from
        process = self.process = ClaudeProcess(
            options,
            session_id=self._conversation.session_id,
            resume=recorded,
            forked_from=None if recorded else forked_from,
            schema=schema,
            deliver=lambda event: stream.handle(event),  # noqa: PLW0108  # the stream is made below
            on_exit=lambda reason: self._handle_exit(process, reason),
        )
        stream = self.stream = Stream(process, self._conversation, self._cost, self._status)
        for subtype, answer in self._answers.items():
            process.control.serve(subtype, partial(answer, stream))
        return process

    async def _one_at_a_time(self) -> None:
        """The process before has ended, even if nobody waited for its end."""
        self.process = None
        if self.stream is not None:
            await self.stream.process.stop(self.options.stop_timeout)

    def _handle_exit(self, process: ClaudeProcess, reason: ClaudeMagicError) -> None:
        if self._forget(process):
            stopping = self.stream is not None and self.stream.is_stopping
            self._enter(_S.STOPPED if stopping else _S.CRASHED)
            self._on_exit(reason)

    def _forget(self, process: ClaudeProcess) -> bool:
        ours = process is self.process
        if ours:
            self.process = None
        return ours

    def _enter(self, phase: SessionState) -> None:
        self.phase = phase
        self._on_change()

    # Options

    async def refresh(self) -> None:
        """Tells a running process of options that have changed and that it can take.

        Raises:
            ControlError: It refused.
        """
        if self.process is not None and self.process.is_running:
            await self.in_force.refresh(self.process)

    @contextlib.asynccontextmanager
    async def adjusted(self, turn: TurnOptions) -> AsyncIterator[None]:
        """Within, the turn's options hold; afterwards they are put back, or the process is ended.

        Raises:
            ControlError: The CLI refused one; those applied before are put back.
            ProcessEndedError: The process has ended.
        """
        if self.process is None:
            raise ProcessEndedError("claude is not running.")
        process, undo = self.process, list[Adjustment]()
        try:
            await self.in_force.apply(process, turn, undo)
            yield
        finally:
            if not await self.in_force.put_back(process, undo):
                await self.kill()  # what held for one turn must not hold for the next

    def _check_start(self) -> None:
        """Finds what is wrong with changed options while the process before still runs."""
        try:
            check_start(self.options)
        except ClaudeMagicError:
            self.in_force.refuse(self.options)
            raise
