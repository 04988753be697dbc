"""Edits are live: what of a kernel is new once a file has changed, and what is left alone. A real shell."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import claude_magic.result
from claude_magic.hooks import HookReply, Step
from claude_magic.kernel.execution.run import run_code
from claude_magic.kernel.live_edits import LiveEdits
from claude_magic.kernel.reload import Reloader, modules_in


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    return InteractiveShell(config=Config(HistoryManager={"enabled": False}))


class Bench:
    """A folder on the path, a shell that imports from it, and Claude, who changes its files."""

    def __init__(self, folder: Path, shell: InteractiveShell) -> None:
        self.folder = folder
        self.shell = shell
        self.reloader = Reloader(shell)

    def write(self, name: str, source: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(source, "utf-8")
        importlib.invalidate_caches()
        return path

    def edit(self, name: str, source: str) -> str:
        """Changes a file; what is said of it."""
        return self.reload(self.write(name, source))

    def reload(self, path: Path) -> str:
        return self.reloader.reload(modules_in(path))

    def run(self, cell: str) -> None:
        self.shell.run_cell(cell, store_history=True).raise_error()

    def value(self, expression: str) -> Any:
        return self.shell.ev(expression)


@pytest.fixture
def bench(shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    shell.reset(new_session=False)
    yield Bench(tmp_path, shell)
    for name in set(sys.modules) - before:
        if str(object.__getattribute__(sys.modules[name], "__dict__").get("__file__")).startswith(
            str(tmp_path)
        ):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("before", "after", "cell", "expression", "values"),
    [
        pytest.param("def f(): return 1", "def f(): return 2", "import m", "m.f()", (1, 2), id="function"),
        pytest.param("X = 1", "X = 2", "import m", "m.X", (1, 2), id="constant"),
        pytest.param(
            "def f(a=1): return a", "def f(a=2): return a", "import m", "m.f()", (1, 2), id="default"
        ),
        pytest.param(
            "def f(*, a=1): return a",
            "def f(*, a=2): return a",
            "from m import f",
            "f()",
            (1, 2),
            id="keyword",
        ),
        pytest.param(
            "def f(): return 1",
            "def f(): return 2",
            "from m import f as g",
            "g()",
            (1, 2),
            id="name of its own",
        ),
        pytest.param(
            "def f(): return 1", "def f(): return 2", "import m; held = [m.f]", "held[0]()", (1, 2), id="held"
        ),
        pytest.param("X = 1", "X = 2", "from m import X", "X", (1, 2), id="imported constant"),
        pytest.param("X = 1", "X = 2", "from m import *", "X", (1, 2), id="star"),
        pytest.param("X = 1", "X = 2", "from m import X; X = 7", "X", (7, 7), id="a name bound anew since"),
        pytest.param("X = 1", "Y = 2", "from m import X", "X", (1, 1), id="a name that is gone"),
        pytest.param(
            "class C:\n def f(self): return 1",
            "class C:\n def f(self): return 2\n def g(self): return 3",
            "from m import C; c = C()",
            "[c.f(), getattr(c, 'g', int)(), isinstance(c, C), C().f()]",
            ([1, 0, True, 1], [2, 3, True, 2]),
            id="class with instances",
        ),
        pytest.param(
            "class C:\n @property\n def p(self): return 1\n @classmethod\n def q(cls): return 1\n X = 1",
            "class C:\n @property\n def p(self): return 2\n @classmethod\n def q(cls): return 2\n X = 2",
            "import m; c = m.C()",
            "[c.p, c.q(), c.X]",
            ([1, 1, 1], [2, 2, 2]),
            id="property, class method, attribute",
        ),
        pytest.param(
            "class C:\n def f(self): return 1",
            "class C:\n def f(self): return 2",
            "import m\nclass D(m.C): pass\nd = D()",
            "d.f()",
            (1, 2),
            id="class derived in the notebook",
        ),
        pytest.param(
            "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int\n def f(self): return self.a",
            "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int\n def f(self): return -self.a",
            "from m import C; c = C(1)",
            "[c.f(), c == C(1)]",
            ([1, True], [-1, True]),
            id="dataclass",
        ),
        pytest.param(
            "from functools import cache\n@cache\ndef f(): return 1",
            "from functools import cache\n@cache\ndef f(): return 2",
            "from m import f; f()",
            "f()",
            (1, 2),
            id="decorated",
        ),
        pytest.param(
            "def f(): return 1", "f = 2", "from m import f", "callable(f)", (True, False), id="kind"
        ),
        pytest.param("X = 1", "", "import m", "hasattr(m, 'X')", (True, False), id="removed"),
    ],
)
def test_the_next_cell_uses_the_new_code(
    bench: Bench, before: str, after: str, cell: str, expression: str, values: tuple[object, object]
) -> None:
    bench.write("m.py", before)
    bench.run(cell)
    assert bench.value(expression) == values[0]

    assert bench.edit("m.py", after) == "reloaded m"
    assert bench.value(expression) == values[1]


def test_two_edits_of_one_length_in_one_second_are_two(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = bench.write("m.py", "def f(): return 1")
    stamp = path.stat().st_mtime_ns
    bench.run("import m; held = m.f")
    for number in (2, 3):
        bench.write("m.py", f"def f(): return {number}")
        os.utime(path, ns=(stamp, stamp))
        bench.reload(path)
        assert bench.value("[held(), m.f()]") == [number, number]


def test_a_package_keeps_its_submodules_and_names_that_it_passes_on_are_new(bench: Bench) -> None:
    bench.write("pack/__init__.py", "from .part import LIMIT, f\nNAME = 'old'")
    bench.write("pack/part.py", "LIMIT = 1\ndef f(): return 1")
    bench.write("pack/other.py", "from pack import part\nfrom .part import LIMIT as top")
    bench.run("import pack, pack.other\nfrom pack import NAME")

    assert bench.edit("pack/__init__.py", "from .part import LIMIT, f\nNAME = 'new'") == "reloaded pack"
    assert bench.value("[NAME, pack.NAME, pack.other.top]") == ["new", "new", 1]

    assert bench.edit("pack/part.py", "LIMIT = 2\ndef f(): return 2") == "reloaded pack.part"
    assert bench.value("[pack.part.LIMIT, pack.LIMIT, pack.f(), pack.other.top]") == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f(:", "SyntaxError in line 1: "),
        ("def f(): return 2\n1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(): return 2\nimport not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("def f(): return 2\nimport sys; sys.exit(3)", "SystemExit: 3"),
        ("def f(): return 2\nopen('no/' + 'sk-' + 'x' * 40)", "FileNotFoundError: "),
        ("def f(): return 2\nraise ValueError('\\x1b[2J' + 'x' * 999)", "ValueError: "),
    ],
)
def test_a_file_that_cannot_be_executed_leaves_the_old_code_as_it_was_and_says_why(
    bench: Bench, source: str, why: str
) -> None:
    bench.write("m.py", "X = 1\ndef f(): return X")
    bench.run("import m; from m import f")
    before = dict(vars(sys.modules["m"]))

    line = bench.edit("m.py", source)
    assert line.startswith(f"m not reloaded, the old code stays: {why}")
    assert line.isprintable()
    assert "sk-xxx" not in line
    assert len(line) < 300
    assert vars(sys.modules["m"]) == before
    assert bench.value("[f(), m.f()]") == [1, 1]

    assert bench.edit("m.py", "X = 5\ndef f(): return X") == "reloaded m"
    assert bench.value("f()") == 5


def test_an_interrupt_leaves_the_old_code_too(bench: Bench) -> None:
    bench.write("m.py", "X = 1")
    bench.run("import m")
    with pytest.raises(KeyboardInterrupt):
        bench.edit("m.py", "X = 2\nraise KeyboardInterrupt")
    assert bench.value("m.X") == 1


def test_objects_that_cannot_take_the_new_code_are_named(bench: Bench) -> None:
    bench.write("m.py", "class C:\n __slots__ = ('a',)\n def f(self): return 1")
    bench.run("import m; c = m.C()")
    line = bench.edit("m.py", "class C:\n __slots__ = ('a', 'b')\n def f(self): return 2\ndef g(): return 2")
    assert line == "reloaded m; existing objects keep the old C"
    assert bench.value("[m.C().f(), m.g()]") == [2, 2]


def test_what_answers_every_question_in_its_own_way_is_asked_nothing(bench: Bench) -> None:
    bench.write(
        "proxies.py", "class Proxy:\n __class__ = __name__ = __module__ = property(lambda self: 1 / 0)"
    )
    bench.write("m.py", "from proxies import Proxy\nproxy = Proxy()\nX = 1")
    bench.run("from m import X, proxy")
    assert bench.edit("m.py", "from proxies import Proxy\nproxy = Proxy()\nX = 2") == "reloaded m"
    assert bench.value("X") == 2


def test_cells_that_were_no_python_do_not_matter_nor_do_objects_that_are_gone(bench: Bench) -> None:
    bench.write("m.py", "X = 1\ndef f(): return 1")
    bench.shell.run_cell("from m import X; (", store_history=True, silent=False)
    bench.run("from m import X; import m")
    for number in (2, 3, 4):
        assert bench.edit("m.py", f"X = {number}\ndef f(): return {number}") == "reloaded m"
        assert bench.value("[X, m.f()]") == [number, number]


async def test_names_that_claudes_own_code_has_imported_are_new_too(bench: Bench) -> None:
    bench.write("m.py", "X = 1")
    await run_code(bench.shell, "from m import X as limit", lambda _: None)
    bench.edit("m.py", "X = 2")
    assert bench.value("limit") == 2


def test_only_that_module_is_executed_again(bench: Bench) -> None:
    bench.write("low.py", "X = 1")
    bench.write("high.py", "import low\nruns = []")
    bench.run("import high; high.runs.append(1)")
    bench.edit("low.py", "X = 2")
    assert bench.value("[high.runs, high.low.X]") == [[1], 2]


def test_a_file_that_two_names_are_imported_from_is_new_under_both(bench: Bench) -> None:
    bench.write("pack/__init__.py", "")
    bench.write("pack/m.py", "X = 1")
    bench.run(f"import sys, pack.m; sys.path.insert(0, {str(bench.folder / 'pack')!r}); import m")
    assert bench.edit("pack/m.py", "X = 2") == "reloaded pack.m; reloaded m"
    (bench.folder / "link").symlink_to("pack")
    bench.write("pack/m.py", "X = 3")
    bench.reload(bench.folder / "link" / "m.py")
    assert bench.value("[m.X, pack.m.X]") == [3, 3]
    bench.run("del sys.path[0]")


# Left alone


def test_what_no_module_here_comes_from_is_nobodys_business(bench: Bench) -> None:
    bench.write("m.py", "X = 1")
    assert bench.edit("m.py", "X = 2") == ""
    assert bench.edit("notes.txt", "import m") == ""


def test_python_itself_installed_packages_and_this_one_are_left_alone_with_the_reason(bench: Bench) -> None:
    restart = "restart the kernel to use the change"
    encoder = json.JSONEncoder
    for module, reason in (
        (json, f"json belongs to Python; {restart}"),
        (pytest, f"pytest is installed; {restart}"),
        (claude_magic.result, f"claude_magic is at work; {restart}"),
    ):
        assert bench.reload(Path(str(module.__file__))) == f"not reloaded: {reason}"
    assert json.JSONEncoder is encoder


def test_a_compiled_module_is_left_alone_by_its_own_file_and_by_its_source(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = type(sys)("fast")
    fast.__file__ = str(bench.folder / f"fast{EXTENSION_SUFFIXES[0]}")
    monkeypatch.setitem(sys.modules, "fast", fast)
    reason = "not reloaded: fast is compiled; build it and restart the kernel to use the change"
    assert bench.edit("fast.pyx", "") == reason
    assert bench.edit(f"fast{EXTENSION_SUFFIXES[0]}", "") == reason
    assert bench.edit("slow.pyx", "") == ""


def test_a_module_whose_file_is_gone_and_the_program_that_runs_stay_as_they_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.write("m.py", "X = 1")
    bench.run("import m")
    path.unlink()
    assert bench.reload(path) == "not reloaded: the file of m is gone; what was loaded stays"
    assert bench.value("m.X") == 1

    script = type(sys)("__main__")
    script.__file__ = str(bench.write("script.py", "1 / 0"))
    monkeypatch.setitem(sys.modules, "__main__", script)
    assert "it is the program that runs here" in bench.reload(bench.folder / "script.py")


def test_a_module_that_loads_itself_when_it_is_used_is_not_loaded_by_a_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.write("late.py", "1 / 0")
    spec = importlib.util.find_spec("late")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    late = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "late", late)
    spec.loader.exec_module(late)
    assert modules_in(bench.folder / "other.py") == []
    assert modules_in(path) == [late]


@pytest.mark.parametrize("mode", ["2", "3", "explicit"])
def test_where_autoreload_is_on_it_does_it_once(bench: Bench, mode: str) -> None:
    name = f"m_{mode}"
    bench.write(f"{name}.py", "import builtins\nbuiltins.runs = 0\nX = 1")
    bench.run("%load_ext autoreload")
    bench.run(f"%autoreload {mode}")
    bench.run(f"%aimport {name}" if mode == "explicit" else f"import {name}")
    path = bench.write(f"{name}.py", "import builtins\nbuiltins.runs += 1\nX = 2")
    later = path.stat().st_mtime + 5
    os.utime(path, (later, later))
    try:
        assert bench.reload(path) == f"reloaded {name} by %autoreload"
        bench.run(f"{name}.X")
        assert bench.value(f"[{name}.X, runs]") == [2, 1]

        path = bench.write(f"{name}.py", "def (")
        os.utime(path, (later + 5, later + 5))
        assert bench.reload(path) == f"{name} not reloaded by %autoreload, which says why"
        assert bench.value(f"{name}.X") == 2
    finally:
        bench.run("%autoreload off\ndel __import__('builtins').runs")

    assert bench.edit(f"{name}.py", "X = 3") == f"reloaded {name}"


# When


@pytest.fixture
def edits(bench: Bench) -> Iterator[Callable[..., LiveEdits]]:
    made: list[LiveEdits] = []

    def make(*, on: bool = True, computing: Callable[[], bool] = lambda: False) -> LiveEdits:
        made.append(LiveEdits(bench.shell, lambda: on, computing))
        return made[-1]

    yield make
    assert not any(each._pending for each in made)


def edited(path: Path, notes: list[str]) -> Step:
    account = {"tool_name": "Edit", "tool_input": {"file_path": path.name}, "cwd": str(path.parent)}
    return Step(told=account, note=notes.append)


async def test_the_card_and_claude_learn_what_came_of_an_edit(
    bench: Bench, edits: Callable[..., LiveEdits], capsys: pytest.CaptureFixture[str]
) -> None:
    notes: list[str] = []
    bench.write("m.py", "X = 1")
    bench.run("import m")
    path = bench.write("m.py", "X = 2\nprint('loading')")

    reply = await edits().hooks[0].answer(edited(path, notes))
    assert notes == ["reloaded m"]
    output: Any = reply.output["hookSpecificOutput"]
    assert output == {
        "hookEventName": "PostToolUse",
        "additionalContext": "In the notebook's kernel: reloaded m.",
    }
    assert bench.value("m.X") == 2
    assert capsys.readouterr().out == "", "what it prints belongs to no cell"

    other = bench.write("other.py", "")
    assert await edits().hooks[0].answer(edited(other, notes)) == HookReply()
    assert await edits().hooks[0].answer(Step(told={"tool_name": "Edit"})) == HookReply()
    assert notes == ["reloaded m"]


async def test_of_what_changes_while_a_command_runs_the_card_and_claude_are_told(
    bench: Bench, edits: Callable[..., LiveEdits]
) -> None:
    notes: list[str] = []
    path = bench.write("m.py", "X = 1")
    bench.run("import m")
    command = {"tool_name": "Bash", "tool_input": {"command": "sed -i s/1/2/ m.py"}}
    _, after_command = edits().hooks

    future = path.stat().st_mtime + 1e6
    os.utime(path, (future, future))
    step = Step(told=command, began=future, note=notes.append)
    reply: Any = await after_command.answer(step)
    assert notes == ["m changed on the disk; the old code stays"]
    assert notes[0] in reply.output["hookSpecificOutput"]["additionalContext"]
    assert bench.value("m.X") == 1

    notes.clear()
    for began in (future + 1, 0.0):
        assert await after_command.answer(Step(told=command, began=began, note=notes.append)) == HookReply()
    assert await edits(on=False).hooks[1].answer(step) == HookReply()
    assert notes == []

    live = edits()
    await live.load(path)
    assert await live.hooks[1].answer(step) == HookReply(), "an edit beside it, which was loaded"


async def test_turned_off_nothing_is_loaded(bench: Bench, edits: Callable[..., LiveEdits]) -> None:
    notes: list[str] = []
    bench.write("m.py", "X = 1")
    bench.run("import m")
    await edits(on=False).hooks[0].answer(edited(bench.write("m.py", "X = 2"), notes))
    assert (notes, bench.value("m.X")) == (["not reloaded: ClaudeMagics.reload is False"], 1)


async def test_while_a_cell_computes_it_keeps_its_code_and_the_next_one_has_the_new(
    bench: Bench, edits: Callable[..., LiveEdits]
) -> None:
    notes: list[str] = []
    computing = [True]
    live = edits(computing=lambda: computing[0])
    bench.write("m.py", "X = 1")
    bench.run("import m")
    for number in (2, 3):
        await live.hooks[0].answer(edited(bench.write("m.py", f"X = {number}"), notes))
    assert notes == ["m is reloaded when the cell that runs has ended"] * 2

    bench.run("seen = m.X")
    assert bench.value("seen") == 1, "a cell within the one that computes"
    computing.clear()
    computing.append(False)
    bench.run("pass")
    assert notes[2:] == ["reloaded m"]
    assert bench.value("m.X") == 3


async def test_a_module_that_was_just_made_can_be_imported(
    bench: Bench, edits: Callable[..., LiveEdits]
) -> None:
    live = edits()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("fresh")
    path = bench.folder / "fresh.py"
    path.write_text("X = 1")
    await live.load(path)
    bench.run("import fresh")
