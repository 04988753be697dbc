"""The fixture `free_loop` itself: it sees a call that blocks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from blockbuster import BlockingError
from free_loop import ALLOWED
from places import ROOT

from claude_magic.processes.identity import creation_time, is_same_process
from claude_magic.session.states import SessionState, Status
from claude_magic.support.state_file import StateFile, off_loop


async def test_a_blocking_call_below_our_code_is_caught(tmp_path: Path) -> None:
    said: list[str] = []
    status = Status(said.append)
    status.add("status", lambda _: time.sleep(0))
    status.add("status", lambda _: (tmp_path / "file").write_text("text"))

    status.emit("status", SessionState.IDLE)

    assert "Blocking call to time.sleep" in said[0]
    assert "Blocking call to io." in said[1]


async def test_what_is_left_out_may_block() -> None:
    assert is_same_process(os.getpid(), creation_time(os.getpid()))


def test_what_is_left_out_is_there() -> None:
    for file, functions in ALLOWED.items():
        if file.startswith("claude_magic/"):
            source = (ROOT / file).read_text(encoding="utf-8")
            assert [name for name in functions if f"def {name}(" not in source] == []


async def test_a_state_file_is_asked_off_the_loop(tmp_path: Path) -> None:
    file = StateFile("file.sqlite", "CREATE TABLE IF NOT EXISTS t (x)", tmp_path)

    with pytest.raises(BlockingError):
        file.run(lambda _: None)

    assert await off_loop(file.run, lambda database: database.execute("SELECT 1").fetchone()) == (1,)
    assert file.notices() == []
