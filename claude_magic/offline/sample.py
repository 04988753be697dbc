"""A made-up value that fits a JSON schema: what a scripted model answers that was told nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["sample"]

_WORD = "Offline"
_DEPTH = 20  # of a schema that holds itself


def sample(schema: object, root: Mapping[str, Any] | None = None, depth: int = _DEPTH) -> Any:
    """A small value that fits a schema, as far as it is of a common kind.

    Args:
        schema: The schema.
        root: What its references lead into; itself if None.
        depth: How much deeper it may go.
    """
    if not isinstance(schema, Mapping) or depth < 0:
        return None
    root = schema if root is None else root
    if "$ref" in schema:
        return sample(_at(root, str(schema["$ref"])), root, depth - 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], root, depth - 1)
    return _of_type(schema, root, depth)


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    match kinds[0] if isinstance(kinds, list) else kinds:
        case "object":
            properties = schema.get("properties", {})
            names = schema.get("required", properties)
            return {name: sample(properties.get(name, {}), root, depth - 1) for name in names}
        case "array":
            items = [] if depth < 1 else [schema.get("items", {})] * max(1, schema.get("minItems", 1))
            return [sample(each, root, depth - 1) for each in items]
        case "string":
            return _WORD.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
    return None


def _number(schema: Mapping[str, Any]) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1))
    return min(low, high)


def _at(root: Mapping[str, Any], reference: str) -> Any:
    value: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
