"""A cell's error as Claude reads it: the frames of the person's own code, named by their cells."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import IPython

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["TOOL_CELL", "named_values", "short_traceback"]

TOOL_CELL = 0
"""The number of a cell that is none of the notebook's: they begin at 1."""
_FRAMES = 6
_IPYTHON = str(Path(IPython.__file__).parent)
_RUNNERS = (_IPYTHON, str(Path(__file__).parent.parent))  # what runs the code is not the code's concern
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_VALUES = 8
_LIBRARIES = (sys.prefix, sys.base_prefix, _IPYTHON)


def short_traceback(error: BaseException, shell: InteractiveShell) -> str:
    """The last few frames, from the person's or Claude's own code on, and what was raised."""
    summary = traceback.TracebackException.from_exception(error, compact=True)
    frames = [frame for frame in summary.stack if not frame.filename.startswith(_RUNNERS)]
    if len(frames) > _FRAMES:
        frames = [frames[0], *frames[1 - _FRAMES :]]
    summary.stack = traceback.StackSummary.from_list([_named(frame, shell) for frame in frames])
    if isinstance(error, SyntaxError):
        summary.filename = _cell(error.filename or "", shell)
    return "".join(summary.format(chain=False)).strip()


def named_values(error: BaseException) -> dict[str, Any]:
    """The variables that the failing lines of the person's own code name, as these see them."""
    values: dict[str, Any] = {}
    for frame, line in _own_lines(error):
        for name in filter("get_ipython".__ne__, _NAME.findall(line)):
            value = frame.f_locals.get(name, frame.f_globals.get(name, _NOTHING))
            if value is not _NOTHING and not _tells_nothing(value) and len(values) < _VALUES:
                values.setdefault(name, value)
    return values


_NOTHING = object()


def _own_lines(error: BaseException) -> Iterator[tuple[FrameType, str]]:
    lines = []
    stack = traceback.extract_tb(error.__traceback__)
    for (frame, _), summary in zip(traceback.walk_tb(error.__traceback__), stack, strict=True):
        if not summary.filename.startswith(_LIBRARIES):
            lines.append((frame, summary.line or ""))
    yield from reversed(lines[-_FRAMES:])


def _tells_nothing(value: object) -> bool:
    """A module or what is built in: Claude knows these."""
    return type(value).__name__ in {"module", "builtin_function_or_method"} or (
        isinstance(value, type) and value.__module__ == "builtins"
    )


def _named(frame: traceback.FrameSummary, shell: InteractiveShell) -> traceback.FrameSummary:
    return traceback.FrameSummary(_cell(frame.filename, shell), frame.lineno, frame.name, line=frame.line)


def _cell(filename: str, shell: InteractiveShell) -> str:
    """A file's name; that of a cell as the notebook numbers it."""
    kind, name = shell.compile.format_code_name(filename) or ("", filename)
    return "<run_python>" if name == f"In[{TOOL_CELL}]" else f"{kind} {name}".lstrip()
