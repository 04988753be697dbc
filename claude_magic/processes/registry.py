"""Every process that claude_magic runs on this machine, for all kernels of the user to see.

The promise: a conversation, or a process's name, is never held by two live processes; a row counts only if
its pid and creation time are verified. No environment, prompt or secret is kept. Without a usable state
folder this kernel's own processes are still known, in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from claude_magic.errors import InUseError
from claude_magic.processes.identity import is_same_process
from claude_magic.support.state_file import StateFile

__all__ = ["ProcessInfo", "ProcessRegistry", "ProcessStatus", "in_use"]


class ProcessStatus(StrEnum):
    """Where a process is."""

    RUNNING = "running"
    STOPPED = "stopped"  # by us, or with exit code 0
    CRASHED = "crashed"


class ProcessInfo(Struct, frozen=True):
    """A process: all but its environment.

    Args:
        id: What it is called; one live process has it.
        pid: Its process id; 0 while it is being started.
        created: Its creation time, as `creation_time` gives it.
        kernel_pid: The process that started it.
        kernel_created: That one's creation time.
        cwd: Its working directory.
        notebook: The notebook's path, or "".
        session_id: The conversation it speaks for, or "".
        mark: The value of `TREE_TAG` in its environment.
        argv: Its command line without secrets.
        status: Where it is.
        started_at: When it was started, in seconds since 1970.
        returncode: Its exit code, negative for a signal; None while it is not known.
    """

    id: str
    pid: int
    created: str
    kernel_pid: int
    kernel_created: str
    cwd: str
    notebook: str
    session_id: str
    mark: str
    argv: tuple[str, ...]
    status: ProcessStatus
    started_at: float
    returncode: int | None = None

    @property
    def kernel_lives(self) -> bool:
        """The process that started it still runs."""
        return is_same_process(self.kernel_pid, self.kernel_created)

    @property
    def is_running(self) -> bool:
        """The process runs, or is about to: verified, whatever was written down."""
        if self.status is not ProcessStatus.RUNNING:
            return False
        return is_same_process(self.pid, self.created) if self.pid else self.kernel_lives


_COLUMNS = ProcessInfo.__struct_fields__
_SCHEMA = f"CREATE TABLE IF NOT EXISTS processes ({', '.join(_COLUMNS)}, PRIMARY KEY (id))"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM processes"  # noqa: S608  # names of ours, no input
_PUT = f"INSERT OR REPLACE INTO processes VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_DELETE = "DELETE FROM processes WHERE id = ? AND mark = ?"


class ProcessRegistry:
    """Keeps a row for each process.

    Args:
        folder: Where; the user's state folder if None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = StateFile("processes.sqlite", _SCHEMA, folder)

    def register(self, info: ProcessInfo) -> None:
        """Claims the id and the conversation for a process, before it is started.

        Raises:
            InUseError: A live process holds one of them; the message names its notebook and pid.
        """
        self._file.run(lambda database: _claim(database, info))

    def update(self, info: ProcessInfo) -> None:
        """Writes down what has changed of a registered process, unless another has taken over its id."""
        self._file.run(lambda database: _change(database, info))

    def unregister(self, info: ProcessInfo) -> None:
        """Takes a process out; one that has taken over its id stays."""
        self._file.run(lambda database: database.execute(_DELETE, (info.id, info.mark)))

    def get(self, process_id: str) -> ProcessInfo | None:
        """The process of this name, running or not."""
        return next(iter(self._select("WHERE id = ?", process_id)), None)

    def get_by_pid(self, pid: int) -> ProcessInfo | None:
        """The process that runs under this pid now."""
        return next((info for info in self._select("WHERE pid = ?", pid) if info.is_running), None)

    def get_all(self) -> list[ProcessInfo]:
        """Every process that was registered and not taken out, oldest first."""
        return self._select("ORDER BY started_at")

    def holder(self, session_id: str) -> ProcessInfo | None:
        """The live process of a live kernel that speaks for a conversation."""
        processes = self._select("WHERE session_id = ?", session_id)
        return next((info for info in processes if info.is_running and info.kernel_lives), None)

    def clear(self) -> None:
        """Takes out every process that no longer runs."""
        self._file.run(_clear)

    def notices(self) -> list[str]:
        """What the person should know of the state folder; each is told once."""
        return self._file.notices()

    def close(self) -> None:
        """Lets go of what is kept in memory, if anything."""
        self._file.close()

    def _select(self, where: str, *values: object) -> list[ProcessInfo]:
        if not self._file.exists:
            return []
        return self._file.run(lambda database: _read(database, where, *values))


def _claim(database: sqlite3.Connection, info: ProcessInfo) -> None:
    same = "WHERE id = ? OR (session_id = ? AND session_id != '')"
    for other in _read(database, same, info.id, info.session_id):
        if other.is_running:
            raise in_use(other)
        database.execute(_DELETE, (other.id, other.mark))
    database.execute(_PUT, _row(info))


def _change(database: sqlite3.Connection, info: ProcessInfo) -> None:
    if database.execute(_DELETE, (info.id, info.mark)).rowcount:
        database.execute(_PUT, _row(info))


def in_use(holder: ProcessInfo) -> InUseError:
    """The refusal of what a live process holds: it names that one's notebook and pid."""
    what = "This conversation is" if holder.session_id else f"The process {holder.id!r} is"
    where = holder.notebook or f"a kernel without a notebook, in {holder.cwd}"
    message = (
        f"{what} already running in {where} (pid {holder.pid}, kernel {holder.kernel_pid}). "
        "Stop it there, or begin a new one here."
    )
    return InUseError(message, pid=holder.pid, notebook=holder.notebook)


def _clear(database: sqlite3.Connection) -> None:
    for info in _read(database, ""):
        if not info.is_running:
            database.execute(_DELETE, (info.id, info.mark))


def _read(database: sqlite3.Connection, where: str, *values: object) -> list[ProcessInfo]:
    return [_info(row) for row in database.execute(f"{_SELECT} {where}", values)]


def _row(info: ProcessInfo) -> tuple[object, ...]:
    values = (getattr(info, name) for name in _COLUMNS)
    return tuple(json.dumps(value) if isinstance(value, tuple) else value for value in values)


def _info(row: Iterable[object]) -> ProcessInfo:
    info = ProcessInfo(*row)  # type: ignore[arg-type]  # as _row wrote it
    return replace(info, argv=tuple(json.loads(str(info.argv))), status=ProcessStatus(info.status))
