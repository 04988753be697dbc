"""The tools for the notebook's cells, as Claude sees them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from claude_magic.tool_server import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.cells.log import CellLog
    from claude_magic.kernel.cells.notebook import NotebookCells
    from claude_magic.kernel.cells.page import Place

__all__ = ["cell_tools"]

_AFTER = (
    "The id of the cell that it goes below; left out: the last one added in this turn, or the asking cell."
)


def cell_tools(
    shell: InteractiveShell, log: CellLog, place: Callable[[], Place], path: Callable[[], Path | None]
) -> tuple[Tool, ...]:
    """The tools; whatever changes something is asked for, with the cell's diff.

    Args:
        shell: Whose cells.
        log: Those that it has run.
        place: The place of the turn that calls.
        path: The notebook's file, as far as the front end says; called in a thread.
    """

    @cache
    def cells() -> NotebookCells:
        from claude_magic.kernel.cells.notebook import NotebookCells  # noqa: PLC0415  # load budget

        return NotebookCells(shell, log, place, path)

    identity = {"type": "string", "description": "The cell's id, as read_notebook gives it."}
    code = {"type": "string", "description": "The cell's whole new source."}
    return (
        Tool(
            name="read_notebook",
            description="Reads the cells of the user's live notebook: ids, sources, whether each has run "
            "as it stands, outputs. Long notebooks come bounded, around the cell that asks; give ids to "
            "read certain cells in full.",
            schema=_schema(
                {"ids": {"type": "array", "items": {"type": "string"}, "description": "Only these."}}
            ),
            call=lambda call: cells().read_notebook(call),
            only_reads=True,
        ),
        Tool(
            name="add_cell",
            description="Adds a cell to the user's notebook, without running it. Use it whenever the user "
            "wants code in a cell.",
            schema=_schema(
                {
                    "code": code,
                    "after": {"type": "string", "description": _AFTER},
                    "type": {"type": "string", "enum": ["code", "markdown"]},
                },
                "code",
            ),
            call=lambda call: cells().add_cell(call),
            preview=lambda call: cells().preview_addition(call),
        ),
        Tool(
            name="edit_cell",
            description="Replaces the source of a cell of the user's notebook, without running it. Read "
            "the cell first; one that has changed since is left as it is.",
            schema=_schema({"id": identity, "code": code}, "id", "code"),
            call=lambda call: cells().edit_cell(call),
            preview=lambda call: cells().preview_edit(call),
        ),
        Tool(
            name="delete_cell",
            description="Deletes a cell of the user's notebook. Read it first.",
            schema=_schema({"id": identity}, "id"),
            call=lambda call: cells().delete_cell(call),
            preview=lambda call: cells().preview_deletion(call),
        ),
    )


def _schema(properties: Mapping[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
