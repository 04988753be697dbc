"""What the CLI and the API say when something goes wrong is shown, and does nothing to a terminal."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_magic import Session
from claude_magic.errors import ClaudeMagicError, TurnFailedError
from claude_magic.transcript.blocks import NoticeBlock

ACTS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # on a terminal; a line end does not
NOISE = r"before \033]52;c;c2VjcmV0\007 \033[31mred\033[2J\rover\007\302\23331m after\n"

pytestmark = [pytest.mark.fault(115, via="real"), pytest.mark.process]


@pytest.fixture
def wrapped(tmp_path: Path) -> Callable[[Path], str]:
    """The real CLI, which colours what it says before it refuses a flag."""

    def wrapper(cli: Path) -> str:
        path = tmp_path / "claude"
        path.write_text(f"#!/bin/sh\nprintf '{NOISE}' >&2\nexec '{cli}' --no-such-flag \"$@\"\n", "utf-8")
        path.chmod(0o755)
        return str(path)

    return wrapper


def harmless(*texts: str) -> None:
    for text in texts:
        assert not ACTS.search(text), ascii(text)
        assert re.search(r"before\s+red\s*over31m after", text), text


async def failed(session: Session, prompt: str) -> list[ClaudeMagicError]:
    heard: list[ClaudeMagicError] = []
    session.on("error", heard.append)
    with pytest.raises(ClaudeMagicError) as caught:
        await session.ask(prompt)
    return [caught.value, *heard]


async def test_stderr_reaches_every_error_without_what_a_terminal_acts_on(
    session: Callable[..., Session], wrapped: Callable[[Path], str], cli: Path
) -> None:
    wrapping = session(cli=wrapped(cli), recoveries=0)

    error, *heard = await failed(wrapping, "say hello")

    for each in (error, *heard):
        harmless(str(each), repr(each), *each.args, *traceback.format_exception_only(each))
        harmless("".join(each._render_traceback_()))
    harmless(wrapping.last_error)
    (transcript,) = wrapping.history
    harmless(*(block.text for block in transcript.blocks if isinstance(block, NoticeBlock)))
    assert "unknown option" in str(error)
    assert "\n" not in str(error)


async def test_an_error_of_the_api_reaches_no_one_with_what_a_terminal_acts_on(
    session: Callable[..., Session], cli: Path
) -> None:
    coloured = session(cli=str(cli))

    error, *heard = await failed(coloured, "fail in colours")

    assert isinstance(error, TurnFailedError)
    for each in (error, *heard):
        harmless(str(each), repr(each), *each.args)
    harmless(error.result.error, repr(error.result), coloured.last_error)
    (transcript,) = coloured.history
    harmless(*(block.text for block in transcript.blocks if isinstance(block, NoticeBlock)))
