"""Time in which nothing happens: the process is released, or a silent turn says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec
import psutil
import pytest
from endpoint_log import Endpoint
from people import Absent
from streams import stream

from claude_magic.errors import UsageError
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import deny_unattended
from claude_magic.processes.child import Rung, StopReport
from claude_magic.session import Session, SessionState
from claude_magic.session.turn import Turn
from claude_magic.session.watchdogs import IdleTimer, _retry_delay
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import NoticeBlock, ToolBlock
from claude_magic.wire.events import (
    ApiRetry,
    AssistantMessage,
    Event,
    Message,
    ResultEvent,
    SystemInit,
    decode,
)

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
Commands = Callable[[str], list[psutil.Process]]

SOON = 0.4  # seconds of idleness here
PATIENCE = 60.0  # seconds for what takes one or two on a machine at rest
RELEASED = "The process had been released after 0.4 s idle; the conversation was resumed."


@pytest.fixture
def eventually(eventually: Eventually) -> Eventually:
    """As in all tests here, with more patience: releases and restarts come one after the other."""
    return partial(eventually, bound=PATIENCE)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Grows whenever it is looked whether the time has come."""
    seen: list[Session] = []
    look = IdleTimer._look

    def counted(self: IdleTimer) -> None:
        seen.append(self)  # type: ignore[arg-type]  # only their number matters
        look(self)

    monkeypatch.setattr(IdleTimer, "_look", counted)
    return seen


def reports_of(session: Session) -> list[StopReport | None]:
    """What each end of the session's process takes from now on."""
    reports: list[StopReport | None] = []
    stop = session._engine.supervisor.stop

    async def reporting(timeout: float) -> StopReport | None:  # noqa: ASYNC109
        reports.append(await stop(timeout))
        return reports[-1]

    session._engine.supervisor.stop = reporting  # type: ignore[method-assign]
    return reports


def notices(turn: Turn) -> list[str]:
    return [block.text for block in turn.transcript.blocks if isinstance(block, NoticeBlock)]


# A process that nobody uses


async def test_an_idle_process_is_released_without_force_and_the_next_prompt_resumes_and_says_so(
    session: Sessions, cli: Path, eventually: Eventually, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli), idle_timeout=SOON)
    reports = reports_of(talk)
    await talk.ask("say one")
    pid = talk.pid
    await eventually(lambda: talk.released)
    await eventually(lambda: reports)
    assert talk.state is SessionState.STOPPED
    assert pid
    assert not psutil.pid_exists(pid)
    assert reports[0] is not None
    assert reports[0].rung in {Rung.EOF, Rung.TERM}
    assert reports[0].killed == ()

    turn = talk.submit("what came first?")
    assert (await turn.wait()).text == "First came: say one"
    assert notices(turn) == [RELEASED]
    assert turn.transcript.resumed_turns == 1
    assert not talk.released
    await eventually(lambda: talk.released)  # and again
    assert [line["prompt"] for line in endpoint.requests] == ["say one", "what came first?"]


@pytest.mark.fault(31, via="real")
async def test_a_command_in_the_background_keeps_the_process_and_the_clock_starts_at_its_end(
    session: Sessions, cli: Path, tmp_path: Path, eventually: Eventually, looks: list[Session]
) -> None:
    talk = session(cli=str(cli), allow=("Bash",), idle_timeout=SOON)
    flag = tmp_path / "flag"
    turn = talk.submit(f"background until [ -e {flag} ]; do sleep 0.05; done")
    await turn.wait()
    pid = talk.pid
    await eventually(lambda: len(looks) >= 3)
    assert talk.pid == pid
    flag.touch()
    await eventually(lambda: talk.released)
    assert turn.transcript.answer.endswith("-20")  # the CLI's own turn came to its end


