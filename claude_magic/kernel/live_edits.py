"""What Claude's file tools change is in force in this kernel: its modules are loaded anew at once.

At once means between cells, or while a cell waits for Claude. A cell that computes, which awaits something
else, keeps the code that it began with; what was changed meanwhile is loaded at its end.

What changes while a command of Claude's runs is only told of: it may be what the person saves meanwhile.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from claude_magic.hooks import Hook, HookReply, Step
from claude_magic.kernel.execution.outputs import Outputs
from claude_magic.kernel.execution.run import running
from claude_magic.kernel.reload import Reloader, modules_in
from claude_magic.tools import ToolKind, file_of, names_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["LiveEdits"]

_MOST = 5  # names
_TICK = 0.02  # seconds: a file's time is that of the system's last tick
_OFF = "not reloaded: ClaudeMagics.reload is False"


class LiveEdits:
    """Loads what was edited.

    Args:
        shell: The kernel's shell.
        is_on: Tells whether the person wants it.
        is_computing: Tells whether a cell runs that waits for something else than Claude.
    """

    def __init__(
        self, shell: InteractiveShell, is_on: Callable[[], bool], is_computing: Callable[[], bool]
    ) -> None:
        edits, commands = ("|".join(names_of(kind)) for kind in (ToolKind.EDIT, ToolKind.SHELL))
        self.hooks = (
            Hook(event="PostToolUse", matcher=edits, answer=self._after_edit),
            Hook(event="PostToolUse", matcher=commands, answer=self._after_command),
        )
        self._shell = shell
        self._is_on = is_on
        self._is_computing = is_computing
        self._reloader = Reloader(shell)
        self._pending: dict[Path, Callable[[str], object]] = {}

    async def load(self, path: Path, note: Callable[[str], object] = lambda _: None) -> str:
        """Has the kernel use a file that was changed.

        Args:
            path: The file.
            note: Takes the line; once more if it is loaded later.

        Returns:
            What came of it in one line; "" if no module here comes from the file.
        """
        importlib.invalidate_caches()  # what was made just now can be imported
        modules = modules_in(path)
        if not modules:
            return ""
        line = await self._line(path, modules, note)
        note(line)
        return line

    async def _line(self, path: Path, modules: list[ModuleType], note: Callable[[str], object]) -> str:
        names = ", ".join(module.__name__ for module in modules)
        if not self._is_on():
            return _OFF
        if self._is_computing():
            self._put_off(path, note)
            return f"{names} is reloaded when the cell that runs has ended"
        lines: list[str] = []

        async def work() -> None:
            lines.append(self._reloader.reload(modules))

        outputs = Outputs()
        await running(self._shell, work(), outputs, lambda _: None)
        return lines[0] if lines else f"{names} not reloaded, the old code stays: interrupted"

    async def _after_edit(self, step: Step) -> HookReply:
        path = file_of(step.told)
        return _told(await self.load(path, step.note) if path is not None else "")

    async def _after_command(self, step: Step) -> HookReply:
        names = self._reloader.changed_since(step.began - _TICK) if step.began and self._is_on() else []
        line = f"{', '.join(names[:_MOST])} changed on the disk; the old code stays" if names else ""
        if line:
            step.note(line)
        return _told(line)

    # While a cell computes

    def _put_off(self, path: Path, note: Callable[[str], object]) -> None:
        if not self._pending:
            self._shell.events.register("post_run_cell", self._after_cell)
        self._pending[path] = note

    def _after_cell(self, _: object) -> None:
        if self._is_computing():
            return
        self._shell.events.unregister("post_run_cell", self._after_cell)
        pending, self._pending = self._pending, {}
        for path, note in pending.items():
            note(self._reloader.reload(modules_in(path)))


def _told(line: str) -> HookReply:
    """Tells Claude too."""
    context = {"hookEventName": "PostToolUse", "additionalContext": f"In the notebook's kernel: {line}."}
    return HookReply(output={"hookSpecificOutput": context} if line else {})
