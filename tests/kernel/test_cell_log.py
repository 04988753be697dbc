"""The log of a shell's cells: what was run, what it showed, what it raised. In a shell in this process."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from claude_magic.kernel.cells.log import Cell, CellLog, Output
from claude_magic.kernel.cells.taps import Taps

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 30


def run(shell: InteractiveShell, *sources: str) -> None:
    for source in sources:
        shell.run_cell(source, store_history=True)


def outputs(log: CellLog) -> list[str]:
    return [cell.output.text for cell in log.cells]


def sources(log: CellLog) -> list[str]:
    return [cell.source for cell in log.cells]


def test_a_cell_is_kept_with_its_source_its_output_and_its_number(
    shell: InteractiveShell, log: CellLog
) -> None:
    run(shell, "import sys\nprint('out')\nprint('err', file=sys.stderr)", "x = 1", "x + 1")

    assert [cell.execution_count for cell in log.cells] == [1, 2, 3]
    assert outputs(log) == ["out\nerr\n", "", "Out[3]: 2\n"]
    assert sources(log)[1] == "x = 1"


def test_what_is_displayed_is_heard_once_as_text_or_as_a_picture(
    shell: InteractiveShell, log: CellLog
) -> None:
    shell.user_ns |= {"pub": shell.display_pub, "png": PNG}

    run(
        shell,
        "pub.publish({'text/plain': 'text'})",
        "pub.publish({'image/png': png, 'text/plain': 'p'})",
        "pub.publish({'text/plain': 'a'}); pub.publish({'text/plain': 'b'}, update=True)",
        "print('gone'); pub.publish({'image/png': png}); pub.clear_output(); print('stays')",
    )

    assert outputs(log)[:3] == ["text\n", "[a picture]\n", "a\n"]
    assert outputs(log)[3].endswith("stays\n")
    assert "gone" not in outputs(log)[3]
    assert [cell.pictures for cell in log.cells] == [[], [PNG], [], []]
    assert log.last_picture == PNG


def test_an_error_is_kept_with_the_frames_of_the_persons_code(shell: InteractiveShell, log: CellLog) -> None:
    run(shell, "def f(a):\n    return 1 / a", "f(0)", "x = = 1", "print('fine')")

    assert [cell.error.partition(":")[0] for cell in log.cells] == [
        "",
        "ZeroDivisionError",
        "SyntaxError",
        "",
    ]
    failed = log.cells[1].traceback
    assert failed.splitlines()[1:] == [
        '  File "Cell In[2]", line 1, in <module>',
        "    f(0)",
        '  File "Cell In[1]", line 2, in f',
        "    return 1 / a",
        "ZeroDivisionError: division by zero",
    ]
    assert 'File "Cell In[3]", line 1' in log.cells[2].traceback
    assert outputs(log)[1:3] == ["", ""], "the traceback that a terminal prints is no output"
    assert log.failed is log.cells[2]
    assert not log.has_just_failed


def test_an_error_that_is_shown_and_does_not_end_its_cell_is_kept_too(
    shell: InteractiveShell, log: CellLog, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text("x = 1\ny = x / 0\n")

    run(shell, f"%run {tmp_path / 'script.py'}")

    assert log.has_just_failed
    assert "y = x / 0\nZeroDivisionError: division by zero" in log.cells[0].traceback


def test_an_error_that_cannot_be_told_breaks_nothing(shell: InteractiveShell, log: CellLog) -> None:
    run(
        shell,
        "class Odd(Exception):\n    def __str__(self): 1 / 0\nraise Odd",
        "raise ValueError('x' * 10**6)",
    )

    assert [cell.error[:22] for cell in log.cells] == ["ZeroDivisionError: div", "ValueError: xxxxxxxxxx"], (
        "IPython itself stumbles over the first"
    )
    assert max(len(cell.traceback) for cell in log.cells) < 9_000


def test_cells_of_two_threads_have_each_what_is_theirs(shell: InteractiveShell, log: CellLog) -> None:
    def subshell() -> None:
        run(shell, "print('sub')")

    shell.user_ns |= {"subshell": subshell, "Thread": threading.Thread}

    run(shell, "print('before'); t = Thread(target=subshell); t.start(); t.join(); print('after')")

    assert outputs(log) == ["sub\n", "before\nafter\n"]


@pytest.mark.parametrize(
    "source",
    [
        "%%claude\nhello",
        "# why?\n\n%%claude -s other\nhello",
        "%claude hello",
        "r = %claude hello\n%claude_status\n",
        "%config ClaudeMagics.context = 'none'",
        "%reload_ext claude_magic",
        "# nothing",
    ],
)
def test_a_cell_of_nothing_but_our_magics_is_left_out(
    shell: InteractiveShell, log: CellLog, source: str
) -> None:
    for name in ("claude", "claude_status"):
        shell.register_magic_function(lambda line, cell="": None, "line_cell", name)  # noqa: ARG005

    run(shell, source, "y = 1")

    assert sources(log) == ["y = 1"]


def test_silent_cells_cells_without_history_and_cells_within_cells_are_left_out(
    shell: InteractiveShell, log: CellLog
) -> None:
    shell.user_ns["shell"] = shell
    shell.run_cell("print(1)", silent=True)
    shell.run_cell("print(2)", store_history=False)
    run(shell, "", "shell.run_cell('print(3)', store_history=True); print(4)")

    assert outputs(log) == ["3\n4\n"], "what a cell within prints is the outer one's"


def test_what_threads_print_is_the_running_cells_and_what_comes_after_its_end_is_nobodys(
    shell: InteractiveShell, log: CellLog
) -> None:
    shell.user_ns["threading"] = threading
    run(shell, "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()")
    run(shell, "import asyncio\nasync def late():\n    await asyncio.sleep(0)\n    print('late')\n")
    print("between")
    asyncio.run(shell.user_ns["late"]())

    assert outputs(log) == ["thread\n", ""]


def test_a_turns_own_output_is_no_cells(shell: InteractiveShell, log: CellLog) -> None:
    async def turn(line: str) -> str:
        print("an answer")
        return line

    async def cell() -> str:
        print("before")
        answer = await asyncio.ensure_future(log.unheard(turn)("x"))
        print("after")
        return answer

    shell.user_ns["cell"] = cell

    run(shell, "await cell()")

    assert outputs(log) == ["before\nafter\nOut[1]: 'x'\n"]


@pytest.mark.usefixtures("log")
def test_nothing_of_it_is_left_in_the_shell(shell: InteractiveShell) -> None:
    owners = (sys.stdout, sys.stderr, shell.display_pub, shell.displayhook, shell)
    before = [dict(vars(owner)) for owner in owners]

    run(shell, "print(1)", "1/0")

    names = ("write", "publish", "clear_output", "write_format_data", "_showtraceback")
    after = [dict(vars(owner)) for owner in owners]
    assert [{n: v.get(n) for n in names} for v in after] == [{n: v.get(n) for n in names} for v in before]


@pytest.mark.usefixtures("log")
def test_a_log_that_raises_breaks_no_cell(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raises(*_: object) -> None:
        raise RuntimeError("the log")

    monkeypatch.setattr(Output, "write", raises)

    run(shell, "print('fine')\nx = 5\nx")

    assert capsys.readouterr().out == "fine\nOut[1]: 5\n"


@pytest.mark.usefixtures("log")
def test_a_log_that_raises_is_told_of_by_its_kind_of_error_alone_and_not_heard_itself(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raises(_: Output, text: str) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(Output, "write", raises)
    told = logging.getLogger(Taps.__module__)
    monkeypatch.setattr(told, "level", logging.DEBUG)
    monkeypatch.setattr(told, "handlers", [logging.StreamHandler(sys.stderr)])

    run(shell, "print('private')")

    lines = capsys.readouterr().err.splitlines()
    assert lines == ["A listener to outputs raised RuntimeError"] * 2, "for the text and for its end"


def test_of_a_long_output_beginning_and_end_are_kept_and_lines_that_rewrite_themselves_once() -> None:
    output = Output()
    for number in range(100_000):
        output.write(f"{number}\n")

    assert output.text.startswith("0\n1\n2\n")
    assert output.text.endswith("99998\n99999\n")
    assert len(output.text) < 9_000
    assert "characters left out" in output.text

    output.clear()
    output.write("x" * 1_000_000)
    assert output.text.replace("x", "").strip() == "… 992,000 characters left out …"

    output.clear()
    for number in range(500):
        output.write(f"\r{number}%")
    assert output.text == "499%"


def test_memory_is_bounded_whatever_is_run(shell: InteractiveShell, log: CellLog) -> None:
    shell.user_ns |= {"png": PNG, "pub": shell.display_pub}
    cell = "pub.publish({'image/png': png})\nprint('y' * 20_000)\n"

    for number in range(120):
        run(shell, f"{cell}# {number} {'w' * 30_000}")

    assert sum(len(each.pictures) for each in log.cells) == 8
    assert len(log.cells[-1].pictures) == 1
    assert max(len(each.source) for each in log.cells) <= 20_001
    assert max(len(each.output.text) for each in log.cells) < 9_000
    assert [len(each.source) for each in log.cells][:20] == [200] * 20, (
        "of old ones there is only the beginning"
    )


@contextmanager
def listening(log: CellLog) -> Iterator[None]:
    cell = Cell("", "")
    log._running[0] = cell
    log._taps.open()
    yield
    log._taps.close()


@pytest.mark.bench
def test_bench_what_a_print_costs_more(log: CellLog, capsys: pytest.CaptureFixture[str]) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        for _ in range(100_000):
            print("a line")
        capsys.readouterr()
        return time.perf_counter() - start

    alone = min(seconds() for _ in range(3))
    with listening(log):
        heard = min(seconds() for _ in range(3))
    print(f"print: {alone * 10:.2f} µs, heard {heard * 10:.2f} µs")
