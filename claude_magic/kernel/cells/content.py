"""A notebook's cells as a page tells of them, and as Claude is told. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from claude_magic.control_characters import one_line, shortened
from claude_magic.kernel.values.bounded import without_secrets
from claude_magic.kernel.values.withheld import source_without_secrets

__all__ = ["BRIEF_BUDGET", "BUDGET", "CellAnswer", "CellContent", "CellOutput", "answer_from", "listing"]

BUDGET = 40_000  # characters of cells that are told in full
BRIEF_BUDGET = 12_000  # and of the lines for the others
_SOURCE = 20_000  # characters of a source; a longer one is cut
_OUTPUTS = 3_000  # and of a cell's outputs
_LINE = 80

Ran = Callable[["CellContent"], str]


class CellOutput(Struct, frozen=True, forbid_unknown_fields=True):
    """An output of a cell: its text, or what picture it is. An `answer` is one of ours."""

    kind: Literal["text", "error", "picture", "answer"]
    text: Annotated[str, Meta(max_length=20_000)] = ""


class CellContent(Struct, frozen=True, forbid_unknown_fields=True):
    """A cell.

    Args:
        index: Its place, from 0.
        id: As the front end names it.
        type: What sort of cell.
        source: Its text.
        count: The number in its brackets.
        running: It computes.
        outputs: What stands below it.
    """

    index: int
    id: Annotated[str, Meta(max_length=200)]
    type: Literal["code", "markdown", "raw"]
    source: Annotated[str, Meta(max_length=5_000_000)] = ""
    count: int | None = None
    running: bool = False
    outputs: Annotated[list[CellOutput], Meta(max_length=100)] = []

    @property
    def label(self) -> str:
        """The cell as a person knows it, by its number."""
        return f"{self.type} cell {f'[{self.count}]' if self.count is not None else self.index + 1}"

    @property
    def name(self) -> str:
        """The same with its first line."""
        first = next((line for line in self.source.split("\n") if line.strip()), "")
        return self.label + (f": {one_line(first, _LINE)}" if first else ", which is empty")

    @property
    def is_whole(self) -> bool:
        """Its source can be told in full, and is."""
        return len(self.source) <= _SOURCE


class CellAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a page answers: cells, or why one was left as it is.

    Of a deleted cell also what its file would have, as JSON, and the id of the one above.
    """

    cells: Annotated[list[CellContent], Meta(max_length=20_000)] = []
    saved: Annotated[str, Meta(max_length=6_000_000)] = ""
    above: Annotated[str, Meta(max_length=200)] = ""
    changed: CellContent | None = None
    gone: bool = False
    locked: bool = False


def listing(
    cells: Sequence[CellContent], near: int, ran: Ran, asking: str = ""
) -> tuple[str, list[CellContent]]:
    """The cells in their order, one JSON object a line; those nearest in full, the others by a line.

    Args:
        cells: The cells.
        near: The index that counts most.
        ran: Says whether a cell has run as it stands.
        asking: The id of the cell whose turn asks.

    Returns:
        The text, and the cells whose whole source is in it.
    """
    lines: dict[int, str] = {}
    whole: list[CellContent] = []
    budget, brief_budget = BUDGET, BRIEF_BUDGET
    for cell in sorted(cells, key=lambda cell: (abs(cell.index - near), -cell.index)):
        line = _line(_full(cell, ran, asking))
        if len(line) <= budget or not lines:
            budget -= len(line)
            whole += [cell] if cell.is_whole else []
        elif len(line := _line(_brief(cell))) <= brief_budget:
            brief_budget -= len(line)
        else:
            continue
        lines[cell.index] = line
    text = "\n".join(lines[index] for index in sorted(lines))
    left_out = [cell.index + 1 for cell in cells if cell.index not in lines]
    if left_out:
        text += f"\nLeft out: {len(left_out):,} cells, between number {min(left_out)} and {max(left_out)}."
    return text, whole


def _full(cell: CellContent, ran: Ran, asking: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"cell": cell.index + 1, "id": cell.id, "type": cell.type}
    if cell.id and cell.id == asking:
        fields["you"] = "this cell asks you"
    elif cell.type == "code":
        fields["run"] = ran(cell)
    fields["source"] = shortened(source_without_secrets(shortened(cell.source, 5 * _SOURCE)), _SOURCE)
    if not cell.is_whole:
        fields["cut"] = f"{len(cell.source):,} characters; too long to be edited here"
    if outputs := _outputs(cell.outputs):
        fields["outputs"] = outputs
    return fields


def _brief(cell: CellContent) -> dict[str, Any]:
    first = next((line for line in cell.source.split("\n") if line.strip()), "")
    begins = one_line(source_without_secrets(first[: 10 * _LINE]), _LINE)
    return {"cell": cell.index + 1, "id": cell.id, "begins": begins, "cut": "read it by its id"}


def _outputs(outputs: Collection[CellOutput]) -> list[str]:
    texts = {"answer": "[an answer of yours]", "picture": "[picture: {}]"}
    room = _OUTPUTS // max(len(outputs), 1)
    return [
        shortened(without_secrets(texts.get(each.kind, "{}").replace("{}", each.text)), max(room, 200))
        for each in outputs
    ][: _OUTPUTS // 200]


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)


def answer_from(answer: object) -> CellAnswer | None:
    """A page's answer; None if it is none."""
    try:
        return msgspec.convert(answer, CellAnswer)
    except msgspec.ValidationError:
        return None
