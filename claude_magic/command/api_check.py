"""One small question to the API, by the CLI that was found: does it answer, stream, and keep tools?

The question goes the way every prompt goes: the person's own environment, login and gateway. It offers one
tool and asks for a call of it. Nothing of it is kept, and it is given up after a bound.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

from claude_magic.claude_cli.gateway import api_of
from claude_magic.processes.child import ChildProcess
from claude_magic.processes.manager import default_manager
from claude_magic.transcript.explain import LOGIN_REFUSED, turn_error
from claude_magic.wire.events import ApiRetry, AssistantMessage, Event, ResultEvent, StreamEvent, decode
from claude_magic.wire.framing import LineFramer

__all__ = ["QUESTION", "Answer", "ask_api"]

QUESTION = "This is a test of the connection: call the tool Bash once, with the command: true"
_FLAGS = (
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--no-session-persistence",
    "--setting-sources=user",
    "--tools=Bash",
    "--system-prompt=Do what is asked, and nothing else.",
)
_TIMEOUT = 45.0  # seconds
_LINE_LIMIT = 10_000_000  # bytes
_REFUSALS = 2  # after which the answer is no; the CLI itself goes on for minutes


class Answer(NamedTuple):
    """What came of the question; `problem` is "" if an answer came."""

    problem: str = ""
    streams: bool = False
    keeps_tools: bool = False


async def ask_api(cli: Path, env: Mapping[str, str]) -> Answer:
    """Asks the question, and does not wait for more than it needs."""
    child = await default_manager().start_helper([str(cli), *_FLAGS], env)
    prompt = {"type": "user", "message": {"role": "user", "content": QUESTION}}
    try:
        async with asyncio.timeout(_TIMEOUT):
            await child.write(json.dumps(prompt).encode() + b"\n")
            return await _answer(child, str(api_of(env) or "the API"))
    except TimeoutError:
        return Answer(f"no answer within {_TIMEOUT:g} s")
    finally:
        await child.kill()


async def _answer(child: ChildProcess, place: str) -> Answer:
    streams = False
    async for event in _events(child):
        match event:
            case StreamEvent():
                streams = True
            case ApiRetry(attempt=attempt, error_status=status) if attempt >= _REFUSALS:
                return Answer(LOGIN_REFUSED if status == 401 else f"{place} refuses (HTTP {status})")
            case AssistantMessage(error=None, message=message):
                if any(block.type == "tool_use" for block in message.blocks):
                    return Answer("", streams, keeps_tools=True)
            case ResultEvent():
                return Answer(turn_error(event), streams)
    return Answer("claude ended without an answer")


async def _events(child: ChildProcess) -> AsyncIterator[Event]:
    framer = LineFramer(_LINE_LIMIT)
    while chunk := await child.read():
        for line in framer.feed(chunk):
            yield decode(line)
