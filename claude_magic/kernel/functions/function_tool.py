"""A function as a tool: what Claude is told of it, and how it is called.

It runs as a cell's code would: on the main thread, what it prints is told as it comes, an interrupt ends it.
What comes of it is text, JSON, a picture, or an object that is named and described.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from claude_magic.control_characters import one_line
from claude_magic.errors import UsageError
from claude_magic.kernel.execution.answers import answer
from claude_magic.kernel.execution.outputs import Outputs
from claude_magic.kernel.execution.run import running
from claude_magic.kernel.functions.docstrings import docstring_of
from claude_magic.kernel.functions.parameters import Parameters
from claude_magic.kernel.functions.plain_values import as_json
from claude_magic.kernel.functions.references import name_for
from claude_magic.kernel.values.inspect import inspected
from claude_magic.kernel.values.static import kind
from claude_magic.tool_server import Call, Content, Tool

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["FunctionTool"]

_DRAWN = {("matplotlib", "Figure"), ("PIL", "Image")}
_PICTURES = {"image/png", "image/jpeg"}
_BY_NAME = 'A parameter may be given "$NAME": the kernel\'s variable of that name, passed as it is.'


class FunctionTool:
    """A function that Claude may call.

    Args:
        function: The function.
        name: What Claude calls it.
        description: What it is for; its docstring if "".
        only_reads: It changes nothing, so nobody is asked.

    Raises:
        UsageError: Claude could not call it; in one line, why.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, description: str, *, only_reads: bool
    ) -> None:
        self.function = function
        self.name = name
        docstring = docstring_of(function)
        try:
            self._parameters = Parameters(function, docstring, self._namespace)
        except UsageError as error:
            raise UsageError(f"{name} cannot be a tool. {error}") from None
        self.signature = f"{name}{self._parameters}"
        self.summary = one_line((description or docstring.text).partition("\n\n")[0])
        about = description or docstring.text or self.signature
        self.tool = Tool(
            name=name,
            description="\n\n".join([about, _BY_NAME] if self._parameters.schema["properties"] else [about]),
            schema=self._parameters.schema,
            call=self._call,
            only_reads=only_reads,
        )

    @property
    def origin(self) -> tuple[str, str]:
        """The function's module and name in it: the same when a cell or a module is run again."""
        function = inspect.unwrap(self.function)
        return str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", self.name))

    @property
    def place(self) -> str:
        """Where the function was written, for a person."""
        module, name = self.origin
        return "this notebook" if module == "__main__" else f"{module}.{name}"

    async def _call(self, call: Call) -> list[Content]:
        shell, outputs, returned = _shell(), Outputs(), list[Any]()
        bound = self._parameters.bind(call.input)

        async def work() -> None:
            try:
                value = self.function(*bound.args, **bound.kwargs)
                returned.append(await value if inspect.isawaitable(value) else value)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # of the function Claude hears the error alone
                outputs.fail(f"{type(error).__name__}: {error}")

        await running(shell, work(), outputs, call.tell)
        words = [await self._said(each, shell, outputs) for each in returned]
        return await answer(call, outputs, *words, nothing="It ran, and returned nothing.")

    async def _said(self, value: object, shell: InteractiveShell | None, outputs: Outputs) -> str:
        """What a result is, in words; a picture goes to the outputs."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if (json := as_json(value)) is not None:
            return json
        if shell is not None and not outputs.pictures and not _DRAWN.isdisjoint(kind(value)):
            outputs.display(shell.display_formatter.format(value, include=_PICTURES)[0])
        name = name_for(value, self._namespace())
        about = await inspected(name, value)
        return f'Kept as the variable {name}; another call may be given "${name}".\n{about}'

    def _namespace(self) -> MutableMapping[str, Any]:
        """The notebook's variables; without one, those of the function's module."""
        shell = _shell()
        if shell is not None:
            return shell.user_ns  # type: ignore[no-any-return]
        return getattr(inspect.unwrap(self.function), "__globals__", {})


def _shell() -> InteractiveShell | None:
    """The shell that this process has; IPython is not imported to find out that there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
