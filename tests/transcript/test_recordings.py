"""Turns of the real CLI, recorded from both its generations, as a person reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import RECORDINGS
from transcripts import GENERATIONS, Clock, heard, lines, only_tool

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.result import Result
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import (
    NoticeBlock,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.explain import NOT_LOGGED_IN
from claude_magic.wire import events as wire


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


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", ["stop", "stoptext"])
@pytest.mark.fault(39, via="pure")
def test_an_interrupted_turn_keeps_its_partial_answer_and_says_so_by_its_state_alone(
    generation: str, name: str
) -> None:
    transcript = heard(generation, name)

    transcript.finish(Result(interrupted=True))

    assert transcript.answer.startswith("A ")
    assert transcript.state is TurnState.INTERRUPTED
    assert not any(isinstance(block, NoticeBlock) for block in transcript.blocks)
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
