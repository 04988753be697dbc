"""A notebook with two sessions whose prompts are all accounted for, until its kernel is gone and beyond."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psutil
from evidence import MARK, Heard, marked, said_in, said_to_model, until_none
from generations import OLDER_CLI, current_cli
from half_line import write_half_line
from kernel_client import Cell
from magic_fixtures import MagicNotebook
from plan import GENERATIONS

from claude_magic.claude_cli.session_files import conversation_file
from claude_magic.processes.registry import ProcessRegistry

__all__ = ["OVER", "PATIENCE", "Working", "error_of", "shown_in"]

PATIENCE = 90.0  # seconds until a cell must have ended
SLACK = (3, 0, 0, 0)  # a kernel's own descriptors come and go by two or three
OVER = {"done", "failed", "interrupted", "cancelled"}
# Of the threads those of the loop's pool are left out: how many there are is a matter of chance.
_HELD = """
import asyncio, os, psutil, threading
_here = psutil.Process()
_threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
print([_here.num_fds(), len(_threads), len(asyncio.all_tasks()), len(_here.children(recursive=True))])
"""


class _Notebook(MagicNotebook):
    """A notebook whose kernel may be killed and started again, as a Jupyter server does it."""

    def revive(self) -> None:
        self._client.stop_channels()
        self._manager.restart_kernel(now=True)
        self._connect()


class Working:
    """A notebook and its two sessions, one of each generation of the CLI.

    Args:
        folder: A home that it shares with other notebooks.
        name: Its own name.
        model: The variables that lead to the scripted model.
        without: What is switched off, as code to run in the kernel.
        bound: Seconds after which nothing may be left of its kernel.
    """

    def __init__(
        self, folder: Path, name: str, model: Mapping[str, str], *, without: str = "", bound: float = 10.0
    ) -> None:
        self.name = name
        self.bound = bound
        self.mark = f"{folder}/{name}/"
        self.work = folder / name
        self.work.mkdir(parents=True)
        self.log = folder / "model.jsonl"
        self.heard = Heard(folder / f"{name}.heard")
        env = {**model, MARK: self.mark, "CLAUDE_CODE_MAX_RETRIES": "1", "IS_SANDBOX": "1"}
        notebook = self.work / f"{name}.ipynb"
        self.kernel = _Notebook(folder, offline=False, cwd=self.work, notebook=notebook, env=env)
        self.certain: dict[str, dict[str, bool]] = {session: {} for session in GENERATIONS}
        self.ids: dict[str, str] = {}
        self._without = without
        self._clis = {"current": current_cli(), "older": OLDER_CLI}
        self._broken = {session: folder / f"{name}-{session}-claude" for session in GENERATIONS}
        self._cuts = {name: write_half_line(path, self._clis[name]) for name, path in self._broken.items()}
        self._registry = ProcessRegistry(folder / "state" / "claude_magic")
        self._probes = 0
        self._held: list[int] = []

    def __enter__(self) -> Self:
        self.kernel.__enter__()
        try:
            self._begin()
            self._held = self._holds()
        except BaseException:  # what is left open of a kernel's client holds up whoever collects it
            self.kernel.shutdown()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kernel.shutdown()

    def probe(self, session: str) -> None:
        """The session answers, in the conversation that it has always been."""
        word = self._word()
        cell = self.kernel.run(self._ask(session, word, "probe"), PATIENCE)
        fate = self.fate(cell)
        assert fate == "done", f"{word}: the cell says {fate!r}:\n{shown_in(cell)}\n{error_of(cell)}"
        text, session_id = self.kernel.value("(r.text, r.session_id)")
        assert text == f"{word} is here.", (word, text)
        assert self.ids.setdefault(session, session_id) == session_id, (word, session_id)
        self.acknowledge(session, word, answer=text)

    def acknowledge(self, session: str, word: str, answer: str = "") -> None:
        """Waits until a prompt, and its answer, is in the CLI's file; from now on it must stay there.

        2.1.191 writes up to 0.1 s after it has answered: what is killed meanwhile nobody has acknowledged.
        """
        self.kernel.wait_for(lambda: self._is_recorded(session, word), PATIENCE)
        self.kernel.wait_for(lambda: answer in self._written(session), PATIENCE)
        self.certain[session][word] = True

    def settle(self) -> None:
        """At the end: each prompt is where it belongs, and the kernel holds what it held at the beginning."""
        for session in self.ids:
            self.probe(session)
            self._check(session, list(said_in(self._written(session))))
            self._check(session, said_to_model(self.log, f"{self.name}p{self._probes}"))
        acts = (self.work / "acts.txt").read_text().split() if (self.work / "acts.txt").exists() else []
        assert len(acts) == len(set(acts)), f"a tool acted twice: {acts}"
        held: list[int] = []
        most = [before + slack for before, slack in zip(self._held, SLACK, strict=True)]

        def settled() -> bool:
            held[:] = self._holds()
            return all(now <= bound for now, bound in zip(held, most, strict=True))

        try:
            self.kernel.wait_for(settled, 20)
        except TimeoutError:
            raise AssertionError(f"descriptors, threads, tasks, children: {self._held}, now {held}") from None
        rows = [row for row in self._registry.get_all() if row.kernel_pid == self.kernel.pid]
        assert rows == []

    @staticmethod
    def fate(cell: Cell) -> str:
        """What a cell says about its turn: the state in the first line of its output."""
        if shown := shown_in(cell):
            return shown.splitlines()[0].rpartition(" · ")[2]
        return cell.error.name if cell.error is not None else "nothing"

    def _begin(self) -> None:
        """In a kernel that has just started."""
        self.kernel.load()
        self.kernel.do(self.heard.listen)
        self.kernel.do(self._without)

    def _word(self) -> str:
        self._probes += 1
        return f"{self.name}p{self._probes}"

    def _config(self, cli: Path) -> str:
        return f"%config ClaudeMagics.cli = {str(cli)!r}"

    def _ask(self, session: str, word: str, what: str, flags: str = "", cli: Path | None = None) -> str:
        line = f"%claude -s {session} -o r --allow Bash {flags} -- soak {word} {what}"
        return f"{self._config(cli or self._clis[session])}\n{line}"

    def _wake(self, session: str) -> None:
        """Sees to it that the session's process runs."""
        if self._registry.holder(self.ids[session]) is None:
            self.probe(session)

    def _kill_cli(self, session: str) -> float:
        """Kills the session's process; everything below it has to end with it."""
        holder = self._registry.holder(self.ids[session])
        began = time.monotonic()
        if holder is None or not holder.pid:
            return began
        try:
            process = psutil.Process(holder.pid)
            tree = [process, *process.children(recursive=True)]
            os.kill(holder.pid, signal.SIGKILL)
        except (psutil.NoSuchProcess, ProcessLookupError):
            return began
        until_none(lambda: [process for process in tree if process in marked(self.mark)])
        return began

    def _is_recorded(self, session: str, word: str) -> bool:
        return any(word in text.split() for text in said_in(self._written(session)))

    def _written(self, session: str) -> str:
        """The CLI's own file of the conversation; "" before there is one."""
        path = conversation_file(self.ids[session], {"CLAUDE_CONFIG_DIR": str(self.kernel.folder / "claude")})
        return path.read_text(encoding="utf-8") if path is not None else ""

    def _check(self, session: str, said: list[str]) -> None:
        """Every prompt at most once, and exactly once if it was acknowledged."""
        for word, certain in self.certain[session].items():
            times = sum(word in text.split() for text in said)
            assert times == 1 or (times == 0 and not certain), f"{word}: {times} times in {session}: {said}"

    def _holds(self) -> list[int]:
        """Descriptors, threads, tasks and children of the kernel when no process of ours runs."""
        self.kernel.do("%claude_wait\n%claude_stop --all")
        held: list[int] = [int(number) for number in self.kernel.printed(_HELD).strip("[]").split(",")]
        return held


def shown_in(cell: Cell) -> str:
    """The output that stays, as text; "" if there is none."""
    shown = [str(display.data["text/plain"]) for display in cell.displays if "text/html" in display.data]
    return shown[-1] if shown else ""


def error_of(cell: Cell) -> str:
    return cell.error.text if cell.error else ""
