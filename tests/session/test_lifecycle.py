from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psutil
import pytest
from endpoint_log import Endpoint

from claude_magic.errors import (
    ClaudeMagicError,
    CLINotFoundError,
    ProcessEndedError,
    StartError,
    StateError,
    TurnFailedError,
    WorkingDirectoryError,
)
from claude_magic.options import Options
from claude_magic.processes.tree import ProcessTree
from claude_magic.session import Session, SessionState
from claude_magic.session.conversation import Conversation
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import NoticeBlock, RetryBlock
from claude_magic.transcript.explain import LOGIN_REFUSED
from claude_magic.wording import turn as wording

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
Commands = Callable[[str], list[psutil.Process]]


def _notices(talk: Session) -> list[str]:
    return [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]


def _is_kept(talk: Session, prompt: str) -> bool:
    """The CLI has written the prompt down, which it does some 0.1 s late."""
    projects = Path(talk.options.env["CLAUDE_CONFIG_DIR"]) / "projects"
    files = projects.glob(f"*/{talk.session_id}.jsonl")
    return any(f'"{prompt}"' in file.read_text(encoding="utf-8") for file in files)


async def test_start_and_stop_may_come_in_any_order_and_number(session: Sessions) -> None:
    talk = session()
    states: list[SessionState] = []
    talk.on("status", states.append)
    assert await talk.stop() is None
    await talk.start()
    pid = talk.pid
    await talk.start()
    assert talk.pid == pid
    assert await talk.stop() is not None
    assert await talk.stop() is None
    await talk.start()
    assert talk.pid not in {None, pid}
    first, second = await asyncio.gather(talk.stop(), talk.stop())
    assert (first is None) is not (second is None)
    once = [SessionState.STARTING, SessionState.IDLE, SessionState.STOPPING, SessionState.STOPPED]
    assert states == once * 2


async def test_a_session_is_started_and_stopped_by_async_with(options: Callable[..., Options]) -> None:
    async with Session(options()) as talk:
        pid = talk.pid
        assert pid is not None
        assert (await talk.ask("say hi")).text == "hi"
    assert not psutil.pid_exists(pid)


