"""JSON schemas as every reader takes them: the API, and the CLI's own check. Pure.

The CLI reads draft 7 and refuses what it does not know: `prefixItems`, `discriminator`, a `$schema` of a
later draft, a regular expression of Python's, and with 2.1.191 any `format` (measured: 2.1.191 then offers no
structured output at all, 2.1.332 ends). The API reads draft 2020-12, and wants an object at the top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["JSON", "as_object", "portable"]

JSON = dict[str, Any]

_KEPT = {
    *("$ref", "$defs", "definitions", "type", "enum", "const"),
    *("title", "description", "default", "examples", "deprecated"),
    *("allOf", "anyOf", "oneOf", "not"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
    *("items", "minItems", "maxItems", "uniqueItems"),
    *("properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
}
_TOLD = ("format", "pattern")  # what only the model reads
_TABLES = {"properties", "$defs", "definitions"}  # of schemas by name
_LISTS = {"allOf", "anyOf", "oneOf"}
_SINGLE = {"additionalProperties", "items", "not", "propertyNames"}


def portable(schema: Mapping[str, Any], *, place: str = "", closed: bool = False) -> JSON:
    """A schema with nothing in it that a reader refuses; what is left out is told in descriptions.

    Args:
        schema: The schema.
        place: The JSON pointer of where it will stand in a larger one, "" at the top.
        closed: Objects have no other properties than theirs unless they say so.

    Raises:
        ValueError: A reference leads nowhere in it.
    """
    rewritten: JSON = _rewrite(schema, place, closed)
    for reference in _references(rewritten):
        if not reference.startswith(f"#{place}") or not _is_there(rewritten, reference[1 + len(place) :]):
            raise ValueError(f"its reference {reference.replace(place, '', 1)!r:.80} leads nowhere")
    return rewritten


def as_object(schema: Mapping[str, Any]) -> JSON | None:
    """A schema whose top is an object, as the API wants it; None if its values need not be objects."""
    top = dict(schema)
    if set(top) <= {"$ref", "$defs", "definitions", "description", "title"} and "$ref" in top:
        top = {**_at(schema, top.pop("$ref")[1:]), **top}
    composed = _LISTS & top.keys() or "$ref" in top
    return None if composed or top.get("type") != "object" else top


def _rewrite(schema: Any, place: str, closed: bool) -> Any:  # noqa: FBT001  # as given
    if not isinstance(schema, Mapping):  # true, false
        return schema
    rewritten = {key: _part(key, schema[key], place, closed) for key in schema if key in _KEPT}
    if isinstance(schema.get("items"), list) or "prefixItems" in schema:
        rewritten |= _tuple(schema, place, closed)
    told = [f"{key}: {schema[key]}" for key in _TOLD if isinstance(schema.get(key), str)]
    if told:
        rewritten["description"] = "; ".join(filter(None, [rewritten.get("description"), *told]))
    if closed and "properties" in rewritten:
        rewritten.setdefault("additionalProperties", False)
    return rewritten


def _part(key: str, value: Any, place: str, closed: bool) -> Any:  # noqa: FBT001
    if key == "$ref":
        return f"#{place}{str(value)[1:]}" if str(value).startswith("#") else value
    if key in _TABLES and isinstance(value, Mapping):
        return {name: _rewrite(each, place, closed) for name, each in value.items()}
    if key in _LISTS and isinstance(value, list):
        return [_rewrite(each, place, closed) for each in value]
    return _rewrite(value, place, closed) if key in _SINGLE else value


def _tuple(schema: Mapping[str, Any], place: str, closed: bool) -> JSON:  # noqa: FBT001
    """Of an array whose places have schemas of their own, what both drafts can say: any of them."""
    places = schema.get("prefixItems", schema["items"] if isinstance(schema.get("items"), list) else [])
    rest = schema.get("items" if "prefixItems" in schema else "additionalItems", True)
    if rest is not False or not places:
        return {"items": True}
    return {"items": {"anyOf": [_rewrite(each, place, closed) for each in places]}, "maxItems": len(places)}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for key, value in schema.items():
            if key in _TABLES and isinstance(value, Mapping):
                for each in value.values():
                    yield from _references(each)
            elif key in _LISTS or key in _SINGLE:
                for each in value if isinstance(value, list) else [value]:
                    yield from _references(each)


def _is_there(schema: Mapping[str, Any], pointer: str) -> bool:
    try:
        return isinstance(_at(schema, pointer), Mapping)
    except (LookupError, TypeError):
        return False


def _at(schema: Mapping[str, Any], pointer: str) -> Any:
    value: Any = schema
    for step in pointer.split("/")[1:]:
        value = value[step.replace("~1", "/").replace("~0", "~")]
    return value
