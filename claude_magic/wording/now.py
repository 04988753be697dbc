"""What goes on in a turn just now, in words, for the line that stays in sight while it runs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line
from claude_magic.transcript.blocks import (
    Block,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
)
from claude_magic.wording.tool import description, title, tool_name
from claude_magic.wording.units import LINE_LIMIT

if TYPE_CHECKING:
    from claude_magic.transcript import Transcript

__all__ = ["asked_for", "calls", "now"]


def now(transcript: Transcript) -> str:
    """What goes on: what is asked, else the item of the to-do list, the calls that run or what Claude does.

    Returns:
        It in one line; "" while nothing goes on.
    """
    if transcript.state.is_over or transcript.started is None:
        return ""
    if transcript.pending:
        return f"asks: {asked_for(transcript.pending[0])}"
    running = [_call(call, transcript.cwd) for call in _working(transcript)]
    does = running[:1] or [_does(transcript.blocks[-1] if transcript.blocks else None)]
    more = [f"{len(running) - 1} more"] if len(running) > 1 else []
    return " · ".join(filter(None, [one_line(transcript.doing, LINE_LIMIT), *does, *more]))


def _does(last: Block | None) -> str:
    match last:
        case ThinkingBlock(finished=False):
            return "thinking"
        case TextBlock(finished=False):
            return "writing"
        case RetryBlock(over=False):
            return "waiting for the API"
        case _:
            return ""


def calls(transcript: Transcript) -> str:
    """How many calls there have been, a subagent's included; "" for none."""
    count = transcript.call_count
    return f"{count} call{'s' * (count != 1)}" if count else ""


def asked_for(block: PermissionBlock) -> str:
    """What a request is about, in a word or two: the tool, a question, a plan."""
    if block.kind != "permission":
        return f"a {block.kind}"
    return one_line(tool_name(block.request.tool_name), LINE_LIMIT)


def _working(transcript: Transcript) -> list[ToolBlock]:
    """The calls at work, the oldest first, for they run in turn; a subagent's for the one that started it."""
    open_calls = [
        block for block in transcript.walk() if isinstance(block, ToolBlock) and not block.state.is_over
    ]
    return [call for call in open_calls if not any(child in open_calls for child in call.children)]


def _call(call: ToolBlock, cwd: str) -> str:
    """What one call is for, in Claude's words, else its title."""
    return description(call) or one_line(": ".join(filter(None, title(call, cwd))), LINE_LIMIT)
