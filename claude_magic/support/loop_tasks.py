"""Tasks that belong to no cell, and that the loop does not forget."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["spawn"]

T = TypeVar("T")

_tasks: set[asyncio.Task[Any]] = set()  # the loop itself keeps no task alive


def spawn(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task with a strong reference, outside any cell's context: nothing it does belongs to a cell."""
    task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task
