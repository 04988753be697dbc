"""The kernel's side of the guard: one small process that outlives the kernel and ends what it has left.

The promise: from `watch` to `forget`, whatever ends this process, in any way, the tree is ended too. The
watcher (`processes.watcher`) runs while something is watched; one that dies meanwhile is replaced. Nothing
here raises, needs an event loop, or does anything in a forked child.

It spawns by itself: a `ChildProcess` belongs to an event loop and ends with it, the watcher must not.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from claude_magic.processes.tree import TREE_TAG

__all__ = ["Guard"]

QUICK = 1.0  # seconds; a watcher that ends sooner cannot run here
_WATCHER = Path(__file__).with_name("watcher.py")

_log = logging.getLogger(__name__)


class Guard:
    """Watches over trees of processes, for this process only."""

    def __init__(self) -> None:
        self._lines: dict[str, bytes] = {}  # tag → the line that tells of it
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process id of a watcher that has been told everything; None while there is none."""
        with self._lock:
            return self._process.pid if self._process else None

    def watch(self, tag: str, pid: int = 0, created: str = "") -> None:
        """Begins to watch a tree, or tells more of it.

        Args:
            tag: The value of `TREE_TAG` in its environment; watched before the spawn, it cannot be missed.
            pid: The leader's id.
            created: The leader's creation time, as `creation_time` gives it.
        """
        with self._lock:
            self._lines[tag] = f"+ {tag} {pid} {created}\n".encode()
            if self._process is None:
                self._start()
            else:
                self._tell(self._lines[tag])

    def forget(self, tag: str) -> None:
        """The tree has ended; with the last one the watcher ends."""
        with self._lock:
            if self._lines.pop(tag, None) is None:
                return
            if self._lines:
                self._tell(f"- {tag}\n".encode())
            else:
                self._let_go()

    def leave(self) -> None:
        """Gives up our end of the pipe: in a forked child, which has nothing to be watched."""
        self._lock = threading.Lock()  # another thread may have held it when we were forked
        self._lines.clear()
        self._let_go()

    def _start(self) -> None:
        try:
            self._process = process = _spawn()
            threading.Thread(
                target=self._keep, args=(process,), name="claude_magic guard", daemon=True
            ).start()
        except (OSError, RuntimeError) as error:  # no descriptor, process or thread left: sessions work
            _log.warning("The guard could not be started: %s", error)
            self._let_go()
            return
        for line in self._lines.values():
            self._tell(line)

    def _tell(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            os.write(self._process.stdin.fileno(), line)
        except OSError:  # it has ended, or is stopped and the pipe is full; a new one is told everything
            self._process.kill()

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _keep(self, process: subprocess.Popen[bytes]) -> None:
        """In a thread: reaps the watcher, and replaces one that was not meant to end."""
        start = time.monotonic()
        process.wait()
        with self._lock:
            if self._process is not process:
                return
            self._let_go()
            if time.monotonic() - start > QUICK:
                self._start()
            else:
                _log.warning("The guard ended as soon as it had started.")


def _spawn() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_WATCHER), str(os.getpid()), *_folders()],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != TREE_TAG},  # not of somebody's tree
        start_new_session=True,  # the kernel's interrupt, or the end of its group, is not the guard's
    )
    assert process.stdin is not None  # noqa: S101  # spawned with a pipe
    os.set_blocking(process.stdin.fileno(), False)
    return process


def _folders() -> list[str]:
    """Where the watcher imports from, at the end."""
    psutil = find_spec("psutil")
    assert psutil is not None  # noqa: S101  # a dependency
    assert psutil.origin is not None  # noqa: S101
    return [str(Path(__file__).parents[2]), str(Path(psutil.origin).parents[1])]
