"""Lets a prompt end with a question mark.

To IPython a line that ends with `?` asks for help on its last word, whatever it begins with. A line that asks
Claude does not: `%claude is it?`, `r = %claude is it?`, `%time %claude is it?`, and `claude is it?` where
IPython would take that for the magic. `%claude?` stays what it is. The same for each other magic that
takes a prompt.
"""

from __future__ import annotations

import ast
import itertools
import tokenize
import traceback
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from IPython.core.inputtransformer2 import HelpEnd
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.prefilter import LineInfo

__all__ = ["QuestionMarks"]

_HELPERS = ("pinfo", "pinfo2", "psearch")  # what IPython makes of `word?`, `word??` and `w*?`
_LAYOUT = {tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}

_Line = list[tokenize.TokenInfo]


class QuestionMarks:
    """Stands in the place of IPython's `HelpEnd`, and leaves prompts to what comes after it.

    Args:
        shell: The shell whose cells are read.
        names: The magics whose lines end with a prompt.
    """

    def __init__(self, shell: InteractiveShell, names: Iterable[str]) -> None:
        self._shell = shell
        self._names = frozenset(names)
        self._magics: dict[str, Any] = shell.magics_manager.magics["line"]
        self._helpers: dict[str, Any] = {}
        self._cell = ""
        self._prompts: dict[int, ast.stmt] = {}

    def install(self) -> None:
        """Takes that place; prompts in the executing cell, which IPython has read already, are asked too."""
        self._replace(HelpEnd, self)
        self._cell = _executing_cell()
        if "?" in self._cell:
            self._prompts = _statements(self._shell.input_transformer_manager.transform_cell(self._cell))
            self._helpers = {name: self._shell.find_line_magic(name) for name in _HELPERS}
            self._magics.update({name: self._wrap_helper(help_on) for name, help_on in self._helpers.items()})

    def uninstall(self) -> None:
        """Gives IPython its own help back."""
        self._replace(self, HelpEnd)
        self._forget_cell()

    def find(self, tokens_by_line: list[_Line]) -> HelpEnd | None:
        """The first line that asks for help, as IPython's token transformers find theirs."""
        alone = sum(bool(_words(line)) for line in tokens_by_line) == 1
        return HelpEnd.find([line for line in tokens_by_line if not self._is_prompt(line, alone=alone)])

    def _replace(self, old: object, new: object) -> None:
        transformers = self._shell.input_transformer_manager.token_transformers
        transformers[:] = [new if item is old else item for item in transformers]

    def _is_prompt(self, line: _Line, *, alone: bool) -> bool:
        words = _words(line)
        if alone and len(words) > 1 and self._is_automagic(words[0].line):
            return words[1].string != "?"
        return any(
            sign.string == "%" and sign.end == name.start and self._asks(name.string) and more.string != "?"
            for sign, name, more in zip(words, words[1:], words[2:], strict=False)
        )

    def _is_automagic(self, line: str) -> bool:
        """Whether IPython takes a line, the only one of its cell, for such a magic without its `%`."""
        info = LineInfo(line.rstrip("\r\n"))
        if info.esc or not self._asks(info.ifun):
            return False
        return bool(self._shell.prefilter_manager.find_handler(info).handler_name == "magic")

    def _asks(self, name: str) -> bool:
        """Whether this is the name of such a magic, or one that `%alias_magic` has given it."""
        if name in self._names:
            return True
        return getattr(self._shell.find_line_magic(name), "magic_name", "") in self._names

    # The cell that loads the extension

    def _wrap_helper(self, help_on: Callable[[str], Any]) -> Callable[[str], Any]:
        """Help that asks the prompt instead, where one was meant."""

        @wraps(help_on)
        def ask(line: str) -> Any:
            if _executing_cell() is not self._cell:
                self._forget_cell()
                return help_on(line)
            statement = self._prompts.get(_calling_line())
            if statement is None:
                return help_on(line)
            return exec(compile(ast.Module([statement], []), "<prompt>", "exec"), self._shell.user_ns)  # noqa: S102  # as IPython would have

        return ask

    def _forget_cell(self) -> None:
        self._magics.update(self._helpers)
        self._cell, self._prompts, self._helpers = "", {}, {}


def _words(line: _Line) -> _Line:
    return [token for token in line if token.type not in _LAYOUT]


def _executing_cell() -> str:
    """The text of the innermost cell that executes, "" if none does."""
    run = InteractiveShell.run_cell_async.__code__
    cells = (frame.f_locals["raw_cell"] for frame, _ in traceback.walk_stack(None) if frame.f_code is run)
    return next(cells, "")


def _calling_line() -> int:
    """The line of the cell's own code, outside of functions, that has called the current magic, or 0."""
    frames = [frame for frame, _ in traceback.walk_stack(None)]
    run = InteractiveShell.run_line_magic.__code__
    for magic, caller in itertools.pairwise(frames):
        if magic.f_code is run:
            return caller.f_lineno if caller.f_code.co_name == "<module>" else 0
    return 0


def _statements(cell: str) -> dict[int, ast.stmt]:
    """The simple statements of a cell that ask for no help, each by its first line."""
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return {}
    simple = (node for node in ast.walk(tree) if isinstance(node, ast.Expr | ast.Assign))
    return {node.lineno: node for node in simple if not _asks_for_help(node)}


def _asks_for_help(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Constant) and node.value in _HELPERS for node in ast.walk(statement))
