"""Events become blocks: from recordings of both generations of the CLI, and from any sequence at all."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import RECORDINGS

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.result import Result
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.explain import NOT_LOGGED_IN, turn_error
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


def only_tool(transcript: Transcript) -> ToolBlock:
    (tool,) = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    return tool


# --- recordings of the real CLI


@pytest.mark.parametrize("generation", GENERATIONS)
def test_partial_answers_and_the_finished_ones_make_each_block_once(generation: str) -> None:
    transcript = heard(generation, "bash")

    kinds = [type(block) for block in transcript.blocks]
    assert kinds == [ThinkingBlock, TextBlock, ToolBlock, TextBlock]
    assert transcript.answer == "Running it.\n\nDone. It said so."


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", ["bash", "edit", "two", "image", "agent"])
def test_without_partials_the_blocks_are_the_same(generation: str, name: str) -> None:
    whole = Transcript("A prompt", clock=Clock())
    for line in lines(generation, name):
        event = wire.decode(line)
        if not isinstance(event, wire.StreamEvent):
            whole.apply(event)

    with_partials = heard(generation, name)

    assert [type(block) for block in whole.walk()] == [type(block) for block in with_partials.walk()]
    assert whole.answer == with_partials.answer
    assert whole.tool_calls == with_partials.tool_calls


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_header_takes_its_facts_from_the_cli(generation: str) -> None:
    transcript = heard(generation, "hello")

    assert transcript.model.startswith("claude-opus")
    assert transcript.permission_mode == "default"
    assert transcript.cwd == "/home/ada/project"
    assert transcript.session_id
    assert transcript.state is TurnState.RUNNING


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_tool_call_has_its_command_its_output_and_its_time(generation: str) -> None:
    tool = only_tool(heard(generation, "bash"))

    assert (tool.name, tool.state, tool.result) == ("Bash", ToolState.OK, "hi\nthere")
    assert tool.input["command"] == "echo hi; echo there"
    assert tool.partial.text == ""
    assert tool.duration is not None


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_command_that_fails_is_failed(generation: str) -> None:
    tool = only_tool(heard(generation, "bashfail"))

    assert tool.state is ToolState.FAILED
    assert "oops" in tool.result


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_edit_keeps_the_patch_that_was_applied(generation: str) -> None:
    tools = [block for block in heard(generation, "edit").blocks if isinstance(block, ToolBlock)]

    details = tools[1].details
    assert isinstance(details, dict)
    assert "+    return x + 2" in json.dumps(details["structuredPatch"])
    assert "originalFile" not in details


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_image_in_a_result_is_kept_as_a_picture(generation: str) -> None:
    tool = only_tool(heard(generation, "image"))

    assert [picture.media_type for picture in tool.pictures] == ["image/png"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_results_of_two_calls_at_once_find_their_calls(generation: str) -> None:
    tools = [block for block in heard(generation, "two").blocks if isinstance(block, ToolBlock)]

    assert [tool.result for tool in tools] == ["1", "2"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_a_subagent_does_is_inside_the_call_that_started_it(generation: str) -> None:
    transcript = heard(generation, "agent")

    agent = only_tool(transcript)
    inner = [block for block in agent.children if isinstance(block, ToolBlock)]
    assert [tool.result for tool in inner] == ["2"]
    assert "Counting." not in transcript.answer
    assert "internal" not in agent.result
    assert [call.name for call in transcript.tool_calls] == ["Agent", "Bash"]


def test_a_subagents_report_is_its_own_words_without_those_for_the_model() -> None:
    transcript = Transcript("Count.")
    content = [
        {"type": "text", "text": "  <tools-used-before-summary>Bash</tools-used-before-summary>\n"},
        {"type": "text", "text": "Two **files**."},
    ]

    transcript.apply(called("Agent", "a", prompt="count"))
    transcript.apply(
        returned("[hand-back] Two **files**.", "a", details={"agentId": "x", "content": content})
    )

    assert only_tool(transcript).result == "Two **files**."


def test_a_to_do_list_kept_by_a_call_an_item_is_one_list_with_the_newest_call() -> None:
    transcript = Transcript("Plan.")
    for number, subject in enumerate(["Write", "Test", "Drop"], 1):
        transcript.apply(called("TaskCreate", f"c{number}", subject=subject))
        transcript.apply(
            returned("ok", f"c{number}", details={"task": {"id": str(number), "subject": subject}})
        )
    for item, status in [("1", "completed"), ("2", "in_progress"), ("3", "deleted"), ("9", "completed")]:
        transcript.apply(called("TaskUpdate", f"u{item}", taskId=item, status=status))
        transcript.apply(returned("ok", f"u{item}", details={"success": True}))
    transcript.apply(called("TaskUpdate", "bad", taskId="1", status="pending"))
    transcript.apply(returned("no", "bad", failed=True))

    *older, newest, failed = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert newest.todos == (("completed", "Write"), ("in_progress", "Test"), ("completed", "Item 9"))
    assert all(tool.superseded for tool in older)
    assert not newest.superseded
    assert failed.todos is None


def test_a_to_do_list_is_replaced_by_what_the_cli_lists() -> None:
    transcript = Transcript("Plan.")
    listed = [{"id": "1", "subject": "Write", "status": "completed"}, "not an item"]

    transcript.apply(called("TaskList", "l"))
    transcript.apply(returned("#1", "l", details={"tasks": listed}))

    assert only_tool(transcript).todos == (("completed", "Write"),)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", ["stop", "stoptext"])
@pytest.mark.fault(39, via="pure")
def test_an_interrupted_turn_keeps_its_partial_answer_and_says_so(generation: str, name: str) -> None:
    transcript = heard(generation, name)

    transcript.finish(Result(interrupted=True))

    assert transcript.answer.startswith("A ")
    assert transcript.state is TurnState.INTERRUPTED
    notice = transcript.blocks[-1]
    assert isinstance(notice, NoticeBlock)
    assert "Interrupted" in notice.text
    for block in transcript.blocks:
        if isinstance(block, ToolBlock):
            assert (block.state, block.result) == (ToolState.INTERRUPTED, "")


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.fault(99, via="pure")
def test_retries_in_a_row_are_one_block_and_then_over(generation: str) -> None:
    transcript = heard(generation, "retries")

    retries = [block for block in transcript.blocks if isinstance(block, RetryBlock)]
    assert [(retry.attempt, retry.max_retries, retry.status, retry.over) for retry in retries] == [
        (2, 10, 529, True)
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.fault(99, via="pure")
def test_without_a_login_one_line_says_what_to_do(generation: str) -> None:
    transcript = heard(generation, "nologin")

    transcript.finish(Result(is_error=True, error=transcript.error))

    notices = [block.text for block in transcript.blocks if isinstance(block, NoticeBlock)]
    assert notices == [NOT_LOGGED_IN]
    assert transcript.error == NOT_LOGGED_IN
    assert transcript.state is TurnState.FAILED


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.fault(28, via="pure")
def test_success_with_is_error_is_an_error_in_the_words_of_the_result(generation: str) -> None:
    transcript = heard(generation, "apierror")

    assert transcript.error.startswith("API Error: 400 bad <b>thing</b>")
    assert transcript.answer == ""


@pytest.mark.fault(28, via="pure")
def test_an_error_without_words_shows_its_http_status() -> None:
    event = wire.ResultEvent(subtype="success", is_error=True, api_error_status=503)

    assert turn_error(event) == "The API answered with HTTP status 503."


def test_a_block_whose_place_another_takes_is_finished() -> None:
    opening = wire.StreamEvent(
        event=wire.RawStream(type="content_block_start", content_block=wire.Block(type="text"))
    )

    transcript = applied(opening, opening)

    assert [block.finished for block in transcript.blocks if isinstance(block, TextBlock)] == [True, False]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_replayed_prompt_is_no_block(generation: str) -> None:
    assert "A prompt" not in heard(generation, "hello").answer


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_refused_call_is_denied_when_the_person_has_said_no(generation: str) -> None:
    transcript = Transcript("A prompt", clock=Clock())
    for line in lines(generation, "denied"):
        event = wire.decode(line)
        transcript.apply(event)
        if isinstance(event, wire.ControlRequest):
            asked = PermissionRequest(
                id=event.request_id,
                tool_use_id=str(event.request["tool_use_id"]),
                tool_name=str(event.request["tool_name"]),
                input={},
            )
            block = transcript.ask(asked)
            assert transcript.state is TurnState.WAITING
            assert only_tool(transcript).state is ToolState.WAITING
            transcript.decide(block, Decision(behavior=Behavior.DENY))

    assert only_tool(transcript).state is ToolState.DENIED
    assert transcript.state is TurnState.RUNNING


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("path", sorted((RECORDINGS / "2.1.327").glob("*.jsonl")), ids=lambda path: path.stem)
def test_nothing_in_a_recording_is_lost_unseen(generation: str, path: Path) -> None:
    transcript = heard(generation, path.stem)

    assert not [kind for kind in transcript.unknown if kind.startswith(("block", "delta", "result"))]


# --- how a turn goes


@pytest.mark.fault(15, via="pure")
def test_text_keeps_every_white_space_at_the_seams() -> None:
    pieces = ["a", "\u00a0", "\u3000b ", " c\n", "\n", "\td"]

    assert applied(*deltas(*pieces)).answer == "".join(pieces)


def test_text_is_open_until_its_stop_or_its_whole_comes() -> None:
    transcript = applied(*deltas("Hel", "lo"))
    (block,) = transcript.blocks
    assert isinstance(block, TextBlock)
    assert not block.finished

    transcript.apply(said("Hello."))

    assert (block.finished, block.text, transcript.blocks) == (True, "Hello.", [block])


def test_a_whole_that_comes_after_the_stop_is_still_the_same_block() -> None:
    stop = wire.StreamEvent(event=wire.RawStream(type="content_block_stop", index=0))

    assert applied(*deltas("Hello"), stop, said("Hello")).answer == "Hello"


def test_the_same_words_in_another_message_are_another_block() -> None:
    assert applied(said("Yes."), said("Yes.", message="n")).answer == "Yes.\n\nYes."


def test_a_crash_closes_what_is_open_and_the_continuation_is_added() -> None:
    transcript = applied(*deltas("Half an ans"), called("Bash", command="sleep 9"))

    transcript.break_off()
    transcript.apply(said("The rest.", message="n"))

    assert transcript.answer == "Half an ans\n\nThe rest."
    assert only_tool(transcript).state is ToolState.INTERRUPTED


def test_the_turn_waits_until_every_question_has_its_answer() -> None:
    transcript = applied(said("x"))
    asked = [
        transcript.ask(PermissionRequest(id=str(n), tool_use_id=str(n), tool_name="Bash", input={}))
        for n in range(2)
    ]

    transcript.decide(asked[0], Decision(behavior=Behavior.ALLOW))
    assert (transcript.state, transcript.pending) == (TurnState.WAITING, (asked[1],))

    transcript.decide(asked[1], Decision(behavior=Behavior.ALLOW))
    assert transcript.state is TurnState.RUNNING


def test_a_question_without_an_answer_is_withdrawn_at_the_end() -> None:
    transcript = applied(said("x"))
    block = transcript.ask(PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={}))

    transcript.finish(Result(interrupted=True))

    assert isinstance(block, PermissionBlock)
    assert (block.pending, block.withdrawn) == (False, True)


@pytest.mark.fault(106, via="pure")
def test_a_turn_dropped_from_the_queue_is_cancelled() -> None:
    transcript = Transcript("A prompt")

    transcript.finish(Result(interrupted=True))

    assert transcript.state is TurnState.CANCELLED


@pytest.mark.fault(24, via="pure")
def test_what_is_unknown_is_counted_and_not_shown() -> None:
    content = [wire.Block(type="hologram")]
    transcript = applied(
        wire.Unknown(type="tea_time", subtype="now"),
        wire.AssistantMessage(message=wire.Message(content=content)),
    )

    assert dict(transcript.unknown) == {"tea_time/now": 1, "block hologram": 1}
    assert transcript.blocks == []


# --- views wait


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


# --- bounds


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


def test_a_text_that_the_next_message_breaks_off_is_finished() -> None:
    start = wire.StreamEvent(event=wire.RawStream(type="message_start"))
    piece = wire.RawStream(type="content_block_delta", delta=wire.Delta(type="text_delta", text="half"))

    transcript = applied(start, wire.StreamEvent(event=piece), start)

    assert [block.finished for block in transcript.blocks if isinstance(block, TextBlock)] == [True]


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
