"""`-b`: the cell ends at once, its output goes on; and prompts that wait in line."""

from __future__ import annotations

from pathlib import Path

import pytest
from headless import executed
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown, static

pytestmark = pytest.mark.kernel


def is_over(cell: Cell) -> bool:
    return "text/markdown" in static(cell)


@pytest.mark.fault(68, via="real")
def test_a_background_turn_fills_its_own_cell_while_others_run(notebook: MagicNotebook) -> None:
    asked = notebook.do("%%claude -b -o answer\nheld until go")
    other = notebook.do("print('one')\n'two'")

    assert not is_over(asked), "the cell has ended before its turn"
    assert other.stdout == "one\n"
    notebook.wait_for(lambda: len(asked.displays[-1].updates) >= 3)
    third = notebook.do("print('three')")
    (notebook.work / "go").touch()

    notebook.do("%claude_wait")

    assert (asked.stdout, asked.stderr, asked.result, len(asked.displays)) == ("", "", None, 1)
    assert "\nthe-1 " in markdown(asked)
    assert notebook.value("answer.text") in markdown(asked)
    assert (other.stdout, other.displays, third.stdout, third.displays) == ("one\n", [], "three\n", [])
    escaped = [
        message["msg_type"]
        for cell in (other, third)
        for message in cell.messages
        if message["msg_type"] in {"display_data", "update_display_data"}
    ]
    assert escaped == []


def test_what_a_background_turn_shows_first_says_that_it_runs(notebook: MagicNotebook) -> None:
    cell = notebook.run("%%claude -b\nstall")
    first = cell.displays[0].data
    notebook.wait_for(lambda: "The first half" in html(cell))

    assert "still running" in read_page(html(cell)).text
    assert "running" in shown(cell)
    assert "starting" in first["text/plain"].split("\n", 1)[0]
    assert "still running" in first["text/plain"]
    assert "still running" in read_page(first["text/html"]).text

    status = notebook.status()
    assert status["state"] == "running"
    assert status["running"] == status["background"] == "stall (running)"
    assert notebook.printed("%claude_stop --turn") == "Interrupted the turn of session 'main'."
    notebook.wait_for(lambda: is_over(cell))
    assert "interrupted" in shown(cell)
    assert notebook.status()["background"] == "stall (interrupted)"


@pytest.mark.fault(110, via="real")
def test_under_nbclient_waiting_fills_the_cells_of_background_turns(tmp_path: Path) -> None:
    cells = executed(tmp_path, "%%claude -b\nsay one", "%%claude -b\nsay two", "%claude_wait", "1 + 1")

    for cell, said in zip(cells[:2], ("one", "two"), strict=True):
        assert len(cell.outputs) == 1
        bundle = cell.outputs[0].data
        assert f"\n{said}\n" in bundle["text/markdown"]
        assert said in read_page(bundle["text/html"]).text
        assert bundle["text/plain"].split("\n", 1)[0].endswith("done")
    assert cells[2].outputs == []
    assert cells[3].outputs[0].data["text/plain"] == "2"


@pytest.mark.fault(110, via="real")
def test_under_nbclient_without_waiting_the_file_says_that_the_turn_was_running(tmp_path: Path) -> None:
    cells = executed(tmp_path, "%%claude -b\nstall")

    bundle = cells[0].outputs[0].data
    assert "still running" in read_page(bundle["text/html"]).text
    assert "still running" in bundle["text/plain"]


def test_waiting_says_what_went_wrong_and_when_nothing_runs(notebook: MagicNotebook) -> None:
    assert notebook.printed("%claude_wait") == "Nothing runs in the background."
    cell = notebook.run("%%claude -b\nfail 400")

    said = notebook.printed("%claude_wait")

    assert said.startswith("Session 'main': ")
    assert "\n" not in said
    assert "failed" in shown(cell)


@pytest.mark.fault(38, via="real")
def test_prompts_wait_in_line_and_are_answered_in_order(notebook: MagicNotebook) -> None:
    first = notebook.do("%%claude -b\nheld until go")
    second = notebook.do("%%claude -b\nsay second")
    third = notebook.do("%%claude -b\nsay third")

    assert notebook.status()["queue"] == "say second (queued); say third (queued)"
    assert "queued" in shown(second)
    (notebook.work / "go").touch()
    last = notebook.do("r = %claude what came first?")

    assert notebook.value("r.text") == "First came: held until go"
    assert [is_over(cell) for cell in (first, second, third, last)] == [True] * 4
    assert "\nthird\n" in markdown(third)
    assert "second" not in markdown(third)
    prompts = [request["prompt"] for request in notebook.endpoint.requests]
    assert prompts == ["held until go", "say second", "say third", "what came first?"]


