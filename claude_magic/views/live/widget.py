"""The widget of a turn: its script, its style sheet and its state. `views.live.view` says what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

import traitlets
from anywidget import AnyWidget

from claude_magic.views.html.style import sheet
from claude_magic.views.live.patches import Patch

__all__ = ["TurnWidget", "script"]

_LAYOUT = re.compile(r"/\*\*.*?\*/|^\s+", re.DOTALL | re.MULTILINE)


@lru_cache
def script(name: str) -> str:
    """A widget's script without comments and indentation: it is sent with every turn."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return _LAYOUT.sub("", text)


class TurnWidget(AnyWidget):
    """The widget of one turn; pages may ask of it, and change nothing in it."""

    snapshot = traitlets.Int(0).tag(sync=True, to_json=lambda _, widget: widget.state())

    def __init__(self, state: Callable[[], Patch]) -> None:
        self.state = state
        self._esm, self._css = script("turn.js"), sheet(__package__, "turn.css")
        super().__init__()

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignores what a page would set: only the kernel knows what a turn is."""
