r"""Mathematics in Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{…}…\end{…}`.

One text has two readers: the Markdown parser and the page's MathJax. Here the first finds the formulas and
hands them on untouched; `PROCESS` and `IGNORE` keep the second from seeing others. mdit-py-plugins has such
rules too, but takes `$HOME/$PATH` for a formula, `$$` below a line of text for none, and copies the rest of
the text at each backslash. What gives a formula power over the page (`\href`, `\style`) leaves it text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mdit_py_plugins.amsmath import ENVIRONMENTS

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

__all__ = ["GROWING", "IGNORE", "PROCESS", "add_mathematics", "formula_at"]

# The classes by which MathJax 3 (JupyterLab, Notebook 7) and 2 (nbconvert) know where formulas are.
PROCESS = "mathjax_process tex2jax_process"
IGNORE = "mathjax_ignore tex2jax_ignore"
GROWING = "growing"  # in the environment: the text is not whole, so a formula may still be closed

_LONGEST = 5_000  # characters
_MOST_LINES = 100  # looked at for the end of a formula, so that time stays linear
# Not after or before a letter, digit or bracket that makes it money, a variable or a command; no code in it.
_DOLLAR = re.compile(r"\$(?![\s$])(?:[^$\\`]|\\.)++(?<!\s)\$(?![A-Za-z0-9_({$])", re.DOTALL)
_INLINE = {
    "$": _DOLLAR,
    "$$": re.compile(r"\$\$(?!\$)(?:[^$\\`]|\\.)++\$\$(?!\$)", re.DOTALL),
    r"\(": re.compile(r"\\\((?:[^\\`]|\\[^()])++\\\)", re.DOTALL),
    r"\[": re.compile(r"\\\[(?:[^\\`]|\\[^\[\]])++\\\](?!\()", re.DOTALL),
}
_AMOUNT = re.compile(r"\$\d[\d.,]*(?:\s+[A-Za-z]{2}|[kKM]?\s*[-/]\s*\$$)")
_BEFORE = re.compile(r"[A-Za-z0-9_$\\]")
_BEGIN = re.compile(
    rf"\\begin\{{((?:{'|'.join([*ENVIRONMENTS, 'aligned', 'array', 'cases', 'gathered', 'split'])})\*?)\}}"
)
# What MathJax gives power over the page: attributes, styles, addresses, the meaning of later formulas.
_ACTIVE = re.compile(
    r"\\(?:href|url|(?:eq)?ref|class|cssId|style|data|require|mmlToken|bbox|fcolorbox|unicode|includegraphics|"
    r"g?def|let|(?:re)?new(?:command|environment)|Declare[A-Za-z]+|html[A-Za-z]*)(?![A-Za-z])"
    r"|tex-html"
)


def add_mathematics(parser: MarkdownIt) -> None:
    """Teaches a parser the tokens `math_inline` and `math_block`; their content has its delimiters."""
    parser.inline.ruler.before("escape", "math_inline", _inline)
    parser.block.ruler.before(
        "fence", "math_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def formula_at(text: str, place: int) -> str:
    """The formula that begins there in a line, with its delimiters; "" if none does."""
    rule = _INLINE.get(text[place : place + 2]) or _INLINE.get(text[place])
    if rule is None or (rule is _DOLLAR and place and _BEFORE.match(text, place - 1)):
        return ""
    match = rule.match(text, place, place + _LONGEST)
    return match[0] if match and not _AMOUNT.match(match[0]) and _is_passive(match[0]) else ""


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # a rule's signature
    formula = formula_at(state.src, state.pos)
    if formula and not silent:
        state.push("math_inline", "math", 0).content = formula
    state.pos += len(formula)
    return bool(formula)


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001  # a rule's signature
    if state.is_code_block(first) or (closing := _closing(_line(state, first))) is None:
        return False
    end = _end(state, first, last, closing)
    if end is None:
        return False
    content = state.getLines(first, end, state.blkIndent, keepLastLF=False).strip()
    if not _is_passive(content):
        return False
    if not silent:
        state.line = end
        token = state.push("math_block", "math", 0)
        token.content, token.block, token.map = content, True, [first, end]
        token.meta[GROWING] = not content[2:].endswith(closing)
    return True


def _closing(line: str) -> str | None:
    """What ends a formula that this line begins."""
    if line.startswith(("$$", r"\[")):
        return "$$" if line[0] == "$" else r"\]"
    match = _BEGIN.match(line)
    return rf"\end{{{match[1]}}}" if match else None


def _end(state: StateBlock, first: int, last: int, closing: str) -> int | None:
    """The line after the one that ends the formula."""
    for number in range(first, min(last, first + _MOST_LINES)):
        line = _line(state, number)
        inside = line[2:] if number == first else line
        if closing in inside:
            return number + 1 if inside.endswith(closing) else None
        begins_again = number > first and _closing(line) == closing
        if not line or begins_again or state.sCount[number] < state.blkIndent:
            return None
    return last if state.env.get(GROWING) and last - first < _MOST_LINES else None


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()


def _is_passive(formula: str) -> bool:
    return len(formula) <= _LONGEST and _ACTIVE.search(formula) is None
