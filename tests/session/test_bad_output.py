from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from claude_magic.errors import ClaudeMagicError, LineTooLongError, MalformedLineError, StartError
from claude_magic.session import Session, SessionState
from claude_magic.transcript import Transcript, TurnState
from claude_magic.wire.events import Event

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]


@pytest.mark.fault(20, via="fake")
async def test_a_malformed_line_fails_the_turn_and_is_quoted(fake: Sessions) -> None:
    talk = fake("malformed")
    with pytest.raises(MalformedLineError, match=r'begins: \{"type":"assistant","message":\}$') as raised:
        await talk.ask("hi")
    assert len(str(raised.value).partition("begins: ")[2]) <= 200
    assert talk.history[-1].state is TurnState.FAILED
    assert talk.history[-1].answer == "You said: hi"
    assert talk.state is SessionState.STOPPED  # what it says next belongs to no turn
    assert "line malformed" not in talk.unknown
    assert talk.unknown["malformed line"] == 1


@pytest.mark.fault(17, via="fake")
async def test_a_line_over_the_limit_fails_the_turn_and_the_next_one_has_a_new_process(
    fake: Sessions,
) -> None:
    talk = fake("long-line=70000", line_limit=50_000)
    with pytest.raises(LineTooLongError, match="50,000 bytes"):
        await talk.ask("hi")
    assert talk.state is SessionState.CRASHED
    talk.options = talk.options.with_(line_limit=100_000)
    assert (await talk.ask("ho")).text.endswith("You said: ho")


@pytest.mark.fault(23, via="fake")
async def test_lines_of_a_wrong_shape_are_counted_and_the_turn_goes_on(fake: Sessions) -> None:
    talk = fake("wrong-shapes,noise")
    assert (await talk.ask("hi")).text == "You said: hi"
    assert talk.unknown["shape line"] >= 5
    assert talk.state is SessionState.IDLE


@pytest.mark.fault(127, via="real")
async def test_a_stray_line_that_begins_like_json_is_logged_and_the_turns_go_on(
    session: Sessions, cli: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "claude_magic.claude_cli.process")
    wrapper = tmp_path / "claude"
    stray = "case \" $* \" in *' -v '*) ;; *) echo '{ loading: true }'; echo '{'; esac"
    wrapper.write_text(f'#!/bin/sh\n{stray}\nexec {cli} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    talk = session(cli=str(wrapper))

    assert [(await talk.ask(f"say {word}")).text for word in ("one", "two")] == ["one", "two"]

    noise = [text.partition("no message: ")[2] for text in caplog.messages if "no message" in text]
    assert noise[-2:] == ["{ loading: true }", "{"]  # of the process that runs
    assert talk.history[-1].unknown == {}


@pytest.mark.fault(24, via="fake")
async def test_a_request_nobody_knows_is_answered_with_an_error(fake: Sessions) -> None:
    talk = fake("unknown-request")
    result = await talk.ask("hi")
    assert '"subtype": "error"' in result.text
    assert "Unsupported control request: who_goes_there" in result.text


@pytest.mark.fault(24, via="fake")
async def test_events_nobody_knows_are_counted(fake: Sessions) -> None:
    talk = fake("unknown-events")
    assert (await talk.ask("hi")).text == "You said: hi"
    assert talk.unknown["telepathy"] == 2
    assert talk.unknown["block hologram"] == 1


@pytest.mark.fault(27, via="fake")
async def test_late_and_repeated_responses_are_ignored(fake: Sessions) -> None:
    talk = fake("late-response", model="a")
    talk.options = talk.options.with_(model="a")
    assert (await talk.ask("hi")).text == "You said: hi"


@pytest.mark.fault(6, via="fake")
async def test_a_cli_that_says_nothing_is_given_up_in_time(fake: Sessions) -> None:
    talk = fake("silent", start_timeout=0.3)
    with pytest.raises(StartError, match=r"did not answer within 0.3 s"):
        await talk.ask("hi")
    assert talk.state is SessionState.CRASHED
    assert not talk.is_running


async def test_a_fault_of_ours_fails_the_turn_and_not_the_session(
    fake: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Transcript, __: Event) -> None:
        raise KeyError("a bug")

    talk = fake()
    with monkeypatch.context() as patch:
        patch.setattr(Transcript, "apply", broken)
        with pytest.raises(ClaudeMagicError, match=r"claude_magic itself failed: KeyError\('a bug'\)"):
            await talk.ask("hi")
    assert (await talk.ask("ho")).text == "You said: ho"


async def test_a_fault_of_ours_at_the_end_of_a_turn_leaves_nobody_waiting(
    fake: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug")

    talk = fake()
    with monkeypatch.context() as patch:
        patch.setattr(Transcript, "finish", broken)
        turn = talk.submit("hi")
        await turn.wait()
    assert (await talk.ask("ho")).text == "You said: ho"
    assert talk.turn is None
