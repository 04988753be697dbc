"""A child process: the only place that spawns and reaps.

The promise: no shell, a working directory and a process session of its own, both outputs drained at all
times, and `stop()` ends the whole tree within a bound: close stdin, wait, SIGTERM, wait, SIGKILL to every
verified member, reap, shut the pipes. Neither cancelling `stop()` nor a grandchild that holds stdout open can
leave the ladder half climbed. However the process ends, the rest of its tree ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
import uuid
from asyncio import SubprocessTransport, WriteTransport
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from claude_magic.processes.exit_reason import start_error
from claude_magic.processes.stderr_tail import Tail
from claude_magic.processes.tree import TREE_TAG, ProcessTree, kill_tagged

__all__ = ["TREE_TAG", "ChildProcess", "Rung", "StopReport"]

CHUNK = 64 * 1024  # what a pipe holds; the most that is worked on between two turns of the loop
EOF_GRACE = 2.0  # seconds for an idle CLI to end after stdin closes; measured: 0.07
KILL_WAIT = 2.0  # seconds until a process that survives SIGKILL is given up
DRAIN_GRACE = 0.25  # seconds without a byte after which an output that somebody holds open is shut
CLOSE_WAIT = 2.0  # seconds for tree and outputs to end once the process has

_log = logging.getLogger(__name__)


class Rung(Enum):
    """How far down the ladder `stop()` had to go."""

    ALREADY = "it had already ended"
    EOF = "it ended when its input closed"
    TERM = "it ended on SIGTERM"
    KILL = "it was killed"
    ABANDONED = "it survived SIGKILL and was given up"


class StopReport(Struct, frozen=True):
    """What `stop()` did: the rung reached, the exit code, the descendants it had to kill."""

    rung: Rung
    returncode: int | None
    killed: tuple[int, ...] = ()


def become(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Has another program take the place of this process, so that the terminal and its signals are its own.

    Args:
        argv: Program and arguments; the program is a path.
        env: Its whole environment.
    """
    os.execve(argv[0], list(argv), dict(env))  # noqa: S606  # no shell, a path that was found


