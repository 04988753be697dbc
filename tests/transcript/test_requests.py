"""A person is asked: what is shown of it, and what the answer does to the turn and to the call."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from transcripts import applied, called, only_tool, returned, said

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.result import Result
from claude_magic.transcript import TurnState, builder
from claude_magic.transcript.blocks import (
    PermissionBlock,
    ToolState,
)
from claude_magic.wire import events as wire


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
