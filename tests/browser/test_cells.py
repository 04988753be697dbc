"""Claude's proposals for the notebook's cells, as a person sees and answers them."""

from __future__ import annotations

import json
import re
from typing import Any

from lab import NotebookPage
from playwright.sync_api import Browser, Locator, expect
from proposals import CELLS, PROPOSALS, apply

DONE = re.compile(r"\[\d+\]")
UNTIL_GO = "import asyncio, os\nwhile not os.path.exists('go'):\n    await asyncio.sleep(0.05)\n6 * 7"
RUN_MEANWHILE = range(7, 14)  # of the proposals: those that are answered while another cell runs
_CODE = "a = 1\n\nb = a + 1"  # of the answer
_CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
_PUT = """(cells) => {
  const model = window.jupyterapp.shell.currentWidget.content.model.sharedModel;
  cells.forEach((cell, index) => model.insertCell(index + 1, cell));
}"""
_SOURCE = """([id, source]) => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  cells.find((cell) => cell.id === id).sharedModel.setSource(source);
}"""
_FOCUS = """([id, mode]) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = [...notebook.model.cells].findIndex((cell) => cell.id === id);
  notebook.mode = mode;
}"""


def cells_of(notebook: NotebookPage) -> list[dict[str, Any]]:
    """The notebook's cells, as the page would save them."""
    cells: list[dict[str, Any]] = notebook.page.evaluate(_CELLS)
    return cells


def put(
    notebook: NotebookPage, prompt: str, *, options: str = "", below: str | None = None
) -> list[dict[str, Any]]:
    """Puts cells below the first, one that asks, and one below that if it is given; returns them all."""
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    asking = empty | {"id": "asks", "source": f"%%claude {options}".rstrip() + f"\n{prompt}"}
    last = [] if below is None else [empty | {"source": below}]
    notebook.page.evaluate(_PUT, [*CELLS, asking, *last])
    return cells_of(notebook)


def begin(notebook: NotebookPage, prompt: str) -> tuple[list[dict[str, Any]], Locator]:
    """Asks below the cells; returns them, and the turn."""
    cells = put(notebook, prompt)
    notebook.start(len(cells) - 1)
    return cells, notebook.page.locator(".claude-turn")


def run_above(notebook: NotebookPage, source: str) -> None:
    """Runs a new cell below the first."""
    notebook.page.evaluate(_PUT, [{"cell_type": "code", "source": source, "metadata": {}}])
    notebook.run(1)


def answer(turn: Locator, button: str) -> None:
    """Waits for a card that is not answered yet, and answers it."""
    turn.locator(f"button.claude-{button}:enabled").click()


def wait_until_over(notebook: NotebookPage) -> None:
    """The turn is over, and its end is in the notebook."""
    expect(notebook.page.locator(".claude-static .claude-state")).to_have_text("done")
    expect(notebook.page.locator(".jp-InputArea-prompt", has_text="[*]")).to_have_count(0)


def write(notebook: NotebookPage, cell_id: str, source: str) -> None:
    """Writes into a cell as a person does, without saving."""
    notebook.page.evaluate(_SOURCE, [cell_id, source])


def undo(notebook: NotebookPage, cell_id: str, mode: str) -> None:
    """Takes the last change back: of the cells, or within the text of one."""
    notebook.page.evaluate(_FOCUS, [cell_id, mode])
    if mode == "edit":
        notebook.page.locator(".jp-Notebook .jp-mod-active .cm-content").press("Control+z")
    else:
        notebook.page.locator(".jp-Notebook .jp-mod-active").press("z")


def source(notebook: NotebookPage, cell_id: str) -> str | None:
    """The source of a cell; None if it is not there."""
    return next((cell["source"] for cell in cells_of(notebook) if cell["id"] == cell_id), None)


