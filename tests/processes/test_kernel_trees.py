"""A real kernel and what the real CLI of both generations starts in it: whatever way it goes, it ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from deaf_server import deaf_server
from generations import OLDER_CLI, current_cli
from magic_fixtures import MagicNotebook

pytestmark = [pytest.mark.process, pytest.mark.kernel]

CLIS = {"current": current_cli(), "older": OLDER_CLI}
UNASKED = "--permission-mode bypassPermissions"
_numbers = itertools.count()  # a session for each test


class Tree:
    """A session's process, and what runs below it or has run there.

    Args:
        notebook: The kernel.
        generation: Of its CLI.
        session: The session's name; the generation if None.
    """

    def __init__(self, notebook: MagicNotebook, generation: str, session: str | None = None) -> None:
        self.notebook = notebook
        self.session = session or generation
        notebook.do(f"%config ClaudeMagics.cli = {str(CLIS[generation])!r}")

    @property
    def pid(self) -> int:
        return self.notebook.claude_pid(self.session)

    def ask(self, prompt: str, flags: str = "") -> None:
        self.notebook.do(f"%claude -s {self.session} {flags} -- {prompt}")

    def run(self, command: str, word: str, count: int) -> list[psutil.Process]:
        """Has the Bash tool run something in the background; the processes with a word, once they run."""
        self.ask(f"run {command}", f"-b {UNASKED}")
        self.notebook.wait_for(lambda: len(with_word(word)) == count, 20)
        return with_word(word)

    def end(self, how: str) -> None:
        """By the magic, or by a signal from outside."""
        if how == "stop":
            self.notebook.do(f"%claude_stop {self.session}")
        else:
            os.kill(self.pid, signal.Signals[how])

    def has_written(self, text: str) -> Callable[[], bool]:
        """Whether its CLI, which writes 0.1 s late, has put a text into the conversation's file."""
        conversation = self.notebook.status(self.session)["conversation"]
        (file,) = self.notebook.conversation_files(conversation)
        return lambda: text in file.read_text()

    def crashed(self) -> dict[str, str]:
        """What `%claude_status` says once the process is known to have ended."""
        self.notebook.wait_for(lambda: self.notebook.status(self.session)["state"] == "crashed", 20)
        return self.notebook.status(self.session)


def with_word(word: str) -> list[psutil.Process]:
    """The processes whose command line ends in a word."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, IndexError):
            found += [process] if process.cmdline()[-1] == word else []
    return found


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture(params=CLIS)
def tree(kernel: MagicNotebook, request: pytest.FixtureRequest) -> Iterator[Tree]:
    kernel.load()
    kernel.do("%config ClaudeMagics.recoveries = 0")  # what ends stays ended
    yield Tree(kernel, request.param, f"{request.param}-{next(_numbers)}")
    kernel.do("%claude_stop --all")


@pytest.fixture
def watched(tmp_path: Path) -> str:
    """The name of a file that nobody else watches."""
    path = tmp_path / "watched"
    path.touch()
    return str(path)


@pytest.mark.fault(50, via="real")
def test_an_mcp_server_that_ignores_signals_ends_with_its_cli(tree: Tree) -> None:
    config = tree.notebook.folder / f"deaf-{tree.session}.json"
    word = str(config.with_suffix(""))
    config.write_text(deaf_server(word))
    tree.ask("say one", f"--mcp-config {config}")
    tree.notebook.wait_for(lambda: with_word(word), 20)
    (process,) = with_word(word)

    tree.end("SIGKILL")

    tree.notebook.wait_for(lambda: not alive(process), 10)


@pytest.mark.fault(51, via="real")
def test_an_exit_is_seen_although_a_stranger_holds_the_clis_output(tree: Tree, watched: str) -> None:
    """It has left the session, the environment and the family: nobody can know that it belongs here."""
    tree.ask("say one", UNASKED)
    stranger = f"exec 9>/proc/{tree.pid}/fd/1; exec tail -f {watched}"
    (process,) = tree.run(f"env -i setsid sh -c '{stranger}' > /dev/null 2>&1 &", watched, 1)
    try:
        tree.notebook.do(f"%claude_wait {tree.session}")
        tree.notebook.wait_for(lambda: process not in psutil.Process(tree.pid).children(recursive=True))

        held = str(Path(f"/proc/{process.pid}/fd/9").readlink())
        assert held in open_files(tree.notebook.pid)

        tree.end("SIGKILL")

        assert "killed by SIGKILL" in tree.crashed()["last error"]
        assert alive(process)
        tree.notebook.wait_for(lambda: held not in open_files(tree.notebook.pid), 20)
    finally:
        process.kill()


def open_files(pid: int) -> set[str]:
    """What a process holds open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return found


