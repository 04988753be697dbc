"""Tools of our own speak MCP over the control channel: every question of the CLI has its answer."""

from __future__ import annotations

from typing import Any

import pytest

from claude_magic.tool_server import Call, Content, Tool, ToolError, ToolServer, Watcher, text


async def echo(call: Call) -> list[Content]:
    call.tell("a line")
    return [text(call.text("word"))]


async def refuse(_: Call) -> list[Content]:
    raise ToolError("not today", [text("and why")])


async def break_down(_: Call) -> list[Content]:
    raise KeyError("a secret")


async def stop(call: Call) -> list[Content]:
    call.interrupt()
    return []


def server() -> ToolServer:
    schema = {"type": "object", "properties": {"word": {"type": "string"}}}
    return ToolServer(
        "kernel",
        [
            Tool(name="echo", description="Says it.", schema=schema, call=echo, only_reads=True),
            Tool(name="refuse", description="", schema={"type": "object"}, call=refuse),
            Tool(name="break_down", description="", schema={"type": "object"}, call=break_down),
            Tool(name="stop", description="", schema={"type": "object"}, call=stop),
        ],
    )


async def answer(method: str, watcher: Watcher | None = None, **params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    reply: dict[str, Any] = await server().answer(message, watcher or Watcher())
    assert (reply["jsonrpc"], reply["id"]) == ("2.0", 7)
    return reply


async def test_it_introduces_itself_in_the_version_that_it_is_asked_in() -> None:
    reply = await answer("initialize", protocolVersion="2024-11-05")

    assert reply["result"]["protocolVersion"] == "2024-11-05"
    assert reply["result"]["serverInfo"]["name"] == "kernel"


async def test_every_tool_is_listed_and_none_hides_behind_a_search_for_tools() -> None:
    tools = (await answer("tools/list"))["result"]["tools"]

    assert [tool["name"] for tool in tools] == ["echo", "refuse", "break_down", "stop"]
    assert all(tool["_meta"] == {"anthropic/alwaysLoad": True} for tool in tools)
    assert [tool["annotations"]["readOnlyHint"] for tool in tools] == [True, False, False, False]


async def test_a_call_gives_its_content_and_tells_under_its_id() -> None:
    lines: list[tuple[str, str]] = []
    reply = await answer(
        "tools/call",
        Watcher(tell=lambda call_id, line: lines.append((call_id, line))),
        name="echo",
        arguments={"word": "hello"},
        _meta={"claudecode/toolUseId": "toolu_1"},
    )

    assert reply["result"] == {"content": [{"type": "text", "text": "hello"}]}
    assert lines == [("toolu_1", "a line")]


async def test_a_call_may_end_its_turn() -> None:
    ended: list[bool] = []
    await answer("tools/call", Watcher(interrupt=lambda: ended.append(True)), name="stop", arguments={})

    assert ended == [True]


async def test_a_refusal_reaches_claude_in_words_and_with_what_goes_with_it() -> None:
    reply = await answer("tools/call", name="refuse", arguments={})

    assert reply["result"]["isError"] is True
    assert [block["text"] for block in reply["result"]["content"]] == ["not today", "and why"]


@pytest.mark.parametrize("arguments", [{}, {"word": 3}, {"word": None}, None, "word", [1]])
async def test_an_input_that_is_no_text_is_said_to_be_none(arguments: Any) -> None:
    reply = await answer("tools/call", name="echo", arguments=arguments)

    assert reply["result"] == {"content": [{"type": "text", "text": "word has to be text."}], "isError": True}


async def test_a_tool_that_breaks_is_an_error_without_its_insides() -> None:
    reply = await answer("tools/call", name="break_down", arguments={})

    assert reply["error"]["message"] == "break_down failed: KeyError"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/call", {"name": "nothing"}, -32602),
        ("tools/call", {}, -32602),
        ("resources/list", {}, -32601),
        ("", {}, -32601),
    ],
)
async def test_what_is_not_there_is_an_error(method: str, params: dict[str, Any], code: int) -> None:
    assert (await answer(method, **params))["error"]["code"] == code


@pytest.mark.parametrize(
    "message", [{"method": "notifications/initialized"}, {}, {"method": "tools/call", "params": 3}]
)
async def test_a_notification_gets_an_empty_answer(message: dict[str, Any]) -> None:
    assert await server().answer(message, Watcher()) == {"jsonrpc": "2.0", "result": {}}


async def test_params_that_are_none_are_taken_for_none() -> None:
    message: dict[str, Any] = {"id": 1, "method": "ping", "params": ["x"]}

    assert await server().answer(message, Watcher()) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_it_is_declared_without_anything_that_is_secret_and_names_the_rules_of_what_only_reads() -> None:
    assert server().declaration == {"type": "sdk", "name": "kernel"}
    assert server().readers == ("mcp__kernel__echo",)
