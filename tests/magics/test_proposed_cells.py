"""What Claude proposes where no page answers, and what `--cell` and `--replace` make of an answer's code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook

from claude_magic.magics.place import TurnPlace

ALLOWED = "--allow mcp__kernel__add_cell --allow mcp__kernel__edit_cell"
CODE = "a = 1\n\nb = a + 1"


def proposed(cell: Cell) -> list[tuple[str, bool]]:
    """The next cell that a cell's reply has, and whether it takes the place of that cell."""
    assert cell.reply is not None
    return [(payload["text"], payload["replace"]) for payload in cell.reply["payload"]]


@pytest.mark.kernel
def test_several_cells_of_a_turn_are_one_next_cell_and_of_a_background_turn_when_it_is_waited_for(
    notebook: MagicNotebook,
) -> None:
    notebook.do("marker = 1  # what has run")
    cell = notebook.do(f"%%claude {ALLOWED}\npropose two cells")
    added, _, read, edited = notebook.endpoint.tool_results
    background = notebook.do(f"%%claude -b {ALLOWED}\npropose two cells")
    between = notebook.do("2")

    waited = notebook.do("%claude_wait")

    assert proposed(cell) == [("a = 1\n\n%%markdown\n# b", False)]
    assert "proposed as the user's next cell" in added
    assert "marker = 1  # what has run" in read
    assert "No page that shows this notebook answers" in edited
    assert proposed(background) == proposed(between) == []
    assert proposed(waited) == proposed(cell)


@pytest.mark.kernel
def test_the_code_of_an_answer_becomes_the_next_cell_or_takes_the_place_of_this_one(
    notebook: MagicNotebook,
) -> None:
    cell = notebook.do("%%claude --cell\ncode in parts")
    replaced = notebook.do("%%claude --replace\ncode in parts")
    without = notebook.do("%%claude --cell\nsay no code")
    notebook.do("%%claude -b --replace\ncode in parts")
    waited = notebook.do("%claude_wait")

    assert proposed(cell) == [(CODE, False)]
    assert proposed(replaced) == [(CODE, True)]
    assert proposed(without) == []
    assert without.stdout == "The answer has no Python code, so no cell was made of it.\n"
    assert proposed(waited) == [(CODE, False)]
    assert "Give one of them" in notebook.error("%claude --cell --replace say x")
    assert "Leave out --cell" in notebook.error("%claude --task t --cell say x")


def test_at_a_prompt_what_is_proposed_adds_up_and_nothing_is_replaced() -> None:
    shell: Any = SimpleNamespace(rl_next_input=None)
    shell.set_next_input = lambda code: setattr(shell, "rl_next_input", code)
    place = TurnPlace(shell, "main")

    place.propose("a = 1")
    place.propose("b = 2")

    assert shell.rl_next_input == "a = 1\n\nb = 2"
    assert not place.replace("c = 3")
