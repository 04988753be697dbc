"""A variable as Claude reads it: within a budget of bytes and of time, and with nothing evaluated unasked.

What a value says of itself is anybody's code: it runs in a thread, and counts as far as it came in time. A
thread cannot be ended, and an exception sent to one that waits in C would slow down or stop the others
(CPython before 3.13); so of those that are late there are never more than a few.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from claude_magic.control_characters import one_line, show_invisibles
from claude_magic.kernel.values.bounded import SLACK, WITHHELD, is_secret, without_secrets
from claude_magic.kernel.values.kinds import describe, summary
from claude_magic.kernel.values.static import method, type_name

__all__ = ["BYTES", "SECONDS", "collected", "heading", "inspected", "within"]

BYTES = 8_000  # of a description
SECONDS = 2.0  # that a value may take to describe itself
_MOST = 3  # threads that are late; with as many nothing more is begun
_CONVENTIONS = ("_repr_llm_", "_ai_repr_")  # how a type describes itself to a model, asked in this order
_TYPES = ("text/llm+plain", "text/markdown", "text/plain")  # of a bundle the first there is

_threads: set[threading.Thread] = set()


async def inspected(name: str, value: object, *, limit: int = BYTES, seconds: float = SECONDS) -> str:
    """The description of a variable; of one whose name looks like a secret's, its type.

    Args:
        name: What it is called.
        value: What it holds.
        limit: Bytes of the description.
        seconds: Time that it may take.
    """
    if is_secret(name):
        return heading(name, value)
    first = f"{one_line(name, 80)}: {type_name(value)}"
    return await collected(lambda: _lines(name, value), first=first, limit=limit, seconds=seconds)


def heading(name: str, value: object) -> str:
    """A variable in one line, as in a list of them."""
    about = f"{type_name(value)}, {WITHHELD}" if is_secret(name) else summary(value)
    return f"{one_line(name, 80)}: {about}"


async def collected(
    lines: Callable[[], Iterable[str]], *, first: str = "", limit: int = BYTES, seconds: float = SECONDS
) -> str:
    """Lines joined, as many as come within bytes and time, without secrets and invisible characters.

    Args:
        lines: Makes them, in a thread.
        first: What is told if not even one comes.
        limit: Bytes of the whole.
        seconds: Time that they may take.
    """
    _threads.intersection_update(threading.enumerate())
    if len(_threads) >= _MOST:
        return f"{first}\n(not looked at: {_MOST} values that were looked at before do not answer)"
    taken: list[str] = []
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def run() -> None:
        _collect(lines, taken, limit + SLACK)
        with contextlib.suppress(RuntimeError):  # the loop has ended since
            loop.call_soon_threadsafe(done.set)

    thread = threading.Thread(target=run, name="claude_magic inspect", daemon=True)
    thread.start()
    _threads.add(thread)
    note = ""
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        note = f"\n(the rest took longer than {seconds:g} s and was left out)"
    text = without_secrets(show_invisibles("\n".join(taken[:] or [first])))
    return within(text, limit - len(note)) + note


def within(text: str, limit: int) -> str:
    """As much of a text as has room in so many bytes of UTF-8, and a word about the rest."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    note = f"\n… cut at {limit:,} bytes"
    return encoded[: max(0, limit - len(note.encode()))].decode(errors="ignore") + note


def _collect(lines: Callable[[], Iterable[str]], taken: list[str], room: int) -> None:
    """Takes lines until it is enough; what raises is told."""
    try:
        for line in lines():
            taken.append(line[:room])
            room -= len(line)
            if room <= 0:
                return
    except BaseException as error:  # noqa: BLE001  # anybody's code, in a thread of its own
        taken.append(f"(the rest raises {type_name(error)})")


def _lines(name: str, value: object) -> Iterator[str]:
    yield heading(name, value)
    for convention in _CONVENTIONS:
        own = method(value, convention)
        if own is not None and not issubclass(type(value), type):
            try:
                if text := _text(own(**_options(own))):
                    yield text
                    return
            except Exception as error:  # noqa: BLE001  # anybody's code
                yield f"({convention} raises {type_name(error)})"
    yield from describe(value)


def _options(own: Callable[..., Any]) -> dict[str, bool]:
    """What a description is told, if it listens: that pictures would be drawn for nothing."""
    parameters = inspect.signature(own).parameters.values()
    listens = any(each.name == "multimodal" or each.kind is each.VAR_KEYWORD for each in parameters)
    return {"multimodal": False} if listens else {}


def _text(answer: Any) -> str:
    if inspect.isawaitable(answer):
        with asyncio.Runner() as runner:  # in this thread: the kernel's loop stays free
            answer = runner.run(_awaited(answer))
    if issubclass(type(answer), dict):
        answer = next((dict.get(answer, each) for each in _TYPES if dict.get(answer, each)), None)
    return str.__str__(answer) if issubclass(type(answer), str) else ""


async def _awaited(answer: Any) -> Any:
    async with asyncio.timeout(SECONDS):
        return await answer
