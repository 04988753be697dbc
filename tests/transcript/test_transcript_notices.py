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
            limit("allowed_warning", rateLimitType="seven_day_opus"),
            ("warning", "Your plan's weekly limit for Opus is nearly used up."),
        ),
        (limit("rejected"), ("error", "Your plan's limit is used up.")),
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
            system(
                "model_refusal_fallback", original_model="opus", fallback_model="haiku", content="So be it."
            ),
            ("warning", "So be it."),
        ),
        (
            system("notification", key="k", text="Updated\nnow · Esc to\nclose", priority="immediate"),
            ("warning", "Updated\nnow"),
        ),
        (system("notification", key="k", text="A · Z", priority="low"), ("info", "A · Z")),
        (
            system("notification", key="k", text="Update found · ctrl+o to see", priority="high"),
            ("warning", "Update found"),
        ),
        (
            system("status", status=None, compact_result="failed", compact_error="too_few_groups"),
            ("warning", "The conversation could not be compacted: too few groups."),
        ),
        (system("status", status="compacting"), ("info", "Compacting the conversation.")),
        (
            system("status", status=None, compact_result="failed"),
            ("warning", "The conversation could not be compacted: no reason given."),
        ),
        (
            system("status", status=None, compact_result="failed", compact_error="It is full."),
            ("warning", "The conversation could not be compacted: It is full."),
        ),
        (
            system("compact_boundary", compact_metadata={"trigger": "manual", "pre_tokens": 12345}),
            ("info", "The conversation was compacted: 12,345 tokens. Claude goes on from a summary."),
        ),
        (
            system(
                "compact_boundary",
                compact_metadata={"trigger": "auto", "pre_tokens": 12345, "post_tokens": 1000},
            ),
            (
                "info",
                (
                    "The conversation was compacted by itself, as the context window filled up: "
                    "12,345 tokens became 1,000. Claude goes on from a summary."
                ),
            ),
        ),
        (
            system("plugin_install", status="failed", error="no such plugin"),
            ("warning", "The plugin ? was not installed: no such plugin."),
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
            {"type": "auth_status", "isAuthenticating": True, "output": ["Visit the page.", "Wait."]},
            ("info", "Visit the page.\nWait."),
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
            system("memory_recall", memories=[{"path": "/m"}, {"path": "/n"}]),
            ("info", "Claude was reminded of 2 saved memories."),
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
        (system("informational", content="So it is.", level="notice"), ("info", "So it is.")),
        (system("informational", content="Careful.", level="warning"), ("warning", "Careful.")),
        (system("informational", content="Broken.", level="error"), ("warning", "Broken.")),
    ],
)
def test_what_the_cli_says_to_the_person_is_one_line(
    message: dict[str, object], line: tuple[str, str]
) -> None:
    assert shown(message) == [line]


def hook(event: str, printed: object = "", **fields: object) -> dict[str, object]:
    stdout = printed if isinstance(printed, str) else json.dumps(printed)
    return system("hook_response", hook_name=f"{event}:x", hook_event=event, stdout=stdout, **fields)


STOP = {"continue": False, "stopReason": "Enough."}
BLOCK = {"decision": "block", "reason": "Run the tests."}


@pytest.mark.fault(120, via="pure")
@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (hook("Stop", {"systemMessage": "Hi."}), [("info", "Stop:x says: Hi.")]),
        (hook("Stop", STOP), [("info", "Stop:x says: Enough.")]),
        (hook("SubagentStop", STOP), [("info", "SubagentStop:x says: Enough.")]),
        (hook("Stop", {"continue": False}), []),
        (hook("PostToolUse", STOP), [("warning", "A hook stopped this turn: Enough.")]),
        (hook("PostToolUse", {"continue": False}), [("warning", "A hook stopped this turn: PostToolUse:x")]),
        (hook("SessionStart", STOP), []),
        (hook("Setup", STOP), []),
        (hook("SessionStart", STOP | BLOCK), [("info", "SessionStart:x says to Claude: Run the tests.")]),
        (hook("Stop", BLOCK), [("info", "Stop:x says to Claude: Run the tests.")]),
        (hook("Stop", exit_code=2, stderr="Not yet."), [("info", "Stop:x says to Claude: Not yet.")]),
        (hook("PreToolUse", BLOCK), []),
        (hook("PreToolUse", STOP), []),
        (hook("UserPromptSubmit", exit_code=2, stderr="No."), []),
        (
            hook("UserPromptSubmit", BLOCK | {"systemMessage": "Hi."}),
            [("info", "UserPromptSubmit:x says: Hi.")],
        ),
        (
            hook("UserPromptSubmit", outcome="error", exit_code=3, stderr=" broken\n"),
            [("warning", "The hook UserPromptSubmit:x failed (exit code 3): broken")],
        ),
        (
            hook("Stop", "half a word \n", outcome="error", exit_code=1, stderr="\n"),
            [("warning", "The hook Stop:x failed (exit code 1): half a word")],
        ),
        (
            hook("Stop", outcome="error", exit_code=1),
            [("warning", "The hook Stop:x failed (exit code 1): it said nothing")],
        ),
        (hook("Stop", outcome="cancelled"), [("warning", "The hook Stop:x did not finish.")]),
        (hook("Stop", "\ud800", outcome="success"), []),
        (hook("Stop", "[" * 100_000, outcome="success"), []),
    ],
)
def test_of_a_hook_is_said_what_it_says_and_what_it_does_that_nobody_else_tells(
    message: dict[str, object], lines: list[tuple[str, str]]
) -> None:
    assert shown(message) == lines


