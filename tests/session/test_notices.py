"""What the CLI says to the person is in the turn: hooks, compaction, servers, answers that are cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint

from claude_magic.errors import TurnFailedError
from claude_magic.session import Session, SessionState
from claude_magic.transcript import Transcript, TurnState
from claude_magic.transcript.blocks import NoticeBlock, TextBlock, ToolBlock

Sessions = Callable[..., Session]
Hooks = Callable[..., None]


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    """Puts hooks into the folder's settings: what they print as JSON, or their command."""

    def put(**said: object) -> None:
        (tmp_path / "work" / ".claude").mkdir(exist_ok=True)
        commands = {
            event: what if isinstance(what, str) else f"echo '{json.dumps(what)}'"
            for event, what in said.items()
        }
        hooks = {
            event: [{"hooks": [{"type": "command", "command": command}]}]
            for event, command in commands.items()
        }
        settings = tmp_path / "work" / ".claude" / "settings.json"
        settings.write_text(json.dumps({"hooks": hooks}), encoding="utf-8")

    return put


def notices(transcript: Transcript) -> list[tuple[str, str]]:
    return [(block.level, block.text) for block in transcript.blocks if isinstance(block, NoticeBlock)]


def told(transcript: Transcript) -> str:
    return "\n".join(text for _, text in notices(transcript))


@pytest.mark.fault(120, via="real")
@pytest.mark.parametrize(
    "said",
    [
        {"decision": "block", "reason": "Not on Fridays."},
        {"continue": False, "stopReason": "Not on Fridays."},
        "echo 'Not on Fridays.' >&2; exit 2",
    ],
    ids=["block", "stop", "exit code 2"],
)
async def test_a_prompt_that_a_hook_blocks_is_an_error_with_the_hooks_reason(
    session: Sessions, cli: Path, hooks: Hooks, endpoint: Endpoint, said: object
) -> None:
    talk = session(cli=str(cli))
    hooks(UserPromptSubmit=said)

    with pytest.raises(TurnFailedError, match=r"^A hook stopped this turn: .*Not on Fridays\.$") as raised:
        await talk.ask("say something secret")

    assert raised.value.result.is_error
    assert talk.history[-1].state is TurnState.FAILED
    assert notices(talk.history[-1]) == [("error", str(raised.value))]
    assert "secret" not in str(raised.value)
    assert endpoint.requests == []
    assert talk.state is SessionState.IDLE


@pytest.mark.fault(120, via="real")
async def test_what_a_hook_says_to_the_person_stands_once_where_it_was_said(
    session: Sessions, cli: Path, hooks: Hooks
) -> None:
    talk = session(cli=str(cli))
    said = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    hooks(**{event: {"systemMessage": f"A word at {event}, \x1b[31mred"} for event in said})

    await talk.ask("run echo one")

    shown = [
        block.text if isinstance(block, NoticeBlock) else type(block)
        for block in talk.history[-1].blocks
        if isinstance(block, (NoticeBlock, TextBlock, ToolBlock))
    ]
    assert shown == [
        "SessionStart:startup says: A word at SessionStart, red",
        "UserPromptSubmit says: A word at UserPromptSubmit, red",
        TextBlock,
        ToolBlock,
        "PreToolUse:Bash says: A word at PreToolUse, red",
        "PostToolUse:Bash says: A word at PostToolUse, red",
        TextBlock,
        "Stop says: A word at Stop, red",
    ]


