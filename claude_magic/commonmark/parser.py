"""The parser: CommonMark with tables, ~~strikethrough~~, mathematics, task lists and bare addresses.

And the blocks of code that it finds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from markdown_it import MarkdownIt

from claude_magic.commonmark.gfm import add_gfm
from claude_magic.commonmark.mathematics import add_mathematics

__all__ = ["MAX_NESTING", "CodeBlock", "code_blocks", "lines_of_formulas", "new_parser"]

MAX_NESTING = 60


class CodeBlock(NamedTuple):
    """A block of code: fenced, however deep in lists and quotes, or indented.

    Args:
        text: The code, without what the list or quote has before it.
        info: The words after the fence, as a language.
        fence: The fence that opens it, "" if it is indented.
        first: The number of its first line.
        last: The number of the line after it.
    """

    text: str
    info: str
    fence: str
    first: int
    last: int

    @property
    def language(self) -> str:
        """What the code is written in, in small letters: ```` ```{Python} x=1 ```` is `python`."""
        return next(iter(self.info.strip("{} ").split()), "").strip("{}.,").lower()


def new_parser() -> MarkdownIt:
    """A parser to make one's own rules for."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    add_mathematics(parser)
    add_gfm(parser)
    return parser


def code_blocks(text: str) -> list[CodeBlock]:
    """The blocks of code of a text, in their order; a fence that nothing closes goes on to the end."""
    return [
        CodeBlock(token.content.removesuffix("\n"), token.info.strip(), token.markup, *token.map)
        for token in _block_parser().parse(text)
        if token.type in {"fence", "code_block"} and token.map
    ]


def lines_of_formulas(text: str) -> set[int]:
    """The numbers of the lines that are part of a formula with lines of its own."""
    blocks = (token.map for token in _block_parser().parse(text) if token.type == "math_block" and token.map)
    return {number for first, last in blocks for number in range(first, last)}


@lru_cache(maxsize=1)
def _block_parser() -> MarkdownIt:
    parser = new_parser()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser
