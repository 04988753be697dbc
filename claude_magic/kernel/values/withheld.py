"""The source of a cell without the secrets that stand in it. Pure.

What is withheld is a literal that goes to a name that looks like a secret's: by assignment, as an argument,
by a key, in an environment variable. What only names where a secret comes from stays.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from typing import NamedTuple

from claude_magic.kernel.values.bounded import WITHHELD, without_secrets
from claude_magic.support.secret_names import looks_secret

__all__ = ["source_without_secrets"]

_LITERALS = {tokenize.STRING, tokenize.NUMBER}
_F_START = getattr(tokenize, "FSTRING_START", None)  # from Python 3.12 on an f-string is many tokens
_F_END = getattr(tokenize, "FSTRING_END", None)
_OPEN, _CLOSE = {"(", "[", "{"}, {")", "]", "}"}
_ASSIGNS = {"=", ":", ":=", "+="}
_LOOKUPS = {"Path", "get", "get_secret", "getenv", "getpass", "input", "open"}  # of a name, not of a secret
_ANNOTATION = 20  # tokens it may have
# Lines for the shell: `!…`, `%…`, `x = !…`, and all of a cell that is no Python.
_SHELL = re.compile(r"^[ \t]*(?:\w[\w, ]*=[ \t]*)?[!%].*$", re.MULTILINE)
_OTHER_LANGUAGE = re.compile(r"\s*%%(?!time|capture|prun|claude)")
_NAME = re.compile(r"[\w-]+")
_VALUE = r"""("[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
_SHELL_VALUE = re.compile(rf"(?:=|:[ \t]*){_VALUE}")
_SPACED_VALUE = re.compile(rf"(?:=|:?[ \t]+){_VALUE}")  # of `--password x`, and of `%env KEY x`
_REST = re.compile(r"""["']?\]?\s*(?:=(?!=)|:)\s*((?s:\"{3}.*?(?:\"{3}|\Z)|'{3}.*?(?:'{3}|\Z))|.+)""")


class _Span(NamedTuple):
    start: tuple[int, int]
    end: tuple[int, int]


def source_without_secrets(source: str) -> str:
    """A cell's source with what looks like a secret withheld."""
    if _OTHER_LANGUAGE.match(source):
        return without_secrets(_in_shell(source))
    source = _SHELL.sub(lambda line: _in_shell(line[0]), source)
    return without_secrets(_in_python(source))


def _in_shell(text: str) -> str:
    sets = text.lstrip().startswith(("%env", "%set_env"))
    return _after_names(text, lambda name: _SPACED_VALUE if sets or name.startswith("-") else _SHELL_VALUE)


def _after_names(text: str, pattern: Callable[[str], re.Pattern[str]]) -> str:
    """The text without what follows secret names in the way of a pattern."""
    at = 0
    while name := _NAME.search(text, at):
        at = name.end()
        if looks_secret(name[0].replace("-", "_")) and (value := pattern(name[0]).match(text, at)):
            text = f"{text[: value.start(1)]}{WITHHELD}{text[value.end(1) :]}"
            at = value.start(1) + len(WITHHELD)
    return text


def _in_python(source: str) -> str:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        tokens = []
    if not tokens or any(token.type == tokenize.ERRORTOKEN and token.string in "\"'" for token in tokens):
        return _after_names(source, lambda _: _REST)  # no Python: rather too much than too little
    lines = source.split("\n")
    for (first, begin), (last, end) in reversed(list(_secrets(tokens))):
        line = f"{lines[first - 1][:begin]}{WITHHELD}{lines[last - 1][end:]}"
        lines[first - 1 : last] = [line]
    return "\n".join(lines)


def _secrets(tokens: list[tokenize.TokenInfo]) -> Iterator[_Span]:
    """Where the literals stand that go to secret names."""
    at = 0
    while at < len(tokens):
        after = _value_of_secret(tokens, at)
        if after:
            end = _end_of_value(tokens, after)
            yield from _literals(tokens[after:end])
            at = end
        else:
            at += 1


def _value_of_secret(tokens: list[tokenize.TokenInfo], at: int) -> int:
    """Where the value begins that goes to the name at `at`; 0 if none does, or it is no secret."""
    token = tokens[at]
    is_key = token.type == tokenize.STRING
    name = token.string.strip("rbuRBU\"'") if is_key else token.string
    if not (is_key or token.type == tokenize.NAME) or not looks_secret(name):
        return 0
    after = at + 1
    if is_key and tokens[after].string == "]":  # d["key"] = …
        after += 1
    if is_key and tokens[after].string == ",":  # setdefault("key", …)
        return after + 1
    if not is_key and tokens[after].string == ":":
        after = _after_annotation(tokens, after)
    return after + 1 if tokens[after].string in _ASSIGNS else 0


def _after_annotation(tokens: list[tokenize.TokenInfo], at: int) -> int:
    """Where the `=` after an annotation stands, or what ends the annotation."""
    ends = {"=", ",", ")", ""}
    nearby = range(at, min(at + _ANNOTATION, len(tokens)))
    end = next((each for each in nearby if tokens[each].string.strip() in ends), at)
    return end if tokens[end].string == "=" else at - 1


def _end_of_value(tokens: list[tokenize.TokenInfo], begin: int) -> int:
    depth = 0
    for place in range(begin, len(tokens)):
        token = tokens[place]
        if depth == 0 and (token.type == tokenize.NEWLINE or token.string in {",", ";", *_CLOSE}):
            return place
        depth += (token.string in _OPEN) - (token.string in _CLOSE)
    return len(tokens)


def _literals(tokens: list[tokenize.TokenInfo]) -> Iterator[_Span]:
    """The literals of a value, but for the names by which it is looked up."""
    start: tuple[int, int] | None = None
    for place, token in enumerate(tokens):
        before = tokens[place - 1].string if place else ""
        looks_up = before == "[" or (before == "(" and place > 1 and tokens[place - 2].string in _LOOKUPS)
        if _F_START is not None and token.type == _F_START and start is None:
            start = token.start
        elif _F_END is not None and token.type == _F_END and start is not None:
            yield _Span(start, token.end)
            start = None
        elif start is None and token.type in _LITERALS and not (looks_up and place > 1):
            yield _Span(token.start, token.end)
