"""What a turn has changed in the cells, taken back through the page that shows them.

The promise: a cell goes back only if it is as whoever allowed that has seen it. The last change goes back
first, so that a deleted cell finds the one that it stood below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from claude_magic.kernel.cells.page import delete_cell, read_cells, restore_cell, set_cell
from claude_magic.result import FileChange
from claude_magic.tool_server import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claude_magic.kernel.cells.content import CellContent
    from claude_magic.kernel.cells.page import CellChange, Place

__all__ = ["CellUndo"]


class CellUndo:
    """The cells of one turn, as they would go back. `look` comes first.

    Args:
        place: Where it is done; its own cell stays as it is.
        changes: What the turn has changed, in order.

    Attributes:
        changes: What goes back, each as the change of a text that its label names.
        changed_since: The labels of cells that somebody else has changed since.
        notes: What cannot go back, in words.
    """

    def __init__(self, place: Place, changes: Sequence[CellChange]) -> None:
        self._place = place
        self._steps = [each for each in _newest_first(changes) if each.id != place.cell_id]
        self._now: dict[str, str] = {}
        self.changes: list[FileChange] = []
        self.changed_since: list[str] = []
        self.notes: list[str] = []

    async def look(self) -> None:
        """Compares the cells with what they were before and after the turn."""
        cells = await self._cells()
        if cells is None:
            self._leave(self._steps, "no page that shows the notebook answers")
            return
        self._now = {cell.id: cell.source for cell in cells}
        self._steps = [each for each in self._steps if self._now.get(each.id) != each.before]
        gone = [each for each in self._steps if each.id not in self._now and not each.saved]
        self._leave(gone, "it is gone")
        self.changed_since = [each.label for each in self._steps if self._now.get(each.id) != each.after]
        self.changes = [
            FileChange(path=each.label, before=self._now.get(each.id), after=each.before)
            for each in reversed(self._steps)
        ]

    async def _cells(self) -> list[CellContent] | None:
        try:
            answer = await read_cells(self._place, [each.id for each in self._steps]) if self._steps else None
        except ToolError:  # a page fell silent
            return None
        return None if answer is None else answer.cells

    def _leave(self, steps: list[CellChange], reason: str) -> None:
        if steps:
            labels = ", ".join(each.label for each in reversed(steps))
            self.notes.append(f"Not undone, for {reason}: {labels}.")
            self._steps = [each for each in self._steps if each not in steps]

    async def take_back(self) -> list[str]:
        """Does it.

        Returns:
            The labels of the cells that are not as before.
        """
        return [each.label for each in self._steps if not await self._is_taken_back(each)]

    async def _is_taken_back(self, change: CellChange) -> bool:
        now = self._now.get(change.id)
        try:
            if now is None:
                answer = await restore_cell(self._place, change)
            elif change.before is None:
                answer = await delete_cell(self._place, change.id, now)
            else:
                answer = await set_cell(self._place, change.id, now, change.before)
        except ToolError:
            return False
        return answer is not None and bool(answer.cells)


def _newest_first(changes: Iterable[CellChange]) -> list[CellChange]:
    """One change a cell, from before its first to after its last; what came to nothing is left out."""
    merged: dict[str, CellChange] = {}
    for change in changes:
        first = merged.pop(change.id, change)
        merged[change.id] = replace(change, before=first.before)
    return [each for each in reversed(merged.values()) if each.before != each.after]
