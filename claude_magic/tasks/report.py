"""A task's result as a Markdown file: PROJECT/.claude-tasks/task-ID-output.md.

The promise: the file is whole or not there; nothing else in the folder is touched, and nothing is written
through a link that the project has put in the folder's place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from claude_magic.control_characters import strip_controls
from claude_magic.support.whole_file import write_whole
from claude_magic.tasks.task import Task

__all__ = ["prepare", "report_of", "write"]


def prepare(folder: Path) -> None:
    """Makes the folder of a result's file, unseen by git.

    Raises:
        OSError: It cannot be made, or is a link.
    """
    folder.mkdir(exist_ok=True)
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link")
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x") as file:
        file.write("*\n")


def write(path: Path, text: str) -> None:
    """Writes the file in one step.

    Raises:
        OSError: It cannot be written.
    """
    prepare(path.parent)
    write_whole(path, text, errors="replace")


def report_of(task: Task) -> str:
    """A task and what it came to, as Markdown, with nothing in it that a terminal acts on."""
    from claude_magic.commonmark.writing import escaped  # noqa: PLC0415  # heavy: on first use
    from claude_magic.wording.markdown import markdown_of  # noqa: PLC0415

    head = f"# Task {escaped(' '.join(task.name.split()))}: {task.status.value}"
    turns = (markdown_of(transcript).strip("\n") for transcript in task.transcripts)
    return strip_controls("\n\n".join([head, "\n".join(_facts(task)), *turns])) + "\n"


def _facts(task: Task) -> Iterator[str]:
    from claude_magic.commonmark.writing import code_span  # noqa: PLC0415

    facts = {
        "id": task.id,
        "directory": str(task.cwd),
        "worktree": f"{task.worktree}, branch {task.branch}" if task.worktree else "",
        "started": _time(task.started),
        "ended": _time(task.ended) if task.ended else "",
        "took": f"{task.elapsed:.1f} s",
        "cost": f"${task.cost_usd:.4f}",
        "session id": task.session_id,
        "error": task.error,
    }
    return (f"- {label}: {code_span(value)}" for label, value in facts.items() if value)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().isoformat(sep=" ", timespec="seconds")
