"""One scripted model for many tests, each of which sees its own requests; and how they wait."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import waiting
from endpoint_log import Endpoint
from places import SCENARIO

from claude_magic import offline


class SharedModel(Endpoint):
    """What has reached the scripted model since the mark; how older requests ended is not told of."""

    _before = 0

    def mark(self) -> None:
        self._before = max((line["id"] for line in super().lines), default=self._before)
        super().mark()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for line in super().lines if line["id"] > self._before]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedModel]:
    """The scripted model, with tests/support/scenario.toml."""
    log = tmp_path_factory.mktemp("endpoint") / "log.jsonl"
    pipe = subprocess.PIPE
    child = subprocess.Popen(offline.command([SCENARIO], log), stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    yield SharedModel(offline.url_from(child.stdout.readline()), log)
    child.communicate(timeout=10)


@pytest.fixture
def endpoint(model: SharedModel) -> Endpoint:
    """What reaches the scripted model from this test."""
    model.mark()
    return model


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`waiting.eventually`."""
    return waiting.eventually
