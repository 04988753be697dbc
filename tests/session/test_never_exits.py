"""A real CLI that has answered and does not end when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import psutil
import pytest
from generations import OLDER_CLI

from claude_magic.claude_cli.session_files import projects_folder
from claude_magic.processes.child import Rung
from claude_magic.session import Session, SessionState

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]


async def deaf(talk: Session, eventually: Eventually) -> psutil.Process:
    """Its process, which has ended a turn and takes in nothing more: neither the end of stdin nor SIGTERM."""
    await talk.ask("say zero")
    assert (await talk.ask("say one")).text == "one"
    assert talk.pid
    files = await asyncio.to_thread(projects_folder, talk.options.env)
    name = f"*/{talk.session_id}.jsonl"
    await eventually(
        lambda: any('"text":"one"' in file.read_text() for file in files.glob(name))
    )  # 0.1 s late
    os.kill(talk.pid, signal.SIGSTOP)
    return psutil.Process(talk.pid)


@pytest.mark.fault(30, via="real")
async def test_a_process_that_does_not_exit_after_its_result_is_ended_by_the_last_rung_and_resumed(
    session: Sessions, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    talk = session()
    process = await deaf(talk, eventually)
    report = await talk.stop(timeout=0.3)
    assert report is not None
    assert (report.rung, report.returncode) == (Rung.KILL, -signal.SIGKILL)
    assert not process.is_running()
    assert f"Process {process.pid} is killed" in caplog.text
    assert (await talk.ask("what came first?")).text == "First came: say zero"


@pytest.mark.fault(30, via="real")
async def test_an_idle_process_that_does_not_exit_is_released_all_the_same(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session(cli=str(OLDER_CLI), idle_timeout=0.5, stop_timeout=0.3)
    process = await deaf(talk, eventually)
    await eventually(lambda: talk.released)
    assert talk.state is SessionState.STOPPED
    assert not process.is_running()
    assert (await talk.ask("what came first?")).text == "First came: say zero"