class _Protocol(SubprocessStreamProtocol):
    """Tells of the exit at once; `Process.wait()` waits for the pipes too, which a grandchild may hold."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK, loop=loop)
        self.exited = asyncio.Event()
        self.outputs_ended = asyncio.Event()
        self.refused = False
        self.last_output = time.time()
        self._open = {1, 2}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.refused:
            transport.close()  # reaps it

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        super().pipe_data_received(fd, data)
        if fd == 1:
            self.last_output = time.time()  # the pipe was emptied just now

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        super().pipe_connection_lost(fd, exc)
        self._open.discard(fd)
        if not self._open:
            self.outputs_ended.set()


class ChildProcess:
    """One running child. Made by `spawn`."""

    def __init__(
        self, transport: SubprocessTransport, protocol: _Protocol, tag: str, redact: Callable[[str], str]
    ) -> None:
        self._transport = transport
        self._process = Process(transport, protocol, asyncio.get_running_loop())
        self._protocol = protocol
        self.stderr = Tail(redact)
        self._tree = ProcessTree(self._process.pid, tag)
        self._writing = asyncio.Lock()
        self._rungs: dict[Rung, Callable[[], object]] = {  # the ladder, from its top
            Rung.EOF: self._close_stdin,
            Rung.TERM: partial(self._tree.signal_group, signal.SIGTERM),
            Rung.KILL: self._tree.kill,
        }
        self._rung = Rung.ALREADY
        self._ladder: asyncio.Task[StopReport] | None = None
        self._chunks = 0
        self._reading = False
        self.written_after = self._last_read = protocol.last_output
        self._draining = asyncio.create_task(self._drain_stderr(), name="claude_magic stderr")
        self._ending = asyncio.create_task(self._end_with_leader(), name="claude_magic exit")
        self._ending.add_done_callback(self._shut)

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        redact: Callable[[str], str] = str,
        tag: str = "",
    ) -> ChildProcess:
        """Starts `argv`.

        Args:
            argv: Program and arguments; the program is a path.
            cwd: Working directory.
            env: The child's whole environment.
            redact: Takes secrets out of what is shown of stderr.
            tag: The value of `TREE_TAG` in the child's environment; a new one if empty.

        Raises:
            WorkingDirectoryError: `cwd` is missing, no directory, or closed to us.
            CLINotFoundError: The program cannot be run.
            StartError: The system refused, for want of descriptors, memory or processes.
        """
        loop = asyncio.get_running_loop()
        protocol = _Protocol(loop)
        tag = tag or uuid.uuid4().hex
        try:
            transport, _ = await loop.subprocess_exec(
                lambda: protocol,
                *argv,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=cwd,
                env={**env, TREE_TAG: tag},
                start_new_session=True,  # a kernel's interrupt signals its whole process group
            )
        except (OSError, ValueError, RuntimeError) as error:
            protocol.refused = True  # it may have failed after the fork: no thread to wait with
            kill_tagged(tag)
            raise start_error(argv[0], cwd, error) from error
        return cls(transport, protocol, tag, redact)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def is_running(self) -> bool:
        """The process has not ended yet."""
        return self._process.returncode is None

    def stderr_tail(self, lines: int = 5) -> list[str]:
        """The last lines of stderr, redacted and then shortened."""
        return self.stderr.last(lines)

    def escaped(self) -> dict[int, str]:
        """What it started, directly or not, that has left its tree and still runs: names by pid."""
        return self._tree.escaped() if self.is_running else {}

    async def write(self, data: bytes) -> bool:
        """Writes all of `data`, never mixed with another writer's, even if it is cancelled in the middle.

        Returns:
            False if the process no longer reads.
        """
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101  # spawned with a pipe
        async with self._writing:
            if not stdin.is_closing():
                stdin.write(data)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    await stdin.drain()
            return not stdin.is_closing()

    async def read(self) -> bytes:
        """The next chunk of stdout; b"" at its end, or shortly after the exit if somebody holds it open."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101  # spawned with a pipe
        self._reading = True
        try:
            chunk = await stdout.read(CHUNK)
        finally:
            self._reading = False
            self._chunks += 1
        self.written_after = self._last_read
        if len(chunk) < CHUNK:  # nothing is left of what had come
            self._last_read = self._protocol.last_output
        return chunk

    async def wait(self, timeout: float | None = None) -> int | None:  # noqa: ASYNC109  # a bound, not an error
        """The exit code, or None if it still runs after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._protocol.exited.wait(), timeout)
        return self.returncode

    async def wait_closed(self) -> None:
        """Waits until it has ended or was given up, with its tree, and all it said on stderr is there."""
        await asyncio.wait({self._ending, self._draining})

    async def stop(self, timeout: float = 5.0, *, eof_grace: float = EOF_GRACE) -> StopReport:  # noqa: ASYNC109
        """Ends the process and all its descendants, and reaps it.

        Args:
            timeout: Seconds to wait after SIGTERM, and again after SIGKILL.
            eof_grace: Seconds to wait after closing stdin; 0 goes straight to the signals.

        Returns:
            The rung reached. Cancelling this call does not cancel the ladder.
        """
        if self._ladder is None or self._ladder.cancelled():
            self._ladder = asyncio.create_task(self._climb_down(timeout, eof_grace), name="claude_magic stop")
        return await asyncio.shield(self._ladder)

    async def kill(self) -> StopReport:
        """Ends the tree at once, as the last rung of `stop`; an ongoing `stop` is overtaken."""
        if self.is_running:
            self._step(Rung.KILL)
        return await self.stop(KILL_WAIT, eof_grace=0)

    def kill_now(self) -> None:
        """Ends the tree without a loop, for interpreter exit."""
        self._tree.kill()

    # The ladder

    async def _climb_down(self, timeout: float, eof_grace: float) -> StopReport:  # noqa: ASYNC109
        try:
            if self.is_running:
                self._tree.members()  # looked up now: parentage is lost when the leader ends
                await self._end_leader(timeout, eof_grace)
            if not self.is_running:
                await asyncio.wait({self._ending}, timeout=CLOSE_WAIT)
        finally:
            self._ending.cancel()  # what still runs is killed, what is open is shut, at once
        await asyncio.wait({self._ending, self._draining}, timeout=CLOSE_WAIT)
        return StopReport(self._rung, self.returncode, tuple(sorted(self._tree.killed)))

    async def _end_leader(self, timeout: float, eof_grace: float) -> None:  # noqa: ASYNC109
        for rung, patience in zip(self._rungs, (eof_grace, timeout, timeout), strict=True):
            if self._rung is not Rung.KILL:  # else `kill()` went ahead
                self._step(rung)
            if await self.wait(patience) is not None:
                return
        self._rung = Rung.ABANDONED
        _log.error("Process %d survived SIGKILL and was given up.", self.pid)

    def _step(self, rung: Rung) -> None:
        if (self._rung, rung) == (Rung.TERM, Rung.KILL):
            _log.warning("Process %d is killed; it did not end on SIGTERM.", self.pid)
        self._rungs[rung]()
        self._rung = rung

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _end_with_leader(self) -> None:
        """Lives as long as the process: then the rest of the tree ends, and the outputs."""
        try:
            await self._protocol.exited.wait()
        except asyncio.CancelledError:  # given up, or the loop goes down
            self._tree.kill()
            await self.wait(CLOSE_WAIT / 2)  # or its exit would be told to a closed loop
            raise
        await self._tree.end()
        await self._end_of_outputs()

    async def _end_of_outputs(self) -> None:
        """Until both are at their end, or whoever holds them says no more; a slow reader gets its time."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101  # spawned with a pipe
        chunks = -1
        while chunks != self._chunks or not (self._reading or stdout.at_eof()):
            chunks = self._chunks
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._protocol.outputs_ended.wait(), DRAIN_GRACE)
                return

    def _shut(self, _: asyncio.Task[None]) -> None:
        """All pipes closed, so that nothing is left to the garbage collector."""
        if self.is_running:  # given up, or cancelled before its first step
            self._tree.kill()
        stdin = self._transport.get_pipe_transport(0)
        if isinstance(stdin, WriteTransport) and stdin.get_write_buffer_size():
            stdin.abort()  # nobody is going to read it
        self._transport.close()

    # stderr

    async def _drain_stderr(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None  # noqa: S101  # spawned with a pipe
        while chunk := await stderr.read(CHUNK):
            self.stderr.feed(chunk)
            await asyncio.sleep(0)  # a flood fills the buffer faster than it is emptied: let others run
