"""How a running turn is stopped before its end: first by asking the CLI, then by force."""

from __future__ import annotations

import asyncio
import contextlib

from claude_magic.errors import ControlError, ProcessEndedError
from claude_magic.session.conversation import Conversation
from claude_magic.session.turn import Turn

__all__ = ["kill_turn", "stop_turn"]

ASK_AGAIN = 0.5  # seconds; the CLI may have been in a turn of its own, or not yet in ours


async def stop_turn(turn: Turn, conversation: Conversation) -> None:
    """Asks the CLI to end the turn, and kills its tree if it does not within `kill_after`.

    The partial answer, the process and the conversation stay if the CLI obeys.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + conversation.options.kill_after
    turn.withdraw()
    while not turn.ended.done() and (left := deadline - clock()) > 0:
        if turn.sent:
            with contextlib.suppress(ControlError, ProcessEndedError):
                await conversation.request("interrupt", timeout=left)
        await asyncio.wait({turn.ended}, timeout=max(0, min(ASK_AGAIN, deadline - clock())))
    await kill_turn(turn, conversation)


async def kill_turn(turn: Turn, conversation: Conversation) -> None:
    """Kills the process tree, and with it the turn; the next prompt resumes the conversation."""
    if turn.ended.done():
        return
    if conversation.process is not None:  # else another is just about to take its place
        turn.transcript.notice("claude did not stop and was killed; the next prompt resumes.", "warning")
        await conversation.kill()
    turn.end(ProcessEndedError("claude was killed."))
