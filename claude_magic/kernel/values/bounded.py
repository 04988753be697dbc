"""Values as short text: bounded in depth, number and length, and without secrets.

What is of a builtin type, or of one that inherits from it, is read by the builtin type's own methods, and a
record by its fields; of anything else the `__repr__` runs, and nothing more.
"""

from __future__ import annotations

import enum
import re
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from claude_magic.kernel.values.headlines import headline, is_bulky, is_scalar
from claude_magic.kernel.values.static import kind, lookup, own_attributes, record, type_name
from claude_magic.support.secret_names import looks_secret

__all__ = [
    "SLACK", "WITHHELD", "Parts", "cut", "is_secret", "label", "more", "parts", "short", "without_secrets",
    "written",
]  # fmt: skip

WITHHELD = "[withheld: looks like a secret]"
SLACK = 2_000  # characters read beyond what is shown, so that a secret across the end is still seen as one
_DEPTH = 3
_ITEMS = 10
_BITS = 2_000  # of an integer that is written out

# What providers' keys look like; a long run of letters alone is no sign.
_KEYS = re.compile(
    r"\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bhf_\w{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)"
    r"|(?<=://)[^/\s:@\"']{0,200}:[^/\s\"']{1,2000}(?=@)"
    r"|(?<=Bearer )[^\s\"']+|(?<=Authorization: Basic )[^\s\"']+",
    re.DOTALL,
)
# `name = "text"`, `"name": "text"`, `name: str = "text"`, but no text's end, as in `("Your token: ")`;
# and `name=text` in an address or among settings.
_QUOTED = re.compile(
    r"(?<!\w)(?P<before>(?P<name>\w{1,60})[\"']?(?:\s?:\s?[\w.\[\] |]{1,60}?)?\s?[:=]\s?[rbfu]{0,2})"
    r"(?P<quote>[\"'])(?![\s),;\]}+])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n]){1,4000})(?:(?P=quote)|$)",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"(?P<before>(?:^|[?&;\s\"'])(?P<name>\w{1,60})=)(?P<quote>)(?P<value>[^&;\s\"'()\[\],]+)(?=[&;\s\"']|$)"
)


def short(value: object, limit: int = 200) -> str:
    """A value in one line of at most `limit` characters, without secrets."""
    return written((value,), limit)


def written(values: Iterable[object], limit: int = 200) -> str:
    """Values one after the other, each like `short`; an entry of `Parts` is such a row."""
    text = "".join(_joined(value, limit + SLACK) for value in values)
    return cut(" ".join(without_secrets(text).split()), limit)


def label(value: object, limit: int = 60) -> str:
    """A value as a heading or a cell of a table: like `short`, a text without its quotes."""
    if type(value) is str:
        return cut(" ".join(without_secrets(value[: limit + SLACK]).split()), limit)
    return short(value, limit)


def cut(text: str, limit: int) -> str:
    """The first `limit` characters of a text, with … for the last of them if there are more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def more(count: int, shown: int, what: str) -> Iterator[str]:
    """A line that says how many are left out, if there are any."""
    if count > shown:
        yield f"  … {count - shown:,} more {what}"


def without_secrets(text: str) -> str:
    """`text` without what looks like a key, a token, or a password in an address or after its name."""
    text = _KEYS.sub(WITHHELD, text)
    return _SETTING.sub(_without_value, _QUOTED.sub(_without_value, text))


def is_secret(key: object) -> bool:
    """Whether what stands under a key is withheld; of a key of several parts one is enough."""
    if issubclass(type(key), tuple):
        return any(map(is_secret, tuple.__iter__(key)))  # type: ignore[arg-type]
    if issubclass(type(key), bytes):
        return looks_secret(bytes.decode(key, errors="replace"))  # type: ignore[arg-type]
    return issubclass(type(key), str) and looks_secret(str.__str__(key))


def _without_value(match: re.Match[str]) -> str:
    if not looks_secret(match["name"]) or match["value"] == WITHHELD:
        return match[0]
    return f"{match['before']}{match['quote']}{WITHHELD}{match['quote']}"


class _Written(str):
    """A part of a value's text that is text already."""

    __slots__ = ()


class Parts(NamedTuple):
    """What a value that holds others is made of."""

    opening: str
    entries: list[tuple[Any, ...]]  # the first ones: each is values, and what is written between them
    length: int
    closing: str


Path = tuple[int, ...]  # the ids of what a value stands in


def _joined(value: object, room: int) -> str:
    """The text of a value, about as far as there is room: what would come after that is not evaluated."""
    text = ""
    for piece in _pieces(value, room, ()):
        text += piece
        if len(text) > room:
            break
    return text


