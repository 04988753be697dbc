"""How a turn ends: in what words, and in which silence."""

from __future__ import annotations

import pytest
from transcripts import applied, called, notices, returned, said

from claude_magic.result import Result, Usage
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import (
    Footer,
)
from claude_magic.transcript.explain import NOT_LOGGED_IN, explained, turn_error
from claude_magic.wire import events as wire


@pytest.mark.fault(106, via="pure")
def test_a_turn_dropped_from_the_queue_is_cancelled() -> None:
    transcript = Transcript("A prompt")

    transcript.finish(Result(interrupted=True))

    assert transcript.state is TurnState.CANCELLED


@pytest.mark.parametrize(
    ("result", "state", "line"),
    [
        (Result(), TurnState.DONE, None),
        (Result(interrupted=True), TurnState.INTERRUPTED, None),
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


@pytest.mark.fault(28, via="pure")
def test_an_error_without_words_shows_its_http_status() -> None:
    event = wire.ResultEvent(subtype="success", is_error=True, api_error_status=503)

    assert turn_error(event) == "The API answered with HTTP status 503."


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Invalid API key · Please run /login", "Invalid API key · Type: %claude_login"),
        (
            "Run `claude auth login` (or /login in a local session), then try again.",
            "Type: %claude_login, then try again.",
        ),
        (
            "There's an issue with the selected model (m). Run --model to pick a different model.",
            "There's an issue with the selected model (m). Name another with --model.",
        ),
        (
            "Limit reached · /upgrade to increase your usage limit.",
            "Limit reached · upgrade at claude.ai/upgrade to increase your usage limit.",
        ),
        (
            "You're out of usage credits. Run /usage-credits to keep using X or /model to switch models.",
            "You're out of usage credits. See claude.ai/settings/usage to keep using X or --model NAME.",
        ),
        (
            "Context limit reached · /compact or /clear to continue",
            "Context limit reached · %claude /compact or %claude /clear to continue",
        ),
        (
            "Prompt is too long. Double press esc to edit your last message and try again",
            "Prompt is too long",
        ),
        (
            "No such file: /clear/up and /login.txt, /home/cost",
            "No such file: /clear/up and /login.txt, /home/cost",
        ),
    ],
)
def test_an_error_advises_only_what_can_be_typed_in_a_notebook(text: str, said: str) -> None:
    assert explained(text) == said


def test_what_cannot_be_reached_and_what_is_not_allowed_have_their_cause() -> None:
    why = "127.0.0.1:9 cannot be reached: connection refused"
    for text in (
        "API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)",
        "API Error: Unable to connect to API (ConnectionRefused)",
        "API Error: Can't reach the API server — check your internet or DNS (ENOTFOUND)",
    ):
        assert explained(text, None, why).startswith(f"{why}. ")
        assert explained(text) == text
    assert explained("API Error: 529 Overloaded", 529, why) == "API Error: 529 Overloaded"
    forbidden = explained("Failed to authenticate. API Error: 403 No such\nright.", 403)
    assert forbidden == "The API does not let this login do that (HTTP 403): No such right."


def test_a_refused_login_is_told_by_its_status_or_its_words() -> None:
    refused = explained("Bad request", 401)

    assert refused == explained("Oh, API Error: 401 x")
    assert refused.startswith("The API did not accept the login (HTTP 401).")
