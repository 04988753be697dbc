"""Hands on the keyboard, in JupyterLab and Notebook 7: what a key does in a turn, and what it does not."""

from __future__ import annotations

import re
from typing import Any

from lab import NotebookPage
from live import ask
from playwright.sync_api import Locator, expect
from test_looks import SAYS

SHORTCUT = "Alt+Shift+KeyC"
# What JupyterLab has commands for: d d deletes a cell, 0 0 restarts the kernel. y, a and n are the card's.
COMMANDS = (
    "x",
    "b",
    "d",
    "d",
    "m",
    "r",
    "c",
    "v",
    "z",
    "j",
    "k",
    "i",
    "i",
    "0",
    "0",
    "Shift+J",
    "Shift+M",
    "Control+x",
)
LETTERS = ("y", "a", "n", *COMMANDS)
CELLS = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  return cells.map((cell) => cell.sharedModel.getSource());
}"""
FOCUSED = "(element) => element === document.activeElement"
IN_CELL = "(element) => document.activeElement === element.closest('.jp-Cell')"


def cells(desk: NotebookPage) -> Any:
    return desk.page.evaluate(CELLS)


def tab_to(control: Locator) -> None:
    for _ in range(8):
        control.page.keyboard.press("Tab")
        if control.evaluate(FOCUSED):
            return
    expect(control).to_be_focused()


def test_a_key_that_is_pressed_in_a_card_is_no_command_of_the_notebook(desk: NotebookPage) -> None:
    keys = desk.page.keyboard
    turn = ask(desk, "write keys.txt x", "-s keys")
    desk.add("below = 1")
    expect(turn.card).to_be_visible()
    before = cells(desk)
    reason, form = turn.card.get_by_role("textbox"), turn.widget.locator("form")
    pressed: list[tuple[Locator, tuple[str, ...]]] = [
        (reason, ("Home", "ArrowLeft", "Enter", "ArrowUp", "ArrowDown", *LETTERS)),
        (turn.widget.locator("select"), COMMANDS),
        (turn.card.locator("summary").first, ("ArrowDown", "ArrowUp", "Enter", "Enter", *LETTERS)),
        (turn.card.locator("pre").first, ("ArrowDown", "ArrowUp", "Enter", *LETTERS)),
        (form, ("ArrowDown", "ArrowUp", "Enter", *COMMANDS)),
        *(
            (turn.button(name), ("ArrowDown", "ArrowUp", *COMMANDS))
            for name in ("stop", "allow", "always", "deny")
        ),
    ]

    wrong = {}
    for control, each in pressed:
        control.focus()
        for key in each:
            keys.press(key)
            if not control.evaluate(FOCUSED) or cells(desk) != before:
                wrong[control.evaluate("(element) => element.outerHTML.slice(0, 60)")] = key
                break
    assert wrong == {}
    expect(desk.page.locator(".jp-Dialog")).to_have_count(0)

    reason.focus()
    keys.press("Escape")
    assert turn.widget.evaluate(IN_CELL)
    keys.press("b")
    expect(desk.cells).to_have_count(len(before) + 1)
    expect(turn.card).to_be_visible()

    keys.press(SHORTCUT)
    expect(form).to_be_focused()
    keys.press("n")
    turn.wait_until_over()
    expect(turn.static.locator(".claude-tool-state")).to_have_text(re.compile("^denied by you: yanx"))


def test_a_turn_is_walked_through_by_keyboard_alone_and_each_card_is_said(desk: NotebookPage) -> None:
    keys = desk.page.keyboard
    (desk.server.notebooks / "walked.txt").unlink(missing_ok=True)
    turn = ask(desk, "walk", "-s walk --permission-mode plan")
    expect(turn.card).to_be_visible()
    said = turn.widget.locator(".claude-said").evaluate_handle(SAYS)
    focused = turn.widget.locator("form")

    keys.press(SHORTCUT)
    tab_to(turn.card.get_by_role("textbox"))
    keys.type("Not there.")
    keys.press("Enter")
    expect(turn.widget.locator(".claude-tool-state").first).to_have_text("denied by you: Not there.")
    expect(turn.card).to_be_visible()
    assert "Not there." in desk.server.endpoint.tool_results[-1]

    keys.press(SHORTCUT)
    expect(focused).to_be_focused()
    keys.press("n")

    expect(turn.card.get_by_role("radio")).to_have_count(2)
    keys.press(SHORTCUT)
    keys.press("y")  # no answer to a question
    tab_to(turn.card.get_by_role("textbox"))
    keys.type("Straight on")
    keys.press("Enter")

    expect(turn.button("accept")).to_be_visible()
    assert "Straight on" in desk.server.endpoint.tool_results[-1]
    keys.press(SHORTCUT)
    keys.press("y")
    expect(turn.widget).to_contain_text("I go on.")
    assert turn.widget.evaluate(IN_CELL)

    keys.press(SHORTCUT)
    keys.press("Enter")
    heard = said.json_value()
    turn.wait_until_over("interrupted")
    asked = [text for text in heard if text.startswith("Claude asks")]
    assert asked == ["Claude asks to use Write", "Claude asks: question", "Claude asks: plan"]
    assert turn.static.locator("pre").first.get_attribute("tabindex") == "0"
    assert not (desk.server.notebooks / "walked.txt").exists()