@pytest.mark.fault(38, via="real")
def test_a_busy_session_can_refuse(notebook: MagicNotebook) -> None:
    cell = notebook.do("%%claude -b\nstall")
    notebook.wait_for(lambda: "The first half" in html(cell))

    said = notebook.error("%claude --busy refuse say no")

    assert "%claude_wait" in said
    notebook.do("%claude_stop --turn")
    assert [request["prompt"] for request in notebook.endpoint.requests] == ["stall"]


@pytest.mark.fault(106, via="real")
def test_interrupting_a_cell_whose_prompt_is_queued_drops_that_prompt_alone(notebook: MagicNotebook) -> None:
    running = notebook.do("%%claude -b -o kept\nheld until go")
    notebook.wait_for(lambda: "the-1 " in html(running))
    pid = notebook.claude_pid()

    cell = notebook.run("%claude say dropped", interrupt_when=lambda cell: bool(cell.displays))

    assert cell.error is not None
    assert "the running turn goes on" in cell.error.text
    assert len(cell.error.traceback) == 1
    assert "cancelled" in shown(cell)
    assert not is_over(running)
    (notebook.work / "go").touch()
    notebook.do("%claude_wait")
    assert "done" in shown(running).split("\n", 1)[0]
    assert notebook.value("[kept.interrupted, kept.is_error]") == [False, False]
    assert [request["prompt"] for request in notebook.endpoint.requests] == ["held until go"]
    assert notebook.claude_pid() == pid


@pytest.mark.fault(107, via="real")
def test_a_cell_run_again_while_its_background_turn_runs_says_that_it_goes_on(
    notebook: MagicNotebook,
) -> None:
    notebook.do("%%claude -b\nheld until go", metadata={"cellId": "a"})
    other = notebook.do("%%claude -b\nsay other", metadata={"cellId": "b"})

    again = notebook.do("%%claude -b\nsay again", metadata={"cellId": "a"})

    said = "The turn that this cell began before still runs in the background"
    assert said in read_page(html(again)).text
    assert said not in read_page(html(other)).text
    (notebook.work / "go").touch()
    notebook.do("%claude_wait")
    assert markdown(again).count(said) == 1
    history = notebook.printed("%claude_history")
    assert history.index("the-1 ") < history.index("\nother\n") < history.index("\nagain\n")
    once_more = notebook.do("%%claude\nsay at last", metadata={"cellId": "a"})
    assert said not in markdown(once_more)


def test_interrupting_the_wait_leaves_the_background_turns_alone_unless_they_are_to_stop(
    notebook: MagicNotebook,
) -> None:
    cell = notebook.do("%%claude -b\nstall")
    notebook.wait_for(lambda: "The first half" in html(cell))
    pid = notebook.claude_pid()

    assert "go on" in interrupted_wait(notebook, "%claude_wait")
    assert "running" in shown(cell).split("\n", 1)[0]
    assert notebook.status()["background"] == "stall (running)"

    assert "with it" in interrupted_wait(notebook, "%claude_wait --stop")
    assert "interrupted" in shown(cell).split("\n", 1)[0]
    assert "The first half" in markdown(cell)
    assert notebook.claude_pid() == pid
    assert notebook.printed("%claude_wait").strip() == "Nothing runs in the background."


def interrupted_wait(notebook: MagicNotebook, line: str) -> str:
    """The error of a cell that waits, once it is interrupted."""
    waiting = notebook.cells[notebook.start(f"print('waiting')\n{line}")]
    notebook.wait_for(lambda: "waiting" in waiting.stdout)
    notebook.interrupt()
    assert notebook.wait(waiting.id).error is not None
    assert waiting.error is not None
    return waiting.error.text


@pytest.mark.fault(65, via="real")
def test_an_answer_waits_in_the_pipe_while_a_cell_holds_up_the_kernel(notebook: MagicNotebook) -> None:
    cell = notebook.do("%%claude -b -o answer\ntwo thousand words")

    notebook.do("import time; time.sleep(1.5)")
    notebook.do("%claude_wait")

    assert notebook.value("len(answer.text.split())") == 2000
    assert notebook.value("answer.text") in markdown(cell)