def _pieces(value: Any, room: int, path: Path) -> Iterator[str]:
    whole = parts(value)
    if whole is None:
        yield value if type(value) is _Written else _leaf(value, room)
        return
    yield whole.opening
    if len(path) >= _DEPTH or id(value) in path:
        yield "..."
    else:
        for number, entry in enumerate(whole.entries):
            yield ", " if number else ""
            for each in entry:
                yield from _pieces(each, room, (*path, id(value)))
        if whole.length > _ITEMS:
            yield f", … {whole.length - _ITEMS:,} more"
    yield whole.closing


def parts(value: Any, number: int = _ITEMS) -> Parts | None:
    """What a container or a record is made of; None of anything else.

    Args:
        value: The container.
        number: How many entries are read.
    """
    fields = _named(value) or record(value)
    if fields is not None:
        entries = [(_Written(f"{key}="), _open(key, each)) for key, each in islice(fields.items(), number)]
        return Parts(f"{type_name(value)}(", entries, len(fields), ")")
    base = next((each for each in _CONTAINERS if issubclass(type(value), each)), None)
    return None if base is None else _contents(value, base, number)


def _contents(value: Any, base: type, number: int) -> Parts:
    opening, closing, items, is_paired = _CONTAINERS[base]
    if type(value) is not base:
        opening, closing = f"{type_name(value)}({opening}", f"{closing})"
    length = base.__len__(value)  # type: ignore[attr-defined]
    if base is tuple and length == 1:
        closing = f",{closing}"
    first = list(islice(items(value), number))  # in one step, so that no other thread changes it meanwhile
    entries = [(key, _Written(": "), _open(key, each)) for key, each in first] if is_paired else zip(first)
    return Parts(opening, list(entries), length, closing)


def _open(key: object, value: Any) -> Any:
    return _Written(WITHHELD) if is_secret(key) else value


def _named(value: Any) -> dict[str, Any] | None:
    """The fields of a named tuple."""
    names = lookup(type(value), "_fields") if issubclass(type(value), tuple) else None
    if type(names) is not tuple or any(type(name) is not str for name in names):
        return None
    return dict(zip(names, tuple.__iter__(value), strict=False))


def _leaf(value: Any, room: int) -> str:
    cls = type(value)
    if issubclass(cls, enum.Enum):
        return f"{type_name(value)}.{own_attributes(value).get('_name_')}"
    base = next((each for each in _PLAIN if issubclass(cls, each)), None)
    if base is not None:
        text = _PLAIN[base](value, room)
        return text if next(kind(value))[0] in {"builtins", "numpy"} else f"{type_name(value)}({text})"
    if is_bulky(value) or issubclass(cls, _NAMED):
        return f"<{headline(value)}>"
    return _by_itself(value)[:room]


def _by_itself(value: Any) -> str:
    if lookup(type(value), "__repr__") is object.__repr__:
        return f"<{type_name(value)}>"  # an address says nothing
    try:
        return str(value) if is_scalar(value) else repr(value)
    except Exception as error:  # noqa: BLE001  # anybody's code
        return f"<{type_name(value)}, whose repr raises {type_name(error)}>"


def _integer(value: int, _: int) -> str:
    bits = int.bit_length(value)
    return int.__repr__(value) if bits <= _BITS else f"<{bits:,} bits>"


_PLAIN: Mapping[type, Callable[[Any, int], str]] = {
    str: lambda value, room: repr(without_secrets(str.__getitem__(value, slice(room)))),
    bytes: lambda value, room: repr(bytes.__getitem__(value, slice(room))),
    bytearray: lambda value, room: repr(bytearray.__getitem__(value, slice(room))),
    bool: lambda value, _: bool.__repr__(value),
    int: _integer,
    float: lambda value, _: float.__repr__(value),
    complex: lambda value, _: complex.__repr__(value),
    type(None): lambda value, _: repr(value),
}
_NAMED = (type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType)

_Items = Callable[[Any], Iterator[Any]]
_EMPTY: dict[object, object] = {}
_DICT_KEYS, _DICT_VALUES, _DICT_ITEMS = (
    type(each) for each in (_EMPTY.keys(), _EMPTY.values(), _EMPTY.items())
)
# How each begins and ends, what it iterates over, and whether that is pairs.
_CONTAINERS: Mapping[type, tuple[str, str, _Items, bool]] = {
    dict: ("{", "}", lambda value: iter(dict.items(value)), True),
    list: ("[", "]", list.__iter__, False),
    tuple: ("(", ")", tuple.__iter__, False),
    set: ("{", "}", set.__iter__, False),
    frozenset: ("frozenset({", "})", frozenset.__iter__, False),
    deque: ("deque([", "])", deque.__iter__, False),
    types.MappingProxyType: ("mappingproxy({", "})", lambda value: iter(value.items()), True),
    array: ("array([", "])", array.__iter__, False),
    _DICT_KEYS: ("dict_keys([", "])", _DICT_KEYS.__iter__, False),
    _DICT_VALUES: ("dict_values([", "])", _DICT_VALUES.__iter__, False),
    _DICT_ITEMS: ("dict_items({", "})", _DICT_ITEMS.__iter__, True),
}
