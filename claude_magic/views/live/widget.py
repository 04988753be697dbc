"""The widget of a turn: its script, its style sheet and its state. `views.live.view` says what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

import traitlets
from anywidget import AnyWidget

from claude_magic.views.live.patches import Patch

__all__ = ["TurnWidget", "script", "style"]

_IMPORT = re.compile(r'^import .* from "\./(.+)";\n', re.MULTILINE)
# Comments and indentation: each turn brings the page all of it, and above 64 kB pyzmq begins a thread.
_SPARE = re.compile(r"/\*[\s\S]*?\*/ ?|^[ \t]*//[^\n]*\n|^[ \t]+|(?<=\n)\n+", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


@lru_cache
def script(name: str) -> str:
    """A script of the page and the modules that it imports, as the one module that a widget can bring."""
    modules: dict[str, str] = {}
    _add_module(name, modules)
    return _SPARE.sub("", "".join(modules.values()))


@lru_cache
def style() -> str:
    """The style sheet of the page."""
    return _SPARE.sub("", _read("turn.css"))


def _add_module(name: str, modules: dict[str, str]) -> None:
    if name in modules:
        return
    text = _read(name)
    for module in _IMPORT.findall(text):
        _add_module(module, modules)
    modules[name] = _EXPORT.sub("", _IMPORT.sub("", text))


@lru_cache
def _read(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


class TurnWidget(AnyWidget):
    """The widget of one turn; pages may ask of it, and change nothing in it."""

    snapshot = traitlets.Int(0).tag(sync=True, to_json=lambda _, widget: widget.state())

    def __init__(self, state: Callable[[], Patch]) -> None:
        self.state = state
        self._esm, self._css = script("turn.js"), style()
        super().__init__()

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignores what a page would set: only the kernel knows what a turn is."""
