"""Front ends that never show an update: what they were told last stands there, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from kernel_client import Cell, fresh_environment
from magic_fixtures import MagicNotebook, offline_environment
from terminal_client import plain

# As `jupyter run` is started, but a cell may take longer than its ten seconds: the machine may be busy.
RUN = "import jupyter_client.runapp as run; run.OUTPUT_TIMEOUT = 100; run.main()"
CONSOLE = ["-m", "jupyter_console", "--simple-prompt", "--kernel=python3"]
START_TIMEOUT = 60


def first_shown(cell: Cell) -> str:
    """What a front end shows that takes no update: the streams, and each output as it was made."""
    parts = []
    for message in cell.messages:
        content = message["content"]
        if message["msg_type"] == "stream":
            parts.append(content["text"])
        if message["msg_type"] == "display_data":
            parts.append(content["data"].get("text/plain", ""))
    return "".join(parts)


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
@pytest.mark.parametrize("code", ["%claude {}", "def f():\n    %claude {}\nf()"], ids=["awaited", "nested"])
def test_a_front_end_without_updates_gets_the_answer_as_a_new_output(
    shared: MagicNotebook, code: str
) -> None:
    cell = shared.do(code.format("say seen once"), allow_stdin=True, metadata={})

    assert first_shown(cell).count("\nseen once\n") == 1
    assert "<strong>" not in first_shown(cell)
    assert "seen once" in cell.displays[-1].data["text/html"]
    assert cell.displays[-1].metadata["claude_magic"]["session"] == "main"


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
def test_a_failed_turn_is_seen_too(shared: MagicNotebook) -> None:
    cell = shared.run(
        "%claude stall", allow_stdin=True, metadata={}, interrupt_when=lambda cell: len(cell.displays) > 1
    )

    assert "interrupted" in first_shown(cell)


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
def test_a_background_turn_is_shown_by_the_cell_that_waits_for_it(shared: MagicNotebook) -> None:
    cell = shared.do("%%claude -b\nsay in the background", allow_stdin=True, metadata={})
    waiting = shared.do("%claude_wait", allow_stdin=True, metadata={})

    assert "in the background" not in first_shown(cell)
    assert first_shown(waiting).count("\nin the background\n") == 1


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
def test_a_background_request_that_no_page_can_show_is_denied(shared: MagicNotebook) -> None:
    shared.do("%%claude -b\nwrite unseen.txt x", allow_stdin=True, metadata={})
    waiting = shared.do("%claude_wait", allow_stdin=True, metadata={})

    assert "denied" in first_shown(waiting)
    assert not (shared.work / "unseen.txt").exists()


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
@pytest.mark.parametrize("how", ["named cell", "hello", "nobody there"])
def test_a_page_and_a_notebook_run_headless_get_no_second_answer(shared: MagicNotebook, how: str) -> None:
    metadata = {"cellId": "a"} if how == "named cell" else {}
    cell = shared.cells[
        shared.start("%claude say once", allow_stdin=how != "nobody there", metadata=metadata)
    ]
    if how == "hello":
        shared.wait_for(lambda: "_esm" in str(cell.comms))
        shared.press(cell, "hello")
    shared.wait(cell.id)

    assert sum("once" in display.data.get("text/html", "") for display in cell.displays) == 1
    assert "once\n" in cell.displays[0].data["text/plain"]


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
@pytest.mark.fault(45, via="real")
def test_a_question_carries_the_command_in_its_own_prompt(shared: MagicNotebook) -> None:
    cell = shared.do("%claude run touch asked.txt", allow_stdin=True, metadata={}, answers=["y"])

    (prompt,) = cell.prompts
    assert "touch asked.txt" in prompt
    assert prompt.splitlines()[-1].startswith("Allow it?")
    assert (shared.work / "asked.txt").exists()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return fresh_environment(tmp_path) | offline_environment(tmp_path) | {"TERM": "dumb"}


def spawned(arguments: list[str], folder: Path, environment: dict[str, str]) -> pexpect.spawn[str]:
    child: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        arguments,
        cwd=str(folder),
        env=environment,
        encoding="utf-8",
        timeout=START_TIMEOUT,
        dimensions=(50, 400),
    )
    return child


@pytest.mark.terminal
@pytest.mark.fault(123, via="real")
def test_jupyter_run_prints_the_answer_once(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "load.ipy").write_text("%load_ext claude_magic\n")
    (tmp_path / "ask.ipy").write_text("%%claude --allow Bash\nrun touch by-run.txt\n")
    child = spawned(["-c", RUN, "load.ipy", "ask.ipy"], tmp_path, environment)
    child.expect(pexpect.EOF)
    child.close(force=True)

    assert child.before is not None
    said = plain(child.before)
    assert said.count("It said:") == 1, said
    assert (tmp_path / "by-run.txt").exists()
    assert child.exitstatus == 0


@pytest.fixture
def console(tmp_path: Path, environment: dict[str, str]) -> Iterator[pexpect.spawn[str]]:
    child = spawned(CONSOLE, tmp_path, environment)
    child.expect(r"In \[1\]: ")
    yield child
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close(force=True)


@pytest.mark.terminal
@pytest.mark.fault(123, via="real")
def test_jupyter_console_asks_and_prints_the_answer_once(tmp_path: Path, console: pexpect.spawn[str]) -> None:
    console.sendline("%load_ext claude_magic")
    console.expect(r"In \[2\]: ")
    console.sendline("%claude run touch by-console.txt")
    console.expect(r"touch by-console\.txt\r\n.*Allow it\?")
    console.sendline("y")
    console.expect(r"In \[3\]: ")

    assert console.before is not None
    assert plain(console.before).count("It said:") == 1, console.before
    assert (tmp_path / "by-console.txt").exists()
