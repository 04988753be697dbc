"""Turns whose answer has to fit a schema, with both generations of the CLI; seen where the model stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from endpoint_log import Endpoint
from people import Person, deny

from claude_magic.errors import TurnFailedError
from claude_magic.options import TurnOptions
from claude_magic.result import Result
from claude_magic.session import Session
from claude_magic.transcript.blocks import NoticeBlock

pytestmark = pytest.mark.process

Sessions = Callable[..., Session]
HAIKU = "claude-haiku-4-5-20251001"


@dataclass
class Tea:
    """How tea is made."""

    title: str
    minutes: int


@dataclass
class StrongTea(Tea):
    def __post_init__(self) -> None:
        if self.minutes < 5:
            raise ValueError("minutes: five at least")


def offered(endpoint: Endpoint) -> dict[str, list[dict[str, object]]]:
    """By prompt, the schemas that its first request asks the answer to fit."""
    first = [line for line in endpoint.requests if line["step"] == 0 and line["body"].get("tools")]
    return {
        line["prompt"]: [
            tool["input_schema"] for tool in line["body"]["tools"] if tool["name"] == "StructuredOutput"
        ]
        for line in first
    }


async def failed(talk: Session, prompt: str, schema: object) -> Result:
    with pytest.raises(TurnFailedError) as error:
        await talk.ask(prompt, options=TurnOptions(schema=schema))
    assert str(error.value) == error.value.result.error
    return error.value.result


@pytest.mark.fault(104, via="real")
async def test_a_schema_of_one_turn_is_gone_with_the_next_and_the_conversation_goes_on(
    session: Sessions, cli: Path, endpoint: Endpoint, tmp_path: Path
) -> None:
    talk, person = session(cli=str(cli)), Person(deny())
    await talk.ask("say one")
    options = TurnOptions(schema=Tea, model=HAIKU, allow=("Write",))
    result = await talk.ask("tea, then write a.txt", options=options, asker=person)
    pid = talk.pid
    await talk.ask("say two")
    await talk.ask("write b.txt tea", asker=person)

    assert result.data == Tea("tea", 3)
    assert (result.is_error, result.text) == (False, '{"title":"tea","minutes":3}')
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["a.txt"]
    assert len(person.asked) == 1
    one, tea, two, write = (offered(endpoint)[prompt] for prompt in offered(endpoint))
    assert (one, two, write) == ([], [], [])
    assert [schema["required"] for schema in tea] == [["title", "minutes"]]
    turns = [line for line in endpoint.requests if line["body"].get("tools")]
    models = {line["prompt"]: line["body"]["model"] for line in turns}
    assert models["tea, then write a.txt"] == HAIKU
    assert models["say two"] == models["say one"] != HAIKU
    assert talk.pid != pid
    assert (await talk.ask("what came first?")).text == "First came: say one"
    assert talk.turns == 5


async def test_what_does_not_fit_is_an_error_that_names_the_field_and_the_text_stays(
    session: Sessions, cli: Path
) -> None:
    talk = session(cli=str(cli))
    result = await failed(talk, "tea of no time", Tea)
    assert result.error == "The answer does not fit Tea: minutes: expected int, got str."
    assert (result.text, result.data, result.is_error) == ("Here it is.", None, True)
    notices = [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]
    assert notices[-1] == result.error

    mended = await talk.ask("tea, at the second try", options=TurnOptions(schema=Tea))
    assert (mended.data, mended.text) == (Tea("tea", 4), "Here it is.")

    strict = await failed(talk, "tea", StrongTea)  # the CLI knows nothing of this
    assert strict.error == "The answer does not fit StrongTea: minutes: five at least."
    assert (strict.text, strict.data) == ("Here it is.", None)

    words = await failed(talk, "tea in words", Tea)
    assert words.error == "The answer has no data for Tea, only text."
    assert "Three minutes." in words.text

    made_up = await talk.ask("say only words", options=TurnOptions(schema=Tea))  # by the model's own rules
    assert (made_up.text, made_up.data) == ("only words", Tea("Offline", 0))

    teas = await talk.ask("teas", options=TurnOptions(schema=list[Tea]))
    assert teas.data == [Tea("black", 3), Tea("green", 2)]
