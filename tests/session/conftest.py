"""Sessions with the real CLI on the scripted model, and with the fake one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from leaks import nothing_left
from places import FAKE

from claude_magic.options import Options
from claude_magic.session import Session


@pytest.fixture(autouse=True)
async def as_before() -> AsyncIterator[None]:
    """Descriptors, threads, tasks and children are the same after every test as before."""
    async with nothing_left():
        yield


@pytest.fixture
def watch(tmp_path: Path) -> str:
    """A command that goes on for ever and is this test's own."""
    (tmp_path / "watched").touch()
    return f"tail -f {tmp_path}/watched"


@pytest.fixture
async def session(options: Callable[..., Options]) -> AsyncIterator[Callable[..., Session]]:
    """Makes sessions with the real CLI; none may leave a process behind."""
    made: list[Session] = []

    def make(*, name: str = "main", **changes: Any) -> Session:
        made.append(Session(options(**changes), name=name))
        return made[-1]

    yield make
    await _all_end(made)


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[Callable[..., Session]]:
    """Makes sessions with a CLI that misbehaves as told."""
    made: list[Session] = []

    def make(behaviours: str = "", **changes: Any) -> Session:
        plain = Options(cwd=tmp_path, cli=str(FAKE), env={"FAKE_CLAUDE": behaviours})
        made.append(Session(plain.with_(**changes)))
        return made[-1]

    yield make
    await _all_end(made)


async def _all_end(sessions: list[Session]) -> None:
    pids = [session.pid for session in sessions if session.pid]
    for session in sessions:
        await session.stop(timeout=1.0)
        assert not session.is_running
    assert not any(map(psutil.pid_exists, pids))


@pytest.fixture
def commands() -> Iterator[Callable[[str], list[psutil.Process]]]:
    """The processes whose command line holds a text; those left at the end are killed, and fail the test."""
    looked_for: set[str] = set()

    def find(text: str) -> list[psutil.Process]:
        looked_for.add(text)
        return [process for process in psutil.process_iter() if text in _command(process)]

    yield find
    left = [process for text in looked_for for process in find(text)]
    for process in left:
        process.kill()
    assert not left


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.Error:
        return ""
