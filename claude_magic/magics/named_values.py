"""The values that a line names: `{name}`, `{df.shape}`, `{rows[0].title}`. Nothing in it is called.

A name that is none is an error, for whoever mistypes one wants to know before Claude does. Braces that are
to stay are doubled, as in Python; those of TeX, of JSON and of prose hold no plain name, or follow a command.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping

from claude_magic.errors import UsageError
from claude_magic.prompt import Attachment, Prompt
from claude_magic.support.secret_names import looks_secret

__all__ = ["PLAIN_LIMIT", "VALUE_LIMIT", "expand"]

VALUE_LIMIT = 100_000  # characters of one variable's text that go with a prompt
PLAIN_LIMIT = 100  # characters of one that stays in its place
_NAME = r"[^\W\d]\w*"
_STEP = rf"\.{_NAME}|\[(?:-?\d{{1,9}}|'[^'\\\]]*'|\"[^\"\\\]]*\")\]"
_PATH = rf"(?P<name>{_NAME})(?:{_STEP})*"
_FIELD = re.compile(rf"\{{\{{(?P<kept>{_NAME}(?:{_STEP})*)\}}\}}|\{{(?P<path>{_PATH})\}}")
_STEPS = re.compile(_STEP)
_TEX = re.compile(r"(?:\\[A-Za-z]+(?:\{[^{}]*\})*|[_^])\Z")  # what a group of TeX follows
_TEX_LENGTH = 200  # characters before a brace that are looked at


def expand(line: str, names: Mapping[str, object]) -> Prompt:
    """Puts the values of `{name}` into a line, or before it.

    A short plain value stands in its place. Any other goes before the words as data, and its label stands in
    its place: in the words the CLI would look for files and commands. A name that looks like a secret's stays
    as typed, and so does every brace that holds no plain name.

    Args:
        line: The line as typed.
        names: The variables that can be seen where it stands.

    Raises:
        UsageError: A name that is none, or a value or its text that cannot be had.
    """
    texts: dict[str, str] = {}
    kept: dict[str, dict[str, None]] = {"unknown": {}, "secret": {}}
    attachments: dict[str, Attachment] = {}
    words, end = "", 0
    for match in _FIELD.finditer(line):
        path = match["path"]
        if path is not None and (why := _stays(match, names)):
            kept.get(why, {})[match[0]] = None
            continue
        words, end = words + line[end : match.start()], match.end()
        if path is None:
            words += f"{{{match['kept']}}}"
            continue
        value = texts[path] = texts[path] if path in texts else _text(path, _value(path, names))
        if not _is_plain(value, leads=not words.strip()):
            value = attachments.setdefault(path, Attachment(path, value)).label
        words += value
    notices = tuple(_as_typed(kept["unknown"], kept["secret"]))
    return Prompt(words + line[end:], tuple(attachments.values()), notices)


def _stays(match: re.Match[str], names: Mapping[str, object]) -> str:
    """Why braces stay as typed; "" if they do not.

    Raises:
        UsageError: Their name is none.
    """
    name = match["name"]
    if keyword.iskeyword(name):
        return "keyword"
    if name in names:
        return "secret" if any(map(looks_secret, re.findall(_NAME, match["path"]))) else ""
    if _TEX.search(match.string, max(0, match.start() - _TEX_LENGTH), match.start()):
        return "unknown"
    raise UsageError(
        f"There is no name {name!r} here. {_suggestion(name, names)}"
        f"To send the braces as they are, double them: {{{match[0]}}}"
    )


def _value(path: str, names: Mapping[str, object]) -> object:
    """What a name with its attributes and items stands for."""
    name = re.match(_NAME, path)
    assert name is not None  # noqa: S101  # as the pattern has it
    value, so_far = names[name[0]], name[0]
    for step in _STEPS.findall(path, name.end()):
        try:
            value = getattr(value, step[1:]) if step[0] == "." else value[ast.literal_eval(step[1:-1])]  # type: ignore[index]
        except Exception as error:  # noqa: BLE001  # the user's own object
            close = _suggestion(step[1:], dir(value), so_far) if step[0] == "." else ""
            raise UsageError(f"{{{path}}} cannot be had: {error!r:.200}. {close}".rstrip()) from None
        so_far += step
    return value


def _suggestion(name: str, names: Iterable[str], before: str = "") -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {{{f'{before}.' if before else ''}{close[0]}}}? " if close else ""


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
