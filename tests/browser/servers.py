"""Real JupyterLab and Notebook 7 servers for the browser tests, and what reached the scripted model.

Each server has a home, Jupyter folders and a notebook folder of its own, a token, a kernelspec for this
Python, and `claude` on the offline model. It is ended by the process that was started, never by name.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import psutil
from endpoint_log import Endpoint
from kernel_client import fresh_environment
from magic_fixtures import offline_environment
from places import ROOT, SCENARIO
from waiting import wait_until

__all__ = ["FrontEnd", "JupyterServer", "notebook_json"]

FrontEnd = Literal["lab", "notebook", "collaboration", "classic"]
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
KERNEL = "claude-magic-tests"
# No tours, no news, no saving behind the test's back; everything else as people have it.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
# The module to run, the name of its application, and where a notebook opens: in Lab in a workspace
# of its own, or the tabs of other tests come back.
_LAB = "jupyterlab", "LabApp", "lab/workspaces/{}/tree"
_PROGRAMS: dict[FrontEnd, tuple[str, str, str]] = {
    "lab": _LAB,
    "notebook": ("notebook", "JupyterNotebookApp", "notebooks"),
    "collaboration": _LAB,
    "classic": ("nbclassic", "NotebookApp", "nbclassic/notebooks"),
}
# Where `make test` puts what only one of them shall have.
_ADDED: dict[FrontEnd, Path] = {
    "collaboration": ROOT / ".venv" / "collaboration",
    "classic": ROOT / ".venv" / "nbclassic",
}


def notebook_json(cells: list[str], *, kernel: bool = True) -> dict[str, Any]:
    """A notebook of code cells, as in its file."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "source": text,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for n, text in enumerate(cells)
    ]
    spec = {"kernelspec": {"name": KERNEL, "display_name": "Python", "language": "python"}} if kernel else {}
    return {"cells": made, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}


class ServerLog(Endpoint):
    """What reached the model of all of a server's kernels."""

    def ends(self, prompt: str) -> list[str]:
        """How the requests for a prompt ended: `complete` or `aborted`."""
        ids = {line["id"] for line in self.requests if line["prompt"] == prompt}
        return [line["end"] for line in self.lines if line.get("end") and line["id"] in ids]


@dataclass
class JupyterServer:
    """A server, started when made.

    Args:
        kind: JupyterLab, Notebook 7, JupyterLab with jupyter-collaboration, or the classic notebook.
        folder: Where everything of its goes.
        scenarios: Scenario files beside tests/scenario.toml; looked through first.
        gateway: The server that runs the kernels; its own if None.
    """

    kind: FrontEnd
    folder: Path
    scenarios: list[Path]
    token: str = field(default_factory=secrets.token_hex)
    port: int = 0
    gateway: JupyterServer | None = None

    def __post_init__(self) -> None:
        self.notebooks = self.folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.endpoint = ServerLog("", self.folder / "endpoint.jsonl")
        env = fresh_environment(self.folder) | offline_environment(self.folder)
        env["ANTHROPIC_API_KEY"] = self.secret = f"sk-ant-{secrets.token_hex(24)}"
        env["CLAUDE_MAGIC_OFFLINE_SCENARIO"] = os.pathsep.join(map(str, [*self.scenarios, SCENARIO]))
        self.env = env
        if added := _ADDED.get(self.kind):
            env |= _with_packages(added, env)
        self._configure(env)
        self.port = self.port or _free_port()
        self._log = (self.folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            self._command(),
            cwd=self.notebooks,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._wait_until_it_answers()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def page_url(self, name: str) -> str:
        """Where a notebook opens."""
        place = _PROGRAMS[self.kind][2].format(uuid4().hex)
        return f"{self.url}/{place}/{quote(name)}?token={self.token}"

    def write(self, cells: list[str], *, kernel: bool = True) -> str:
        """Writes a notebook into the server's folder and returns its name."""
        name = f"{uuid4().hex}.ipynb"
        (self.notebooks / name).write_text(json.dumps(notebook_json(cells, kernel=kernel)), encoding="utf-8")
        return name

    def sessions(self) -> list[dict[str, Any]]:
        """The open notebooks and their kernels."""
        found: list[dict[str, Any]] = self._ask("GET", "/api/sessions")
        return found

    def shut_down(self, name: str) -> None:
        """Ends the kernel of a notebook, if it has one."""
        for session in self.sessions():
            if session["path"] == name:
                self._ask("DELETE", f"/api/sessions/{session['id']}")

    def stop(self) -> None:
        """Ends the server with its kernels, and what they may have left."""
        below = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _, left = psutil.wait_procs(below, timeout=STOP_TIMEOUT)
        for process in left:
            process.kill()
        self._log.close()

    def _command(self) -> list[str]:
        program, app, _ = _PROGRAMS[self.kind]
        return [
            sys.executable,
            "-m",
            program,
            "--no-browser",
            "--allow-root",
            f"--port={self.port}",
            "--ip=127.0.0.1",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            f"--IdentityProvider.token={self.token}",
            f"--{app}.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=None",
            *self._gateway_options(),
        ]

    def _gateway_options(self) -> list[str]:
        if self.gateway is None:
            return []
        return [f"--gateway-url={self.gateway.url}", f"--GatewayClient.auth_token={self.gateway.token}"]

    def _configure(self, env: dict[str, str]) -> None:
        settings = Path(env["JUPYTER_CONFIG_DIR"]) / "labconfig" / "default_setting_overrides.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
        spec = Path(env["JUPYTER_DATA_DIR"]) / "kernels" / KERNEL / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(
            json.dumps({"argv": argv, "display_name": "Python", "language": "python"}), encoding="utf-8"
        )

    def _wait_until_it_answers(self) -> None:
        wait_until(self._answers, START_TIMEOUT, self._said)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._said()
        try:
            self._ask("GET", "/api/status")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def _said(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-2000:]

    def _ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", method=method)  # noqa: S310  # loopback
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=STOP_TIMEOUT) as answer:  # noqa: S310
            body = answer.read()
        return json.loads(body) if body else None


def _with_packages(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{env['PYTHONPATH']}",
        "JUPYTER_PATH": str(folder / "share" / "jupyter"),
        "JUPYTER_CONFIG_PATH": str(folder / "etc" / "jupyter"),
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
