"""Ending a session, and finding its conversation again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

FIRST = "r = %claude what came first?"
RESUMED = "resumed, 1 earlier turn"


def first(notebook: MagicNotebook) -> str:
    """What the model saw first in this conversation."""
    notebook.do(FIRST)
    return str(notebook.value("r.text")).removeprefix("First came: ")


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != "zombie" for process in processes)


def names_below(pid: int) -> set[str]:
    names = set()
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            names.add(process.name())
    return names


@pytest.mark.fault(50, via="real")
def test_stop_leaves_no_process_of_the_tree_and_the_next_prompt_resumes(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()
    (notebook.work / "watched").touch()
    notebook.do("%%claude -b --allow Bash\nrun tail -f watched")
    notebook.wait_for(lambda: "tail" in names_below(pid))
    tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]

    said = notebook.printed("%claude_stop")

    assert gone(tree)
    assert said == "Stopped session 'main'; its next prompt resumes the conversation."
    assert notebook.status()["process"].startswith("none")
    cell = notebook.do(FIRST)
    assert notebook.value("r.text") == "First came: say one"
    assert "resumed, " in shown(cell)
    assert notebook.claude_pid() != pid


def test_stop_again_does_nothing_and_says_so(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%claude_stop")

    assert notebook.printed("%claude_stop") == "Session 'main' was not running."
    assert notebook.printed("%claude_stop --turn") == "Session 'main' has no turn running."


def test_restart_goes_on_and_fresh_begins_anew(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    assert "goes on after 1 earlier turn" in notebook.printed("%claude_restart")
    assert not psutil.pid_exists(pid)
    assert first(notebook) == "say one"

    assert "with a new conversation" in notebook.printed("%claude_restart --fresh")
    cell = notebook.do(FIRST)
    assert notebook.value("r.text") == "First came: what came first?"
    assert "resumed" not in shown(cell)


def test_sessions_have_processes_conversations_and_directories_of_their_own(notebook: MagicNotebook) -> None:
    notebook.do("import os; os.mkdir('one'); os.mkdir('two')")
    for name in ("one", "two"):
        notebook.do(f"%claude -s {name} --cwd {name} --allow Bash run pwd > here.txt")
        notebook.do(f"%claude -s {name} say {name}")

    assert notebook.claude_pid("one") != notebook.claude_pid("two")
    for name in ("one", "two"):
        assert (notebook.work / name / "here.txt").read_text().strip().endswith(f"/{name}")
        assert notebook.status(name)["directory"] == str(notebook.work / name)
        notebook.do(f"r = %claude -s {name} what came before?")
        assert notebook.value("r.text") == f"Before this came: say {name}"

    notebook.do("%claude_stop one")
    assert notebook.status("one")["state"] == "stopped"
    assert notebook.status("two")["state"] == "idle"
    notebook.do("%claude_stop --all")
    assert [c for c in notebook.children() if "claude_agent_sdk" in " ".join(c.cmdline())] == []


def test_a_change_of_the_working_directory_is_not_followed_until_asked(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()
    notebook.do("import os; os.mkdir('sub'); os.chdir('sub')")

    notebook.do("%claude say two")

    assert notebook.claude_pid() == pid
    assert notebook.status()["directory"] == str(notebook.work)
    notebook.do("os.chdir('..')")


@pytest.mark.fault(103, via="real")
def test_after_a_kernel_restart_the_notebook_goes_on_and_says_so(own_kernel: MagicNotebook) -> None:
    own_kernel.load()
    own_kernel.do("%claude say one")
    processes = own_kernel.children()
    own_kernel.restart()
    assert gone(processes)
    own_kernel.load()

    cell = own_kernel.do(FIRST)

    assert own_kernel.value("r.text") == "First came: say one"
    assert RESUMED in shown(cell)
    assert RESUMED in markdown(cell)
    assert RESUMED in read_page(html(cell)).text
    assert "resumed" not in shown(own_kernel.do("%claude say three")), "said once"

    own_kernel.do("%claude_restart --fresh")
    assert first(own_kernel) == "what came first?"
    own_kernel.restart()
    own_kernel.load()
    assert first(own_kernel) == "what came first?", "and the new conversation is the one that is kept"


Kernel = Callable[..., MagicNotebook]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Kernel]:
    """Opens a notebook file in a kernel, one after the other, as a server would."""
    running: list[MagicNotebook] = []

    def close() -> None:
        while running:
            running.pop().shutdown()

    def start(path: Path, **more: object) -> MagicNotebook:
        close()
        kernel = MagicNotebook(tmp_path, notebook=path, **more)  # type: ignore[arg-type]
        running.append(kernel.__enter__())
        kernel.load()
        return kernel

    yield start
    close()


@pytest.mark.fault(103, via="real")
def test_a_notebook_is_known_by_its_path_and_by_its_inode_and_others_are_not(
    opened: Kernel, tmp_path: Path
) -> None:
    path = tmp_path / "work" / "one.ipynb"
    other = tmp_path / "work" / "two.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    other.write_text("{}")
    opened(path).do("%claude say one")

    assert first(opened(path)) == "say one", "another kernel, the same path"
    assert first(opened(other)) == "what came first?", "another notebook in the same folder"

    path.rename(tmp_path / "work" / "renamed.ipynb")
    renamed = opened(tmp_path / "work" / "renamed.ipynb")
    assert first(renamed) == "say one", "renamed"
    renamed.do('%unload_ext claude_magic\n%load_ext claude_magic\n%config ClaudeMagics.resume = "never"')
    cell = renamed.do(FIRST)
    assert renamed.value("r.text") == "First came: what came first?"
    assert "resumed" not in shown(cell)


@pytest.mark.fault(91, via="real")
@pytest.mark.parametrize("kept", ["--dangerously-skip-permissions", ""])
def test_what_is_kept_is_only_taken_if_it_is_an_id(notebook: MagicNotebook, kept: str) -> None:
    notebook.do("%claude say one")
    notebook.do("%unload_ext claude_magic")
    change_kept(notebook, kept)
    notebook.load()

    cell = notebook.do(FIRST)

    assert notebook.value("r.text") == "First came: what came first?"
    assert "damaged" in read_page(html(cell)).text
    notebook.do("%unload_ext claude_magic")
    notebook.load()
    cell = notebook.do(FIRST)
    assert RESUMED in shown(cell), "the new conversation has taken its place"


@pytest.mark.fault(91, via="real")
def test_an_id_that_nobody_knows_begins_a_new_conversation_and_says_so(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%unload_ext claude_magic")
    change_kept(notebook, "11111111-2222-4333-8444-555555555555")
    notebook.load()

    cell = notebook.do(FIRST)

    assert notebook.value("r.text") == "First came: what came first?"
    assert "this is a new one" in read_page(html(cell)).text


def change_kept(notebook: MagicNotebook, session_id: str) -> None:
    state = notebook.folder / "state" / "claude_magic"
    found = [path for path in state.glob("*.sqlite") if _has_conversations(path)]
    assert len(found) == 1
    with sqlite3.connect(found[0]) as database:
        assert database.execute("UPDATE conversations SET session_id = ?", (session_id,)).rowcount == 1
    database.close()


def _has_conversations(path: Path) -> bool:
    database = sqlite3.connect(path)
    tables = database.execute("SELECT name FROM sqlite_master").fetchall()
    database.close()
    return ("conversations",) in tables


def spoil(folder: Path, how: str) -> None:
    state = folder / "state" / "claude_magic"
    state.parent.mkdir(parents=True, exist_ok=True)
    if how == "a file":
        state.write_text("not a folder")
    else:
        state.mkdir()
        for name in ("conversations.sqlite", "registry.sqlite"):
            (state / name).write_bytes(os.urandom(4096))


@pytest.mark.fault(97, via="real")
@pytest.mark.parametrize("how", ["a file", "garbage"])
def test_without_a_usable_state_folder_sessions_work_and_it_is_said_once(
    own_kernel: MagicNotebook, how: str
) -> None:
    notebook = own_kernel
    spoil(notebook.folder, how)
    notebook.load()

    one = notebook.do("%claude say one")
    two = notebook.do("%claude say two")

    assert "\n\none\n\n" in shown(one)
    assert read_page(html(one)).text.count("The state folder cannot be used") == 1
    assert "state folder" not in read_page(html(two)).text
    assert (one.stderr, two.stderr) == ("", "")
    notebook.do("%claude_stop")
    notebook.do(FIRST)
    assert notebook.value("r.text") == "First came: say one"
