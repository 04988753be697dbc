"""A session with Claude Code: turns first come, first served, in one long-lived process.

The promise: each prompt has its own turn and its own Result, in order, whatever happens to the process; only
one process at a time belongs to a session, and none is left when `stop()` returns. Everything here runs on
one event loop and knows neither IPython nor widgets.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

from claude_magic.errors import BusyError, StateError, UsageError
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import Asker, deny_unattended
from claude_magic.processes.child import StopReport
from claude_magic.prompt import Content, Prompt
from claude_magic.result import Result
from claude_magic.session.conversation import Conversation
from claude_magic.session.engine import Engine
from claude_magic.session.permission_rules import LOCAL, PermissionRule, remove_from_file, rules_of
from claude_magic.session.states import Callback, EventName, SessionState
from claude_magic.session.turn import Turn, answering
from claude_magic.transcript import Transcript
from claude_magic.wire.events import Event

__all__ = ["Session", "SessionState"]


class Session:
    """One conversation and its turns.

    Args:
        options: What holds for the session; assign `session.options` to change it from the next turn on.
        name: What the session is called in headers and status.
        earlier_turns: Turns the conversation had before, when it is resumed.
    """

    def __init__(self, options: Options | None = None, *, name: str = "main", earlier_turns: int = 0) -> None:
        self.name = name
        self._engine = Engine(options or Options(), name, earlier_turns)

    # What a session is

    @property
    def options(self) -> Options:
        """What holds for the session."""
        return self._engine.in_force.options

    @options.setter
    def options(self, options: Options) -> None:
        self._engine.in_force.change(options)

    @property
    def conversation(self) -> Conversation:
        """The conversation that the process speaks for."""
        return self._engine.conversation

    @property
    def options_in_force(self) -> Options | None:
        """What the last process was told, at its start and since; None if none has ever started."""
        return self._engine.in_force.process_options

    @property
    def refused_options(self) -> Options | None:
        """Options that no process could be started with, until others are given."""
        return self._engine.in_force.refused_options

    @property
    def model(self) -> str:
        """The model that answered last, or was asked for; "" for the CLI's own choice."""
        return self.conversation.model or self.options.model or ""

    @property
    def cost(self) -> float:
        """What all turns have cost, in US dollars."""
        return self._engine.cost.total

    @property
    def turn_cost(self) -> float:
        """What the turn that runs has cost so far, an estimate until it ends, in US dollars."""
        return self._engine.cost.turn

    @property
    def permission_mode(self) -> str:
        """The permission mode in force."""
        return self._engine.supervisor.mode

    @property
    def state(self) -> SessionState:
        """Where the session is."""
        return self._engine.status.state

    @property
    def session_id(self) -> str:
        """The conversation's id."""
        return self.conversation.session_id

    @property
    def pid(self) -> int | None:
        """The process's id; None while none runs."""
        process = self._engine.supervisor.process
        return process.pid if process and process.is_running else None

    @property
    def escaped(self) -> dict[int, str]:
        """What Claude's tools have started that has left the process's tree and still runs: names by pid."""
        process = self._engine.supervisor.process
        return process.escaped() if process else {}

    @property
    def is_running(self) -> bool:
        """A process lives, idle or busy."""
        return self._engine.supervisor.is_running

    @property
    def released(self) -> bool:
        """The process was ended after `options.idle_timeout` without work; the next prompt resumes."""
        return self._engine.idle_timer.released

    @property
    def turn(self) -> Turn | None:
        """The turn that runs."""
        return self._engine.turns.running

    @property
    def queue(self) -> deque[Turn]:
        """The turns that wait, in order."""
        return self._engine.turns.waiting

    @property
    def history(self) -> deque[Transcript]:
        """The transcripts of the last turns, oldest first, those that wait included."""
        return self._engine.turns.history

    @property
    def turns(self) -> int:
        """Turns the conversation has had, the earlier ones included."""
        return self.conversation.turns

    @property
    def unknown(self) -> Counter[str]:
        """What the CLI said and nobody here understands, by kind."""
        return sum((transcript.unknown for transcript in self.history), Counter(self._engine.status.unknown))

    @property
    def last_error(self) -> str:
        """What went wrong last, or ""."""
        return self._engine.status.last_error

    def on(self, event: EventName, callback: Callback) -> Callable[[], None]:
        """Calls `callback` on an event.

        Args:
            event: "output" gives text as it streams (str), "error" what went wrong (ClaudeMagicError),
                "complete" each turn's Result, "status" each SessionState, "conversation" the id of one that
                has just begun, once it can be resumed.
            callback: Called on the loop; one that raises is reported in the turn and changes nothing.

        Returns:
            A function that takes the callback off again.
        """
        return self._engine.status.add(event, callback)

    # Turns

    async def ask(
        self, prompt: str | Prompt, *, options: TurnOptions | None = None, asker: Asker = deny_unattended
    ) -> Result:
        """Sends a prompt and waits for its Result; cancelling the wait interrupts the turn.

        Args:
            prompt: What to ask.
            options: What holds for this turn only.
            asker: Answers permission requests; by default they are denied.

        Raises:
            ClaudeMagicError: The turn failed; `TurnFailedError.result` has what had come.
            StateError: An asker or a tool of the running turn asks: it would wait for itself.
        """
        async with self._asked(prompt, options, asker) as turn:
            return await turn.wait()

    async def stream(
        self, prompt: str | Prompt, *, options: TurnOptions | None = None, asker: Asker = deny_unattended
    ) -> AsyncIterator[Event]:
        """Sends a prompt and yields its events as they come; leaving the loop early interrupts the turn.

        Raises:
            ClaudeMagicError: The turn failed.
            StateError: An asker or a tool of the running turn asks: it would wait for itself.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        async with self._asked(prompt, options, asker) as turn:
            turn.listeners.append(events.put_nowait)
            while (event := await events.get()) is not None:
                yield event

    def submit(
        self,
        prompt: str | Prompt,
        *,
        content: Content | None = None,
        options: TurnOptions | None = None,
        asker: Asker = deny_unattended,
        refuse_if_busy: bool = False,
    ) -> Turn:
        """Puts a prompt into the queue; it is sent when its turn comes.

        Args:
            prompt: What to ask.
            content: What to send instead of the prompt: text, or content blocks.
            options: What holds for this turn only.
            asker: Answers permission requests.
            refuse_if_busy: Raise rather than wait behind another turn.

        Raises:
            UsageError: The prompt is empty.
            BusyError: Another turn runs and `refuse_if_busy` is set.
            StateError: The session belongs to another event loop, or none runs here.
        """
        prompt = prompt if isinstance(prompt, Prompt) else Prompt(prompt)
        if not prompt.text.strip() and content is None:
            raise UsageError("The prompt is empty. Write what you want to ask.")
        self._engine.bind()
        if refuse_if_busy:
            self.refuse_if_busy()
        content = prompt.content if content is None else content
        return self._engine.submit(prompt, content, options or TurnOptions(), asker)

    def refuse_if_busy(self) -> None:
        """Raises if another turn would come first.

        Raises:
            BusyError: It would.
        """
        if self.turn or self.queue:
            raise BusyError(
                f"Session {self.name!r} is busy. Wait with %claude_wait, or leave out --busy refuse."
            )

    def interrupt(self, turn: Turn | None = None, reason: str = "") -> bool:
        """Stops a turn: a queued one is dropped; a running one is asked to end and keeps its partial answer.

        A second call while the first is unanswered kills the process tree; the next prompt resumes.

        Args:
            turn: Which; the running one if None.
            reason: Why, for the Result; "" is a person's wish.

        Returns:
            False if there was nothing to stop.

        Raises:
            StateError: This is another thread, or another event loop.
        """
        turn = turn or self.turn
        return turn is not None and self._engine.interrupt(turn, reason)

    async def set_permission_mode(self, mode: str) -> None:
        """Sets the permission mode, for a turn that runs too.

        Raises:
            ControlError: The CLI refused.
        """
        self.options = self.options.with_(permission_mode=mode)
        await self._engine.supervisor.refresh()

    async def permission_rules(self) -> list[PermissionRule]:
        """The permission rules that hold; a process is started if none runs.

        What the product allows by itself, since it only reads, is left out.

        Raises:
            ControlError: The CLI does not tell.
        """
        await self.start()
        process, own = self._engine.supervisor.process, self._engine.in_force.rules
        told = await rules_of(process) if process else []
        told = [rule for rule in told if rule.source != "cliArg"]  # which we know better
        texts = {rule.text for rule in told if rule.behavior == "allow"}
        return told + [rule for rule in own if rule.text not in texts]

    async def take_back(self, rule: PermissionRule) -> None:
        """Has a rule that allows hold no more from the next turn on.

        Raises:
            UsageError: It does not allow, or is nobody's to take back here.
            StateError: Its file cannot be changed.
        """
        if rule.behavior != "allow" or rule.source not in {LOCAL, "session", "cliArg"}:
            raise UsageError(
                f"{rule.text} ({rule.behavior}) comes from settings, not from Always: change it there."
            )
        if rule.source == LOCAL:
            await asyncio.to_thread(remove_from_file, Path(self.options.directory), rule)
        self._engine.in_force.take_back(rule)

    def goes_on_with(self, session_id: str) -> bool:
        """Whether the next turn belongs to an earlier conversation, and to this one."""
        return self.conversation.has_history and self.session_id == session_id

    def resume_from(self, session_id: str, turns: int, *, copy: bool = False) -> None:
        """Has the next process go on with another conversation; call it while none runs.

        Args:
            session_id: Its id, a UUID.
            turns: Turns it has had.
            copy: Go on with a copy of it, with an id of its own.
        """
        self.conversation.resume_from(session_id, turns, copy=copy)

    def start_fresh(self) -> None:
        """Has the next turn begin a new conversation; one that runs goes on in the old one."""
        self.conversation.leave()

    # The process

    async def start(self) -> None:
        """Starts the process if none runs.

        Raises:
            CLINotFoundError: There is no usable CLI.
            StartError: It did not start.
            ProcessEndedError: It was stopped while it started.
        """
        await self._engine.start()

    async def stop(self, timeout: float | None = None) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process; the conversation stays, and the next prompt resumes it.

        A running turn is interrupted, queued prompts are dropped.

        Args:
            timeout: Seconds for each rung of the ladder; `options.stop_timeout` if None.

        Returns:
            What it took; None if no process ran.
        """
        return await self._engine.stop(timeout or self.options.stop_timeout)

    async def restart(self, *, fresh: bool = False) -> None:
        """Stops, starts, and goes on with the conversation.

        Args:
            fresh: Begin a new conversation instead.
        """
        await self._engine.stop(self.options.stop_timeout, reset=fresh)
        await self.start()

    def kill_now(self) -> None:
        """Ends the process tree without a loop, for interpreter exit."""
        self._engine.kill_now()

    async def rewind(self, message_id: str, *, dry_run: bool = False) -> list[str]:
        """Puts the files that Claude's file tools have changed back to what they were before a prompt.

        What anybody else has done to these files since is lost. A process is started if none runs.

        Args:
            message_id: The prompt's.
            dry_run: Only tell.

        Returns:
            The files that would change, absolute, from a dry run.

        Raises:
            BusyError: A turn runs.
            StateError: The CLI has no checkpoint of the prompt.
        """
        self._engine.bind()
        if self.turn or self.queue:
            raise BusyError(f"Session {self.name!r} is busy. Wait for it with %claude_wait {self.name}")
        async with self._engine.turns.paused:
            await self.start()
            return await self._engine.supervisor.rewind(message_id, dry_run=dry_run)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def refuse_from_within(self) -> None:
        """Refuses a wait for this session that its running turn would have to wait for.

        Raises:
            StateError: An asker or a tool of the running turn calls this.
        """
        if self.turn is not None and self.turn in answering.get():
            raise StateError(
                f"Session {self.name!r} waits for this before anything else: the prompt would never have its "
                "turn. Ask another session, or ask after the turn."
            )

    @contextlib.asynccontextmanager
    async def _asked(
        self, prompt: str | Prompt, options: TurnOptions | None, asker: Asker
    ) -> AsyncIterator[Turn]:
        """A turn that is waited for: who leaves before its end interrupts it, who stays hears its error."""
        self.refuse_from_within()
        turn = self.submit(prompt, options=options, asker=asker)
        try:
            yield turn
        finally:
            if not turn.done and not turn.interrupted:
                self.interrupt(turn)
        if turn.error is not None:
            raise turn.error
