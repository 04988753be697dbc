"""A shell's command as HTML, the programs in its here-documents coloured as what they are written in."""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator

from markupsafe import Markup

from claude_magic.views.html.elements import joined
from claude_magic.views.html.markup import highlighted

__all__ = ["shell_code"]

_BEGIN = re.compile(r"(?:<<)-?[ \t]*(['\"]?)(\w+)\1")
_PYTHON = re.compile(r"(?:^|[\s/;&|(])i?python[\d.]*\b")
_FILE = re.compile(r"(?:>|\btee\b)[ \t]*(?:-a[ \t]+)?['\"]?[^\s'\"<>|;&]*\.(\w+)")


def shell_code(command: str) -> Markup:
    """The command, coloured."""
    return joined(highlighted(text, language) for text, language in _pieces(command))


def _pieces(command: str) -> Iterator[tuple[str, str]]:
    """The command's parts and their languages, in order; nothing is left out."""
    lines = command.splitlines(keepends=True)
    places: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        places[line.strip()].append(place)
    done = place = 0
    while place < len(lines):
        begin, place = _BEGIN.search(lines[place]), place + 1
        ends = places[begin[2]] if begin else []
        end = next(iter(ends[bisect(ends, place - 1) :]), None)
        if end is not None and (language := _language(lines[place - 1])):
            yield "".join(lines[done:place]), "bash"
            yield "".join(lines[place:end]), language
            done = end
        place = place if end is None else end + 1
    yield "".join(lines[done:]), "bash"


def _language(line: str) -> str:
    """What a here-document is written in, by the line that takes it; "" if that is not told."""
    if _PYTHON.search(line):
        return "python"
    file = _FILE.search(line)
    return file[1] if file else ""
