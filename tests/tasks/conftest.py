"""Task managers on the scripted model; none may leave a process behind."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint_log import Endpoint
from generations import OLDER_CLI, current_cli
from leaks import nothing_left

from claude_magic import offline
from claude_magic.options import Options
from claude_magic.tasks import Task, TaskManager

SCENARIO = Path(__file__).parent.parent / "scenario.toml"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One scripted model for all tests here: address and log."""
    log = tmp_path_factory.mktemp("endpoint") / "log.jsonl"
    pipe = subprocess.PIPE
    child = subprocess.Popen(offline.command([SCENARIO], log), stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    yield offline.url_from(child.stdout.readline()), log
    child.communicate(timeout=10)


class Since(Endpoint):
    """What has reached the scripted model since this was made."""

    _before = 0

    def __init__(self, url: str, log: Path) -> None:
        super().__init__(url, log)
        self._before = max((line["id"] for line in self.lines), default=0)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for line in super().lines if line["id"] > self._before]


@pytest.fixture
def endpoint(server: tuple[str, Path]) -> Endpoint:
    """What reaches the scripted model from this test."""
    return Since(*server)


@pytest.fixture
async def as_before(server: object) -> AsyncIterator[None]:
    """Descriptors, threads, tasks and children are the same after the test as before."""
    assert server
    async with nothing_left():
        yield


@pytest.fixture
async def manager(as_before: None, tmp_path: Path) -> AsyncIterator[TaskManager]:
    """Remembers its tasks in the test's own folder."""
    assert as_before is None  # it is torn down after this
    manager = TaskManager(tmp_path / "state")
    yield manager
    await manager.close()


@pytest.fixture
def spawn(
    manager: TaskManager, options: Callable[..., Options], tmp_path: Path
) -> Callable[..., Awaitable[Task]]:
    """Starts a task in a folder of its own."""
    base = options()

    async def spawned(name: str, prompt: str, folder: str = "", *, cli: str = "", **how: Any) -> Task:
        directory = tmp_path / (folder or f"in {name}")
        directory.mkdir(exist_ok=True)
        return await manager.spawn(name, prompt, base.with_(cwd=directory, cli=cli or base.cli), **how)

    return spawned


@pytest.fixture
def clis() -> dict[str, Path]:
    """Both generations of the real CLI."""
    return {"current": current_cli(), "older": OLDER_CLI}


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Waits for a condition while the loop runs; fails after `timeout` seconds."""

    async def wait(condition: Callable[[], object], timeout: float = 30.0) -> None:  # noqa: ASYNC109
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.01)  # a poll, not a guess

    return wait
