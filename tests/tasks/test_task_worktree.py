"""Tasks in git worktrees, with the real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from claude_magic.errors import UsageError
from claude_magic.options import TurnOptions
from claude_magic.tasks import Task, TaskManager, TaskStatus

pytestmark = pytest.mark.process

Spawn = Callable[..., Awaitable[Task]]
ALLOWED = TurnOptions(allow=("Bash",))


def git(directory: Path, *args: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.invalid")
    command = ["git", *who, *args]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, and something that is not in it."""
    folder = tmp_path / "project"
    (folder / "part").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "part" / "kept.txt").write_text("kept")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    (folder / "untracked.txt").write_text("mine")
    return folder


async def test_tasks_in_worktrees_work_at_once_in_one_repository_and_leave_it_as_it_was(
    spawn: Spawn, manager: TaskManager, repository: Path
) -> None:
    before = git(repository, "status", "--porcelain")
    changing = await spawn(
        "changing", "run echo new > new.txt", "project/part", worktree=True, turn_options=ALLOWED
    )
    reading = await spawn("reading", "say hello", "project", worktree=True)
    results = [await task.wait() for task in (changing, reading)]

    assert [task.status for task in (changing, reading)] == [TaskStatus.COMPLETED] * 2, results
    place = repository.with_name("project.worktrees")
    assert [changing.worktree, reading.worktree] == [place / "changing", place / "reading"]
    assert (place / "changing" / "part" / "new.txt").read_text() == "new\n"
    assert not (repository / "part" / "new.txt").exists()
    assert git(place / "changing", "branch", "--show-current") == changing.branch == "claude-task/changing"
    assert git(repository, "status", "--porcelain") == before
    assert changing.result_path.parent == repository / "part" / ".claude-tasks"
    written = changing.result_path.read_text()
    assert f"`{changing.worktree}, branch claude-task/changing`" in written

    forgotten = await manager.cleanup()

    assert forgotten == [changing, reading]
    assert (changing.worktree, reading.worktree) == (place / "changing", None)
    assert (place / "changing" / "part" / "new.txt").exists()
    assert not (place / "reading").exists()
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["claude-task/changing", "main"]
    with pytest.raises(UsageError, match=r"changing of an earlier task is still there.*git worktree remove"):
        await spawn("changing", "say no", "project", worktree=True)
    assert manager.list() == []


async def test_commits_of_a_task_stay_on_its_branch_when_its_worktree_is_removed(
    spawn: Spawn, manager: TaskManager, repository: Path
) -> None:
    commit = "git -c user.name=n -c user.email=e commit --quiet --allow-empty -m theirs"
    task = await spawn("one", f"run {commit}", "project", worktree=True, turn_options=ALLOWED)
    await task.wait()
    await manager.cleanup()
    assert task.worktree is None
    assert git(repository, "log", "-1", "--format=%s", "claude-task/one") == "theirs"


async def test_without_a_repository_or_a_commit_it_says_so_in_one_line_and_nothing_is_started(
    spawn: Spawn, manager: TaskManager, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--worktree needs a git repository, and .* is in none"):
        await spawn("one", "say no", "plain", worktree=True)
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(UsageError, match="git could not make a worktree: ") as refused:
        await spawn("one", "say no", "empty", worktree=True)
    assert "\n" not in str(refused.value)
    assert manager.list() == []


@pytest.mark.fault(90, via="real")
async def test_a_git_that_lies_in_the_folder_is_never_run(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "project" / "git"
    planted.parent.mkdir()
    planted.write_text("#!/bin/sh\ntouch ran\n")
    planted.chmod(0o755)
    monkeypatch.chdir(planted.parent)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}bin")
    with pytest.raises(UsageError, match="the program git, which is not on PATH"):
        await spawn("one", "say no", "project", worktree=True)
    assert not (planted.parent / "ran").exists()
