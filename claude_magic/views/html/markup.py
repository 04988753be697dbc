"""Hostile Markdown and code made safe HTML.

The promise: model text, tool text and names never bring an element, an attribute or a request of their own,
and the time is linear in their length. Import it when something is shown: its own imports take 50 ms.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import nh3
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markupsafe import Markup, escape
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from claude_magic.commonmark.directions import direct_blocks
from claude_magic.commonmark.gfm import link
from claude_magic.commonmark.mathematics import GROWING, PROCESS
from claude_magic.commonmark.parser import MAX_NESTING, new_parser
from claude_magic.control_characters import strip_controls
from claude_magic.views.html.elements import code, element, joined, pre, span

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.utils import OptionsDict
    from pygments.token import _TokenType

__all__ = ["highlighted", "markdown", "markdown_tokens", "plain", "sanitized", "sections"]

_WEB = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
_MAX_WORK = 1_000_000
_BRACKET_WORK = 40
_HIGHLIGHT_LIMIT = 20_000
_HIGHLIGHT_TIME = 0.3
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")  # makes an id, and an error where a formula is shown twice
_MOST_FORMULAS = 1_000  # a page takes about a millisecond for each
_PLAIN = {"", "w", "p", "n"}
_LANGUAGES = {
    name: lexer
    for lexer, names in {
        "bash": "bash sh shell zsh",
        "c": "c",
        "cpp": "cpp c++",
        "css": "css",
        "go": "go",
        "html": "html xml",
        "java": "java",
        "javascript": "javascript js",
        "json": "json",
        "julia": "julia",
        "python": "python py python3 ipython",
        "r": "r",
        "rust": "rust rs",
        "sql": "sql",
        "toml": "toml",
        "typescript": "typescript ts",
        "yaml": "yaml yml",
    }.items()
    for name in names.split()
}
_CELLS = {"python", "bash"}  # what a cell can hold; see code.js
_TAGS = {
    "a", "blockquote", "br", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "img", "li", "ol", "p", "pre", "s", "span", "strong", "summary", "table", "tbody", "td", "th",
    "thead", "tr", "ul",
}  # fmt: skip
_CLASSED = ("code", "details", "div", "img", "li", "p", "pre", "span", "summary", "table", "td", "th", "ul")
_ATTRIBUTES: dict[str, set[str]] = {tag: {"class"} for tag in _CLASSED} | {
    "*": {"dir"},
    "a": {"href"},
    "details": {"class", "open"},
    "img": {"alt", "class", "src"},
    "ol": {"start"},
}
_CLASS = r"(?:claude-[a-z-]+|[a-z][a-z0-9]?|(?:mathjax|tex2jax)_process)"
_CLASSES = re.compile(rf"{_CLASS}(?: {_CLASS})*")
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")


def sanitized(html: Markup) -> Markup:
    """Our own HTML through an allow-list: the last line of defence, whatever a renderer did."""
    clean = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    return Markup(clean)  # noqa: S704  # what the allow-list lets through


def _kept(_tag: str, name: str, value: str) -> str | None:
    if name == "dir":
        return value if value in {"ltr", "rtl"} else None
    if name == "class":
        return value if _CLASSES.fullmatch(value) else None
    if name == "src":
        return value if _PICTURE.fullmatch(value) else None
    if name == "href":
        return value if _WEB.match(value) else None
    return value


@lru_cache(maxsize=64)
def markdown(text: str, *, coloured: bool = True, typeset: bool = False) -> Markup:
    """Markdown as HTML that is safe to put into a page.

    Args:
        text: CommonMark with tables, ~~strikethrough~~ and mathematics. HTML in it stays text, an image
            becomes a link, and only http, https and mailto make a link.
        coloured: Whether code is.
        typeset: Whether the page is to typeset the formulas, else they stay as they are written.

    Returns:
        Sanitised HTML; very large or very deeply nested text comes as it is, in a `pre`.
    """
    tokens = markdown_tokens(text)
    if tokens is None:
        return plain(text)
    parser = _parser()
    deadline = time.perf_counter() + _HIGHLIGHT_TIME if coloured else 0.0
    environment = {"deadline": deadline, "formulas": _MOST_FORMULAS if typeset else 0}
    rendered = cast("str", parser.renderer.render(tokens, parser.options, environment))
    return sanitized(Markup(rendered))  # noqa: S704  # the renderer escapes, and HTML in the text is text


def plain(text: str) -> Markup:
    """Text as it is written."""
    return pre("claude-plain", strip_controls(text))


def markdown_tokens(text: str) -> list[Token] | None:
    """`text` parsed, images already made links; None if it is too large or nests too deeply."""
    text = strip_controls(text)
    if len(text) + _BRACKET_WORK * text.count("[") > _MAX_WORK:
        return None
    tokens = _parser().parse(text)
    # The parser leaves out what nests deeper than its limit, and text must never be lost.
    return None if any(token.level >= MAX_NESTING - 2 for token in tokens) else tokens


def sections(text: str) -> list[str]:
    """The top-level Markdown blocks of `text`, in order, nothing left out; only the last can still change."""
    text = strip_controls(text)
    lines = text.split("\n")
    starts = {0, *(token.map[0] for token in _outline(text) if token.map and not _may_adjoin(token, lines))}
    starts.add(len(lines))
    return ["\n".join(lines[begin:end]) for begin, end in pairwise(sorted(starts))]


def _may_adjoin(token: Token, lines: list[str]) -> bool:
    """A formula that is not closed yet, by a whole line, can still be a part of the paragraph above it."""
    if token.type != "math_block" or not token.map:
        return False
    first, last = token.map
    return (bool(token.meta[GROWING]) or last >= len(lines)) and bool(lines[first - 1].strip())


def _outline(text: str) -> list[Token]:
    parser = _parser()
    tokens: list[Token] = []
    parser.block.tokenize(state := StateBlock(text, parser, {GROWING: True}, tokens), 0, state.lineMax)
    return [token for token in tokens if token.level == 0 and token.nesting >= 0]


def highlighted(source: str, language: str = "", deadline: float | None = None) -> Markup:
    """Code as HTML, with Pygments' short classes where that is quick.

    Args:
        source: The code.
        language: Its name; an unknown one is not coloured.
        deadline: `time.perf_counter()` at which to give up colouring; Pygments' lexers take quadratic time
            for some texts.
    """
    source = strip_controls(source)
    name = _LANGUAGES.get(language.strip().lower())
    if name is None or len(source) > _HIGHLIGHT_LIMIT:
        return escape(source)
    lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    deadline = time.perf_counter() + _HIGHLIGHT_TIME if deadline is None else deadline
    pieces: list[str] = []
    for kind, text in lexer.get_tokens(source):
        if time.perf_counter() > deadline:
            return escape(source)
        pieces.append(_coloured(kind, text))
    return joined(pieces)


def _coloured(kind: _TokenType, text: str) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    name = STANDARD_TYPES[kind]
    return text if name in _PLAIN else span(name, text)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = new_parser()
    parser.validateLink = lambda url: _WEB.match(url) is not None  # type: ignore[method-assign]
    parser.core.ruler.push("claude_images", _images_to_links)
    parser.core.ruler.push("claude_cells", _aligned_cells)
    parser.core.ruler.push("claude_directions", direct_blocks)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("math_inline", _formula)
    parser.add_render_rule("math_block", _formula)
    return parser


def _images_to_links(state: StateCore) -> None:
    for token in state.tokens:
        if token.children and any(child.type == "image" for child in token.children):
            token.children = [part for child in token.children for part in _without_image(child)]


def _without_image(token: Token) -> list[Token]:
    if token.type != "image":
        return [token]
    address = str(token.attrs["src"])
    return link(address, token.content or address)


def _aligned_cells(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"th_open", "td_open"}:
            style = str(token.attrs.pop("style", ""))
            if style.endswith(("right", "center")):
                token.attrs["class"] = f"claude-{style.partition(':')[2]}"


def _fence(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _o: OptionsDict, env: MutableMapping[str, float]
) -> str:
    token = tokens[index]
    language = next(iter(token.info.split()), "")
    # A plain text: what the renderer adds to it is HTML, and Markup would escape it.
    name = _LANGUAGES.get(language.lower())
    classes = f"claude-code claude-in-{name}" if name in _CELLS else "claude-code"
    return f"{code(classes, highlighted(token.content, language, env['deadline']))}\n"


def _formula(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _o: OptionsDict, env: MutableMapping[str, float]
) -> str:
    token = tokens[index]
    tag, end = ("p", "\n") if token.block else ("span", "")
    env["formulas"] -= 1
    if env["formulas"] < 0:
        return f"{element(tag, '', token.content)}{end}"
    return f"{element(tag, PROCESS, _LABEL.sub('', token.content))}{end}"
