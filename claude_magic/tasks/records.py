"""What is kept of tasks in the state folder, so that they outlive their kernel.

The promise: of all live kernels at most one has a task at work in a directory; a row counts as at work only
if its kernel's pid and creation time are verified. The prompt is kept, to go on with it; no answer is.
"""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from claude_magic.errors import BusyError
from claude_magic.notebook.conversation_store import NotebookKey
from claude_magic.processes.identity import is_same_process
from claude_magic.prompt import Prompt, attachments_to
from claude_magic.support.paths import check_folder
from claude_magic.support.state_file import StateFile

__all__ = ["TaskRecord", "TaskRecords", "TaskStatus", "new_record"]

T = TypeVar("T")

RETENTION = 30 * 86_400.0  # seconds after its end that a task is known; its result's file stays


class TaskStatus(StrEnum):
    """Where a task is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # by the end of its kernel, or of the extension; it can go on

    @property
    def is_over(self) -> bool:
        """Nothing works on the task."""
        return self not in {TaskStatus.PENDING, TaskStatus.RUNNING}


class TaskRecord(Struct, frozen=True, kw_only=True):
    """A task as it is kept.

    Args:
        id: Unique.
        name: What the person calls it.
        prompt: What was asked.
        attachments: The data that goes before it, as JSON.
        project: The directory it was given; its result is written below it.
        cwd: The directory it works in: the same, or one of a git worktree.
        directory: That one without links.
        session_id: Its conversation.
        status: Where it is.
        started: In seconds since 1970.
        kernel_pid: The process that has it, or had it last.
        kernel_created: That one's creation time.
        ended: In seconds since 1970; 0 if it has not.
        error: What went wrong, or "".
        worktree: The worktree made for it, or "".
        branch: The worktree's branch, or "".
        turn_options: The options of its turns, as JSON.
        kernel_id: With the next two, what the notebook is known by.
        path: The notebook's path.
        inode: The notebook's inode.
    """

    id: str
    name: str
    prompt: str
    project: str
    cwd: str
    directory: str
    session_id: str
    status: TaskStatus
    started: float
    kernel_pid: int
    kernel_created: str
    ended: float = 0.0
    error: str = ""
    worktree: str = ""
    branch: str = ""
    turn_options: str = "{}"
    attachments: str = "[]"
    kernel_id: str = ""
    path: str = ""
    inode: str = ""

    @property
    def result_path(self) -> Path:
        """Where the task's result is written when it ends."""
        return Path(self.project, ".claude-tasks", f"task-{self.id}-output.md")

    @property
    def is_at_work(self) -> bool:
        """A live kernel works on the task."""
        return not self.status.is_over and is_same_process(self.kernel_pid, self.kernel_created)


def new_record(
    name: str, prompt: Prompt, directory: Path, turn_options: str, owner: Mapping[str, Any]
) -> TaskRecord:
    """The record of a task that is about to be started.

    Args:
        name: What the person calls it.
        prompt: What was asked.
        directory: Where it is to work.
        turn_options: The options of its turns, as JSON.
        owner: Its kernel's and its notebook's fields.

    Raises:
        WorkingDirectoryError: The directory does not exist.
    """
    check_folder("--cwd", directory)
    return TaskRecord(
        id=uuid.uuid4().hex[:8],
        name=name,
        prompt=prompt.text,
        attachments=attachments_to(prompt.attachments),
        project=str(directory),
        cwd=str(directory),
        directory=os.path.realpath(directory),
        session_id="",
        status=TaskStatus.PENDING,
        started=time.time(),
        turn_options=turn_options,
        **owner,
    )


_COLUMNS = TaskRecord.__struct_fields__
_SCHEMA = f"CREATE TABLE IF NOT EXISTS tasks ({', '.join(_COLUMNS)}, PRIMARY KEY (id))"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM tasks"  # noqa: S608  # names of ours, no input
_PUT = f"INSERT OR REPLACE INTO tasks ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_ADD = "ALTER TABLE tasks ADD COLUMN attachments DEFAULT '[]'"  # a folder may be older than the column
_UNCLAIM = "DELETE FROM tasks WHERE id = ? AND kernel_pid = ? AND kernel_created = ?"
_FORGET_OLD = "DELETE FROM tasks WHERE ended > 0 AND ended < ?"


