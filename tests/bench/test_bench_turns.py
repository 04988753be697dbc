"""What a turn in a cell costs, beside what it costs without claude_magic, in one kernel.

CLAUDE_MAGIC_BENCH=1 (`make bench`) takes full measure and holds the budgets; otherwise a short form runs,
which holds only what a busy machine cannot change.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook
from places import FAKE

pytestmark = [pytest.mark.bench, pytest.mark.kernel]

FULL = os.environ.get("CLAUDE_MAGIC_BENCH", "0") not in {"", "0"}
HEARTBEAT = """
import asyncio, time
gaps = [0.0]
async def beat():
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps[0], last = max(gaps[0], now - last - 0.001), now
heart = asyncio.ensure_future(beat())
"""
PIPE = f"""
import sys; sys.path.append({str(Path(__file__).parent)!r})
from bare_pipe import BarePipe, single
import psutil, uuid
child, = [p for p in psutil.Process().children() if '--output-format=stream-json' in p.cmdline()]
new = f'--session-id={{uuid.uuid4()}}'
words = [word for word in child.cmdline() if '"sdk"' not in word]  # a bare pipe serves no tools
command = [new if word.startswith('--session-id') else word for word in words]
pipe = BarePipe(command, child.environ(), child.cwd())
"""


@pytest.fixture
def beside(notebook: MagicNotebook) -> Iterator[MagicNotebook]:
    """A notebook with a session that has had its first turn, and a bare pipe that has had its own."""
    notebook.do("%claude code", allow_stdin=True)
    notebook.do(PIPE)
    notebook.do("assert await pipe.turn('say first') == 'first'")
    yield notebook
    notebook.do("await pipe.close()")


def medians(notebook: MagicNotebook, rounds: int, *codes: str) -> list[float]:
    """The median seconds of each cell, from its start to its end; they are run in turns."""
    took: list[list[float]] = [[] for _ in codes]
    for _ in range(rounds):
        for code, times in zip(codes, took, strict=True):
            began = time.perf_counter()
            notebook.do(code, allow_stdin=True)
            times.append(time.perf_counter() - began)
    return [statistics.median(times) for times in took]


def test_a_turn_of_two_thousand_deltas_costs_little_more_than_a_bare_pipe(beside: MagicNotebook) -> None:
    ours, bare = medians(
        beside,
        9 if FULL else 2,
        "%%claude\ntwo thousand words",
        "assert len((await pipe.turn('two thousand words')).split()) == 2000",
    )
    deltas = beside.value("pipe.deltas")
    print(f"2,000 deltas: {1000 * ours:.0f} ms, bare pipe {1000 * bare:.0f} ms, ratio {ours / bare:.2f}")
    assert deltas >= 2000
    assert ours / bare <= (1.10 if FULL else 2.5)


def test_a_short_turn_costs_little_more_than_a_bare_pipe(beside: MagicNotebook) -> None:
    ours, bare = medians(
        beside, 21 if FULL else 3, "%%claude\nsay hi", "assert await pipe.turn('say hi') == 'hi'"
    )
    (single,) = medians(
        beside,
        3 if FULL else 1,
        "assert await single(child.exe(), 'say hi', child.environ(), child.cwd()) == 'hi'",
    )
    print(
        f"short turn: {1000 * ours:.0f} ms, bare pipe {1000 * bare:.0f} ms, {1000 * (ours - bare):+.0f} ms; "
        f"claude -p {1000 * single:.0f} ms, {single / bare:.1f} x the bare pipe"
    )
    assert ours < single
    # Beside other tests only a ratio says something: 251 ms more than 155 were seen there.
    assert ours <= (bare + 0.015 if FULL else 4 * bare)


def test_an_interrupt_is_over_soon(notebook: MagicNotebook) -> None:
    notebook.do("%claude code", allow_stdin=True)
    took = []
    for _ in range(9 if FULL else 2):
        cell = notebook.cells[notebook.start("%claude slowly", allow_stdin=True)]
        notebook.wait_for(partial(_has_begun, cell))
        began = time.perf_counter()
        notebook.interrupt()
        notebook.wait(cell.id)
        took.append(time.perf_counter() - began)
    print(f"interrupt to idle: {1000 * statistics.median(took):.0f} ms, longest {1000 * max(took):.0f} ms")
    assert statistics.median(took) < (0.2 if FULL else 1.0)


def _has_begun(cell: Cell) -> bool:
    return "loop-2" in str(cell.comms)


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[Callable[[int], tuple[float, float]]]:
    """Streams n deltas into a live cell; the CPU seconds of the kernel and the longest gap on its loop."""
    with MagicNotebook(tmp_path, offline=False, env={"CLAUDE_MAGIC_CLI": str(FAKE)}) as notebook:
        notebook.load()
        notebook.do(f"%config ClaudeMagics.context = 'none'\n{HEARTBEAT}")

        def flood(deltas: int) -> tuple[float, float]:
            session = f"-s of_{deltas}"
            notebook.do(f"import os; os.environ['FAKE_CLAUDE'] = 'deltas={deltas}'")
            notebook.do(f"%%claude {session}\nwarm up", allow_stdin=True)
            notebook.do("gaps[0], began = 0.0, time.process_time()")
            notebook.do(f"%%claude {session} -o r\nhi", allow_stdin=True)
            cpu, gap = notebook.value("(time.process_time() - began, gaps[0])")
            assert notebook.value("len(r.text.split())") == deltas + 3
            return cpu, gap

        yield flood


def test_the_kernels_work_is_linear_and_its_loop_stays_free(
    flooded: Callable[[int], tuple[float, float]],
) -> None:
    few, _ = flooded(1_000)
    many, gap = flooded(10_000)
    print(
        f"kernel CPU: {1000 * few:.0f} ms for 1,000 deltas, {1000 * many:.0f} ms for 10,000 "
        f"({many / few:.1f} x); longest gap on the loop {1000 * gap:.0f} ms"
    )
    assert many / few <= 15
    assert gap < (0.05 if FULL else 0.5)
