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


def goes_on(notebook: MagicNotebook) -> None:
    """Another session of the older CLI, and a stop and a resumption of the first one."""
    notebook.do("%claude_stop main")
    notebook.do("r = %claude -s main what came first?")
    assert notebook.value("r.text") == "First came: say one"
    notebook.do(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")
    notebook.do("r = %claude -s other say four")
    assert notebook.value("r.text") == "four"
    assert notebook.status("other")["state"] == "idle"


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


def test_databases_that_somebody_holds_locked_cost_one_warning(opened: Callable[..., MagicNotebook]) -> None:
    notebook = opened()
    notebook.do("%claude say one")
    with contextlib.ExitStack() as held:
        for path in (notebook.folder / "state" / "claude_magic").glob("*.sqlite"):
            database = held.enter_context(
                contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None))
            )
            database.execute("BEGIN EXCLUSIVE")

        cells = [notebook.do(f"%claude say {word}") for word in ("two", "three", "more")]
        assert warnings(*cells) == 1
        goes_on(notebook)
