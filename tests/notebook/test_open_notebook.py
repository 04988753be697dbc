"""The notebook that is open: no tool of Claude's edits it; the person is told of a command that may have."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from generations import OLDER_CLI, current_cli
from magic_fixtures import MagicNotebook, html, read_page

pytestmark = [pytest.mark.kernel, pytest.mark.fault(101, via="real")]

WARNING = "the command may have changed it"
DENIED = "Change its cells with add_cell, edit_cell and delete_cell"


def cells(*sources: str, output: str = "") -> str:
    outputs = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    made: list[dict[str, object]] = [
        {"id": "first", "cell_type": "code", "source": source, "metadata": {}, "outputs": outputs,
         "execution_count": None}
        for source in sources
    ]  # fmt: skip
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MagicNotebook]:
    """A kernel whose front end says which notebook it runs, and in what a link to it stands beside it."""
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "work").mkdir()
    file = folder / "work" / "open.ipynb"
    file.write_text(cells("1"), "utf-8")
    (folder / "linked").symlink_to("work")
    with MagicNotebook(folder, notebook=file) as kernel:
        kernel.load()
        yield kernel


@pytest.fixture
def file(kernel: MagicNotebook) -> Path:
    """The notebook's file, as its front end has saved it, and a hard link to it."""
    file: Path = kernel.work / "open.ipynb"
    file.write_text(cells("1"), "utf-8")
    twin = kernel.work / "twin.json"
    twin.unlink(missing_ok=True)
    os.link(file, twin)
    return file


def warned(kernel: MagicNotebook, prompt: str, session: str = "main") -> bool:
    cell = kernel.do(f"%%claude -s {session} --allow Bash\n{prompt}")
    assert "It said: " in read_page(html(cell)).text
    return WARNING in read_page(html(cell)).text


@pytest.mark.parametrize("cli", [current_cli(), OLDER_CLI], ids=["current", "older"])
def test_no_tool_writes_the_open_notebook_by_whatever_path_and_in_whatever_mode(
    kernel: MagicNotebook, file: Path, cli: Path
) -> None:
    before, name = file.read_bytes(), f"edits-{cli.parts[-4]}"
    kernel.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
    for options, prompt in (
        ("--allow Edit", "change twin.json from source to sauce"),
        ("--permission-mode acceptEdits", "overwrite twin.json"),
        ("--permission-mode bypassPermissions", "new cell in open.ipynb"),
        ("--permission-mode bypassPermissions", "overwrite ../linked/open.ipynb"),
        ("--permission-mode bypassPermissions", "let a helper overwrite open.ipynb"),
        ("--permission-mode bypassPermissions --task edits", "overwrite open.ipynb"),
    ):
        where = "" if "--task" in options else f"-s {name}"
        cell = kernel.do(f"%%claude {where} {options}\n{prompt}")
        kernel.do("%claude_wait")
        page = read_page(html(cell)).text
        assert file.read_bytes() == before, prompt
        assert DENIED in page, prompt
        if "helper" not in prompt:
            assert "denied" in page, prompt
            assert DENIED in kernel.endpoint.tool_results[-1]

    (kernel.work / "other.txt").write_text("one")
    kernel.do(f"%%claude -s {name} --allow Edit\nchange other.txt from one to two")
    assert (kernel.work / "other.txt").read_text() == "two"
    kernel.do("%claude_tasks cleanup")
    kernel.do("%config ClaudeMagics.cli = None")


@pytest.mark.parametrize("cli", [current_cli(), OLDER_CLI], ids=["current", "older"])
def test_a_command_that_changes_its_cells_is_told_of(kernel: MagicNotebook, file: Path, cli: Path) -> None:
    kernel.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
    name = f"commands-{cli.parts[-4]}"
    for command, told in (
        ("sed -i s/first/second/ open.ipynb", True),
        ("python -c 'print(1)' open.ipynb", False),
        ("touch open.ipynb", False),
        ("echo more >> open.ipynb; false", True),
        ("mv open.ipynb gone", True),
    ):
        assert warned(kernel, f"run {command}", name) is told, command
    (kernel.work / "gone").rename(file)
    kernel.do("%config ClaudeMagics.cli = None")


def test_what_the_front_end_saves_is_not_taken_for_a_commands_doing(
    kernel: MagicNotebook, file: Path
) -> None:
    assert not warned(kernel, "run true")
    file.write_text(cells("saved between turns"), "utf-8")
    assert not warned(kernel, "run true")

    turn = kernel.start("%%claude --allow Bash\nonce saved is there run true")
    kernel.wait_for(lambda: kernel.cells[turn].displays)
    file.write_text(cells("saved while Claude thinks"), "utf-8")
    kernel.wait_for(lambda: time.time() > file.stat().st_ctime + 0.1)
    (kernel.work / "saved").touch()
    assert WARNING not in html(kernel.wait(turn))

    file.write_text(cells("1"), "utf-8")
    (kernel.work / "saved.json").write_text(cells("1", output="x"), "utf-8")
    assert not warned(kernel, "run cat saved.json > open.ipynb"), "outputs are the kernel's doing"


def test_a_command_is_told_of_though_the_kernel_hears_of_it_only_when_it_is_done(
    kernel: MagicNotebook, file: Path
) -> None:
    """Its own events wait with everything else while a cell computes."""
    assert not warned(kernel, "run true")
    requests = len(kernel.endpoint.requests)
    turn = kernel.start("%%claude --allow Bash -b\nonce computing is there run sed -i s/1/2/ open.ipynb")
    kernel.wait_for(lambda: len(kernel.endpoint.requests) > requests)

    kernel.do(
        "import time, pathlib\n"
        f"file, before = pathlib.Path({str(file)!r}), pathlib.Path({str(file)!r}).read_bytes()\n"
        "pathlib.Path('computing').touch()\n"
        "while file.read_bytes() == before or time.time() < file.stat().st_ctime + 0.3: time.sleep(0.01)"
    )
    kernel.do("%claude_wait")
    assert WARNING in read_page(html(kernel.cells[turn])).text


def test_a_renamed_notebook_is_known_again(kernel: MagicNotebook, file: Path) -> None:
    assert not warned(kernel, "run true")
    renamed = file.rename(kernel.work / "renamed.ipynb")
    before = renamed.read_bytes()

    kernel.do("%%claude --permission-mode bypassPermissions\noverwrite renamed.ipynb")
    assert renamed.read_bytes() == before
    assert not warned(kernel, "run true")
    assert warned(kernel, "run echo more >> renamed.ipynb")

    renamed.rename(file)
