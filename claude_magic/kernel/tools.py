"""The kernel's tools, as Claude sees them: the variables, and code that runs among them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from claude_magic.kernel.execution.answers import answer
from claude_magic.kernel.execution.run import run_code
from claude_magic.tool_server import Call, Content, Tool, ToolError, ToolServer, text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["kernel_server"]

_MOST = 200  # variables listed
_LISTING = 16_000  # bytes of the list
_NAME = {"type": "string", "description": "The variable's name."}


def kernel_server(shell: InteractiveShell, more: Iterable[Tool] = ()) -> ToolServer:
    """The server `kernel` of a notebook.

    Args:
        shell: Whose variables.
        more: Its other tools.
    """
    tools = _Tools(shell)
    return ToolServer(
        "kernel",
        (
            Tool(
                name="list_variables",
                description="Lists the variables of the notebook's kernel with their types and sizes.",
                schema=_schema(),
                call=tools.list_variables,
                only_reads=True,
            ),
            Tool(
                name="inspect",
                description="Describes a variable of the notebook's kernel: type, shape, columns, first "
                "rows, signature, source. Bounded, and evaluates nothing; prefer it to printing the value.",
                schema=_schema(name=_NAME),
                call=tools.inspect,
                only_reads=True,
            ),
            Tool(
                name="run_python",
                description="Runs Python in the notebook's kernel, as a cell would: it sees and changes the "
                "user's variables. Magics and top-level await work; the last expression's value and new "
                "matplotlib figures come back. Use it, and no shell, for anything about the user's data.",
                schema=_schema(code={"type": "string", "description": "The code of one cell."}),
                call=tools.run_python,
            ),
            *more,
        ),
    )


class _Tools:
    """What the tools do in one shell; code runs one piece at a time."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._lock = asyncio.Lock()

    async def list_variables(self, _: Call) -> list[Content]:
        from claude_magic.kernel.values.inspect import collected  # noqa: PLC0415  # load budget

        listing = await collected(self._variables, limit=_LISTING)
        return [text(listing or "The notebook has no variables yet.")]

    async def inspect(self, call: Call) -> list[Content]:
        from claude_magic.kernel.values.inspect import inspected  # noqa: PLC0415

        name = call.text("name")
        if name not in self._shell.user_ns:
            raise ToolError(
                f"There is no variable {name!r:.80}. list_variables tells which there are; "
                "run_python evaluates expressions."
            )
        return [text(await inspected(name, self._shell.user_ns[name]))]

    async def run_python(self, call: Call) -> list[Content]:
        async with self._lock:
            outputs = await run_code(self._shell, call.text("code"), call.tell)
        return await answer(call, outputs, nothing="It ran, and printed nothing.")

    def _variables(self) -> Iterator[str]:
        from claude_magic.kernel.values.inspect import heading  # noqa: PLC0415

        hidden, none = self._shell.user_ns_hidden, object()
        variables = [
            (name, value)
            for name, value in list(self._shell.user_ns.items())
            if not name.startswith("_") and hidden.get(name, none) is not value
        ]
        yield from (heading(name, value) for name, value in variables[:_MOST])
        if len(variables) > _MOST:
            yield f"… {len(variables) - _MOST:,} more"


def _schema(**properties: Any) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
