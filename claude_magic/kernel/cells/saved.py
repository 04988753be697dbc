"""What is known of the cells where no page answers: the notebook's file, and what this kernel has run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from claude_magic.control_characters import shortened
from claude_magic.kernel.cells.content import BRIEF_BUDGET, CellContent, CellOutput
from claude_magic.kernel.values.withheld import source_without_secrets

__all__ = ["cells_in", "history_lines", "saved_cells"]


def cells_in(path: Callable[[], Path | None]) -> list[CellContent]:
    """The cells in a notebook's file; none where there is no such file, or it is none."""
    try:
        file = path()
        return saved_cells(json.loads(file.read_bytes())) if file else []
    except (OSError, ValueError, RecursionError):
        return []


def history_lines(sources: Sequence[str], outcome: Callable[[int], Mapping[str, str]]) -> list[str]:
    """What a kernel has run, as JSON objects, the newest last and as many as there is room for.

    Args:
        sources: The cells by their numbers; there is no number 0.
        outcome: What came of a cell, by its number.
    """
    lines: list[str] = []
    room = BRIEF_BUDGET
    for number in range(len(sources) - 1, 0, -1):
        source = source_without_secrets(shortened(sources[number], BRIEF_BUDGET))
        line = json.dumps({"In": number, "source": source, **outcome(number)}, ensure_ascii=False)
        room -= len(line)
        if room < 0:
            lines.append(f"Left out: the first {number:,}.")
            break
        lines.append(line)
    return lines[::-1]


def saved_cells(notebook: object) -> list[CellContent]:
    """The cells in a notebook's file; what is no cell is left out."""
    cells = notebook.get("cells") if isinstance(notebook, Mapping) else None
    return [
        CellContent(
            index=index,
            id=str(cell.get("id") or "")[:200],
            type=cell["cell_type"] if cell.get("cell_type") in {"code", "markdown"} else "raw",
            source=_text(cell.get("source")),
            count=count if isinstance(count := cell.get("execution_count"), int) else None,
            outputs=list(_outputs(cell.get("outputs"))),
        )
        for index, cell in enumerate(cells if isinstance(cells, list) else ())
        if isinstance(cell, Mapping)
    ]


def _outputs(outputs: object) -> Iterable[CellOutput]:
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, Mapping):
            continue
        data, metadata = output.get("data"), output.get("metadata")
        data = data if isinstance(data, Mapping) else {}
        if isinstance(metadata, Mapping) and "claude_magic" in metadata:
            yield CellOutput("answer")
        elif output.get("output_type") == "error":
            yield CellOutput("error", f"{output.get('ename')}: {output.get('evalue')}")
        elif picture := next((kind for kind in data if str(kind).startswith("image/")), ""):
            yield CellOutput("picture", str(picture))
        elif text := _text(output.get("text") or data.get("text/markdown") or data.get("text/plain")):
            yield CellOutput("text", text)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
