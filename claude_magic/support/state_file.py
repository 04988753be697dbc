"""The user's state folder, and files of it that may fail without harm.

The promise: a folder that is missing, read-only or full, a file that is locked or corrupt costs one warning;
what would have been kept there is then kept in memory. A corrupt file is set aside and begun anew. On an
event loop ask by `off_loop` or `later`: another process's lock does not hold it up then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["StateFile", "flush", "later", "off_loop", "state_folder"]

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT = 1.0  # seconds to wait for another kernel's write; measured: a write takes 0.001
BUSY_PAUSE = 0.005  # seconds between two attempts
_in_thread = ContextVar("claude_magic_state_thread", default=False)
_at_work = threading.Lock()  # held in each attempt
_log = logging.getLogger(__name__)
_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_reported_folders: set[Path] = set()  # folders whose failure the person knows of


def state_folder() -> Path:
    """The user's state folder for claude_magic; not created here."""
    from platformdirs import user_state_path  # noqa: PLC0415  # load budget

    return Path(user_state_path("claude_magic"))


async def off_loop(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Makes a call that asks a state file, in a thread; cancelled, it is made all the same.

    Raises:
        Exception: Whatever the call does.
    """
    try:
        future = _submit(partial(call, *args, **kwargs))
    except RuntimeError:
        return call(*args, **kwargs)
    return await asyncio.shield(asyncio.wrap_future(future))


def later(call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Makes a call that nobody waits for: in its turn if an event loop runs here, else at once."""
    try:
        asyncio.get_running_loop()
        future = _submit(partial(call, *args, **kwargs))
    except RuntimeError:
        call(*args, **kwargs)
    else:
        future.add_done_callback(_log_failure)


async def flush() -> None:
    """Waits until what was left for `later` is done."""
    await off_loop(lambda: None)


@cache
def _thread() -> ThreadPoolExecutor:
    """One for all files, so that what is asked of them keeps its order; a forked child gets its own."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # load budget

    return ThreadPoolExecutor(1, "claude_magic state", initializer=_in_thread.set, initargs=(True,))


def _submit(call: Callable[[], T]) -> Future[T]:
    """Has the thread make a call.

    Raises:
        RuntimeError: There is no thread: the interpreter exits, or the system has none left.
    """
    try:
        return _thread().submit(call)
    except RuntimeError:
        _thread.cache_clear()  # or the call is made once more when there is a thread again
        raise


def _wait() -> None:
    """Waits for the calls before this one; one that the thread makes does not wait for itself."""
    if not _in_thread.get():
        with contextlib.suppress(RuntimeError):
            _submit(lambda: None).result()


def _log_failure(future: Future[object]) -> None:
    if error := future.exception():
        _log.error("The state folder could not be written", exc_info=error)


class StateFile:
    """A SQLite file in the state folder, shared by all kernels of the user.

    Args:
        name: The file's name.
        schema: What makes its tables; run on every connection.
        folder: Where; the user's state folder if None.
    """

    def __init__(self, name: str, schema: str, folder: Path | None = None) -> None:
        self._name = name
        self._schema = schema
        self._folder = folder
        self._memory: sqlite3.Connection | None = None
        self._notices: list[str] = []

    @property
    def exists(self) -> bool:
        """Somebody has kept something."""
        return self._memory is not None or (self._where() / self._name).exists()

    def run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `action` in one transaction that no other kernel's writing comes between.

        What was left for `later` is done before.

        Args:
            action: May be run more than once; whatever it raises but `sqlite3.Error` undoes it and goes on.

        Returns:
            What `action` returns.
        """
        _wait()
        if self._memory is None:
            try:
                return self._run_on_disk(action)
            except (OSError, sqlite3.Error) as error:
                self._tell(str(error), "Sessions work, but are not found again after a kernel restart.")
        with _at_work:
            if self._memory is None:
                self._memory = self._prepare(sqlite3.connect(":memory:", check_same_thread=False))
            return _transaction(self._memory, action)

    def notices(self) -> list[str]:
        """What the person should know; each is told once."""
        notices = self._notices[:]  # a thread may add to it meanwhile
        del self._notices[: len(notices)]
        return notices

    def close(self) -> None:
        """Lets go of what is kept in memory, if anything."""
        _wait()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _run_on_disk(self, action: Callable[[sqlite3.Connection], T]) -> T:
        busy_until = time.monotonic() + BUSY_TIMEOUT
        for attempt in range(3):
            try:
                return self._patiently(action, busy_until)
            except sqlite3.DatabaseError as error:
                if _code(error) not in _UNREADABLE or attempt == 2:
                    raise
                if attempt == 1:  # at first another kernel may just have begun it anew
                    self._set_aside()
        raise AssertionError

    def _patiently(self, action: Callable[[sqlite3.Connection], T], busy_until: float) -> T:
        while True:
            try:
                return self._once(action)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > busy_until:
                    raise
            time.sleep(BUSY_PAUSE)

    def _once(self, action: Callable[[sqlite3.Connection], T]) -> T:
        folder = self._where()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without SQLite's own wait: switching to WAL does not have it, and a fork would wait with it.
        with _at_work, contextlib.closing(sqlite3.connect(folder / self._name, timeout=0)) as database:
            return _transaction(self._prepare(database), action)

    def _prepare(self, database: sqlite3.Connection) -> sqlite3.Connection:
        database.isolation_level = None  # transactions are ours
        database.execute("PRAGMA journal_mode = WAL")
        # A sync takes 12 ms at the end of each turn; what a power cut breaks is begun anew.
        database.execute("PRAGMA synchronous = OFF")
        database.execute(self._schema)
        return database

    def _set_aside(self) -> None:
        path = self._where() / self._name
        aside = f"{self._name}.corrupt-{time.time():.0f}"
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(self._name + ending).rename(path.with_name(aside + ending))
        self._tell(f"{self._name} was unreadable and is now {aside}", "It was begun anew.")

    def _tell(self, what: str, after: str) -> None:
        """Once for each folder, whatever else is wrong with it."""
        if self._where() not in _reported_folders:
            _reported_folders.add(self._where())
            self._notices.append(f"The state folder cannot be used ({what}). {after}")

    def _where(self) -> Path:
        return self._folder or state_folder()


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _transaction(database: sqlite3.Connection, action: Callable[[sqlite3.Connection], T]) -> T:
    database.execute("BEGIN IMMEDIATE")
    try:
        result = action(database)
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return result


def _leave_to_parent() -> None:
    """In a forked child: what is still to be written is the parent's to write."""
    _at_work.release()
    _thread.cache_clear()


# A fork waits for the attempt at work: a child must get no copy of SQLite's locks while a thread holds them.
os.register_at_fork(
    before=_at_work.acquire, after_in_parent=_at_work.release, after_in_child=_leave_to_parent
)
