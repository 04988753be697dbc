"""One way from Python types to JSON schemas, and from JSON to values of these types.

msgspec does the work; what mentions pydantic is pydantic's business, and a JSON schema is fastjsonschema's.
None of them is imported before it is needed, and pydantic only where the person has imported it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from claude_magic.control_characters import one_line
from claude_magic.errors import UsageError
from claude_magic.schema.mentions import mentions
from claude_magic.schema.portable import JSON, as_object, portable

__all__ = ["ByName", "MismatchError", "Schema", "schema_of"]

_KEY = "value"  # where a value stands that is no object
_LIMIT = 100_000  # characters: the operating system takes no argument of more than 128 KiB
_ERRORS = 5  # told of one value
_LENGTH = 300  # characters of each
_JSON_SCHEMA = {"type", "properties", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "items"}
_KINDS = "a pydantic model, dataclass, TypedDict, msgspec Struct, annotation or JSON schema"

ByName = Callable[[type, object], object]
"""Finds the object that a name stands for, given the class that it has to be of."""


class MismatchError(Exception):
    """A value that does not fit; the message names each part that does not, and what was expected."""


class Schema:
    """A type that values can be checked against, and what it is called.

    Args:
        name: What it is called.
        part: Its JSON schema.
        convert: Makes a value of the type from JSON; raises whatever it likes.
        closed: Objects have no other properties than theirs unless the schema says so.

    Raises:
        UsageError: A reader would refuse its JSON schema.
    """

    def __init__(
        self, name: str, part: Mapping[str, Any], convert: Callable[[Any], Any], *, closed: bool = True
    ) -> None:
        self.name = name
        self._part = part
        self._convert = convert
        self._closed = closed
        top = as_object(self.part())
        self._wraps = top is None
        self.json: JSON = top or _wrapped(self.part(f"/properties/{_KEY}"))
        if len(self.text) > _LIMIT:
            raise UsageError(f"The schema {name} is too large: {len(self.text):,} of {_LIMIT:,} characters.")

    @property
    def text(self) -> str:
        """Its JSON schema, with an object at the top, as text."""
        return json.dumps(self.json)

    def part(self, place: str = "") -> JSON:
        """Its JSON schema as it stands within a larger one.

        Args:
            place: The JSON pointer of where that is.
        """
        try:
            return portable(self._part, place=place, closed=self._closed)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{self.name} cannot be a schema: {_first_line(error)}.") from None

    def data(self, answer: object) -> Any:
        """What an answer that was given by `json` holds, as a value of the type.

        Raises:
            MismatchError: It does not fit.
        """
        if self._wraps:
            answer = answer.get(_KEY) if isinstance(answer, Mapping) else answer
        return self.value(answer)

    def value(self, value: object, at: str = "") -> Any:
        """JSON as a value of the type.

        Args:
            value: The JSON.
            at: What stands before the path of each part that does not fit.

        Raises:
            MismatchError: It does not fit.
        """
        try:
            return self._convert(value)
        except Exception as error:  # noqa: BLE001  # a type may run anybody's code
            raise MismatchError(_words(error, at)) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"<Schema {self.name}>"

    def __str__(self) -> str:
        return self.name


def schema_of(kind: object, name: str = "", *, by_name: ByName | None = None) -> Schema:
    """The schema of a type.

    Args:
        kind: A pydantic model, dataclass, TypedDict, msgspec Struct, annotation, or a JSON schema as a dict.
        name: What it is called; its own name if "".
        by_name: Finds objects of classes that have no schema, which JSON can only name; None refuses them.

    Raises:
        UsageError: It has no schema; in one line, why.
    """
    if isinstance(kind, Schema):
        return kind
    if isinstance(kind, Mapping):
        return _of_json(dict(kind), name or str(kind.get("title") or ""))
    name = name or getattr(kind, "__name__", "") or f"{kind!r:.60}"
    if not _is_type(kind):
        raise UsageError(f"{name} is {_article(type(kind).__name__)}; give {_KINDS}.")
    try:
        if mentions(kind, "pydantic", "annotated_types"):
            return _of_pydantic(kind, name)
        return _of_msgspec(kind, name, by_name)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  # anybody's annotations
        raise UsageError(f"{name} has no schema: {_first_line(error)}") from None


def _is_type(kind: object) -> bool:
    """A class, or an annotation made of some; an annotation is no class, and its kind is `typing`'s."""
    return kind is None or isinstance(kind, type) or type(kind).__module__ in {"typing", "types"}


