"""Functions that Claude calls, with both generations of the CLI and without a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from endpoint_log import Endpoint
from people import Person, allow, deny

from claude_magic import claude_tool, claude_tools
from claude_magic.options import TurnOptions
from claude_magic.session import Session
from claude_magic.transcript.blocks import NoticeBlock

pytestmark = pytest.mark.process

Sessions = Callable[..., Session]


@pytest.fixture(autouse=True)
def no_tools() -> Iterator[None]:
    yield
    for name in claude_tools.names:
        claude_tools.remove(name)


def offered(endpoint: Endpoint) -> dict[str, Any]:
    """The tools of ours in the last request, with the schemas of their inputs."""
    tools = [line["body"]["tools"] for line in endpoint.requests if line["body"].get("tools")][-1]
    ours = [tool for tool in tools if tool["name"].startswith("mcp__notebook__")]
    return {tool["name"].removeprefix("mcp__notebook__"): tool["input_schema"] for tool in ours}


async def test_tools_come_change_and_go_are_checked_and_asked_for(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    calls: list[tuple[str, str, int | None]] = []

    @claude_tool
    def weigh(what: str, unit: Literal["g", "kg"] = "g", times: int | None = None) -> str:
        """Weighs something.

        Args:
            what: The thing.
        """
        calls.append((what, unit, times))
        if what == "smoke":
            raise ValueError("smoke has no weight")
        return f"{what}: 3 {unit}"

    talk, person = session(cli=str(cli), servers=(claude_tools,)), Person(allow())
    result = await talk.ask('call weigh {"what": "tea", "unit": "kg"}', asker=person)
    pid = talk.pid
    assert offered(endpoint)["weigh"]["properties"] == {
        "what": {"type": "string", "description": "The thing."},
        "unit": {"enum": ["g", "kg"], "default": "g"},
        "times": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    }
    assert (calls, [asked.tool_name for asked in person.asked]) == (
        [("tea", "kg", None)],
        ["mcp__notebook__weigh"],
    )
    assert "tea: 3 kg" in endpoint.tool_results[-1]
    assert result.tool_calls[0].result == "tea: 3 kg"

    await talk.ask('call weigh {"what": 3, "unit": "t", "colour": "red"}', asker=person)
    for words in ("what: expected str, got int", "unit: invalid enum value 't'", "colour: no such parameter"):
        assert words in endpoint.tool_results[-1]
    result = await talk.ask('call weigh {"what": "smoke"}', asker=person)
    assert "ValueError: smoke has no weight" in endpoint.tool_results[-1]
    assert "Traceback" not in endpoint.tool_results[-1]
    assert result.tool_calls[0].is_error
    await talk.ask('call weigh {"what": "gold"}', asker=Person(deny()))
    assert [what for what, *_ in calls] == ["tea", "smoke"]

    @claude_tool(only_reads=True)
    async def now() -> dict[str, int]:
        """Tells the time."""
        return {"hour": 12}

    result = await talk.ask("call now {}")
    assert set(offered(endpoint)) == {"weigh", "now"}
    assert result.tool_calls[0].result == '{"hour": 12}'
    assert not talk.history[-1].asked

    assert talk.pid != pid, "what a process was told of a tool stays with it"

    claude_tools.remove("weigh")
    await talk.ask("say one")
    assert set(offered(endpoint)) == {"now"}
    pid = talk.pid
    claude_tool(only_reads=True)(now)  # a cell that is run again
    await talk.ask("say two")
    assert talk.pid == pid
    claude_tool(name="now")(now)
    refused = Person(deny())
    await talk.ask("call now {}", asker=refused)
    assert [asked.tool_name for asked in refused.asked] == ["mcp__notebook__now"], "it asks from now on"

    claude_tools.remove("now")
    claude_tool(name="now")(weigh)
    await talk.ask("tea", options=TurnOptions(schema={"type": "object", "properties": {}}))
    assert offered(endpoint)["now"]["required"] == ["what"]
    notices = [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]
    assert (
        "Restarted for tools that have changed and a turn with a schema; the conversation goes on." in notices
    )
    assert (await talk.ask("what came first?")).text.startswith("First came: call weigh")


@pytest.mark.fault(105, via="real")
async def test_a_prompt_to_its_own_session_from_inside_a_tool_is_refused_in_one_line(
    session: Sessions, endpoint: Endpoint
) -> None:
    talk, other = session(servers=(claude_tools,)), session(name="other")

    @claude_tool(only_reads=True)
    async def ask_again(whom: str) -> str:
        return (await (talk if whom == "itself" else other).ask("say hi")).text

    result = await talk.ask('call ask_again {"whom": "itself"}')
    assert "StateError: Session 'main' waits for this before anything else" in endpoint.tool_results[-1]
    assert "\n" not in result.tool_calls[0].result
    assert (await talk.ask('call ask_again {"whom": "other"}')).tool_calls[0].result == "hi"
    assert (await talk.ask("say done")).text == "done"
