"""A task's result as a Markdown file: PROJECT/.claude-tasks/task-ID-output.md.

The promise: the file is whole or not there; nothing else in the folder is touched, and nothing is written
through a link that the project has put in the folder's place.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claude_magic.control_characters import strip_controls
from claude_magic.tasks.records import RESULTS_FOLDER

if TYPE_CHECKING:
    from claude_magic.result import ToolCall
    from claude_magic.tasks.task import Task
    from claude_magic.transcript import Transcript

__all__ = ["Render", "prepare", "report_of", "write"]

Render = Callable[["Transcript"], str]

_RESULT_LIMIT = 4_000  # characters of a tool's result


def prepare(project: str) -> None:
    """Makes the folder, unseen by git.

    Raises:
        OSError: It cannot be made, or is a link.
    """
    folder = Path(project, RESULTS_FOLDER)
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
    prepare(str(path.parent.parent))
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".task-", encoding="utf-8", errors="replace", delete=False
    ) as file:
        try:
            file.write(text)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def report_of(task: Task, render: Render | None = None) -> str:
    """A task and what it came to, as Markdown.

    Args:
        task: The task.
        render: Shows a turn as Markdown; if None, the answer and the tool calls are written as they are.

    Returns:
        The Markdown, with nothing in it that a terminal acts on.
    """
    parts = [f"# Task {_words(task.name)}: {task.status.value}", "\n".join(_facts(task))]
    if render is None:
        parts += _told(task)
    else:
        parts += [render(transcript).strip("\n") for transcript in task.transcripts]
    return strip_controls("\n\n".join(parts)) + "\n"


def _facts(task: Task) -> Iterator[str]:
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
    return (f"- {label}: {_code(value)}" for label, value in facts.items() if value)


def _told(task: Task) -> Iterator[str]:
    yield "## Prompt"
    yield _fenced(task.prompt)
    for data in task.asked.attachments:
        yield f"{_words(data.label)}\n\n{_fenced(data.text)}"
    yield "## Answer"
    answers = [transcript.answer for transcript in task.transcripts]
    yield "\n\n".join(filter(None, answers)) or "None."
    if calls := [call for transcript in task.transcripts for call in transcript.tool_calls]:
        yield "## Tool calls"
        yield from map(_call, calls)


def _call(call: ToolCall) -> str:
    state = "failed" if call.is_error else "ok"
    given = json.dumps(call.input, ensure_ascii=False, indent=2)
    said = call.result[-_RESULT_LIMIT:]
    return "\n\n".join(
        [f"**{_words(call.name)}** ({state})", _fenced(given), *([_fenced(said)] if said else [])]
    )


def _fenced(text: str) -> str:
    """The text between fences longer than any in it; "" if there is none."""
    marks = "`" * max(3, 1 + max(map(len, _ticks(text)), default=0))
    return f"{marks}\n{text}\n{marks}" if text else ""


def _ticks(text: str) -> Iterable[str]:
    return re.findall(r"`+", text)


def _words(text: str) -> str:
    """Plain text in one line, every character of Markdown's escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!&])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Plain text in one line, as code: paths stay readable."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().isoformat(sep=" ", timespec="seconds")
