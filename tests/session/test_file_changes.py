"""The files that a turn has changed, and going back to what they were: the real CLI, both generations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_magic.errors import BusyError, StateError
from claude_magic.options import TurnOptions
from claude_magic.permissions import deny_unattended
from claude_magic.session import Session

pytestmark = pytest.mark.process

Sessions = Callable[..., Session]
MAY = TurnOptions(permission_mode="bypassPermissions")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_a_result_has_the_files_and_the_session_goes_back_to_what_they_were(
    session: Sessions, cli: Path
) -> None:
    talk = session(cli=str(cli), permission_mode="bypassPermissions")
    work = Path(talk.options.cwd)
    cell = {"id": "first", "cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
    notebook = {
        "cells": [{**cell, "execution_count": None}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    before = {"a.txt": b"one\r\ntwo\r\n", "n.ipynb": json.dumps(notebook).encode()}
    for name, content in before.items():
        (work / name).write_bytes(content)

    changed = (await talk.ask("change a.txt from one to uno")).files
    assert [(each.path, each.created, each.additions, each.deletions) for each in changed] == [
        (str(work / "a.txt"), False, 1, 1)
    ]
    assert changed[0].diff.splitlines()[3:] == ["-one", "+uno", " two"]

    (made,) = (await talk.ask("write b.txt hello")).files
    assert (made.path, made.created, made.after) == (str(work / "b.txt"), True, "hello")

    (cells,) = (await talk.ask("new cell in n.ipynb")).files
    assert cells.path == str(work / "n.ipynb")
    assert cells.additions > 1

    (helped,) = (await talk.ask("let a helper write c.txt hello")).files
    assert (helped.path, helped.after) == (str(work / "c.txt"), "hello")

    assert (await talk.ask("change a.txt from nothing to all")).files == ()
    assert (await talk.ask("run echo more >> a.txt")).files == ()
    talk.options = talk.options.with_(permission_mode="default")
    denied = await talk.ask("write d.txt hello", asker=deny_unattended)
    assert denied.files == ()
    assert not (work / "d.txt").exists()

    await talk.stop()
    first = talk.history[0].message_id
    told = await talk.rewind(first, dry_run=True)
    assert sorted(Path(path).name for path in told) == ["a.txt", "b.txt", "n.ipynb"]
    assert (work / "b.txt").exists(), "it only told"
    await talk.rewind(first)
    assert contents(work) == {**before, "c.txt": b"hello"}, "of a subagent's files the CLI knows nothing"

    with pytest.raises(StateError, match=r"No file checkpoint found for this message\.$"):
        await talk.rewind("00000000-0000-4000-8000-000000000000", dry_run=True)
    turn = talk.submit("stall")
    with pytest.raises(BusyError, match="%claude_wait main"):
        await talk.rewind(first)
    talk.interrupt(turn)
    await turn.wait()
