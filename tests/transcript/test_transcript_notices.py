"""What the CLI can say to the person beside an answer, each as the lines that are shown of it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from claude_magic.result import Result
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import NoticeBlock
from claude_magic.views.html import turn as html
from claude_magic.wire import events as wire
from claude_magic.wording.markdown import markdown_of, plain_of

RESET = datetime(2026, 11, 27, 15, 30).timestamp()  # noqa: DTZ001  # shown in the reader's own time


def heard(*messages: dict[str, object]) -> Transcript:
    transcript = Transcript("A prompt")
    for message in messages:
        transcript.apply(wire.decode(json.dumps(message).encode()))
    return transcript


def shown(*messages: dict[str, object]) -> list[tuple[str, str]]:
    blocks = heard(*messages).blocks
    return [(block.level, block.text) for block in blocks if isinstance(block, NoticeBlock)]


def system(subtype: str, **fields: object) -> dict[str, object]:
    return {"type": "system", "subtype": subtype, **fields}


def limit(status: str, **fields: object) -> dict[str, object]:
    return {"type": "rate_limit_event", "rate_limit_info": {"status": status, **fields}}


def ended(**fields: object) -> dict[str, object]:
    return {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": "", **fields}


@pytest.mark.fault(120, via="pure")
@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            limit("allowed_warning", rateLimitType="seven_day", utilization=0.85, resetsAt=RESET),
            ("warning", "Your plan's weekly limit is 85% used; it resets at 2026-11-27 15:30."),
        ),
        (
            limit("rejected", rateLimitType="five_hour", resetsAt=RESET),
            ("error", "Your plan's five-hour limit is used up; it resets at 2026-11-27 15:30."),
        ),
        (
            limit("allowed_warning", rateLimitType="new_window", resetsAt=1e300),
            ("warning", "Your plan's new window is nearly used up."),
        ),
        (
            system("model_refusal_fallback", original_model="opus", fallback_model="haiku", content=""),
            ("warning", "opus declined to answer; haiku answers in its place."),
        ),
        (
            system("model_refusal_no_fallback", content="Declined.", api_refusal_explanation="Too risky."),
            ("warning", "Declined. Too risky."),
        ),
        (
            system("notification", key="k", text="Update found · ctrl+o to see", priority="high"),
            ("warning", "Update found"),
        ),
        (
            system("status", status=None, compact_result="failed", compact_error="too_few_groups"),
            ("warning", "The conversation could not be compacted: too few groups."),
        ),
        (
            system("plugin_install", status="failed", name="p", error="no such plugin"),
            ("warning", "The plugin p was not installed: no such plugin."),
        ),
        (
            {"type": "auth_status", "isAuthenticating": True, "output": ["Visit the page."]},
            ("info", "Visit the page."),
        ),
        (
            {"type": "auth_status", "isAuthenticating": False, "output": [], "error": "expired"},
            ("warning", "The login failed: expired"),
        ),
        (
            system("memory_recall", mode="select", memories=[{"path": "/m"}]),
            ("info", "Claude was reminded of 1 saved memory."),
        ),
        (
            system("session_writes_lost", error_code="ENOSPC", lost=["transcript"]),
            (
                "error",
                (
                    "The disk is full (ENOSPC): claude could not save all of this conversation. "
                    "Make room before you go on with it."
                ),
            ),
        ),
        (
            system(
                "hook_response",
                hook_name="Stop",
                hook_event="Stop",
                stdout='{"decision":"block","reason":"Run the tests."}',
                stderr="",
                exit_code=0,
                outcome="success",
            ),
            ("info", "Stop says to Claude: Run the tests."),
        ),
    ],
)
def test_what_the_cli_says_to_the_person_is_one_line(
    message: dict[str, object], line: tuple[str, str]
) -> None:
    assert shown(message) == [line]


@pytest.mark.fault(120, via="pure")
def test_what_is_as_it_should_be_is_not_said() -> None:
    assert (
        shown(
            limit("allowed", rateLimitType="five_hour", utilization=0.2),
            system("status", status="requesting"),
            system("hook_response", hook_name="Stop", stdout="fine", exit_code=0, outcome="success"),
            system("thinking_tokens", estimated_tokens=5),
            system("plugin_install", status="installed", name="p"),
        )
        == []
    )


@pytest.mark.fault(120, via="pure")
def test_a_limit_that_fills_up_is_said_once_for_each_of_its_states() -> None:
    rising = [
        limit("allowed_warning", rateLimitType="five_hour", utilization=part) for part in (0.8, 0.81, 0.9)
    ]

    assert [level for level, _ in shown(*rising, limit("rejected", rateLimitType="five_hour"))] == [
        "warning",
        "error",
    ]


@pytest.mark.fault(120, via="pure")
def test_an_unknown_system_message_is_counted() -> None:
    assert dict(heard(system("tea_time")).unknown) == {"system/tea_time": 1}


@pytest.mark.fault(120, via="pure")
def test_a_result_whose_words_no_message_said_shows_them_as_the_answer() -> None:
    transcript = heard(ended(num_turns=0, result="Set."), ended(num_turns=0, result="Set."))

    assert transcript.answer == "Set."


@pytest.mark.fault(120, via="pure")
def test_the_output_of_a_command_is_an_answer() -> None:
    assert heard(system("local_command_output", content="**Cost**"), ended(num_turns=0)).answer == "**Cost**"


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    ("end", "line"),
    [
        (ended(), "Claude ended the turn without an answer."),
        (ended(stop_reason="refusal"), "Claude ended the turn without an answer: the model declined."),
        (ended(num_turns=0), "The command said nothing."),
    ],
)
def test_a_turn_without_an_answer_says_which(end: dict[str, object], line: str) -> None:
    assert shown(end) == [("info", line)]


@pytest.mark.fault(126, via="pure")
def test_validated_data_is_an_answer() -> None:
    assert shown(ended(structured_output={"a": 1})) == []


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize("reason", ["prompt_too_long", "blocking_limit", "new_reason"])
def test_a_turn_that_ends_early_is_an_error_that_says_why(reason: str) -> None:
    assert heard(ended(terminal_reason=reason)).error == (
        f"The turn ended before its answer ({reason.replace('_', ' ')})."
    )


@pytest.mark.fault(120, via="pure")
def test_a_line_of_the_cli_is_bounded_harmless_and_the_same_in_every_view() -> None:
    hostile = f"<img src=x onerror=alert(1)> \x1b]52;c;aGk=\x07 **\u202egnp** {'long ' * 10_000}"
    transcript = heard(system("informational", content=hostile, level="warning"))
    transcript.finish(Result(text="", num_turns=1))

    (notice,) = (block for block in transcript.blocks if isinstance(block, NoticeBlock))
    assert len(notice.text) == 2_000
    assert transcript.state is TurnState.DONE
    page, markdown, plain = html.turn(transcript), markdown_of(transcript), plain_of(transcript)
    assert "&lt;img" in page
    assert "claude-warning" in page
    for view in (page, markdown, plain):
        assert "gnp" in view
        assert not {"\x1b", "\x07", "\u202e"} & set(view)
    assert "<img" not in page