@pytest.mark.fault(120, via="real")
async def test_a_hook_that_ends_the_turn_after_a_call_makes_it_an_error(
    session: Sessions, cli: Path, hooks: Hooks, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    hooks(PostToolUse={"continue": False, "stopReason": "Enough for today."})

    with pytest.raises(TurnFailedError, match=r"^A hook stopped this turn: Enough for today\.$") as raised:
        await talk.ask("run echo one")

    assert raised.value.result.tool_calls[0].result == "one"
    assert len(endpoint.requests) == 1


@pytest.mark.fault(120, via="real")
async def test_a_hook_that_fails_is_named_and_the_turn_goes_on(
    session: Sessions, cli: Path, hooks: Hooks
) -> None:
    talk = session(cli=str(cli))
    events = ("UserPromptSubmit", "PostToolUse", "Stop")
    hooks(**{event: f"echo broken at {event} >&2; exit 3" for event in events})

    assert (await talk.ask("run echo one")).text.endswith("one")

    assert notices(talk.history[-1]) == [
        ("warning", f"The hook {event} failed (exit code 3): broken at {event.partition(':')[0]}")
        for event in ("UserPromptSubmit", "PostToolUse:Bash", "Stop")
    ]


@pytest.mark.fault(120, via="real")
async def test_a_restarted_process_says_what_its_hooks_say_in_the_turn_that_restarts_it(
    session: Sessions, hooks: Hooks
) -> None:
    talk = session()
    hooks(SessionStart={"systemMessage": "Good morning."})
    await talk.ask("say one")
    await talk.stop()
    await talk.ask("say two")

    first, second = (told(transcript) for transcript in talk.history)
    assert first.count("Good morning.") == 1
    assert "SessionStart:resume says: Good morning." in second


@pytest.mark.fault(120, via="real")
async def test_a_compaction_that_was_asked_for_says_what_it_came_to(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say one")
    await talk.ask("say two")

    await talk.ask("/compact")

    shown = told(talk.history[-1])
    assert "Compacting the conversation." in shown
    assert "The conversation was compacted: " in shown
    assert " tokens became " in shown
    assert "said nothing" not in shown


@pytest.mark.fault(120, via="real")
async def test_an_automatic_compaction_is_told_and_why(session: Sessions) -> None:
    talk = session(env={"CLAUDE_AUTOCOMPACT_PCT_OVERRIDE": "1"})
    await talk.ask(f"say {'word ' * 20_000}")
    await talk.ask("say two")

    await talk.ask("say three")

    assert "was compacted by itself, as the context window filled up: " in told(talk.history[-1])


@pytest.mark.fault(120, via="real")
async def test_a_server_that_fails_or_does_not_answer_is_named_once(
    session: Sessions, cli: Path, watch: str
) -> None:
    program, *arguments = watch.split()
    servers = {"broken": {"command": "false"}, "deaf": {"command": program, "args": arguments}}
    config = json.dumps({"mcpServers": servers})
    talk = session(cli=str(cli), mcp_config=(config,), env={"MCP_TIMEOUT": "500"})

    await talk.ask("say one")
    await talk.ask("say two")

    first, second = (told(transcript) for transcript in talk.history)
    assert "The MCP server broken could not be started, and its tools are missing" in first
    assert re.search("The MCP server deaf (has not answered yet|could not be started)", first)
    assert "broken" not in second


@pytest.mark.fault(120, via="real")
async def test_a_projects_server_that_fails_is_not_said_to_be_in_use(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk = session(cli=str(cli))
    servers = {"mcpServers": {"broken": {"command": "false"}}}
    (tmp_path / "work" / ".mcp.json").write_text(json.dumps(servers), encoding="utf-8")

    await talk.ask("say one")

    shown = told(talk.history[-1])
    assert "The MCP server broken could not be started" in shown
    assert "in use" not in shown


@pytest.mark.fault(126, via="real")
async def test_an_answer_that_is_cut_or_missing_says_which(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli))

    cut = await talk.ask("cut once")
    nothing = await talk.ask("nothing at all")

    assert cut.text.split() == ["The", "first", "half", "and", "the", "rest"]
    first, second = (notices(transcript) for transcript in talk.history)
    assert first == [("warning", "The answer was cut here: the model's limit of output tokens is reached.")]
    assert (nothing.text, nothing.is_error) == ("", False)
    assert second == [("info", "Claude ended the turn without an answer.")]
