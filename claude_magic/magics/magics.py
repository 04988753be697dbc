"""The extension in a shell: everything that is one of a notebook, put together and taken apart again."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from collections.abc import Collection

from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError
from traitlets.config import Config

from claude_magic.errors import StateError
from claude_magic.foreground import Foreground
from claude_magic.foreground.question_marks import QuestionMarks
from claude_magic.kernel.cells.log import CellLog
from claude_magic.kernel.cells.tools import cell_tools
from claude_magic.kernel.functions.user_tools import claude_tools
from claude_magic.kernel.live_edits import LiveEdits
from claude_magic.kernel.tools import kernel_server
from claude_magic.magics.arguments import magics_of
from claude_magic.magics.cell import Cells
from claude_magic.magics.completion import Completer
from claude_magic.magics.conversations import ConversationMagics
from claude_magic.magics.login import LoginMagics
from claude_magic.magics.permissions import PermissionMagics
from claude_magic.magics.prompts import Prompts
from claude_magic.magics.sessions import SessionMagics
from claude_magic.magics.tasks import TaskMagics
from claude_magic.magics.tools import ToolMagics
from claude_magic.magics.undo import UndoMagics
from claude_magic.notebook.conversation_store import ConversationStore
from claude_magic.notebook.open_notebook import OpenNotebook
from claude_magic.notebook.sessions import Sessions, this_notebook
from claude_magic.notebook.settings import Settings
from claude_magic.processes.manager import default_manager
from claude_magic.tools import TOOLS

__all__ = ["ClaudeMagics", "load", "unload"]


class ClaudeMagics(Settings):
    """Claude Code sessions in this notebook. Defaults for them: `%config ClaudeMagics.model = "opus"`."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(parent=shell)
        self.shell = shell
        self.notebook = notebook = this_notebook(shell)
        open_notebook = OpenNotebook(lambda: this_notebook(shell).path)
        self.foreground = foreground = Foreground(shell)
        self.edits = LiveEdits(shell, lambda: self.reload, lambda: foreground.is_computing)
        self.cells = Cells(shell, self, lambda *turn: self.undo.take_back(*turn))  # noqa: PLW0108  # made below
        self._log = CellLog(shell)
        cells = cell_tools(shell, self._log, self.cells.place, open_notebook.where)
        kernel = kernel_server(shell, cells)
        self.equip((*open_notebook.hooks, *self.edits.hooks), (kernel, claude_tools))
        self.variables = prompts = Prompts(shell, self._log, self)
        self.sessions = Sessions(notebook, self, ConversationStore(), self.cells.conversation_in_page)
        self.tasks = TaskMagics(shell, self.cells, notebook, self)
        self.conversations = ConversationMagics(shell, self.sessions, self, self.cells, self.tasks)
        self.undo = UndoMagics(shell, self.sessions, self.cells, self.edits)
        self.tools = ToolMagics(shell, kernel, claude_tools)
        self.permissions = PermissionMagics(shell, self.sessions)
        families = (
            SessionMagics(
                shell,
                self.sessions,
                self.cells,
                self.tasks,
                open_notebook,
                prompts=prompts,
            ),
            self.conversations,
            self.tasks,
            LoginMagics(self.sessions, self, self.cells),
            self.undo,
            self.tools,
            self.permissions,
        )
        self._magics = [each for family in families for each in magics_of(family)]
        asking = (magic.name for magic, _ in self._magics if magic.takes_prompt)
        self._question_marks = QuestionMarks(shell, asking)
        self._completer = Completer(shell, [magic for magic, _ in self._magics], self, self._folder_of)
        self._pid = os.getpid()

    @property
    def tools_to_allow(self) -> Collection[str]:
        """The tools that the product knows by name."""
        return TOOLS

    def _folder_of(self, session: str) -> str:
        made = self.sessions.peek(session)
        return "" if made is None else str(made.options.directory)

    # Coming and going

    def install(self) -> None:
        """Makes the magics known to the shell, and the notebook to other kernels."""
        default_manager().notebook = self.notebook.path
        self.foreground.install()
        for magic, function in self._magics:
            self.foreground.register(magic.name, magic.kind, self._log.unheard(function), magic.read)
        self._log.install()
        self.shell.configurables.append(self)
        self._completer.install()
        self._question_marks.install()
        self.foreground.main_loop().call_soon(self._kill_orphans)  # after the cell: loading stays quick
        atexit.register(self._at_exit)

    def uninstall(self) -> None:
        """Stops the sessions and takes everything out of the shell again."""
        try:
            self.foreground.run(self._close())
        except StateError:  # a loop that cannot be nested, as uvloop's
            self._kill_now()
        self.cells.close()
        self._log.uninstall()
        self.foreground.uninstall()
        self._completer.uninstall()
        self._question_marks.uninstall()
        self.shell.configurables.remove(self)
        atexit.unregister(self._at_exit)

    def _kill_orphans(self) -> None:
        self._orphans_task = asyncio.ensure_future(
            default_manager().kill_orphans()
        )  # kept, or it may be collected
        self.tasks.introduce()

    async def _close(self) -> None:
        await self.tasks.close()
        await self.sessions.stop_all()
        await self.stop_backend()

    def _at_exit(self) -> None:
        if os.getpid() == self._pid:  # a forked child owns none of it
            self._kill_now()

    def _kill_now(self) -> None:
        self.tasks.kill_now()
        self.sessions.kill_now()
        self.kill_backend_now()


def load(shell: InteractiveShell) -> None:
    """Puts the magics into a shell; once is enough."""
    if _magics_in(shell) is None:
        _create(shell).install()


def unload(shell: InteractiveShell) -> None:
    """Stops the sessions and takes the magics out again."""
    magics = _magics_in(shell)
    if magics is not None:
        magics.uninstall()


def _create(shell: InteractiveShell) -> ClaudeMagics:
    """The magics as configured; where they refuse a value (`%config` keeps those too) the default holds."""
    values = shell.config.pop("ClaudeMagics", {})
    magics = ClaudeMagics(shell)
    for name, value in values.items():
        try:
            magics.update_config(Config(ClaudeMagics={name: value}))
        except TraitError as error:
            sys.stderr.write(f"claude_magic: ClaudeMagics.{name} keeps its default: {error}\n")
        else:
            shell.config.ClaudeMagics[name] = value
    return magics


def _magics_in(shell: InteractiveShell) -> ClaudeMagics | None:
    return next((item for item in shell.configurables if isinstance(item, ClaudeMagics)), None)
