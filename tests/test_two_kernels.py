"""Two real kernels and one conversation: there is never a second live process on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from magic_fixtures import MagicNotebook, shown

pytestmark = [pytest.mark.process, pytest.mark.kernel]

MAGICS = 'next(c for c in get_ipython().configurables if type(c).__name__ == "ClaudeMagics")'
ID = f'{MAGICS}.sessions.find("main").session_id'
RESUME = f"""
from claude_magic import Session
options = {MAGICS}.sessions.find("other").options
session = Session(options.with_(session_id={{id!r}}))
await session.start()
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "n é.ipynb"
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
    refused = second.error(RESUME.format(id=conversation))
    assert str(notebook) in refused
    assert f"pid {pid}" in refused
    assert [first.claude_pid(), first.run("%claude say two").ok] == [pid, True]
    os.kill(first.pid, signal.SIGKILL)
    assert second.run(RESUME.format(id=conversation)).ok
    assert second.run('r = await session.ask("say three")').ok
    assert second.value("(r.text, r.session_id)") == ("three", conversation)
    assert [prompt for prompt in second.endpoint.prompts if prompt.startswith("say ")] == [
        "say one",
        "say two",
        "say three",
    ]


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
    assert [prompt for prompt in second.endpoint.prompts if prompt.startswith("say ")] == ["say mine"]
    again = second.run("%claude say more")
    assert "pid" not in shown(again)
    assert first.run("%claude say two").ok


@pytest.mark.fault(95, via="real")
def test_once_the_other_kernel_is_gone_its_notebook_goes_on_with_the_conversation(
    kernels: tuple[MagicNotebook, MagicNotebook],
) -> None:
    first, second = kernels
    conversation = first.value(ID)
    os.kill(first.pid, signal.SIGKILL)
    assert second.run("%claude say two").ok
    assert second.value(ID) == conversation
