"""Two real kernels and one conversation: there is never a second live process on it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, read_page, shown

from claude_magic.processes.identity import creation_time, is_same_process

pytestmark = [pytest.mark.process, pytest.mark.kernel]

MAGICS = 'next(c for c in get_ipython().configurables if type(c).__name__ == "ClaudeMagics")'
ID = f'{MAGICS}.sessions.find("main").session_id'
RESUME = f"""
from claude_magic import Session
options = {MAGICS}.sessions.find("other").options
session = Session(options.with_(session_id={{id!r}}))
await session.start()
"""


def said(notebook: MagicNotebook) -> list[str]:
    """What the model knows of in its latest request."""
    return [prompt for prompt in notebook.endpoint.stripped_prompts if prompt.startswith("say ")]


def kill(notebook: MagicNotebook) -> None:
    """Kills a kernel and waits for its end, which takes a moment."""
    pid, created = notebook.pid, creation_time(notebook.pid)
    os.kill(pid, signal.SIGKILL)
    notebook.wait_for(lambda: not is_same_process(pid, created))


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "n é <img src=x onerror=alert(1)>.ipynb"
    path.write_text("{}")
    return path


@pytest.fixture
def kernels(tmp_path: Path, notebook: Path) -> Iterator[tuple[MagicNotebook, MagicNotebook]]:
    """Two of one notebook, as after a copy or a rename; the first has a conversation that runs."""
    with (
        MagicNotebook(tmp_path, notebook=notebook) as first,
        MagicNotebook(tmp_path, notebook=notebook) as second,
    ):
        first.load()
        assert first.run("%claude say one").ok
        second.load()
        yield first, second


@pytest.mark.fault(95, via="real")
def test_an_explicit_resume_of_what_another_kernel_runs_is_refused_until_that_one_dies(
    kernels: tuple[MagicNotebook, MagicNotebook], notebook: Path
) -> None:
    first, second = kernels
    conversation, pid = first.value(ID), first.claude_pid()
    assert second.run("%claude -s other say hello").ok
    listed = second.printed("%claude_resume")
    assert f"in use by {notebook} (pid {pid})" in listed
    for explicit in (f"%claude_resume {conversation[:8]}", RESUME.format(id=conversation)):
        refused = second.error(explicit)
        assert str(notebook) in refused
        assert f"pid {pid}" in refused
    assert [first.claude_pid(), first.run("%claude say two").ok] == [pid, True]

    kill(first)
    assert second.printed(f"%claude_resume {conversation[:8]}").startswith(
        "The next prompt goes on with 'say one'"
    )
    assert second.run("r = %claude say three").ok
    assert second.value("(r.text, r.session_id)") == ("three", conversation)
    assert said(second) == ["say one", "say two", "say three"]


@pytest.mark.fault(95, via="real")
def test_a_choice_that_another_kernel_was_quicker_with_is_refused_at_the_prompt_until_that_one_dies(
    kernels: tuple[MagicNotebook, MagicNotebook], notebook: Path
) -> None:
    first, second = kernels
    conversation = first.value(ID)
    first.do("%claude_stop")
    second.do(f"%claude_resume {conversation[:8]}")
    assert first.run("%claude say two").ok

    refused = second.error("%claude say three")

    assert str(notebook) in refused
    assert f"pid {first.claude_pid()}" in refused
    kill(first)
    assert second.run("%claude say three").ok
    assert said(second) == ["say one", "say two", "say three"]


@pytest.mark.fault(95, via="real")
def test_each_kernel_sees_the_sessions_of_both_and_can_copy_what_the_other_runs(
    kernels: tuple[MagicNotebook, MagicNotebook], notebook: Path
) -> None:
    first, second = kernels
    conversation = first.value(ID)
    assert "a copy of 'say one', 1 turn" in second.printed(
        f"%claude_resume {conversation[:8]} -s reviewer --fork"
    )
    assert second.run("%claude -s reviewer say mine").ok
    assert said(second) == ["say one", "say mine"]

    (display,) = second.do("%claude_status --all").displays

    page = read_page(display.data["text/html"])
    assert page.tags == {"link", "div", "table", "thead", "tbody", "tr", "th", "td"}
    lines = display.data["text/plain"].splitlines()
    theirs, ours = (re.split(r"  +", line) for line in lines[1:])
    assert theirs[:3] == ["main", "running", str(first.claude_pid())]
    assert ours[:3] == ["reviewer", "idle", str(second.claude_pid("reviewer"))]
    assert [theirs[5], ours[5]] == [notebook.name] * 2
    assert [theirs[-1], ours[-1]] == [str(first.pid), f"{second.pid} (this one)"]
    assert first.run("%claude say two").ok
    assert said(first) == ["say one", "say two"]
    kill(first)
    second.wait_for(lambda: theirs[2] not in second.printed("%claude_status --all"))


@pytest.mark.fault(95, via="real")
def test_a_notebook_whose_conversation_another_kernel_runs_gets_its_own_and_is_told(
    kernels: tuple[MagicNotebook, MagicNotebook], notebook: Path
) -> None:
    first, second = kernels
    cell = second.run("%claude say mine")
    assert cell.ok
    assert str(notebook) in shown(cell)
    assert f"pid {first.claude_pid()}" in shown(cell)
    assert second.value(ID) != first.value(ID)
    assert said(second) == ["say mine"]
    again = second.run("%claude say more")
    assert "pid" not in shown(again)
    assert first.run("%claude say two").ok


@pytest.mark.fault(95, via="real")
def test_once_the_other_kernel_is_gone_its_notebook_goes_on_with_the_conversation(
    kernels: tuple[MagicNotebook, MagicNotebook],
) -> None:
    first, second = kernels
    conversation = first.value(ID)
    kill(first)
    assert second.run("%claude say two").ok
    assert second.value(ID) == conversation


def save(path: Path, *cells: Cell) -> None:
    """Saves what cells show as their notebook, as a front end does."""
    outputs = [
        [
            {"output_type": "display_data", "data": each.data, "metadata": each.metadata}
            for each in cell.displays
        ]
        for cell in cells
    ]
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": each} for each in outputs]}))


@pytest.mark.fault(95, via="real")
@pytest.mark.fault(103, via="real")
def test_a_copied_notebook_gets_its_own_conversation_and_is_told_and_a_moved_one_goes_on(
    tmp_path: Path,
) -> None:
    original, copied, moved = (tmp_path / f"{name} é.ipynb" for name in ("original", "copied", "moved"))
    original.write_text("{}")
    with MagicNotebook(tmp_path, notebook=original) as first:
        first.load()
        save(original, first.do("%claude say one"), first.do("%claude -s other say two"))
        conversation = first.value(ID)
        shutil.copy(original, copied)
        with MagicNotebook(tmp_path, notebook=copied) as second:
            second.load()
            cell = second.do("%claude say mine")
            assert f"The earlier conversation is that of {original}; this is a new one." in shown(cell)
            assert f"%claude_resume {conversation[:8]} --fork" in shown(cell)
            assert said(second) == ["say mine"]
            assert second.value(ID) != conversation
        assert first.run("%claude say two").ok
        assert said(first) == ["say one", "say two"]
    shutil.copy(original, moved)  # as after a download: another path, another inode
    original.unlink()

    with MagicNotebook(tmp_path, notebook=moved) as third:
        third.load()
        cell = third.do("%claude say three")
        assert "resumed, 2 earlier turns" in shown(cell)
        assert said(third) == ["say one", "say two", "say three"]

        third.do("%claude_restart --fresh")
        third.do("%unload_ext claude_magic")
        third.load()
        assert "resumed" not in shown(third.do("%claude say four")), "what was begun anew stays so"
        assert said(third) == ["say four"]
