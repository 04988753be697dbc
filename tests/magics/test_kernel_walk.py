"""A notebook used at random: whatever happens in it, every Result is right and nothing grows.

CLAUDE_MAGIC_WALK sets the number of turns, CLAUDE_MAGIC_WALK_SEED repeats a walk.
"""

from __future__ import annotations

import ast
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kernel_client import Cell
from magic_fixtures import FAILED, MagicNotebook, shown

TURNS = int(os.environ.get("CLAUDE_MAGIC_WALK", "25"))
SEED = os.environ.get("CLAUDE_MAGIC_WALK_SEED")  # looked up here: no test sees the variables of its tester
FLAGS = "({0}.text, {0}.is_error, {0}.interrupted, {0}.error)"
HELD = """
import asyncio, psutil, threading
here = psutil.Process()
tasks, below = asyncio.all_tasks(), here.children(recursive=True)
# Those of the loop's own pool are bounded, and stay.
threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
print([here.num_fds(), len(threads), len(tasks), len(below)])
"""
WORDS = "the-1 loop-2"  # how a long answer begins


class Walk:
    """A notebook and what can be done in it; each step makes a turn or a few, and checks their Results."""

    def __init__(self, notebook: MagicNotebook, seed: int) -> None:
        self.notebook = notebook
        self.random = random.Random(seed)
        self.turns = 0
        self.path: list[str] = []

    def step(self, name: str = "") -> None:
        """Something happens, in one of two sessions."""
        happening = name or self.random.choice(HAPPENINGS)
        self.path.append(happening)
        self.session = self.random.choice(["main", "other"])
        getattr(self, happening)()
        status = self.notebook.status(self.session)
        assert status["state"] in {"idle", "stopped"}, status
        assert "running" not in status
        assert "queue" not in status

    def ask(self, prompt: str, flags: str = "", out: str = "r") -> str:
        """A cell that asks, written in one of the ways there are."""
        self.turns += 1
        line = f"-s {self.session} -o {out} {flags}"
        return self.random.choice(
            [
                f"%%claude {line}\n{prompt}",
                f"%claude {line} -- {prompt}",
                f"def ask():\n    %claude {line} -- {prompt}\nask()",
                f"get_ipython().run_line_magic('claude', {f'{line} -- {prompt}'!r})",
            ]
        )

    def run(self, code: str) -> Cell:
        """Runs a cell; there is a page to show it, or none."""
        return self.notebook.run(code, allow_stdin=self.random.random() < 0.5)

    def result(self, out: str = "r") -> Any:
        return self.notebook.value(FLAGS.format(out))

    def word(self) -> str:
        return f"word{self.random.randrange(10**6)}"

    # What can happen

    def says(self) -> None:
        word = self.word()
        assert self.run(self.ask(f"say {word}")).ok
        assert self.result() == (word, False, False, "")

    def uses_a_tool(self) -> None:
        name, allowed = self.word(), self.random.random() < 0.6
        flags = "--allow Bash" if allowed else "--deny Bash"
        assert self.run(self.ask(f"run echo text > {name}", flags)).ok
        assert (self.notebook.work / name).exists() is allowed
        assert self.notebook.value("[call.is_error for call in r.tool_calls]") == [not allowed]
        assert self.result()[1:] == (False, False, "")

    def fails(self) -> None:
        cell = self.run(self.ask("fail 400"))
        assert cell.error is not None
        assert cell.error.traceback == (FAILED,)
        assert cell.error.value == "API Error: 400 Scripted error."
        assert self.result()[1:] == (True, False, "API Error: 400 Scripted error.")

    def is_interrupted(self) -> None:
        cell = self.notebook.cells[self.notebook.start(self.ask("slowly"), allow_stdin=True)]
        self.notebook.wait_for(lambda: cell.comms or cell.displays)
        self.pause(1.0)
        self.interrupt(cell)
        self.was_stopped()

    def is_interrupted_in_a_tool(self) -> None:
        watched = self.notebook.folder / "endpoint.jsonl"
        prompt = self.ask(f"run tail -f {watched}", "--allow Bash")
        cell = self.notebook.cells[self.notebook.start(prompt)]
        self.notebook.wait_for(self.tails)
        self.interrupt(cell)
        assert self.result() == ("Running.", False, True, "")
        self.notebook.wait_for(lambda: not self.tails(), 5)

    def is_stopped(self) -> None:
        cell = self.run(self.in_background("slowly"))
        assert cell.ok
        self.pause(1.0)
        flag = self.random.choice(["", "--turn"])
        assert self.notebook.run(f"%claude_stop {self.session} {flag}").ok
        self.notebook.do("%claude_wait")
        if self.notebook.value("r.text") or flag == "":
            self.was_stopped()

    def several_in_the_background(self) -> None:
        words = [self.word() for _ in range(self.random.randint(2, 4))]
        for number, word in enumerate(words):
            assert self.run(self.in_background(f"say {word}", f"r{number}")).ok
        self.notebook.do("%claude_wait")
        for number, word in enumerate(words):
            assert self.result(f"r{number}") == (word, False, False, "")

    def one_of_several_is_cancelled(self) -> None:
        flag = self.notebook.work / self.word()
        self.notebook.do(self.in_background(f"held until {flag.name}", "r0"), allow_stdin=True)
        dropped = self.notebook.do(self.in_background("say never", "r1"), allow_stdin=True)
        self.notebook.do(self.in_background("say last", "r2"), allow_stdin=True)
        self.notebook.press(dropped, "cancel")
        self.notebook.wait_for(lambda: "cancelled" in shown(dropped))
        flag.touch()
        self.notebook.do("%claude_wait")
        assert self.result("r0")[1:] == (False, False, "")
        assert self.notebook.value("r0.text").startswith(WORDS)
        assert self.notebook.value("(r1.text, r1.interrupted)") == ("", True)
        assert self.result("r2") == ("last", False, False, "")

    def another_cell_runs_meanwhile(self) -> None:
        self.notebook.do(self.in_background("some words"))
        self.notebook.do("import time; time.sleep(0.3)")
        assert self.notebook.printed("print(6 * 7)") == "42"
        self.notebook.do("%claude_wait")
        assert self.notebook.value("len(r.text.split())") == 60
        assert self.result()[1:] == (False, False, "")

    def is_restarted(self) -> None:
        fresh = self.random.choice(["", "--fresh"])
        assert self.notebook.run(f"%claude_restart {self.session} {fresh}").ok
        self.says()

    # Helpers

    def in_background(self, prompt: str, out: str = "r") -> str:
        self.turns += 1
        return f"%%claude -b -s {self.session} -o {out}\n{prompt}"

    def pause(self, longest: float) -> None:
        """Lets the turn come as far as it may come."""
        until = time.monotonic() + self.random.random() * longest
        self.notebook.wait_for(lambda: time.monotonic() > until)

    def interrupt(self, cell: Cell) -> None:
        self.notebook.interrupt()
        if self.random.random() < 0.3:
            self.notebook.interrupt()
        self.notebook.wait(cell.id)
        assert cell.error is not None
        assert len(cell.error.traceback) == 1
        assert cell.error.text.startswith("claude_magic: Interrupted"), cell.error.text

    def was_stopped(self) -> None:
        text, is_error, interrupted, error = self.result()
        assert (is_error, interrupted, error) == (False, True, "")
        assert WORDS.startswith(text[: len(WORDS)])

    def tails(self) -> list[psutil.Process]:
        below = psutil.Process(self.notebook.pid).children(recursive=True)
        return [process for process in below if process.name() == "tail"]