def comparable(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells less what a turn changes in its own, and the ids that the front end makes for new ones."""
    known = {cell["id"] for cell in CELLS} | {"cell-0"}
    return [
        cell
        | {"id": cell.get("id") if cell.get("id") in known else ""}
        | {"metadata": cell["metadata"] | {"trusted": True}}
        | ({"outputs": [], "execution_count": None} if cell.get("id") == "asks" else {})
        for cell in cells
    ]


def test_exactly_the_accepted_of_twenty_proposals_are_in_the_notebook_in_order_until_they_are_undone(
    desk: NotebookPage,
) -> None:
    before, turn = begin(desk, "twenty proposals")

    for proposal in PROPOSALS:
        answer(turn, "allow" if proposal.accepted else "deny")

    wait_until_over(desk)
    assert comparable(cells_of(desk)) == comparable(apply(before, PROPOSALS, "asks"))

    accepted = [proposal for proposal in PROPOSALS if proposal.accepted]
    edited = [proposal.cell for proposal in accepted if proposal.tool == "edit_cell"]
    for _ in range(len(accepted) - len(edited)):
        undo(desk, "asks", "command")
    for cell in edited:
        undo(desk, cell, "edit")
    assert comparable(cells_of(desk)) == comparable(before)


def test_a_background_turn_changes_exactly_the_accepted_while_other_cells_run(desk: NotebookPage) -> None:
    (desk.server.notebooks / "go").unlink(missing_ok=True)
    before = put(desk, "twenty proposals", options="-b", below=UNTIL_GO)
    asking, later = desk.page.locator(".jp-CodeCell", has_text="-b"), desk.page.locator(".jp-CodeCell").last
    desk.start(len(before) - 2)
    expect(asking.locator(".jp-InputArea-prompt")).to_have_text(DONE)

    turn = desk.page.locator(".claude-turn")
    for number, proposal in enumerate(PROPOSALS, start=1):
        answer(turn, "allow" if proposal.accepted else "deny")
        if number == RUN_MEANWHILE.start:
            desk.start(len(cells_of(desk)) - 1)
            expect(later.locator(".jp-InputArea-prompt")).to_have_text("[*]:")
        if number == RUN_MEANWHILE.stop:
            (desk.server.notebooks / "go").touch()
            expect(later.locator(".jp-RenderedText")).to_have_text("42")

    wait_until_over(desk)
    after = cells_of(desk)
    assert "".join(after[-1]["outputs"][0]["data"]["text/plain"]) == "42"
    assert comparable(after[:-1]) == comparable(apply(before, PROPOSALS, "asks")[:-1])


def test_what_claude_did_is_shown_before_it_is_done_and_taken_back_by_two_clicks(desk: NotebookPage) -> None:
    before, turn = begin(desk, "three changes")
    expect(turn.locator(".claude-tool-waiting").locator(".claude-diff")).to_contain_text("-value_0 = 0")
    expect(turn.locator(".claude-tool-waiting").locator(".claude-diff")).to_contain_text("+value_0 = 100")
    expect(turn.locator(".claude-tool-waiting")).to_contain_text("Changes code cell 2: # Cell 0")
    answer(turn, "allow")
    expect(turn.locator(".claude-tool-waiting").locator(".claude-diff")).to_contain_text("-value_1 = 1")
    answer(turn, "allow")
    expect(turn.locator(".claude-tool-waiting").locator(".claude-code")).to_contain_text("added = 1")
    expect(turn.locator(".claude-tool-waiting")).to_contain_text("A new code cell below this one")
    answer(turn, "allow")
    wait_until_over(desk)
    assert [source(desk, "p-0"), source(desk, "p-1")] == ["# edited\nvalue_0 = 100", None]

    answered = desk.page.locator(".claude-static")
    answered.locator("button.claude-undo").dblclick()
    expect(answered.locator(".claude-undone")).to_have_text(re.compile("^Undone: .*code cell"))
    assert comparable(cells_of(desk)) == comparable(before)


def test_a_turns_changes_of_the_cells_are_taken_back_in_a_cell(desk: NotebookPage) -> None:
    before, turn = begin(desk, "twenty proposals")
    for proposal in PROPOSALS:
        answer(turn, "allow" if proposal.accepted else "deny")
    wait_until_over(desk)
    run_above(desk, "%%claude --cell\ncode in parts")
    assert cells_of(desk)[2]["source"] == _CODE

    run_above(desk, "%claude_undo --yes")
    assert cells_of(desk)[3]["source"] != _CODE
    run_above(desk, "%claude_undo --yes")

    assert comparable(cells_of(desk)[4:]) == comparable(before[1:])
    run_above(desk, "%claude_undo --yes")
    expect(desk.output(1)).to_contain_text("There is nothing to undo")


def test_a_cell_that_claude_does_not_know_as_it_is_stays_as_it_is(lab: NotebookPage) -> None:
    (lab.server.notebooks / "changed").unlink(missing_ok=True)
    before, turn = begin(lab, "edit what has changed")
    expect(lab.page.locator(".claude-turn")).to_contain_text("I have read it.")

    write(lab, "p-0", "mine = 1")
    (lab.server.notebooks / "changed").touch()
    expect(turn.locator(".claude-tool-waiting").locator(".claude-diff")).to_contain_text("+second = 2")
    write(lab, "p-0", "mine = 2")
    answer(turn, "allow")

    wait_until_over(lab)
    unread, read, changed, again, own = lab.server.endpoint.tool_results[-5:]
    assert "Read it first" in unread
    assert "value_0 = 0" in read
    assert "There is no cell p-9" in read
    assert "has changed since you read it" in changed
    assert "mine = 1" in changed
    assert "mine = 2" in again
    assert "This is the cell that asks" in own
    before[1]["source"] = "mine = 2"
    assert comparable(cells_of(lab)) == comparable(before)


def test_a_page_that_was_loaded_again_takes_the_changes_and_of_two_pages_one_does(
    lab: NotebookPage, browser: Browser
) -> None:
    _, turn = begin(lab, "three changes")
    expect(turn.locator(".claude-tool-waiting")).to_be_visible()
    lab.save()

    lab.reload()

    for _ in range(3):
        answer(turn, "allow")
    wait_until_over(lab)
    assert [source(lab, "p-0"), source(lab, "p-1")] == ["# edited\nvalue_0 = 100", None]
    assert [cell["source"] for cell in cells_of(lab)][-1] == "added = 1"

    lab.save()
    other = NotebookPage(browser, lab.server, lab.name, person=1)
    other.open()
    other.wait_for_kernel()
    lab.page.evaluate(_PUT, [{"cell_type": "code", "source": "%%claude\nadd a cell", "metadata": {}}])
    lab.start(1)
    answer(turn, "allow")
    expect(lab.page.locator(".claude-static .claude-state")).to_have_text(["done", "done"])
    added = [cell for page in (lab, other) for cell in cells_of(page) if cell["source"] == "added = 1"]
    other.close(kernel=False)
    assert len(added) == 3, "one in each from before, and one more"


def test_an_answer_and_its_code_are_copied_and_inserted_by_their_buttons_also_after_a_reload(
    desk: NotebookPage,
) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    put(desk, "code in parts")
    desk.start(len(CELLS) + 1)
    wait_until_over(desk)
    code = desk.page.locator(".claude-static pre.claude-code")
    expect(code.locator("button.claude-copy")).to_have_count(3)

    code.nth(1).hover()
    code.nth(1).locator("button.claude-copy").click()
    code.nth(0).locator("button.claude-insert").press("Enter")
    code.nth(2).hover()
    code.nth(2).locator("button.claude-insert").click()
    code.nth(1).locator("button.claude-insert").press("Space")

    sources = [cell["source"] for cell in cells_of(desk)]
    assert sources[-4:] == ["%%claude\ncode in parts", "a = 1", "b = a + 1", "%%bash\nls"]
    assert desk.page.evaluate("() => navigator.clipboard.readText()").strip() == "ls"
    assert "<button" not in json.dumps(desk.save())

    desk.reload()

    whole = desk.page.locator(".claude-static button.claude-copy-answer")
    whole.click()
    expect(whole).to_have_text("Copied")
    assert desk.page.evaluate("() => navigator.clipboard.readText()").count("```") == 6
    code.nth(0).locator("button.claude-insert").press("Enter")
    assert [cell["source"] for cell in cells_of(desk)][-4:-2] == ["a = 1", "a = 1"]


def test_an_answers_code_goes_below_its_cell_or_into_it(lab: NotebookPage) -> None:
    lab.run(lab.add("%%claude --cell\ncode in parts"))
    lab.run(lab.add("%%claude --replace\ncode in parts"))

    sources = [cell["source"] for cell in cells_of(lab)]
    assert sources[1:] == ["%%claude --cell\ncode in parts", _CODE, _CODE]
    undo(lab, cells_of(lab)[-1]["id"], "edit")
    assert cells_of(lab)[-1]["source"] == "%%claude --replace\ncode in parts"


def test_the_cell_that_fails_is_fixed_by_one_prompt(lab: NotebookPage) -> None:
    failing, asking = "total = sun([1, 2])\ntotal", "%%claude\nFix the cell that fails."
    named = {"fails": failing, "asks": asking}
    lab.page.evaluate(
        _PUT, [{"cell_type": "code", "id": i, "source": code, "metadata": {}} for i, code in named.items()]
    )
    lab.run(1)

    lab.start(2)
    answer(lab.page.locator(".claude-turn"), "allow")
    wait_until_over(lab)

    assert "NameError: name 'sun' is not defined" in lab.server.endpoint.tool_results[-2]
    assert [cell["source"] for cell in cells_of(lab)][1:] == ["total = sum([1, 2])\ntotal", asking]
    lab.run(1)
    expect(lab.output(1).locator(".jp-RenderedText")).to_have_text("3")