def _of_msgspec(kind: Any, name: str, by_name: ByName | None) -> Schema:
    import msgspec  # noqa: PLC0415  # load budget: the schemas are a module of their own

    def described(cls: type) -> JSON:
        if by_name is None:
            raise UsageError(f"{name} has no schema: {cls.__qualname__} is none of {_KINDS}.")
        return {"type": "string", "description": f"$NAME of a {cls.__qualname__} in the kernel"}

    def decoded(cls: type, value: object) -> object:
        return by_name(cls, value) if by_name is not None else value

    def convert(value: Any) -> Any:
        return msgspec.convert(value, kind, str_keys=True, dec_hook=decoded)

    return Schema(name, msgspec.json.schema(kind, schema_hook=described), convert)


def _of_pydantic(kind: Any, name: str) -> Schema:
    if hasattr(kind, "parse_obj") and not hasattr(kind, "model_validate"):  # of version 1
        return Schema(name, kind.schema(), kind.parse_obj)
    adapter = sys.modules["pydantic"].TypeAdapter(kind)
    return Schema(name, adapter.json_schema(), adapter.validate_python)


def _of_json(schema: JSON, name: str) -> Schema:
    import fastjsonschema  # noqa: PLC0415  # load budget; jsonschema takes a second to import where Jupyter is

    if not _JSON_SCHEMA & schema.keys():
        words = ", ".join(sorted(_JSON_SCHEMA))
        raise UsageError(f"{name or 'The dict'} is no JSON schema: it has none of {words}.")
    # Looked at before it is compiled, which would fetch what a reference leads to.
    checked = Schema(name or "the JSON schema", schema, lambda value: validate(value), closed=False)  # noqa: PLW0108
    try:
        validate = fastjsonschema.compile(schema, use_default=False, use_formats=False)
    except Exception as error:  # noqa: BLE001  # whatever it stumbles over
        raise UsageError(f"{name or 'The dict'} is no JSON schema: {_first_line(error)}.") from None
    return checked


def _wrapped(part: JSON) -> JSON:
    return {"type": "object", "properties": {_KEY: part}, "required": [_KEY], "additionalProperties": False}


# --- what went wrong, in words


def _words(error: Exception, at: str) -> str:
    """What does not fit, whichever library says so."""
    if type(error).__name__ == "JsonSchemaValueException":
        place = getattr(error, "name", "data")
        return _line(at, place.removeprefix("data"), str(error).removeprefix(place).strip())
    if callable(errors := getattr(error, "errors", None)):  # pydantic
        return "; ".join(_line(at, _path(each["loc"]), _lower(each["msg"])) for each in errors()[:_ERRORS])
    if type(error).__module__ == "msgspec":
        what, _, path = str(error).partition(" - at `$")
        return _line(at, path.removesuffix("`"), _lower(what.replace("`", "")))
    if isinstance(error, RecursionError):
        return _line(at, "", "is nested too deep")
    return _line(at, "", ": ".join(filter(None, [type(error).__name__, str(error)])))


def _line(at: str, path: str, what: str) -> str:
    place = f"{at}{path}".removeprefix(".")
    return one_line(f"{place}: {what}" if place else what, _LENGTH)


def _path(steps: Any) -> str:
    """`.items[0].size`, as msgspec has it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _first_line(error: BaseException) -> str:
    return one_line(str(error).strip().partition("\n")[0], _LENGTH).rstrip(".") or type(error).__name__


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
