"""A turn in words: its state, the lines above and below it, retries, requests and decisions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import convert
from turns import finished, turn

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.prompt import Attachment
from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import Footer, PermissionBlock, RetryBlock, ThinkingBlock
from claude_magic.wording import requests
from claude_magic.wording import turn as wording

LONG = "x" * 200
CUT = "x" * 159 + "…"


def at(seconds: float) -> Transcript:
    """A turn that has run for so long."""
    transcript = Transcript("Hello", clock=lambda: seconds)
    transcript.started = 0.0
    return transcript


def test_a_turn_in_line_says_how_many_go_first() -> None:
    transcript = Transcript("Hello")
    assert wording.state(transcript) == "queued"

    transcript.update(ahead=2)

    assert wording.state(transcript) == "queued, 2 before it"


def test_the_facts_above_a_turn_are_those_that_are_known() -> None:
    transcript = turn(session="ada\u202e", label=LONG)
    transcript.update(resumed_turns=1)

    assert wording.header(transcript) == [
        "ada⟦U+202E⟧",
        "claude",
        "default",
        CUT,
        "resumed, 1 earlier turn",
    ]
    assert wording.header(transcript, mode=False) == [
        "ada⟦U+202E⟧",
        "claude",
        CUT,
        "resumed, 1 earlier turn",
    ]
    assert wording.header(Transcript("Hello")) == ["main"]
    transcript.update(resumed_turns=2)
    assert wording.header(transcript)[-1] == "resumed, 2 earlier turns"


def took(**facts: float) -> Footer:
    facts = {"requests": 2, "seconds": 12.0, "tokens": 0, "cost_usd": 0.5} | facts
    return convert(facts, Footer, strict=False)


@pytest.mark.parametrize(
    ("footer", "said"),
    [
        (None, []),
        (took(requests=1, tokens=1_234), ["1 request", "12 s", "1.2k tokens", "$0.50"]),
        (
            took(tokens=12_310, cached=11_800),
            ["2 requests", "12 s", "12.3k tokens (11.8k from the cache)", "$0.50"],
        ),
        (took(context_left=0.934), ["2 requests", "12 s", "$0.50", "93% of context left"]),
        (took(context_left=0.0), ["2 requests", "12 s", "$0.50", "0% of context left"]),
        (took(requests=0, seconds=0.2, cost_usd=0.0), []),
        (took(requests=0, seconds=31.0, cost_usd=0.0), ["31 s"]),
    ],
)
def test_the_line_below_a_turn_has_what_it_took(footer: Footer | None, said: list[str]) -> None:
    transcript = turn()
    transcript.footer = footer

    assert wording.footer(transcript) == said


@pytest.mark.parametrize(
    ("characters", "blocks", "said"),
    [
        (0, 0, ""),
        (1_234, 0, "truncated, 1,234 characters hidden"),
        (1, 1_234, "truncated, 1 characters and 1,234 blocks hidden"),
        (0, 2, "truncated, 0 characters and 2 blocks hidden"),
    ],
)
def test_what_is_left_out_is_counted(characters: int, blocks: int, said: str) -> None:
    transcript = Transcript("Hello")
    transcript._builder.budget.hidden, transcript._builder.hidden_blocks = characters, blocks

    assert wording.hidden_line(transcript) == said


@pytest.mark.fault(74, via="pure")
def test_a_turn_that_has_not_ended_says_so() -> None:
    assert wording.running_line(Transcript("Hello")) == (
        "The prompt was still waiting in line when this was shown."
    )
    assert (
        wording.running_line(at(185)) == "The turn was still running when this was shown, after 3 min 05 s."
    )
    assert wording.running_line(finished()) == ""


def test_the_options_of_a_prompt_are_shown_as_they_were_given() -> None:
    transcript = Transcript("Hello", options={"--model": "a\u202e", "--plan": ""})

    assert wording.options_line(transcript) == "--model a⟦U+202E⟧ --plan"


@pytest.mark.parametrize(
    ("prompt", "line"),
    [("\n Fix it.\nNow.\nAll.", "Fix it."), (LONG, CUT), ("a\u202eb", "a⟦U+202E⟧b"), ("", "")],
)
def test_a_prompts_line_is_its_first(prompt: str, line: str) -> None:
    assert wording.prompt_line(Transcript(prompt)) == line


def test_the_data_before_a_prompt_is_named_and_shortened() -> None:
    data = [Attachment("a\u202e", "x" * 2_001), Attachment(LONG, "y\u202e")]

    (about, text), (longer, other) = wording.attached(data)

    assert about == "[data: a⟦U+202E⟧] 2,001 characters"
    assert "… 1 characters hidden …" in text
    assert longer == f"[data: {LONG}"[:159] + "… 2 characters"
    assert other == "y⟦U+202E⟧"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "Thinking"), (0.0, "Thought"), (0.09, "Thought"), (0.1, "Thought for 0.1 s")],
)
def test_thinking_has_a_time_worth_a_figure(seconds: float | None, said: str) -> None:
    assert wording.thinking_line(ThinkingBlock(duration=seconds)) == said


@pytest.mark.parametrize(
    ("retry", "said"),
    [
        (
            RetryBlock(attempt=2, max_retries=10, delay_s=3.0, status=529, reason="over_loaded\u202e"),
            "The API refused (HTTP 529, over loaded⟦U+202E⟧). Attempt 2 of 10 failed; the next is in 3.0 s.",
        ),
        (
            RetryBlock(attempt=1, max_retries=10, delay_s=3.0, status=401),
            "The API refused (HTTP 401). Attempt 1 of 10 failed; the next is in 3.0 s.",
        ),
        (
            RetryBlock(
                attempt=4, max_retries=10, delay_s=3.0, reason="unknown", cause="a:9 cannot be reached"
            ),
            "a:9 cannot be reached. Attempt 4 of 10 failed; the next is in 3.0 s.",
        ),
        (
            RetryBlock(attempt=1, max_retries=10, delay_s=3.0, reason="unknown"),
            "The API refused (no answer). Attempt 1 of 10 failed; the next is in 3.0 s.",
        ),
        (RetryBlock(attempt=1, status=401, over=True), "The API refused 1 time (HTTP 401)."),
        (
            RetryBlock(attempt=2, cause="a:9 cannot be reached", over=True),
            "a:9 cannot be reached; tried 2 times.",
        ),
        (RetryBlock(attempt=2, status=401, over=True, given_up=True), "Tried 2 times."),
        (RetryBlock(attempt=2, reason="late", over=True), "The API refused 2 times (late)."),
    ],
)
def test_a_retry_says_what_the_api_said_and_when_the_next_attempt_comes(retry: RetryBlock, said: str) -> None:
    assert wording.retry_line(retry) == said
    assert wording.retry_parts(retry)[1] == ("" if retry.over else "3.0 s")


def asked(**facts: str) -> PermissionRequest:
    return PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={}, **facts)  # type: ignore[arg-type]


@pytest.mark.fault(114, via="pure")
@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        (asked(), []),
        (asked(description="Count\nfiles\u202e"), ["Count files⟦U+202E⟧"]),
        (asked(description="x" * 1_001), ["x" * 999 + "…"]),
        (asked(agent_id="a"), ["For a subagent"]),
        (asked(agent_id="a", agent="Explore"), ["For a subagent (Explore)"]),
        (asked(agent="Explore"), []),
        (asked(reason_type="hook"), ["A hook asks to look at it."]),
        (asked(reason_type="hook", reason="why"), ["A hook asks: why"]),
        (asked(reason_type="rule"), ["A rule of the settings has it asked each time."]),
        (asked(reason_type="rule", reason="why"), ["why"]),
        (asked(reason_type="safetyCheck"), []),
        (asked(reason_type="safetyCheck", reason="why"), ["Why it is asked: why"]),
        (asked(blocked_path="/etc"), ["Because of /etc"]),
        (asked(description="d", reason="r", blocked_path="p"), ["d", "Why it is asked: r", "Because of p"]),
    ],
)
def test_who_is_asked_learns_what_for_who_asks_and_why(request_: PermissionRequest, lines: list[str]) -> None:
    assert requests.why_asked(request_) == lines


Suggestions = tuple[Mapping[str, object], ...]
RULE: Suggestions = ({"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "ls"}]},)
FOLDER: Suggestions = ({"type": "addDirectories", "directories": [LONG]},)


def decided(behavior: Behavior, *, suggestions: Suggestions = RULE, **facts: object) -> PermissionBlock:
    request = PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={}, suggestions=suggestions)
    decision = Decision(behavior=behavior, **facts)  # type: ignore[arg-type]
    return PermissionBlock(request=request, decision=decision)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (PermissionBlock(request=asked()), "waiting for your answer"),
        (PermissionBlock(request=asked(), withdrawn=True), "not answered; no longer asked"),
        (decided(Behavior.ALLOW), "allowed by you"),
        (decided(Behavior.ALLOW, by="a\u202erule"), "allowed (a⟦U+202E⟧rule)"),
        (decided(Behavior.ALLOW, by=LONG), f"allowed ({CUT})"),
        (decided(Behavior.DENY), "denied by you"),
        (decided(Behavior.DENY, message="not\nnow"), "denied by you: not now"),
        (decided(Behavior.DENY, message=LONG), f"denied by you: {CUT}"),
        (decided(Behavior.ALWAYS), "always allowed by you: Bash(ls) for this session"),
        (decided(Behavior.ALWAYS, suggestions=FOLDER), f"always allowed by you: work in {CUT[8:]}"),
        (
            decided(Behavior.ALLOW, answers={"a": "red\nor so", "b": LONG}),
            f"a: red or so · b: {CUT}",
        ),
        (decided(Behavior.ALLOW, answers={"a": 7}), "a: 7"),
    ],
)
def test_what_became_of_a_request_is_said_in_one_line(block: PermissionBlock, said: str) -> None:
    assert requests.decision_line(block) == said
