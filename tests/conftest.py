"""What all tests share: fresh folders, the two generations of the real CLI, the scripted model."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoint_log import Endpoint
from generations import OLDER_CLI, current_cli, warmed
from waiting import wait_until

from claude_magic import offline
from claude_magic.options import Options

pytest_plugins = [
    "descriptions",
    "fault_report",
    "figure_report",
    "file_order",
    "free_loop",
    "magic_fixtures",
    "second_try",
    "shared_model",
]


def pytest_collection_finish() -> None:
    """What has been imported and collected stays, and is not gone through by each collection of garbage.

    With all tests that takes a quarter of a second, and IPython's shell does it twice at its end.
    """
    gc.freeze()


@pytest.fixture(autouse=True)
def fresh_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the home, the login or the notebook of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE", "JPY_", "JUPYTER_", "IPYTHON")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / f".{name.lower()}"))
    monkeypatch.setenv("IS_SANDBOX", "1")  # or the CLI refuses bypassPermissions to root
    return home


@pytest.fixture(params=["current", "older"])
def cli(request: pytest.FixtureRequest) -> Path:
    """Both generations of the real CLI, one after the other."""
    return warmed(current_cli() if request.param == "current" else OLDER_CLI)


@pytest.fixture
def options(endpoint: Endpoint, tmp_path: Path) -> Callable[..., Options]:
    """Makes options for a session on the scripted model, in a folder of its own."""
    work = tmp_path / "work"
    work.mkdir()

    def made(**changes: Any) -> Options:
        env = offline.environment(endpoint.url, tmp_path / "offline") | changes.pop("env", {})
        return Options(**({"cwd": work, "env": env, "cli": str(current_cli())} | changes))

    return made


@pytest.fixture
def until() -> Callable[..., None]:
    """`waiting.wait_until`."""
    return wait_until
