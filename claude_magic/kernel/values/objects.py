"""What is told of Python's own values: containers, texts, iterators, objects of any class."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from claude_magic.kernel.values.bounded import WITHHELD, Parts, is_secret, more, parts, short, written
from claude_magic.kernel.values.code import class_members, documentation
from claude_magic.kernel.values.static import kind, lookup, own_attributes, record, type_name

__all__ = ["container", "enumerated", "environment", "iterator", "python_object", "text"]

_ENTRIES = 40
_TYPES = 1_000  # items whose types are looked at
_TYPES_NAMED = 10
_SHORT_TEXT = 100  # characters, which the headline shows
_TEXT = 6_000  # characters
_REPR = 1_000


def container(value: Any) -> Iterator[str]:
    """What types it holds, and the first entries, each in a line."""
    whole = parts(value, _TYPES) or Parts("", [], 0, "")
    values = {type_name(entry[0]) for entry in whole.entries if len(entry) == 1}
    if values:
        yield f"of: {', '.join(sorted(values)[:_TYPES_NAMED])}"
    for entry in whole.entries[:_ENTRIES]:
        yield f"  {written(entry)}"
    yield from more(whole.length, _ENTRIES, "entries")


def text(value: str) -> Iterator[str]:
    """The beginning of it, line by line, unless its headline has shown all."""
    if str.__len__(value) > _SHORT_TEXT:
        yield str.__getitem__(value, slice(_TEXT))


def environment(value: Any) -> Iterator[str]:
    """The names in it."""
    yield f"names only: {', '.join(sorted(value))}"


def iterator(value: Any) -> Iterator[str]:
    """What it comes from; to look into it would use it up."""
    yield "not iterated: that would use it up"
    if type(value) not in _SUSPENDED:
        yield from python_object(value)
        return
    frame = getattr(value, _SUSPENDED[type(value)])
    yield f"of {value.__qualname__}, {'ended' if frame is None else f'at line {frame.f_lineno}'}"


_SUSPENDED = {
    types.GeneratorType: "gi_frame", types.CoroutineType: "cr_frame", types.AsyncGeneratorType: "ag_frame",
}  # fmt: skip


def enumerated(value: Any) -> Iterator[str]:
    """What the name of a constant stands for."""
    yield f"value: {short(own_attributes(value).get('_value_'))}"


def python_object(value: Any) -> Iterator[str]:
    """What stands in it, what else its class offers, and last its repr, which is anybody's code."""
    own = (record(value) or {}) | own_attributes(value)
    for name in sorted(own, key=lambda name: name.startswith("_"))[:_ENTRIES]:
        yield f"  .{name} = {WITHHELD if is_secret(name) else short(own[name], 150)}"
    yield from more(len(own), _ENTRIES, "attributes")
    yield from class_members(type(value))
    if next(kind(value))[0] != "builtins":
        yield from documentation(lookup(type(value), "__doc__"))
    if lookup(type(value), "__repr__") is not object.__repr__ and record(value) is None:
        yield f"repr: {short(value, _REPR)}"
