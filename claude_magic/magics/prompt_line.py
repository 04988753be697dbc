"""A magic's line: flags first, then the prompt as it was typed. Pure.

`magic_arguments` alone would split the prompt into words, lose its white space and stumble over an
apostrophe. So only the leading flags are split off here, and the rest is left as it is.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from claude_magic.errors import UsageError
from claude_magic.prompt import Attachment, Prompt
from claude_magic.support.secret_names import looks_secret

__all__ = ["expand", "split_flags", "split_words"]

VALUE_LIMIT = 100_000  # characters of one variable's text that go with a prompt
PLAIN_LIMIT = 100  # characters of one that stays in its place
_HINT = "See %claude? for the options."
_EXCERPT = 20  # characters of a value in an error: enough to find it; further on may be a key
_FLAG = re.compile(r"--?[A-Za-z][\w-]*")
_FIELD = re.compile(r"\{([^\W\d]\w*)\}")


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


def expand(line: str, names: Mapping[str, object]) -> Prompt:
    """Puts the values of `{name}` into a line, or before it.

    A short plain value stands in its place. Any other goes before the words as data, and its label stands in
    its place: in the words the CLI would look for files and commands. A name that looks like a secret's, or
    that is none, stays as typed, and so does every other brace.

    Args:
        line: The line as typed.
        names: The variables that can be seen where it stands.

    Raises:
        UsageError: A variable's text cannot be had.
    """
    values: dict[str, str] = {}
    unknown: dict[str, None] = {}
    secrets: dict[str, None] = {}
    attachments: dict[str, Attachment] = {}
    words, end = "", 0
    for match in _FIELD.finditer(line):
        name = match[1]
        if keyword.iskeyword(name):
            continue
        if name not in names or looks_secret(name):
            (secrets if name in names else unknown)[match[0]] = None
            continue
        words, end = words + line[end : match.start()], match.end()
        value = values[name] = values[name] if name in values else _text(name, names[name])
        if not _is_plain(value, leads=not words.strip()):
            value = attachments.setdefault(name, Attachment(name, value)).label
        words += value
    return Prompt(words + line[end:], tuple(attachments.values()), tuple(_as_typed(unknown, secrets)))


def _text(name: str, value: object) -> str:
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001  # the user's own code
        raise UsageError(f"The text of {{{name}}} cannot be had: {error!r:.200}") from None
    hidden = len(text) - VALUE_LIMIT
    return text if hidden <= 0 else f"{text[:VALUE_LIMIT]} [{hidden:,} characters left out]"


def _is_plain(value: str, *, leads: bool) -> bool:
    """Whether the CLI reads nothing into a value: it is short, in one line, and names no file or command."""
    command = leads and value.lstrip().startswith("/")
    return len(value) <= PLAIN_LIMIT and value.isprintable() and "@" not in value and not command


def _as_typed(unknown: Iterable[str], secrets: Iterable[str]) -> Iterator[str]:
    reasons = [
        (unknown, "no such name here"),
        (secrets, "looks like a secret; give the value another name to send it"),
    ]
    parts = [f"{', '.join(fields)} ({why})" for fields, why in reasons if fields]
    if parts:
        yield f"Left as typed: {'; '.join(parts)}."


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
