"""A page that is loaded again, looked at twice, cleared or closed while a turn runs finds the turn again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lab import NotebookPage
from live import Shown, ask
from playwright.sync_api import expect


def outputs(notebook: NotebookPage, cell: int) -> str:
    """What the saved file has below a cell."""
    return json.dumps(notebook.save()["cells"][cell]["outputs"], ensure_ascii=False)


@pytest.mark.fault(71, via="real")
def test_a_saved_turn_is_the_same_after_a_reload_and_then_live_again(desk: NotebookPage) -> None:
    turn = ask(desk, "flow reloaded", "--allow Read")
    seen = turn.grown(2)
    desk.save()

    desk.reload()

    turn.wait_until_live()
    expect(turn.widget.locator(".claude-answer").first).to_contain_text(seen)
    turn.grown(2)
    turn.button("stop").click()
    expect(turn.widget).to_have_count(0)
    expect(turn.static.locator(".claude-state")).to_have_text("interrupted")
    answer = turn.static.locator(".claude-answer")
    expect(answer).to_contain_text(seen)
    said = answer.inner_text().split()
    assert " ".join(said[:200]) in outputs(desk, turn.cell)
    assert desk.server.endpoint.ends("flow reloaded") == ["aborted"]


@pytest.mark.fault(71, via="real")
@pytest.mark.fault(45, via="real")
def test_an_open_card_can_be_answered_after_a_reload(desk: NotebookPage) -> None:
    wanted = desk.server.notebooks / "reloaded.txt"
    wanted.unlink(missing_ok=True)
    turn = ask(desk, "write reloaded.txt back", "-s again")
    expect(turn.button("allow")).to_be_visible()
    desk.save()

    desk.reload()
    turn.button("allow").click()

    expect(turn.widget).to_have_count(0)
    expect(turn.static.locator(".claude-state")).to_have_text("done")
    expect(turn.static.locator(".claude-answer").last).to_contain_text("It said:")
    assert wanted.read_text() == "back"
    assert "It said:" in outputs(desk, turn.cell)


@pytest.mark.fault(71, via="real")
def test_an_unsaved_turn_is_in_the_history_after_a_reload(lab: NotebookPage) -> None:
    lab.save()
    turn = ask(lab, "half unsaved", "-b")
    expect(turn.widget).to_contain_text("The first half of unsaved")

    lab.reload()

    expect(lab.cells).to_have_count(1)
    said = lab.printed("%claude_stop --turn\n%claude_history")
    assert "The first half of unsaved" in said


@pytest.mark.fault(71, via="real")
def test_a_second_view_shows_the_same_and_an_answer_in_one_closes_both(lab: NotebookPage) -> None:
    wanted = lab.server.notebooks / "second-view.txt"
    wanted.unlink(missing_ok=True)
    turn = ask(lab, "write second-view.txt seen", "-s twice")
    expect(turn.button("allow")).to_be_visible()
    lab.page.evaluate(
        "(cell) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", turn.cell
    )

    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:create-output-view')")

    mirror = lab.page.locator(".jp-LinkedOutputView .claude-turn")
    expect(mirror).to_be_visible()
    expect(mirror.locator("button.claude-allow")).to_have_count(1)
    expect(turn.button("allow")).to_have_count(1)
    mirror.locator("button.claude-allow").click()
    turn.wait_until_over()
    expect(lab.page.locator("button.claude-allow")).to_have_count(0)
    expect(lab.page.locator(".jp-LinkedOutputView .claude-answer:visible").last).to_contain_text("It said:")
    assert wanted.read_text() == "seen"
    lab.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text="Output View").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()


@pytest.mark.fault(72, via="real")
@pytest.mark.parametrize("command", ["notebook:clear-cell-output", "notebook:delete-cell"])
def test_clearing_the_output_or_deleting_the_cell_ends_nothing(lab: NotebookPage, command: str) -> None:
    tag = command.rpartition(":")[2]
    turn = ask(lab, f"flow {tag}", "-b")
    turn.grown(1)
    lab.page.evaluate(
        "(cell) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", turn.cell
    )

    lab.command(command)

    expect(lab.page.locator(".claude-turn")).to_have_count(0)
    length = len(lab.printed("%claude_history"))
    assert any(len(lab.printed("%claude_history")) > length for _ in range(20))
    assert "Interrupted the turn" in lab.printed("%claude_stop --turn")
    assert lab.server.endpoint.ends(f"flow {tag}") == ["aborted"]
    assert lab.traffic.errors == []


@pytest.mark.fault(74, via="real")
def test_a_notebook_saved_in_mid_turn_says_so_without_a_kernel(
    in_lab: Callable[..., NotebookPage], reopen: Callable[..., NotebookPage]
) -> None:
    notebook = in_lab("%%claude\nhalf saved")
    notebook.start(1)
    expect(Shown(notebook, 1, "half saved").widget).to_contain_text("The first half of saved")
    saved = json.dumps(notebook.save())

    again = reopen(notebook)

    expect(again.output(1).locator(".claude-static")).to_be_visible()
    expect(again.output(1)).to_contain_text("half saved")
    expect(again.output(1)).to_contain_text("still running")
    assert "model not found" not in again.output(1).inner_text().lower()
    assert notebook.server.secret not in saved
    assert notebook.server.token not in saved
