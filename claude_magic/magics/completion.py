"""Completes options, names and values after the magics, as these are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.declaration import Option
from claude_magic.magics.arguments import InUse, Magic, Word

__all__ = ["Completer"]


class Completer:
    """Gives IPython the words that may come next.

    Args:
        shell: The shell.
        magics: What is declared.
        in_use: Has the names in use.
    """

    def __init__(self, shell: InteractiveShell, magics: Iterable[Magic], in_use: InUse) -> None:
        self._shell = shell
        self._magics = {each.name: each for each in magics}
        self._in_use = in_use
        self._hooks: list[tuple[str, Callable[..., list[str]]]] = []

    def install(self) -> None:
        """Registers with the shell."""
        for name, magic in self._magics.items():
            for prefix in ("%", "%%") if "cell" in magic.kind else ("%",):
                self._hooks.append((prefix + name, self.complete))
        for key, hook in self._hooks:
            self._shell.set_hook("complete_command", hook, str_key=key)

    def uninstall(self) -> None:
        """Takes the hooks out again."""
        table = self._shell.strdispatchers.get("complete_command")
        for key, _ in self._hooks:
            if table is not None:
                table.strs.pop(key, None)
        self._hooks.clear()

    def complete(self, _: Any, event: Any) -> list[str]:
        """The words that fit at the cursor; called by IPython with its completion event."""
        symbol = event.symbol if event.line.endswith(event.symbol) else ""
        before = event.line.removesuffix(symbol).split()
        magic = self._magics[event.command.lstrip("%")]
        candidates = self.candidates(magic, before[1:], flags=not symbol or symbol.startswith("-"))
        return sorted(word for word in candidates if word.startswith(symbol))

    def candidates(self, magic: Magic, before: list[str], *, flags: bool) -> list[str]:
        """The words that may come next.

        Args:
            magic: The magic.
            before: The words of the line so far.
            flags: Whether it may be a flag.
        """
        valued = {name: each for each in magic.options if not each.is_switch for name in each.flags}
        if before and before[-1] in valued:
            return self._suggestions(valued[before[-1]])
        words = [
            word
            for word, last in zip(before, ["", *before], strict=False)
            if not word.startswith("-") and last not in valued
        ]
        options = [each.flag for each in magic.options] if flags else []
        return options + [each for word in magic.words[len(words) :][:1] for each in self._suggestions(word)]

    def _suggestions(self, parameter: Option | Word) -> list[str]:
        suggestions = parameter.suggested
        words = suggestions(self._in_use) if callable(suggestions) else suggestions
        return [*words, *(parameter.choices if isinstance(parameter, Option) else ())]