@pytest.mark.fault(43, via="real")
async def test_a_stop_during_the_start_leaves_no_process(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    start = asyncio.create_task(talk.start())
    await eventually(lambda: commands(talk.session_id))
    await talk.stop()
    assert not commands(talk.session_id)
    assert talk.state is SessionState.STOPPED
    with pytest.raises(ProcessEndedError, match="Starting was interrupted"):
        await start


@pytest.mark.fault(43, via="real")
async def test_a_start_that_is_cancelled_leaves_no_process(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    start = asyncio.create_task(talk.start())
    await eventually(lambda: commands(talk.session_id))
    start.cancel()
    await asyncio.wait({start})
    await eventually(lambda: not commands(talk.session_id))
    assert (await talk.ask("say on")).text == "on"
    await talk.stop()


async def test_a_stop_while_a_command_runs_leaves_nothing_of_the_tree(
    session: Sessions, cli: Path, commands: Commands, eventually: Eventually, watch: str
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    turn = talk.submit(f"run {watch} > /dev/null & {watch} > /dev/null")
    await eventually(lambda: len(commands(watch)) >= 2)
    await talk.stop()
    assert turn.transcript.state is TurnState.INTERRUPTED
    assert not commands(watch)
    assert talk.state is SessionState.STOPPED


async def test_after_a_stop_the_next_prompt_resumes_and_a_fresh_start_does_not(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say hi")
    first = talk.session_id
    await talk.stop()
    assert (await talk.ask("what came before?")).text == "Before this came: say hi"
    assert talk.history[-1].resumed_turns == 1
    assert talk.session_id == first
    await talk.restart()
    assert talk.turns == 2
    await talk.restart(fresh=True)
    assert talk.turns == 0
    await talk.ask("say new")
    assert talk.session_id != first
    assert talk.history[-1].resumed_turns == 0
    assert "say hi" not in endpoint.prompts


@pytest.mark.fault(35, via="fake")
async def test_the_late_news_of_an_end_does_not_reach_the_turn_that_starts_the_next_process(
    fake: Sessions, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, told = fake(), asyncio.Event()
    await talk.ask("hi")
    process = talk._engine.supervisor.process
    assert process is not None
    assert process._reader is not None
    reader, missing = process._reader, Conversation.missing

    async def after_the_news(conversation: Conversation, env: Mapping[str, str]) -> list[str]:
        told.set()
        await asyncio.wait({reader})
        return await missing(conversation, env)

    monkeypatch.setattr(ProcessTree, "end", lambda _: told.wait())  # until then nobody is told
    monkeypatch.setattr(Conversation, "missing", after_the_news)
    os.kill(process.pid or 0, signal.SIGKILL)
    await eventually(lambda: not talk.is_running)

    assert (await talk.ask("again")).text == "You said: again"


async def test_a_restart_in_mid_turn_interrupts_it_and_goes_on(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    turn, queued = talk.submit("slowly"), talk.submit("say dropped")
    await eventually(lambda: turn.transcript.answer)
    pid = talk.pid
    await talk.restart()
    assert turn.transcript.state is TurnState.INTERRUPTED
    assert queued.transcript.state is TurnState.CANCELLED
    assert talk.pid not in {None, pid}
    assert (await talk.ask("what came before?")).text == "Before this came: slowly"


async def test_a_prompt_that_comes_during_a_stop_is_answered_afterwards(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    running = talk.submit("slowly")
    await eventually(lambda: running.transcript.answer)
    pid = talk.pid
    stop = asyncio.create_task(talk.stop())
    await asyncio.sleep(0)
    late = talk.submit("say late")
    report = await stop
    assert running.interrupted
    assert report is not None
    assert (await late.wait()).text == "late"
    assert not late.interrupted
    assert talk.pid not in {None, pid}


@pytest.mark.parametrize("busy", [False, True])
async def test_of_two_sessions_the_one_that_is_killed_resumes_and_the_other_answers(
    session: Sessions, tmp_path: Path, eventually: Eventually, endpoint: Endpoint, *, busy: bool
) -> None:
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    talk, other = session(recoveries=0), session(name="other", cwd=other_folder)
    await asyncio.gather(talk.ask("say one"), other.ask("say two"))
    turn = talk.submit("slowly") if busy else None
    await eventually(lambda: turn is None or turn.transcript.answer)
    await eventually(lambda: _is_kept(talk, "slowly" if busy else "say one"))
    assert talk.pid is not None
    os.kill(talk.pid, signal.SIGKILL)
    await eventually(lambda: talk.state is SessionState.CRASHED)
    assert "claude ended (killed by SIGKILL)." in talk.last_error
    if turn is not None:
        assert "killed by SIGKILL" in (await turn.wait()).error
        assert turn.transcript.state is TurnState.FAILED
    assert (await other.ask("what came before?")).text == "Before this came: say two"
    assert (await talk.ask("what came first?")).text == "First came: say one"
    assert ("slowly" in endpoint.stripped_prompts) is busy


async def test_a_process_killed_while_it_answers_its_first_prompt_is_resumed(
    session: Sessions, cli: Path, eventually: Eventually, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli), recoveries=0)
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer and _is_kept(talk, "slowly"))
    assert talk.pid is not None
    os.kill(talk.pid, signal.SIGKILL)
    await turn.wait()
    assert (await talk.ask("say on")).text == "on"
    assert "slowly" in endpoint.stripped_prompts


async def test_a_process_killed_at_any_moment_of_its_first_turn_leaves_a_session_that_goes_on(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session(recoveries=0)
    for moment in ("is_sent", "is_taken_up"):
        turn = talk.submit("stall at once")
        await eventually(lambda turn=turn, moment=moment: getattr(turn, moment))
        assert talk.pid is not None
        os.kill(talk.pid, signal.SIGKILL)
        assert "killed by SIGKILL" in (await turn.wait()).error
    assert (await talk.ask("say on")).text == "on"


async def test_a_conversation_that_is_unknown_begins_anew_and_says_so(session: Sessions, cli: Path) -> None:
    unknown = str(uuid.uuid4())
    talk = session(cli=str(cli), session_id=unknown)
    states: list[SessionState] = []
    talk.on("status", states.append)
    assert (await talk.ask("say hi")).text == "hi"
    assert _notices(talk) == ["The earlier conversation was not found; this is a new one."]
    assert talk.session_id != unknown
    assert SessionState.CRASHED not in states


async def test_an_id_in_use_is_resumed_or_left_alone_as_asked(session: Sessions, cli: Path) -> None:
    first = session(cli=str(cli))
    await first.ask("say hi")
    await first.stop()
    resumed = session(cli=str(cli), session_id=first.session_id)
    assert (await resumed.ask("what came first?")).text == "First came: say hi"
    await resumed.stop()
    fresh = session(cli=str(cli), session_id=first.session_id, resume="never")
    assert (await fresh.ask("what came first?")).text == "First came: what came first?"
    assert fresh.session_id != first.session_id


@pytest.mark.fault(9, via="fake")
async def test_a_cli_that_never_starts_is_tried_once_a_prompt_and_the_cause_is_shown(
    fake: Sessions, tmp_path: Path
) -> None:
    talk = fake("exit=7")
    states: list[SessionState] = []
    talk.on("status", states.append)
    for _ in range(3):
        with pytest.raises(StartError, match=r"exit code 7: fake: could not start"):
            await talk.ask("hi")
    assert states == [SessionState.STARTING, SessionState.CRASHED] * 3
    assert "exit code 7" in talk.last_error
    assert talk.turns == 0
    talk.options = talk.options.with_(cwd=tmp_path / "missing", check_paths=False)
    with pytest.raises(WorkingDirectoryError, match="missing"):
        await talk.ask("hi")
    talk.options = talk.options.with_(cwd=tmp_path, cli=str(tmp_path), check_paths=False)
    with pytest.raises(CLINotFoundError):
        await talk.ask("hi")
    assert talk.state is SessionState.CRASHED


@pytest.mark.fault(6, via="fake")
async def test_a_restart_for_an_option_that_fails_leaves_a_session_that_can_go_on(
    fake: Sessions, tmp_path: Path
) -> None:
    talk = fake()
    await talk.ask("hi")
    good = talk.options
    talk.options = good.with_(cwd=tmp_path / "missing", check_paths=False)
    with pytest.raises(WorkingDirectoryError):
        await talk.ask("hi")
    assert talk.state is SessionState.IDLE
    assert talk.options == good
    assert (await talk.ask("ho")).text == "You said: ho"


@pytest.mark.fault(99, via="real")
async def test_each_retry_is_shown_with_its_number_and_wait(session: Sessions) -> None:
    talk = session()
    seen: list[tuple[int, float, int | None]] = []

    def look(_: object) -> None:
        blocks = [block for block in talk.history[-1].blocks if isinstance(block, RetryBlock)]
        seen.extend((block.attempt, block.delay_s, block.status) for block in blocks)

    turn = talk.submit("retry twice")
    turn.listeners.append(look)
    assert (await turn.wait()).text == "At last."
    assert [(attempt, status) for attempt, _, status in dict.fromkeys(seen)] == [(1, 529), (2, 529)]
    assert all(delay > 0 for _, delay, _ in seen)


@pytest.mark.fault(99, via="real")
@pytest.mark.fault(28, via="real")
@pytest.mark.parametrize(
    ("prompt", "said"),
    [("fail 400", "API Error: 400 Scripted error."), ("fail 401", "did not accept the login (HTTP 401)")],
)
async def test_an_error_of_the_api_fails_the_turn_in_one_line(
    session: Sessions, prompt: str, said: str
) -> None:
    talk = session(env={"CLAUDE_CODE_MAX_RETRIES": "1"})
    turn = talk.submit(prompt)
    result = await turn.wait()
    assert result.is_error
    assert said in result.error
    assert "\n" not in result.error
    assert str(turn.error) == result.error
    assert turn.transcript.state is TurnState.FAILED
    assert talk.state is SessionState.IDLE
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(99, via="real")
async def test_a_refused_login_ends_the_turn_at_the_second_no_and_the_next_prompt_goes_on(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    turn = talk.submit("fail 401")
    result = await turn.wait()

    assert len(endpoint.requests) == 2, "the CLI alone would ask ten times more, for minutes"
    assert result.error == LOGIN_REFUSED
    assert result.num_turns == 0
    assert isinstance(turn.error, TurnFailedError)
    assert turn.error.result is result
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(99, via="real")
async def test_an_api_that_cannot_be_reached_is_named_with_the_cause_and_without_its_secrets(
    session: Sessions, cli: Path
) -> None:
    address = "http://ada:sesame@127.0.0.1:9/hidden"
    talk = session(cli=str(cli), env={"ANTHROPIC_BASE_URL": address, "CLAUDE_CODE_MAX_RETRIES": "1"})
    turn = talk.submit("hi")
    await turn.wait()

    retry, notice = turn.transcript.blocks
    assert isinstance(retry, RetryBlock)
    assert isinstance(notice, NoticeBlock)
    assert str(turn.error).startswith("127.0.0.1:9 cannot be reached: connection refused. ")
    assert (wording.retry_line(retry), notice.text) == ("Tried 1 time.", str(turn.error))
    assert "sesame" not in str(turn.error)
    assert "hidden" not in str(turn.error)


@pytest.mark.fault(99, via="real")
async def test_without_a_login_the_turn_says_what_to_do(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli), env={"ANTHROPIC_API_KEY": ""})
    with pytest.raises(ClaudeMagicError, match=r"^Not logged in. Type: %claude_login "):
        await talk.ask("say hi")


@pytest.mark.fault(64, via="real")
def test_a_session_left_by_one_loop_is_used_on_the_next(
    options: Callable[..., Options], capfd: pytest.CaptureFixture[str]
) -> None:
    talk = Session(options())

    async def leave() -> int | None:
        await talk.ask("say hi")
        return talk.pid

    async def go_on() -> str:
        answer = await talk.ask("what came before?")
        await talk.stop()
        return answer.text

    pid = asyncio.run(leave())
    gc.collect()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert asyncio.run(go_on()) == "Before this came: say hi"
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.fault(64, via="real")
def test_a_loop_that_ends_in_mid_turn_takes_the_process_with_it(
    options: Callable[..., Options], capfd: pytest.CaptureFixture[str], eventually: Eventually
) -> None:
    talk = Session(options())

    async def leave() -> None:
        turn, _ = talk.submit("slowly"), talk.submit("say lost")
        await eventually(lambda: turn.transcript.answer)
        pids.append(talk.pid)

    async def go_on() -> str:
        answer = await talk.ask("say on")
        await talk.stop()
        return answer.text

    pids: list[int | None] = []
    asyncio.run(leave())
    gc.collect()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    assert talk.history[0].error or talk.history[0].state.is_over
    assert asyncio.run(go_on()) == "on"
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.fault(64, via="real")
@pytest.mark.fault(109, via="real")
async def test_another_loop_or_none_is_refused_with_the_reason(session: Sessions) -> None:
    talk = session()
    await talk.ask("say hi")
    errors: list[BaseException] = []

    def elsewhere() -> None:
        for use in (lambda: asyncio.run(talk.ask("say ho")), lambda: talk.submit("say ho")):
            try:
                use()
            except StateError as error:
                errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert ["belongs to another event loop" in str(errors[0]), "needs an event loop" in str(errors[1])] == [
        True
    ] * 2
    assert (await talk.ask("say on")).text == "on"


async def test_a_process_begins_only_when_the_one_before_has_ended(fake: Sessions) -> None:
    talk = fake("ignore-eof,ignore-sigterm", stop_timeout=0.5)
    await talk.start()
    pid = talk.pid
    assert pid is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(talk.stop(), 0.05)  # nobody waits for its end any more
    assert psutil.pid_exists(pid)
    talk.on("output", lambda _: alive.append(psutil.pid_exists(pid)))
    alive: list[bool] = []
    assert (await talk.ask("hi")).text == "You said: hi"
    assert set(alive) == {False}
    assert talk.pid != pid
