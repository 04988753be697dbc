"""What the scripted model makes up where an answer has to fit a schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from claude_magic.offline.sample import sample
from claude_magic.schema import schema_of


@dataclass
class Tree:
    name: str
    kind: Literal["oak", "elm"]
    height: float
    leaves: bool
    children: list[Tree] = field(default_factory=list)
    parent: Tree | None = None


@pytest.mark.parametrize(
    "kind",
    [
        Tree,
        list[Tree],
        dict[str, int],
        tuple[int, int],
        int | None,
        Literal["a"],
        {"type": "integer", "minimum": 3, "maximum": 5},
        {"type": "number", "exclusiveMinimum": 3},
        {"type": "integer", "maximum": -2},
        {"type": "string", "minLength": 20},
        {"type": "string", "maxLength": 3},
        {"type": ["string", "null"]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
        {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
    ],
    ids=lambda each: f"{each!s:.30}",
)
def test_made_up_data_fits_the_schema(kind: Any) -> None:
    schema = schema_of(kind)
    schema.data(sample(schema.json))


def test_a_schema_that_holds_itself_has_an_end() -> None:
    sample({"$ref": "#"})
    sample({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})


@pytest.mark.parametrize("schema", [None, True, {}, {"$ref": "#/nowhere"}, {"type": "odd"}, {"enum": []}])
def test_what_is_no_schema_does_no_harm(schema: Any) -> None:
    sample(schema)
