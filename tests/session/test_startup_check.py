"""A folder's own settings that widen what Claude may do are named, and refused with `strict_init`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_magic import Options, Session
from claude_magic.errors import ClaudeMagicError
from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import NoticeBlock


def widen(folder: Path) -> None:
    (folder / ".claude").mkdir()
    settings = {"permissions": {"defaultMode": "acceptEdits", "allow": ["Bash"]}}
    (folder / ".claude" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def warnings(transcript: Transcript) -> list[str]:
    return [
        block.text
        for block in transcript.blocks
        if isinstance(block, NoticeBlock) and block.level == "warning"
    ]


@pytest.mark.fault(87, via="real")
@pytest.mark.process
async def test_a_mode_that_a_project_widens_is_named_once_with_its_source(
    options: Callable[..., Options],
) -> None:
    asked = options()
    widen(asked.directory)

    async with Session(asked) as session:
        await session.ask("say one")
        await session.ask("say two")

        first, second = session.history
        assert any("acceptEdits" in text and ".claude/settings.json" in text for text in warnings(first))
        assert warnings(second) == []


@pytest.mark.fault(87, via="real")
@pytest.mark.process
async def test_strict_init_refuses_to_work_there(options: Callable[..., Options]) -> None:
    asked = options(strict_init=True)
    widen(asked.directory)
    session = Session(asked)

    with pytest.raises(ClaudeMagicError, match=r"strict_init.*acceptEdits"):
        await session.ask("write a.txt hello")

    assert not (asked.directory / "a.txt").exists()
    assert not session.is_running
    await session.stop()


@pytest.mark.fault(88, via="real")
@pytest.mark.process
async def test_the_notice_of_an_untrusted_folder_is_shown_once_without_paths(
    options: Callable[..., Options], fresh_environment: Path
) -> None:
    asked = options()
    widen(asked.directory)

    async with Session(asked) as session:
        await session.ask("say one")
        await session.ask("say two")

        told = [text for shown in session.history for text in warnings(shown) if "not been trusted" in text]
        assert len(told) == 1
        assert str(fresh_environment) not in told[0]
