"""Cells of ours as they are written: taken out before IPython cleans up what it holds for code.

The clean-up would take away `>>> `, `... ` and `In [1]: ` at the beginning of lines, the indentation that all
lines share, and the white space of blank lines. Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

__all__ = ["VerbatimCells"]

_HEAD = re.compile(r"\s*%%(?P<name>[^\s?]+)(?P<line>(?:[ \t][^\r\n]*)?)(?:\r\n?|\n)")

# These run their cells as code, and IPython looks for a semicolon at the end: no prompt is to be read so.
_RUN_CODE = {"capture", "prun", "time", "timeit"}


class VerbatimCells:
    """The first of the shell's clean-up transformers.

    Args:
        names: The cell magics that get their cells as they are written, below other cell magics too.
    """

    has_side_effects = True
    """Not so, but IPython leaves such ones out when it asks whether a cell is complete: it needs the `%%`."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def __call__(self, lines: list[str]) -> list[str]:
        """The call that IPython would make of the cell in the end, or the lines as they are."""
        source = "".join(lines)
        if not any(head["name"] in self._names for head in _heads(source)):
            return lines
        return [_call(source)]


def _call(source: str) -> str:
    head = _HEAD.match(source)
    if head is None:
        return source
    name, line, body = head["name"], head["line"].strip(), source[head.end() :]
    if name in _RUN_CODE:
        body = _call(body)
    return f"get_ipython().run_cell_magic({name!r}, {line!r}, {body!r})\n"


def _heads(source: str) -> Iterator[re.Match[str]]:
    """The cell magics that a cell begins with, each in the cell of the one before."""
    head = _HEAD.match(source)
    while head is not None:
        yield head
        head = _HEAD.match(source, head.end())
