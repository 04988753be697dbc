"""What Claude proposes for a notebook's cells, and what a notebook is when some of it was accepted."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

__all__ = ["CELLS", "PROPOSALS", "Proposal", "apply"]

_SEED = 20261127


class Proposal(NamedTuple):
    """One proposal.

    Args:
        tool: `add_cell`, `edit_cell` or `delete_cell`.
        cell: The id of the cell that is changed, or below which one is added; "" for none that is named.
        code: The new source.
        accepted: Whether the person accepts.
    """

    tool: str
    cell: str
    code: str
    accepted: bool

    @property
    def input(self) -> dict[str, str]:
        """What the tool is given."""
        match self.tool:
            case "add_cell":
                return {"code": self.code} | ({"after": self.cell} if self.cell else {})
            case "edit_cell":
                return {"id": self.cell, "code": self.code}
            case _:
                return {"id": self.cell}


CELLS = [
    {
        "cell_type": "markdown" if number == 3 else "code",
        "id": f"p-{number}",
        "source": f"# Cell {number} ☃ 𝄞\nvalue_{number} = {number}\nprint(value_{number})",
        "metadata": {"tags": [f"tag-{number}"]},
    }
    | (
        {}
        if number == 3
        else {
            "execution_count": None,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{number}\n"}],
        }
    )
    for number in range(8)
]


def _proposals(number: int) -> list[Proposal]:
    chance = random.Random(_SEED)  # the same each time
    left = [str(cell["id"]) for cell in CELLS]
    proposals = []
    for each in range(number):
        tool = chance.choice(["add_cell", "add_cell", "edit_cell", "edit_cell", "delete_cell"])
        cell = chance.choice(left)
        if tool == "delete_cell":
            left.remove(cell)
        if tool == "add_cell" and chance.random() < 0.5:
            cell = ""
        code = f"# Cell {cell or 'new'} ☃ 𝄢\nvalue = {each}"
        proposals.append(Proposal(tool, cell, code, accepted=chance.random() < 0.6))
    return proposals


PROPOSALS = _proposals(20)


def apply(cells: list[dict[str, Any]], proposals: list[Proposal], asking: str) -> list[dict[str, Any]]:
    """The cells after the accepted ones of the proposals; an added cell has no id yet.

    Args:
        cells: The cells before.
        proposals: The proposals, in order.
        asking: The id of the cell that asks.
    """
    cells = [dict(cell) for cell in cells]
    newest = _place(cells, asking)
    for proposal in (each for each in proposals if each.accepted):
        place = _place(cells, proposal.cell) if proposal.cell else newest
        match proposal.tool:
            case "add_cell":
                new: dict[str, Any] = {
                    "cell_type": "code",
                    "source": proposal.code,
                    "outputs": [],
                    "execution_count": None,
                }
                cells.insert(place + 1, new | {"metadata": {}})
                newest = place + 1 if not proposal.cell else newest + (place < newest)
            case "edit_cell":
                cells[place]["source"] = proposal.code
            case _:
                del cells[place]
                newest -= place < newest
    return cells


def _place(cells: list[dict[str, Any]], cell_id: str) -> int:
    return next(place for place, cell in enumerate(cells) if cell.get("id") == cell_id)
