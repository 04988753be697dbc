"""What Claude reads of a value; and packages of such values, imported when a test needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from claude_magic.kernel.values.kinds import describe, summary

__all__ = ["description", "numpy", "pandas", "polars", "pyarrow"]


def description(value: object) -> str:
    """All that is told of a value."""
    return "\n".join([summary(value), *describe(value)])


@pytest.fixture
def pandas() -> Any:
    return import_module("pandas")


@pytest.fixture
def polars() -> Any:
    return import_module("polars")


@pytest.fixture
def pyarrow() -> Any:
    return import_module("pyarrow")


@pytest.fixture
def numpy() -> Any:
    return import_module("numpy")
