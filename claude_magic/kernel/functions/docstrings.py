"""What a docstring says of a function and of its parameters: Google's, NumPy's or Sphinx's way. Pure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Docstring", "docstring_of"]

_HEAD = re.compile(r"(?:(?:Other |Keyword )?(?:Parameters|Args|Arguments))(?P<colon>:?)\s*\Z")
_RULE = re.compile(r"-{3,}\s*\Z")
_GOOGLE = re.compile(r"\s+\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)\Z")
_NUMPY = re.compile(r"\*{0,2}(?P<name>\w+)\s*(?::.*)?\Z")
_SPHINX = re.compile(r"\s*:(?:param|parameter|arg)\s+(?:[^:]*\s)?\*{0,2}(?P<name>\w+)\s*:\s*(?P<text>.*)\Z")


class Docstring(NamedTuple):
    """A docstring, read.

    Args:
        text: What it says of the function, without the parameters.
        parameters: What it says of each.
    """

    text: str
    parameters: dict[str, str]


def docstring_of(function: object) -> Docstring:
    """The docstring of a function; empty if it has none."""
    lines = (inspect.getdoc(function) or "").splitlines()
    text: list[str] = []
    parameters: dict[str, list[str]] = {}
    at = 0
    while at < len(lines):
        end = _end(lines, at)
        if end == at:
            text.append(lines[at])
            at += 1
        else:
            for name, line in _entries(lines[at:end]):
                parameters.setdefault(name, []).append(line)
            at = end
    said = {name: " ".join(" ".join(part).split()) for name, part in parameters.items()}
    return Docstring(re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), said)


def _end(lines: list[str], at: int) -> int:
    """Where what begins here about parameters ends; `at` if nothing does."""
    if _SPHINX.match(lines[at]):
        return next(
            (n for n in range(at + 1, len(lines)) if not lines[n].startswith(" ") or _SPHINX.match(lines[n])),
            len(lines),
        )
    head = _HEAD.match(lines[at])
    if head and at + 1 < len(lines) and _RULE.match(lines[at + 1]):
        return next((n for n in range(at + 2, len(lines) - 1) if _RULE.match(lines[n + 1])), len(lines))
    if head and head["colon"]:
        return next(
            (n for n in range(at + 1, len(lines)) if lines[n] and not lines[n].startswith(" ")), len(lines)
        )
    return at


def _entries(block: list[str]) -> Iterator[tuple[str, str]]:
    """The lines about each parameter, by its name."""
    if match := _SPHINX.match(block[0]):
        yield from ((match["name"], line) for line in (match["text"], *block[1:]))
        return
    pattern, body = (_NUMPY, block[2:]) if _RULE.match("".join(block[1:2])) else (_GOOGLE, block[1:])
    indent = min((len(line) - len(line.lstrip()) for line in body if line.strip()), default=0)
    name = ""
    for line in body:
        match = pattern.match(line) if len(line) - len(line.lstrip()) == indent else None
        if match:
            name = match["name"]
            yield name, match.groupdict().get("text", "")
        elif name:
            yield name, line
