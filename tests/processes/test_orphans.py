"""A real kernel, the real CLI of both generations, and every way to lose a kernel: nothing is left.

In each kernel six sessions run, three of each generation: one idle, one busy in a Bash tool (whose process
has left the group), and one that is stopped and no longer reads its input. A kernel that has ended is not
reaped before the processes are gone: it stays a zombie, as in a container without init.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil
import pytest
from generations import OLDER_CLI, current_cli
from jupyter_client.manager import KernelManager
from magic_fixtures import MagicNotebook
from waiting import wait_until

from claude_magic.processes.tree import TREE_TAG

pytestmark = [pytest.mark.process, pytest.mark.kernel]

BOUND = 10.0  # seconds until nothing may be left
IDLE_BOUND = 5.0  # of an idle session
ROLES = """{
    session.name: (session.pid, info.mark)
    for configurable in get_ipython().configurables if type(configurable).__name__ == "ClaudeMagics"
    for session in configurable.sessions
    for info in default_manager().list() if info.pid == session.pid
}"""


class ServedNotebook(MagicNotebook):
    """A kernel that a real Jupyter server has started."""

    def __enter__(self) -> Self:
        runtime = Path(self._env["JUPYTER_RUNTIME_DIR"])
        self._log = (Path(self._env["HOME"]) / "server.log").open("wb")
        argv = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--port=0"]
        self.server = subprocess.Popen(
            [*argv, "--IdentityProvider.token=t"],
            cwd=self._cwd,
            env=self._env,
            stderr=self._log,
            stdout=self._log,
        )
        wait_until(lambda: [*runtime.glob("jpserver-*.json")])
        (facts,) = runtime.glob("jpserver-*.json")
        wait_until(lambda: facts.stat().st_size)
        address = urlsplit(json.loads(facts.read_text())["url"])
        wait_until(lambda: _listens(address.hostname, address.port))
        url = f"{address.geturl()}api/kernels?token=t"
        with urllib.request.urlopen(urllib.request.Request(url, b"{}")) as reply:  # noqa: S310  # our own
            connection = runtime / f"kernel-{json.load(reply)['id']}.json"
        self._manager = KernelManager(connection_file=str(connection))
        self._manager.load_connection_file()
        self._connect()
        self._pid = int(self.printed("import os; print(os.getpid())"))
        return self

    def _connect(self) -> None:
        self._client = self._manager.client()
        self._client.parent = None  # which has not started the kernel and takes it for dead
        self._client.start_channels(hb=False)
        self._client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        return self._pid

    def shutdown(self, *, now: bool = False) -> None:  # noqa: ARG002  # the server's end is the kernel's
        self._client.stop_channels()
        self.server.kill()
        self.server.wait()
        self._log.close()


def _listens(host: str | None, port: int | None) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host or "", port or 0)) == 0


class Watched:
    """Everything that a kernel has started, by the session it belongs to."""

    def __init__(self, kernel: MagicNotebook) -> None:
        assert kernel.run("from claude_magic.processes.manager import default_manager").ok
        roles = kernel.value(ROLES)
        self.marks = {mark: name for name, (_, mark) in roles.items()}
        self.of: dict[psutil.Process, str] = self.marked()
        self.pids = {name: pid for name, (pid, _) in roles.items()}
        for process in psutil.Process(kernel.pid).children(recursive=True):
            self.of.setdefault(process, "ours")

    def marked(self) -> dict[psutil.Process, str]:
        """The processes that carry a mark, and whose."""
        found = {}
        for process in psutil.process_iter():
            try:
                name = self.marks.get(process.environ().get(TREE_TAG, ""))
            except psutil.Error:
                continue
            if name and alive(process):
                found[process] = name
        return found

    def running(self, name: str) -> set[str]:
        """The sessions a tool of which runs this program."""
        found = set()
        for process, session in self.of.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {session} if process.name() == name else set()
        return found

    def without(self, name: str) -> Self:
        """Looks away from what belongs to this."""
        self.of = {process: session for process, session in self.of.items() if session != name}
        return self

    def left(self) -> dict[psutil.Process, str]:
        return {process: name for process, name in self.of.items() if alive(process)} | self.marked()

    def gone_after(self, began: float, bound: float = BOUND) -> dict[str, float]:
        """Waits for the end of all; how long each session took."""
        gone: dict[str, float] = {}
        names = {*self.of.values()}

        def all_gone() -> bool:
            left, took = self.left(), time.monotonic() - began
            gone.update(dict.fromkeys(names - set(gone) - set(left.values()), took))
            return set(gone) == names

        wait_until(all_gone, bound - (time.monotonic() - began), self.left)
        return gone


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def sessions_of(kernel: MagicNotebook) -> Watched:
    """For each generation one idle, one busy in a Bash tool, one that reads no more."""
    kernel.load()
    for name, cli in {"current": current_cli(), "older": OLDER_CLI}.items():
        kernel.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
        kernel.do(f"%claude -s {name}-idle -b say hi\n%claude -s {name}-deaf -b say hi")
        kernel.do(f"%%claude -s {name}-busy -b --permission-mode bypassPermissions\nrun tail -f /dev/null")
        kernel.do(f"%claude_wait {name}-idle\n%claude_wait {name}-deaf")
        os.kill(kernel.claude_pid(f"{name}-deaf"), signal.SIGSTOP)
        kernel.do(f"%%claude -s {name}-deaf -b\n{'x' * 300_000}")
    wait_until(lambda: Watched(kernel).running("tail") == {"current-busy", "older-busy"})
    watched = Watched(kernel)
    assert {*watched.of.values()} == {*watched.marks.values(), "ours"}
    assert len(watched.marks) == 6
    return watched


@pytest.fixture
def kernel(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MagicNotebook]:
    with getattr(request, "param", MagicNotebook)(tmp_path) as made:
        yield made


@pytest.fixture
def show(figure: Callable[[str], None]) -> Callable[[dict[str, float]], None]:
    def shown(gone: dict[str, float]) -> None:
        figure("gone after: " + ", ".join(f"{name} {took:.2f} s" for name, took in sorted(gone.items())))

    return shown


def _signal(number: signal.Signals) -> Callable[[Any], None]:
    return lambda kernel: os.kill(kernel.pid, number)


def _cell(code: str) -> Callable[[Any], None]:
    return lambda kernel: kernel.start(code)


DEATHS: dict[str, Callable[[Any], None]] = {
    "SIGTERM": _signal(signal.SIGTERM),
    "SIGKILL": _signal(signal.SIGKILL),
    "os._exit": _cell("import os; os._exit(0)"),
    "segfault": _cell("import ctypes; ctypes.string_at(0)"),
}


@pytest.mark.fault(57, via="real")
@pytest.mark.fault(58, via="real")
@pytest.mark.fault(60, via="real")
@pytest.mark.fault(93, via="real")
@pytest.mark.parametrize("death", DEATHS)
def test_a_kernel_that_is_gone_leaves_nothing(
    kernel: MagicNotebook, death: str, show: Callable[[dict[str, float]], None]
) -> None:
    watched = sessions_of(kernel)
    began = time.monotonic()
    DEATHS[death](kernel)
    gone = watched.gone_after(began)
    show(gone)
    assert max(gone["current-idle"], gone["older-idle"]) < IDLE_BOUND


@pytest.mark.fault(50, via="real")
@pytest.mark.fault(52, via="real")
@pytest.mark.fault(93, via="real")
def test_a_cli_that_is_killed_leaves_nothing_of_its_tree(
    kernel: MagicNotebook, show: Callable[[dict[str, float]], None]
) -> None:
    """The kernel lives on, and starts others in the places of those that had a turn."""
    watched = sessions_of(kernel).without("ours")
    began = time.monotonic()
    for pid in watched.pids.values():
        os.kill(pid, signal.SIGKILL)
    show(watched.gone_after(began))
    kernel.do("%claude -s older-idle say still here")


@pytest.mark.fault(93, via="real")
def test_without_the_guard_a_killed_kernel_leaves_processes(kernel: MagicNotebook) -> None:
    """So that the tests above show the guard, and not what the CLI does by itself."""
    kernel.run("from claude_magic.processes.guard import Guard; Guard.watch = lambda *_: None")
    watched = sessions_of(kernel)
    os.kill(kernel.pid, signal.SIGKILL)
    with pytest.raises(TimeoutError, match=r"last seen: .*older-busy"):
        watched.gone_after(time.monotonic(), bound=3)
    for process in watched.left():
        process.kill()
    watched.gone_after(time.monotonic())


@pytest.mark.fault(59, via="real")
@pytest.mark.fault(93, via="real")
@pytest.mark.parametrize("kernel", [ServedNotebook], indirect=True, ids=["server"])
def test_a_jupyter_server_that_is_killed_leaves_no_kernel_and_nothing_of_ours(
    kernel: ServedNotebook, show: Callable[[dict[str, float]], None]
) -> None:
    watched = sessions_of(kernel)
    watched.of[psutil.Process(kernel.pid)] = "kernel"
    began = time.monotonic()
    kernel.server.kill()
    show(watched.gone_after(began))


@pytest.mark.fault(55, via="real")
@pytest.mark.fault(93, via="real")
def test_a_kernel_that_is_shut_down_politely_takes_everything_along(
    kernel: MagicNotebook, show: Callable[[dict[str, float]], None]
) -> None:
    watched = sessions_of(kernel)
    guard = int(kernel.printed("print(default_manager().guard.pid)"))
    began = time.monotonic()
    kernel.shutdown()  # returns when the kernel has ended
    assert {process.pid for process in watched.left()} <= {guard}
    show(watched.gone_after(began))


@pytest.mark.fault(56, via="real")
@pytest.mark.fault(93, via="real")
def test_a_restarted_kernel_has_left_nothing_and_starts_clean(
    kernel: MagicNotebook, show: Callable[[dict[str, float]], None]
) -> None:
    watched = sessions_of(kernel)
    began = time.monotonic()
    kernel.restart()  # returns when the new one is ready
    show(watched.gone_after(began))
    kernel.load()
    kernel.do("%claude -s new say hi again")
    again = Watched(kernel)
    assert {*again.marks.values()} == {"new"}
    assert again.pids["new"] not in watched.pids.values()
    rows = kernel.value("[(i.pid, i.session_id) for i in default_manager().registry.get_all()]")
    assert [pid for pid, _ in rows] == [again.pids["new"]]
