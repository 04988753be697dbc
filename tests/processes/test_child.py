"""`ChildProcess` with small children: facts of the operating system, which need no CLI."""

from __future__ import annotations

import asyncio
import errno
import gc
import itertools
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import psutil
import pytest
from children import (
    CancelledAt,
    alive,
    cancelled_at,
    children,
    descriptors,
    heartbeat,
    line,
    nothing_left,
    show,
)
from waiting import eventually

from claude_magic.errors import CLINotFoundError, StartError, WorkingDirectoryError
from claude_magic.processes import tree
from claude_magic.processes.child import ChildProcess, Rung
from claude_magic.processes.exit_reason import exit_cause
from claude_magic.processes.stderr_tail import LINES, Tail

pytestmark = pytest.mark.process

ROOT = Path("/")
CAT = ["/bin/cat"]
# What ends on nothing, on SIGTERM, on SIGKILL only; each tells when it is ready.
DEAF = "import time; print('ready', flush=True); time.sleep(100)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + DEAF


@pytest.fixture(autouse=True)
async def as_before() -> AsyncIterator[None]:
    async with nothing_left():
        yield


async def spawn(*argv: str, env: Mapping[str, str] = os.environ) -> ChildProcess:
    return await ChildProcess.spawn(argv, cwd=ROOT, env=env)


async def python(code: str) -> ChildProcess:
    """A child that runs `code`, and has said its first word."""
    child = await spawn(sys.executable, "-c", code)
    assert await line(child) == b"ready\n"
    return child


def family(grandchild: str, leader: str = "time.sleep(100)") -> str:
    """Code of a child with a grandchild, whose pid it tells."""
    return (
        "import subprocess, sys, time\n"
        f"grandchild = subprocess.Popen(['/bin/sleep', '100'], {grandchild})\n"
        "print(grandchild.pid, flush=True)\n"
        f"{leader}\n"
    )


async def with_grandchild(code: str) -> tuple[ChildProcess, psutil.Process]:
    child = await spawn(sys.executable, "-c", code)
    return child, psutil.Process(int(await line(child)))


# Start


@pytest.mark.fault(3, via="os")
@pytest.mark.parametrize("name", ["missing", "file", "file/below", "missing/é東"])
async def test_a_working_directory_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkingDirectoryError) as caught:
        await ChildProcess.spawn(CAT, cwd=tmp_path / name, env=os.environ)
    assert str(tmp_path / name) in str(caught.value)
    assert "cat" not in str(caught.value)


@pytest.mark.fault(2, via="os")
async def test_a_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\x7fELF" + bytes(60))
    wrong.chmod(0o755)
    for program, cause in ((wrong, "not a program for this machine"), (tmp_path / "none", "No such file")):
        with pytest.raises(CLINotFoundError, match=cause) as caught:
            await spawn(str(program))
        assert str(program) in str(caught.value)


@pytest.mark.fault(11, via="os")
async def test_a_nul_in_an_argument_is_refused_before_anything_starts() -> None:
    with pytest.raises(StartError, match="null"):
        await spawn("/bin/echo", "a\0b")


@pytest.mark.fault(11, via="os")
async def test_arguments_reach_the_program_as_they_are() -> None:
    strange = ["--", "-x", "two words", 'it\'s "quoted"', "a\nb", "$(id)", "é東", ""]
    code = "import json, sys; print(json.dumps(sys.argv[1:]), flush=True)"
    child = await spawn(sys.executable, "-c", code, *strange)
    assert json.loads(await line(child)) == strange
    await child.stop()


def unused(count: int) -> int:
    """The limit that leaves `count` numbers free."""
    free = (number for number in itertools.count() if str(number) not in descriptors())
    return next(itertools.islice(free, count, None))


@pytest.mark.fault(7, via="os")
@pytest.mark.parametrize("free", range(8))
async def test_want_of_descriptors_is_said_and_leaves_none_open(free: int) -> None:
    before = descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (unused(free), hard))
    try:
        with pytest.raises(StartError, match="Too many open files"):
            await spawn(*CAT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert descriptors() == before
    assert (await (await spawn(*CAT)).stop()).rung is Rung.EOF


@pytest.mark.fault(7, via="os")
async def test_without_a_free_descriptor_a_process_can_still_be_stopped() -> None:
    child = await spawn(*CAT)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (unused(0), hard))
    try:
        report = await child.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (report.rung, report.returncode) == (Rung.EOF, 0)


