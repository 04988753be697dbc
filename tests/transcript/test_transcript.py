"""Events become blocks: from recordings of both generations of the CLI, and from any sequence at all."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from places import RECORDINGS

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.prompt import Attachment
from claude_magic.result import Result, ToolCall, Usage
from claude_magic.transcript import Transcript, TurnState, builder
from claude_magic.transcript.blocks import (
    Block,
    Footer,
    GrowingBlock,
    NoticeBlock,
    PermissionBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.explain import NOT_LOGGED_IN, explained, turn_error
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


def notices(transcript: Transcript) -> list[tuple[str, str]]:
    return [(block.level, block.text) for block in transcript.blocks if isinstance(block, NoticeBlock)]


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


def test_a_turn_begins_with_what_was_asked_for_and_nothing_else() -> None:
    transcript = Transcript("A prompt")
    facts = (transcript.prompt, transcript.session, transcript.attachments, transcript.options)
    assert facts == ("A prompt", "main", (), {})
    told = (transcript.label, transcript.model, transcript.permission_mode, transcript.cwd)
    assert (*told, transcript.session_id, transcript.error) == ("", "", "", "", "", "")
    assert (transcript.resumed_turns, transcript.ahead, transcript.elapsed) == (0, 0, 0.0)
    assert (transcript.state, transcript.footer, transcript.blocks) == (TurnState.QUEUED, None, [])

    given = Transcript(
        "A prompt",
        attachments=[Attachment("df", "1")],
        session="side",
        label="a label",
        model="opus",
        permission_mode="plan",
        options={"model": "opus"},
    )
    assert (given.attachments, given.options) == ((Attachment("df", "1"),), {"model": "opus"})
    assert (given.session, given.label, given.model, given.permission_mode) == (
        "side",
        "a label",
        "opus",
        "plan",
    )


def test_a_fact_of_the_header_stays_until_another_is_told() -> None:
    facts: dict[str, Any] = {
        "model": "opus",
        "permission_mode": "plan",
        "cwd": "/a",
        "session_id": "s",
        "resumed_turns": 2,
        "label": "a label",
        "ahead": 3,
    }
    transcript = Transcript("A prompt")
    for name, value in facts.items():
        before = transcript.revision
        transcript.update(**{name: value})
        assert transcript.revision == before + 1
    assert {name: getattr(transcript, name) for name in facts} == facts

    transcript.apply(wire.SystemInit(cwd="/b"))
    assert {name: getattr(transcript, name) for name in facts} == facts | {"cwd": "/b"}


def test_a_turn_takes_the_time_from_its_start_to_its_end() -> None:
    clock = iter([10.0, 12.0, 15.0])
    transcript = Transcript("A prompt", clock=lambda: next(clock))

    transcript.set_state(TurnState.QUEUED)
    assert (transcript.started, transcript.revision) == (None, 0)
    transcript.set_state(TurnState.STARTING)
    transcript.set_state(TurnState.RUNNING)
    assert (transcript.started, transcript.elapsed) == (10.0, 2.0)
    transcript.set_state(TurnState.DONE)
    assert (transcript.ended, transcript.elapsed, transcript.revision) == (15.0, 5.0, 3)


@pytest.mark.parametrize("event", [said("x"), *deltas("x"), wire.SystemInit()])
@pytest.mark.parametrize("before", [TurnState.QUEUED, TurnState.STARTING, TurnState.WAITING])
def test_a_turn_that_waits_for_nobody_runs_as_soon_as_the_cli_shows_it_at_work(
    event: wire.Event, before: TurnState
) -> None:
    transcript = Transcript("A prompt")
    transcript.set_state(before)

    transcript.apply(event)

    assert transcript.state is (before if before is TurnState.WAITING else TurnState.RUNNING)


@pytest.mark.parametrize(
    "event", [returned("x"), wire.ResultEvent(), wire.ApiRetry(), wire.ConversationReset()]
)
def test_what_may_come_of_another_turn_does_not_make_a_turn_run(event: wire.Event) -> None:
    assert applied(event).state is TurnState.QUEUED


@pytest.mark.parametrize(
    ("result", "state", "line"),
    [
        (Result(), TurnState.DONE, None),
        (
            Result(interrupted=True),
            TurnState.INTERRUPTED,
            ("warning", "Interrupted. What had come until then is kept."),
        ),
        (Result(interrupted=True, error="Too slow."), TurnState.INTERRUPTED, ("warning", "Too slow.")),
        (Result(is_error=True), TurnState.FAILED, ("error", "The turn failed.")),
        (Result(is_error=True, error="No room."), TurnState.FAILED, ("error", "No room.")),
    ],
)
def test_a_turn_ends_with_a_line_that_says_how(
    result: Result, state: TurnState, line: tuple[str, str] | None
) -> None:
    transcript = applied(said("x"))

    transcript.finish(result)

    assert transcript.state is state
    assert notices(transcript) == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("error", "line"), [("", "Dropped before its turn."), ("The kernel ends.", "The kernel ends.")]
)
def test_a_turn_that_never_began_says_that_it_was_dropped(error: str, line: str) -> None:
    transcript = Transcript("A prompt")

    transcript.finish(Result(interrupted=True, error=error))

    assert notices(transcript) == [("info", line)]
    assert transcript.state is TurnState.CANCELLED


def test_an_error_that_the_turn_ends_with_is_not_said_again() -> None:
    for after in range(4):
        transcript = applied(said("x"))
        transcript.notice("No room.", "warning")
        for number in range(after):
            transcript.notice(f"Line {number}.")
        before = transcript.revision
        transcript.finish(Result(is_error=True, error="No room."))

        again = [] if after < 3 else [("warning", "No room.")]
        errors = [notice for notice in notices(transcript) if notice[1] == "No room."]
        assert errors == [*again, ("error", "No room.")]
        assert [block for block in transcript.blocks if block.revision > before]


def test_the_footer_has_what_the_turn_took() -> None:
    transcript = applied(said("x"))
    usage = Usage(input_tokens=3, output_tokens=4)

    transcript.finish(Result(num_turns=2, duration=9.0, usage=usage, cost_usd=0.5), 0.25)

    assert transcript.footer == Footer(requests=2, seconds=9.0, tokens=7, cost_usd=0.5, context_left=0.25)
    assert transcript.ended is not None


def test_a_line_of_ours_about_a_call_is_on_its_card_and_one_about_another_call_nowhere() -> None:
    transcript = applied(called("Edit", file_path="a.py"))
    before = transcript.revision
    transcript.note("t", "reloaded a")
    assert (only_tool(transcript).note, transcript.revision > before) == ("reloaded a", True)
    transcript.note("another", "reloaded b")
    assert only_tool(transcript).note == "reloaded a"


def test_a_request_is_shown_with_the_call_it_is_about() -> None:
    transcript = applied(called("ExitPlanMode", plan="Paint it."))
    steps = transcript.steps

    asked = PermissionRequest(id="r", tool_use_id="t", tool_name="ExitPlanMode", input={})
    block = transcript.ask(asked)

    assert block.request.input == {"plan": "Paint it."}
    assert only_tool(transcript).state is ToolState.WAITING
    assert transcript.steps == steps + 1
    transcript.decide(block, Decision(behavior=Behavior.ALLOW))
    assert (only_tool(transcript).state, transcript.state) == (ToolState.RUNNING, TurnState.RUNNING)

    given = transcript.ask(replace(asked, input={"plan": "Another."}))
    assert given.request.input == {"plan": "Another."}


def test_a_request_about_a_call_that_is_over_leaves_the_call_as_it_is() -> None:
    transcript = applied(called("Bash", command="x"), returned("done"))
    asked = PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={})

    for behavior in (Behavior.ALLOW, Behavior.DENY):
        transcript.decide(transcript.ask(asked), Decision(behavior=behavior))
        assert only_tool(transcript).state is ToolState.OK


def test_a_call_that_is_refused_is_over_at_once() -> None:
    transcript = applied(called("Bash", command="x"))
    for call in ("t", "unknown"):
        asked = PermissionRequest(id="r", tool_use_id=call, tool_name="Bash", input={})
        transcript.decide(transcript.ask(asked), Decision(behavior=Behavior.DENY))

    assert only_tool(transcript).state is ToolState.DENIED
    assert only_tool(transcript).duration is not None
    assert transcript.state is TurnState.RUNNING


def test_a_person_is_asked_where_the_transcript_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_BLOCK_LIMIT", 1)
    transcript = applied(said("x"), said("y"))

    block = transcript.ask(PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={}))

    assert transcript.pending == (block,)


def test_a_walk_comes_by_a_subagents_blocks_after_the_call_that_started_it() -> None:
    transcript = applied(
        said("a"), called("Agent", "t"), said("c", parent="t"), said("d", message="n", parent="t"), said("e")
    )

    walked = list(transcript.walk())
    assert [block.text for block in walked if isinstance(block, TextBlock)] == ["a", "c", "d", "e"]
    assert isinstance(walked[1], ToolBlock)


def test_an_answer_after_the_turn_has_gone_on_changes_only_its_request() -> None:
    transcript = applied(said("x"))
    block = transcript.ask(PermissionRequest(id="r", tool_use_id="", tool_name="Bash", input={}))
    transcript.set_state(TurnState.INTERRUPTED)

    transcript.decide(block, Decision(behavior=Behavior.ALLOW))

    assert transcript.state is TurnState.INTERRUPTED
    assert block.revision == transcript.revision


def test_a_request_that_was_withdrawn_takes_no_answer() -> None:
    transcript = applied(called("Bash", command="x"))
    block = transcript.ask(PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={}))
    transcript.break_off()
    assert block.revision == transcript.revision

    transcript.decide(block, Decision(behavior=Behavior.DENY))

    assert (block.withdrawn, block.decision) == (True, None)
    assert only_tool(transcript).state is ToolState.INTERRUPTED


@pytest.mark.parametrize(
    ("given", "agent"),
    [
        ({"subagent_type": "Explore", "description": "Count"}, "Explore: Count"),
        ({"description": "Count"}, "Count"),
        ({"subagent_type": 7, "description": ""}, "a1's own"),
    ],
)
def test_a_subagent_that_asks_is_named_as_its_card_is(given: dict[str, object], agent: str) -> None:
    inner = called("Bash", "inner", command="x")
    inner = wire.AssistantMessage(message=inner.message, parent_tool_use_id="outer")
    transcript = applied(called("Bash", "other"), called("Agent", "outer", **given), inner)

    def asked(call: str, agent_id: str = "a1") -> str:
        request = PermissionRequest(
            id="r", tool_use_id=call, tool_name="Bash", input={}, agent_id=agent_id, agent="a1's own"
        )
        return transcript.ask(request).request.agent

    assert asked("inner") == agent
    assert asked("unknown") == asked("other") == asked("inner", "") == "a1's own"


def test_calls_are_listed_in_order_with_what_came_of_them() -> None:
    transcript = applied(called("Bash", "a", command="x"), called("Bash", "b"), called("Bash", "c"))
    transcript.apply(returned("good", "a"))
    transcript.apply(returned("bad", "b", failed=True))
    assert [call.is_error for call in transcript.tool_calls] == [False, True, False]

    transcript.break_off()
    assert transcript.tool_calls == (
        ToolCall("a", "Bash", {"command": "x"}, "good", is_error=False),
        ToolCall("b", "Bash", {}, "bad", is_error=True),
        ToolCall("c", "Bash", {}, "", is_error=True),
    )


def test_who_listens_hears_the_main_agents_text_piece_by_piece_and_its_calls() -> None:
    heard: list[tuple[str, str]] = []
    transcript = Transcript("A prompt")
    transcript.listen(lambda block, piece: heard.append((type(block).__name__, piece)))

    for event in (
        *deltas("Hel", "lo"),
        said("Hello"),
        said("Inside.", parent="t"),
        said("New.", message="n"),
    ):
        transcript.apply(event)
    transcript.apply(called("Bash", "u", command="x"))
    wrong = wire.AssistantMessage(message=wire.Message(content="Wrong."), error="unknown")
    transcript.apply(wrong)

    assert heard == [
        ("TextBlock", ""),
        ("TextBlock", "Hel"),
        ("TextBlock", "lo"),
        ("TextBlock", ""),
        ("TextBlock", "New."),
        ("TextBlock", ""),
        ("ToolBlock", ""),
        ("NoticeBlock", ""),
    ]


# --- what is told apart


def streamed(kind: str, **fields: Any) -> wire.StreamEvent:
    return wire.StreamEvent(event=wire.RawStream(type=kind, **fields))


def test_the_input_of_a_call_is_seen_while_it_is_written() -> None:
    transcript = applied(
        streamed(
            "content_block_start",
            index=1,
            content_block=wire.Block(type="tool_use", id="t", name="Bash"),
        ),
        *(
            streamed(
                "content_block_delta", index=1, delta=wire.Delta(type="input_json_delta", partial_json=piece)
            )
            for piece in ('{"a"', None, ": 1}")
        ),
        streamed(
            "content_block_delta", index=2, delta=wire.Delta(type="input_json_delta", partial_json="lost")
        ),
    )

    tool = only_tool(transcript)
    assert (tool.id, tool.name, tool.state) == ("t", "Bash", ToolState.WRITING)
    assert tool.partial.text == '{"a": 1}'
    assert tool.revision == transcript.revision


def test_a_call_that_says_nothing_of_itself_is_shown_all_the_same() -> None:
    nameless = wire.Block(type="tool_use")
    begun = applied(streamed("content_block_start", content_block=nameless))
    whole = applied(wire.AssistantMessage(message=wire.Message(content=[nameless])))

    assert [(call.id, call.name, call.input) for call in map(only_tool, (begun, whole))] == [("", "", {})] * 2
    assert only_tool(applied(called("Bash", ""), returned("x", ""))).result == "x"


def test_a_piece_without_a_beginning_begins_a_block() -> None:
    transcript = applied(
        streamed("content_block_delta", delta=wire.Delta(type="thinking_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="thinking_delta", thinking="Hm.")),
        streamed("content_block_delta", index=1, delta=wire.Delta(type="text_delta", text="Yes")),
        streamed("content_block_delta", index=1, delta=wire.Delta(type="text_delta", text=".")),
    )

    assert [(type(block), block.text) for block in transcript.blocks if isinstance(block, GrowingBlock)] == [
        (ThinkingBlock, "Hm."),
        (TextBlock, "Yes."),
    ]


def test_what_a_block_has_at_its_beginning_is_part_of_it() -> None:
    transcript = applied(
        streamed("content_block_start", content_block=wire.Block(type="text", text="Yes")),
        streamed("content_block_start", index=1, content_block=wire.Block(type="thinking", thinking="Hm")),
        streamed("content_block_stop", index=1),
    )

    text, thinking = transcript.blocks
    assert isinstance(text, TextBlock)
    assert isinstance(thinking, ThinkingBlock)
    assert (text.text, text.finished, thinking.text, thinking.finished) == ("Yes", False, "Hm", True)


def test_whole_thinking_is_a_block_and_the_word_for_nothing_is_none() -> None:
    blocks = [
        wire.Block(type="thinking", thinking="Hm."),
        wire.Block(type="text", text="(no content)"),
        wire.Block(type="text", text=""),
        wire.Block(type="redacted_thinking"),
    ]
    transcript = applied(wire.AssistantMessage(message=wire.Message(content=blocks)))

    (block,) = transcript.blocks
    assert isinstance(block, ThinkingBlock)
    assert (block.text, block.finished) == ("Hm.", True)
    assert transcript.unknown == {}


def test_new_kinds_are_counted_each_by_its_name_and_the_known_silent_ones_are_not() -> None:
    silent: list[wire.Event] = [
        streamed("content_block_start", content_block=wire.Block(type="redacted_thinking")),
        streamed("content_block_delta", delta=wire.Delta(type="signature_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="citations_delta")),
        streamed("content_block_start"),
        streamed("content_block_delta"),
        streamed("content_block_stop"),
        streamed("message_delta"),
    ]
    new: list[wire.Event] = [
        streamed("content_block_start", content_block=wire.Block(type="hologram")),
        streamed("content_block_delta", delta=wire.Delta(type="smell_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="smell_delta")),
        wire.Unknown(type="tea_time"),
        returned("x", "never called"),
        wire.Unknown(type="n" * 201),
    ]

    assert dict(applied(*silent, *new).unknown) == {
        "block hologram": 1,
        "delta smell_delta": 2,
        "tea_time": 1,
        "result of an unknown tool call": 1,
        "n" * 200: 1,
    }


def test_very_many_new_kinds_are_counted_together() -> None:
    unknown = applied(*(wire.Unknown(type=f"kind {number}") for number in range(105))).unknown

    assert (len(unknown), unknown["other"], unknown["kind 99"], unknown["kind 100"]) == (101, 5, 1, 0)

    more = applied(*(wire.Unknown(type=f"kind {number % 100}") for number in range(105))).unknown
    assert (len(more), more["kind 0"], more["kind 99"]) == (100, 2, 1)


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("max_tokens", "the model's limit of output tokens is reached"),
        ("model_context_window_exceeded", "the context window is full"),
        ("pause_turn", "the API paused the answer"),
        ("end_turn", None),
        (None, None),
    ],
)
def test_an_answer_that_is_cut_says_so_where_it_is_cut(reason: str | None, why: str | None) -> None:
    cut = streamed("message_delta", delta=wire.Delta(stop_reason=reason))
    inside = wire.StreamEvent(event=cut.event, parent_tool_use_id="t")

    line = [] if why is None else [("warning", f"The answer was cut here: {why}.")]
    assert notices(applied(*deltas("Half"), cut)) == line
    assert notices(applied(called("Agent"), inside)) == []


def test_an_error_of_the_api_is_a_line_that_says_what_to_do() -> None:
    content = [wire.Block(type="text", text="API Error: 401"), wire.Block(type="image")]
    refused = wire.AssistantMessage(message=wire.Message(content=content), error="authentication_failed")

    assert notices(applied(refused)) == [
        (
            "error",
            (
                "The API did not accept the login (HTTP 401). Run `claude` in a terminal and type /login, "
                "or check ANTHROPIC_API_KEY."
            ),
        )
    ]

    lines = [wire.Block(type="text", text="One."), wire.Block(type="text", text="Two.")]
    failed = wire.AssistantMessage(message=wire.Message(content=lines), error="unknown")
    assert [text for _, text in notices(applied(failed))] == [explained("One.\nTwo.")]


def test_retries_tell_the_wait_and_the_reason_and_are_over_with_whatever_comes_next() -> None:
    retry = wire.ApiRetry(
        attempt=1, max_retries=3, retry_delay_ms=1500, error_status=529, error="overloaded" * 30
    )
    nexts = (said("x"), *deltas("x")[:1], returned("x"), wire.ResultEvent())
    for following in nexts:
        transcript = applied(retry)
        (block,) = transcript.blocks
        assert isinstance(block, RetryBlock)
        assert (block.attempt, block.max_retries, block.delay_s, block.status) == (1, 3, 1.5, 529)
        assert block.reason == ("overloaded" * 30)[:200]
        assert (block.over, block.revision) == (False, transcript.revision)
        transcript.apply(following)
        assert block.over
        transcript.apply(retry)
        assert len([b for b in transcript.blocks if isinstance(b, RetryBlock)]) == 2

    transcript = applied(wire.ApiRetry(error={"type": "overloaded"}))
    (block,) = transcript.blocks
    assert isinstance(block, RetryBlock)
    assert block.reason == ""
    transcript.break_off()
    assert block.over
    assert block.revision == transcript.revision


def test_a_result_keeps_what_may_be_shown_and_counts_as_visible() -> None:
    details = {"stdout": "x", "file": "x", "content": "x", "originalFile": "x", "structuredPatch": [1]}
    transcript = applied(said("Now."), called("Edit"), returned("changed", details=details))

    tool = only_tool(transcript)
    assert (tool.result, tool.details, transcript.length) == ("changed", {"structuredPatch": [1]}, 11)
    assert tool.revision == transcript.revision
    assert only_tool(applied(called("Bash"), returned("x", details="text"))).details is None


@pytest.mark.parametrize(
    ("text", "state", "result"),
    [
        ("The user doesn't want to proceed with this tool use. Stop.", ToolState.INTERRUPTED, ""),
        (
            "Permission to use Bash has been denied.",
            ToolState.DENIED,
            "Permission to use Bash has been denied.",
        ),
        ("Permission to use Bash is fine.", ToolState.FAILED, "Permission to use Bash is fine."),
        ("It was denied.", ToolState.FAILED, "It was denied."),
        ("<tool_use_error>No.</tool_use_error>", ToolState.FAILED, "No."),
    ],
)
def test_how_a_failed_call_ended_is_told_by_its_words(text: str, state: ToolState, result: str) -> None:
    tool = only_tool(applied(called("Bash"), returned(text, failed=True)))

    assert (tool.state, tool.result) == (state, result)
    assert only_tool(applied(called("Bash"), returned(text))).state is ToolState.OK


def test_a_denial_is_told_by_the_first_400_characters() -> None:
    for length, state in ((376, ToolState.DENIED), (377, ToolState.FAILED)):
        text = f"Permission to use {length * 'x'}denied"
        assert only_tool(applied(called("Bash"), returned(text, failed=True))).state is state


def test_a_result_in_blocks_is_its_texts_and_its_pictures() -> None:
    source: dict[str, object] = {"media_type": "image/png", "data": "AAA"}
    content = [
        wire.Block(type="text", text="One."),
        wire.Block(type="image", source=source),
        wire.Block(type="text", text="Two."),
        wire.Block(type="image", source={"media_type": "image/png"}),
        wire.Block(type="image", source={"data": "AAA"}),
        wire.Block(type="image"),
        wire.Block(type="document", source=source),
    ]
    result = wire.Block(type="tool_result", tool_use_id="t", content=content)

    tool = only_tool(applied(called("Read"), wire.UserMessage(message=wire.Message(content=[result]))))

    assert tool.result == "One.\nTwo."
    assert tool.pictures == (Picture("image/png", "AAA"),)

    nothing = wire.Message(content=[wire.Block(type="tool_result", tool_use_id="t")])
    assert only_tool(applied(called("Read"), wire.UserMessage(message=nothing))).result == ""


def test_a_picture_that_there_is_no_room_for_is_left_out() -> None:
    large: dict[str, object] = {"media_type": "image/png", "data": "A" * 10_000_001}
    content = [wire.Block(type="image", source=large)]
    result = wire.Block(type="tool_result", tool_use_id="t", content=content)

    transcript = applied(called("Read"), wire.UserMessage(message=wire.Message(content=[result])))

    assert only_tool(transcript).pictures == ()
    assert transcript.hidden == 10_000_001


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({"agentId": "x", "content": [{"text": "One."}, {"text": "Two."}]}, "One.\n\nTwo."),
        ({"agentId": "x", "content": [{"text": 7}, "text", {"text": "Two."}]}, "Two."),
        ({"agentId": "x", "content": "One."}, "as told"),
        ({"content": [{"text": "One."}]}, "as told"),
        ("agentId", "as told"),
    ],
)
def test_a_report_is_what_the_subagent_said_where_the_cli_tells_it(details: object, text: str) -> None:
    assert only_tool(applied(called("Agent"), returned("as told", details=details))).result == text


def test_a_subagent_in_the_background_reports_in_its_card_when_it_is_done() -> None:
    def reported(details: object, **changes: Any) -> tuple[str, object]:
        told = {"subtype": "task_notification", "tool_use_id": "t", "status": "completed", "summary": "Two."}
        transcript = applied(called("Agent"), returned("Launched.", details=details))
        before = transcript.revision
        transcript.apply(wire.SystemEvent(**(told | changes)))
        tool = only_tool(transcript)
        assert (transcript.revision > before) is (tool.result != "Launched.")
        assert tool.revision == transcript.revision
        return tool.result, tool.details

    assert reported({"isAsync": True}) == ("Two.", {"status": "completed"})
    assert reported({"isAsync": True}, summary=None, status=None) == ("", {"status": ""})
    assert reported({"isAsync": False})[0] == "Launched."
    assert reported(None)[0] == "Launched."
    assert reported({"isAsync": True}, subtype="task_started")[0] == "Launched."
    assert reported({"isAsync": True}, tool_use_id="u")[0] == "Launched."


def test_a_call_that_the_result_counts_as_denied_is_denied() -> None:
    def state(denied: object, *, failed: bool = True) -> ToolState:
        denials: list[dict[str, object]] = [{"other": "t"}, {"tool_use_id": denied}]
        transcript = applied(called("Bash"), returned("no", failed=failed))
        before = transcript.revision
        transcript.apply(wire.ResultEvent(permission_denials=denials))
        tool = only_tool(transcript)
        assert (tool.revision > before) is (tool.state is ToolState.DENIED)
        return tool.state

    assert state("t") is ToolState.DENIED
    assert state("u") is ToolState.FAILED
    assert state("t", failed=False) is ToolState.OK


def test_a_cleared_conversation_says_so() -> None:
    assert notices(applied(wire.ConversationReset())) == [("info", "The conversation begins anew.")]


# --- the to-do list


def todo(number: int, **fields: object) -> list[wire.Event]:
    """A call that adds an item."""
    task = {"id": str(number), "subject": f"Item {number}", **fields}
    return [called("TaskCreate", f"c{number}"), returned("ok", f"c{number}", details={"task": task})]


def changed(number: object, call: str = "u", **fields: object) -> list[wire.Event]:
    return [called("TaskUpdate", call, taskId=number, **fields), returned("ok", call)]


def test_an_item_is_waiting_unless_something_else_is_said_and_keeps_what_is_not_changed() -> None:
    transcript = applied(
        *todo(1),
        *todo(2, status="completed", subject="s" * 401),
        *todo(3, status=["done"]),
        *changed("1", subject="New"),
        *changed("unknown", "v", status="deleted"),
        *changed("earlier", "w", subject="Old"),
    )

    *_, newest = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert newest.todos == (("pending", "New"), ("completed", "s" * 400), ("", "Item 3"), ("pending", "Old"))


def test_what_is_no_list_and_no_item_changes_no_list() -> None:
    for details in ({"task": "an item"}, {"tasks": "items"}, None, "text"):
        for name in ("TaskCreate", "TaskList"):
            transcript = applied(*todo(1), called(name, "x"), returned("ok", "x", details=details))
            *_, newest = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
            assert newest.todos == (("pending", "Item 1"),)


def test_a_list_has_at_most_200_items_of_which_all_can_be_changed() -> None:
    tasks = [{"id": number, "subject": str(number)} for number in range(205)]
    listed: list[wire.Event] = [called("TaskList", "l"), returned("ok", "l", details={"tasks": tasks})]
    beyond = applied(*listed, *changed("204"), *todo(300), *changed("199", "v", status="completed"))

    *_, newest = [block for block in beyond.blocks if isinstance(block, ToolBlock)]
    assert newest.todos is not None
    assert (len(newest.todos), newest.todos[-1]) == (200, ("completed", "199"))


def test_a_list_that_is_empty_again_is_shown_with_no_call() -> None:
    transcript = applied(*todo(1), *changed("1", status="deleted"))

    assert [block.superseded for block in transcript.blocks if isinstance(block, ToolBlock)] == [True, True]


def test_the_list_goes_to_the_newest_call_that_has_changed_it() -> None:
    transcript = applied(*todo(1), called("Bash", "b"), returned("x", "b"))
    first, bash = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    assert (first.todos, first.superseded) == ((("pending", "Item 1"),), False)

    transcript.apply(called("TaskList", "l"))
    transcript.apply(returned("ok", "l"))

    shown = [(call.todos, call.superseded) for call in (first, bash, transcript.blocks[-1])]  # type: ignore[attr-defined]
    assert shown == [(None, True), (None, False), ((("pending", "Item 1"),), False)]
    assert first.revision > bash.revision


def test_a_call_that_changes_the_list_again_keeps_it() -> None:
    transcript = applied(*todo(1), returned("x", "c1", details={"task": {"id": "2", "subject": "Again"}}))

    first = only_tool(transcript)
    assert (first.todos, first.superseded) == ((("pending", "Item 1"), ("pending", "Again")), False)
    assert first.revision == transcript.revision


def test_a_subagents_list_is_not_the_turns() -> None:
    transcript = applied(*todo(1), called("Agent", "a"))
    call, result = todo(2)
    assert isinstance(result, wire.UserMessage)

    transcript.apply(call)
    transcript.apply(
        wire.UserMessage(
            message=result.message, tool_use_result=result.tool_use_result, parent_tool_use_id="a"
        )
    )

    assert [getattr(block, "todos", None) for block in transcript.blocks] == [
        (("pending", "Item 1"),),
        None,
        None,
    ]


# --- the last word


CALL = [called("Bash", command="x"), returned("x")]


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    ("events", "requests", "silent"),
    [
        ([said("x"), *CALL], 2, True),
        ([*CALL, said(" \n")], 2, True),
        ([*CALL, said("Done.")], 2, False),
        ([*CALL, said("Done."), wire.ConversationReset()], 2, False),
        ([wire.ConversationReset()], 1, True),
        ([wire.ConversationReset()], 0, False),
        ([*CALL], 0, True),
    ],
)
def test_a_turn_ends_in_silence_where_nothing_was_said_after_its_last_call(
    events: list[wire.Event],
    requests: int,
    silent: bool,  # noqa: FBT001
) -> None:
    transcript = applied(*events)
    before = notices(transcript)

    transcript.apply(wire.ResultEvent(num_turns=requests))

    assert (notices(transcript) != before) is silent


# --- what went wrong


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            wire.ResultEvent(is_error=True, subtype="error_max_turns"),
            "The turn reached its limit of model requests.",
        ),
        (wire.ResultEvent(subtype="error_during_execution"), "The turn was stopped before its end."),
        (wire.ResultEvent(is_error=True), "The turn failed, and the CLI did not say why."),
        (wire.ResultEvent(is_error=True, errors=["One.", "[ede_diagnostic] x", "Two."]), "One.; Two."),
        (wire.ResultEvent(is_error=True, result="Bad\nthing"), "Bad thing"),
        (wire.ResultEvent(is_error=True, result="Please: Not Logged In"), NOT_LOGGED_IN),
        (wire.ResultEvent(is_error=True, result=" "), "The turn failed."),
        (wire.ResultEvent(subtype="success"), ""),
        (wire.ResultEvent(), ""),
    ],
)
def test_what_went_wrong_is_one_line(event: wire.ResultEvent, error: str) -> None:
    assert turn_error(event) == error


def test_a_refused_login_is_told_by_its_status_or_its_words() -> None:
    refused = explained("Bad request", 401)

    assert refused == explained("Oh, API Error: 401 x")
    assert refused.startswith("The API did not accept the login (HTTP 401).")


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