@pytest.mark.fault(120, via="pure")
def test_a_hooks_word_that_the_cli_says_again_stands_once() -> None:
    response = hook("Stop", {"systemMessage": "Hi."})
    again = system("informational", content="Stop:x says: Hi.")

    login: dict[str, object] = {"type": "auth_status", "output": ["Stop:x says: Hi."], "error": "expired"}
    assert shown(response, again) == [("info", "Stop:x says: Hi.")]
    assert [text for _, text in shown(response, login)] == ["Stop:x says: Hi.", "The login failed: expired"]
    assert [text for _, text in shown(response, system("informational", content="New."), again, again)] == [
        "Stop:x says: Hi.",
        "New.",
        "Stop:x says: Hi.",
    ]


@pytest.mark.fault(120, via="pure")
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"content": "UserPromptSubmit operation blocked by hook:\nNo.\n\nOriginal prompt: x"}, "No."),
        ({"content": "Operation stopped by hook: No."}, "No."),
        ({"content": "Some words.", "prompt_submit_outcome": {"reason": "Not\nnow."}}, "Not now."),
        ({"content": "Some words.", "prompt_submit_outcome": {}}, "Some words."),
    ],
)
def test_a_turn_that_a_hook_stops_is_an_error_with_the_hooks_reason(
    fields: dict[str, object], why: str
) -> None:
    stopped = system("informational", prevent_continuation=True, level="info", **fields)

    transcript = heard(stopped, ended(num_turns=0))

    assert transcript.error == f"A hook stopped this turn: {why}"
    assert shown(stopped) == [("warning", transcript.error)]


@pytest.mark.fault(120, via="pure")
def test_a_hook_that_stops_the_turn_after_a_call_makes_it_an_error_and_the_next_turn_is_none() -> None:
    stopped, line = hook("PostToolUse", STOP), "A hook stopped this turn: Enough."

    assert heard(stopped, ended(terminal_reason="hook_stopped")).error == line
    assert heard(stopped, ended(result="All the same.")).error == ""
    assert heard(stopped, ended(num_turns=0), ended(num_turns=0, result="Set.")).error == ""
    assert heard(stopped, system("status", status="compacting"), ended(num_turns=0)).error == line


@pytest.mark.fault(120, via="pure")
def test_what_is_as_it_should_be_is_not_said() -> None:
    assert (
        shown(
            limit("allowed", rateLimitType="five_hour", utilization=0.2),
            system("status", status="requesting"),
            system("hook_response", hook_name="Stop", stdout="fine", exit_code=0, outcome="success"),
            system("thinking_tokens", estimated_tokens=5),
            system("plugin_install", status="installed", name="p"),
            system("notification", key="stop-hook-error", text="The hook says this itself."),
        )
        == []
    )


@pytest.mark.fault(120, via="pure")
def test_a_limit_that_fills_up_is_said_once_for_each_of_its_states() -> None:
    rising = [
        limit("allowed_warning", rateLimitType="five_hour", utilization=part) for part in (0.8, 0.81, 0.9)
    ]
    over = [limit("rejected", rateLimitType="five_hour", resetsAt=RESET + 60 * part) for part in (0, 1)]

    assert [level for level, _ in shown(*rising, *over)] == ["warning", "error"]

    others = [system("informational", content=f"Line {number}.") for number in range(60)]
    lines = shown(rising[0], *others, rising[1])
    assert [text for level, text in lines if level == "warning"] == [
        "Your plan's five-hour limit is 80% used."
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
        (ended(stop_reason="end_turn"), "Claude ended the turn without an answer."),
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
def test_a_line_of_the_cli_has_at_most_2000_characters() -> None:
    for length, text in ((2_000, "x" * 2_000), (2_001, "x" * 1_999 + "…")):
        assert shown(system("informational", content="x" * length)) == [("info", text)]


@pytest.mark.fault(120, via="pure")
def test_the_last_50_words_of_hooks_are_remembered() -> None:
    for others, times in ((49, 1), (50, 2)):
        words = [hook("Stop", {"systemMessage": f"Word {number}."}) for number in range(others + 1)]
        lines = shown(*words, system("informational", content="Stop:x says: Word 0."))
        assert [text for _, text in lines].count("Stop:x says: Word 0.") == times


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
