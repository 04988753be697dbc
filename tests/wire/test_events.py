"""Lines as events: what the real CLI wrote, and what nobody should write."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TypeVar

import pytest
from house import modules
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_magic.wire import events
from claude_magic.wire.events import Diagnostic, Event, Unknown, decode
from claude_magic.wire.messages import Record

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl"))
E = TypeVar("E", bound=Event)
OLD, NEW = "2.1.191", "2.1.327"


def recorded(name: str) -> list[Event]:
    path = Path(__file__).parent / "recordings" / f"{name}.jsonl"
    return [decode(line) for line in path.read_bytes().splitlines()]


def only(kind: type[E], found: list[Event]) -> list[E]:
    return [event for event in found if isinstance(event, kind)]


@pytest.mark.fault(24, via="real")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_line_of_the_real_cli_decodes_to_an_event_we_know(path: Path) -> None:
    found = recorded(path.stem)
    assert only(Diagnostic, found) == []
    assert only(Unknown, found) == []
    passing = {event.type for event in only(events.Passing, found)}
    assert passing <= events.IGNORED.keys()
    assert ("command_lifecycle" in passing) == (OLD not in path.stem)


def test_every_field_that_is_decoded_is_read_somewhere() -> None:
    nodes = [node for tree in modules().values() for node in ast.walk(tree)]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    read |= {name for node in nodes if isinstance(node, ast.MatchClass) for name in node.kwd_attrs}
    assert {
        f"{record.__name__}.{field}"
        for record in Record.__subclasses__()
        for field in record.__struct_fields__
        if field not in read
    } == set()


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_another_type_in_a_field_that_is_not_read_refuses_nothing(path: Path) -> None:
    for line in path.read_bytes().splitlines():
        event, body = decode(line), json.loads(line)
        not_read = body.keys() - {*event.__struct_encode_fields__} - {"type", "subtype"}
        changed = body | {name: {"was": [body[name]]} for name in not_read}
        assert decode(json.dumps(changed).encode()) == event


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_recorded_talk_keeps_its_fields(version: str) -> None:
    found = recorded(f"talk-{version}")
    start, *_ = only(events.SystemInit, found)
    first, *_, last = only(events.ResultEvent, found)
    deltas = [event.event.delta for event in only(events.StreamEvent, found) if event.event.delta]
    assert (start.permission_mode, start.cwd) == ("default", "/home/ada/project")
    assert start.mcp_servers[0]["name"] == "kernel"
    assert "".join(delta.text or "" for delta in deltas).startswith("Hello **there**.")
    assert "Let me think." in [delta.thinking for delta in deltas]
    assert (first.result, first.subtype, first.is_error) == ("Hello **there**.", "success", False)
    assert first.total_cost_usd is not None
    assert last.total_cost_usd is not None
    assert 0 < first.total_cost_usd < last.total_cost_usd
    assert [usage.context_window for usage in last.model_usage.values()] == [1_000_000]
    assert last.usage is not None
    assert last.usage.output_tokens == 40


@pytest.mark.parametrize("version", [OLD, NEW])
def test_recorded_prompts_come_back_as_replays_and_tool_results_do_not(version: str) -> None:
    messages = only(events.UserMessage, recorded(f"talk-{version}"))
    assert [event.message.content for event in messages if event.is_replay] == ["hello", "ASK", "MCPT"]
    results = [block for event in messages if not event.is_replay for block in event.message.blocks]
    assert [block.type for block in results] == ["tool_result", "tool_result"]
    pictures = [block.type for block in results[1].content or [] if isinstance(block, events.Block)]
    assert pictures[:2] == ["text", "image"]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_recorded_control_requests_say_what_is_asked(version: str) -> None:
    requests = only(events.ControlRequest, recorded(f"talk-{version}"))
    asked = [request for request in requests if request.subtype == "can_use_tool"]
    assert {request.subtype for request in requests} == {"mcp_message", "can_use_tool"}
    assert [request.request["tool_name"] for request in asked] == ["AskUserQuestion", "mcp__kernel__shout"]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_recorded_interrupt_takes_the_permission_request_back(version: str) -> None:
    found = recorded(f"tools-{version}")
    asked, cancelled = only(events.ControlRequest, found)[-1], only(events.ControlCancel, found)[-1]
    ended = only(events.ResultEvent, found)[-1]
    assert cancelled.request_id == asked.request_id
    assert (ended.subtype, ended.is_error) == ("error_during_execution", True)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_recorded_messages_of_a_subagent_name_the_call_they_belong_to(version: str) -> None:
    found = recorded(f"tools-{version}")
    parents = {event.parent_tool_use_id for event in only(events.UserMessage, found)}
    started = [event for event in only(events.SystemEvent, found) if event.subtype == "task_started"]
    assert parents == {None, started[0].tool_use_id}


def test_a_recorded_clear_gives_the_next_turn_another_id() -> None:
    found = recorded(f"tools-{NEW}")
    reset = found.index(events.ConversationReset())
    before, after = (only(events.SystemInit, part) for part in (found[:reset], found[reset:]))
    assert after[0].session_id not in {event.session_id for event in before}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_recorded_retries_carry_attempt_and_wait(version: str) -> None:
    retries = only(events.ApiRetry, recorded(f"retry-{version}"))
    assert [(retry.attempt, retry.max_retries, retry.error_status) for retry in retries] == [
        (1, 2, 529),
        (2, 2, 529),
    ]
    assert all(retry.retry_delay_ms > 100 for retry in retries)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_recorded_missing_login_is_an_error_though_its_subtype_says_success(version: str) -> None:
    (result,) = only(events.ResultEvent, recorded(f"nologin-{version}"))
    assert (result.subtype, result.is_error) == ("success", True)
    assert "Not logged in" in (result.result or "")


@pytest.mark.fault(19, via="pure")
@pytest.mark.parametrize("line", ["[SandboxDebug] ready", "(node:7) Warning: old", "", "true story", "[1, 2"])
def test_a_line_that_is_no_json_is_noise(line: str) -> None:
    assert decode(line.encode()) == Diagnostic(kind="noise", text=line)


@pytest.mark.fault(127, via="pure")
@pytest.mark.parametrize(
    "line",
    [
        "{",
        "{'type': 1}",
        "{ level: 'warn' }",
        '{"level":"warn","type":',
        '{"a":1}{"b":2}',
        "{{name}}",
        ' {"type":',
    ],
)
def test_a_stray_line_that_begins_as_json_and_is_none_is_noise(line: str) -> None:
    assert decode(line.encode()) == Diagnostic(kind="noise", text=line)


@pytest.mark.fault(20, via="real")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_message_of_the_real_cli_that_is_cut_is_malformed(path: Path) -> None:
    for line in path.read_bytes().splitlines():
        cut = decode(line[: len(line) // 2])
        assert isinstance(cut, Diagnostic)
        assert cut.kind == "malformed"


@pytest.mark.fault(20, via="pure")
@pytest.mark.parametrize(
    "line",
    ['{"type":"user",}', '{"type":"user"', '{"duration_api_ms":118,"stop', '{"is_error":fal'],
)
def test_a_broken_message_is_malformed_and_quoted(line: str) -> None:
    assert decode(line.encode()) == Diagnostic(kind="malformed", text=line)


@pytest.mark.fault(20, via="pure")
def test_a_broken_line_of_any_length_is_quoted_to_200_characters() -> None:
    found = decode('{"type":é'.encode() + "東".encode() * 100_000)
    assert isinstance(found, Diagnostic)
    assert found.text == '{"type":é' + "東" * 191


@pytest.mark.fault(23, via="pure")
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("[]", ""),
        ("null", ""),
        ("5", ""),
        ('"text"', ""),
        ("{}", ""),
        ('{"type":null}', ""),
        ('{"type":5}', ""),
        ('{"type":["user"]}', ""),
        ('{"type":"assistant"}', "assistant"),
        ('{"type":"assistant","message":"hello"}', "assistant"),
        ('{"type":"stream_event","event":[]}', "stream_event"),
        ('{"type":"result","is_error":"yes"}', "result"),
        ('{"type":"system","subtype":"init","cwd":7}', "system"),
        ('{"type":"system","subtype":[]}', "system"),
        ('{"type":"control_response","response":{"request_id":7}}', "control_response"),
    ],
)
def test_json_of_another_shape_is_a_diagnostic_that_says_its_type(line: str, kind: str) -> None:
    assert decode(line.encode()) == Diagnostic(kind="shape", text=line, type=kind)


@pytest.mark.fault(23, via="pure")
def test_content_may_be_a_string() -> None:
    found = decode(b'{"type":"assistant","message":{"content":"plain"}}')
    assert isinstance(found, events.AssistantMessage)
    assert found.message.blocks == [events.Block(type="text", text="plain")]


@pytest.mark.fault(24, via="pure")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"type":"new_thing","x":[1]}', Unknown(type="new_thing")),
        (b'{"type":"new_thing","subtype":"a"}', Unknown(type="new_thing", subtype="a")),
        (b'{"type":"new_thing","subtype":{}}', Unknown(type="new_thing")),
        (b'{"type":"system","subtype":"new","x":1}', Unknown(type="system", subtype="new")),
    ],
)
def test_unknown_events_are_kept_by_their_names(line: bytes, expected: Event) -> None:
    assert decode(line) == expected


@pytest.mark.fault(24, via="pure")
def test_an_unknown_block_or_delta_is_kept_by_its_type() -> None:
    started = decode(
        b'{"type":"stream_event","event":{"type":"content_block_start","content_block":{"type":"hologram"}}}'
    )
    assert isinstance(started, events.StreamEvent)
    assert started.event.content_block == events.Block(type="hologram")


@pytest.mark.fault(14, via="pure")
@pytest.mark.fault(25, via="pure")
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a\xffb", "a\ufffdb"),
        (b"cut \xe6\x9d", "cut \ufffd"),
        (rb"lone \ud83c end", "lone \ufffd end"),
        (rb"low \udf88", "low \ufffd"),
        (rb"pair \ud83c\udf88 then \ud83c", "pair \U0001f388 then \ufffd"),
        (rb"no escape: \\ud83c", r"no escape: \ud83c"),
        (b"both \xff " + rb"\ud83c", "both \ufffd \ufffd"),
    ],
)
def test_text_that_is_no_unicode_is_mended_and_the_event_survives(raw: bytes, text: str) -> None:
    found = decode(b'{"type":"user","isReplay":true,"message":{"content":"' + raw + b'"}}')
    assert found == events.UserMessage(message=events.Message(content=text), is_replay=True)


@pytest.mark.fault(25, via="pure")
def test_a_type_that_is_no_unicode_is_mended_too() -> None:
    assert decode(b'{"type":"n\xffw"}') == Unknown(type="n\ufffdw")


DEEP = 100_000


@pytest.mark.fault(26, via="pure")
@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"result","total_cost_usd":NaN}',
        b'{"type":"result","total_cost_usd":-Infinity}',
        b'{"type":"result","total_cost_usd":1e400}',
        b'{"type":"result","total_cost_usd":1' + b"0" * 400 + b"}",
        b'{"type":"result","num_turns":1' + b"0" * 5000 + b"}",
        b'{"type":"result","structured_output":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"type":"new","x":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b"[" * DEEP,
    ],
    ids=["NaN", "-Infinity", "1e400", "10^400", "10^5000", "deep list", "deep object", "open"],
)
def test_numbers_and_nesting_beyond_all_bounds_are_diagnostics(line: bytes) -> None:
    found = decode(line)
    assert isinstance(found, Diagnostic)
    assert found.kind == "shape"
    assert len(found.text) <= 200


@settings(deadline=None)
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(decode(data), Event)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["message", "event", "request", "response", "subtype", "content", "usage", "errors", "modelUsage", "uuid"]
)
names = st.sampled_from([*sorted(events.KNOWN | events.IGNORED.keys()), "system", "new"])


@settings(deadline=None)
@given(name=names, body=st.dictionaries(fields, values, max_size=4))
def test_no_json_of_a_known_type_raises(name: str, body: dict[str, object]) -> None:
    kind, _, subtype = name.partition("/")
    found = decode(json.dumps({**body, "type": kind, **({"subtype": subtype} if subtype else {})}).encode())
    assert not isinstance(found, Diagnostic) or found.kind == "shape"
