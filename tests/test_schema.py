"""Python types as JSON schemas, and values that fit them or not: all kinds that are taken, good and bad."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Required, TypedDict

import msgspec
import pydantic
import pytest
from pydantic import v1

from claude_magic.errors import UsageError
from claude_magic.schema import MismatchError, Schema, schema_of
from claude_magic.schema.portable import portable


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    """Where something is."""

    x: int
    y: float = 0.0


@dataclasses.dataclass
class Tree:
    name: str
    children: list[Tree] = dataclasses.field(default_factory=list)


class Fruit(TypedDict, total=False):
    name: Required[str]
    ripe: bool


class Place(msgspec.Struct):
    city: str
    at: Point | None = None


class Low(msgspec.Struct, tag="low"):
    level: int


class High(msgspec.Struct, tag="high"):
    height: float


class Pair(NamedTuple):
    first: int
    second: str


class Recipe(pydantic.BaseModel):
    """What to cook."""

    title: str
    minutes: int = pydantic.Field(gt=0, description="how long")
    parts: list[Recipe] = []


class OldRecipe(v1.BaseModel):
    title: str
    minutes: int


@pydantic.dataclasses.dataclass
class Checked:
    count: Annotated[int, pydantic.Field(ge=1)]


@dataclasses.dataclass
class Picky:
    word: str

    def __post_init__(self) -> None:
        if self.word == "bad":
            raise ValueError("no bad words")
        if self.word == "worse":
            raise ZeroDivisionError


@dataclasses.dataclass
class Lost:
    other: Nowhere  # type: ignore[name-defined]  # noqa: F821


JSON_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": r"\A(?P<word>\w+)\Z"}, "size": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
GOOD: list[tuple[Any, Any, Any]] = [
    (Point, {"x": 1}, Point(1)),
    (Point, {"x": 1, "y": 2}, Point(1, 2.0)),
    (Point, {"x": 1, "more": 2}, Point(1)),
    (Tree, {"name": "a", "children": [{"name": "b"}]}, Tree("a", [Tree("b")])),
    (Fruit, {"name": "pear", "ripe": True}, {"name": "pear", "ripe": True}),
    (Place, {"city": "Bonn", "at": {"x": 1}}, Place("Bonn", Point(1))),
    (Low | High, {"type": "high", "height": 2.5}, High(2.5)),
    (Pair, [1, "a"], Pair(1, "a")),
    (Recipe, {"title": "tea", "minutes": 3}, Recipe(title="tea", minutes=3)),
    (list[Recipe], [{"title": "tea", "minutes": 3}], [Recipe(title="tea", minutes=3)]),
    (OldRecipe, {"title": "tea", "minutes": 3}, OldRecipe(title="tea", minutes=3)),
    (Checked, {"count": 1}, Checked(1)),
    (list[Point], [{"x": 1}], [Point(1)]),
    (dict[int, str], {"1": "a"}, {1: "a"}),
    (tuple[int, str], [1, "a"], (1, "a")),
    (Literal["a", 1], "a", "a"),
    (int | None, None, None),
    (Colour, "red", Colour.RED),
    (date, "2026-01-02", date(2026, 1, 2)),
    (Decimal, "1.5", Decimal("1.5")),
    (float, 1, 1.0),
    (int, 10**400, 10**400),
    (Any, {"a": [1]}, {"a": [1]}),
    (None, None, None),
    (JSON_SCHEMA, {"name": "a", "size": 1}, {"name": "a", "size": 1}),
    ({"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
]
BAD: list[tuple[Any, Any, str]] = [
    (Point, {"x": "one"}, "x: expected int, got str"),
    (Point, {}, "object missing required field x"),
    (Point, {"x": 1, "y": None}, "y: expected float, got null"),
    (Point, {"x": True}, "x: expected int, got bool"),
    (Point, {"x": math.nan}, "x: expected int, got float"),
    (Point, None, "expected object, got null"),
    (Point, [1], "expected object, got array"),
    (
        Tree,
        {"name": "a", "children": [{"name": "b", "children": [{}]}]},
        "children[0].children[0]: object missing required field name",
    ),
    (Fruit, {"ripe": True}, "object missing required field name"),
    (Place, {"city": "Bonn", "at": 3}, "at: expected object | null, got int"),
    (Low | High, {"type": "middle"}, "type: invalid value 'middle'"),
    (Recipe, {"title": "tea", "minutes": 0}, "minutes: input should be greater than 0"),
    (Recipe, {"minutes": 1}, "title: field required"),
    (
        list[Recipe],
        [{"title": 1, "minutes": "x"}],
        "[0].title: input should be a valid string; [0].minutes: input should be a valid integer, unable",
    ),
    (OldRecipe, {"title": "tea"}, "minutes: field required"),
    (Checked, {"count": 0}, "count: input should be greater than or equal to 1"),
    (list[Point], [{"x": 1}, {"x": "1"}], "[1].x: expected int, got str"),
    (tuple[int, str], [1], "expected array of length 2, got 1"),
    (Literal["a", "b"], "c", "invalid enum value 'c'"),
    (Colour, "green", "invalid enum value 'green'"),
    (date, "soon", "invalid RFC3339 encoded date"),
    (Picky, {"word": "bad"}, "no bad words"),
    (Picky, {"word": "worse"}, "ZeroDivisionError"),
    (JSON_SCHEMA, {"name": 1}, "name: must be string"),
    (
        JSON_SCHEMA,
        {"name": "a", "more": 1},
        "must not contain {'more'} properties",
    ),
]
NO_SCHEMA: list[tuple[Any, str]] = [
    (3, "3 is an int; give"),
    ("Recipe", "'Recipe' is a str"),
    (object(), "is an object; give a pydantic model, dataclass, TypedDict"),
    (Point(1), "is a Point; give"),
    (complex, "complex has no schema: complex is none of a pydantic model, dataclass"),
    (list[complex], "list has no schema: complex is none of"),
    (Lost, "Lost has no schema: name 'Nowhere' is not defined"),
    (Point | Place, "has no schema: Type unions may not contain more than one dict-like type"),
    ({}, "no JSON schema: it has none of $ref, allOf"),
    ({"name": "string"}, "no JSON schema: it has none of"),
    ({"type": "object", "properties": 3}, "no JSON schema: 'int' object has no attribute 'items'"),
    ({"type": "array", "prefixItems": 3, "items": False}, "cannot be a schema: 'int' object is not iterable"),
    ({"type": "text"}, "no JSON schema: Unknown type"),
    ({"$ref": "#/$defs/nothing"}, "cannot be a schema: its reference '#/$defs/nothing' leads nowhere"),
    (
        {"type": "object", "properties": {"a": {"$ref": "https://example.invalid/a.json"}}},
        "cannot be a schema: its reference 'https://example.invalid/a.json' leads nowhere",
    ),
    ({"type": "string", "description": "x" * 200_000}, "is too large: 200,"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), GOOD)
def test_a_value_that_fits_becomes_one_of_the_type(kind: Any, value: Any, expected: Any) -> None:
    schema = schema_of(kind)
    assert schema.value(value) == expected
    assert type(schema.value(value)) is type(expected)


@pytest.mark.parametrize(("kind", "value", "words"), BAD)
def test_one_that_does_not_is_an_error_that_names_the_field_and_what_was_expected(
    kind: Any, value: Any, words: str
) -> None:
    with pytest.raises(MismatchError) as error:
        schema_of(kind).value(value)
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "words"), NO_SCHEMA)
def test_what_has_no_schema_is_refused_in_one_line(kind: Any, words: str) -> None:
    with pytest.raises(UsageError) as error:
        schema_of(kind)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [kind for kind, _, _ in GOOD])
def test_every_schema_is_an_object_that_both_drafts_can_read(kind: Any) -> None:
    schema = schema_of(kind)
    assert schema.json["type"] == "object"
    assert not {"anyOf", "oneOf", "allOf", "$ref"} & schema.json.keys()
    for word in ('"$schema"', '"format"', '"pattern"', '"prefixItems"', '"discriminator"'):
        assert f"{word}:" not in schema.text


def test_what_is_no_object_is_given_in_one() -> None:
    schema = schema_of(list[Point])
    assert schema.json["required"] == ["value"]
    assert schema.data({"value": [{"x": 1}]}) == [Point(1)]
    with pytest.raises(MismatchError, match="expected array, got null"):
        schema.data({"values": []})


def test_a_type_that_holds_itself_stays_a_reference_wherever_it_stands() -> None:
    top, within = schema_of(Tree).json, schema_of(list[Tree]).json
    assert top["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert within["properties"]["value"]["items"] == {"$ref": "#/properties/value/$defs/Tree"}


def test_what_a_reader_would_refuse_is_told_in_words() -> None:
    text = portable({"type": "string", "description": "When.", "format": "date", "pattern": "^2"})
    assert text == {"type": "string", "description": "When.; format: date; pattern: ^2"}
    pair = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}
    assert portable(pair)["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    older = {"type": "array", "items": [{"type": "integer"}]}
    assert portable(older) == {"type": "array", "items": True}
    assert portable({"type": "object", "properties": {"format": {"type": "string"}}}) == {
        "type": "object",
        "properties": {"format": {"type": "string"}},
    }


def test_descriptions_limits_and_defaults_reach_the_schema() -> None:
    minutes = schema_of(Recipe).json["properties"]["minutes"]
    assert (minutes["description"], minutes["exclusiveMinimum"]) == ("how long", 0)
    assert schema_of(Point).json["properties"]["y"]["default"] == 0.0
    assert schema_of(Point).json["description"] == "Where something is."
    assert schema_of(Point).json["additionalProperties"] is False
    assert "additionalProperties" not in schema_of({"type": "object", "properties": {}}).json


def test_schemas_are_equal_if_they_say_the_same_and_are_called_by_name() -> None:
    assert schema_of(Point) == schema_of(Point, "p")
    assert schema_of(Point) != schema_of(Tree)
    assert len({schema_of(Point), schema_of(Point)}) == 1
    assert (str(schema_of(Point)), repr(schema_of(Point, "p"))) == ("Point", "<Schema p>")
    assert schema_of(schema := schema_of(Point)) is schema


def test_a_value_nested_too_deep_is_an_error_and_no_more() -> None:
    value: dict[str, Any] = {"name": "leaf"}
    for _ in range(100_000):
        value = {"name": "node", "children": [value]}
    with pytest.raises(MismatchError, match="nested too deep"):
        schema_of(Tree).value(value)


def test_a_class_without_a_schema_can_be_given_by_name() -> None:
    objects = {"$one": 1j, "$two": 2j}
    schema = schema_of(list[complex], by_name=lambda _, name: objects[str(name)])
    assert schema.part()["items"] == {"type": "string", "description": "$NAME of a complex in the kernel"}
    assert schema.value(["$one", "$two"]) == [1j, 2j]


def test_pydantic_is_asked_only_about_what_mentions_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pydantic")
    assert schema_of(Place).value({"city": "Bonn"}) == Place("Bonn")
    with pytest.raises(UsageError):
        schema_of(Recipe)


def test_the_schema_that_is_kept_as_json_takes_the_same_values() -> None:
    again = schema_of(json.loads(schema_of(Recipe).text), "Recipe")
    assert isinstance(again, Schema)
    assert again.value({"title": "tea", "minutes": 3}) == {"title": "tea", "minutes": 3}
    with pytest.raises(MismatchError, match="minutes: must be bigger than 0"):
        again.value({"title": "tea", "minutes": 0})
