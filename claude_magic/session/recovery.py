"""What follows when the process ends by itself in the middle of a turn.

The promise: at most `Options.recoveries` tries a turn, each after a longer wait that an interrupt ends at
once; each is shown in the cell and told to callbacks. A prompt that the CLI has recorded, or whose tools may
have acted, is never sent again: a word of ours asks Claude to go on instead.

Only the CLI's own file tells what it has recorded: the replay of a prompt may come late, and never does for
slash commands (measured: 2.1.191, 2.1.327).
"""

from __future__ import annotations

import asyncio
import uuid
from enum import Enum

from claude_magic.errors import (
    ClaudeMagicError,
    InUseError,
    ProcessEndedError,
    StartError,
    WorkingDirectoryError,
)
from claude_magic.prompt import Content
from claude_magic.session.conversation import Conversation
from claude_magic.session.states import Status
from claude_magic.session.supervisor import Supervisor
from claude_magic.session.turn import Outcome, Turn
from claude_magic.transcript import TurnState

__all__ = ["CONTINUE", "DELAYS", "Next", "Recovery", "after_exit", "quoting"]

DELAYS = (1.0, 2.0, 4.0)  # seconds before each try; the last one holds for all that follow
CONTINUE = (
    "[claude_magic] Your process ended in the middle of your last turn and was restarted. Some of that "
    "turn's tool calls may have run: check before you repeat one. Go on with what was asked."
)
_QUOTE = (
    "[claude_magic] Your process ended in the middle of a turn that was not recorded, and was restarted. "
    "Some of that turn's tool calls may have run: check before you repeat one. Go on with what was asked, "
    "quoted here:"
)


class Next(Enum):
    """What the new process is told; the value is how the cell says so."""

    AGAIN = "the prompt was sent again."
    CONTINUE = "Claude was told to continue."
    QUOTE = "Claude was told to continue, with the prompt quoted."


def after_exit(*, recorded: bool, is_prompt: bool, acted: bool) -> Next:
    """What a new process is told.

    Args:
        recorded: The message sent last is in the conversation.
        is_prompt: It is the person's; otherwise it was ours already.
        acted: A tool call was seen in this turn.
    """
    if recorded:
        return Next.CONTINUE
    return Next.QUOTE if is_prompt and acted else Next.AGAIN


def quoting(content: Content) -> Content:
    """A word to go on that holds a prompt which the conversation does not.

    Only the person's words, the last text, are quoted: data stays in blocks of its own.
    """
    if isinstance(content, str):
        return f"{_QUOTE}\n\n" + "\n".join(f"> {line}" for line in content.splitlines())
    last = max((at for at, block in enumerate(content) if block.get("type") == "text"), default=None)
    if last is None:
        return [*content, {"type": "text", "text": _QUOTE}]
    quote: dict[str, object] = {"type": "text", "text": quoting(str(content[last]["text"]))}
    return [*content[:last], quote, *content[last + 1 :]]


class Recovery:
    """The tries of one turn.

    Args:
        turn: The turn.
        conversation: Its conversation.
        supervisor: Has the process.
        status: Told of each end and each try.
    """

    def __init__(
        self, turn: Turn, conversation: Conversation, supervisor: Supervisor, status: Status
    ) -> None:
        self.tries = 0
        self._limit = supervisor.options.recoveries
        self._turn = turn
        self._conversation = conversation
        self._supervisor = supervisor
        self._status = status
        self._next = Next.AGAIN
        self._lost_turns = 0  # turns of a conversation that was not recorded

    @property
    def has_begun(self) -> bool:
        """The process has ended in this turn and another is to take its place."""
        return self.tries > 0

    async def follows(self, outcome: Outcome) -> bool:
        """Whether the turn goes on in another process after this; then the time for it has come."""
        if not isinstance(outcome, ClaudeMagicError) or not self._is_for(outcome):
            return False
        if self.tries >= self._limit:
            return False
        delay = DELAYS[min(self.tries, len(DELAYS) - 1)]
        self.tries += 1
        self._say(outcome, delay)
        await asyncio.gather(self._decide(), self._turn.until(lambda: self._turn.interrupted, delay))
        return not self._turn.interrupted

    def announce(self) -> None:
        """Says what a process is told that has taken the place of another; nothing if none has."""
        if not self.has_begun:
            return
        how = "Resumed" if self._conversation.recorded else "Restarted"
        if self._lost_turns:
            turns = "turn" if self._lost_turns == 1 else "turns"
            how += f" without the {self._lost_turns} earlier {turns}, which had not been recorded"
        message = f" The message sent: {CONTINUE}" if self._next is Next.CONTINUE else ""
        self._turn.transcript.notice(f"{how}; {self._next.value}{message}")

    def last_word(self, outcome: Outcome) -> Outcome:
        """The outcome; that of a turn that is given up says what was tried."""
        if not self._is_for(outcome):
            return outcome
        attempts = f" It was restarted {_times(self.tries)} in vain." if self.has_begun else ""
        return ProcessEndedError(f"{outcome}{attempts} The next prompt resumes the conversation.")

    def _is_for(self, outcome: Outcome) -> bool:
        """The process has ended by itself; one that never started is for the person to mend."""
        turn = self._turn
        if turn.outcome is not None or turn.interrupted or self._supervisor.process is not None:
            return False
        if self.has_begun and isinstance(outcome, StartError):
            return not isinstance(outcome, (InUseError, WorkingDirectoryError))
        return isinstance(outcome, ProcessEndedError)

    def _say(self, cause: ClaudeMagicError, delay: float) -> None:
        self._status.report(cause)
        self._turn.start()
        self._turn.transcript.set_state(TurnState.STARTING)
        self._turn.transcript.notice(
            f"{str(cause).removesuffix('.')}; restarting in {delay:g} s, try {self.tries} of {self._limit}.",
            "warning",
        )
        self._supervisor.recovering()

    async def _decide(self) -> None:
        turn, conversation = self._turn, self._conversation
        recorded = await conversation.holds(
            turn.message_id, self._supervisor.in_force.process_options or self._supervisor.options
        )
        if not conversation.recorded:
            self._lost_turns += conversation.lose_turns()
        step = after_exit(
            recorded=recorded,
            is_prompt=turn.message_id == turn.id,
            acted=bool(turn.transcript.tool_calls),
        )
        if step is not Next.AGAIN:
            turn.content = CONTINUE if step is Next.CONTINUE else quoting(turn.content)
            turn.message_id = str(uuid.uuid4())
            self._next = step


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
