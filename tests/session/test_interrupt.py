from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from endpoint_log import Endpoint
from people import Absent

from claude_magic.errors import ProcessEndedError
from claude_magic.processes.child import Rung
from claude_magic.session import Session, SessionState
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import RetryBlock, ToolBlock, ToolState

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
Commands = Callable[[str], list[psutil.Process]]
PATIENCE = 60.0  # seconds until a process that does not heed the interrupt is killed
AT_ONCE = 4.0  # seconds, on a busy machine


@pytest.mark.fault(39, via="real")
async def test_an_interrupt_in_mid_text_keeps_text_process_and_conversation(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), kill_after=PATIENCE)
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer.count(" ") > 3)
    pid, began = talk.pid, time.monotonic()
    assert talk.interrupt()
    result = await turn.wait()
    print(f"interrupt to idle: {1000 * (time.monotonic() - began):.0f} ms")
    assert time.monotonic() - began < AT_ONCE
    assert talk.state is SessionState.IDLE
    assert result.interrupted
    assert not result.is_error
    assert result.text.startswith("the-1 loop-2")
    assert turn.transcript.state is TurnState.INTERRUPTED
    await eventually(lambda: any(line.get("end") == "aborted" for line in endpoint.lines))
    assert (await talk.ask("what came before?")).text == "Before this came: slowly"
    assert talk.pid == pid


@pytest.mark.fault(39, via="real")
async def test_an_interrupt_ends_a_command_and_all_it_started(
    session: Sessions, cli: Path, commands: Commands, eventually: Eventually, tmp_path: Path, watch: str
) -> None:
    talk = session(cli=str(cli), allow=("Bash",), kill_after=PATIENCE)
    turn = talk.submit(f"run {watch} > /dev/null & {watch} > /dev/null; touch {tmp_path}/late")
    await eventually(lambda: len(commands(watch)) >= 2)
    pid, began = talk.pid, time.monotonic()
    talk.interrupt()
    result = await turn.wait()
    print(f"interrupt of a command to idle: {1000 * (time.monotonic() - began):.0f} ms")
    assert time.monotonic() - began < AT_ONCE
    assert result.interrupted
    (tool,) = (block for block in turn.transcript.blocks if isinstance(block, ToolBlock))
    assert tool.state is ToolState.INTERRUPTED
    await eventually(lambda: not commands(watch))
    assert not (tmp_path / "late").exists()
    assert (await talk.ask("say on")).text == "on"
    assert talk.pid == pid


async def test_an_interrupt_ends_a_stalled_answer(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), kill_after=PATIENCE)
    turn = talk.submit("stall at once")
    await eventually(lambda: endpoint.requests)
    pid, began = talk.pid, time.monotonic()
    talk.interrupt()
    assert (await turn.wait()).interrupted
    assert time.monotonic() - began < AT_ONCE
    assert (await talk.ask("say on")).text == "on"
    assert talk.pid == pid


async def test_an_interrupt_ends_the_wait_for_an_api_that_refuses(
    session: Sessions, cli: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), kill_after=PATIENCE)
    turn = talk.submit("retry for long")
    await eventually(lambda: any(isinstance(block, RetryBlock) for block in turn.transcript.blocks))
    pid, began = talk.pid, time.monotonic()
    talk.interrupt()
    assert (await turn.wait()).interrupted
    assert time.monotonic() - began < AT_ONCE
    assert (await talk.ask("say on")).text == "on"
    assert talk.pid == pid


@pytest.mark.fault(43, via="real")
async def test_an_interrupt_while_the_process_starts_leaves_nothing(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    turn = talk.submit("say hi")
    await eventually(lambda: commands(talk.session_id))
    talk.interrupt()
    result = await turn.wait()
    assert result.interrupted
    assert talk.state is SessionState.STOPPED
    assert not commands(talk.session_id)
    assert (await talk.ask("say on")).text == "on"
    await talk.stop()


async def test_an_interrupt_at_once_after_the_prompt_is_not_lost(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli), kill_after=PATIENCE)
    await talk.start()
    for wait in (0, 0.001, 0.01, 0.03):
        turn = talk.submit("slowly")
        await asyncio.sleep(wait)  # the person
        assert talk.interrupt(turn)
        began = time.monotonic()
        assert (await turn.wait()).interrupted
        assert time.monotonic() - began < AT_ONCE
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(45, via="real")
async def test_an_interrupt_denies_what_is_being_asked(
    session: Sessions, cli: Path, tmp_path: Path, eventually: Eventually
) -> None:
    talk, person = session(cli=str(cli), kill_after=PATIENCE), Absent()
    turn = talk.submit(f"run touch {tmp_path}/made", asker=person)
    await eventually(lambda: person.asked)
    assert talk.state is SessionState.WAITING
    assert turn.transcript.state is TurnState.WAITING
    talk.interrupt()
    assert (await turn.wait()).interrupted
    (block,) = turn.transcript.asked
    assert block.decision is not None
    assert block.decision.by == "stopped"
    assert not (tmp_path / "made").exists()
    assert (await talk.ask("say on")).text == "on"