@pytest.mark.fault(31, via="real")
async def test_a_subagent_in_the_background_comes_to_its_end_before_the_release(
    session: Sessions, cli: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), idle_timeout=SOON)
    turn = talk.submit("subagent behind")
    seen: list[str] = []

    def look(state: SessionState) -> None:
        if state is SessionState.STOPPING:
            seen.append(turn.transcript.answer)

    talk.on("status", look)
    await turn.wait()
    await eventually(lambda: talk.released)
    (answer,) = seen  # when the end of its process began
    assert "It has ended" in answer


async def test_what_claude_has_left_running_keeps_the_process(
    session: Sessions, watch: str, commands: Commands, eventually: Eventually, looks: list[Session]
) -> None:
    """A server, say: it would end with the process."""
    talk = session(allow=("Bash",), idle_timeout=SOON)
    await talk.ask(f"leave {watch}")
    await eventually(lambda: commands(watch))
    await eventually(lambda: len(looks) >= 3)
    assert talk.is_running
    for process in commands(watch):
        process.kill()
    await eventually(lambda: talk.released)


async def test_what_claude_has_scheduled_keeps_the_process(
    session: Sessions, cli: Path, eventually: Eventually, looks: list[Session]
) -> None:
    talk = session(cli=str(cli), allow=("CronCreate",), idle_timeout=SOON)
    result = await talk.ask("schedule")
    assert not result.tool_calls[0].is_error
    await eventually(lambda: len(looks) >= 3)
    assert talk.is_running
    await talk.restart()
    await eventually(lambda: talk.released)


async def test_neither_a_running_turn_nor_a_question_to_a_person_is_idleness(
    session: Sessions, eventually: Eventually, tmp_path: Path, looks: list[Session]
) -> None:
    talk, person = session(idle_timeout=SOON), Absent()
    turn = talk.submit(f"run touch {tmp_path}/made", asker=person)
    await eventually(lambda: person.asked)
    looks.clear()
    since = turn.transcript.elapsed
    await eventually(lambda: turn.transcript.elapsed > since + 4 * SOON)
    assert talk.state is SessionState.WAITING
    assert not looks
    person.came_back.set()
    assert not (await turn.wait()).is_error
    assert (tmp_path / "made").exists()
    assert notices(turn) == []


@pytest.mark.parametrize("never", [None, 0])
async def test_without_an_idle_timeout_nothing_is_ever_released(fake: Sessions, never: float | None) -> None:
    talk = fake(idle_timeout=never)
    await talk.ask("hi")
    assert talk._engine.idle_timer._timer._handle is None
    with pytest.raises(UsageError, match=r"idle_timeout is -1; give 0 or more"):
        Options(idle_timeout=-1)


async def test_a_prompt_that_comes_during_the_release_is_answered_after_it(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), idle_timeout=SOON)
    turns: list[Turn] = []

    def meanwhile(state: SessionState) -> None:
        if state is SessionState.STOPPING and not turns:
            turns.extend(talk.submit(f"say {word}") for word in ("two", "three"))

    talk.on("status", meanwhile)
    await talk.ask("say one")
    await eventually(lambda: turns)
    assert [(await turn.wait()).text for turn in turns] == ["two", "three"]
    assert [notices(turn) for turn in turns] == [[RELEASED], []]
    assert [line["prompt"] for line in endpoint.requests] == ["say one", "say two", "say three"]


@pytest.mark.parametrize("what", ["stop", "start", "restart"])
async def test_whatever_else_is_asked_for_during_the_release_comes_after_it(
    fake: Sessions, eventually: Eventually, what: str
) -> None:
    talk = fake(idle_timeout=SOON)
    then: list[asyncio.Task[object]] = []

    def meanwhile(state: SessionState) -> None:
        if state is SessionState.STOPPING and not then:
            then.append(asyncio.ensure_future(getattr(talk, what)()))

    talk.on("status", meanwhile)
    await talk.start()
    await eventually(lambda: then)
    await then[0]
    assert talk.is_running == (what != "stop")
    assert (await talk.ask("on")).text == "You said: on"


