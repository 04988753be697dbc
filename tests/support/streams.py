"""A stream of events with no process behind it."""

from __future__ import annotations

import uuid

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import deny_unattended
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.states import Status
from claude_magic.session.stream import Stream
from claude_magic.session.turn import Turn, TurnPhase
from claude_magic.transcript import Transcript

__all__ = ["send", "stream", "turn_of"]


def stream() -> Stream:
    """What a process says that was never started."""
    options = Options()
    process = ClaudeProcess(
        options, session_id=str(uuid.uuid4()), resume=False, deliver=lambda _: None, on_exit=lambda _: None
    )
    return Stream(process, Conversation(options), CostMeter(), Status(lambda _: None))


def turn_of(prompt: str) -> Turn:
    """A turn whose process is ready."""
    turn = Turn(prompt, prompt, TurnOptions(), Transcript(prompt), deny_unattended)
    turn.start()
    return turn


def send(turn: Turn, to: Stream) -> None:
    """The turn's prompt is on its way."""
    turn.move(TurnPhase.SENT)
    to.start_turn(turn)
