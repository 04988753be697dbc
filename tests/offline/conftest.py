from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claude_magic import offline


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts the server with a scenario's text, as a process of its own; its log is `log.jsonl`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(scenario: str = "") -> str:
        paths = [tmp_path / "scenario.toml"] if scenario else []
        for path in paths:
            path.write_text(scenario, encoding="utf-8")
        process = subprocess.Popen(
            offline.command(paths, tmp_path / "log.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        return offline.url_from(process.stdout.readline())

    yield start
    for process in started:
        process.communicate(timeout=10)
        assert process.returncode == 0


@pytest.fixture
def logged(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    """What the server has logged so far."""

    def read() -> list[dict[str, object]]:
        return [
            json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
        ]

    return read
