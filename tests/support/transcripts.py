"""Transcripts of recorded events, or of events that a test makes up."""

from __future__ import annotations

from itertools import count
from typing import Any

from places import RECORDINGS

from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import (
    NoticeBlock,
    ToolBlock,
)
from claude_magic.wire import events as wire

GENERATIONS = ("2.1.327", "2.1.191")


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self._seconds = count()

    def __call__(self) -> float:
        return float(next(self._seconds))


def lines(generation: str, name: str) -> list[bytes]:
    return (RECORDINGS / generation / f"{name}.jsonl").read_bytes().splitlines()


def heard(generation: str, name: str) -> Transcript:
    transcript = Transcript("A prompt", clock=Clock())
    for line in lines(generation, name):
        transcript.apply(wire.decode(line))
    return transcript


def deltas(*pieces: str, message: str = "m") -> list[wire.Event]:
    opening = wire.RawStream(type="message_start", message=wire.Message(id=message))
    block = wire.RawStream(type="content_block_start", index=0, content_block=wire.Block(type="text"))
    grown = [
        wire.RawStream(type="content_block_delta", index=0, delta=wire.Delta(type="text_delta", text=piece))
        for piece in pieces
    ]
    return [wire.StreamEvent(event=raw) for raw in (opening, block, *grown)]


def streamed(kind: str, **fields: Any) -> wire.StreamEvent:
    return wire.StreamEvent(event=wire.RawStream(type=kind, **fields))


def said(text: str, *, message: str = "m", parent: str | None = None) -> wire.AssistantMessage:
    content = [wire.Block(type="text", text=text)]
    return wire.AssistantMessage(message=wire.Message(id=message, content=content), parent_tool_use_id=parent)


def called(name: str, call: str = "t", **given: object) -> wire.AssistantMessage:
    content = [wire.Block(type="tool_use", id=call, name=name, input=given)]
    return wire.AssistantMessage(message=wire.Message(id="m", content=content))


def returned(text: str, call: str = "t", *, failed: bool = False, details: object = None) -> wire.UserMessage:
    content = [wire.Block(type="tool_result", tool_use_id=call, content=text, is_error=failed)]
    return wire.UserMessage(tool_use_result=details, message=wire.Message(content=content))


def applied(*events: wire.Event, limit: int = 2_000_000) -> Transcript:
    transcript = Transcript("A prompt", clock=Clock(), text_limit=limit)
    for event in events:
        transcript.apply(event)
    return transcript


def notices(transcript: Transcript) -> list[tuple[str, str]]:
    return [(block.level, block.text) for block in transcript.blocks if isinstance(block, NoticeBlock)]


def only_tool(transcript: Transcript) -> ToolBlock:
    (tool,) = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    return tool
