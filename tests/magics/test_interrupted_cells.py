"""Interrupt: one line, what had come is kept, the process and the conversation stay, Run All stops."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from kernel_client import Cell, fresh_environment
from magic_fixtures import MagicNotebook, html, markdown, offline_environment, shown, static
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.kernel

INTERRUPTED = ("claude_magic: Interrupted. The session goes on; ask again when you like.",)


def half_there(cell: Cell) -> bool:
    return bool(cell.displays) and "The first half" in html(cell)


@pytest.mark.fault(39, via="real")
@pytest.mark.fault(40, via="real")
@pytest.mark.parametrize(
    "code",
    [
        "%%claude\nstall",
        "%claude stall",
        "r = %claude stall",
        "for n in range(9):\n    %claude stall",
        "def f():\n    %claude stall\nf()",
        "%%time\n%claude stall",
        "try:\n    %claude stall\nexcept Exception:\n    pass",
    ],
)
def test_an_interrupt_ends_the_cell_and_keeps_the_rest(notebook: MagicNotebook, code: str) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    cell = notebook.run(code, interrupt_when=half_there)

    assert cell.error is not None
    assert cell.error.traceback == INTERRUPTED
    assert cell.stderr == ""
    assert len(cell.displays) == 1
    assert "interrupted" in shown(cell).split("\n", 1)[0]
    assert {"text/html", "text/markdown", "text/plain"} <= set(static(cell))
    assert "The first half" in markdown(cell)
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say one"
    assert notebook.claude_pid() == pid


@pytest.mark.fault(42, via="real")
def test_an_interrupt_with_nothing_running_changes_nothing(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    notebook.interrupt()

    notebook.do("r = %claude say two")
    assert notebook.value("r.text") == "two"
    assert notebook.claude_pid() == pid


def test_the_cells_that_wait_behind_an_interrupted_one_are_not_run(notebook: MagicNotebook) -> None:
    first = notebook.start("%claude stall")
    second = notebook.start("%claude say second")
    third = notebook.start("print('third')")
    notebook.wait_for(lambda: half_there(notebook.cells[first]))

    notebook.interrupt()

    replies = [(notebook.wait(cell).reply or {})["status"] for cell in (first, second, third)]
    assert replies == ["error", "aborted", "aborted"]
    assert [request["prompt"] for request in notebook.endpoint.requests] == ["stall"]


@pytest.mark.fault(99, via="real")
def test_an_error_of_the_api_stops_run_all_in_one_line(tmp_path: Path) -> None:
    new = nbformat.v4
    codes = ("%load_ext claude_magic", "%%claude\nfail 400", "print('never')")
    made = new.new_notebook(cells=[new.new_code_cell(code) for code in codes])
    (tmp_path / "work").mkdir()

    client = NotebookClient(made, timeout=60, resources={"metadata": {"path": str(tmp_path / "work")}})
    with pytest.raises(CellExecutionError, match="400"):
        client.execute(env=fresh_environment(tmp_path) | offline_environment(tmp_path))

    errors = [output for output in made.cells[1].outputs if output.output_type == "error"]
    assert len(errors) == 1
    assert len(errors[0].traceback) == 1
    assert errors[0].traceback[0].startswith("claude_magic: ")
    assert made.cells[2].outputs == []
