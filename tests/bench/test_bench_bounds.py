"""Floods through a session: time and memory stay bounded. And what loading costs.

CLAUDE_MAGIC_BENCH=1 (`make bench`) takes full measure; otherwise a short form runs.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from places import FAKE

from claude_magic.options import Options
from claude_magic.session import Session
from claude_magic.wire.events import StreamEvent

pytestmark = pytest.mark.bench

FULL = os.environ.get("CLAUDE_MAGIC_BENCH", "0") not in {"", "0"}
EVENTS = 1_000_000 if FULL else 100_000
STDERR = 100_000_000 if FULL else 20_000_000
LINE = 20_000_000
GROWTH = 20.0  # MB
LOAD = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
import ipykernel.kernelapp, ipywidgets  # what a kernel has anyway
shell = InteractiveShell.instance()
began, cpu = time.perf_counter(), time.process_time()
shell.run_line_magic("load_ext", "claude_magic")
took = time.perf_counter() - began, time.process_time() - cpu
print(*took, *sys.modules)
"""


def test_loading_is_quick_and_imports_nothing_before_it_is_used() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", LOAD], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(7 if FULL else 2)
    ]
    took, cpu = (statistics.median(float(run[column]) for run in runs) for column in (0, 1))
    print(f"%load_ext claude_magic: {1000 * took:.0f} ms, of CPU {1000 * cpu:.0f} ms")
    assert {"mcp", "claude_agent_sdk", "anywidget", "nest_asyncio2", "nh3"} & set(runs[0]) == set()
    assert cpu < (0.06 if FULL else 0.25)


@pytest.fixture
async def flood(tmp_path: Path) -> AsyncIterator[Callable[..., Session]]:
    """Makes sessions whose CLI does as told from its second prompt on."""
    made: list[Session] = []

    def make(behaviour: str) -> Session:
        made.append(Session(Options(cwd=tmp_path, cli=str(FAKE), env={"FAKE_CLAUDE": behaviour})))
        return made[-1]

    yield make
    for session in made:
        await session.stop(timeout=1.0)


class Memory:
    """How much this process has grown since, in MB."""

    def __init__(self) -> None:
        gc.collect()
        self._before = psutil.Process().memory_info().rss
        self._began = time.perf_counter()

    @property
    def growth(self) -> float:
        gc.collect()
        return (psutil.Process().memory_info().rss - self._before) / 1e6

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began


@pytest.mark.fault(69, via="fake")
async def test_a_flood_of_events_is_taken_in_and_its_memory_bounded(flood: Callable[..., Session]) -> None:
    await flood("deltas=1000").ask("what is made on first use")
    talk = flood(f"deltas={EVENTS}")
    seen, streaming = 0, 0.0
    memory = Memory()
    turn = talk.submit("hi")

    def count(event: object) -> None:
        nonlocal seen, streaming
        seen += isinstance(event, StreamEvent)
        if seen % (EVENTS // 50) == 0:
            streaming = max(streaming, memory.growth)

    turn.listeners.append(count)
    result = await turn.wait()
    print(
        f"{EVENTS:,} events through session and transcript: {memory.seconds:.1f} s, "
        f"{1e6 * memory.seconds / EVENTS:.0f} us each; RSS grew by {streaming:.1f} MB "
        f"while they came, by {memory.growth:.1f} MB in the end (the last lines hold the whole text again)"
    )
    assert result.error == ""
    assert seen >= EVENTS
    assert result.text.startswith("You said: hi w0 w1 ")
    assert len(result.text) + turn.transcript.hidden == len("You said: hi") + sum(
        len(f" w{number}") for number in range(EVENTS)
    )
    assert streaming < GROWTH
    assert memory.growth < 2 * GROWTH


@pytest.mark.fault(32, via="fake")
async def test_a_flood_of_stderr_is_drained_and_its_memory_bounded(flood: Callable[..., Session]) -> None:
    talk = flood(f"flood-stderr={STDERR}")
    memory = Memory()

    result = await talk.ask("hi")

    print(f"{STDERR / 1e6:.0f} MB of stderr: {memory.seconds:.1f} s, RSS grew by {memory.growth:.1f} MB")
    assert result.text == "You said: hi"
    assert memory.growth < GROWTH


@pytest.mark.fault(17, via="fake")
async def test_a_line_of_twenty_megabytes_is_accepted(flood: Callable[..., Session]) -> None:
    talk = flood(f"long-line={LINE}")
    memory = Memory()

    result = await talk.ask("hi")

    print(f"a line of {LINE / 1e6:.0f} MB: {memory.seconds:.2f} s, RSS grew by {memory.growth:.1f} MB")
    assert result.error == ""
    assert talk.is_running
