"""What a type is made of. Pure; imports nothing of what it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

__all__ = ["mentions"]


def mentions(kind: object, *packages: str) -> bool:
    """Whether a class, or anything in an annotation, comes from one of these packages."""
    return any(package in packages for package in _packages(kind, {}))


def _packages(kind: Any, seen: dict[int, object]) -> Iterator[str]:
    if id(kind) in seen:
        return
    seen[id(kind)] = kind  # kept, or another might get its id
    if isinstance(kind, type) and not get_args(kind):
        yield from (str(cls.__module__).partition(".")[0] for cls in kind.__mro__)
        if hasattr(kind, "__pydantic_validator__"):  # a dataclass of pydantic's inherits nothing
            yield "pydantic"
        for each in _fields(kind):
            yield from _packages(each, seen)
        return
    yield type(kind).__module__.partition(".")[0]  # metadata of an annotation
    for each in get_args(kind):
        yield from _packages(each, seen)


def _fields(cls: type) -> list[object]:
    """The annotations of a class; those of the standard library are of no interest."""
    if not vars(cls).get("__annotations__"):
        return []
    try:
        return list(get_type_hints(cls, include_extras=True).values())
    except Exception:  # noqa: BLE001  # a name that is not there yet, which the schema's maker tells
        return []
