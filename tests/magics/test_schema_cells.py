"""`%%claude --schema NAME`: an answer that is data, in cells, in the background and in tasks."""

from __future__ import annotations

import json

import pytest
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

TYPES = """
import msgspec, pydantic

class Model(pydantic.BaseModel):
    title: str
    minutes: int = pydantic.Field(gt=0)

class Struct(msgspec.Struct):
    title: str
    minutes: int

class Kitchen:
    as_json = {"type": "object", "properties": {"title": {"type": "string"}, "minutes": {"type": "integer"}}}

def ask():
    class Local(msgspec.Struct):
        title: str
        minutes: int
    r = get_ipython().run_line_magic("claude", "--schema Local tea")
    return type(r.data).__name__
"""


def test_data_is_a_value_of_the_type_that_was_named_and_the_cell_shows_it(notebook: MagicNotebook) -> None:
    notebook.do(TYPES)
    cell = notebook.do("%%claude --schema Model -o r\ntea")
    assert notebook.value("(type(r.data).__name__, r.data.title, r.data.minutes, r.text)") == (
        "Model",
        "tea",
        3,
        "Here it is.",
    )
    page = read_page(html(cell)).text
    assert "--schema Model" in page
    for text in (page, markdown(cell), shown(cell)):
        assert "Here it is." in text
        assert '"minutes": 3' in text
        assert "StructuredOutput" not in text
    notebook.do("%%claude --schema Kitchen.as_json -o r\ntea")
    assert notebook.value("r.data") == {"title": "tea", "minutes": 3}
    notebook.do("%%claude --schema list[Struct] -o r\nteas")
    assert notebook.value("[each.title for each in r.data]") == ["black", "green"]
    assert notebook.value("ask()") == "Local", "the name is that of the function's own"

    sent = len(notebook.endpoint.requests)
    for name, words in (
        ("Modle", "Did you mean Model?"),
        ("r", "r is a Result; give a pydantic model"),
        ("TYPES", "there is no name 'TYPES' here"),
        ("Kitchen", "Kitchen has no schema"),
    ):
        assert words in notebook.error(f"%%claude --schema {name}\ntea")
    assert len(notebook.endpoint.requests) == sent, "nothing was sent"

    error = notebook.error("%%claude --schema Model -o r\ntea of no time")
    assert error.startswith("The answer does not fit Model: minutes: input should be a valid int")
    assert notebook.value("(r.text, r.data, r.is_error)") == ("Here it is.", None, True)


@pytest.mark.fault(104, via="real")
def test_a_dry_run_shows_the_schema_that_then_reaches_the_model(notebook: MagicNotebook) -> None:
    notebook.do(TYPES)
    shown = [notebook.printed(f"%claude --dry-run {more} --schema Model tea") for more in ("", "--task t")]
    notebook.do("%claude --schema Model tea")

    tools = notebook.endpoint.last["tools"]
    (schema,) = [each["input_schema"] for each in tools if each["name"] == "StructuredOutput"]
    for dry in shown:
        told = json.loads(dry.partition("The answer would have to fit:")[2])
        assert {key: schema[key] for key in told} == told


def test_background_turns_and_tasks_give_data_too(notebook: MagicNotebook) -> None:
    notebook.do(TYPES)
    notebook.do("%%claude -b --schema Struct -o r\ntea")
    notebook.do("%%claude -b -o plain\nsay one")
    notebook.do("%%claude --task tea --schema Model -o t\ntea")
    notebook.do("%claude_wait")
    notebook.do("%claude_tasks wait tea")
    assert notebook.value("(type(r.data).__name__, plain.data, plain.text, type(t.data).__name__)") == (
        "Struct",
        None,
        "one",
        "Model",
    )
    offered = {
        line["prompt"]: sum(tool["name"] == "StructuredOutput" for tool in line["body"]["tools"])
        for line in notebook.endpoint.requests
        if line["body"].get("tools")
    }
    assert offered == {"tea": 1, "say one": 0}
