"""Claude in the live kernel: it sees the variables, and uses them when the person lets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from generations import OLDER_CLI, current_cli, warmed
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, read_page, shown

pytestmark = pytest.mark.kernel

ALLOWED = "--allow mcp__kernel__run_python"


def python(code: str, options: str = ALLOWED) -> str:
    """A cell in which Claude runs code."""
    return f"%%claude {options}\npython {code}"


def from_input(notebook: MagicNotebook, code: str, answer: str, options: str = "") -> Cell:
    """Claude asks by `input()`, as in a nested turn, whether it may run code of one line."""
    ask = f"def ask():\n    %claude {options} python {code}\nask()"
    return notebook.do(ask, allow_stdin=True, answers=[answer])


def last_result(notebook: MagicNotebook) -> dict[str, Any]:
    """The last tool result that reached the model."""
    results = notebook.endpoint._blocks("tool_result")
    return results[-1]


def frame(notebook: MagicNotebook) -> None:
    notebook.do("import pandas as pd\ndf = pd.DataFrame({'city': ['Oslo', 'Rome'], 'rain': [1.5, None]})")


@pytest.mark.parametrize("cli", [current_cli(), OLDER_CLI], ids=["current", "older"])
def test_its_tools_are_offered_from_the_first_turn_on(notebook: MagicNotebook, cli: Path) -> None:
    warmed(cli)
    notebook.do(f"%config ClaudeMagics.cli = {str(cli)!r}\nx = 3")

    notebook.do("%%claude\nvariables")

    tools = [tool["name"] for tool in notebook.endpoint.requests[0]["body"]["tools"]]
    assert {
        "mcp__kernel__list_variables",
        "mcp__kernel__inspect",
        "mcp__kernel__run_python",
    } <= set(tools)
    assert "x: int = 3" in json.dumps(last_result(notebook))


def test_it_lists_and_inspects_a_data_frame_and_nobody_is_asked(shared: MagicNotebook) -> None:
    frame(shared)
    shared.do("api_key = 'sk-ant-0123456789abcdefghij'")

    shared.do("%claude variables")
    listed = json.dumps(last_result(shared))
    assert "df: pandas.DataFrame, 2 rows" in listed
    assert "api_key" in listed

    shared.do("%claude inspect df")
    inspected = json.dumps(last_result(shared))
    assert "rain" in inspected
    assert "1 missing" in inspected
    assert "Oslo" in inspected

    shared.do("%claude inspect api_key")
    assert "0123456789abcdefghij" not in json.dumps(shared.endpoint.lines)

    shared.do("%claude inspect nothing")
    assert last_result(shared)["is_error"] is True


def test_what_it_runs_changes_what_the_next_cell_sees(shared: MagicNotebook) -> None:
    frame(shared)

    cell = shared.do(python("df = df.fillna(0)\ntotal = df['rain'].sum()\ntotal"))

    assert shared.value("float(total)") == 1.5
    assert shared.value("int(df['rain'].isna().sum())") == 0
    assert "1.5" in json.dumps(last_result(shared)["content"])
    assert "df = df.fillna(0)" in read_page(html(cell)).text
    assert shared.value("[line for line in In if line.startswith('df = df.fillna')]") == []


@pytest.mark.fault(45, via="real")
def test_it_asks_and_a_no_leaves_the_namespace_as_it_was(notebook: MagicNotebook) -> None:
    notebook.do("x = 1")

    cell = from_input(notebook, "x = 2", "n")

    assert notebook.value("x") == 1
    assert "x = 2" in cell.stdout
    assert last_result(notebook)["is_error"] is True


@pytest.mark.fault(45, via="real")
def test_always_holds_for_the_session_and_its_restarts_and_for_nothing_else(notebook: MagicNotebook) -> None:
    first = from_input(notebook, "x = 2", "always")
    notebook.do("%claude_stop")
    again = from_input(notebook, "x = 3", "n")

    assert notebook.value("x") == 3
    assert (len(first.prompts), len(again.prompts)) == (1, 0)
    assert not (notebook.work / ".claude").exists(), "nobody's settings were changed"
    other = from_input(notebook, "x = 4", "always", "-s other")
    assert len(other.prompts) == 1
    for name in ("main", "other"):
        (row,) = [
            line for line in notebook.printed(f"%claude_permissions {name}").splitlines() if "mcp__" in line
        ]
        assert "Always, for this session" in row
        notebook.do(f"%claude_permissions {name} --remove mcp__kernel__run_python")
        taken_back = from_input(notebook, "x = 5", "n", f"-s {name}")
        assert len(taken_back.prompts) == 1
    assert notebook.value("x") == 4


def test_a_figure_reaches_the_model_and_the_card_as_a_picture(shared: MagicNotebook) -> None:
    cell = shared.do(python("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nprint('drawn')"))

    kinds = [block["type"] for block in last_result(shared)["content"]]
    assert kinds[:2] == ["text", "image"]
    (picture,) = (block for block in last_result(shared)["content"] if block["type"] == "image")
    assert picture["source"]["media_type"] == "image/png"
    assert "data:image/png;base64," in html(cell)
    assert "Image: source" not in shown(cell).split("It said")[0]
    assert shared.value("plt.get_fignums()") == []


def test_an_error_comes_back_as_one_and_leaves_the_kernel_fine(shared: MagicNotebook) -> None:
    shared.do("y = 0")
    shared.do(python("y = 1\nprint('before')\n1 / 0"))

    result = last_result(shared)
    assert result["is_error"] is True
    assert "before" in json.dumps(result["content"])
    assert "ZeroDivisionError: division by zero" in json.dumps(result["content"])
    assert "claude_magic" not in json.dumps(result["content"])
    assert shared.value("y") == 1


def test_each_line_is_seen_before_the_next_is_printed(shared: MagicNotebook) -> None:
    code = (
        "import os, time\n"
        "for i in range(3):\n"
        "    print('line' + str(i))\n"
        "    while not os.path.exists(f'seen{i}'): time.sleep(0.01)"
    )
    shared.comms.clear()
    cell_id = shared.start(python(code), allow_stdin=True)

    for i in range(3):
        shared.wait_for(lambda i=i: f"line{i}" in patches(shared))  # type: ignore[misc]
        (shared.work / f"seen{i}").touch()

    assert shared.wait(cell_id).ok
    assert "line2" in json.dumps(last_result(shared)["content"])


LOOP = "x = 1\nprint('beg' + 'un')\nwhile True: pass"
IN_C = "import time\nx = 1\nprint('beg' + 'un')\ntime.sleep(600)"
AWAIT = (
    "import asyncio\nx = 1\nprint('beg' + 'un')\ntry:\n    await asyncio.sleep(600)\nfinally:\n    closed = 1"
)


@pytest.mark.parametrize("code", [LOOP, IN_C, AWAIT], ids=["loop", "C", "await"])
def test_an_interrupt_stops_the_code_and_the_turn_and_nothing_else(shared: MagicNotebook, code: str) -> None:
    shared.do("x = closed = 0\n%claude say hello")
    pid = shared.claude_pid()
    shared.comms.clear()
    cell_id = shared.start(python(code), allow_stdin=True)
    shared.wait_for(lambda: "begun" in patches(shared))

    shared.interrupt()
    cell = shared.wait(cell_id)

    assert cell.error is not None
    assert cell.error.text == "claude_magic: Interrupted. The session goes on; ask again when you like."
    assert "begun" in shown(cell), "what had come is kept"
    assert shared.value("x") == 1
    assert shared.value("closed") == (code == AWAIT)
    shared.do("%claude say on")
    assert shared.claude_pid() == pid
    assert "say hello" in shared.endpoint.prompts


@pytest.mark.fault(105, via="real")
@pytest.mark.parametrize(
    "code",
    [
        "%claude say deeper",
        "await s.ask('say deeper')",
        "r = %claude say deeper",
    ],
)
def test_it_cannot_wait_for_its_own_turn(shared: MagicNotebook, code: str) -> None:
    shared.do("%claude say hello")
    shared.do(
        "from claude_magic.magics.magics import _magics_in\n"
        "s = _magics_in(get_ipython()).sessions.peek('main')"
    )

    shared.do(python(code))

    result = last_result(shared)
    assert result["is_error"] is True
    assert "Session 'main' waits for this before anything else" in json.dumps(result["content"])
    assert "say deeper" not in shared.endpoint.prompts


@pytest.mark.fault(105, via="real")
def test_in_the_background_it_cannot_wait_for_its_own_turn_either(notebook: MagicNotebook) -> None:
    notebook.do(f"%%claude -b {ALLOWED}\npython get_ipython().run_line_magic('claude_wait', '')")
    notebook.do("%claude_wait")

    assert "waits for this before anything else" in json.dumps(last_result(notebook)["content"])


def test_in_the_background_it_runs_between_cells(shared: MagicNotebook) -> None:
    shared.do(f"%%claude -b {ALLOWED}\npython z = 5")
    shared.do("%claude_wait")

    assert shared.value("z") == 5


def patches(shared: MagicNotebook) -> str:
    """What was sent to widgets."""
    return json.dumps([message["content"] for message in shared.comms])