HAPPENINGS = [
    *["says", "uses_a_tool", "is_interrupted", "several_in_the_background"] * 2,
    *["is_interrupted_in_a_tool", "is_stopped", "one_of_several_is_cancelled"],
    *["another_cell_runs_meanwhile", "is_restarted", "fails"],
]


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    seed = int(SEED or random.SystemRandom().randrange(10**6))
    print(f"CLAUDE_MAGIC_WALK_SEED={seed}")
    with MagicNotebook(tmp_path) as notebook:
        notebook.load()
        notebook.do("r = None")
        walk = Walk(notebook, seed)
        yield walk
        print(f"{walk.turns} turns: {dict(Counter(walk.path))}")


def held(notebook: MagicNotebook) -> dict[str, int]:
    """What the kernel holds when no process of ours runs."""
    notebook.do("%claude_stop --all")
    figures = ast.literal_eval(notebook.printed(HELD))
    return dict(zip(("descriptors", "threads", "tasks", "children"), figures, strict=True))


@pytest.mark.kernel
@pytest.mark.fault(61, via="real")
@pytest.mark.fault(39, via="real")
@pytest.mark.timeout(120 + 3 * TURNS)
def test_a_notebook_used_at_random_gives_right_results_and_holds_nothing(walk: Walk) -> None:
    for happening in dict.fromkeys(HAPPENINGS):  # what is made once, on first use, is there from now on
        walk.step(happening)
    before, first, began = held(walk.notebook), walk.turns, time.monotonic()

    while walk.turns < first + TURNS:
        walk.step()

    after: dict[str, int] = {}

    def settled() -> bool:
        after.update(held(walk.notebook))
        return all(after[kind] <= before[kind] for kind in before)

    try:
        walk.notebook.wait_for(settled, 10)
    finally:
        took = time.monotonic() - began
        print(f"{walk.turns - first} turns in {took:.0f} s; before {before}, after {after}")