class TaskRecords:
    """Keeps a row for each task.

    Args:
        folder: Where; the user's state folder if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = StateFile("tasks.sqlite", _SCHEMA, folder)

    def claim(self, record: TaskRecord) -> None:
        """Puts a task that is about to work in its directory.

        Raises:
            BusyError: Another works there, or this one is at work in another kernel.
        """
        self._run(lambda database: _claim(database, record))

    def take_back(self, record: TaskRecord, before: TaskRecord | None = None) -> None:
        """Undoes a claim, if there was one: the task has not begun.

        Args:
            record: What was claimed.
            before: What was kept of the task until then; it is kept again.
        """
        self._run(lambda database: _take_back(database, record, before))

    def put(self, record: TaskRecord) -> None:
        """Writes down what has changed."""
        self._run(lambda database: database.execute(_PUT, _row(record)))

    def forget(self, task_id: str) -> None:
        """Takes a task out."""
        self._run(lambda database: database.execute("DELETE FROM tasks WHERE id = ?", (task_id,)))

    def of_notebook(self, notebook: NotebookKey) -> list[TaskRecord]:
        """A notebook's tasks that no other live kernel has, oldest first; of this kernel's own, the ended.

        What was not asked in a notebook, and is not over, belongs to whatever is no notebook.
        """
        if not self._file.exists:
            return []
        rows = self._run(lambda database: database.execute(f"{_SELECT} ORDER BY started").fetchall())
        return [record for record in map(_record, rows) if _belongs_to(record, notebook)]

    def notices(self) -> list[str]:
        """What the person should know of the state folder; each is told once."""
        return self._file.notices()

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        return self._file.run(lambda database: action(_migrate(database)))

    def close(self) -> None:
        """Lets go of what is kept in memory, if anything."""
        self._file.close()


def _migrate(database: sqlite3.Connection) -> sqlite3.Connection:
    columns = {row[1] for row in database.execute("PRAGMA table_info(tasks)")}
    if "attachments" not in columns:
        database.execute(_ADD)
    return database


def _claim(database: sqlite3.Connection, record: TaskRecord) -> None:
    rows = database.execute(f"{_SELECT} WHERE directory = ? OR id = ?", (record.directory, record.id))
    for other in map(_record, rows.fetchall()):
        ours = (other.kernel_pid, other.kernel_created) == (record.kernel_pid, record.kernel_created)
        if other.is_at_work and not (ours and other.id == record.id):
            raise _busy_error(other, ours=ours)
    database.execute(_FORGET_OLD, (time.time() - RETENTION,))
    database.execute(_PUT, _row(record))


def _take_back(database: sqlite3.Connection, record: TaskRecord, before: TaskRecord | None) -> None:
    ours = (record.id, record.kernel_pid, record.kernel_created)
    if database.execute(_UNCLAIM, ours).rowcount and before is not None:
        database.execute(_PUT, _row(before))


def _busy_error(other: TaskRecord, *, ours: bool) -> BusyError:
    where = "" if ours else f" of {other.path or 'another kernel'} (kernel {other.kernel_pid})"
    cancel = f"Cancel it with: %claude_tasks cancel {other.name}" if ours else "Cancel it there"
    return BusyError(
        f"Task {other.name!r}{where} is at work in {other.cwd}. {cancel}, "
        "or give this one a copy of the repository: --worktree"
    )


def _belongs_to(record: TaskRecord, notebook: NotebookKey) -> bool:
    if record.kernel_pid == os.getpid() and is_same_process(record.kernel_pid, record.kernel_created):
        return record.status.is_over
    theirs = (record.kernel_id, record.inode, record.path)
    ours = (notebook.kernel_id, notebook.inode, notebook.path)
    same = any(key and key == other for key, other in zip(theirs, ours, strict=True))
    nobodys = not any(theirs) and not notebook.is_known and not record.status.is_over
    return (same or nobodys) and not is_same_process(record.kernel_pid, record.kernel_created)


def _row(record: TaskRecord) -> list[object]:
    return [getattr(record, name) for name in _COLUMNS]


def _record(row: Iterable[object]) -> TaskRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["status"] = TaskStatus(str(values["status"]))
    return TaskRecord(**values)  # type: ignore[arg-type]  # as _row wrote it
