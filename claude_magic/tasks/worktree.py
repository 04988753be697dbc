"""A git worktree for a task: a copy of the repository that it has to itself, on a branch of its own.

It stands beside the repository, as REPOSITORY.worktrees/NAME: inside, its files would turn up in the
repository's own searches and tests, and Claude would read the project's instructions twice.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from msgspec import Struct

from claude_magic.errors import StartError, UsageError
from claude_magic.processes.manager import default_manager

__all__ = ["Worktree", "add_worktree", "remove_worktree"]

GIT_TIMEOUT = 300.0  # seconds; a checkout of a large repository takes its time
_ITS_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # would name another repository


class Worktree(Struct, frozen=True):
    """A worktree that was made.

    Args:
        path: Where it is.
        branch: Its branch.
        cwd: The directory in it that stands for the one it was made for.
    """

    path: Path
    branch: str
    cwd: Path


async def add_worktree(directory: Path, name: str) -> Worktree:
    """Makes a worktree of the repository that a directory belongs to, from its last commit.

    Raises:
        UsageError: It belongs to none, there is no git, or git refused; the message has git's own words.
    """
    code, output, error = await _git(directory, "rev-parse", "--show-toplevel", "--show-prefix")
    if "not a git repository" in error:
        raise UsageError(f"--worktree needs a git repository, and {directory} is in none.")
    if code != 0:
        raise UsageError(f"git refused the repository of {directory}: {error}")
    root, _, prefix = output.partition("\n")
    path = Path(f"{root}.worktrees", name)
    branch = f"claude-task/{name}"
    if await asyncio.to_thread(path.exists):
        raise UsageError(
            f"The worktree {path} of an earlier task is still there. Take another name, or remove it with: "
            f"git worktree remove {path}"
        )
    try:
        code, _, error = await _git(directory, "worktree", "add", "-b", branch, str(path), "HEAD")
    except BaseException:  # half made
        await _git(directory, "worktree", "remove", "--force", str(path))
        await _git(directory, "branch", "-d", branch)
        raise
    if code != 0:
        raise UsageError(f"git could not make a worktree: {error}")
    return Worktree(path, branch, path / prefix.strip("\n"))


async def remove_worktree(project: Path, path: Path, branch: str) -> bool:
    """Removes a worktree if nothing in it would be lost, and its branch if it has nothing of its own.

    Returns:
        Whether the worktree is gone.
    """
    if await asyncio.to_thread(path.exists):
        code, _, _ = await _git(project, "worktree", "remove", str(path))  # refused if there are changes
        if code != 0:
            return False
    await _git(project, "branch", "-d", branch)  # refused if it has commits of its own
    return True


async def _git(directory: Path, *args: str) -> tuple[int, str, str]:
    """Runs git: its exit code, its output, and the last line of what it complains of."""
    env = {name: value for name, value in os.environ.items() if name not in _ITS_OWN}
    argv = [_program(), "-C", str(directory), *args]
    child = await default_manager().start_helper(argv, {**env, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"})
    output = b""
    try:
        async with asyncio.timeout(GIT_TIMEOUT):
            while chunk := await child.read():
                output += chunk
            await child.wait_closed()
    except TimeoutError:
        raise StartError(f"git {args[0]} took more than {GIT_TIMEOUT:g} s and was stopped.") from None
    finally:
        await child.kill()
    code = child.returncode
    return -1 if code is None else code, output.decode(errors="replace"), " ".join(child.stderr_tail(1))


def _program() -> str:
    """git, but never one that lies in the current folder."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    program = shutil.which("git", path=os.pathsep.join(filter(os.path.isabs, entries)))
    if program is None:
        raise UsageError("--worktree needs the program git, which is not on PATH.")
    return program
