"""What is told of code: functions, classes, modules."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
import types
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from claude_magic.kernel.values.bounded import cut, more, short
from claude_magic.kernel.values.static import lookup, members, mro, name_of, namespace, package_of
from claude_magic.kernel.values.withheld import source_without_secrets

__all__ = ["class_members", "documentation", "python_class", "python_function", "python_module"]

_NAMES = 80
_SIGNATURE = 1_000  # characters
_DOCUMENTATION = 1_000
_SOURCE = 4_000
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, classmethod, staticmethod)


def python_function(function: Any) -> Iterator[str]:
    """Its signature, its documentation, its source."""
    if type(function) is types.MethodType:
        function = function.__func__
    yield f"signature: {_signature(function)}"
    yield from documentation(function.__doc__)
    try:
        yield f"source:\n{cut(source_without_secrets(inspect.getsource(function)), _SOURCE)}"
    except (OSError, TypeError):
        yield "source: not there"


def python_class(cls: type) -> Iterator[str]:
    """What it inherits from, how it is called, what its instances offer, its source."""
    yield f"bases: {', '.join(map(name_of, mro(cls)[1:]))}"
    initialise = dict(members(cls)).get("__init__")
    if type(initialise) is types.FunctionType:
        yield f"signature: {_signature(initialise)}"
    yield from documentation(lookup(cls, "__doc__"))
    yield from _fields(dict(members(cls)))
    yield from class_members(cls)
    if source := _class_source(cls):
        yield f"source:\n{cut(source_without_secrets(source), _SOURCE)}"


def python_module(module: types.ModuleType) -> Iterator[str]:
    """Where it is, its version, the names in it."""
    names = namespace(module)
    for what, name in {"file": "__file__", "version": "__version__"}.items():
        if type(names.get(name)) is str:
            yield f"{what}: {names[name]}"
    yield from documentation(names.get("__doc__"))
    declared = names.get("__all__")
    public = sorted(name for name in names if name[:1] != "_")
    if isinstance(declared, list | tuple):
        public = sorted(map(str, declared))
    yield f"names: {', '.join(public[:_NAMES])}"
    yield from more(len(public), _NAMES, "names")


def class_members(cls: type) -> Iterator[str]:
    """The public properties and methods of a class, but for those of other packages; nothing is evaluated."""
    package = package_of(cls)
    public = {
        name: member
        for base in reversed([base for base in mro(cls) if package_of(base) == package])
        for name, member in members(base)
        if not name.startswith("_")
    }
    properties = [name for name, member in public.items() if issubclass(type(member), _PROPERTIES)]
    methods = [name for name, member in public.items() if type(member) in _FUNCTIONS]
    for what, names in {"properties, not evaluated": properties, "methods": methods}.items():
        if names:
            yield f"{what}: {', '.join(names[:_NAMES])}"
            yield from more(len(names), _NAMES, "of them")


def documentation(text: object) -> Iterator[str]:
    """The beginning of a docstring, if there is one."""
    if type(text) is str and text.strip():
        yield f"documentation: {cut(inspect.cleandoc(text[: 2 * _DOCUMENTATION]), _DOCUMENTATION)}"


def _fields(own: dict[str, Any]) -> Iterator[str]:
    """The constants of an Enum; the annotations of a class, which are the fields of a record."""
    constants, annotations = own.get("_member_map_"), own.get("__annotations__")
    if type(constants) is dict:
        yield f"constants: {cut(', '.join(constants), _SIGNATURE)}"
    if type(annotations) is dict:
        fields = [f"{name}: {_annotation(each)}" for name, each in annotations.items()]
        yield f"fields: {cut(', '.join(fields), _SIGNATURE)}"


def _annotation(annotation: object) -> str:
    if type(annotation) is type:
        return name_of(annotation)
    return annotation if type(annotation) is str else short(annotation)


def _signature(function: Any) -> str:
    try:
        signature = f"{function.__name__}{inspect.signature(function)}"
    except (ValueError, TypeError):
        return "not known"
    prefix = "async " if inspect.iscoroutinefunction(function) else ""
    return cut(prefix + signature, _SIGNATURE)


def _class_source(cls: type) -> str:
    """The lines of a class, also of one that stands in a cell, which `inspect` does not know.

    One of its methods says where: to parse the whole of a long file would take too long.
    """
    functions = [member for _, member in members(cls) if type(member) is types.FunctionType]
    codes = [function.__code__ for function in functions if not function.__code__.co_filename.startswith("<")]
    if not codes:
        return ""
    code = codes[0]
    lines = linecache.getlines(code.co_filename)
    heading = re.compile(rf"(\s*)class {re.escape(name_of(cls).rpartition('.')[2])}\b")
    for start in range(min(code.co_firstlineno, len(lines)) - 1, -1, -1):
        if match := heading.match(lines[start]):
            body = takewhile(
                lambda line: not line.strip() or line.startswith(f"{match[1]} "), lines[start + 1 :]
            )
            return "".join([lines[start], *body]).rstrip()
    return ""


_PROPERTIES = (property, functools.cached_property)
