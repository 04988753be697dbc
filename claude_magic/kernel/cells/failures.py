"""A cell's error as it goes with a prompt: traceback, cell, and the variables that its lines name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.kernel.cells.telling import cell_text, cleaner
from claude_magic.kernel.execution.tracebacks import named_values
from claude_magic.kernel.values.inspect import inspected
from claude_magic.prompt import Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_magic.kernel.cells.log import Cell

__all__ = ["failure"]

_SOURCE = 12_000  # characters of the cell
_BYTES, _SECONDS = 1_000, 0.5  # of each variable


async def failure(cell: Cell, names: Mapping[str, object]) -> Attachment:
    """A cell that has failed, with what it takes to see why.

    Args:
        cell: The cell.
        names: The notebook's variables, whose secrets are withheld.
    """
    text = cell_text(cell, cleaner(names), limit=_SOURCE)
    if variables := await _variables(cell.exception):
        text += f"\n\nThe variables that the failing lines name:\n{variables}"
    return Attachment("error", text, f"the error of In [{cell.execution_count}] attached")


async def _variables(error: BaseException | None) -> str:
    values = {} if error is None else named_values(error)
    described = [
        await inspected(name, value, limit=_BYTES, seconds=_SECONDS) for name, value in values.items()
    ]
    return "\n".join(described)
