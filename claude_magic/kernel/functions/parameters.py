"""The parameters of a function as a JSON schema, and the arguments of a call as the function wants them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Annotated, Any, Optional, get_args, get_origin

from msgspec import Struct, to_builtins

from claude_magic.errors import UsageError
from claude_magic.kernel.functions.docstrings import Docstring
from claude_magic.kernel.functions.references import MISSING, fits, named, reference_in
from claude_magic.kernel.values.bounded import short
from claude_magic.schema import MismatchError, Schema, schema_of
from claude_magic.support.secret_names import looks_secret
from claude_magic.tool_server import JSON, ToolError

__all__ = ["Parameters"]

Namespace = MutableMapping[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}\Z")  # what the API takes as a property
_NONE = inspect.Parameter.empty
_DEFAULT = 200  # characters of one that is told


class _Parameter(Struct):
    name: str
    hint: Any
    default: Any
    schema: Schema


class Parameters:
    """What a function takes.

    Args:
        function: The function.
        docstring: What is said of its parameters.
        namespace: Gives the variables that references name, at the time of a call.

    Raises:
        UsageError: Claude could not call it; in one line, why.
    """

    def __init__(
        self, function: Callable[..., Any], docstring: Docstring, namespace: Callable[[], Namespace]
    ) -> None:
        self._namespace = namespace
        try:
            self._signature = inspect.signature(function, eval_str=True)
        except Exception as error:  # noqa: BLE001  # annotations are anybody's code
            raise UsageError(f"Its signature cannot be read: {error!s:.200}.") from None
        if next(iter(self._signature.parameters), "") in {"self", "cls"}:
            raise UsageError("It is a method: give a bound one, claude_tool(object.method).")
        self._parameters = [self._read(each) for each in self._signature.parameters.values()]
        self.schema = self._schema(docstring.parameters)

    def __str__(self) -> str:
        """As they stand in the function's head, with short names of types."""
        return f"({', '.join(map(_head, self._parameters))})"

    def bind(self, arguments: Mapping[str, object]) -> inspect.BoundArguments:
        """The arguments of a call, checked.

        Raises:
            ToolError: Some do not fit, each is named.
        """
        values: dict[str, Any] = {}
        errors: list[str] = []
        for each in self._parameters:
            try:
                if each.name in arguments:
                    values[each.name] = self._value(each, arguments[each.name])
                elif each.default is _NONE:
                    errors.append(f"{each.name}: is missing")
            except (MismatchError, ValueError) as error:
                errors.append(str(error))
        names = [each.name for each in self._parameters]
        takes = f"it takes {', '.join(names)}" if names else "it takes none"
        errors += [f"{name!s:.60}: no such parameter; {takes}" for name in arguments if name not in names]
        if errors:
            raise ToolError(f"The arguments do not fit. {'; '.join(errors)}.")
        return inspect.BoundArguments(self._signature, values)

    def _value(self, parameter: _Parameter, value: object) -> Any:
        name = reference_in(value)
        if not name:
            return parameter.schema.value(value, parameter.name)
        referent = named(name, self._namespace())
        if referent is not MISSING and fits(referent, parameter.hint):
            return referent
        try:
            return parameter.schema.value(value, parameter.name)  # a text that begins so
        except MismatchError:
            expected = _spelled(parameter.hint)
            what = (
                "there is no such variable" if referent is MISSING else f"it is a {type(referent).__name__}"
            )
            raise MismatchError(f"{parameter.name}: expected {expected}, got ${name}, but {what}") from None

    def _read(self, parameter: inspect.Parameter) -> _Parameter:
        name = parameter.name
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise UsageError(f"It takes {parameter}, and Claude has to know each parameter by name.")
        if not _NAME.match(name):
            raise UsageError(f"Its parameter {name!r:.80} needs a name of plain letters, digits and _.")
        hint = Any if parameter.annotation is _NONE else parameter.annotation
        if parameter.default is None and not fits(None, hint):
            hint = Optional[hint]  # noqa: UP045  # of anything, a text too
        schema = schema_of(hint, f"Its parameter {name}", by_name=self._by_name)
        return _Parameter(name, hint, parameter.default, schema)

    def _by_name(self, cls: type, value: object) -> object:
        """An object of a class that JSON cannot hold, which a call can only name."""
        if not isinstance(value, str):
            raise TypeError(f"expected the $NAME of a {cls.__qualname__}, got {type(value).__name__}")
        name = reference_in(value) or value
        referent = named(name, self._namespace())
        if referent is MISSING:
            raise ValueError(
                f"expected the $NAME of a {cls.__qualname__}, and there is no variable {name!r:.60}"
            )
        if not fits(referent, cls):
            raise ValueError(f"expected a {cls.__qualname__}, and ${name} is a {type(referent).__name__}")
        return referent

    def _schema(self, docs: Mapping[str, str]) -> JSON:
        properties = {each.name: _described(each, docs.get(each.name, "")) for each in self._parameters}
        required = [each.name for each in self._parameters if each.default is _NONE]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def _spelled(hint: Any) -> str:
    is_class = isinstance(hint, type) and not get_args(hint)
    return hint.__qualname__ if is_class else inspect.formatannotation(hint)


def _head(parameter: _Parameter) -> str:
    typed = parameter.name if parameter.hint is Any else f"{parameter.name}: {_spelled(parameter.hint)}"
    return typed if parameter.default is _NONE else f"{typed} = {short(parameter.default, 40)}"


def _described(parameter: _Parameter, doc: str) -> JSON:
    part = parameter.schema.part(f"/properties/{parameter.name}")
    metadata = get_args(parameter.hint)[1:] if get_origin(parameter.hint) is Annotated else ()
    texts = [doc, *(each for each in metadata if isinstance(each, str)), part.get("description")]
    if description := " ".join(dict.fromkeys(filter(None, texts))):
        part["description"] = description
    default = parameter.default
    if default is not _NONE and "default" not in part and not looks_secret(parameter.name):
        part |= _default(default)
    return part


def _default(value: object) -> JSON:
    if isinstance(value, (list, dict, set, tuple)) and len(value) > 20:
        return {}
    try:
        default = to_builtins(value)
    except Exception:  # noqa: BLE001  # nothing that JSON can hold
        return {}
    return {"default": default} if len(repr(default)) <= _DEFAULT else {}
