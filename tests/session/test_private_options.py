"""Keys and personas on their way to the real CLI: read by it, and by nobody else on the machine."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from endpoint_log import Endpoint
from private_files import TOKEN, private_files, server_with_token

from claude_magic.processes.manager import default_manager
from claude_magic.session import Session
from claude_magic.support.state_file import state_folder

pytestmark = pytest.mark.process

PERSONA = "You are a pirate."
WATCHING = """#!/bin/sh
for word; do
  case "$word" in --mcp-config=*|--append-system-prompt-file=*)
    path=${word#*=}
    stat -L -c "%a" "$path" "$(dirname "$path")" >> MODES
    tr '\\0' ' ' < /proc/$$/cmdline >> LINE
  esac
done
exec CLI "$@"
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's has other people's files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def command_lines(pid: int) -> str:
    process = psutil.Process(pid)
    return "\n".join(" ".join(each.cmdline()) for each in (process, *process.children(recursive=True)))


@pytest.mark.fault(112, via="real")
async def test_tokens_and_personas_are_on_no_command_line_and_in_no_file_once_claude_has_started(
    session: Callable[..., Session],
    cli: Path,
    tmp_path: Path,
    endpoint: Endpoint,
    eventually: Callable[..., Awaitable[None]],
) -> None:
    watching, heard = tmp_path / "watching", tmp_path / "heard"
    script = WATCHING.replace("MODES", f"{tmp_path}/modes").replace("LINE", f"{tmp_path}/line")
    watching.write_text(script.replace("CLI", str(cli)))
    watching.chmod(0o755)
    talk = session(cli=str(watching), mcp_config=(server_with_token(heard),), system=PERSONA)

    for _ in range(2):  # at first, and after a restart
        await talk.ask("say one")
        await eventually(heard.exists)
        assert heard.read_text() == TOKEN
        assert PERSONA in endpoint.system
        assert talk.pid is not None
        seen = command_lines(talk.pid) + (tmp_path / "line").read_text()
        assert "--mcp-config=" in seen
        assert not [secret for secret in (TOKEN, PERSONA) if secret in seen]
        assert {*(tmp_path / "modes").read_text().split()} == {"600", "700"}
        assert private_files() == []
        written = b"".join(path.read_bytes() for path in state_folder().rglob("*") if path.is_file())
        assert TOKEN.encode() not in written
        assert TOKEN not in repr(default_manager().list()) + repr(talk.options)
        heard.unlink()
        assert talk._engine.supervisor.process is not None
        await talk._engine.supervisor.process.request("mcp_reconnect", serverName="github")
        await eventually(heard.exists)  # without the file: the CLI has read it
        heard.unlink()
        await talk.stop()


@pytest.mark.fault(112, via="real")
async def test_a_persona_longer_than_an_argument_may_be_reaches_claude(
    session: Callable[..., Session], cli: Path, endpoint: Endpoint
) -> None:
    await session(cli=str(cli), system=f"{PERSONA}{'x' * 200_000}The end.", note="A note.").ask("say one")
    assert PERSONA in endpoint.system
    assert "The end." in endpoint.system
    assert "A note." in endpoint.system


@pytest.mark.fault(112, via="real")
@pytest.mark.fault(97, via="real")
async def test_where_the_state_folder_cannot_be_written_a_private_temporary_folder_does(
    session: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/claude_magic")  # not even root may
    heard = tmp_path / "heard"
    talk = session(mcp_config=(server_with_token(heard),))
    await talk.ask("say one")
    assert talk.pid is not None
    assert TOKEN not in command_lines(talk.pid)
    assert private_files() == []
