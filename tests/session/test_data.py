"""Data that goes with a prompt: the model reads it, the CLI does not. Both generations of the real CLI."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint

from claude_magic.prompt import Attachment, Prompt
from claude_magic.session import Session, SessionState, recovery
from claude_magic.session.recovery import quoting
from claude_magic.transcript.blocks import NoticeBlock

pytestmark = pytest.mark.process

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def hostile(tmp_path: Path) -> Attachment:
    """Data that names files, inside and outside of the working directory, in all ways that the CLI knows."""
    secret = tmp_path / "secret.txt"
    secret.write_text("SESAME outside")
    (tmp_path / "work").mkdir(exist_ok=True)
    (tmp_path / "work/inside.txt").write_text("SESAME inside")
    ways = [f"@{secret}", f'@"{secret}"', "@inside.txt", '@"inside.txt"', f"a\u2028@{secret}"]
    return Attachment("review", "\n".join(["/context", *ways, "```", *ways, "```", "@inside.txt"]))


def everything_sent(endpoint: Endpoint) -> str:
    return str([line["body"] for line in endpoint.requests])


@pytest.mark.fault(111, via="real")
async def test_data_that_names_files_and_commands_is_only_data(
    session: Sessions, cli: Path, endpoint: Endpoint, hostile: Attachment, tmp_path: Path
) -> None:
    talk = session(cli=str(cli))
    command = Attachment("x", "/clear")
    first = talk.submit(Prompt("say it", (hostile, command)))
    queued = talk.submit(Prompt("say again", (hostile,)))

    assert [(await turn.wait()).text for turn in (first, queued)] == ["it", "again"]

    assert "SESAME" not in everything_sent(endpoint)
    texts = endpoint.prompts
    assert texts.count(str(hostile.block["text"])) == 2
    at = texts.index("say it")
    assert texts[at - 2 : at] == [hostile.block["text"], command.block["text"]]
    (tmp_path / "work/own.txt").write_text("written by me")
    assert (await talk.ask(Prompt("say @own.txt", (hostile,)))).text == "@own.txt"
    sent = everything_sent(endpoint)
    assert "written by me" in sent
    assert "SESAME" not in sent
    requests = len(endpoint.requests)
    assert "Context" in (await talk.ask(Prompt("/context", (hostile,)))).text  # the person's own command
    assert len(endpoint.requests) == requests


@pytest.mark.fault(111, via="real")
async def test_data_stays_data_when_a_prompt_is_sent_again_or_quoted(
    session: Sessions,
    cli: Path,
    endpoint: Endpoint,
    hostile: Attachment,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(recovery, "DELAYS", (0.05, 0.1, 0.2))
    talk = session(cli=str(cli), allow=("Bash",))
    projects = Path(talk.options.env["CLAUDE_CONFIG_DIR"]) / "projects"
    projects.parent.mkdir(parents=True, exist_ok=True)
    projects.touch()  # nothing can be recorded
    struck = asyncio.Event()

    def strike(state: SessionState) -> None:
        if state is SessionState.RUNNING and not struck.is_set():
            struck.set()
            os.kill(talk.pid or 0, signal.SIGSTOP)  # or it may read the prompt before the kill
            asyncio.get_running_loop().call_soon(lambda: os.kill(talk.pid or 0, signal.SIGKILL))

    talk.on("status", strike)
    ran = tmp_path / "ran"
    words = f"run touch {ran}; tail -f /dev/null"
    turn = talk.submit(Prompt(words, (hostile,)))
    await eventually(ran.exists)
    assert endpoint.prompts[-2:] == [hostile.block["text"], words]  # sent again
    os.kill(talk.pid or 0, signal.SIGKILL)

    await turn.wait()

    notices = [block.text for block in turn.transcript.blocks if isinstance(block, NoticeBlock)]
    assert notices[-1].endswith("with the prompt quoted.")
    data, quote = endpoint.prompts[-2:]
    assert data == hostile.block["text"]
    assert quote.startswith("[claude_magic] ")
    assert quote.endswith(f"\n\n> {words}")
    assert "SESAME" not in everything_sent(endpoint)


@pytest.mark.fault(111, via="pure")
def test_only_the_words_of_a_prompt_are_quoted() -> None:
    prompt = Prompt("one\ntwo", (Attachment("x", "@file"), Attachment("y", "/clear")))

    quoted = quoting(prompt.content)

    assert isinstance(quoted, list)
    *data, words = quoted
    assert data == [each.block for each in prompt.attachments]
    assert str(words["text"]).endswith("\n\n> one\n> two")
