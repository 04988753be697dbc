"""A variable as Claude reads it: within a budget of bytes and of time, and with nothing evaluated unasked.

What a value says of itself is anybody's code: it runs in a thread that is left behind when its time is over,
and what it had said until then counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Iterator
from typing import Any

from claude_magic.control_characters import show_invisibles
from claude_magic.kernel.bounded import without_secrets
from claude_magic.kernel.kinds import describe, headline

__all__ = ["BYTES", "SECONDS", "inspected"]

BYTES = 8_000  # of a description
SECONDS = 2.0  # that a value may take to describe itself
_OWN = ("_repr_llm_", "_ai_repr_")  # how a type describes itself to a model, asked in this order


async def inspected(name: str, value: object, *, limit: int = BYTES, seconds: float = SECONDS) -> str:
    """The description of a value.

    Args:
        name: What it is called.
        value: It.
        limit: Bytes of the description.
        seconds: Time that it may take.
    """
    lines: list[str] = []
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def run() -> None:
        _collect(value, lines, limit)
        with contextlib.suppress(RuntimeError):  # the loop has ended since
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name=f"inspect {name}", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()
    text = show_invisibles(
        "\n".join([f"{name}: {lines[0] if lines else type(value).__qualname__}", *lines[1:]])
    )
    late = "" if done.is_set() else f"\n(the rest took longer than {seconds:g} s and was left out)"
    return _within(without_secrets(text), limit) + late


def _collect(value: object, lines: list[str], limit: int) -> None:
    """Adds what a value is, line by line, until it is enough; what raises is told."""
    room = limit
    try:
        for line in _all(value):
            lines.append(line)
            room -= len(line)
            if room < 0:
                return
    except BaseException as error:  # noqa: BLE001  # anybody's code, in a thread of its own
        lines.append(f"(the rest raises {type(error).__name__})")


def _all(value: object) -> Iterator[str]:
    yield headline(value)
    own = _said_by_itself(value)
    yield from [own] if own else describe(value)


def _said_by_itself(value: Any) -> str:
    """What its type has to say to a model, "" if it has not."""
    for name in _OWN:
        if callable(inspect.getattr_static(type(value), name, None)) and not isinstance(value, type):
            said = getattr(value, name)()
            said = asyncio.run(_awaited(said)) if inspect.isawaitable(said) else said
            if isinstance(said, dict):
                said = said.get("text/markdown") or said.get("text/plain")
            if isinstance(said, str) and said:
                return said
    return ""


async def _awaited(said: Any) -> Any:
    return await said


def _within(text: str, limit: int) -> str:
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode(errors="ignore") + f"\n… cut at {limit:,} bytes"
