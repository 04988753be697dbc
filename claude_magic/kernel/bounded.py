"""Values as short text: bounded in depth, number and length, and without secrets.

Of an object nothing runs here but its `__repr__`; no property, no `__getattr__`.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from typing import Any

from claude_magic.support.secret_names import looks_secret

__all__ = ["WITHHELD", "kind", "own_attributes", "short", "type_name", "without_secrets"]

WITHHELD = "[withheld: looks like a secret]"
# What providers' keys look like; a long run of letters alone is no sign.
_SECRETS = re.compile(
    r"\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bhf_\w{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)|(?<=Bearer )[^\s\"']+",
    re.DOTALL,
)


class _Bounded(reprlib.Repr):
    """`reprlib`, with the values of a mapping's secret names left out."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple, self.maxset = 3, 10, 10, 10, 10
        self.maxstring = self.maxother = limit

    def repr1(self, x: Any, level: int) -> str:
        if "__repr__" not in _overridden(type(x), dict):
            return self.repr_dict(x, level)
        return super().repr1(x, level)

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        if level <= 0:
            return "{...}"
        items = [
            f"{self.repr1(key, level - 1)}: {self._value(key, x[key], level - 1)}"
            for key in _first(x, self.maxdict)
        ]
        return f"{{{', '.join([*items, *(['...'] if len(x) > self.maxdict else [])])}}}"

    def _value(self, key: object, value: object, level: int) -> str:
        return WITHHELD if isinstance(key, str) and looks_secret(key) else self.repr1(value, level)

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  # as reprlib calls it
        try:
            said = repr(x)
        except Exception as error:  # noqa: BLE001  # anybody's code
            return f"<{type_name(x)}, whose repr raises {type(error).__name__}>"
        return said if len(said) <= self.maxother else f"{said[: self.maxother]}…"


def short(value: object, limit: int = 200) -> str:
    """The repr of a value in about `limit` characters, without secrets; a `__repr__` that raises is told."""
    said = " ".join(without_secrets(_Bounded(limit).repr(value)).split())
    return said if len(said) <= limit else f"{said[: limit - 1]}…"


def without_secrets(text: str) -> str:
    """`text` without what looks like a key, a token, or the password in an address."""
    return _SECRETS.sub(WITHHELD, text)


def type_name(value: object) -> str:
    """The name of its type with its module, unless that is `builtins` or the notebook itself."""
    cls = type(value)
    return (
        cls.__qualname__
        if cls.__module__ in {"builtins", "__main__"}
        else f"{cls.__module__}.{cls.__qualname__}"
    )


def kind(value: object) -> list[tuple[str, str]]:
    """The package and the name of its type and of what that inherits from, nearest first.

    An `isinstance` would import the packages, and asks the object's `__class__`, which may be anything.
    """
    return [(str(cls.__module__).partition(".")[0], cls.__name__) for cls in type(value).__mro__]


def own_attributes(value: object) -> dict[str, object]:
    """What stands in the object itself; nothing of it is computed."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        attributes = {}
    slots = {
        name: member.__get__(value)
        for cls in type(value).__mro__
        for name, member in vars(cls).items()
        if type(member).__name__ == "member_descriptor" and _is_set(member, value)
    }
    return slots | (dict(attributes) if isinstance(attributes, dict) else {})


def _is_set(member: Any, value: object) -> bool:
    try:
        member.__get__(value)
    except AttributeError:
        return False
    return True


def _overridden(cls: type, base: type) -> set[str]:
    """What a class has of its own beside what it inherits from `base`; everything, if it does not inherit."""
    order = cls.__mro__
    own = order[: order.index(base)] if base in order else order
    return {name for each in own for name in vars(each)} if base in order else {"__repr__"}


def _first(items: Mapping[Any, Any], number: int) -> list[Any]:
    return [key for key, _ in zip(items, range(number), strict=False)]
