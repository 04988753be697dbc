"""The notebook's cells in the page that shows them: read, and changed as by the person's own hand.

A cell changes only if it still is what whoever changes it knows of it. What a turn has changed is noted at
its place, so that it can be taken back.

Each function returns what the page answers, None if no page does; a page that falls silent is a ToolError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from claude_magic.kernel.cells.content import CellAnswer, CellContent, answer_from
from claude_magic.tool_server import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "NONSENSE",
    "CellChange",
    "Place",
    "delete_cell",
    "new_cell",
    "read_cells",
    "restore_cell",
    "set_cell",
]

NONSENSE = "The page that shows the notebook gave an answer that is none. Look with read_notebook."
_SILENT = (
    "The page that shows the notebook has not said whether it did this; it may be closed. Look with "
    "read_notebook before you go on."
)


class CellChange(Struct, frozen=True, kw_only=True):
    """What became of a cell.

    Args:
        id: The cell's id.
        label: The cell as a person knows it.
        before: Its source; None if there was no such cell.
        after: Its source then; None if it is not there any more.
        above: The id of the cell that a deleted one stood below; "" for none.
        index: Where that was, from 0.
        saved: What its file would have of a deleted one, as JSON.
    """

    id: str
    label: str
    before: str | None
    after: str | None
    above: str = ""
    index: int = 0
    saved: str = ""


class Place(Protocol):
    """Where a turn stands among the cells, and what reaches them from there.

    Args:
        session: The name of its session.
        cell_id: Its cell, as the front end names it; "" if that is not known.
        below: The cell below which the turn's next one belongs, at first its own.
        changes: What it has changed in the cells, in order.
    """

    session: str
    cell_id: str
    below: str
    changes: list[CellChange]

    async def ask_page(self, question: Mapping[str, object]) -> object | None:
        """What a page answers; None if none can. Raises TimeoutError for one that falls silent."""
        ...

    def propose(self, code: str) -> None:
        """Makes code the person's next cell, after what the turn has proposed already."""
        ...


async def read_cells(place: Place, ids: Sequence[str] | None = None) -> CellAnswer | None:
    """The cells of these ids; all of them for None."""
    return await _asked(place, {"type": "read", "ids": ids})


async def new_cell(place: Place, code: str, *, kind: str = "code", after: str = "") -> CellAnswer | None:
    """Puts a cell into the page, below the turn's last one if nothing else is said."""
    question = {"type": "add", "kind": kind, "source": code}
    answer = await _asked(place, question | {"after": after or place.below})
    if answer is not None and answer.gone and not after:  # the person has deleted the cell
        answer = await _asked(place, question | {"after": ""})
    if (cell := _done(answer)) is not None:
        place.changes.append(CellChange(id=cell.id, label=cell.label, before=None, after=cell.source))
        place.below = place.below if after else cell.id
    return answer


async def set_cell(place: Place, cell_id: str, before: str, source: str) -> CellAnswer | None:
    """Replaces the source of a cell that still is what it was."""
    answer = await _asked(place, {"type": "edit", "id": cell_id, "before": before, "source": source})
    if (cell := _done(answer)) is not None:
        place.changes.append(CellChange(id=cell_id, label=cell.label, before=before, after=source))
    return answer


async def delete_cell(place: Place, cell_id: str, before: str) -> CellAnswer | None:
    """Deletes a cell that still is what it was."""
    answer = await _asked(place, {"type": "delete", "id": cell_id, "before": before})
    if answer is not None and (cell := _done(answer)) is not None:
        place.changes.append(
            CellChange(
                id=cell_id,
                label=cell.label,
                before=before,
                after=None,
                above=answer.above,
                index=cell.index,
                saved=answer.saved,
            )
        )
    return answer


async def restore_cell(place: Place, change: CellChange) -> CellAnswer | None:
    """Puts a cell that was deleted back where it stood, with its outputs."""
    where = {"after": change.above, "index": change.index}
    what = {"id": change.id, "source": change.before, "saved": change.saved}
    return await _asked(place, {"type": "restore"} | where | what)


def _done(answer: CellAnswer | None) -> CellContent | None:
    """The cell, if the page has changed it."""
    return answer.cells[0] if answer is not None and answer.cells else None


async def _asked(place: Place, question: Mapping[str, object]) -> CellAnswer | None:
    try:
        answer = await place.ask_page(question)
    except TimeoutError:
        raise ToolError(_SILENT) from None
    if answer is None:
        return None
    cells = answer_from(answer)
    if cells is None:
        raise ToolError(NONSENSE)
    return cells
