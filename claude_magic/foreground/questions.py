"""Lets a prompt end with a question mark.

To IPython a line that ends with `?` asks for help on its last word, whatever it begins with. So lines that
begin with `%claude`, and assignments from it, are turned into calls first. `%claude?` stays what it is.
"""

from __future__ import annotations

import tokenize
from collections.abc import Iterable

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["allow_questions", "disallow_questions"]

_LAYOUT = {tokenize.INDENT, tokenize.DEDENT}
_BEFORE_HELP = 1  # IPython's help on `foo?` has 5; the lower goes first


class _Asked(EscapedCommand):  # type: ignore[misc]  # IPython is not typed
    """A line like `%claude is it?`."""

    priority = _BEFORE_HELP

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> _Asked | None:
        """The first such line, if any."""
        for line in tokens_by_line:
            tokens = [token for token in line if token.type not in _LAYOUT]
            if _is_prompt(tokens):
                return cls(tokens[0].start)
        return None


class _Assigned(MagicAssign):  # type: ignore[misc]  # IPython is not typed
    """A line like `r = %claude is it?`."""

    priority = _BEFORE_HELP

    def __init__(self, line: int, column: int) -> None:
        super().__init__((line, 0))  # IPython sorts by column before priority, and the help begins the line
        self._column = column

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> _Assigned | None:
        """The first such line, if any."""
        for line in tokens_by_line:
            found = MagicAssign.find([line])
            if found is not None and _is_prompt(
                [token for token in line if token.start[1] >= found.start_col]
            ):
                return cls(found.start_line + 1, found.start_col)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The lines with the call in the magic's place."""
        self.start_col = self._column
        return list(super().transform(lines))


_TRANSFORMERS = (_Asked, _Assigned)


def allow_questions(shell: InteractiveShell) -> None:
    """Puts the transformers into the shell."""
    disallow_questions(shell)
    shell.input_transformer_manager.token_transformers.extend(_TRANSFORMERS)


def disallow_questions(shell: InteractiveShell) -> None:
    """Takes them out again."""
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [item for item in transformers if item not in _TRANSFORMERS]


def _is_prompt(tokens: Iterable[tokenize.TokenInfo]) -> bool:
    words = [token.string for token in tokens][:3]
    return words[:2] == ["%", "claude"] and words[2:] not in (["?"], [])
