"""A real kernel whose state folder is of no use: one warning, and sessions work without it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generations import OLDER_CLI
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, read_page

pytestmark = [pytest.mark.kernel, pytest.mark.fault(97, via="real")]

NO_HISTORY = ["--HistoryManager.enabled=False"]  # IPython's own database would fail as well, and say so
FULL = """
import resource
_, _most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, _most))
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., MagicNotebook]]:
    """Starts a kernel, with variables of its own."""
    with contextlib.ExitStack() as stack:

        def start(**env: str) -> MagicNotebook:
            notebook = stack.enter_context(MagicNotebook(tmp_path, env=env, arguments=NO_HISTORY))
            notebook.load()
            return notebook

        yield start


def warnings(*cells: Cell) -> int:
    """How often the cells say that the state folder is of no use."""
    return sum(read_page(html(cell)).text.count("The state folder cannot be used") for cell in cells)


def goes_on(notebook: MagicNotebook) -> list[Cell]:
    """Another session of the older CLI, and a stop and a resumption of the first one."""
    notebook.do("%claude_stop main")
    resumed = notebook.do("r = %claude -s main what came first?")
    assert notebook.value("r.text") == "First came: say one"
    notebook.do(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")
    other = notebook.do("r = %claude -s other say four")
    assert notebook.value("r.text") == "four"
    assert notebook.status("other")["state"] == "idle"
    return [resumed, other]


def test_a_folder_that_nobody_may_write_to_costs_one_warning(opened: Callable[..., MagicNotebook]) -> None:
    """/proc: not even root may."""
    notebook = opened(XDG_STATE_HOME="/proc/claude_magic")

    cells = [notebook.do(f"%claude say {word}") for word in ("one", "two")]

    assert warnings(*cells) == 1
    goes_on(notebook)


def test_a_disk_that_is_full_costs_one_warning(opened: Callable[..., MagicNotebook]) -> None:
    notebook = opened()
    notebook.do("%claude say one")
    notebook.do(FULL)

    cells = [notebook.do(f"%claude say {word}") for word in ("two", "three")]

    notebook.do("resource.setrlimit(resource.RLIMIT_FSIZE, (_most, _most))")
    cells.append(notebook.do("%claude say more"))
    assert warnings(*cells) == 1
    goes_on(notebook)


@contextlib.contextmanager
def locked(notebook: MagicNotebook) -> Iterator[None]:
    """Another process, this one, holds every file of the state folder."""
    with contextlib.ExitStack() as held:
        for path in (notebook.folder / "state" / "claude_magic").glob("*.sqlite"):
            database = held.enter_context(
                contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None))
            )
            database.execute("BEGIN EXCLUSIVE")
        yield


def test_databases_that_somebody_holds_locked_cost_one_warning(opened: Callable[..., MagicNotebook]) -> None:
    notebook = opened()
    notebook.do("%claude say one")
    with locked(notebook):
        cells = [notebook.do(f"%claude say {word}") for word in ("two", "three", "more")]
        cells += goes_on(notebook)  # nobody waits with the end of a turn until the lock is given up as lost
    assert warnings(*cells) == 1


PATIENT = """
import asyncio, claude_magic.support.state_file, pathlib, sys, threading, traceback
claude_magic.support.state_file.BUSY_TIMEOUT = 300.0
_loop, _over = asyncio.get_running_loop(), threading.Event()
def _waiting():
    for thread, top in sys._current_frames().items():
        if any(frame.f_code.co_name == "_patiently" for frame, _ in traceback.walk_stack(top)):
            return threading.main_thread() if thread == threading.main_thread().ident else thread
def _watch():
    while not _over.wait(0.01):
        for asked in pathlib.Path().glob("asked-*"):
            if _waiting() is threading.main_thread():
                asked.with_name(asked.name.replace("asked", "held-up")).touch()
            elif _waiting():
                _loop.call_soon_threadsafe(asked.with_name(asked.name.replace("asked", "answered")).touch)
threading.Thread(target=_watch, daemon=True).start()
"""


def answers(notebook: MagicNotebook, number: int) -> bool:
    """Whether the kernel's loop is free while a state file is waited for."""
    work: Path = notebook.work
    asked, answered, held_up = (work / f"{word}-{number}" for word in ("asked", "answered", "held-up"))
    asked.touch()
    notebook.wait_for(lambda: answered.exists() or held_up.exists())
    asked.unlink()
    return answered.exists()


@pytest.mark.fault(66, via="real")
def test_the_loop_goes_on_while_somebody_holds_the_state_folder_locked(
    opened: Callable[..., MagicNotebook],
) -> None:
    """Sessions begin and go on when the lock is given back; a turn does not wait for that."""
    notebook = opened()
    notebook.do("%claude say one")
    notebook.do(PATIENT)
    cells = []
    for number, waiting in enumerate(
        ("%claude_status --all", "%claude -s other say two", "%claude_stop", "%claude -s main say three")
    ):
        with locked(notebook):
            cell_id = notebook.start(waiting)
            assert answers(notebook, number)
        cells.append(notebook.wait(cell_id))
    with locked(notebook):
        cells.append(notebook.do("r = %claude -s main what came first?"))
        assert notebook.value("r.text") == "First came: say one"
    assert warnings(*(cell for cell in cells if cell.displays)) == 0
    notebook.do("_over.set()")
