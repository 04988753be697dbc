"""A magic's line: flags first, then the prompt as it was typed. Pure.

`magic_arguments` alone would split the prompt into words, lose its white space and stumble over an
apostrophe. So only the leading flags are split off here, and the rest is left as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from claude_magic.errors import UsageError

__all__ = ["split_flags", "split_words"]

_HINT = "See %claude? for the options."
_EXCERPT = 20  # characters of a value in an error: enough to find it; further on may be a key
_FLAG = re.compile(r"--?[A-Za-z][\w-]*")


def split_flags(
    line: str, switches: Collection[str], valued: Collection[str], hint: str = _HINT
) -> tuple[list[str], str]:
    """Splits the leading flags off a line.

    Args:
        line: What follows the magic's name.
        switches: Flags without a value.
        valued: Flags with one value: quoted, or with balanced parentheses as in `Bash(git *)`, or one word.
        hint: What to type next, for errors.

    Returns:
        The flags as `--flag` and `--flag=value`, and the rest of the line.

    Raises:
        UsageError: An unknown flag, a value that is missing, or a quote or parenthesis that is not closed.
    """
    flags = []
    rest = line.lstrip()
    while match := _FLAG.match(rest):
        flag, rest = match[0], rest[match.end() :]
        if flag in switches and (not rest or rest[0].isspace()):
            flags.append(flag)
        elif flag in valued and (not rest or rest[0].isspace() or rest[0] == "="):
            value, rest = _value(flag, rest[1:].lstrip() if rest else "", hint)
            flags.append(f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}")
        elif flag in switches:
            raise _error(f"{flag} takes no value.", hint)
        else:
            raise _unknown_option(flag, [*switches, *valued], hint)
        rest = rest.lstrip()
    return flags, rest.removeprefix("-- ") if rest.startswith("-- ") else rest


def split_words(line: str, switches: Collection[str], valued: Collection[str]) -> tuple[list[str], list[str]]:
    """Splits a line that ends with no prompt into its flags, wherever they stand, and its words.

    Raises:
        UsageError: As `split_flags`.
    """
    flags: list[str] = []
    words: list[str] = []
    rest = line
    while True:
        more, rest = split_flags(rest, switches, valued, hint="")
        flags += more
        if not rest:
            return flags, words
        word, rest = _value("", rest)
        words.append(word)


def _value(flag: str, rest: str, hint: str = "") -> tuple[str, str]:
    """The value at the beginning of `rest`, and what follows it."""
    if not rest:
        raise _error(f"{flag} needs a value.", hint)
    if rest[0] in "\"'":
        return _quoted_value(flag, rest)
    depth = 0
    value: list[str] = []
    for index, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if character.isspace() and depth <= 0:
            if value[-1:] != ["\\"]:
                return "".join(value), rest[index:]
            value.pop()  # as in a shell
        value.append(character)
    if depth > 0:
        raise UsageError(f"{_subject(flag)} has a parenthesis that is not closed: {rest[:_EXCERPT]}")
    return "".join(value), ""


def _quoted_value(flag: str, rest: str) -> tuple[str, str]:
    quote, index = rest[0], 1
    value: list[str] = []
    while index < len(rest):
        character = rest[index]
        if character == quote:
            return "".join(value), rest[index + 1 :]
        if character == "\\" and rest[index + 1 : index + 2] in {quote, "\\"}:
            index += 1
            character = rest[index]
        value.append(character)
        index += 1
    raise UsageError(f"{_subject(flag)} has a quote that is not closed: {rest[:_EXCERPT]}")


def _subject(flag: str) -> str:
    return f"The value of {flag}" if flag else "The line"


def _unknown_option(flag: str, flags: Collection[str], hint: str) -> UsageError:
    close = difflib.get_close_matches(flag, flags, n=1)
    return _error(f"Unknown option {flag}.", f"Did you mean {close[0]}?" if close else hint)


def _error(what: str, hint: str) -> UsageError:
    return UsageError(f"{what} {hint}".rstrip())
