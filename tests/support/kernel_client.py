"""A real Jupyter kernel for tests, with what each cell showed kept by the cell that showed it.

Synchronous, and every wait is bounded. The kernel gets a home of its own and nothing of the tester's
environment.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psutil
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from places import ROOT, SUPPORT
from waiting import attempts

__all__ = ["Cell", "CellError", "Display", "NotebookKernel", "fresh_environment"]

START_TIMEOUT = 60.0
# The launcher of ipykernel, which on SIGUSR1 writes what its threads do: for tests that wait in vain.
LAUNCH = """\
import faulthandler, runpy, signal
faulthandler.register(signal.SIGUSR1)
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""

Message = dict[str, Any]


@dataclass(frozen=True)
class CellError:
    """What a front end shows in red."""

    name: str
    value: str
    traceback: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.traceback)


@dataclass
class Display:
    """One output, as it looks after all updates so far."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str | None
    updates: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Cell:
    """A cell that was sent, and everything that came back with it as its parent."""

    id: str
    code: str
    stdout: str = ""
    stderr: str = ""
    displays: list[Display] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: CellError | None = None
    comms: list[Message] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    reply: dict[str, Any] | None = None
    idle: bool = False

    @property
    def ended(self) -> bool:
        return self.idle and self.reply is not None

    @property
    def ok(self) -> bool:
        return self.reply is not None and self.reply["status"] == "ok"

    def take_in(self, message: Message) -> None:
        """Keeps a message that has this cell as its parent."""
        content = message["content"]
        self.messages.append(message)
        match message["msg_type"]:
            case "stream":
                setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
            case "display_data":
                self.displays.append(_display(content))
            case "execute_result":
                self.result = content["data"]
            case "error":
                self.error = CellError(content["ename"], content["evalue"], tuple(content["traceback"]))
            case "comm_open" | "comm_msg" | "comm_close":
                self.comms.append(message)
            case "status":
                self.idle |= content["execution_state"] == "idle"
            case "execute_reply":
                self.reply = content
            case "input_request":
                self.prompts.append(content["prompt"])


class NotebookKernel:
    """Starts a kernel, runs cells in it and keeps their outputs.

    Args:
        home: A folder for everything that the kernel finds in its home.
        cwd: Its working directory; `home` if None.
        env: Variables on top of `fresh_environment(home)`.
        kernel_id: As a Jupyter server would give it, in the name of the connection file.
        notebook: The path that the front end says the notebook has.
        arguments: More arguments for ipykernel.
    """

    def __init__(
        self,
        home: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        kernel_id: str | None = None,
        notebook: Path | None = None,
        arguments: Iterable[str] = (),
    ) -> None:
        self.id = kernel_id or str(uuid4())
        self.cells: dict[str, Cell] = {}
        self.comms: list[Message] = []
        self._answers: dict[str, Iterator[str]] = {}
        self._env = fresh_environment(home) | ({"JPY_SESSION_NAME": str(notebook)} if notebook else {})
        self._env |= env or {}
        self._cwd = cwd or home
        runtime = Path(self._env["JUPYTER_RUNTIME_DIR"])
        self._manager = KernelManager(connection_file=str(runtime / f"kernel-{self.id}.json"))
        argv = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}", *arguments]
        self._manager._kernel_spec = KernelSpec(argv=argv, display_name="Python", language="python")

    def __enter__(self) -> Self:
        # What the process itself writes, beside its cells, is in kernel.log.
        # Open as long as the kernel may be restarted.
        self._log = (Path(self._env["HOME"]) / "kernel.log").open("wb")
        self._manager.start_kernel(cwd=str(self._cwd), env=self._env, stdout=self._log, stderr=self._log)
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown(now=True)

    @property
    def pid(self) -> int:
        return int(self._manager.provisioner.process.pid)

    def start(
        self,
        code: str,
        *,
        allow_stdin: bool = False,
        answers: Iterable[str] = (),
        silent: bool = False,
        subshell: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Sends a cell and returns its message's id at once."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": True,
        }
        if metadata is None:  # where somebody can answer is mostly a page
            metadata = {"cellId": uuid4().hex} if allow_stdin else {}
        message = self._client.session.msg("execute_request", content, metadata=dict(metadata))
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        cell_id: str = message["header"]["msg_id"]
        self.cells[cell_id] = Cell(cell_id, code)
        self._answers[cell_id] = iter(answers)
        self._client.shell_channel.send(message)
        return cell_id

    def run(
        self,
        code: str,
        timeout: float = 60.0,
        *,
        allow_stdin: bool = False,
        answers: Iterable[str] = (),
        interrupt_when: Callable[[Cell], bool] | None = None,
        silent: bool = False,
        subshell: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Runs a cell to its end.

        Args:
            code: Its text.
            timeout: Seconds it may take.
            allow_stdin: Whether the front end says that somebody is there to answer.
            answers: The answers to `input()`, in order; without one the question stays open.
            interrupt_when: The kernel is interrupted once, as soon as this is true of the cell.
            silent: Runs without history and without output of its own.
            subshell: The id of the subshell to run it in.
            metadata: Of the request; JupyterLab puts the cell's id there, as `cellId`; None means that
                where somebody can answer, and nothing elsewhere.

        Returns:
            The cell with all that it showed.

        Raises:
            TimeoutError: It did not end in time.
        """
        cell = self.cells[
            self.start(
                code,
                allow_stdin=allow_stdin,
                answers=answers,
                silent=silent,
                subshell=subshell,
                metadata=metadata,
            )
        ]
        if interrupt_when is not None:
            self.wait_for(lambda: interrupt_when(cell), timeout)
            self.interrupt()
        return self.wait(cell.id, timeout)

    def wait(self, cell_id: str, timeout: float = 60.0) -> Cell:
        """Waits until a started cell has ended."""
        cell = self.cells[cell_id]
        self.wait_for(lambda: cell.ended, timeout)
        return cell

    def wait_for(self, predicate: Callable[[], object], timeout: float = 60.0) -> None:
        """Takes in messages until `predicate` holds.

        Raises:
            TimeoutError: It did not hold in time; the newest cells are quoted.
        """
        for _ in attempts(predicate, timeout, self._newest):
            self._take_in(0.1)  # not every condition is told of by a message

    def _newest(self) -> str:
        return f"{repr(list(self.cells.values())[-2:])[:4000]}\n{self._threads()}"

    def _threads(self) -> str:
        """What the kernel's threads do now, or that it has ended."""
        status = "gone"
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            status = process.status()
            process.send_signal(signal.SIGUSR1)
            time.sleep(1)  # the kernel: it writes them at once, whatever it does
        return f"The kernel is {status}.\n{Path(self._log.name).read_text(errors='replace')[-8000:]}"

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of `code`: each word that would take its place."""
        reply = self._client.complete(code, reply=True, timeout=START_TIMEOUT)
        matches: list[str] = reply["content"]["matches"]
        return matches

    def answer(self, text: str) -> None:
        """Answers the `input()` that is open."""
        self._client.input(text)

    def interrupt(self) -> None:
        """What the front end's Interrupt button does."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """What the front end's Restart button does: a new process under the same kernel id."""
        self._client.stop_channels()
        self._manager.restart_kernel(now=False)
        self._connect()

    def shutdown(self, *, now: bool = False) -> None:
        """Ends the kernel: politely, or by force with `now`."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=now)
        self._log.close()

    def open_comm(self, target: str, data: Mapping[str, Any] | None = None) -> str:
        """Opens a comm as a widget in the page would, and returns its id."""
        comm_id = uuid4().hex
        self._send("comm_open", {"comm_id": comm_id, "target_name": target, "data": dict(data or {})})
        return comm_id

    def send_comm(self, comm_id: str, data: Mapping[str, Any], subshell: str | None = None) -> None:
        """Sends a widget's message, to a subshell if one is given."""
        self._send("comm_msg", {"comm_id": comm_id, "data": dict(data)}, subshell)

    def create_subshell(self) -> str:
        """Makes a subshell and returns its id."""
        self._client.control_channel.send(self._client.session.msg("create_subshell_request"))
        reply = self._client.control_channel.get_msg(timeout=START_TIMEOUT)
        return str(reply["content"]["subshell_id"])

    def _send(self, kind: str, content: dict[str, Any], subshell: str | None = None) -> None:
        message = self._client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)

    def _connect(self) -> None:
        self._client = self._manager.client()
        # A kernel that nobody has shut down: zmq's end of a context waits for open sockets, without a bound.
        weakref.finalize(self, self._client.stop_channels)
        self._client.start_channels(hb=False)
        with _closing_on_error(self):
            self._client.wait_for_ready(timeout=START_TIMEOUT)

    def _take_in(self, timeout: float) -> None:
        channels = [self._client.iopub_channel, self._client.shell_channel, self._client.stdin_channel]
        poller = zmq.Poller()
        for channel in channels:
            poller.register(channel.socket, zmq.POLLIN)
        ready = dict(poller.poll(int(timeout * 1000) + 1))
        for channel in channels:
            if channel.socket in ready:
                self._file(channel.get_msg(timeout=0))

    def _file(self, message: Message) -> None:
        kind, content = message["msg_type"], message["content"]
        cell = self.cells.get(message["parent_header"].get("msg_id", ""), Cell("", ""))
        cell.take_in(message)
        match kind:
            case "update_display_data":
                self._update(_display(content))
            case "comm_open" | "comm_msg" | "comm_close":
                self.comms.append(message)
            case "input_request":
                for answer in islice(self._answers.get(cell.id, iter(())), 1):
                    self._client.input(answer)

    def _update(self, new: Display) -> None:
        # As a front end does it: wherever the output stands, whichever cell sends the update.
        for display in (shown for cell in self.cells.values() for shown in cell.displays):
            if display.display_id == new.display_id:
                display.updates.append(new.data)
                display.data, display.metadata = new.data, new.metadata


def fresh_environment(home: Path) -> dict[str, str]:
    """Variables for a child that shall find nothing of the tester's own: homes and folders under `home`."""
    folders = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "jupyter" / "config",
        "JUPYTER_DATA_DIR": home / "jupyter" / "data",
        "JUPYTER_RUNTIME_DIR": home / "jupyter" / "runtime",
        "CLAUDE_CONFIG_DIR": home / "claude",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "data",
        "XDG_STATE_HOME": home / "state",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)]),
        "LANG": "C.UTF-8",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    } | {name: str(folder) for name, folder in folders.items()}


def _display(content: Message) -> Display:
    return Display(content["data"], content["metadata"], content.get("transient", {}).get("display_id"))


@contextmanager
def _closing_on_error(kernel: NotebookKernel) -> Iterator[None]:
    try:
        yield
    except BaseException:
        kernel.shutdown(now=True)
        raise
