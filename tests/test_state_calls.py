"""What is asked of state files off the loop: in order, to the end, and not in a forked child."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from claude_magic.support.state_file import StateFile, flush, later, off_loop

SCHEMA = "CREATE TABLE IF NOT EXISTS t (x)"
AT_EXIT = """
import asyncio, atexit, threading
from claude_magic.support.state_file import later, off_loop
async def main():
    later(threading.Event().wait, 0.2)
    for number in range(3):
        later(print, number)
atexit.register(lambda: asyncio.run(off_loop(print, 3)))
asyncio.run(main())
"""
FORKED = """
import asyncio, os, pathlib, signal, sys, threading
from claude_magic.support.state_file import StateFile, later, off_loop

file = StateFile("file.sqlite", "CREATE TABLE IF NOT EXISTS t (x)", pathlib.Path(sys.argv[1]))
gate, begun = threading.Event(), threading.Event()

async def leave():
    later(lambda: (begun.set(), gate.wait()))
    later(file.run, lambda database: database.execute("INSERT INTO t VALUES (1)"))
    begun.wait()

async def look():
    print(await off_loop(file.run, lambda database: [x for (x,) in database.execute("SELECT x FROM t")]))

asyncio.run(leave())
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    gate.set()
else:
    signal.alarm(30)
asyncio.run(look())
"""


NO_THREAD = """
import asyncio, threading
from claude_magic.support.state_file import later, off_loop
def none_left(_):
    raise RuntimeError("can't start new thread")
async def main():
    start, threading.Thread.start = threading.Thread.start, none_left
    later(print, 0)
    await off_loop(print, 1)
    threading.Thread.start = start
    await off_loop(print, 2)
asyncio.run(main())
"""


def printed(code: str, *arguments: object) -> list[str]:
    """What a Python of its own prints, and nothing else."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


def insert(file: StateFile, value: int) -> None:
    file.run(lambda database: database.execute("INSERT INTO t VALUES (?)", (value,)))


def rows(file: StateFile) -> list[int]:
    return file.run(lambda database: [x for (x,) in database.execute("SELECT x FROM t")])


async def test_calls_are_made_in_their_order_and_also_before_one_that_is_made_at_once(tmp_path: Path) -> None:
    file, gate = StateFile("file.sqlite", SCHEMA, tmp_path), threading.Event()
    later(gate.wait)
    for number in range(20):
        later(insert, file, number)
    asked = asyncio.ensure_future(off_loop(rows, file))
    await asyncio.sleep(0)  # it is asked now
    later(insert, file, 20)
    gate.set()
    assert rows(file) == [*range(21)]
    assert await asked == [*range(20)]


async def test_a_call_that_raises_tells_who_waits_and_the_next_is_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = StateFile("file.sqlite", SCHEMA, tmp_path)
    later(int, "unread")
    with pytest.raises(ValueError, match="none"):
        await off_loop(int, "none")
    assert await off_loop(rows, file) == []
    assert "The state folder could not be written" in caplog.text
    assert "'unread'" in caplog.text


async def test_a_call_that_nobody_waits_for_any_more_is_made_all_the_same(tmp_path: Path) -> None:
    file, gate = StateFile("file.sqlite", SCHEMA, tmp_path), threading.Event()
    later(gate.wait)
    given_up = asyncio.ensure_future(off_loop(insert, file, 1))
    await asyncio.sleep(0)  # it is asked now
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    gate.set()
    await flush()
    assert rows(file) == [1]


def test_where_the_system_has_no_thread_left_a_call_is_made_at_once_and_once() -> None:
    assert printed(NO_THREAD) == ["0", "1", "2"]


def test_what_was_left_is_done_before_the_interpreter_exits_and_what_comes_later_at_once() -> None:
    assert printed(AT_EXIT) == ["0", "1", "2", "3"]


@pytest.mark.fault(63, via="os")
def test_a_forked_child_does_none_of_its_parents_calls_and_does_not_hang(tmp_path: Path) -> None:
    assert printed(FORKED, tmp_path) == ["[]", "[1]"]