async def test_prompts_around_the_end_of_the_time_all_have_their_answer(fake: Sessions) -> None:
    talk = fake(idle_timeout=0.05)
    for number in range(20):
        assert (await talk.ask(f"{number}")).text == f"You said: {number}"
        await asyncio.sleep(0.04 + 0.001 * number)  # the person, as long as the idle time or a bit less
    assert len(talk.history) == 20
    assert all(transcript.state is TurnState.DONE for transcript in talk.history)


async def test_a_new_conversation_after_a_release_does_not_say_that_it_was_resumed(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session(idle_timeout=SOON)
    await talk.ask("say one")
    await eventually(lambda: talk.released)
    talk.start_fresh()
    turn = talk.submit("what came first?")
    assert (await turn.wait()).text == "First came: what came first?"
    assert notices(turn) == ["A new conversation begins here."]


def test_a_timer_holds_up_no_loop_and_another_loop_goes_on(
    options: Callable[..., Options], eventually: Eventually
) -> None:
    talk = Session(options(idle_timeout=SOON))

    async def first() -> None:
        await talk.ask("say one")
        await eventually(lambda: talk.released)

    async def second() -> list[str]:
        turn = talk.submit("what came first?")
        assert (await turn.wait()).text == "First came: say one"
        talk.options = talk.options.with_(idle_timeout=3600)
        await talk.ask("say three")  # leaves a timer of an hour behind
        return notices(turn)

    asyncio.run(first())
    assert asyncio.run(second()) == [RELEASED]

    async def third() -> str:
        async with talk:
            return (await talk.ask("say four")).text

    assert asyncio.run(third()) == "four"


# What a process does beside our turns


def system(subtype: str, **fields: object) -> Event:

    return decode(msgspec.json.encode({"type": "system", "subtype": subtype, **fields}))


@pytest.mark.parametrize(
    "end",
    [
        system("task_notification", task_id="t1", tool_use_id="u1"),
        system("task_updated", task_id="t1", patch={"status": "completed", "end_time": 1}),
        system("background_tasks_changed", tasks=[]),
    ],
)
def test_a_task_runs_from_its_start_to_whatever_tells_its_end(end: Event) -> None:
    told = stream()
    told.handle(system("task_started", task_id="t1", tool_use_id="u1"))
    told.handle(system("task_updated", task_id="t1", patch={"status": "running"}))
    told.handle(system("background_tasks_changed", tasks=[{"task_id": "t1"}]))
    told.handle(system("task_notification", task_id="t2"))
    assert told.is_busy
    told.handle(end)
    assert not told.is_busy


def test_a_turn_of_the_clis_own_runs_from_init_to_result() -> None:
    told = stream()
    told.handle(SystemInit())
    assert told.is_busy
    told.handle(ResultEvent())
    assert not told.is_busy


def test_a_schedule_keeps_its_process_and_nothing_of_it_counts_for_the_next() -> None:
    told = stream()
    told.handle(SystemInit())
    told.handle(system("task_started", task_id="t1"))
    schedule = (
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","name":"ScheduleWakeup","input":{}}]}}'
    )
    event = decode(schedule)
    assert isinstance(event, AssistantMessage)
    told.handle(event)
    told.handle(system("task_updated", task_id="t1", patch={"end_time": 1}))
    told.handle(ResultEvent())
    assert told.is_busy
    assert not stream().is_busy


@pytest.mark.parametrize("fields", [{"tasks": "t1"}, {"tasks": [7, None, {}]}, {"patch": 7}, {"task_id": []}])
def test_task_events_of_another_shape_do_no_harm(fields: dict[str, object]) -> None:
    told = stream()
    told.handle(system("task_updated", **fields))
    assert not told._status.last_error


# A turn that is silent


@pytest.mark.fault(29, via="real")
async def test_a_silent_turn_says_so_once_and_can_be_stopped(
    session: Sessions, cli: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), quiet_notice=0.5)
    await talk.ask("say hi")
    pid = talk.pid
    turn = talk.submit("stall")
    await eventually(lambda: turn.transcript.answer and isinstance(turn.transcript.blocks[-1], NoticeBlock))
    assert notices(turn)[-1] == (
        "Nothing from claude for 0.5 s. It may still be at work; to stop it use the Stop button, "
        "an interrupt or %claude_stop --turn."
    )
    said, since = notices(turn), turn.transcript.elapsed
    await eventually(lambda: turn.transcript.elapsed > since + 1.5)
    assert notices(turn) == said
    assert talk.pid == pid, "nothing is ended by force"
    talk.interrupt()
    result = await turn.wait()
    assert result.interrupted
    assert result.text == "The first half"
    assert notices(turn) == said
    assert (await talk.ask("say on")).text == "on"
    assert talk.pid == pid


