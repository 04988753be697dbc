"""A cell that was run, as Claude is told of it: short, and without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from claude_magic.control_characters import shortened, show_invisibles
from claude_magic.kernel.values.bounded import WITHHELD, without_secrets
from claude_magic.kernel.values.withheld import source_without_secrets
from claude_magic.support.secret_names import looks_secret

if TYPE_CHECKING:
    from claude_magic.kernel.cells.log import Cell

__all__ = ["Clean", "cell_text", "cleaner", "outcome"]

_SOURCE, _OUTPUT, _ERROR = 4_000, 2_000, 2_000  # characters of one cell
_SHORTEST_SECRET = 6  # characters; what is shorter stands everywhere

Clean = Callable[[str], str]


def cell_text(cell: Cell, clean: Clean, *, runs: int = 1, limit: int = _SOURCE) -> str:
    """A cell in full: source, output, error."""
    again = f", run {runs} times, the last" if runs > 1 else ""
    source = shortened(clean(source_without_secrets(cell.source)), limit)
    return "\n".join(
        [
            f"In [{cell.execution_count}]{again}:\n{source}",
            *(f"{name}:\n{text}" for name, text in outcome(cell, clean).items()),
        ]
    )


def outcome(cell: Cell, clean: Clean) -> dict[str, str]:
    """What came of a cell, as far as anything did: `Output` and `Error`."""
    output, error = cell.output.text.strip("\n"), cell.traceback or cell.error
    parts = {"Output": (output, _OUTPUT), "Error": (error, _ERROR)}
    return {name: shortened(clean(text), limit) for name, (text, limit) in parts.items() if text}


def cleaner(names: Mapping[str, object]) -> Clean:
    """What makes text fit to be sent."""
    secrets = _secrets_in(names)

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, WITHHELD)
        return without_secrets(show_invisibles(text))

    return clean


def _secrets_in(names: Mapping[str, object]) -> list[str]:
    """The values of the variables, here and in the environment, that look like secrets; longest first."""
    values = [value for name, value in list(names.items()) if looks_secret(name) and isinstance(value, str)]
    values += [value for name, value in os.environ.items() if looks_secret(name)]
    return sorted({each for each in values if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True)
