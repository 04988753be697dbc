"""What a tool call writes, or a text becomes, as lines of a diff.

Everything that comes from outside has gone through `show_invisibles` when it leaves here. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import accumulate, chain, groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from claude_magic.control_characters import show_invisibles
from claude_magic.tools import Tool, tool_called
from claude_magic.transcript.blocks import ToolBlock
from claude_magic.wording.room import Room

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from claude_magic.result import FileChange
    from claude_magic.tool_server import Preview

__all__ = ["Diff", "DiffLine", "diff", "text_diff", "unified"]

_DIFF_LIMIT = Room().diff_lines
_COMPARED_LIMIT = 4_000  # lines; the comparison takes their square
_MARKED_LIMIT = 400  # characters of a line in which it is looked what differs
_ALIKE = 0.5  # share that two lines have in common, below which everything differs
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

_STARTS = ("oldStart", "newStart")

Span = tuple[int, int]


class DiffLine(NamedTuple):
    """One line of a diff; `str` of it is the line without numbers and marks.

    Args:
        sign: `+`, `-`, or a blank for one that stays; `@` begins another place, or says something.
        text: The line.
        number: Where it stands in the text after, one that goes in the text before; None if not known.
        marks: What differs within it, from where to where.
    """

    sign: str
    text: str = ""
    number: int | None = None
    marks: tuple[Span, ...] = ()

    def __str__(self) -> str:
        """The line as in a diff."""
        if self.sign == "@":
            return f"@ {self.text or f'line {self.number}'}"
        return self.sign + self.text

    @property
    def numbered(self) -> str:
        """The same, its number before it."""
        return f"     {self}" if self.sign == "@" else f"{self.number or '':>4} {self}"


class Diff(NamedTuple):
    """What is changed.

    Args:
        lines: It, line by line, shortened.
        added: How many lines come, in all.
        removed: How many go.
    """

    lines: list[DiffLine]
    added: int
    removed: int


def diff(call: ToolBlock, limit: int = _DIFF_LIMIT) -> Diff:
    """What a call writes, at most `limit` lines of it; no lines if it writes nothing."""
    lines = (
        list(_patched(call.details))
        or list(_previewed(call.preview))
        or list(_intended(tool_called(call.name), call.input))
    )
    return _bounded(lines, limit)


def text_diff(before: str | None, after: str | None) -> Diff:
    """What becomes of a text, in the same lines; None stands for no text."""
    text_before, text_after = ((text or "").removesuffix("\n") for text in (before, after))
    return _bounded(list(_compared(text_before, text_after)))


def unified(changes: Iterable[FileChange]) -> str:
    """What becomes of several texts, as one unified diff; of a very long one the beginning."""
    lines = [show_invisibles(line) for each in changes for line in each.diff.split("\n")]
    hidden = len(lines) - _DIFF_LIMIT
    return "\n".join([*lines[:_DIFF_LIMIT], *([f"… {hidden:,} more lines"] if hidden > 0 else [])])


def _bounded(lines: list[DiffLine], limit: int = _DIFF_LIMIT) -> Diff:
    hidden = len(lines) - limit
    shown = [
        line._replace(text=show_invisibles(line.text[:2_000]).replace("\n", "⏎")) for line in lines[:limit]
    ]
    rest = [DiffLine("@", f"{hidden:,} more lines hidden")] if hidden > 0 else []
    signs = Counter(line.sign for line in lines)
    return Diff([*_marked(shown), *rest], signs["+"], signs["-"])


def _patched(details: object) -> Iterator[DiffLine]:
    hunks = details.get("structuredPatch") if isinstance(details, dict) else None
    for hunk in hunks if isinstance(hunks, list) else ():
        if isinstance(hunk, dict) and isinstance(lines := hunk.get("lines"), list):
            old, new = (start if isinstance(start := hunk.get(key), int) else None for key in _STARTS)
            yield DiffLine("@", "" if new is not None else "line ?", new)
            yield from _numbered(map(_of_patch, map(str, lines)), old, new)


def _of_patch(line: str) -> tuple[str, str]:
    """A line of a patch, its sign apart; a backslash says something of the line before."""
    if line.startswith("\\"):
        return "@", line[1:].strip()
    return (line[0], line[1:]) if line[:1] in {"+", "-", " "} else (" ", line)


def _numbered(lines: Iterable[tuple[str, str]], old: int | None, new: int | None) -> Iterator[DiffLine]:
    """Lines of one place, counted in the text before and in the text after."""
    for sign, text in lines:
        yield DiffLine(sign, text, {"-": old, "@": None}.get(sign, new))
        old = old + (sign in "- ") if old is not None else None
        new = new + (sign in "+ ") if new is not None else None


def _previewed(preview: Preview | None) -> Iterator[DiffLine]:
    """What changes in a text; nothing where the text is new, for the call shows it whole."""
    if preview is not None and preview.before:
        yield from _compared(preview.before, preview.after, preview.line)


def _compared(text_before: str, text_after: str, first: int = 1) -> Iterator[DiffLine]:
    before, after = (text.split("\n") if text else [] for text in (text_before, text_after))
    if len(before) + len(after) > _COMPARED_LIMIT:
        yield from (*_signed("-", text_before), *_signed("+", text_after))
        return
    from difflib import SequenceMatcher  # noqa: PLC0415  # load budget

    for group in SequenceMatcher(None, before, after).get_grouped_opcodes():
        old, new = group[0][1] + first, group[0][3] + first
        yield DiffLine("@", number=new)
        yield from _numbered(_signs(group, before, after), old, new)


def _signs(
    group: Sequence[tuple[str, int, int, int, int]], before: list[str], after: list[str]
) -> Iterator[tuple[str, str]]:
    for kind, old, old_end, new, new_end in group:
        if kind == "equal":
            yield from ((" ", line) for line in before[old:old_end])
        else:
            yield from (("-", line) for line in before[old:old_end])
            yield from (("+", line) for line in after[new:new_end])


def _intended(tool: Tool, tool_input: Mapping[str, object]) -> Iterator[DiffLine]:
    edits = tool_input.get(tool.edits) if tool.edits else [tool_input]
    for edit in edits if isinstance(edits, list) else ():
        if isinstance(edit, dict):
            yield from _signed("-", edit.get(tool.removed) if tool.removed else "")
            yield from _signed("+", edit.get(tool.added) if tool.added else "")


def _signed(sign: str, text: object) -> Iterator[DiffLine]:
    if isinstance(text, str) and text:
        yield from (DiffLine(sign, line) for line in text.removesuffix("\n").split("\n"))


# --- what differs within a line


def _marked(lines: list[DiffLine]) -> Iterator[DiffLine]:
    """The lines, with marks where as many come as go."""
    runs = [list(run) for _, run in groupby(lines, lambda line: line.sign)]
    for old, new in pairwise(runs):
        if (old[0].sign, new[0].sign) == ("-", "+") and len(old) == len(new):
            for place, pair in enumerate(zip(old, new, strict=True)):
                old[place], new[place] = _compared_words(*pair)
    return chain.from_iterable(runs)


def _compared_words(old: DiffLine, new: DiffLine) -> tuple[DiffLine, DiffLine]:
    """A line and what it becomes, each with marks at what the other does not have."""
    if max(len(old.text), len(new.text)) > _MARKED_LIMIT:
        return old, new
    from difflib import SequenceMatcher  # noqa: PLC0415  # load budget

    words, others = _WORDS.findall(old.text), _WORDS.findall(new.text)
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return old, new
    changes = [places for kind, *places in matcher.get_opcodes() if kind != "equal"]
    return (
        old._replace(marks=_spans(words, [(i, j) for i, j, _, _ in changes])),
        new._replace(marks=_spans(others, [(i, j) for _, _, i, j in changes])),
    )


def _spans(words: list[str], places: list[Span]) -> tuple[Span, ...]:
    """From words to characters."""
    starts = [0, *accumulate(map(len, words))]
    return tuple((starts[i], starts[j]) for i, j in places if i < j)
