"""What a magic says beside turns: rich in a notebook, plain at the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from IPython.display import publish_display_data

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["say", "show"]


def say(text: str) -> None:
    """Prints a line into the current cell."""
    print(text)  # noqa: T201  # the cell's output


def show(shell: InteractiveShell, data: Mapping[str, str]) -> None:
    """Shows the data of an output in the current cell; where only text can be, its plain text."""
    if hasattr(shell, "kernel"):
        publish_display_data(dict(data))
    else:
        say(data["text/plain"])
