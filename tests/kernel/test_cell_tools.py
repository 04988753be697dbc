"""The tools for cells, with a page that answers, one that does not, and one that lies."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cell_page import Page

from claude_magic.kernel.cells.log import Cell, CellLog
from claude_magic.kernel.cells.tools import cell_tools
from claude_magic.kernel.values.bounded import WITHHELD
from claude_magic.tool_server import Call, Preview, ToolError, ToolServer

SECRET = "sk-ant-" + "x" * 30


class Notebook:
    """The tools on a page."""

    def __init__(self, page: Page, path: Path | None = None) -> None:
        self.run: list[str] = [""]
        history = SimpleNamespace(input_hist_raw=self.run)
        shell: Any = SimpleNamespace(history_manager=history, user_ns={"password": "sesame street"})
        self.log = CellLog(shell)
        self.page = page
        self.server = ToolServer("kernel", cell_tools(shell, self.log, lambda: self.page, lambda: path))
        self.changes: list[Preview] = []

    async def call(self, name: str, call_id: str = "", **given: object) -> str:
        """What a tool answers."""
        call = Call(id=call_id, input=given, show=self.changes.append)
        (content,) = await self.server.tools[name].call(call)
        return str(content["text"])

    async def preview(self, name: str, call_id: str = "", **given: object) -> Preview:
        """What a person is shown before."""
        preview = self.server.tools[name].preview
        assert preview is not None
        return await preview(Call(id=call_id, input=given))

    async def refusal(self, name: str, call_id: str = "", **given: object) -> str:
        """Why a tool does nothing."""
        with pytest.raises(ToolError) as error:
            await self.call(name, call_id, **given)
        return str(error.value)


def lines(answer: str) -> list[dict[str, Any]]:
    """The cells in what read_notebook answers."""
    return [json.loads(line) for line in answer.splitlines() if line.startswith("{")]


async def test_only_reading_asks_nobody() -> None:
    server = Notebook(Page()).server

    assert server.readers == ("mcp__kernel__read_notebook",)
    assert server.called("mcp__kernel__edit_cell") is server.tools["edit_cell"]
    assert server.called("mcp__other__edit_cell") is None


async def test_cells_are_read_with_their_ids_and_whether_they_ran_as_they_stand() -> None:
    page = Page("%%claude\nlook", "x = 1", "x = 2", "x = 3")
    page.cells[1]["count"], page.cells[2]["count"], page.cells[3]["count"] = 1, 2, 7  # type: ignore[assignment]
    notebook = Notebook(page)
    notebook.run += ["x = 1", "x = 0"]

    told = lines(await notebook.call("read_notebook"))

    assert [each["id"] for each in told] == ["c0", "c1", "c2", "c3"]
    assert told[0]["you"] == "this cell asks you"
    assert [each["run"] for each in told[1:]] == [
        "ran as In [1]",
        "has not run as it stands",
        "has not run as it stands",
    ]


async def test_cells_that_are_added_follow_each_other_below_the_one_that_asks() -> None:
    notebook = Notebook(Page("ask", "old"))

    preview = await notebook.preview("add_cell", code="a")
    answers = [await notebook.call("add_cell", code=code) for code in "ab"]
    await notebook.call("add_cell", code="c", after="c1", type="markdown")

    assert preview.about == "A new code cell below this one"
    assert "cell 2 now" in answers[0]
    assert [cell["source"] for cell in notebook.page.cells] == ["ask", "a", "b", "old", "c"]
    assert "There is no cell" in await notebook.refusal("add_cell", code="d", after="nowhere")


async def test_where_the_last_added_cell_was_deleted_the_next_goes_to_the_end() -> None:
    notebook = Notebook(Page("ask", "old"))
    await notebook.call("add_cell", code="a")
    del notebook.page.cells[1]

    await notebook.call("add_cell", code="b")

    assert [cell["source"] for cell in notebook.page.cells] == ["ask", "old", "b"]


async def test_an_edit_needs_a_cell_that_was_read_and_shows_what_it_changes() -> None:
    notebook = Notebook(Page("ask", "old"))
    assert "Read it first" in await notebook.refusal("edit_cell", id="c1", code="new")
    await notebook.call("read_notebook")

    preview = await notebook.preview("edit_cell", "t1", id="c1", code="new")
    await notebook.call("edit_cell", "t1", id="c1", code="new")
    await notebook.call("edit_cell", id="c1", code="newer")  # it knows what it has written itself

    assert (preview.before, preview.after) == ("old", "new")
    assert preview.about == "Changes code cell 2: old"
    assert notebook.changes == [Preview(before="old", after="new"), Preview(before="new", after="newer")]
    assert notebook.page.cells[1]["source"] == "newer"


async def test_an_edit_of_a_cell_that_has_changed_is_refused_with_the_source_of_now() -> None:
    notebook = Notebook(Page("ask", "old"))
    await notebook.call("read_notebook")
    notebook.page.write("c1", "mine")

    with pytest.raises(ToolError, match="has changed since you read it") as refusal:
        await notebook.preview("edit_cell", id="c1", code="new")
    await notebook.preview("edit_cell", "t2", id="c1", code="again")
    notebook.page.write("c1", "mine again")
    await notebook.call("read_notebook")  # what Claude reads meanwhile is not what the person has seen

    assert "\nmine" in str(refusal.value)
    assert "mine again" in await notebook.refusal("edit_cell", "t2", id="c1", code="again")
    assert notebook.page.cells[1]["source"] == "mine again"


async def test_another_session_has_to_read_for_itself() -> None:
    notebook = Notebook(Page("ask", "old"))
    await notebook.call("read_notebook")
    notebook.page.session = "other"

    assert "Read it first" in await notebook.refusal("edit_cell", id="c1", code="new")


async def test_a_cell_is_deleted_but_never_the_one_that_asks() -> None:
    notebook = Notebook(Page("ask", "old"))
    await notebook.call("read_notebook")

    assert "the cell that asks" in await notebook.refusal("delete_cell", id="c0")
    assert (await notebook.preview("delete_cell", id="c1")).before == "old"
    await notebook.call("delete_cell", id="c1")

    assert [cell["source"] for cell in notebook.page.cells] == ["ask"]
    assert "not read" in await notebook.refusal("delete_cell", id="c1")


async def test_secrets_are_withheld_and_never_overwritten_by_what_stands_for_them() -> None:
    notebook = Notebook(Page("ask", f"key = '{SECRET}'"))

    told = await notebook.call("read_notebook")
    (first,) = [each for each in lines(told) if each["id"] == "c1"]

    assert SECRET not in told
    assert "overwrite the secret" in await notebook.refusal("edit_cell", id="c1", code=first["source"] + "\n")
    assert WITHHELD in first["source"]


async def test_without_a_page_a_cell_is_proposed_and_nothing_else_changes() -> None:
    notebook = Notebook(Page("ask", "old"))
    notebook.page.is_there = False

    preview = await notebook.preview("add_cell", code="a = 1")
    answers = [
        await notebook.call("add_cell", code="a = 1"),
        await notebook.call("add_cell", code="# Title", type="markdown"),
    ]

    assert preview.about == "It is proposed as the next cell."
    assert notebook.page.proposals == ["a = 1", "%%markdown\n# Title"]
    assert all("proposed as the user's next cell" in answer for answer in answers)
    for name, given in (("edit_cell", {"id": "c1", "code": "new"}), ("delete_cell", {"id": "c1"})):
        with pytest.raises(ToolError, match="propose a new cell with add_cell"):
            await notebook.preview(name, **given)
        assert "No page that shows this notebook answers" in await notebook.refusal(name, **given)


async def test_without_a_page_the_saved_cells_and_what_has_run_are_read(tmp_path: Path) -> None:
    file = tmp_path / "book.ipynb"
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "error", "ename": "ValueError", "evalue": "no"},
        {"output_type": "display_data", "data": {"image/png": "eA=="}, "metadata": {}},
        {"output_type": "display_data", "data": {"text/plain": "said"}, "metadata": {"claude_magic": {}}},
    ]
    cells = [
        {
            "id": "c0",
            "cell_type": "code",
            "source": ["x = 1\n", "y = 2"],
            "outputs": outputs,
            "execution_count": 1,
        },
        {"id": "c1", "cell_type": "markdown", "source": "# Title"},
        "no cell",
    ]
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    page = Page()
    page.is_there = False
    notebook = Notebook(page, file)
    notebook.run += [f"token = '{SECRET}'", "1 / 0"]
    heard = Cell("1 / 0", "1 / 0")
    heard.execution_count, heard.error = 2, "ZeroDivisionError: division by zero"
    heard.output.write(f"open, sesame street\n{SECRET}\n")
    notebook.log.cells.append(heard)

    told = await notebook.call("read_notebook")

    saved, title, run, failed = lines(told)
    assert "as they were last saved" in told
    assert saved["source"] == "x = 1\ny = 2"
    assert saved["outputs"] == [
        "one\ntwo\n",
        "ValueError: no",
        "[picture: image/png]",
        "[an answer of yours]",
    ]
    assert title["type"] == "markdown"
    assert run["In"] == 1
    assert failed == {
        "In": 2,
        "source": "1 / 0",
        "Output": f"open, {WITHHELD}\n{WITHHELD}",
        "Error": "ZeroDivisionError: division by zero",
    }
    assert SECRET not in told


@pytest.mark.parametrize(
    "content", ["", "[]", '{"cells": 3}', "[" * 100_000], ids=["empty", "list", "odd", "deep"]
)
async def test_a_file_that_is_no_notebook_has_no_cells(tmp_path: Path, content: str) -> None:
    file = tmp_path / "book.ipynb"
    file.write_text(content, encoding="utf-8")
    page = Page()
    page.is_there = False

    told = await Notebook(page, file).call("read_notebook")

    assert told == "There is no notebook here, and nothing has run yet."


@pytest.mark.fault(85, via="pure")
@pytest.mark.parametrize(
    "answer",
    [
        "text",
        [],
        {"cells": "all"},
        {"cells": [{"id": "c1"}]},
        {"cells": [{"index": 0, "id": "x" * 1_000, "type": "code"}]},
        {"cells": [{"index": 0, "id": "c1", "type": "program"}]},
        {"cells": [], "argv": ["sh"]},
        {"cells": [], "permission_mode": "bypassPermissions"},
    ],
    ids=["text", "list", "no cells", "half a cell", "long id", "other type", "argv", "mode"],
)
async def test_an_answer_of_a_page_that_is_none_is_taken_for_nothing(answer: object) -> None:
    notebook = Notebook(Page(answers=answer))

    assert "an answer that is none" in await notebook.refusal("read_notebook")


async def test_a_page_that_says_a_cell_is_gone_or_locked_or_nothing_is_believed_that() -> None:
    notebook = Notebook(Page("ask", "old"))
    await notebook.call("read_notebook")

    for answer, words in (
        ({"gone": True}, "There is no cell"),
        ({"locked": True}, "The user has locked"),
        ({}, "an answer that is none"),
    ):
        notebook.page.answers = answer
        assert words in await notebook.refusal("edit_cell", id="c1", code="new")


async def test_a_page_that_falls_silent_is_told_of_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silence(_question: object) -> object:
        raise TimeoutError

    notebook = Notebook(Page("ask"))
    monkeypatch.setattr(notebook.page, "ask_page", silence)

    assert "has not said whether it did this" in await notebook.refusal("add_cell", code="a")


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("read_notebook", {"ids": "c1"}, "a list of cell ids"),
        ("read_notebook", {"ids": [1]}, "a list of cell ids"),
        ("add_cell", {}, "code has to be text"),
        ("add_cell", {"code": "x", "type": "raw"}, "code or markdown"),
        ("add_cell", {"code": "x" * 500_001}, "500,001 characters"),
        ("edit_cell", {"code": "x"}, "id has to be text"),
        ("delete_cell", {"id": 3}, "id has to be text"),
    ],
)
async def test_input_that_cannot_be_is_refused_in_words(name: str, given: dict[str, Any], words: str) -> None:
    notebook = Notebook(Page("ask", "old"))

    assert words in await notebook.refusal(name, **given)
    assert len(notebook.page.cells) == 2
