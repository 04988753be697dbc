from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint

from claude_magic.errors import BusyError, CancelledTurnError, StateError, UsageError
from claude_magic.session import Session, SessionState
from claude_magic.session.states import LEGAL, transition
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import NoticeBlock
from claude_magic.wire.events import ResultEvent, StreamEvent
from claude_magic.wording.turn import footer

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]


async def test_ten_turns_use_one_process_and_each_costs_its_own(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli))
    results = []
    pids = set()
    for number in range(10):
        results.append(await talk.ask(f"say {number}"))
        pids.add(talk.pid)
    assert [result.text for result in results] == [str(number) for number in range(10)]
    assert len(pids) == 1
    assert all(result.cost_usd > 0 for result in results)
    assert talk.cost == pytest.approx(sum(result.cost_usd for result in results))
    assert talk.turns == 10


async def test_a_result_says_what_was_asked_what_came_and_what_it_took(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    result = await talk.ask("run echo 6 times 7 is $((6 * 7))")
    assert result.prompt == "run echo 6 times 7 is $((6 * 7))"
    assert "6 times 7 is 42" in result.text
    assert str(result) == result.text
    (call,) = result.tool_calls
    assert (call.name, call.result, call.is_error) == ("Bash", "6 times 7 is 42", False)
    assert call.input["command"] == "echo 6 times 7 is $((6 * 7))"
    assert result.num_turns == len(endpoint.requests) == 2
    assert footer(talk.history[-1])[0] == "2 requests"
    assert result.usage.input_tokens > 0
    assert result.usage.output_tokens > 0
    assert 0 < result.duration < 20
    assert result.session_id == talk.session_id
    assert result.model.startswith("claude-")
    assert not result.is_error
    assert not result.interrupted


async def test_the_code_of_an_answer_is_apart(session: Sessions) -> None:
    assert list((await session().ask("code")).code) == [("answer = 6 * 7", "python")]


async def test_a_stream_yields_the_events_of_one_turn(session: Sessions) -> None:
    events = [event async for event in session().stream("two thousand words")]
    assert sum(isinstance(event, StreamEvent) for event in events) > 100
    assert isinstance([event for event in events if isinstance(event, ResultEvent)][-1], ResultEvent)


async def test_a_stream_left_early_interrupts_its_turn(session: Sessions, eventually: Eventually) -> None:
    talk = session()
    stream = talk.stream("slowly")
    async for event in stream:
        if isinstance(event, StreamEvent):
            break
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator is what it is
    await eventually(lambda: talk.state is SessionState.IDLE)
    assert talk.history[-1].state is TurnState.INTERRUPTED
    assert (await talk.ask("say on")).text == "on"


async def test_an_ask_that_is_cancelled_interrupts_its_turn(
    session: Sessions, eventually: Eventually, endpoint: Endpoint
) -> None:
    talk = session()
    asking = asyncio.create_task(talk.ask("stall"))
    await eventually(lambda: talk.history and talk.history[-1].answer)
    asking.cancel()
    await eventually(lambda: talk.state is SessionState.IDLE)
    await eventually(lambda: any(line.get("end") == "aborted" for line in endpoint.lines))
    assert talk.history[-1].state is TurnState.INTERRUPTED


async def test_a_session_whose_turn_was_stopped_is_idle_when_the_turn_has_its_result(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    turn = talk.submit("stall")
    await eventually(lambda: turn.transcript.answer)
    states: list[TurnState] = []
    note = asyncio.get_running_loop().call_soon  # what asked for the state sees it a step of the loop later
    talk.on(
        "status",
        lambda state: state is SessionState.IDLE and note(lambda: states.append(turn.transcript.state)),
    )

    talk.interrupt(turn)
    await turn.wait()

    await eventually(lambda: states == [TurnState.INTERRUPTED])


async def test_the_four_callbacks_are_called_and_one_that_raises_changes_nothing(session: Sessions) -> None:
    talk = session()
    output: list[str] = []
    states: list[SessionState] = []
    results: list[object] = []
    errors: list[object] = []
    talk.on("output", lambda _: 1 / 0)
    talk.on("output", output.append)
    talk.on("status", states.append)
    talk.on("complete", results.append)
    talk.on("error", errors.append)
    result = await talk.ask("say hello there")
    assert "".join(output) == "hello there"
    assert states == [SessionState.STARTING, SessionState.IDLE, SessionState.RUNNING, SessionState.IDLE]
    assert results == [result]
    assert errors == []
    notices = [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]
    assert "A callback for 'output' raised ZeroDivisionError('division by zero')." in notices


async def test_a_callback_taken_off_is_called_no_more(session: Sessions) -> None:
    talk = session()
    results: list[object] = []
    take_off = talk.on("complete", results.append)
    await talk.ask("say one")
    take_off()
    take_off()
    await talk.ask("say two")
    assert len(results) == 1


def test_a_session_goes_from_state_to_state_only_by_the_ways_that_are_drawn() -> None:
    new, starting, idle, running, waiting, stopping, stopped, crashed, recovering = SessionState
    ways = {
        (new, starting),
        (starting, idle), (starting, stopped), (starting, crashed),
        (idle, starting), (idle, running), (idle, stopping), (idle, crashed),
        (running, idle), (running, waiting), (running, stopping), (running, stopped), (running, crashed),
        (waiting, running), (waiting, idle), (waiting, stopping), (waiting, stopped), (waiting, crashed),
        (stopping, stopped), (stopping, crashed),
        (stopped, starting),
        (crashed, starting), (crashed, recovering),
        (recovering, running), (recovering, idle), (recovering, stopping), (recovering, stopped),
        (recovering, crashed),
    }  # fmt: skip
    assert {(old, to) for old, ends in LEGAL.items() for to in ends} == ways
    assert transition(idle, running) is running
    with pytest.raises(StateError, match="that is stopped cannot become running"):
        transition(stopped, running)


@pytest.mark.fault(94, via="real")
@pytest.mark.fault(38, via="real")
async def test_prompts_sent_at_once_are_turns_of_their_own_in_order(session: Sessions) -> None:
    talk = session()
    turns = [talk.submit(f"say {word}") for word in ("red", "green", "blue")]
    assert [turn.transcript.state for turn in turns] == [TurnState.QUEUED] * 3
    results = await asyncio.gather(*(turn.wait() for turn in turns))
    assert [result.text for result in results] == ["red", "green", "blue"]
    assert [turn.transcript.answer for turn in turns] == ["red", "green", "blue"]
    assert [transcript.prompt for transcript in talk.history] == ["say red", "say green", "say blue"]


@pytest.mark.fault(38, via="real")
async def test_a_prompt_that_will_not_wait_is_refused_while_another_runs(session: Sessions) -> None:
    talk = session()
    first = talk.submit("say first")
    with pytest.raises(BusyError, match="is busy"):
        talk.submit("say second", refuse_if_busy=True)
    assert (await first.wait()).text == "first"
    assert (await talk.submit("say third", refuse_if_busy=True).wait()).text == "third"


@pytest.mark.fault(8, via="real")
async def test_two_prompts_that_race_on_first_use_start_one_process(
    session: Sessions, commands: Callable[[str], list[object]]
) -> None:
    talk = session()
    turns = [talk.submit("say a"), talk.submit("say b")]
    starts = [asyncio.create_task(talk.start()), asyncio.create_task(talk.start())]
    await turns[0].wait()
    assert len(commands(talk.session_id)) == 1
    await asyncio.gather(*starts, *(turn.wait() for turn in turns))
    assert [turn.transcript.answer for turn in turns] == ["a", "b"]
    await talk.stop()


async def test_an_empty_prompt_is_refused_before_anything_starts(session: Sessions) -> None:
    talk = session()
    with pytest.raises(UsageError, match="The prompt is empty"):
        await talk.ask(" \n")
    assert talk.state is SessionState.NEW


@pytest.mark.fault(106, via="real")
async def test_a_prompt_that_only_waits_is_dropped_and_the_running_turn_goes_on(session: Sessions) -> None:
    talk = session()
    first, second, third = (talk.submit(prompt) for prompt in ("say first", "say second", "say third"))
    await asyncio.sleep(0)
    assert talk.interrupt(second)
    assert not talk.interrupt(second)
    result = await second.wait()
    assert result.interrupted
    assert isinstance(second.error, CancelledTurnError)
    assert second.transcript.state is TurnState.CANCELLED
    assert [(await turn.wait()).text for turn in (first, third)] == ["first", "third"]
    with pytest.raises(CancelledTurnError):
        await _asked_and_dropped(talk)


async def _asked_and_dropped(talk: Session) -> None:
    running = talk.submit("say on")
    asking = asyncio.create_task(talk.ask("say never"))
    await asyncio.sleep(0)
    talk.interrupt(talk.queue[-1])
    try:
        await asking
    finally:
        assert (await running.wait()).text == "on"


async def test_content_blocks_are_sent_as_they_are(session: Sessions, endpoint: Endpoint) -> None:
    turn = session().submit("say hi", content=[{"type": "text", "text": "say blocks"}])
    assert (await turn.wait()).text == "blocks"
    assert "say blocks" in endpoint.prompts
