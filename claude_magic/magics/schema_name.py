"""What `--schema` names: a type as Python sees it where the magic stands. Pure.

Names, dotted names and what annotations are made of (`list[Recipe]`, `Recipe | None`) are looked up;
nothing is called.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from typing import Any

from claude_magic.errors import UsageError
from claude_magic.schema import Schema, schema_of

__all__ = ["schema_named"]

_BUILTIN = {each.__name__: each for each in (bool, dict, float, frozenset, int, list, set, str, tuple)}
_HINT = "Give the name of a pydantic model, dataclass, TypedDict, msgspec Struct or JSON schema."


def schema_named(text: str, names: Mapping[str, object]) -> Schema:
    """The schema that an expression of names stands for.

    Args:
        text: The expression.
        names: The variables that can be seen where it stands.

    Raises:
        UsageError: There is no such name, or it has no schema.
    """
    text = text.strip()
    try:
        kind = _value(ast.parse(text, mode="eval").body, names)
    except UsageError as error:
        raise UsageError(f"--schema {text}: {error}") from None
    except Exception as error:  # noqa: BLE001  # an attribute may run anybody's code
        raise UsageError(f"--schema {text!r:.80} is no name ({type(error).__name__}). {_HINT}") from None
    return schema_of(kind, text)


def _value(node: ast.expr, names: Mapping[str, object]) -> Any:
    match node:
        case ast.Name():
            return _named(node.id, names)
        case ast.Attribute():
            return getattr(_value(node.value, names), node.attr)
        case ast.Subscript():
            return _value(node.value, names)[_value(node.slice, names)]
        case ast.Tuple():
            return tuple(_value(each, names) for each in node.elts)
        case ast.BinOp(op=ast.BitOr()):
            return _value(node.left, names) | _value(node.right, names)
        case ast.Constant():
            return node.value
        case _:
            raise UsageError(f"it is no name. {_HINT}")


def _named(name: str, names: Mapping[str, object]) -> object:
    if name in names:
        return names[name]
    if name in _BUILTIN:
        return _BUILTIN[name]
    close = difflib.get_close_matches(name, names, n=1)
    raise UsageError(f"there is no name {name!r} here. {f'Did you mean {close[0]}?' if close else _HINT}")
