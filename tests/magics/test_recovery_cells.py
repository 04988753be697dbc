"""The CLI is killed in the middle of a cell: the cell goes on, says so, and the notebook with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal

import psutil
import pytest
from generations import OLDER_CLI
from kernel_client import Cell
from magic_fixtures import MagicNotebook, markdown, shown, static

from claude_magic.session.recovery import CONTINUE

pytestmark = pytest.mark.kernel

WATCH = "tail -f /dev/null"


def below(notebook: MagicNotebook, words: str) -> list[int]:
    """The processes that the kernel has started, or those have, with these words in their command lines."""
    found = []
    for process in psutil.Process(notebook.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if words in " ".join(process.cmdline()):
                found.append(process.pid)
    return found


def prompts(notebook: MagicNotebook) -> list[str]:
    """What was asked, as the CLI's own files have it."""
    config = notebook.folder / "state" / "claude_magic" / "offline" / "config"
    files = config.glob("projects/*/*.jsonl")
    texts = [file.read_text(encoding="utf-8") for file in files]
    lines = [
        json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line[-1] == "\n"
    ]
    contents = [line["message"]["content"] for line in lines if line["type"] == "user"]
    # What goes before the words is data.
    last = [content if isinstance(content, str) else content[-1].get("text") for content in contents]
    return [words for words in last if words is not None]


def start_and_kill(notebook: MagicNotebook, options: str, prompt: str) -> Cell:
    """Starts a cell whose command runs for ever, and kills the CLI under it."""
    cell = notebook.cells[notebook.start(f"%%claude --allow Bash {options}\n{prompt}")]
    notebook.wait_for(lambda: below(notebook, WATCH) and prompt in prompts(notebook))
    # The older CLI writes 0.1 s late, and goes on from half a turn in its own way.
    call = f'"command":"{prompt.removeprefix("run ")}"'
    notebook.wait_for(lambda: any(call in file.read_text() for file in notebook.conversation_files()))
    os.kill(below(notebook, "--input-format")[0], signal.SIGKILL)
    return cell


@pytest.mark.fault(96, via="real")
@pytest.mark.parametrize("older", [False, True])
def test_a_cell_whose_claude_is_killed_goes_on_and_says_so(notebook: MagicNotebook, *, older: bool) -> None:
    if older:
        notebook.do(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")
    prompt = f"run echo once >> ran; {WATCH}"

    cell = start_and_kill(notebook, "--out r", prompt)
    notebook.wait(cell.id)

    assert cell.ok, cell.error
    assert (notebook.work / "ran").read_text() == "once\n"
    page = markdown(cell)
    assert "claude ended (killed by SIGKILL); restarting in 1 s, try 1 of 3." in page
    assert "Resumed; Claude was told to continue." in page
    assert notebook.value("(r.text, r.error, r.interrupted)") == ("Running.\n\nGoing on.", "", False)
    assert notebook.value("[(call.name, call.is_error) for call in r.tool_calls]") == [("Bash", True)]
    assert notebook.value("_ is r") is True
    assert not below(notebook, WATCH)
    status = notebook.status()
    assert status["last error"] == "claude ended (killed by SIGKILL)."
    assert status["turns"] == "1"
    cell = notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == f"First came: {prompt}"
    assert "resumed, " not in shown(cell)
    notebook.wait_for(lambda: prompts(notebook) == [prompt, CONTINUE, "what came first?"])


@pytest.mark.fault(96, via="real")
def test_a_kernel_interrupt_during_the_wait_ends_the_cell_and_the_next_one_resumes(
    notebook: MagicNotebook,
) -> None:
    notebook.do("from claude_magic.session import recovery\nrecovery.DELAYS = (600.0,)")
    prompt = f"run {WATCH}"
    cell = start_and_kill(notebook, "", prompt)
    notebook.wait_for(lambda: "restarting in 600 s" in str(static(cell)))

    notebook.interrupt()
    notebook.wait(cell.id)

    assert cell.error is not None
    assert cell.error.name == "TurnInterrupted"
    notebook.do("recovery.DELAYS = (1.0, 2.0, 4.0)")
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == f"First came: {prompt}"


@pytest.mark.fault(96, via="real")
def test_recoveries_can_be_switched_off(notebook: MagicNotebook) -> None:
    notebook.do("%config ClaudeMagics.recoveries = 0")
    prompt = f"run {WATCH}"
    cell = start_and_kill(notebook, "", prompt)
    notebook.wait(cell.id)
    notebook.do("%config ClaudeMagics.recoveries = 3")  # the kernel is shared
    assert cell.error is not None
    assert "claude ended (killed by SIGKILL). The next prompt resumes the conversation." in cell.error.value
    assert notebook.status()["state"] == "crashed"


@pytest.mark.fault(103, via="real")
def test_a_kernel_killed_in_a_sessions_first_turn_finds_its_conversation_again(
    own_kernel: MagicNotebook,
) -> None:
    own_kernel.load()
    own_kernel.start("%claude slowly")
    own_kernel.wait_for(lambda: "slowly" in prompts(own_kernel))
    os.kill(own_kernel.pid, signal.SIGKILL)
    own_kernel.restart()
    own_kernel.load()

    cell = own_kernel.do("r = %claude what came first?")

    assert own_kernel.value("r.text") == "First came: slowly"
    assert "An earlier conversation goes on here." in shown(cell)