@pytest.mark.fault(52, via="real")
def test_what_has_left_the_group_ends_with_the_cli(tree: Tree, watched: str) -> None:
    """One in the tool's own session, one in another, and one that has lost its parent."""
    others = f"setsid tail -f {watched} & (setsid tail -f {watched} &)"
    tree.ask("say one")
    processes = tree.run(f"{others}; tail -f {watched}", watched, 3)
    assert tree.pid not in {os.getsid(process.pid) for process in processes}

    tree.end("stop")

    assert not any(map(alive, processes))


@pytest.mark.fault(53, via="real")
@pytest.mark.parametrize(
    ("how", "words"), [("SIGKILL", "killed by SIGKILL"), ("SIGTERM", "exit code 143, as after SIGTERM")]
)
def test_how_a_cli_ended_is_named_for_what_is_known_of_it(tree: Tree, how: str, words: str) -> None:
    """A SIGKILL may come from anybody: no word of memory."""
    tree.ask("say one")

    tree.end(how)

    said = tree.crashed()["last error"]
    assert words in said
    assert "memory" not in said


@pytest.mark.fault(54, via="real")
def test_a_pid_that_is_anothers_by_now_is_not_signalled(
    own_kernel: MagicNotebook, until: Callable[..., None]
) -> None:
    """The next kernel finds what a killed one has written down; the pids are used by somebody else."""
    own_kernel.load()
    processes = []
    for session in CLIS:
        tree = Tree(own_kernel, session)
        tree.ask("say one")
        processes.append(psutil.Process(tree.pid))
    os.kill(own_kernel.pid, signal.SIGKILL)
    until(lambda: not any(map(alive, processes)))
    with subprocess.Popen(["/bin/sleep", "987"]) as stranger:
        rows(own_kernel, "UPDATE processes SET pid = ?", stranger.pid)

        own_kernel.restart()
        own_kernel.load()

        until(lambda: rows(own_kernel, "SELECT pid FROM processes") == [])
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.fault(58, via="real")
@pytest.mark.fault(93, via="real")
def test_what_was_said_after_a_kernel_was_killed_in_a_tool_call_outlives_a_later_crash(
    own_kernel: MagicNotebook, watched: str
) -> None:
    """A CLI that is asked to end in a tool call (2.1.191, SIGTERM) would go back to that call."""
    own_kernel.load()
    for session in CLIS:
        Tree(own_kernel, session).ask(f"run tail -f {watched}", "-b --allow Bash")
    own_kernel.wait_for(lambda: len(with_word(watched)) == len(CLIS), 20)
    processes = psutil.Process(own_kernel.pid).children(recursive=True)
    os.kill(own_kernel.pid, signal.SIGKILL)
    own_kernel.wait_for(lambda: not any(map(alive, processes)), 20)
    own_kernel.restart()
    own_kernel.load()
    for session in CLIS:
        tree = Tree(own_kernel, session)
        tree.ask("say two")
        own_kernel.wait_for(tree.has_written('"text":"two"'), 20)

        tree.end("SIGKILL")

        tree.crashed()
        own_kernel.do(f"r = %claude -s {session} what came before?")
        assert own_kernel.value("r.text") == "Before this came: say two"


def rows(notebook: MagicNotebook, query: str, *values: object) -> list[object]:
    path = notebook.folder / "state" / "claude_magic" / "processes.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as database:
        return database.execute(query, values).fetchall()
