"""Sessions with the real CLI on the scripted model, and with the fake one."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from endpoint_log import Endpoint
from leaks import nothing_left

from claude_magic import offline
from claude_magic.options import Options
from claude_magic.session import Session

FAKE = Path(__file__).parent.parent / "fake_claude.py"


@pytest.fixture(autouse=True)
async def as_before() -> AsyncIterator[None]:
    """Descriptors, threads, tasks and children are the same after every test as before."""
    async with nothing_left():
        yield


SCENARIO = Path(__file__).parent.parent / "scenario.toml"


class Since(Endpoint):
    """What has reached the scripted model since this was made."""

    def __init__(self, url: str, log: Path) -> None:
        super().__init__(url, log)
        self._before = 0
        self._before = max((line["id"] for line in self.lines), default=0)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for line in super().lines if line["id"] > self._before]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One scripted model for all tests here: address and log."""
    log = tmp_path_factory.mktemp("endpoint") / "log.jsonl"
    pipe = subprocess.PIPE
    child = subprocess.Popen(offline.command([SCENARIO], log), stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    yield offline.url_from(child.stdout.readline()), log
    child.communicate(timeout=10)


@pytest.fixture
def endpoint(server: tuple[str, Path]) -> Endpoint:
    """What reaches the scripted model from this test."""
    return Since(*server)


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
def eventually() -> Callable[..., Awaitable[None]]:
    """Waits for a condition while the loop runs; fails after `timeout` seconds."""

    async def wait(condition: Callable[[], object], timeout: float = 30.0) -> None:  # noqa: ASYNC109
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.005)  # a poll, not a guess

    return wait


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
