"""The names that a magic's caller sees, as Python sees them there.

Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType

__all__ = ["caller_names"]

_BETWEEN = {"IPython", "claude_magic"}  # whose frames stand between a call in a cell and the magic


def caller_names(more: Mapping[str, object]) -> dict[str, object]:
    """The variables of the code that has called a magic: its own, then those of its module.

    To be called before anything is awaited in a task of its own: there the caller is not to be seen any more.

    Args:
        more: The notebook's variables, for code of other modules, as IPython's `!echo {x}` has them.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # as IPython finds them
    while frame is not None and _package(frame) in _BETWEEN:
        frame = frame.f_back
    if frame is None:
        return dict(more)
    local = frame.f_locals
    code = frame.f_code
    unbound = {*code.co_varnames, *code.co_cellvars, *code.co_freevars} - local.keys()
    outer = {**more, **frame.f_globals}
    return {name: value for name, value in outer.items() if name not in unbound} | local


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