@pytest.mark.fault(29, via="fake")
async def test_a_result_that_never_comes_is_told_of_and_the_turn_can_be_stopped(
    fake: Sessions, eventually: Eventually
) -> None:
    talk = fake("no-result", quiet_notice=0.3)
    turn = talk.submit("hi")
    await eventually(lambda: turn.transcript.answer and isinstance(turn.transcript.blocks[-1], NoticeBlock))
    talk.interrupt()
    assert (await turn.wait()).interrupted
    assert talk.is_running


@pytest.mark.fault(29, via="real")
async def test_a_turn_that_goes_on_says_so(session: Sessions) -> None:
    talk = session(quiet_notice=0.5)
    turn = talk.submit("with a rest")
    assert (await turn.wait()).text.split() == ["One,", "two."]
    *_, silent, on = notices(turn)
    assert silent.startswith("Nothing from claude for 0.5 s.")
    assert on.startswith("claude went on after 1.")


@pytest.mark.fault(29, via="real")
async def test_while_a_tool_runs_ten_times_the_silence_is_nothing_to_be_told_of(
    session: Sessions, watch: str, eventually: Eventually
) -> None:
    talk = session(allow=("Bash",), quiet_notice=0.2)
    turn = talk.submit(f"run {watch}")

    def after_the_call() -> list[str]:
        blocks = turn.transcript.blocks
        calls = [n for n, block in enumerate(blocks) if isinstance(block, ToolBlock) and block.input]
        return [block.text for block in blocks[calls[0] :] if isinstance(block, NoticeBlock)] if calls else []

    await eventually(after_the_call)
    assert after_the_call()[0].startswith("Nothing from claude for 2 s while a tool runs.")
    talk.interrupt()
    assert (await turn.wait()).interrupted


@pytest.mark.fault(29, via="real")
async def test_while_a_person_is_asked_nothing_is_said(
    session: Sessions, eventually: Eventually, tmp_path: Path
) -> None:
    talk, person = session(quiet_notice=0.4), Absent()
    turn = talk.submit(f"run touch {tmp_path}/made", asker=person)
    await eventually(lambda: person.asked)
    said, since = notices(turn), turn.transcript.elapsed
    await eventually(lambda: turn.transcript.elapsed > since + 1.6)
    assert notices(turn) == said
    person.came_back.set()
    assert not (await turn.wait()).is_error


async def test_a_wait_that_the_cli_has_announced_is_no_silence() -> None:
    turn = Turn("hi", "hi", TurnOptions(), Transcript("hi"), deny_unattended)
    assert _retry_delay(turn) == 0
    turn.handle(ApiRetry(attempt=1, max_retries=10, retry_delay_ms=8000, error_status=529))
    assert _retry_delay(turn) == 8
    turn.handle(AssistantMessage(message=Message()))
    assert _retry_delay(turn) == 0


@pytest.mark.parametrize("never", [None, 0])
async def test_without_a_time_for_it_silence_is_never_told_of(fake: Sessions, never: float | None) -> None:
    talk = fake(quiet_notice=never)
    await talk.ask("hi")
    assert talk._engine._silence_notice._timer._handle is None
    with pytest.raises(UsageError, match=r"quiet_notice is nan; give 0 or more"):
        Options(quiet_notice=float("nan"))
