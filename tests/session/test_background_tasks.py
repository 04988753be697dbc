"""The CLI's own background tasks: they go on after the turn, and the CLI then runs a turn of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from streams import send, stream, turn_of

from claude_magic.options import TurnOptions
from claude_magic.session import Session, SessionState
from claude_magic.session.turn import Turn
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import NoticeBlock
from claude_magic.wire.events import Event, ResultEvent, SystemEvent, SystemInit, UserMessage, decode

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
Commands = Callable[[str], list[psutil.Process]]


@pytest.mark.fault(31, via="real")
async def test_what_comes_after_the_result_reaches_the_turn_that_began_it(
    session: Sessions, cli: Path, tmp_path: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    flag = tmp_path / "flag"
    first = talk.submit(f"background until [ -e {flag} ]; do sleep 0.05; done; echo done > {tmp_path}/out")
    result = await first.wait()
    assert result.text == "It runs on."
    assert talk.state is SessionState.IDLE
    pid = talk.pid
    second = talk.submit("say meanwhile")
    assert (await second.wait()).text == "meanwhile"
    flag.touch()
    await eventually(lambda: first.transcript.answer != "It runs on.")  # the CLI has answered the task's end
    assert first.transcript.answer.startswith("It runs on.\n\n")
    assert (tmp_path / "out").exists()
    assert second.transcript.answer == "meanwhile"
    assert first.transcript.state is TurnState.DONE
    assert talk.pid == pid
    assert (await talk.ask("say later")).text == "later"


@pytest.mark.fault(31, via="real")
async def test_a_prompt_during_a_turn_of_the_clis_own_gets_its_own_result(
    session: Sessions, cli: Path, tmp_path: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    flag = tmp_path / "flag"
    first = talk.submit(f"background until [ -e {flag} ]; do sleep 0.05; done")
    await first.wait()
    flag.touch()
    await eventually(lambda: "It has ended: " in first.transcript.answer)
    result = await talk.ask("say mine")
    assert result.text == "mine"
    assert first.transcript.answer.endswith("-20")
    assert 0 < result.cost_usd < 0.02


@pytest.mark.fault(31, via="real")
async def test_a_stop_ends_what_runs_in_the_background(
    session: Sessions, watch: str, commands: Commands, eventually: Eventually
) -> None:
    talk = session(allow=("Bash",))
    await talk.ask(f"background {watch} > /dev/null")
    await eventually(lambda: commands(watch))
    await talk.stop()
    assert not commands(watch)


@pytest.mark.fault(31, via="real")
async def test_a_restart_that_ends_what_runs_in_the_background_says_so(
    session: Sessions, watch: str, commands: Commands, eventually: Eventually
) -> None:
    talk = session(allow=("Bash",))
    await talk.ask(f"background {watch} > /dev/null")
    await eventually(lambda: commands(watch))
    await talk.submit("tea", options=TurnOptions(schema={"type": "object"})).wait()  # whatever comes of it
    assert not commands(watch)
    said = "Restarted for a turn with a schema; the conversation goes on."
    assert f"{said} What Claude had running in the background has ended." in notices(talk)
    await talk.ask("say hi")
    assert notices(talk) == ["Restarted for a turn without a schema; the conversation goes on."]


def notices(talk: Session) -> list[str]:
    return [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]


def _replay(turn: Turn) -> Event:
    event = decode(
        b'{"type":"user","isReplay":true,"uuid":"%s","message":{"role":"user","content":""}}'
        % turn.id.encode()
    )
    assert isinstance(event, UserMessage)
    return event


STARTED = SystemEvent(subtype="task_started", tool_use_id="t1")
ENDED = SystemEvent(subtype="task_notification", tool_use_id="t1")


@pytest.mark.fault(31, via="pure")
@pytest.mark.parametrize("named", [True, False])
async def test_a_result_of_the_clis_own_turn_ends_no_turn_of_ours(*, named: bool) -> None:
    says, first, second = stream(), turn_of("first"), turn_of("second")
    ours = {turn: ResultEvent(user_message_uuid=turn.id if named else None) for turn in (first, second)}
    send(first, says)
    for event in (SystemInit(), STARTED, ours[first]):
        says.handle(event)
    assert first.outcome is ours[first]
    says.handle(ENDED)
    send(second, says)  # just before the CLI begins its own turn
    says.handle(SystemInit())
    assert says.owner is first
    assert says.is_own
    assert not second.is_taken_up
    says.handle(ResultEvent())
    assert second.outcome is None
    says.handle(SystemInit())
    assert says.owner is second
    assert second.is_taken_up
    says.handle(ours[second])
    assert second.outcome is ours[second]


@pytest.mark.fault(31, via="pure")
@pytest.mark.parametrize("named", [True, False])
async def test_a_prompt_taken_into_the_clis_own_turn_ends_with_it(*, named: bool) -> None:
    says, first, second = stream(), turn_of("first"), turn_of("second")
    send(first, says)
    for event in (SystemInit(), ResultEvent(), SystemInit()):
        says.handle(event)
    assert says.owner is first
    send(second, says)
    says.handle(_replay(second))
    assert says.owner is second
    end = ResultEvent(user_message_uuid=second.id if named else None)
    says.handle(end)
    assert second.outcome is end


@pytest.mark.fault(31, via="pure")
async def test_a_task_that_ends_within_a_turn_begins_no_other() -> None:
    says, first, second = stream(), turn_of("first"), turn_of("second")
    send(first, says)
    for event in (SystemInit(), STARTED, ENDED, ResultEvent()):
        says.handle(event)
    send(second, says)
    says.handle(SystemInit())
    assert says.owner is second
    assert not says.is_own
