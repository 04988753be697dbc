"""Claude among the cells of a notebook that runs at night: nbclient, with nobody there and no page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from endpoint_log import Endpoint
from headless import executed
from magic_fixtures import read_page

pytestmark = pytest.mark.kernel

ADDING = "--allow mcp__kernel__add_cell --allow mcp__kernel__edit_cell"
PROPOSED = "a = 1\n\n%%markdown\n# b"


class Proposals:
    """What the cells' replies propose as the next cell, by the source of the cell that proposes it."""

    def __init__(self) -> None:
        self.by_cell: dict[str, list[str]] = {}

    def note(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002  # nbclient's names
        """Takes note of a reply."""
        if texts := [payload["text"] for payload in execute_reply["content"]["payload"]]:
            self.by_cell[cell.source] = texts


def cells_with_each_prompt(endpoint: Endpoint) -> list[str]:
    """The data of cells in the whole conversation, in order."""
    return [text for text in endpoint.stripped_prompts if text.startswith("[data: cells]")]


def test_the_cells_before_a_prompt_go_with_it_once(tmp_path: Path) -> None:
    cells = executed(
        tmp_path,
        "depth = 'first'",
        "print('at', depth)\nlen(depth)",
        "%%claude\nsay one",
        "depth = 'second'",
        "%%claude -b\nsay two",
        "%claude_wait",
        "%%claude\nsay three",
    )

    endpoint = Endpoint("", tmp_path / "endpoint.jsonl")
    first, second = cells_with_each_prompt(endpoint)
    assert "depth = 'first'" in first
    assert "Output:\nat first\n5" in first
    assert "depth = 'second'" in second
    assert "depth = 'first'" not in second
    assert [text for text in endpoint.stripped_prompts if text.startswith("say ")] == [
        "say one",
        "say two",
        "say three",
    ]
    page = read_page(cells[2].outputs[0].data["text/html"])
    assert first.removeprefix("[data: cells]\n").removesuffix("\n[end of data: cells]") in page.text


def test_a_cell_is_proposed_by_the_cell_that_asks_or_by_the_one_that_waits_and_no_other_changes(
    tmp_path: Path,
) -> None:
    codes = (
        "marker = 1",
        f"%%claude {ADDING}\npropose two cells",
        f"%%claude -b {ADDING}\npropose two cells",
        "marker + 1",
        "%claude_wait",
    )
    proposals = Proposals()

    cells = executed(tmp_path, *codes, on_cell_executed=proposals.note)

    assert proposals.by_cell == {codes[1]: [PROPOSED], codes[4]: [PROPOSED]}
    assert tuple(cell.source for cell in cells) == codes
    assert cells[3].outputs[0].data["text/plain"] == "2"
    for asking in cells[1:3]:
        assert "a = 1" in read_page(asking.outputs[0].data["text/html"]).text, "the code is in the file"
    assert (
        "No page that shows this notebook answers"
        in Endpoint("", tmp_path / "endpoint.jsonl").tool_results[-1]
    )


def test_a_change_of_cells_that_nobody_can_allow_is_denied_and_the_notebook_goes_on(tmp_path: Path) -> None:
    proposals = Proposals()

    cells = executed(tmp_path, "%%claude\npropose two cells", "6 * 7", on_cell_executed=proposals.note)

    assert proposals.by_cell == {}
    assert "denied" in read_page(cells[0].outputs[0].data["text/html"]).text
    assert cells[1].outputs[0].data["text/plain"] == "42"
