"""Functions that are defined at a real IPython prompt, and called by Claude there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from magic_terminal import MagicTerminal

pytestmark = pytest.mark.terminal

DOUBLE = """@claude_tool
def double(numbers: list[int]) -> list[int]: calls.append(numbers); tell(); return numbers * 2
"""
WAIT = "[time.sleep(0.01) for _ in iter(lambda: os.path.exists('seen'), True)]"
TELL = f"def tell(): print('doubl' + 'ing'); {WAIT}; print('so')"
CALL = 'r = %claude call double {"numbers": "$prices"}'
ALLOW_CODE = "--allow mcp__kernel__run_python"


@pytest.fixture(params=[False, True], ids=["prompt_toolkit", "simple_prompt"], scope="module")
def terminal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MagicTerminal]:
    folder = tmp_path_factory.mktemp("terminal")
    with MagicTerminal(folder, simple_prompt=request.param) as terminal:
        terminal.run("%load_ext claude_magic")
        terminal.run("from claude_magic import claude_tool; prices = [3, 4]; calls = []")
        terminal.run("import os, time")
        terminal.run(TELL)
        terminal.run(DOUBLE.rstrip())
        yield terminal


def test_a_function_of_the_prompt_is_called_with_its_objects_once_it_is_allowed(
    terminal: MagicTerminal,
) -> None:
    terminal.run("calls.clear()")
    terminal.start(CALL)
    asked = terminal.wait_for("Allow it?")
    assert "Claude asks to use mcp__notebook__double:" in asked
    assert "$prices" in asked.split("Claude asks", 1)[1]

    terminal.type("y")
    terminal.wait_for("doubling")
    (terminal.work / "seen").touch()
    terminal.wait_for_prompt()

    assert "True" in terminal.run("calls[0] is prices")
    (content,) = json.loads(terminal.endpoint.tool_results[-1])
    assert content["text"] == "doubling\nso\n[3, 4, 3, 4]"
    assert "doubling" in terminal.run("print(r.tool_calls[0].result)")


def test_a_function_that_is_not_allowed_is_not_called_and_claude_is_told_why(terminal: MagicTerminal) -> None:
    terminal.run("calls.clear()")
    terminal.start(CALL)
    terminal.wait_for("Allow it?")

    terminal.type("Take the other list")
    terminal.wait_for_prompt()

    assert "called: 0" in terminal.run("print('called:', len(calls))")
    assert "Take the other list" in terminal.endpoint.tool_results[-1]


@pytest.mark.fault(105, via="real")
def test_a_prompt_from_inside_claude_s_code_is_refused_in_one_line(terminal: MagicTerminal) -> None:
    terminal.run(f"r = %claude {ALLOW_CODE} python %claude say deeper")

    assert "Session 'main' waits for this before anything else" in terminal.endpoint.tool_results[-1]
    assert "say deeper" not in terminal.endpoint.prompts
    assert "on we go" in terminal.run("%claude say on we go").split("Claude · main", 1)[1]


@pytest.mark.fault(105, via="real")
def test_a_prompt_from_inside_a_function_of_the_prompt_is_refused_in_one_line(
    terminal: MagicTerminal,
) -> None:
    inside = "str(get_ipython().run_line_magic('claude', 'say deeper'))"
    terminal.run(f"@claude_tool(only_reads=True)\ndef again() -> str: return {inside}")

    terminal.run("r = %claude call again {}")

    assert "StateError: Session 'main' waits for this" in terminal.run("print(r.tool_calls[0].result)")
    assert "say deeper" not in terminal.endpoint.prompts
    assert "on we go" in terminal.run("%claude say on we go").split("Claude · main", 1)[1]