async def test_what_waits_to_be_asked_is_denied_too(
    session: Sessions, tmp_path: Path, eventually: Eventually
) -> None:
    talk, person = session(), Absent()
    for name in "ab":
        (tmp_path / name).touch()
    turn = talk.submit(f"read both {tmp_path}/a {tmp_path}/b", asker=person)
    await eventually(lambda: len(turn.transcript.pending) == 2)
    talk.interrupt()
    result = await turn.wait()
    assert result.interrupted
    assert len(person.asked) == 1
    assert not turn.transcript.pending
    assert [call.is_error for call in result.tool_calls] == [True, True]


@pytest.mark.fault(42, via="real")
async def test_an_interrupt_with_nothing_to_stop_does_nothing(session: Sessions) -> None:
    talk = session()
    assert not talk.interrupt()
    turn = talk.submit("say hi")
    await turn.wait()
    pid = talk.pid
    assert not talk.interrupt(turn)
    assert not talk.interrupt()
    assert not (await turn.wait()).interrupted
    assert (await talk.ask("say on")).text == "on"
    assert talk.pid == pid


@pytest.mark.fault(42, via="real")
async def test_a_second_interrupt_kills_the_tree_and_the_next_prompt_resumes(
    session: Sessions, cli: Path, commands: Commands, eventually: Eventually, endpoint: Endpoint, watch: str
) -> None:
    talk = session(cli=str(cli), allow=("Bash",), kill_after=PATIENCE)
    turn = talk.submit(f"run {watch} > /dev/null")
    await eventually(lambda: commands(watch))
    pid = talk.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it cannot answer the first
    talk.interrupt()
    talk.interrupt()
    result = await turn.wait()
    assert result.interrupted
    assert talk.state is SessionState.STOPPED
    assert not psutil.pid_exists(pid)
    assert not commands(watch)
    assert (await talk.ask("say on")).text == "on"
    assert f"run {watch} > /dev/null" in endpoint.stripped_prompts


@pytest.mark.fault(41, via="fake")
@pytest.mark.fault(29, via="fake")
async def test_a_cli_that_ignores_the_interrupt_is_killed_after_a_while(
    fake: Sessions, eventually: Eventually
) -> None:
    talk = fake("ignore-interrupt,no-result", kill_after=0.3)
    turn = talk.submit("hi")
    await eventually(lambda: turn.transcript.answer)
    pid, began = talk.pid, time.monotonic()
    assert pid is not None
    talk.interrupt()
    result = await turn.wait()
    assert 0.3 <= time.monotonic() - began < 2
    assert result.interrupted
    assert result.text == "You said: hi"
    assert talk.state is SessionState.STOPPED
    assert not psutil.pid_exists(pid)


@pytest.mark.fault(36, via="fake")
async def test_a_prompt_that_is_not_read_can_be_interrupted(fake: Sessions, eventually: Eventually) -> None:
    talk = fake("stop-reading", kill_after=0.3)
    turn = talk.submit("x" * 5_000_000)
    await eventually(lambda: turn.is_sent)
    began = time.monotonic()
    talk.interrupt()
    assert (await turn.wait()).interrupted
    assert time.monotonic() - began < 3
    assert not talk.is_running


@pytest.mark.fault(36, via="fake")
async def test_a_cli_that_does_not_read_can_be_stopped(fake: Sessions, eventually: Eventually) -> None:
    talk = fake("stop-reading", kill_after=0.3)
    turn = talk.submit("x" * 5_000_000)
    await eventually(lambda: turn.is_sent)
    await talk.stop(timeout=0.5)
    assert turn.done
    assert not talk.is_running


@pytest.mark.fault(35, via="fake")
async def test_a_cli_that_dies_on_the_prompt_fails_the_turn_once_with_the_cause(fake: Sessions) -> None:
    talk = fake("die-on-prompt", recoveries=0)
    errors: list[object] = []
    talk.on("error", errors.append)
    with pytest.raises(ProcessEndedError, match=r"claude ended \(exit code 3\)"):
        await talk.ask("hi")
    assert len(errors) == 1
    assert talk.state is SessionState.CRASHED
    assert talk.history[-1].state is TurnState.FAILED


@pytest.mark.fault(35, via="real")
async def test_a_prompt_to_a_process_that_has_just_died_fails_with_the_cause_or_resumes(
    session: Sessions,
) -> None:
    talk = session()
    await talk.ask("say hi")
    assert talk.pid is not None
    os.kill(talk.pid, signal.SIGKILL)
    turn = talk.submit("say ho")
    result = await turn.wait()
    assert result.text == "ho" or "killed by SIGKILL" in result.error
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(40, via="real")
async def test_the_signal_that_interrupts_a_kernel_does_not_reach_the_process(session: Sessions) -> None:
    talk = session()
    await talk.start()
    assert talk.pid is not None
    assert os.getpgid(talk.pid) != os.getpgid(0)
    assert os.getsid(talk.pid) != os.getsid(0)


@pytest.mark.fault(46, via="real")
async def test_a_stop_while_idle_needs_no_signal(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli), kill_after=PATIENCE)
    await talk.ask("say hi")
    report = await talk.stop()
    assert report is not None
    assert (report.rung, report.returncode, report.killed) == (Rung.EOF, 0, ())
