"""A shell in this process, and the log of its cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from claude_magic.kernel.cells import CellLog


@pytest.fixture
def shell() -> InteractiveShell:
    return InteractiveShell(config=Config(HistoryManager={"enabled": False}))


@pytest.fixture
def log(shell: InteractiveShell) -> Iterator[CellLog]:
    log = CellLog(shell)
    log.install()
    yield log
    log.uninstall()
