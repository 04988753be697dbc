"""What the tools for cells do: the cells read, and with the person's consent added, changed and deleted.

The promise: cells change through the page that shows them, as by the person's own hand, and only one that
still is what Claude knows of it. Where no page answers a new cell is proposed, and nothing else changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from claude_magic.kernel.cells.content import CellAnswer, CellContent, listing
from claude_magic.kernel.cells.page import NONSENSE, delete_cell, new_cell, read_cells, set_cell
from claude_magic.kernel.cells.saved import cells_in, history_lines
from claude_magic.kernel.cells.telling import cleaner, outcome
from claude_magic.kernel.values.bounded import WITHHELD
from claude_magic.kernel.values.withheld import source_without_secrets
from claude_magic.tool_server import Call, Content, Preview, ToolError, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.cells.log import CellLog
    from claude_magic.kernel.cells.page import Place

__all__ = ["NotebookCells"]

_IDS = 200
_CODE = 500_000  # characters
_REMEMBERED = 10_000  # sources
_NO_PAGE = (
    "No page that shows this notebook answers, so its cells cannot be changed from here. Give the code in "
    "your answer, or propose a new cell with add_cell."
)
_UNREAD = (
    "You have not read the cell {id!r:.80} as a whole, or not yet. Read it first: read_notebook(ids=[…])."
)
_GONE = "There is no cell {id!r:.80} in the notebook now. read_notebook tells which there are."
_SAVED = "No page answers: the cells as they were last saved, which cannot be edited from here."
_RUN = "What this kernel has run, the newest last:"
_WITHHELD = (
    "The code has a secret's place in it ({marker}), and would overwrite the secret. Leave this cell to the "
    "user, or read the secret from the environment."
)


class NotebookCells:
    """The cells, as Claude knows them.

    Args:
        shell: Whose cells.
        log: Those that it has run.
        place: The place of the turn that calls.
        path: The notebook's file, as far as the front end says; called in a thread.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        log: CellLog,
        place: Callable[[], Place],
        path: Callable[[], Path | None],
    ) -> None:
        self._shell = shell
        self._log = log
        self._place = place
        self._path = path
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()  # sources, by session and cell
        self._approved: OrderedDict[str, str] = OrderedDict()  # the sources a person saw, by call

    # Reading

    async def read_notebook(self, call: Call) -> list[Content]:
        """The cells, those near the one that asks in full."""
        ids, place = _ids(call.input.get("ids")), self._place()
        answer = await read_cells(place, ids)
        if answer is None:
            return [text(await self._without_page(place, ids))]
        lines, whole = self._listing(answer.cells, place, ids)
        for cell in whole:
            self._know(place, cell)
        missing = [each for each in ids or () if all(cell.id != each for cell in answer.cells)]
        notes = [f"There is no cell {', '.join(missing)[:500]}."] if missing else []
        return [text("\n".join([*notes, lines]) or "The notebook has no cells.")]

    def _listing(
        self, cells: list[CellContent], place: Place, ids: list[str] | None
    ) -> tuple[str, list[CellContent]]:
        own = next((cell.index for cell in cells if cell.id and cell.id == place.cell_id), None)
        near = own if own is not None else (0 if ids else len(cells))
        return listing(cells, near, self._ran, place.cell_id)

    def _ran(self, cell: CellContent) -> str:
        """Whether it has run as it stands; its number alone may be an earlier kernel's."""
        sources = self._sources()
        if cell.running:
            return "running"
        if cell.count is None:
            return "has not run"
        if cell.count < len(sources) and sources[cell.count].strip() == cell.source.strip():
            return f"ran as In [{cell.count}]"
        return "has not run as it stands"

    def _sources(self) -> list[str]:
        """The cells that this kernel has run, by their numbers."""
        return list(getattr(self._shell.history_manager, "input_hist_raw", ()))

    async def _without_page(self, place: Place, ids: list[str] | None) -> str:
        cells = await asyncio.to_thread(cells_in, self._path)
        cells = [cell for cell in cells if ids is None or cell.id in ids]
        saved = [_SAVED, self._listing(cells, place, ids)[0]] if cells else []
        lines = self._history()
        run = [_RUN, *lines] if lines else []
        return "\n".join([*saved, *run]) or "There is no notebook here, and nothing has run yet."

    def _history(self) -> list[str]:
        """The cells that this kernel has run, with what came of those that were heard."""
        clean = cleaner(self._shell.user_ns)
        cells = {cell.execution_count: cell for cell in self._log.cells}
        return history_lines(
            self._sources(), lambda number: outcome(cells[number], clean) if number in cells else {}
        )

    # Adding

    async def preview_addition(self, call: Call) -> Preview:
        """The new cell, and where it goes."""
        code, after, kind = _code(call), _optional(call, "after"), _kind(call)
        place = self._place()
        answer = await read_cells(place, [after or place.below])
        if answer is None:
            return Preview(about="It is proposed as the next cell.", after=code)
        if after and not answer.cells:
            raise ToolError(_GONE.format(id=after))
        return Preview(about=f"A new {kind} cell {_below(answer.cells, place)}", after=code)

    async def add_cell(self, call: Call) -> list[Content]:
        """Adds a cell, or proposes it where no page answers."""
        code, after, kind = _code(call), _optional(call, "after"), _kind(call)
        place = self._place()
        answer = await new_cell(place, code, kind=kind, after=after)
        if answer is None:
            place.propose(code if kind == "code" else f"%%markdown\n{code}")
            return [text("No page answers, so it is proposed as the user's next cell. It has not run.")]
        if not answer.cells:
            raise ToolError(_GONE.format(id=after))
        cell = answer.cells[0]
        self._know(place, cell)
        return [text(f"It is cell {cell.index + 1} now, with the id {cell.id}. It has not run.")]

    # Changing

    async def preview_edit(self, call: Call) -> Preview:
        """What changes in a cell, if it is as Claude knows it."""
        return await self._preview(call, _code(call))

    async def preview_deletion(self, call: Call) -> Preview:
        """The cell that goes, if it is as Claude knows it."""
        self._refuse_own_cell(call)
        return await self._preview(call, "")

    async def _preview(self, call: Call, after: str) -> Preview:
        cell_id, place = call.text("id"), self._place()
        before = await self._source(place, cell_id)
        answer = await read_cells(place, [cell_id])
        if answer is None:
            raise ToolError(_NO_PAGE)
        if not answer.cells:
            raise ToolError(_GONE.format(id=cell_id))
        cell = answer.cells[0]
        if cell.source != before:
            raise self._changed(place, cell)
        _remember(self._approved, call.id, before)
        verb = "Changes" if call.input.get("code") is not None else "Deletes"
        own = " (the cell that asks)" if cell_id == place.cell_id else ""
        return Preview(about=f"{verb} {source_without_secrets(cell.name)}{own}", before=before, after=after)

    async def edit_cell(self, call: Call) -> list[Content]:
        """Replaces a cell's source."""
        code, cell_id, place = _code(call), call.text("id"), self._place()
        before = await self._before(call, place)
        answer = await set_cell(place, cell_id, before, code)
        cell = self._changed_cell(place, cell_id, answer)
        self._know(place, cell)
        call.show(Preview(before=before, after=code))
        return [text(f"Cell {cell.index + 1} has the new source. It has not run with it.")]

    async def delete_cell(self, call: Call) -> list[Content]:
        """Deletes a cell."""
        self._refuse_own_cell(call)
        cell_id, place = call.text("id"), self._place()
        before = await self._before(call, place)
        answer = await delete_cell(place, cell_id, before)
        self._changed_cell(place, cell_id, answer)
        self._known.pop((place.session, cell_id), None)
        call.show(Preview(before=before))
        return [text("The cell is deleted. The kernel's variables are as they were.")]

    def _changed_cell(self, place: Place, cell_id: str, answer: CellAnswer | None) -> CellContent:
        """The cell, now that it is changed or gone, if the page has done so."""
        if answer is None:
            raise ToolError(_NO_PAGE)
        if answer.changed is not None:
            raise self._changed(place, answer.changed)
        if answer.gone:
            raise ToolError(_GONE.format(id=cell_id))
        if answer.locked:
            raise ToolError("The user has locked this cell (its metadata say so). It is left as it is.")
        if not answer.cells:
            raise ToolError(NONSENSE)
        return answer.cells[0]

    def _changed(self, place: Place, cell: CellContent) -> ToolError:
        if not cell.is_whole:
            return ToolError(
                "The cell has changed since you read it, and is too long to be edited from here."
            )
        self._know(place, cell)
        return ToolError(
            "The cell has changed since you read it, so it is left as it is. This is its source now; try "
            f"again with it:\n{source_without_secrets(cell.source)}"
        )

    def _refuse_own_cell(self, call: Call) -> None:
        if call.text("id") == self._place().cell_id:
            raise ToolError("This is the cell that asks: your answer stands below it. Leave it to the user.")

    # What Claude knows of a cell

    def _know(self, place: Place, cell: CellContent) -> None:
        _remember(self._known, (place.session, cell.id), cell.source)

    async def _source(self, place: Place, cell_id: str) -> str:
        source = self._known.get((place.session, cell_id))
        if source is None:
            is_there = await read_cells(place, []) is not None
            raise ToolError(_UNREAD.format(id=cell_id) if is_there else _NO_PAGE)
        return source

    async def _before(self, call: Call, place: Place) -> str:
        """What the cell has to be still: what the person saw who allowed it, else what Claude has read."""
        source = await self._source(place, call.text("id"))
        return self._approved.pop(call.id, source) if call.id else source


def _remember(sources: OrderedDict[Any, str], key: object, source: str) -> None:
    sources[key] = source
    sources.move_to_end(key)
    if len(sources) > _REMEMBERED:
        sources.popitem(last=False)


def _ids(value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ToolError("ids has to be a list of cell ids.")
    return value[:_IDS]


def _below(cells: list[CellContent], place: Place) -> str:
    if not cells:
        return "at the end"
    return (
        "below this one" if cells[0].id == place.cell_id else f"below {source_without_secrets(cells[0].name)}"
    )


def _optional(call: Call, name: str) -> str:
    return call.text(name) if call.input.get(name) is not None else ""


def _kind(call: Call) -> str:
    kind = _optional(call, "type") or "code"
    if kind not in {"code", "markdown"}:
        raise ToolError("type has to be code or markdown.")
    return kind


def _code(call: Call) -> str:
    code = call.text("code")
    if len(code) > _CODE:
        raise ToolError(f"code has {len(code):,} characters; a cell takes {_CODE:,}.")
    if WITHHELD in code:
        raise ToolError(_WITHHELD.format(marker=WITHHELD))
    return code.removesuffix("\n")
