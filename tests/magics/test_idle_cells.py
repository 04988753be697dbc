"""In a real kernel: a session that nobody uses, and a turn that says nothing."""

from __future__ import annotations

import psutil
import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

RELEASED = "The process had been released after 0.5 s idle; the conversation was resumed."
PID = (  # in the same cell: the next one may come too late
    "magics = next(m for m in get_ipython().configurables if type(m).__name__ == 'ClaudeMagics')\n"
    "print(magics.sessions.find('main').pid)"
)
SILENT = "Nothing from claude for 0.5 s. It may still be at work"


def test_a_process_is_released_between_cells_and_the_next_cell_resumes_and_says_so(
    notebook: MagicNotebook,
) -> None:
    notebook.do("%config ClaudeMagics.idle_timeout = 0.5")
    pid = int(notebook.do(f"%claude say one\n{PID}").stdout)
    notebook.wait_for(lambda: not psutil.pid_exists(pid))  # no cell runs
    notebook.wait_for(lambda: notebook.status()["state"] == "stopped")
    assert "released" in notebook.status()["process"]

    notebook.do("%config ClaudeMagics.idle_timeout = 0")
    cell = notebook.do("r = %claude what came first?")

    assert notebook.value("r.text") == "First came: say one"
    assert shown(cell).count(RELEASED) == markdown(cell).count(RELEASED) == 1
    assert read_page(html(cell)).text.count(RELEASED) == 1
    assert "resumed" not in shown(notebook.do("%claude say three"))
    assert notebook.claude_pid()


def test_a_background_turn_that_nobody_has_waited_for_is_no_idleness(notebook: MagicNotebook) -> None:
    notebook.do("%config ClaudeMagics.idle_timeout = 0.5")
    cell = notebook.do("%%claude -b -o r\nslowish")
    notebook.wait_for(lambda: "text/markdown" in cell.displays[-1].data)
    assert notebook.value("len(r.text.split())") == 30  # 20 a second
    notebook.wait_for(lambda: notebook.status()["state"] == "stopped")


@pytest.mark.fault(29, via="real")
@pytest.mark.parametrize("allow_stdin", [True, False], ids=["live", "static"])
def test_a_silent_turn_says_so_in_its_cell_and_can_be_interrupted(
    notebook: MagicNotebook,
    allow_stdin: bool,  # noqa: FBT001  # a parameter of the request
) -> None:
    notebook.do("%config ClaudeMagics.quiet_notice = 0.5")
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    def says_so(cell: Cell) -> bool:
        seen = [str(message["content"]) for message in cell.comms] + [str(d.data) for d in cell.displays]
        return any(SILENT in text for text in seen)

    cell = notebook.run("%%claude -o r\nstall", allow_stdin=allow_stdin, interrupt_when=says_so)

    assert cell.error is not None
    assert "Interrupted" in cell.error.text
    assert SILENT in shown(cell)
    assert SILENT in read_page(html(cell)).text
    assert "The first half" in shown(cell)
    assert notebook.value("r.interrupted")
    assert shown(notebook.do("%claude say on")).count("\n\non\n\n") == 1
    assert notebook.claude_pid() == pid, "nothing was ended by force"
