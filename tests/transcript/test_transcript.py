"""A turn's facts and states, and what stands in it beside the CLI's own words."""

from __future__ import annotations

from typing import Any

import pytest
from transcripts import applied, called, deltas, only_tool, returned, said

from claude_magic.prompt import Attachment
from claude_magic.result import ToolCall
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import (
    TextBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.wire import events as wire


def test_a_crash_closes_what_is_open_and_the_continuation_is_added() -> None:
    transcript = applied(*deltas("Half an ans"), called("Bash", command="sleep 9"))

    transcript.break_off()
    transcript.apply(said("The rest.", message="n"))

    assert transcript.answer == "Half an ans\n\nThe rest."
    assert only_tool(transcript).state is ToolState.INTERRUPTED


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
        "options": {"--timeout": "5"},
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


def test_a_line_of_ours_about_a_call_is_on_its_card_and_one_about_another_call_nowhere() -> None:
    transcript = applied(called("Edit", file_path="a.py"))
    before = transcript.revision
    transcript.note("t", "reloaded a")
    assert (only_tool(transcript).note, transcript.revision > before) == ("reloaded a", True)
    transcript.note("another", "reloaded b")
    assert only_tool(transcript).note == "reloaded a"


def test_a_walk_comes_by_a_subagents_blocks_after_the_call_that_started_it() -> None:
    transcript = applied(
        said("a"), called("Agent", "t"), said("c", parent="t"), said("d", message="n", parent="t"), said("e")
    )

    walked = list(transcript.walk())
    assert [block.text for block in walked if isinstance(block, TextBlock)] == ["a", "c", "d", "e"]
    assert isinstance(walked[1], ToolBlock)


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


def test_the_mode_is_the_one_in_which_the_turn_goes_on_and_not_what_is_put_back_after_it() -> None:
    transcript = applied(
        wire.SystemInit(permission_mode="plan"), wire.StatusEvent(permission_mode="acceptEdits")
    )
    assert transcript.permission_mode == "acceptEdits"

    transcript.apply(wire.ResultEvent(subtype="success"))
    transcript.apply(wire.StatusEvent(permission_mode="default"))
    assert transcript.permission_mode == "acceptEdits"
