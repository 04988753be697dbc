"""`--cell` and `--replace`: an answer's code becomes a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.errors import UsageError
from claude_magic.tool_server import ToolError

if TYPE_CHECKING:
    from argparse import Namespace

    from claude_magic.magics.place import TurnPlace
    from claude_magic.result import Result

__all__ = ["CodeTo", "code_to", "put_code"]

CodeTo = str
"""Where an answer's code goes: "cell", the next one; "replace", the one that asks; "", nowhere."""
_PYTHON = {"python", "py", "python3", "ipython", "ipython3"}
_NO_CODE = "The answer has no Python code, so no cell was made of it."


def code_to(arguments: Namespace) -> CodeTo:
    """Where a line wants the answer's code.

    Raises:
        UsageError: In two places.
    """
    if arguments.cell and arguments.replace:
        raise UsageError("--cell and --replace are two places for the same code. Give one of them.")
    return "cell" if arguments.cell else "replace" if arguments.replace else ""


async def put_code(result: Result, where: CodeTo, place: TurnPlace) -> str:
    """Puts an answer's code where it is wanted.

    Returns:
        What the person should know, in a line; "" where it is as they wanted.
    """
    if result.is_error or result.interrupted:
        return "The answer is not whole, so no cell was made of its code."
    code = python_in(result)
    if not code:
        return _NO_CODE
    from claude_magic.kernel.cells.page import new_cell  # noqa: PLC0415  # load budget

    try:
        if where == "replace":
            return await _replace(code, place)
        if await new_cell(place, code) is None:
            place.propose(code)
    except ToolError as error:
        return str(error)
    return ""


def python_in(result: Result) -> str:
    """The Python of an answer as one cell; blocks that name no language count where none names Python."""
    blocks = [block.text for block in result.code if block.language in _PYTHON]
    blocks = blocks or [block.text for block in result.code if not block.language]
    return "\n\n".join(block for block in blocks if block.strip())


async def _replace(code: str, place: TurnPlace) -> str:
    from claude_magic.kernel.cells.page import new_cell, set_cell  # noqa: PLC0415  # load budget

    answer = await set_cell(place, place.cell_id, place.source, code)
    if answer is None:
        if place.replace(code):
            return ""
        place.propose(code)
        return "This cell cannot be replaced from here; the code is proposed as the next one."
    if answer.cells:
        return ""
    await new_cell(place, code)
    return "This cell has changed since it was run, so the code is below it."
