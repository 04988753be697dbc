"""Completes options, names and values after the magics, as these are declared, and `@file` and `{name}`.

It is a matcher of IPython's own, asked before the others, which are not asked then: Python's words mean
nothing in a prompt, and jedi takes seconds at the first Tab.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from claude_magic.declaration import Option
from claude_magic.magics.arguments import InUse, Magic, Word
from claude_magic.magics.file_names import file_names
from claude_magic.notebook.sessions import MAIN

__all__ = ["Completer", "Suggestions"]

_PRIORITY = 1000  # before IPython's own
_CALL = re.compile(r"\s*(?:[\w.,\s]+=\s*)?(%%?)(\w*)")
_FILE = re.compile(r"""(?:^|(?<=[\s('"]))(@"?)((?<=")[^"]*|(?<=@)[^\s"]*)$""")
_FIELD = re.compile(r"\{([^\W\d]?\w*)$")


class Suggestions(NamedTuple):
    """What may come next.

    Args:
        fragment: What stands before the cursor, and is replaced.
        words: What may stand there, each with what it is, for the list in which they are shown.
    """

    fragment: str
    words: Iterable[tuple[str, str]]


class _Words:
    """Completions that are there even if there are none: or IPython would ask its other matchers."""

    def __init__(self, words: list[SimpleCompletion]) -> None:
        self._words = words

    def __iter__(self) -> Iterator[SimpleCompletion]:
        return iter(self._words)

    def __len__(self) -> int:
        return max(1, len(self._words))


class Completer:
    """Gives IPython the words that may come next.

    Args:
        shell: The shell.
        magics: What is declared.
        in_use: Has the names in use.
        folder: Where a session of a name works; "" for the working directory.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        magics: Iterable[Magic],
        in_use: InUse,
        folder: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._shell = shell
        self._magics = {each.name: each for each in magics}
        self._in_use = in_use
        self._folder = folder

        @context_matcher(priority=_PRIORITY, identifier="claude_magic")
        def matcher(context: CompletionContext) -> dict[str, Any]:
            return self._match(context)

        self._matcher = matcher

    def install(self) -> None:
        """Registers with the shell."""
        self._shell.Completer.custom_matchers.append(self._matcher)

    def uninstall(self) -> None:
        """Takes the matcher out again."""
        matchers = self._shell.Completer.custom_matchers
        if self._matcher in matchers:
            matchers.remove(self._matcher)

    def _match(self, context: CompletionContext) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        line = lines[context.cursor_line] if len(lines) > 1 else context.full_text
        found = self.at(lines[: context.cursor_line], line[: context.cursor_position])
        if found is None:
            return {"completions": []}
        words = [
            SimpleCompletion(word, type=kind) for word, kind in found.words if word.startswith(found.fragment)
        ]
        return {
            "completions": _Words(words),
            "matched_fragment": found.fragment,
            "suppress": True,
            "ordered": True,
        }

    def at(self, above: list[str], before: str) -> Suggestions | None:
        """What may come at the cursor; None where nothing of ours stands.

        Args:
            above: The lines above.
            before: What stands before the cursor in its line.
        """
        call = _CALL.match(before)
        if call and call[2] in self._magics and before[call.end() :][:1].isspace():
            magic, rest = self._magics[call[2]], before[call.end() :]
            return self._in_line(magic, rest, holds_prompt=magic.takes_prompt and call[1] == "%")
        if cell := self._cell(above):
            return self._in_prompt(before, _session(cell.split()))
        return None

    def _cell(self, above: list[str]) -> str:
        """The first line of the cell, if that is one of ours that a prompt stands below; or ""."""
        first = next((line for line in above if line.strip() and not line.lstrip().startswith("#")), "")
        call = _CALL.match(first)
        magic = self._magics.get(call[2]) if call and call[1] == "%%" else None
        return first if magic and magic.takes_prompt else ""

    def _in_line(self, magic: Magic, rest: str, *, holds_prompt: bool) -> Suggestions:
        words = rest.split()
        symbol = words.pop() if words and not rest[-1].isspace() else ""
        if holds_prompt and (_FILE.search(rest) or _FIELD.search(rest)):
            return self._in_prompt(rest, _session(words))
        flag, equals, value = symbol.partition("=")
        if equals and flag.startswith("--"):
            words, symbol = [*words, flag], value
        flags = not symbol or symbol.startswith("-")
        return Suggestions(symbol, self.candidates(magic, words, flags=flags))

    def _in_prompt(self, text: str, session: str) -> Suggestions:
        if match := _FILE.search(text):
            sign, path = match[1], match[2]
            quote = '"' if sign == '@"' else ""  # without them the CLI reads no name beyond a space
            names = (name for name in file_names(self._folder(session), path) if quote or " " not in name)
            words = [f"{sign}{name}{quote if name[-1] != '/' else ''}" for name in names]
            return Suggestions(match[0], [(word, "file") for word in words])
        if match := _FIELD.search(text):
            return Suggestions(
                match[1], [(name, "variable") for name in sorted(self._in_use.variables.names)]
            )
        return Suggestions("", ())

    def candidates(self, magic: Magic, before: list[str], *, flags: bool) -> list[tuple[str, str]]:
        """The words that may come next, with what they are.

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
        if magic.takes_prompt and words:
            return []
        options = [(each.flag, "option") for each in magic.options] if flags else []
        named = (each for word in magic.words[len(words) :][:1] for each in self._suggestions(word))
        return [*sorted(named), *sorted(options)]

    def _suggestions(self, parameter: Option | Word) -> list[tuple[str, str]]:
        suggestions = parameter.suggested
        words = suggestions(self._in_use) if callable(suggestions) else suggestions
        choices = parameter.choices if isinstance(parameter, Option) else ()
        return [(word, parameter.name.replace("_", " ")) for word in sorted({*words, *choices})]


def _session(words: list[str]) -> str:
    """The session that a line names."""
    for flag, value in pairwise(words):
        if flag in {"-s", "--session"}:
            return value
    return MAIN
