"""Values that JSON can hold, as text, as far as they are small; others are for `references`. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from claude_magic.kernel.values.bounded import WITHHELD
from claude_magic.kernel.values.static import kind
from claude_magic.support.secret_names import looks_secret

__all__ = ["as_json"]

_ITEMS = 2_000
_DEPTH = 20
_TEXT = 20_000  # characters of all texts within
_AS_TEXT = (date, time, timedelta, Decimal, UUID, PurePath)


class _NotPlainError(Exception):
    """It is something else, or too large."""


def as_json(value: object) -> str | None:
    """A value as JSON, without what is called like a secret; None if it is none, or large."""
    room = [_ITEMS, _TEXT]
    try:
        return json.dumps(_plain(value, room, _DEPTH), ensure_ascii=False)
    except (_NotPlainError, ValueError):
        return None


def _plain(value: Any, room: list[int], depth: int) -> Any:
    room[0] -= 1
    room[1] -= len(value) if isinstance(value, str) else 0
    if min(*room, depth) < 0:
        raise _NotPlainError
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if isinstance(value, _AS_TEXT):
        return str(value)
    if type(value) in {list, tuple, set, frozenset}:
        return [_plain(each, room, depth - 1) for each in value]
    if isinstance(value, Enum) or ("numpy", "generic") in kind(value):
        return _plain(value.value if isinstance(value, Enum) else value.item(), room, depth - 1)
    return {
        str(key): WITHHELD if looks_secret(str(key)) else _plain(each, room, depth - 1)
        for key, each in _fields(value).items()
    }


def _fields(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, Struct):
        return structs.asdict(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        fields: Mapping[Any, Any] = value._asdict()
        return fields
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if ("pydantic", "BaseModel") in kind(value):
        return value.__dict__  # type: ignore[no-any-return]
    raise _NotPlainError