@pytest.mark.fault(7, via="os")
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
async def test_want_of_memory_or_processes_is_said_and_the_next_try_works(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", refuse)
        with pytest.raises(StartError, match="no memory or process slot"):
            await spawn(*CAT)
    assert (await (await spawn(*CAT)).stop()).rung is Rung.EOF


@pytest.mark.fault(7, via="os")
async def test_a_process_that_no_thread_can_wait_for_is_not_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(StartError, match="can't start new thread"):
            await spawn(*CAT)
    await eventually(lambda: not children())
    gc.collect()  # where nothing may be left to complain


@pytest.mark.fault(40, via="os")
async def test_a_child_leads_a_session_and_a_group_of_its_own() -> None:
    child = await spawn(*CAT)
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    await child.stop()


@pytest.mark.fault(43, via="os")
@pytest.mark.parametrize("n", range(1, 9))
async def test_a_start_cancelled_at_any_await_leaves_no_process(n: int) -> None:
    async def start() -> None:
        child = await spawn(*CAT)
        await child.kill()

    reached = await cancelled_at(n, start())
    await eventually(lambda: not children())
    if n == 1:
        assert reached


# Reading and writing


@pytest.mark.fault(37, via="os")
async def test_two_writers_at_once_give_whole_lines() -> None:
    child = await spawn(*CAT)
    lines = [letter * 200_000 + b"\n" for letter in (b"a", b"b")]

    async def write(sent: bytes) -> None:
        for _ in range(20):
            await child.write(sent)

    async def read() -> bytes:
        data = b""
        while data.count(b"\n") < 40:
            data += await child.read()
        return data

    reading = asyncio.create_task(read())
    await asyncio.gather(*map(write, lines))
    data = await reading
    assert sorted(data.splitlines(keepends=True)) == sorted(lines * 20)
    await child.stop()


@pytest.mark.fault(37, via="os")
async def test_what_is_read_late_is_known_to_be_written_after_what_was_read_before_it(tmp_path: Path) -> None:
    written = tmp_path / "written"
    child = await python(
        "import pathlib, time; print('ready', flush=True); input(); print(time.time(), flush=True); "
        f"pathlib.Path({str(written)!r}).touch(); input()"
    )
    before = time.time()
    await child.write(b"\n")
    while not written.exists():
        pass  # the loop is held up until all is done
    moment = float(await child.read())
    assert child.written_after <= before <= moment
    await child.write(b"\n")
    assert await child.read() == b""
    assert child.written_after >= moment, "the last of it came in after it was written"
    await child.stop(1)


async def test_a_cancelled_write_still_writes_its_whole_line() -> None:
    child = await spawn(*CAT)
    sent = b"x" * 1_000_000 + b"\n"
    writing = asyncio.create_task(child.write(sent))
    await asyncio.sleep(0)
    writing.cancel()
    assert await line(child) == sent
    assert writing.cancelled()
    await child.stop()


@pytest.mark.fault(36, via="os")
async def test_a_child_that_reads_nothing_holds_up_neither_the_loop_nor_its_stop() -> None:
    child = await python(DEAF)
    async with heartbeat() as gap:
        writing = asyncio.create_task(child.write(b"x" * 5_000_000))
        done, _ = await asyncio.wait({writing}, timeout=0.3)
        assert not done
        report = await child.stop(timeout=5, eof_grace=0.1)
    assert gap() < 0.5
    assert report.rung is Rung.TERM
    assert await writing is False


@pytest.mark.fault(35, via="os")
async def test_a_write_fails_when_the_child_dies_in_the_middle_of_it_and_after() -> None:
    child = await python(DEAF)
    writing = asyncio.create_task(child.write(b"x" * 5_000_000))
    await asyncio.sleep(0)
    os.kill(child.pid, signal.SIGKILL)
    for write in (writing, child.write(b"more")):
        assert await write is False
    assert await child.wait(5) == -signal.SIGKILL
    assert (await child.stop()).rung is Rung.ALREADY


@pytest.mark.fault(65, via="os")
async def test_what_was_said_before_the_exit_is_read_however_late() -> None:
    size = 1_000_000
    child = await spawn(sys.executable, "-c", f"import os; os.write(1, b'x' * {size})")
    data = await child.read()
    time.sleep(0.3)  # noqa: ASYNC251  # somebody's cell that holds up the loop
    while chunk := await child.read():
        data += chunk
        await asyncio.sleep(0.001)  # a slow reader
    assert len(data) == size
    await child.stop()


def fed_to_tails(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what comes from stderr, from now on."""
    fed: list[int] = []
    feed = Tail.feed

    def counted(tail: Tail, chunk: bytes) -> None:
        fed.append(len(chunk))
        feed(tail, chunk)

    monkeypatch.setattr(Tail, "feed", counted)
    return fed


@pytest.mark.fault(32, via="os")
async def test_a_hundred_mebibytes_on_stderr_are_drained_and_a_thousand_lines_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fed = fed_to_tails(monkeypatch)
    size = 100 * 1024 * 1024
    code = (
        f"import os\nfor n in range({size} // 65536): os.write(2, b'e' * 63 + b'\\n' + b'f' * 65471 + b'\\n')"
    )
    child = await spawn(sys.executable, "-c", code)
    started = time.monotonic()
    async with heartbeat() as gap:
        assert await child.wait(30) == 0
        await child.wait_closed()
    show(f"100 MiB of stderr: {time.monotonic() - started:.2f} s, longest gap {gap() * 1000:.0f} ms")
    assert sum(fed) == size
    assert len(child.stderr._lines) == LINES
    assert sum(map(len, child.stderr._lines)) < 3_000_000
    assert gap() < 0.5
    assert child.stderr_tail(1) == ["f" * 300]
    await child.stop()


@pytest.mark.fault(32, via="os")
async def test_stderr_without_a_newline_is_drained_and_its_beginning_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fed = fed_to_tails(monkeypatch)
    code = "import os\nos.write(2, b'begin')\nfor n in range(100): os.write(2, b'e' * 65536)"
    child = await spawn(sys.executable, "-c", code)
    await child.wait(20)
    await child.wait_closed()
    assert sum(fed) == 5 + 6_553_600
    assert child.stderr_tail()[0].startswith("begineee")
    await child.stop()


@pytest.mark.fault(33, via="os")
async def test_stderr_is_redacted_before_it_is_cut() -> None:
    secret = "s3cret-" * 60
    code = f"import sys; sys.stderr.write('x' * 290 + '{secret}')"
    child = await ChildProcess.spawn(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ,
        redact=lambda text: text.replace(secret, "[-]"),
    )
    await child.wait(20)
    await child.wait_closed()
    assert child.stderr_tail() == ["x" * 290 + "[-]"]
    await child.stop()


# The ladder


@pytest.mark.fault(46, via="os")
async def test_a_child_that_ends_with_its_input_gets_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
    monkeypatch.setattr(psutil.Process, "kill", sent.append)
    report = await (await spawn(*CAT)).stop()
    assert (report.rung, report.returncode, report.killed, sent) == (Rung.EOF, 0, (), [])


@pytest.mark.fault(47, via="os")
async def test_a_child_that_ignores_the_end_of_input_gets_sigterm_at_the_deadline_and_not_before() -> None:
    child = await python(DEAF)
    started = time.monotonic()
    report = await child.stop(timeout=60, eof_grace=0.4)
    assert (report.rung, report.returncode) == (Rung.TERM, -signal.SIGTERM)
    assert 0.4 <= time.monotonic() - started < 3


@pytest.mark.fault(48, via="os")
async def test_a_child_that_ignores_sigterm_is_killed_and_a_warning_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    child = await python(STUBBORN)
    started = time.monotonic()
    with caplog.at_level(logging.WARNING):
        report = await child.stop(timeout=0.3, eof_grace=0.1)
    assert (report.rung, report.returncode) == (Rung.KILL, -signal.SIGKILL)
    assert 0.4 <= time.monotonic() - started < 3
    assert [str(child.pid) in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.fault(49, via="os")
async def test_a_child_that_survives_sigkill_is_given_up_in_time_and_another_can_start(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await python(STUBBORN)
    started = time.monotonic()
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(os, "killpg", lambda *_: None)
        patch.setattr(psutil.Process, "kill", lambda _: None)
        patch.setattr(subprocess.Popen, "kill", lambda _: None)
        report = await child.stop(timeout=0.2, eof_grace=0.1)
    assert time.monotonic() - started < 5
    assert (report.rung, report.returncode) == (Rung.ABANDONED, None)
    assert str(child.pid) in caplog.text
    assert await child.read() == b""
    assert (await (await spawn(*CAT)).stop()).rung is Rung.EOF
    os.kill(child.pid, signal.SIGKILL)
    assert await child.wait(5) == -signal.SIGKILL


async def test_a_kill_overtakes_a_stop_under_way() -> None:
    child = await python(STUBBORN)
    started = time.monotonic()
    stopping = asyncio.create_task(child.stop(timeout=50, eof_grace=50))
    await asyncio.sleep(0)
    report = await child.kill()
    assert (report.rung, report.returncode) == (Rung.KILL, -signal.SIGKILL)
    assert await stopping is report
    assert time.monotonic() - started < 3


async def test_stopping_twice_or_after_the_end_is_the_same_stop() -> None:
    child = await spawn(*CAT)
    first, second = await asyncio.gather(child.stop(), child.stop())
    assert first is second is await child.stop() is await child.kill()


@pytest.mark.fault(43, via="os")
@pytest.mark.parametrize("code", [DEAF, STUBBORN])
async def test_a_cancelled_stop_goes_on_to_its_end(code: str) -> None:
    child = await python(code)
    assert await cancelled_at(1, child.stop(timeout=0.2, eof_grace=0.1))
    assert child.is_running
    await eventually(lambda: not children())
    assert (await child.stop()).rung is (Rung.TERM if code == DEAF else Rung.KILL)


@pytest.mark.fault(44, via="os")
async def test_a_stop_with_a_timeout_around_it_goes_on_to_its_end() -> None:
    child = await python(STUBBORN)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await child.stop(timeout=0.2, eof_grace=0.1)
    await eventually(lambda: not children())
    assert (await child.stop()).rung is Rung.KILL


@pytest.mark.fault(44, via="os")
@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("code", [DEAF, STUBBORN])
async def test_the_ladder_itself_cancelled_at_any_await_kills_at_once(
    n: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await python(code)
    ladder = child._climb_down
    steps: list[CancelledAt] = []

    async def cancelled(timeout: float, eof_grace: float) -> object:  # noqa: ASYNC109
        steps.append(CancelledAt(n, ladder(timeout, eof_grace)))
        return await steps[0]

    with monkeypatch.context() as patch:
        patch.setattr(child, "_climb_down", cancelled)
        await asyncio.wait({asyncio.create_task(child.stop(timeout=0.1, eof_grace=0.1))})
    await eventually(lambda: not children())
    assert steps[0].reached or n > 4
    assert (await child.stop()).returncode is not None


@pytest.mark.fault(64, via="os")
def test_a_loop_that_ends_takes_its_children_along(until: Callable[..., None]) -> None:
    before = children()

    async def main() -> tuple[int, psutil.Process]:
        child, grandchild = await with_grandchild(family("start_new_session=True"))
        return child.pid, grandchild

    pid, grandchild = asyncio.run(main())
    until(lambda: children() == before and not alive(grandchild) and not psutil.pid_exists(pid))


# The tree


@pytest.mark.fault(50, via="os")
@pytest.mark.parametrize("scattered", ["close_fds=True", "start_new_session=True"])
async def test_grandchildren_end_when_the_leader_dies_by_itself(scattered: str) -> None:
    child, grandchild = await with_grandchild(family(scattered))
    os.kill(child.pid, signal.SIGKILL)
    await child.wait_closed()
    assert not alive(grandchild)
    assert (await child.stop()).killed == (grandchild.pid,)


@pytest.mark.fault(50, via="os")
async def test_a_grandchild_in_the_middle_of_an_exec_ends_with_a_leader_that_dies_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a moment it has neither environment nor arguments; on a busy machine one of 3,000 was met there."""
    child, grandchild = await with_grandchild(family("start_new_session=True"))
    looks = itertools.count()

    def show_nothing(name: str, nothing: object) -> None:
        shown = getattr(psutil.Process, name)

        def look(process: psutil.Process) -> object:
            return nothing if process.pid == grandchild.pid and next(looks) < 5 else shown(process)

        monkeypatch.setattr(psutil.Process, name, look)

    show_nothing("environ", {})
    show_nothing("cmdline", [])
    os.kill(child.pid, signal.SIGKILL)
    await child.wait_closed()

    assert not alive(grandchild)
    assert (await child.stop()).killed == (grandchild.pid,)


@pytest.mark.fault(52, via="os")
@pytest.mark.parametrize(
    "scattered", ["close_fds=True", "start_new_session=True", "start_new_session=True, env={}"]
)
@pytest.mark.parametrize("how", ["stop", "kill", "kill_now"])
async def test_grandchildren_end_with_the_leader_wherever_they_went(scattered: str, how: str) -> None:
    child, grandchild = await with_grandchild(family(scattered))
    if how == "kill_now":
        child.kill_now()
    await (child.stop(eof_grace=0.1) if how == "stop" else child.kill())
    assert not alive(grandchild)


@pytest.mark.fault(50, via="os")
async def test_a_tree_that_grows_while_it_is_killed_ends_too() -> None:
    breeder = "import subprocess, sys\nfor _ in range(30): subprocess.Popen(['/bin/sleep', '99.5'])\n"
    leader = (
        f"p = subprocess.Popen([sys.executable, '-c', {breeder!r}], start_new_session=True)\ntime.sleep(100)"
    )
    child, _ = await with_grandchild(family("", leader))
    await eventually(lambda: with_word("99.5"))
    assert len((await child.kill()).killed) >= 2
    assert not with_word("99.5")


def with_word(word: str) -> list[int]:
    """The processes that have it in their command line."""
    return [
        process.pid for process in psutil.process_iter(["cmdline"]) if word in (process.info["cmdline"] or ())
    ]


@pytest.mark.fault(51, via="os")
async def test_an_exit_is_seen_at_once_although_a_stranger_holds_the_pipes() -> None:
    child, stranger = await with_grandchild(family("start_new_session=True, env={}", leader=""))
    started = time.monotonic()
    assert await child.wait(5) == 0
    seen = time.monotonic() - started
    assert await child.read() == b""
    closed = time.monotonic() - started
    assert alive(stranger)
    assert (await child.stop()).rung is Rung.ALREADY
    show(f"exit seen after {seen * 1000:.0f} ms, reader closed after {closed * 1000:.0f} ms")
    assert seen < 3  # the stranger lives for 99 s
    assert closed < 5
    stranger.kill()


@pytest.mark.fault(54, via="os")
async def test_a_pid_that_belongs_to_another_by_now_is_never_signalled() -> None:
    stranger = await python(DEAF)
    reused = psutil.Process(stranger.pid)
    reused.__dict__["_ident"] = (reused.pid, 1.0)  # as if it had been looked at in another process's days
    ours = tree.ProcessTree(stranger.pid, "no such mark")
    ours._leader = reused
    ours._members = {reused}
    for number in (signal.SIGTERM, signal.SIGKILL):
        ours.signal_group(number)
    tree._kill([reused])
    ours.kill()
    assert alive(psutil.Process(stranger.pid))
    assert not ours.killed
    assert await stranger.wait(0.1) is None
    await stranger.stop(eof_grace=0)


@pytest.mark.fault(54, via="os")
async def test_after_the_end_nothing_is_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    child = await spawn(*CAT)
    await child.stop()
    sent: list[object] = []
    monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
    child.kill_now()
    await child.kill()
    await child.stop()
    assert sent == []


@pytest.mark.fault(61, via="os")
async def test_fifty_starts_and_stops_leave_everything_as_it_was() -> None:
    async with nothing_left():
        for n in range(50):
            child = await spawn(*CAT) if n % 2 else await python(DEAF)
            await child.write(b"x")
            await child.stop(eof_grace=1 if n % 2 else 0)


# The end in words


@pytest.mark.fault(53, via="pure")
@pytest.mark.parametrize(
    ("returncode", "stderr", "words"),
    [
        (None, (), "no exit seen"),
        (0, (), "exit code 0"),
        (1, ("a", "b"), "exit code 1: a / b"),
        (1, ("a", "b", "c", "d"), "exit code 1: b / c / d"),
        (-9, (), "killed by SIGKILL"),
        (-15, ("bye",), "killed by SIGTERM: bye"),
        (-11, (), "crashed with SIGSEGV"),
        (-6, (), "crashed with SIGABRT"),
        (-99, (), "ended by signal 99"),
        (137, (), "exit code 137, as after SIGKILL"),
        (143, (), "exit code 143, as after SIGTERM"),
        (255, (), "exit code 255"),
    ],
)
def test_an_end_is_named_for_what_is_known_of_it(
    returncode: int | None, stderr: tuple[str, ...], words: str
) -> None:
    assert exit_cause(returncode, stderr) == words
    assert "memory" not in words


@pytest.mark.fault(53, via="os")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("ctypes.string_at(0)", "crashed with SIGSEGV"),
        ("os.abort()", "crashed with SIGABRT"),
    ],
)
async def test_real_ends_are_named(code: str, words: str) -> None:
    child = await spawn(sys.executable, "-c", f"import ctypes, os, signal, sys; {code}")
    assert exit_cause(await child.wait(20)) == words
    await child.stop()
