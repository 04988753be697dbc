"""A magic's line: flags first, then the prompt as it was typed. Pure.

`magic_arguments` alone would split the prompt into words, lose its white space and stumble over an
apostrophe. So only the leading flags are split off here, and the rest is left as it is.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Collection, Mapping

from claude_magic.errors import UsageError

__all__ = ["expand", "split_flags"]

VALUE_LIMIT = 100_000  # characters of one variable's text in a prompt
_FLAG = re.compile(r"--?[A-Za-z][\w-]*")
_FIELD = re.compile(r"\{([^\W\d]\w*)\}")
_SECRET = re.compile(r"key|token|secret|passw|credential|auth(?!or)", re.IGNORECASE)


def split_flags(line: str, switches: Collection[str], valued: Collection[str]) -> tuple[list[str], str]:
    """Splits the leading flags off a line.

    Args:
        line: What follows the magic's name.
        switches: Flags without a value.
        valued: Flags with one value: quoted, or with balanced parentheses as in `Bash(git *)`, or one word.

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
            value, rest = _value(flag, rest[1:].lstrip() if rest else "")
            flags.append(f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}")
        elif flag in switches:
            raise UsageError(f"{flag} takes no value. See %claude? for the options.")
        else:
            raise _unknown(flag, [*switches, *valued])
        rest = rest.lstrip()
    return flags, rest.removeprefix("-- ") if rest.startswith("-- ") else rest


def expand(prompt: str, namespace: Mapping[str, object]) -> str:
    """Replaces `{name}` by the text of that variable.

    Only a plain name that exists is replaced, never one that looks like a secret's; every other brace stays.

    Args:
        prompt: The line as typed.
        namespace: The user's variables.
    """

    def text(match: re.Match[str]) -> str:
        name = match[1]
        if name not in namespace or keyword.iskeyword(name) or _SECRET.search(name):
            return match[0]
        try:
            value = str(namespace[name])
        except Exception as error:  # noqa: BLE001  # the user's own code
            raise UsageError(f"The text of {{{name}}} cannot be had: {error!r:.200}") from None
        hidden = len(value) - VALUE_LIMIT
        return value if hidden <= 0 else f"{value[:VALUE_LIMIT]} [{hidden:,} characters left out]"

    return _FIELD.sub(text, prompt)


def _value(flag: str, rest: str) -> tuple[str, str]:
    """The value at the beginning of `rest`, and what follows it."""
    if not rest:
        raise UsageError(f"{flag} needs a value. See %claude? for the options.")
    if rest[0] in "\"'":
        return _quoted(flag, rest)
    depth = 0
    for index, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if character.isspace() and depth <= 0:
            return rest[:index], rest[index:]
    if depth > 0:
        raise UsageError(f"The value of {flag} has a parenthesis that is not closed: {rest[:60]}")
    return rest, ""


def _quoted(flag: str, rest: str) -> tuple[str, str]:
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
    raise UsageError(f"The value of {flag} has a quote that is not closed: {rest[:60]}")


def _unknown(flag: str, known: Collection[str]) -> UsageError:
    close = difflib.get_close_matches(flag, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else "See %claude? for the options."
    return UsageError(f"Unknown option {flag}. {hint}")
