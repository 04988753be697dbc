"""The one way in which tests wait: for a condition that something else brings about, with a bound.

Whoever has messages or keystrokes to take in meanwhile does that between two `attempts`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator

__all__ = ["BOUND", "attempts", "eventually", "wait_until"]

BOUND = 30.0  # seconds: a busy machine takes ten times what an idle one does
_PAUSE = 0.01

Condition = Callable[[], object]


def attempts(
    condition: Condition, bound: float = BOUND, seen: Callable[[], object] | None = None
) -> Iterator[None]:
    """Comes round until a condition holds.

    Args:
        condition: What is waited for.
        bound: Seconds it may take.
        seen: What tells why it does not hold; what the condition gave last, and what it looks at, if None.

    Raises:
        TimeoutError: It did not hold in time; says what was waited for, and what was seen last.
    """
    deadline = time.monotonic() + bound
    while not (value := condition()):
        if time.monotonic() > deadline:
            last = str(seen()) if seen else f"{value!r} {_looked_at(condition)}"
            raise TimeoutError(f"Not within {bound:g} s: {_source(condition)}\nlast seen: {last}")
        yield


def wait_until(condition: Condition, bound: float = BOUND, seen: Callable[[], object] | None = None) -> None:
    """Waits until a condition holds; see `attempts`."""
    for _ in attempts(condition, bound, seen):
        time.sleep(_PAUSE)


async def eventually(
    condition: Condition, bound: float = BOUND, seen: Callable[[], object] | None = None
) -> None:
    """Waits until a condition holds, with the loop free; see `attempts`."""
    for _ in attempts(condition, bound, seen):
        await asyncio.sleep(_PAUSE)


def _source(condition: Condition) -> str:
    try:
        return inspect.getsource(condition).strip()[:400]
    except (OSError, TypeError):
        return repr(condition)


def _looked_at(condition: Condition) -> str:
    try:
        names = inspect.getclosurevars(condition).nonlocals
    except (TypeError, ValueError):
        return ""
    return ", ".join(f"{name}={repr(value)[:200]}" for name, value in names.items())
