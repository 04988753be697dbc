"""Markdown that every renderer reads alike, and in which nothing from outside acts.

The promise: an executed cell's Markdown output is trusted, so its HTML would run. Here tags, images and links
that are not http, https or mailto come out as text, and code stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from claude_magic.commonmark.mathematics import formula_at
from claude_magic.commonmark.parser import CodeBlock, code_blocks, lines_of_formulas
from claude_magic.control_characters import strip_controls

__all__ = ["code_span", "escaped", "fenced", "safe_markdown"]

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~$!&])")
_LONGEST_SPAN = 2_000  # characters
# Where code or a formula can begin; what is escaped begins none.
_SPAN = re.compile(
    rf"\\(?![(\[])[^\w\s]|(?P<marks>`+)(?!`)(?P<code>.{{1,{_LONGEST_SPAN}}}?)(?<!`)(?P=marks)(?!`)|`+|\\|\$"
)
_MARKS = re.compile(r"((?<!\\)(?:\\\\)*)(`+|~{3,}|\$+)")
_DELIMITERS = re.compile(r"(?=.*-)[\s>|:-]+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\((?!https?://|mailto:)", re.IGNORECASE)
_DEFINITION = re.compile(r"\]:(?!\s*(?:https?://|mailto:))(?=\s*(?:$|<|[^\s]{0,100}[:&\\]))", re.IGNORECASE)
_INFO = re.compile(r"[^A-Za-z0-9_+.-]")


def escaped(text: str) -> str:
    """Plain text, every character of Markdown's escaped."""
    return _ACTIVE.sub(r"\\\1", text)


def code_span(text: str) -> str:
    """Plain text in one line, as code: paths stay readable."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def fenced(code: str, info: str = "") -> str:
    """The code between fences longer than any in it, at the line's beginning: read alike everywhere."""
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", code)), default=0))
    return f"{marks}{_INFO.sub('', info)}\n{code}\n{marks}"


def safe_markdown(text: str) -> str:
    """Markdown with everything active made text; code stays as it is."""
    return "\n\n".join(_pieces(strip_controls(text)))


def _pieces(text: str) -> Iterator[str]:
    """The prose and the code of a text; code in a list or quote, and indented code, is taken out of it.

    For only a fence at the line's beginning is read alike everywhere.
    """
    lines, line, indent = text.split("\n"), 0, 0
    has_table = any(_DELIMITERS.fullmatch(each) for each in lines)
    formulas = lines_of_formulas(text)
    prose = [
        _inert_formula(each) if number in formulas else _inert_line(each, has_table=has_table)
        for number, each in enumerate(lines)
    ]
    for block in code_blocks(text):
        before = _before(lines[block.first], block)
        bullet = [before.rstrip()] if before.strip(" >") else []
        yield from _paragraphs([*_dedented(prose[line : block.first], indent), *bullet])
        yield fenced(block.text, block.info)
        line, indent = block.last, len(before)
    yield from _paragraphs(_dedented(prose[line:], indent))


def _before(line: str, block: CodeBlock) -> str:
    """What a block of code has before it on its first line: a list's bullet, a quote's mark."""
    if block.fence:
        return _inert(line.partition(block.fence)[0])
    return _inert(line.removesuffix(block.text.partition("\n")[0]))


def _dedented(lines: list[str], indent: int) -> list[str]:
    """Lines less the indentation of the list item that code was taken out of, as long as they are in it."""
    inside = list(takewhile(lambda line: not line[:indent].strip(), lines))
    return [*(line[indent:] for line in inside), *lines[len(inside) :]]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    if any(map(str.strip, lines)):
        yield "\n".join(lines).strip("\n")


def _inert_line(line: str, *, has_table: bool) -> str:
    """A line of prose with no tag, no image, no link but http, https and mailto; its code and formulas stay.

    A code span that goes on in the next line, or over a table's cells, is none everywhere.
    """
    pieces: list[str] = []
    prose = place = 0
    while span := _SPAN.search(line, place):
        place = span.end()
        if span["marks"]:
            verbatim = "" if has_table and "|" in span[0] else span[0]
        else:
            verbatim = formula_at(line, span.start())
        if verbatim:
            place = span.start() + len(verbatim)
            pieces += [
                _inert(line[prose : span.start()]),
                verbatim if span["marks"] else _inert_formula(verbatim),
            ]
            prose = place
    return "".join([*pieces, _inert(line[prose:])])


def _inert_formula(formula: str) -> str:
    return _LINK.sub(r"] (", _TAG.sub("< ", formula)).replace("`", "'")


def _inert(prose: str) -> str:
    prose = _MARKS.sub(lambda signs: signs[1] + "".join(f"\\{mark}" for mark in signs[2]), prose)
    prose = _TAG.sub("&lt;", prose).replace("![", "&#33;[")
    return _DEFINITION.sub(r"]\\:", _LINK.sub(r"]\\(", prose))
