"""What `--schema` names."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal

import pytest

from claude_magic.errors import UsageError
from claude_magic.magics.schema_name import schema_named
from claude_magic.schema import schema_of


@dataclass
class Recipe:
    title: str


NAMES: dict[str, object] = {
    "Recipe": Recipe,
    "Literal": Literal,
    "kitchen": SimpleNamespace(Recipe=Recipe),
    "as_json": {"type": "object", "properties": {}},
    "recipe": Recipe("tea"),
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Recipe", Recipe),
        (" Recipe ", Recipe),
        ("kitchen.Recipe", Recipe),
        ("list[Recipe]", list[Recipe]),
        ("dict[str, list[kitchen.Recipe]]", dict[str, list[Recipe]]),
        ("Recipe | None", Recipe | None),
        ("Literal['a', 'b']", Literal["a", "b"]),
        ("as_json", {"type": "object", "properties": {}}),
        ("int", int),
    ],
)
def test_a_name_a_dotted_name_and_an_annotation_of_names_are_a_schema(text: str, kind: object) -> None:
    schema = schema_named(text, NAMES)
    assert schema == schema_of(kind)
    assert schema.name == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Recipes", "--schema Recipes: there is no name 'Recipes' here. Did you mean Recipe?"),
        ("x", "--schema x: there is no name 'x' here. Give the name of a pydantic model"),
        ("kitchen.Soup", "--schema 'kitchen.Soup' is no name (AttributeError)"),
        ("recipe", "recipe is a Recipe; give a pydantic model"),
        ("make()", "--schema make(): it is no name."),
        ("not a name", "--schema 'not a name' is no name (SyntaxError)"),
        ("Recipe[int]", "--schema 'Recipe[int]' is no name (TypeError)"),
        ("[x for x in y]", "it is no name"),
        ("1", "1 is an int; give"),
        ("complex", "there is no name 'complex' here"),
        ("(" * 10_000, "is no name ("),
        ("\0", "is no name ("),
    ],
)
def test_anything_else_is_refused_in_one_line_that_says_what_to_give(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        schema_named(text, NAMES)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300
