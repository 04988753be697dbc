"""Objects of the kernel by reference: `$df` names one in a call, and what is no text gets such a name."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from claude_magic.kernel.values.static import kind
from claude_magic.support.secret_names import looks_secret

__all__ = ["MISSING", "fits", "name_for", "named", "reference_in"]

MISSING = object()
_REFERENCE = re.compile(r"\$([^\W\d]\w*)\Z")
_BASES = {"DataFrame": "df", "LazyFrame": "lazy", "ndarray": "array", "Figure": "figure"}


def reference_in(value: object) -> str:
    """The name that a value such as "$df" refers to; "" if it is no reference."""
    match = _REFERENCE.match(value) if isinstance(value, str) else None
    return match[1] if match else ""


def named(name: str, namespace: MutableMapping[str, Any]) -> Any:
    """The object of this name, or MISSING.

    Raises:
        ValueError: Its name is that of a secret.
    """
    if name in namespace and looks_secret(name):
        raise ValueError(f"${name} looks like a secret, and is not passed on")
    return namespace.get(name, MISSING)


def name_for(value: object, namespace: MutableMapping[str, Any]) -> str:
    """The name by which later calls find an object: the one that it has, else one that it gets."""
    for name, other in namespace.items():
        if other is value and not name.startswith("_") and not looks_secret(name):
            return name
    names = (each for _, each in kind(value))
    base = next((_BASES[each] for each in names if each in _BASES), "")
    base = (
        base
        or re.sub(r"\W", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__)).lower()
        or "object"
    )
    number = 1
    while f"{base}_{number}" in namespace:
        number += 1
    namespace[f"{base}_{number}"] = value
    return f"{base}_{number}"


def fits(value: object, hint: Any) -> bool:
    """Whether an object is what an annotation says; of a container's items nothing is looked at."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return fits(value, arguments[0])
    if origin in {Union, UnionType}:
        return any(fits(value, each) for each in arguments)
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in arguments)
    return (
        hint is Any
        or isinstance(hint, TypeVar)
        or _is_of(value, type(None) if hint is None else origin or hint)
    )


def _is_of(value: object, cls: Any) -> bool:
    if cls in {int, float} and isinstance(value, bool):
        return False
    try:
        return isinstance(value, (int, float) if cls is float else cls)
    except TypeError:  # a TypedDict, say
        return isinstance(value, dict)
