"""Task managers on the scripted model; none may leave a process behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from generations import OLDER_CLI, current_cli
from leaks import nothing_left

from claude_magic.options import Options
from claude_magic.prompt import Prompt
from claude_magic.tasks import Task, TaskManager


@pytest.fixture
async def as_before(model: object) -> AsyncIterator[None]:
    """Descriptors, threads, tasks and children are the same after the test as before."""
    assert model
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

    async def spawned(
        name: str, prompt: str | Prompt, folder: str = "", *, cli: str = "", **how: Any
    ) -> Task:
        directory = tmp_path / (folder or f"in {name}")
        directory.mkdir(exist_ok=True)
        return await manager.spawn(name, prompt, base.with_(cwd=directory, cli=cli or base.cli), **how)

    return spawned


@pytest.fixture
def clis() -> dict[str, Path]:
    """Both generations of the real CLI."""
    return {"current": current_cli(), "older": OLDER_CLI}
