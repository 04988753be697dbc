"""What the public examples of other extensions ask for, each in one cell, about a table of sales."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html
from places import SUPPORT

pytestmark = pytest.mark.kernel

SALES = """
import pandas as pd
sales = pd.DataFrame({
    "month": ["May", "May", "May", "June", "June"],
    "amount": [10.0, 10.0, 30.0, None, 20.0],
})
"""
RUN = "--allow mcp__kernel__run_python"
ADD = "--allow mcp__kernel__add_cell --allow mcp__kernel__edit_cell"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MagicNotebook]:
    """A kernel whose Claude knows these examples."""
    scenario = {"CLAUDE_MAGIC_OFFLINE_SCENARIO": str(SUPPORT / "peers.toml")}
    with MagicNotebook(tmp_path_factory.mktemp("kernel"), env=scenario) as kernel:
        kernel.load()
        yield kernel


@pytest.fixture
def sales(kernel: MagicNotebook) -> MagicNotebook:
    """The notebook, with its table as it was."""
    kernel.do(SALES)
    return kernel


def blocks(notebook: MagicNotebook) -> list[dict[str, Any]]:
    """What the tools of the last turn have given to the model."""
    messages = notebook.endpoint.last["messages"]
    steps = notebook.endpoint.requests[-1]["step"]
    results = [
        block
        for message in messages
        if message["role"] == "user" and isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    return results[-steps:]


def text(block: dict[str, Any]) -> str:
    return json.dumps(block["content"])


def next_cell(cell: Cell) -> str:
    """The cell that a front end puts below."""
    assert cell.reply is not None
    (payload,) = cell.reply["payload"]
    assert (payload["source"], payload["replace"]) == ("set_next_input", False)
    return str(payload["text"])


def test_list_the_variables(sales: MagicNotebook) -> None:
    sales.do("%%claude\nWhich variables do I have?")

    (listed,) = blocks(sales)
    assert "sales: pandas.DataFrame, 5 rows, 2 columns" in text(listed)


def test_explain_the_error(sales: MagicNotebook) -> None:
    assert not sales.run("sales['amounts'].sum()").ok

    sales.do("%%claude\n")

    (inspected,) = blocks(sales)
    assert "KeyError: 'amounts'" in sales.endpoint.prompts[-2]
    assert "sales['amounts'].sum()" in sales.endpoint.prompts[-2]
    assert "'amount': float64, 1 missing" in text(inspected)


def test_plot_a_table(sales: MagicNotebook) -> None:
    cell = sales.do(f"%%claude {RUN}\nPlot the sales of each month.")

    (plotted,) = blocks(sales)
    assert [block["type"] for block in plotted["content"]].count("image") == 1
    assert "data:image/png;base64," in html(cell)


def test_write_the_next_cell(sales: MagicNotebook) -> None:
    sales.do("best = None")

    cell = sales.do(f"%%claude {ADD}\nWrite the next cell: the best month.")

    assert sales.value("best") is None, "it was not run"
    sales.do(next_cell(cell))
    assert sales.value("best") == "May"


def test_clean_a_table_and_then_normalise_it(sales: MagicNotebook) -> None:
    sales.do(f"%%claude {RUN}\nClean sales, then normalise the amounts.")

    inspected, cleaned, normalised = blocks(sales)
    assert "1 missing" in text(inspected)
    assert not any(block.get("is_error") for block in (cleaned, normalised))
    assert sales.value("[round(float(each), 2) for each in clean['amount']]") == [-1.22, 1.22, 0.0]
    assert sales.value("len(sales)") == 5


def test_fix_the_cell_that_fails(sales: MagicNotebook) -> None:
    assert not sales.run("total = sales['amounts'].sum()").ok

    cell = sales.do(f"%%claude {ADD}\nFix the cell that fails.")

    read, edited, added = blocks(sales)
    assert "KeyError: 'amounts'" in sales.endpoint.prompts[-2]
    assert "total = sales['amounts'].sum()" in text(read)
    assert edited["is_error"], "no page shows the notebook, so nothing is changed in it"
    assert "proposed as the user's next cell" in text(added)
    sales.do(next_cell(cell))
    assert sales.value("float(total)") == 70.0
