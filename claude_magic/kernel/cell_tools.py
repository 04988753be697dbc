"""The tools for the notebook's cells, as Claude sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.tool_server import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_magic.kernel.notebook_cells import NotebookCells

__all__ = ["cell_tools"]

_AFTER = (
    "The id of the cell that it goes below; left out: the last one added in this turn, or the asking cell."
)


def cell_tools(cells: NotebookCells) -> tuple[Tool, ...]:
    """The tools; whatever changes something is asked for, with the cell's diff."""
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
            call=cells.read_notebook,
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
            call=cells.add_cell,
            preview=cells.preview_addition,
        ),
        Tool(
            name="edit_cell",
            description="Replaces the source of a cell of the user's notebook, without running it. Read "
            "the cell first; one that has changed since is left as it is.",
            schema=_schema({"id": identity, "code": code}, "id", "code"),
            call=cells.edit_cell,
            preview=cells.preview_edit,
        ),
        Tool(
            name="delete_cell",
            description="Deletes a cell of the user's notebook. Read it first.",
            schema=_schema({"id": identity}, "id"),
            call=cells.delete_cell,
            preview=cells.preview_deletion,
        ),
    )


def _schema(properties: Mapping[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
