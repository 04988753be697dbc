"""Whatever comes, a transcript stays within bounds, and who watches it finds one change."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transcripts import applied, called, deltas, only_tool, returned, said

from claude_magic.result import Result
from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import (
    Block,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
)
from claude_magic.wire import events as wire


@pytest.mark.fault(34, via="pure")
async def test_a_slow_view_finds_one_change_where_thousands_happened() -> None:
    transcript = Transcript("A prompt")
    seen: list[int] = []

    async def watch() -> None:
        while not transcript.state.is_over:
            seen.append(await transcript.changed(seen[-1] if seen else -1))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    for event in deltas(*["x"] * 10_000):
        transcript.apply(event)
    await asyncio.sleep(0)
    transcript.finish(Result())
    await asyncio.wait_for(watching, 5)

    assert len(transcript.answer) == 10_000
    assert len(seen) <= 5
    assert seen[-1] == transcript.revision


async def test_two_views_see_the_same_change() -> None:
    transcript = Transcript("A prompt")
    waiting = [asyncio.create_task(transcript.changed(0)) for _ in range(2)]
    await asyncio.sleep(0)

    transcript.notice("Hello.")

    assert await asyncio.gather(*waiting) == [1, 1]


def test_a_hundred_thousand_deltas_cost_linear_time() -> None:
    def seconds(number: int) -> float:
        events = deltas(*["word "] * number)
        began = time.process_time()
        transcript = applied(*events)
        taken = time.process_time() - began
        assert len(transcript.answer) == 5 * number
        return taken

    assert seconds(100_000) < 40 * max(seconds(10_000), 0.005)


@pytest.mark.fault(70, via="pure")
def test_a_full_transcript_says_how_much_is_hidden() -> None:
    transcript = applied(*deltas("a" * 600, "b" * 600), limit=1_000)

    assert len(transcript.answer) == 1_000
    assert transcript.hidden == 200

    transcript.apply(said("a" * 600 + "b" * 600))
    assert (len(transcript.answer), transcript.hidden) == (1_000, 200)


def test_a_long_result_keeps_its_head_and_its_tail() -> None:
    transcript = applied(called("Bash", command="x"), returned("first" + "." * 1_000_000 + "last"))

    tool = only_tool(transcript)
    assert tool.result.startswith("first")
    assert tool.result.endswith("last")
    assert len(tool.result) < 70_000
    assert transcript.hidden > 900_000


def test_a_million_blocks_stay_within_bounds() -> None:
    transcript = Transcript("A prompt")
    for number in range(20_000):
        transcript.apply(called("Bash", f"t{number}", command="x"))
        transcript.apply(said("y", message=str(number)))

    assert len(list(transcript.walk())) < 10_000
    assert len(transcript.tool_calls) < 10_000
    assert transcript.hidden_blocks > 30_000


def test_deep_and_wide_input_is_bounded() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = {"k": deep}

    transcript = applied(called("Tool", deep=deep, wide=list(range(100_000)), long="z" * 3_000_000))

    assert len(json.dumps(only_tool(transcript).input)) < 300_000


_TEXT = st.text(max_size=20)


_BLOCK = st.builds(
    wire.Block,
    type=st.sampled_from(
        ["text", "thinking", "tool_use", "tool_result", "image", "redacted_thinking", "new"]
    ),
    text=st.none() | _TEXT,
    thinking=st.none() | _TEXT,
    id=st.none() | st.sampled_from("ab"),
    name=st.none() | _TEXT,
    input=st.none() | st.dictionaries(_TEXT, st.none() | _TEXT | st.integers() | st.lists(_TEXT)),
    tool_use_id=st.none() | st.sampled_from("abc"),
    content=st.none() | _TEXT,
    is_error=st.none() | st.booleans(),
    source=st.none() | st.dictionaries(_TEXT, st.none() | _TEXT),
)


_MESSAGE = st.builds(
    wire.Message, id=st.none() | st.sampled_from("mn"), content=_TEXT | st.lists(_BLOCK, max_size=3)
)


_PARENT = st.none() | st.sampled_from("abx")


_DELTA = st.builds(
    wire.Delta,
    type=st.sampled_from(["text_delta", "thinking_delta", "input_json_delta", "signature_delta", "new"]),
    text=st.none() | _TEXT,
    thinking=st.none() | _TEXT,
    partial_json=st.none() | _TEXT,
)


_RAW = st.builds(
    wire.RawStream,
    type=st.sampled_from(
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_stop",
            "new",
        ]
    ),
    index=st.integers(-1, 3),
    content_block=st.none() | _BLOCK,
    delta=st.none() | _DELTA,
    message=st.none() | _MESSAGE,
)


_EVENT = st.one_of(
    st.builds(wire.StreamEvent, event=_RAW, parent_tool_use_id=_PARENT),
    st.builds(wire.AssistantMessage, message=_MESSAGE, parent_tool_use_id=_PARENT, error=st.none() | _TEXT),
    st.builds(
        wire.UserMessage,
        message=_MESSAGE,
        is_replay=st.booleans(),
        tool_use_result=st.none() | _TEXT | st.dictionaries(_TEXT, _TEXT),
    ),
    st.builds(wire.ApiRetry, attempt=st.integers(), error=st.none() | _TEXT | st.integers()),
    st.builds(wire.SystemInit, model=_TEXT),
    st.builds(wire.SystemEvent, subtype=st.just("task_notification"), tool_use_id=st.sampled_from("ab")),
    st.builds(
        wire.ResultEvent,
        is_error=st.booleans(),
        errors=st.lists(_TEXT, max_size=2),
        permission_denials=st.lists(
            st.dictionaries(st.just("tool_use_id"), st.sampled_from("ab")), max_size=2
        ),
    ),
    st.builds(wire.ConversationReset),
    st.builds(wire.Unknown, type=_TEXT),
)


@settings(max_examples=200, deadline=None)
@given(events=st.lists(_EVENT, max_size=30), limit=st.integers(0, 200))
def test_any_sequence_of_events_is_taken_and_stays_within_bounds(
    events: list[wire.Event], limit: int
) -> None:
    transcript = applied(*events, limit=limit)
    transcript.finish(Result())

    blocks: list[Block] = list(transcript.walk())
    assert sum(len(block.text) for block in blocks if isinstance(block, (TextBlock, ThinkingBlock))) <= limit
    assert all(block.state.is_over for block in blocks if isinstance(block, ToolBlock))
    assert all(block.finished for block in blocks if isinstance(block, TextBlock))
    assert len({block.number for block in blocks}) == len(blocks)
    assert transcript.hidden >= 0
