"""A prompt may stand wherever a cell can come from: it is asked, or one line says why not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import psutil
import pytest
from endpoint_log import Endpoint
from kernel_client import fresh_environment
from magic_fixtures import MagicNotebook, offline_environment, shown
from places import OLDER_KERNEL
from terminal_client import Terminal

RUN = "get_ipython().run_line_magic"
UVLOOP = "import uvloop\nuvloop.install()\n"
# IPython reads these in this order, before the first cell and before a kernel has its loop.
STARTUP = {
    "startup/10.py": f"{RUN}('load_ext', 'claude_magic')\na = {RUN}('claude', 'say a')\n",
    "startup/20.ipy": "b = %claude say b?\n%time c = %claude say c?\n",
    "ipython_config.py": "c.InteractiveShellApp.exec_lines = ['d = %claude what came first?']",
}
QUESTIONS = {
    "%claude say 1?": "say 1?",
    "claude say 2?": "say 2?",
    "claude say what's 3?": "say what's 3?",
    "%time %claude say 4?": "say 4?",
    "%%time\n%claude say 5?": "say 5?",
    "%%time\nclaude say 6?": "say 6?",
    "%timeit -n1 -r1 %claude say 7?": "say 7?",
    "%%capture\nx = %claude say 8?": "say 8?",
    "if True:\n    %claude say 9??": "say 9??",
    "%run asked.ipy": "say in a file?",
    "%run asked.ipynb": "say in a notebook?",
    "%alias_magic -l ai claude\n%ai say 10?": "say 10?",
    "ai say 11?": "say 11?",
}


def profile(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / "ipython" / "profile_default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def files_that_ask(folder: Path) -> None:
    (folder / "asked.ipy").write_text("%claude say in a file?\n", encoding="utf-8")
    cell = nbformat.v4.new_code_cell("%claude say in a notebook?")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "asked.ipynb")
    (folder / "loads.ipy").write_text("%load_ext claude_magic\nr = %claude say loaded?\n", encoding="utf-8")


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(tmp_path, env=offline_environment(tmp_path)) as terminal:
        yield terminal


@pytest.mark.kernel
@pytest.mark.fault(122, via="real")
@pytest.mark.parametrize("older", [False, True], ids=["ipykernel_7", "ipykernel_6"])
def test_what_start_up_files_ask_is_answered_and_the_cells_go_on_with_it(tmp_path: Path, older: bool) -> None:  # noqa: FBT001
    profile(tmp_path, STARTUP)
    path = fresh_environment(tmp_path)["PYTHONPATH"]
    env = {"PYTHONPATH": f"{OLDER_KERNEL}{os.pathsep}{path}"} if older else {}
    with MagicNotebook(tmp_path, env=env) as kernel:
        assert kernel.value("[r.text for r in (a, b, c, d)]") == ["a", "b?", "c?", "First came: say a"]
        pid = kernel.claude_pid()

        assert "say on" in shown(kernel.do("%claude say on"))
        kernel.do("%time e = %claude what came before?")

        assert kernel.value("e.text") == "Before this came: say on"
        assert kernel.claude_pid() == pid


@pytest.mark.terminal
@pytest.mark.fault(122, via="real")
def test_what_start_up_files_ask_at_the_prompt_is_answered_and_the_cells_go_on_with_it(
    tmp_path: Path,
) -> None:
    profile(tmp_path, STARTUP)
    with Terminal(tmp_path, env=offline_environment(tmp_path)) as terminal:
        assert "['a', 'b?', 'c?', 'First came: say a']" in terminal.run("[r.text for r in (a, b, c, d)]")
        assert "Before this came: say c?" not in terminal.run("%claude say on")
        assert "Before this came: say on" in terminal.run("%claude what came before?")


@pytest.mark.kernel
@pytest.mark.fault(122, via="real")
def test_a_kernel_that_begins_with_another_loop_than_its_start_up_file_had_resumes(tmp_path: Path) -> None:
    profile(tmp_path, STARTUP | {"startup/30.py": UVLOOP})
    with MagicNotebook(tmp_path) as kernel:
        kernel.do("e = %claude what came first?")

        assert kernel.value("e.text") == "First came: say a"


@pytest.mark.kernel
@pytest.mark.fault(122, via="real")
def test_on_uvloop_a_cell_waits_and_where_it_cannot_one_line_says_so(tmp_path: Path) -> None:
    profile(tmp_path, {"startup/00.py": UVLOOP})
    with MagicNotebook(tmp_path) as kernel:
        kernel.load()
        kernel.do("import asyncio\nassert 'uvloop' in repr(asyncio.get_running_loop())\n%claude say 1")
        said = kernel.error("def f():\n    %claude say 2\nf()")
        assert "An event loop of type Loop cannot be nested; use the magic at the top level" in said
        stopped = kernel.run("%claude stall", interrupt_when=lambda cell: "first half" in str(cell.displays))
        assert stopped.error is not None
        kernel.do("r = %claude run echo $PPID")
        assert kernel.value("r.tool_calls[0].name") == "Bash"
        children = kernel.children()

        kernel.do("%unload_ext claude_magic")

        assert children
        kernel.wait_for(lambda: not any(map(lives, children)))  # killed, with no loop that could reap them


@pytest.mark.terminal
@pytest.mark.fault(122, via="real")
def test_on_uvloop_the_prompt_waits_in_every_way(tmp_path: Path) -> None:
    profile(tmp_path, {"startup/00.py": UVLOOP})
    with Terminal(tmp_path, env=offline_environment(tmp_path)) as terminal:
        terminal.run("%load_ext claude_magic")
        assert "uvloop" in terminal.run("import asyncio; await asyncio.sleep(0); asyncio.get_running_loop()")
        terminal.run("r = %claude say 1")
        terminal.run("%time s = %claude say 2")
        assert "('1', '2')" in terminal.run("r.text, s.text")
        terminal.start("%claude stall")
        terminal.wait_for("The first half")
        terminal.interrupt()
        assert "claude_magic: Interrupted." in terminal.wait_for_prompt()


@pytest.mark.kernel
@pytest.mark.fault(122, via="real")
def test_a_prompt_may_end_with_a_question_mark_wherever_it_stands(notebook: MagicNotebook) -> None:
    files_that_ask(notebook.work)

    for code, prompt in QUESTIONS.items():
        notebook.do(code)
        assert notebook.endpoint.prompts[-1] == prompt


@pytest.mark.terminal
@pytest.mark.fault(122, via="real")
def test_a_prompt_may_end_with_a_question_mark_at_the_prompt_too(terminal: Terminal, tmp_path: Path) -> None:
    endpoint = Endpoint("", tmp_path / "endpoint.jsonl")
    terminal.run("%load_ext claude_magic")
    for code in ("claude say what's 1?", "%time %claude say 2?", "%%time\n%claude say 3?"):
        terminal.run(code)
        assert endpoint.prompts[-1] == code.partition("claude ")[2]


@pytest.mark.kernel
def test_help_stays_help(notebook: MagicNotebook) -> None:
    for code in ("%claude?", "claude?", "%claude??", "%%claude?", "%claude_wait?", "%time?", "len?"):
        reply = notebook.do(code).reply
        assert reply is not None
        assert reply["payload"][0]["source"] == "page", code
    for code in (
        "claude = 1\nclaude.real?",
        "claude?",
        "del claude\n%automagic 0",
        "claude what is nothing?",
    ):
        notebook.do(code)
    notebook.do("%automagic 1")

    assert notebook.children() == []


@pytest.mark.kernel
@pytest.mark.fault(122, via="real")
def test_the_cell_that_loads_the_extension_may_ask_with_a_question_mark(own_kernel: MagicNotebook) -> None:
    files_that_ask(own_kernel.work)
    cell = own_kernel.do(
        "%load_ext claude_magic\nr = %claude say one?\nfor _ in 'a':\n    %claude say two?\n"
        "len?\n%claude say three??"
    )

    assert own_kernel.value("r.text") == "one?"
    assert len([display for display in cell.displays if "three??" in str(display.data)]) > 0
    assert "two?" in "".join(str(display.data) for display in cell.displays)
    assert cell.reply is not None
    assert "Return the number of items" in str(cell.reply["payload"])
    asked = len(own_kernel.endpoint.lines)
    assert "not found" in own_kernel.do("nothing = 1; del nothing\nis this three?").stdout
    assert len(own_kernel.endpoint.lines) == asked

    own_kernel.do("%unload_ext claude_magic\n%run loads.ipy")
    assert own_kernel.value("r.text") == "loaded?"
    own_kernel.do("%unload_ext claude_magic")
    assert own_kernel.value(
        "[get_ipython().find_line_magic(n).__qualname__ for n in ('pinfo', 'psearch')]"
    ) == [
        "NamespaceMagics.pinfo",
        "NamespaceMagics.psearch",
    ]
