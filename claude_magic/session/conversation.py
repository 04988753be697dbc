"""A conversation's id and the process that speaks for it now.

Knows how a process is begun (a new conversation, or `--resume`), which options need another process and
which the running one takes by control request, and puts a turn's own options back. Knows no queues and turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Callable, Mapping

from claude_magic.claude_cli.checks import check_start
from claude_magic.claude_cli.command import SINCE, build_env
from claude_magic.claude_cli.process import CONTROL_TIMEOUT, ClaudeProcess
from claude_magic.claude_cli.session_files import conversation_file, is_recorded, projects_folder
from claude_magic.declaration import options_of
from claude_magic.errors import ClaudeMagicError, ControlError, ProcessEndedError, StartError
from claude_magic.options import Options, TurnOptions, checked_id
from claude_magic.processes.child import StopReport
from claude_magic.session.adjustments import BYPASS, Adjustment, adjustments, put_back
from claude_magic.session.permission_modes import agree_on_mode
from claude_magic.session.startup_check import unexpected_settings, unready, untrusted
from claude_magic.session.usual_model import usual_model
from claude_magic.wire.control import Handler
from claude_magic.wire.events import Event, ResultEvent, SystemInit

__all__ = ["Conversation"]

STDERR_READ = 50  # lines of stderr looked through for what the person should know
_NOT_FOUND = "No conversation found"
UNDO_TIMEOUT = 5.0  # seconds for putting a turn's options back


class Conversation:
    """One conversation.

    Args:
        options: The session's options; replaced through `options` for the next turn.
        turns: Turns it had before.
        deliver: Called with every event of the process.
        exited: Called when a process ends that was not asked to.
        handlers: Answer the process's control requests, by their subtypes.
    """

    def __init__(
        self,
        options: Options,
        *,
        turns: int = 0,
        deliver: Callable[[Event], None],
        exited: Callable[[ClaudeMagicError], None],
        handlers: Mapping[str, Handler],
    ) -> None:
        self.options = options
        self.session_id = options.session_id or str(uuid.uuid4())
        self.recorded = options.session_id is not None and options.resume == "auto"
        self.turns = turns
        self.model = options.model or ""
        self.mode: str = options.permission_mode or "default"
        self.start_fresh = False  # the next turn is to
        self.forked_from: str | None = None  # which the next process begins this one as a copy of
        self.process: ClaudeProcess | None = None
        self._latest: ClaudeProcess | None = None
        self._launched = options
        self._has_worked = False
        self.refused: Options | None = None  # which no process could be started with
        self._can_bypass = False
        self._greeted = False
        self._unready: dict[str, str] = {}
        self._began_in = ""  # the process's permission mode at its start, if it told
        self._unasked = "default"  # the mode where none is asked for
        self._deliver = deliver
        self._exited = exited
        self._handlers = handlers

    @property
    def is_running(self) -> bool:
        """A process lives."""
        return self.process is not None and self.process.is_running

    @property
    def in_force(self) -> Options | None:
        """What its last process was told, at its start and since; None if none has ever started."""
        return self._launched if self._has_worked else None

    @property
    def has_history(self) -> bool:
        """It has a past, which the next process resumes or copies."""
        return self.recorded or self.forked_from is not None

    def reset(self) -> None:
        """The next process begins another conversation."""
        self.session_id, self.recorded, self.turns = str(uuid.uuid4()), False, 0
        self.start_fresh, self.forked_from = False, None

    def resume_from(self, session_id: str, turns: int, *, copy: bool = False) -> None:
        """The next process goes on with another conversation; call it while none runs.

        Args:
            session_id: Its id, a UUID.
            turns: Turns it has had.
            copy: Go on with a copy of it, with an id of its own.
        """
        self.reset()
        self.recorded, self.turns = not copy, turns
        if copy:
            self.forked_from = checked_id(session_id)
        else:
            self.session_id = checked_id(session_id)

    def take(self, event: Event) -> bool:
        """Keeps the facts that an event holds about the conversation; True if it is now another one."""
        before = self.recorded, self.session_id
        match event:
            case SystemInit():
                self._is_now(event.session_id)
                self.recorded = True  # from here on the id is in use, whether or not a replay comes
                self.model, self.mode = event.model, event.permission_mode or self.mode
            case ResultEvent():
                self._is_now(event.session_id)
                if not event.is_error:  # one also says that there is nothing to copy
                    self.forked_from = None
        return (self.recorded, self.session_id) != before

    def unexpected_settings(self, event: SystemInit, turn: TurnOptions) -> list[str]:
        """What the process turns out to have been given unasked; told with its first turn only."""
        if self.process is None or self._greeted:
            return []
        self._greeted = True
        found = unexpected_settings(event, self._launched, turn, self._began_in)
        return found + untrusted(self.process.stderr_tail(STDERR_READ))

    def unready(self, event: SystemInit) -> list[str]:
        """What the CLI could not bring up: servers and plugins; told when it is new."""
        return unready(event, self._unready)

    def needs_another(self, turn: TurnOptions) -> list[str]:
        """The names of options that the running process cannot take."""
        changed = [
            each.name.replace("_", " ")
            for each in options_of(Options)
            if not each.live and getattr(self.options, each.name) != getattr(self._launched, each.name)
        ]
        if BYPASS in {turn.permission_mode, self.options.permission_mode} and not self._can_bypass:
            changed.append(f"permission mode {BYPASS}")
        return changed

    async def holds(self, message_id: str) -> bool:
        """Whether the CLI has recorded a message; to be asked when its process has ended.

        If it has recorded nothing at all, the next process begins the conversation anew, under the same id.
        """
        env = self._launched.env
        if await asyncio.to_thread(conversation_file, self.session_id, env) is None:
            self.recorded = False
            return False
        try:
            return await asyncio.to_thread(is_recorded, self.session_id, message_id, env)
        except OSError:  # nobody can tell: better to go on than to do it twice
            return True

    def check(self) -> None:
        """Finds what is wrong with changed options while the process before still runs.

        Raises:
            CLINotFoundError: There is no usable CLI.
            StartError: No process could start with them; what was changed goes back to what works.
        """
        try:
            check_start(self.options)
        except ClaudeMagicError:
            self._refuse(self.options)
            raise

    async def start(self, turn: TurnOptions) -> list[str]:
        """Starts a process that can run `turn`.

        Returns:
            What the person should know: a conversation that is gone, a version that is too old.

        Raises:
            CLINotFoundError: There is no usable CLI.
            StartError: The process did not start.
        """
        options = self.options
        try:
            return await self._start(turn)
        except ClaudeMagicError:
            self._refuse(options)
            raise

    async def refresh(self) -> None:
        """Tells the running process of options that have changed and that it can take.

        Raises:
            ControlError: It refused.
        """
        if self.options.model != self._launched.model:
            await self.request("set_model", model=await self._usual_model())
        if self.options.permission_mode != self._launched.permission_mode:
            mode = self.options.permission_mode or self._unasked
            answer = await self.request("set_permission_mode", mode=mode)
            self.mode = str(answer.get("mode") or mode)
        self._launched = self.options

    @contextlib.asynccontextmanager
    async def adjusted(self, turn: TurnOptions) -> AsyncIterator[None]:
        """Within, the turn's options hold; afterwards they are put back, or the process is ended.

        Raises:
            ControlError: The CLI refused one; those applied before are put back.
        """
        applied: list[Adjustment] = []
        try:
            model = await self._usual_model() if turn.model else None
            usual = self.options.permission_mode or self._unasked
            for adjustment in adjustments(turn, self.mode, usual, model):
                applied.append(adjustment)
                answer = await self.request(adjustment[0], CONTROL_TIMEOUT, **adjustment[1])
                self.mode = str(answer.get("mode") or self.mode)
            yield
        finally:
            await self._put_back(applied)

    async def request(
        self,
        subtype: str,
        timeout: float = CONTROL_TIMEOUT,  # noqa: ASYNC109  # has its own error
        **body: object,
    ) -> dict[str, object]:
        """A control request to the process that runs now.

        Raises:
            ControlError: Refused or not answered.
            ProcessEndedError: No process runs, or it ended first.
        """
        if self.process is None:
            raise ProcessEndedError("claude is not running.")
        return await self.process.request(subtype, timeout=timeout, **body)

    async def stop(self, timeout: float) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process, if any; its end is then expected and not told to `exited`."""
        process, self.process = self.process, None
        return await process.stop(timeout) if process else None

    async def kill(self) -> StopReport | None:
        """Ends the process tree at once, if any; not told to `exited` either."""
        process, self.process = self.process, None
        return await process.kill() if process else None

    def abandon(self) -> bool:
        """Ends the process without its loop, which has ended before it; False if there was none."""
        process, self.process, self._latest = self.process, None, None
        if process is not None:
            process.kill_now()
        return process is not None

    async def _start(self, turn: TurnOptions) -> list[str]:
        notices = await self._missing()
        try:
            return notices + await self._spawn(turn)
        except StartError as error:
            others = self._otherwise(str(error))
            if others is None:
                raise
        return notices + others + await self._spawn(turn)

    def _refuse(self, options: Options) -> None:
        """No process started with these: what was changed goes back to what worked, if anything did."""
        worked = self.in_force
        if options != worked:
            self.refused = options
        if worked is not None:
            self.options = put_back(self.options, options, worked)

    async def _spawn(self, turn: TurnOptions) -> list[str]:
        options = wanted = self.options
        if turn.permission_mode == BYPASS:  # can only be entered by a process launched with it
            options = options.with_(permission_mode=BYPASS)
        await self._one_at_a_time()
        resumed = self.has_history
        process = self.process = self._latest = ClaudeProcess(
            options,
            session_id=self.session_id,
            resume=self.recorded,
            forked_from=None if self.recorded else self.forked_from,
            deliver=self._deliver,
            exited=lambda reason: self._ended(process, reason),
        )
        for subtype, handler in self._handlers.items():
            process.control.serve(subtype, handler)
        try:
            await process.start()
            if resumed and options.model is None:
                await self._leave_model()
            agreed = await agree_on_mode(process, options.permission_mode)
        except BaseException:
            self._forget(process)
            await process.kill()
            raise
        self._launched, self._has_worked = wanted, True
        self._can_bypass = options.permission_mode == BYPASS
        self._greeted = False
        self._unready = {}
        self.model = options.model or ""
        self._began_in, self.mode = agreed.began_in, agreed.mode
        if options.permission_mode is None:
            self._unasked = self.mode
        return process.warnings + agreed.notices

    async def _leave_model(self) -> None:
        """A resumed conversation gives up the model of its last turn: it was begun with the CLI's default."""
        if usual := await self._usual_model():
            await self.request("set_model", model=usual)

    async def _usual_model(self) -> str | None:
        """The session's model, for turns that name none."""
        if self.options.model is not None:
            return self.options.model
        return await usual_model(self.request, build_env(self.options, os.environ))

    async def _one_at_a_time(self) -> None:
        """The process before has ended, even if nobody waited for its end."""
        self.process = None
        if self._latest is not None:
            await self._latest.stop(self.options.stop_timeout)

    async def _missing(self) -> list[str]:
        """What to say if the conversation to go on with is not there: it was never recorded, or is deleted.

        The CLI would say so too, but 2.1.191 at times only after it has answered `initialize`.
        """
        env = self.options.env
        if not self.recorded or not await asyncio.to_thread(projects_folder(env).is_dir):
            return []
        found = await asyncio.to_thread(conversation_file, self.session_id, env)
        return [] if found else self._otherwise(_NOT_FOUND) or []

    def _otherwise(self, error: str) -> list[str] | None:
        """What to say before trying again after an error; None if that is of no use."""
        if any(flag in error for flag in SINCE):  # an older generation; the next process goes without
            return []
        if self.has_history and _NOT_FOUND in error:
            if self.recorded and self.forked_from:  # it ended before it had written the copy
                self.recorded = False
                return []
            self.reset()
            return ["The earlier conversation was not found; this is a new one."]
        if not self.recorded and "already in use" in error:
            if self.options.session_id == self.session_id and self.options.resume == "never":
                self.reset()
            else:
                self.recorded = True
            return []
        return None

    def _ended(self, process: ClaudeProcess, reason: ClaudeMagicError) -> None:
        if self._forget(process):
            self._exited(reason)

    def _forget(self, process: ClaudeProcess) -> bool:
        ours = process is self.process
        if ours:
            self.process = None
        return ours

    def _is_now(self, session_id: str) -> None:
        """`/clear` begins another conversation in the same process."""
        if session_id and session_id != self.session_id:
            self.session_id, self.turns = session_id, 0
            if self.process is not None:
                self.process.speaks_for(session_id)

    async def _put_back(self, applied: list[Adjustment]) -> None:
        for subtype, _, back in reversed(applied):
            try:
                await self.request(subtype, UNDO_TIMEOUT, **back)
            except ProcessEndedError:  # a new process has none of it
                continue
            except ControlError:  # what held for one turn must not hold for the next
                await self.kill()
            if subtype == "set_permission_mode":
                self.mode = str(back["mode"])
