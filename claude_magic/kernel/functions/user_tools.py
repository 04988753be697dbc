"""`@claude_tool`: functions of the notebook that Claude may call.

Each has a JSON schema made of its annotations and its docstring; what Claude gives is checked before the
function sees it. What that takes is imported with the first function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from claude_magic.errors import UsageError
from claude_magic.tool_server import ToolServer

if TYPE_CHECKING:
    from claude_magic.kernel.functions.function_tool import FunctionTool

__all__ = ["UserTools", "claude_tool", "claude_tools"]

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,47}\Z")  # with mcp__notebook__ before it the API takes 64
_CELLS = ("add_cell", "delete_cell", "edit_cell", "read_notebook")
_TAKEN = {"inspect", "list_variables", "run_python", *_CELLS}  # by the server `kernel`


class UserTools(ToolServer):
    """The functions that Claude may call, under the name `notebook`."""

    def __init__(self) -> None:
        super().__init__("notebook")
        self._tools: dict[str, FunctionTool] = {}

    def __iter__(self) -> Iterator[FunctionTool]:
        return iter(list(self._tools.values()))

    @property
    def names(self) -> list[str]:
        """What Claude calls them."""
        return list(self._tools)

    def add(self, tool: FunctionTool) -> None:
        """Offers a tool from the next prompt on; the same function, run again, takes its own place.

        Raises:
            UsageError: Another has its name.
        """
        if not _NAME.match(tool.name):
            raise UsageError(
                f"{tool.name!r:.80} is no name for a tool: letters, digits, _ and -, at most 48. "
                'Give it one: @claude_tool(name="count_words")'
            )
        other = self._tools.get(tool.name)
        if tool.name in _TAKEN:
            raise UsageError(f"The kernel has a tool {tool.name!r} already. {_rename(tool)}")
        if other is not None and other.origin != tool.origin:
            raise UsageError(
                f"There is a tool {tool.name!r} already, {'.'.join(other.origin)}. {_rename(tool)}, "
                f"or take the other away: %claude_tools --remove {tool.name}"
            )
        self._tools[tool.name], self.tools[tool.name] = tool, tool.tool

    def remove(self, name: str) -> None:
        """Takes a tool away, from the next prompt on.

        Raises:
            UsageError: There is none of this name.
        """
        if name not in self._tools:
            known = f" There is: {', '.join(self._tools)}." if self._tools else " There is none."
            raise UsageError(f"There is no tool {name!r:.80} of yours.{known}")
        del self._tools[name], self.tools[name]


claude_tools = UserTools()
"""Those of this process. A notebook's sessions have them; others by `Options(servers=(claude_tools,))`."""


@overload
def claude_tool(function: F, /) -> F: ...
@overload
def claude_tool(*, name: str = "", description: str = "", only_reads: bool = False) -> Callable[[F], F]: ...
def claude_tool(
    function: F | None = None, /, *, name: str = "", description: str = "", only_reads: bool = False
) -> F | Callable[[F], F]:
    """Lets Claude call a function, from the next prompt on; the function itself stays as it is.

    Its parameters are described by annotations and docstring, and what Claude gives is checked against them.
    An object that is no text and no JSON, a DataFrame say, is given by reference, as "$df".

    Args:
        function: A function, sync or async, or a bound method.
        name: What Claude calls it; its own name if "".
        description: What it is for; its docstring if "".
        only_reads: It changes nothing: Claude may call it without asking.

    Raises:
        UsageError: Claude could not call it, or another tool has the name.
    """

    def offer(function: F) -> F:
        if not callable(function):
            raise UsageError(f"{function!r:.60} is no function. Write @claude_tool above one.")
        from claude_magic.kernel.functions.function_tool import FunctionTool  # noqa: PLC0415  # load budget

        own = getattr(function, "__name__", type(function).__name__)
        claude_tools.add(FunctionTool(function, name or own, description, only_reads=only_reads))
        return function

    return offer if function is None else offer(function)


def _rename(tool: FunctionTool) -> str:
    return f'Give this one another name: @claude_tool(name="my_{tool.name}")'
