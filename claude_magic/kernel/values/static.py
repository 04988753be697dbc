"""What can be known of a value while no code of its own runs. Pure.

`isinstance`, `getattr` and even `cls.__name__` may run anybody's code, by `__class__`, `__getattr__` or a
metaclass. What is asked here is asked of `type`, and of descriptors that the interpreter has made.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = [
    "is_dunder", "kind", "lookup", "members", "method", "mro", "name_of", "namespace", "own_attributes",
    "package_of",    "record", "type_name",
]  # fmt: skip

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_NAME = type.__dict__["__qualname__"]
_OWN_NAME = type.__dict__["__name__"]
_MODULE = type.__dict__["__module__"]
_MODULE_DICT: Any = types.ModuleType.__dict__["__dict__"]  # type: ignore[index]  # mypy takes it for a method
_PLAIN = (types.FunctionType, types.BuiltinFunctionType, classmethod, staticmethod)
_MADE_BY_THE_INTERPRETER = {types.MemberDescriptorType, types.GetSetDescriptorType}


def mro(cls: type) -> tuple[type, ...]:
    """A class and what it inherits from, nearest first."""
    return tuple(_MRO.__get__(cls))


def members(cls: type) -> list[tuple[str, Any]]:
    """What stands in a class itself."""
    return list(_DICT.__get__(cls).items())


def lookup(cls: type, name: str) -> Any:
    """What a class, or the nearest of its bases, has under a name, as it stands there; or None."""
    return next((_DICT.__get__(base)[name] for base in mro(cls) if name in _DICT.__get__(base)), None)


def method(value: object, name: str) -> Any:
    """A method of a value's class, bound to the value; None if there is none."""
    member = lookup(type(value), name)
    return member.__get__(value, type(value)) if type(member) in _PLAIN else None


def name_of(cls: type) -> str:
    """A class's name with its module, unless that is `builtins` or the notebook itself."""
    name, module = str(_NAME.__get__(cls)), _module(cls)
    return name if module in {"", "builtins", "__main__"} else f"{module}.{name}"


def type_name(value: object) -> str:
    """The name of a value's type, as `name_of` has it."""
    return name_of(type(value))


def namespace(module: types.ModuleType) -> dict[str, Any]:
    """The names in a module, also in one that would be loaded if it were asked."""
    return dict(_MODULE_DICT.__get__(module))


def package_of(cls: type) -> str:
    """The first part of the name of a class's module."""
    return _module(cls).partition(".")[0]


def kind(value: object) -> Iterator[tuple[str, str]]:
    """The package and the name of a value's type, and of what that inherits from, nearest first."""
    for cls in mro(type(value)):
        yield package_of(cls), str(_OWN_NAME.__get__(cls))


def own_attributes(value: object) -> dict[str, Any]:
    """What stands in a value itself, in its `__dict__` and its slots; dunders are left out."""
    own: dict[str, Any] = {}
    for cls in reversed(mro(type(value))):
        for name, member in members(cls):
            if type(member) in _MADE_BY_THE_INTERPRETER and (name == "__dict__" or _is_slot(name, member)):
                own |= _stored(name, member, value)
    return own


def record(value: object) -> dict[str, Any] | None:
    """The fields of a dataclass, a pydantic model, a msgspec Struct or of attrs; None of anything else.

    Those that keep themselves out of the repr are left out. What only wraps others is a record too: its repr
    would write out all of them, however many.
    """
    if not _WRAPPERS.isdisjoint(kind(value)):
        return own_attributes(value)
    for attribute, names in _RECORDS.items():
        declared = _declared(type(value), attribute)
        if issubclass(type(declared), dict | tuple):
            own = own_attributes(value)
            return {name: own[name] for name in names(declared) if name in own}
    return None


def _declared(cls: type, attribute: str) -> Any:
    """What stands in the class, or in the interpreter's part of it: so msgspec has it."""
    member = lookup(type(cls), attribute)
    return member.__get__(cls) if type(member) is types.MemberDescriptorType else lookup(cls, attribute)


def _of_dict(fields: dict[str, Any]) -> list[str]:
    return [name for name, field in dict.items(fields) if own_attributes(field).get("repr", True)]


def _of_attrs(fields: tuple[Any, ...]) -> list[str]:
    declared = [own_attributes(field) for field in tuple.__iter__(fields)]
    return [str(field.get("name")) for field in declared if field.get("repr")]


_WRAPPERS = {
    ("types", "SimpleNamespace"), ("argparse", "Namespace"), ("functools", "partial"),
    ("collections", "ChainMap"), ("collections", "UserDict"), ("collections", "UserList"),
    ("collections", "UserString"),
}  # fmt: skip
# Where a class of each maker of records keeps its fields.
_RECORDS: dict[str, Callable[[Any], Iterable[str]]] = {
    "__dataclass_fields__": _of_dict,
    "__pydantic_fields__": _of_dict,
    "__attrs_attrs__": _of_attrs,
    "__struct_fields__": tuple,
}


def is_dunder(name: str) -> bool:
    """Whether a name is one of Python's own."""
    return name.startswith("__") and name.endswith("__")


def _module(cls: type) -> str:
    module = _MODULE.__get__(cls)  # of a class of the notebook this may be anything
    return module if type(module) is str else ""


def _is_slot(name: str, member: Any) -> bool:
    return type(member) is types.MemberDescriptorType and not is_dunder(name)


def _stored(name: str, member: Any, value: object) -> Mapping[str, Any]:
    try:
        content = member.__get__(value)
    except AttributeError:  # a slot that was never set
        return {}
    if name != "__dict__":
        return {name: content}
    items = dict.items(content) if issubclass(type(content), dict) else ()
    return {key: each for key, each in list(items) if type(key) is str and not is_dunder(key)}
