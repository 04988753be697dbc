"""The notebook whose kernel this is: a front end holds it open, and would overwrite what Claude writes there.

The promise: Claude's file tools never write it, by whatever path, in whatever permission mode; and the person
is told of a command that may have. Knows the file, not the front end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from claude_magic.hooks import Hook, HookReply, Step
from claude_magic.tools import ToolKind, file_of, names_of

__all__ = ["OpenNotebook"]

_POST_TIMEOUT = 5.0  # seconds; nothing depends on the answer
_TICK = 0.02  # seconds: a file's time is that of the system's last tick
_DENIED = (
    "{name} is the notebook that you are called from. The user has it open in a front end, which holds its "
    "cells and would overwrite the file, so no tool may edit it. Change its cells with add_cell, edit_cell "
    "and delete_cell of the server kernel, after read_notebook; or give the code in your answer."
)
_CHANGED = (
    "The file of this notebook changed while a command of Claude's ran, and the command may have changed it. "
    "What is open here does not show that: reload the notebook from disk to have it, or save to keep what is "
    "open."
)


class _Look(Struct, frozen=True):
    """What was seen of the file: its inode, size and times, when it was changed, and what its cells hold."""

    status: tuple[int, ...] = ()
    changed: float = 0.0
    cells: str = ""


class OpenNotebook:
    """Keeps Claude from the open notebook.

    Args:
        path: Tells where the notebook is, as far as the front end says; "" if it does not.
    """

    def __init__(self, path: Callable[[], str]) -> None:
        self._path = path
        self._inodes: dict[str, set[tuple[int, int]]] = {}  # by path: a rename leaves an inode as it is
        self._last: _Look | None = None
        self._look_task: asyncio.Future[_Look | None] | None = None
        commands = "|".join(names_of(ToolKind.SHELL))
        self.hooks = (
            Hook(event="PreToolUse", matcher="|".join(names_of(ToolKind.EDIT)), answer=self._before_edit),
            *(
                Hook(event=event, matcher=commands, answer=self._after_command, timeout=_POST_TIMEOUT)
                for event in ("PostToolUse", "PostToolUseFailure")
            ),
        )
        self._remember(path())

    def where(self) -> Path | None:
        """The file, as far as the front end says; a walk through a folder, so not on the loop."""
        path = self._path()
        return self._where(path) if path else None

    def look(self) -> None:
        """Takes in, beside the loop, what the file holds before Claude does anything."""
        self._look_task = asyncio.ensure_future(asyncio.to_thread(self._refresh, self._path()))

    async def _before_edit(self, step: Step) -> HookReply:
        path, target = self._path(), file_of(step.told)
        if not path or target is None or not self._is_notebook(target, path):
            return HookReply()
        reason = _DENIED.format(name=target.name)
        decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        return HookReply(output={"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}})

    async def _after_command(self, step: Step) -> HookReply:
        """A front end saves at any time; what it saved before the command began is none of the command's."""
        if self._look_task is not None:
            await asyncio.wait({self._look_task})
        before = self._last
        now = await asyncio.to_thread(self._refresh, self._path())
        if before is None or now is None or now.cells == before.cells or 0 < now.changed < step.began - _TICK:
            return HookReply()
        return HookReply(notice=_CHANGED)

    def _is_notebook(self, target: Path, path: str) -> bool:
        self._remember(path)
        try:
            if os.path.realpath(target) == os.path.realpath(path):
                return True
            status = target.stat()
        except (OSError, ValueError):  # it is not there yet, or is no path
            return False
        here = (status.st_dev, status.st_ino)
        renamed = target.suffix == ".ipynb" and here in self._inodes.get(path, ())  # numbers are used again
        return renamed or here == _inode(path)

    def _refresh(self, path: str) -> _Look | None:
        """What there is to see now; the cells are read only if the file is another than before."""
        if not path:
            return None
        self._remember(path)
        self._last = _look(self._where(path), self._last)
        return self._last

    def _where(self, path: str) -> Path:
        """Where the file is: it may have been renamed within its folder since the kernel was started."""
        if _inode(path) is None and (inodes := self._inodes.get(path)):
            siblings = Path(path).parent.glob("*.ipynb")
            return next((each for each in siblings if _inode(str(each)) in inodes), Path(path))
        return Path(path)

    def _remember(self, path: str) -> None:
        if path and (inode := _inode(path)) is not None:
            self._inodes.setdefault(path, set()).add(inode)


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # also of what is no path
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _look(path: Path, last: _Look | None) -> _Look:
    try:
        info = path.stat()
        status = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        if last is not None and status == last.status:
            return last
        return _Look(status, info.st_ctime, _cells(path.read_bytes()))
    except OSError:
        return _Look()


def _cells(content: bytes) -> str:
    """A digest of the cells, their outputs aside: these are the kernel's doing."""
    try:
        cells = [(cell.get("id"), cell["cell_type"], cell["source"]) for cell in json.loads(content)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return hashlib.sha256(content).hexdigest()
    text = json.dumps([(key, kind, "".join(source)) for key, kind, source in cells])
    return hashlib.sha256(text.encode()).hexdigest()
