"""What works behind a session's face: its parts, and how word of one reaches the others.

The promise: one process at a time belongs to a session; its state is what the process, the turn and the open
requests make together; and all of it is on one event loop.
"""

from __future__ import annotations

import asyncio
import time

from claude_magic.errors import ClaudeMagicError, StateError, WireError
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import Asker
from claude_magic.processes.child import StopReport
from claude_magic.prompt import Content, Prompt
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.options_in_force import OptionsInForce
from claude_magic.session.permission_queue import PermissionQueue
from claude_magic.session.queue import TurnQueue
from claude_magic.session.requests import Answers
from claude_magic.session.states import Status, state_of
from claude_magic.session.supervisor import Supervisor
from claude_magic.session.turn import Turn
from claude_magic.session.watchdogs import IdleTimer, SilenceNotice
from claude_magic.transcript import Transcript

__all__ = ["Engine"]

WRITES_WITHIN = 0.5  # seconds until the CLI has a turn in its file; measured: 0.1


class Engine:
    """The parts of one session. It alone enters the session's states.

    Args:
        options: What holds for the session.
        name: What the session is called.
        earlier_turns: Turns the conversation had before.
    """

    def __init__(self, options: Options, name: str, earlier_turns: int) -> None:
        self.cost = CostMeter()
        self.in_force = OptionsInForce(options)
        self.conversation = Conversation(options, earlier_turns)
        self.status = Status(self._complain)
        self._name = name
        self._permissions = PermissionQueue(self._update)
        self.supervisor = Supervisor(
            self.in_force,
            self.conversation,
            self.cost,
            self.status,
            answers=Answers(self._permissions, self.interrupt, self.in_force.allow).by_subtype,
            on_change=self._update,
            on_exit=self._lose_process,
        )
        self.turns = TurnQueue(self.conversation, self.supervisor, self.cost, self.status)
        self.idle_timer = IdleTimer(self.supervisor, self.conversation, self.turns, self.status)
        self._silence_notice = SilenceNotice(self.supervisor, self.turns, self.status)
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Keeps the session to one event loop; one that has ended, or was left, gives way to the next.

        Raises:
            StateError: The session belongs to another event loop, or none runs here.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise StateError(
                f"Session {self._name!r} needs an event loop: use it from a coroutine."
            ) from None
        old, turns, supervisor = self._loop, self.turns, self.supervisor
        if old is loop:
            return
        if old and not old.is_closed() and (turns.running or (supervisor.is_running and old.is_running())):
            raise StateError(
                f"Session {self._name!r} belongs to another event loop. Use it where it was started, "
                "or make a new session here."
            )
        self._loop = loop
        turns.rebind()
        self._permissions.rebind()
        supervisor.rebind()

    # What it is told to do

    def submit(self, prompt: Prompt, content: Content, options: TurnOptions, asker: Asker) -> Turn:
        """Puts a prompt into the queue, with a transcript that shows what goes with it."""
        transcript = Transcript(
            prompt.text,
            attachments=[each.to_be_shown() for each in prompt.attachments],
            session=self._name,
            label=self.in_force.options.label,
        )
        for notice in prompt.notices:
            transcript.notice(notice)
        turn = Turn(prompt.text, content, options, transcript, asker, on_change=self._update)
        turn.listeners.append(self._silence_notice.handle)
        self.turns.add(turn)
        return turn

    def interrupt(self, turn: Turn, reason: str = "") -> bool:
        """Stops a turn, one that waits or the one that runs. False if it has ended."""
        self.bind()
        return self.turns.interrupt(turn, reason)

    async def start(self) -> None:
        """Starts the process if none runs; what went wrong is kept and raised."""
        self.bind()
        try:
            await self.supervisor.ensure(TurnOptions())
        except ClaudeMagicError as error:
            self.status.report(error)
            raise

    async def stop(self, timeout: float, *, reset: bool = False) -> StopReport | None:  # noqa: ASYNC109
        """Ends the turns and then the process; prompts that come meanwhile wait.

        Args:
            timeout: Seconds for each rung of the ladder.
            reset: Have the next process begin another conversation.
        """
        self.bind()
        async with self.turns.paused:
            await self.turns.clear()
            report = await self.supervisor.stop(timeout)
            if reset:
                self.conversation.reset()
            return report

    def kill_now(self) -> None:
        """Ends the process tree without a loop; what the CLI is about to write has the time it takes."""
        remaining = self.turns.concluded_at + WRITES_WITHIN - time.monotonic()
        if remaining > 0 and self.supervisor.is_running:
            time.sleep(remaining)
        if self.supervisor.process is not None:
            self.supervisor.process.kill_now()

    # What happens

    def _update(self) -> None:
        """Enters the state that the process, the turn and the open requests make together."""
        turn = self.turns.running
        self.status.enter(
            state_of(
                self.supervisor.phase,
                is_sent=turn is not None and turn.is_sent,
                waiting=self._permissions.is_waiting,
            )
        )

    def _lose_process(self, reason: ClaudeMagicError) -> None:
        """The process has ended by itself, and with it a turn that has no outcome yet."""
        turn = self.turns.running
        if turn is None or turn.outcome is not None:
            self.status.report(reason)
            return
        turn.lose(reason)
        if isinstance(reason, WireError):
            turn.end(reason)

    def _complain(self, text: str) -> None:
        """Says in the turn that runs, or else the last one, what went wrong beside it."""
        turn, history = self.turns.running, self.turns.history
        if history:
            (turn.transcript if turn else history[-1]).notice(text, "warning")
