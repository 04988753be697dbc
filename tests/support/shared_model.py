"""One scripted model for many tests, each of which sees its own requests; and how they wait."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import waiting
from endpoint_log import Endpoint
from places import SCENARIO

from claude_magic import offline


class Since(Endpoint):
    """What has reached the scripted model since this was made."""

    _before = 0

    def __init__(self, url: str, log: Path) -> None:
        super().__init__(url, log)
        self._before = max((line["id"] for line in self.lines), default=0)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for line in super().lines if line["id"] > self._before]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The scripted model: address and log."""
    log = tmp_path_factory.mktemp("endpoint") / "log.jsonl"
    pipe = subprocess.PIPE
    child = subprocess.Popen(offline.command([SCENARIO], log), stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    yield offline.url_from(child.stdout.readline()), log
    child.communicate(timeout=10)


@pytest.fixture
def own_requests(model: tuple[str, Path]) -> Endpoint:
    """What reaches the scripted model from this test."""
    return Since(*model)


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`waiting.eventually`."""
    return waiting.eventually
