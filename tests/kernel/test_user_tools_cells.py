"""Functions of a notebook that Claude calls: in cells, with the kernel's own objects."""

from __future__ import annotations

import json

import pytest
from magic_fixtures import MagicNotebook, html, read_page

pytestmark = pytest.mark.kernel

TOOLS = """
import pandas as pd
from claude_magic import claude_tool

@claude_tool
def double(table: pd.DataFrame, times: int = 2) -> pd.DataFrame:
    "Multiplies a table."
    print("doubling")
    return table * times

@claude_tool(only_reads=True)
async def total(table: pd.DataFrame) -> int:
    "Adds up a table."
    return int(table.sum().sum())

@claude_tool(only_reads=True)
def draw(numbers: list[int]):
    "Draws numbers."
    import matplotlib.pyplot as plt
    plt.plot(numbers)

@claude_tool(only_reads=True)
def again(how: str) -> str:
    "Asks Claude."
    return str(get_ipython().run_line_magic(*how.split("|")))

prices = pd.DataFrame({"a": [1, 2]})
numbers = [1, 3, 2]
"""
ALLOW = "--allow mcp__notebook__double"
LATER = "@claude_tool(only_reads=True)\ndef later({}) -> str:\n    'Says it.'\n    return {!r}"


def tools(notebook: MagicNotebook) -> set[str]:
    """The person's tools in the last request."""
    names = {tool["name"] for tool in notebook.endpoint.last["tools"]}
    return {name.removeprefix("mcp__notebook__") for name in names if name.startswith("mcp__notebook__")}


def test_claude_calls_functions_with_the_kernels_objects_and_gets_theirs_by_name(
    own_kernel: MagicNotebook,
) -> None:
    notebook = own_kernel
    notebook.do(TOOLS)  # before the extension is there
    notebook.load()
    cell = notebook.do(f'%%claude {ALLOW}\ncall double {{"table": "$prices"}}')
    assert {"double", "total", "draw"} <= tools(notebook)
    assert notebook.value("df_1.a.tolist()") == [2, 4]
    assert "doubling" in read_page(html(cell)).text
    assert '\\"$df_1\\"' in notebook.endpoint.tool_results[-1]
    notebook.do('%%claude -o r\ncall total {"table": "$df_1"}')
    assert notebook.value("r.tool_calls[0].result") == "6"

    notebook.do('%%claude\ncall draw {"numbers": "$numbers"}')
    blocks = json.loads(notebook.endpoint.tool_results[-1])
    assert [block["source"]["media_type"] for block in blocks if block["type"] == "image"] == ["image/png"]

    for head, value, given in (("", "later", "{}"), ("n: int", "later still", '{"n": 2}')):
        notebook.do(LATER.format(head, value))
        notebook.do(f"%%claude -o r\ncall later {given}")
        assert notebook.value("r.tool_calls[0].result") == value
        (later,) = [each for each in notebook.endpoint.last["tools"] if each["name"].endswith("later")]
        assert later["input_schema"]["required"] == ["n"] * bool(head)


def test_the_tools_are_listed_and_can_be_taken_away(notebook: MagicNotebook) -> None:
    notebook.do(TOOLS)
    listed = notebook.printed("%claude_tools")
    for words in (
        "run_python",
        "double(table: DataFrame, times: int = 2)",
        "this notebook",
        "no, only reads",
        "Multiplies a table.",
    ):
        assert words in listed
    assert notebook.value("get_ipython().complete(None, '%claude_tools --remove dr')[1]") == ["draw"]
    notebook.do("%claude say one")
    assert "draw" in tools(notebook)
    assert notebook.printed("%claude_tools --remove draw") == "Claude has the tool 'draw' no more."
    assert notebook.error("%claude_tools --remove draw").startswith("There is no tool 'draw' of yours. There")
    notebook.do("%claude say two")
    assert "draw" not in tools(notebook)
    assert notebook.error("@claude_tool\ndef inspect(): pass").startswith(
        "The kernel has a tool 'inspect' al"
    )


@pytest.mark.fault(105, via="real")
def test_a_prompt_from_inside_a_tool_is_refused_in_one_line(notebook: MagicNotebook) -> None:
    notebook.do(TOOLS)
    notebook.do('%%claude -o r\ncall again {"how": "claude|say no"}')
    notebook.do('%%claude -b -o w\ncall again {"how": "claude_wait|"}')
    notebook.do("%claude_wait")
    for name in ("r", "w"):
        said = notebook.value(f"{name}.tool_calls[0].result")
        assert said.startswith("StateError: Session 'main' waits for this before anything else")
    notebook.do("r = %claude say done")
    assert notebook.value("r.text") == "done"
