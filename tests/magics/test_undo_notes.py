"""What `%claude_undo` says that it leaves as it is."""

from __future__ import annotations

import pytest
from turns import called, returned, turn

from claude_magic.magics.undo import _notes
from claude_magic.transcript import Transcript

CELLS = "Not undone: the cell that was proposed."


def of(*names: str, failed: bool = False) -> Transcript:
    calls = [called(name, f"t{number}") for number, name in enumerate(names)]
    results = [returned("", f"t{number}", failed=failed) for number in range(len(names))]
    return turn(*calls, *results)


@pytest.mark.parametrize(
    ("names", "notes"),
    [
        (["Edit", "Read", "mcp__kernel__inspect", "mcp__kernel__read_notebook"], []),
        (["Bash"], ["Not undone, whatever it did: Bash (1 call)."]),
        (
            ["Bash", "mcp__kernel__run_python", "Bash"],
            ["Not undone, whatever it did: Bash (2 calls), run_python (kernel) (1 call)."],
        ),
        (["mcp__mail__send", "WebSearch"], ["Not undone, whatever it did: send (mail) (1 call)."]),
        (["mcp__kernel__add_cell", "mcp__kernel__edit_cell"], [CELLS]),
        (["mcp__kernel__delete_cell", "Bash"], [CELLS, "Not undone, whatever it did: Bash (1 call)."]),
    ],
)
def test_what_acted_by_other_means_is_named_with_its_calls(names: list[str], notes: list[str]) -> None:
    assert _notes(of(*names), proposed=True) == notes
    assert _notes(of(*names, failed=True), proposed=True) == []
    assert _notes(of(*names), proposed=False) == [note for note in notes if note != CELLS]
