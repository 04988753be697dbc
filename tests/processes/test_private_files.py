"""Keys and personas on their way to the CLI: gone however its start ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from children import alive, fake
from places import FAKE
from private_files import TOKEN, private_files, server_with_token

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.errors import StartError
from claude_magic.options import Options
from claude_magic.processes.identity import creation_time
from claude_magic.processes.private_files import PrivateFiles, remove_leftovers

pytestmark = pytest.mark.process

BEGUN = """
import asyncio, os, sys
from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.options import Options
options = Options(cli=sys.argv[1], env={"FAKE_CLAUDE": "silent"}, mcp_config=(sys.argv[2],), start_timeout=90)
process = ClaudeProcess(options, session_id=sys.argv[3], resume=False, deliver=print, on_exit=print)
asyncio.run(process.start())
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's has other people's files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.mark.fault(112, via="fake")
@pytest.mark.parametrize("ends", ["exit=7", "silent"])
async def test_a_start_that_fails_leaves_no_token(ends: str) -> None:
    with pytest.raises(StartError):
        await process(fake(ends, mcp_config=(server_with_token(),), start_timeout=1.0)).start()
    assert private_files() == []


@pytest.mark.fault(112, via="fake")
async def test_a_start_that_is_cancelled_leaves_no_token(
    eventually: Callable[..., Awaitable[None]],
) -> None:
    start = asyncio.create_task(process(fake("silent", mcp_config=(server_with_token(),))).start())
    await eventually(private_files)
    start.cancel()
    await asyncio.wait({start})
    assert private_files() == []


@pytest.mark.fault(112, via="fake")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_kernel_that_is_killed_while_it_starts_claude_leaves_no_token(
    until: Callable[..., None], *, guarded: bool
) -> None:
    """Its guard sees to it; where that is killed too, the next start of any kernel."""
    session_id = "01234567-89ab-4cde-8f01-23456789abcd"
    argv = [sys.executable, "-c", BEGUN, str(FAKE), server_with_token(), session_id]
    with subprocess.Popen(argv) as kernel:
        until(lambda: any(path.read_text() for path in private_files()))
        until(lambda: below(kernel.pid, "--session-id"))  # and no more the probe of its version
        until(lambda: len(below(kernel.pid, "watcher.py")) == 1)  # the probe's is gone
        (guard,), (claude,) = below(kernel.pid, "watcher.py"), below(kernel.pid, "--session-id")
        if not guarded:
            guard.suspend()  # killed, it would be replaced
        os.kill(kernel.pid, signal.SIGKILL)
    if guarded:
        until(lambda: private_files() == [])
    else:
        assert private_files() != []
        remove_leftovers()
        assert private_files() == []
        guard.resume()
    until(lambda: not alive(guard) and not alive(claude))


@pytest.mark.fault(112, via="pure")
def test_where_the_state_folder_cannot_be_written_a_private_temporary_folder_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/claude_magic")  # not even root may
    with PrivateFiles() as files:
        path = Path(files.keep(TOKEN))
        assert path.is_relative_to(tmp_path)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not path.parent.exists()


@pytest.mark.fault(112, via="pure")
def test_where_nothing_can_be_written_it_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/claude_magic")
    monkeypatch.setattr(tempfile, "tempdir", "/proc/claude_magic")
    with (
        PrivateFiles() as files,
        pytest.raises(StartError, match=r"'/proc/claude_magic/c.*\(") as told,
    ):
        files.keep(TOKEN)
    assert TOKEN not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.fault(112, via="pure")
def test_what_a_live_kernel_is_just_using_stays() -> None:
    with PrivateFiles() as files:
        path = Path(files.keep(TOKEN))
        remove_leftovers()
        assert path.read_text() == TOKEN
        assert f"@{os.getpid()}@{creation_time(os.getpid())}@" in path.parent.name
    assert not path.exists()


def below(pid: int, word: str) -> list[psutil.Process]:
    """The children whose command line holds a word."""
    found = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child] if word in " ".join(child.cmdline()) else []
    return found


def process(options: Options, **more: Any) -> ClaudeProcess:
    session_id = "01234567-89ab-4cde-8f01-23456789abcd"
    return ClaudeProcess(
        options, session_id=session_id, resume=False, deliver=lambda _: None, on_exit=lambda _: None, **more
    )
