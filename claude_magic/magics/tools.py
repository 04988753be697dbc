"""`%claude_tools`: what Claude may call in this notebook."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from claude_magic.kernel.functions.user_tools import UserTools
from claude_magic.magics.arguments import flag, magic
from claude_magic.magics.output import say, show
from claude_magic.tool_server import Tool, ToolServer
from claude_magic.views import table_output
from claude_magic.wording.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ToolMagics"]

_HEAD = ("tool", "from", "asks", "what for")
_NOTE = "Add one of yours: write @claude_tool above a function (from claude_magic import claude_tool)."
_REMOVE = "Take one away: %claude_tools --remove NAME"
_WIDTH = 100  # characters of what a tool is for


class ToolMagics:
    """The magic about tools.

    Args:
        shell: The shell.
        kernel: The kernel's own tools.
        user: The person's.
    """

    def __init__(self, shell: InteractiveShell, kernel: ToolServer, user: UserTools) -> None:
        self._shell = shell
        self._kernel = kernel
        self._user = user

    @property
    def names(self) -> list[str]:
        """What the person's tools are called."""
        return self._user.names

    @magic(
        flag("--remove NAME", "Take one of yours away.", suggested=lambda in_use: in_use.tools.names),
        usage="[--remove NAME]",
    )
    async def claude_tools(self, arguments: Namespace) -> None:
        """List the tools that Claude has in this notebook, or take one of yours away.

        Those that only read are called without asking.
        """
        if arguments.remove is not None:
            self._user.remove(arguments.remove)
            say(f"Claude has the tool {arguments.remove!r} no more.")
            return
        rows = [
            (tool.name, "the kernel", _asks(tool), _short(tool.description))
            for tool in self._kernel.tools.values()
        ]
        rows += [(each.signature, each.place, _asks(each.tool), _short(each.summary)) for each in self._user]
        show(self._shell, table_output(Table(_HEAD, rows, _REMOVE if self._user.names else _NOTE)))


def _asks(tool: Tool) -> str:
    return "no, only reads" if tool.only_reads else "yes"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
