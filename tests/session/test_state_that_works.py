"""What a session is told is kept once a process has started with it; until then what held before holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint
from generations import OLDER_CLI

from claude_magic.claude_cli import process as claude
from claude_magic.errors import StartError
from claude_magic.session import Session, SessionState

Sessions = Callable[..., Session]


@pytest.mark.fault(121, via="real")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cwd": "/no/such/folder"}, "'/no/such/folder' does not exist"),
        ({"cli": "/no/such/program"}, "cannot be found"),
        ({"setting_sources": "user,projct"}, "'projct'; choose from user, project, local"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_mistyped_option_fails_its_prompt_and_the_running_process_goes_on(
    session: Sessions, change: dict[str, object], said: str
) -> None:
    talk = session()
    await talk.ask("say hi")
    pid, before = talk.pid, talk.options
    talk.options = before.with_(**change, check_paths=False)  # as if it had gone since
    with pytest.raises(Exception, match=said):
        await talk.ask("say no")
    assert talk.options == before
    assert talk.state is SessionState.IDLE
    assert (await talk.ask("what came before?")).text == "Before this came: say hi"
    assert talk.pid == pid


@pytest.mark.fault(121, via="real")
async def test_an_option_that_only_the_cli_can_refuse_fails_its_prompt_and_the_next_resumes(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say hi")
    before = talk.options
    (tmp_path / "servers.json").write_text("{not json", encoding="utf-8")
    talk.options = before.with_(mcp_config=(str(tmp_path / "servers.json"),), effort="low")
    queued = talk.submit("say no"), talk.submit("what came before?")
    with pytest.raises(StartError, match="MCP"):
        raise (await queued[0].wait(), queued[0].error)[1] or AssertionError
    assert (await queued[1].wait()).text == "Before this came: say hi"
    assert talk.options == before
    talk.options = before.with_(system="You keep a lighthouse.")  # one that can be used is kept
    assert (await talk.ask("say on")).text == "on"
    assert talk.options.system == "You keep a lighthouse."


@pytest.mark.fault(121, via="real")
@pytest.mark.parametrize(
    ("line", "told"),
    [("echo loading 20.1.3; echo", True), ("sleep 2", False), ('[ "$1" = -v ] && exit', False)],
    ids=["prints first", "takes two seconds", "tells no version"],
)
async def test_a_wrapper_does_as_well_as_the_program_and_a_new_persona_reaches_claude(
    session: Sessions,
    cli: Path,
    endpoint: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    told: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(claude, "_versions", {})
    monkeypatch.setattr(claude, "_assumed_versions", {})
    program = tmp_path / "claude"
    count = f'[ "$1" = -v ] || echo >> "{tmp_path}/starts"'
    program.write_text(f'#!/bin/sh\n{line}\n{count}\nexec "{cli}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    talk = session(cli=str(program))
    await talk.ask("say hi")
    await talk.stop()
    claude._versions.clear()  # as in a kernel that comes later
    later = session_after(session, talk, "You keep a lighthouse.")
    assert (await later.ask("what came first?")).text == "First came: say hi"
    assert "You keep a lighthouse." in endpoint.system
    refused = not told and cli == OLDER_CLI  # once: what it was taken for is remembered
    assert (tmp_path / "starts").read_text(encoding="utf-8") == "\n" * (2 + refused)
    notices = [str(block) for turn in (*talk.history, *later.history) for block in turn.blocks]
    assert not any("version" in notice for notice in notices)


def session_after(session: Sessions, talk: Session, system: str) -> Session:
    return session(cli=talk.options.cli, session_id=talk.session_id, system=system)
