"""An event loop on which waiting costs no time, and a page that notes what it is sent."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from claude_magic.views.live.patches import Item, apply
from claude_magic.views.live.throttle import ENVELOPE

__all__ = ["FakeWidget", "run_in_no_time"]

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Moves the clock on instead of waiting, but for threads: their work takes none of this time."""

    now = 0.0
    at_work = 0  # threads, each of which wakes the loop when it is through

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self.at_work):
            return super().select()
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """Tells its selector of threads."""

    def __init__(self, selector: _Selector) -> None:
        super().__init__(selector)
        self._clock = selector

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(self, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        self._clock.at_work += 1
        future = super().run_in_executor(*args)
        future.add_done_callback(self._through)
        return future

    def _through(self, _: object) -> None:
        self._clock.at_work -= 1


def run_in_no_time(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs it; every sleep ends at once, and the loop's clock says that it did not."""
    loop = _Loop(_Selector())
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@dataclass
class FakeWidget:
    """A widget with a page that has seen every message, and the bytes that it took."""

    state: Callable[[], Any]
    model_id: str = "m"
    items: dict[str, Item] = field(default_factory=dict)
    n: int = 0
    head: dict[str, Any] = field(default_factory=dict)
    cards: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0
    times: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    snapshots: int = 0
    say: Callable[[Any, Any, Any], None] = lambda *_: None

    def __post_init__(self) -> None:
        self._take(self.state())

    def on_msg(self, say: Callable[[Any, Any, Any], None]) -> None:
        self.say = say

    def send(self, content: dict[str, Any]) -> None:
        if content["type"] == "heard":
            return
        patch = self._weighed(content)
        assert patch["n"] == self.n + 1
        self._take(patch)

    def send_state(self, name: str) -> None:
        assert name == "snapshot"
        self.snapshots += 1
        self._take(self._weighed(self.state()))

    def hear(self, **content: Any) -> None:
        """The page says something."""
        self.say(self, content, [])

    @property
    def text(self) -> str:
        return "".join(item.html for item in self.items.values())

    def _weighed(self, content: dict[str, Any]) -> dict[str, Any]:
        whole = json.dumps(content, ensure_ascii=False).encode()
        self.bytes += len(whole) + ENVELOPE
        self.sizes.append(len(whole))
        self.times.append(asyncio.get_running_loop().time())
        copy: dict[str, Any] = json.loads(whole)
        return copy

    def _take(self, patch: dict[str, Any]) -> None:
        whole = "id" in patch
        self.n, self.items = patch["n"], apply({} if whole else self.items, patch)
        self.head = patch.get("head", self.head)
        self.cards = patch.get("cards", self.cards)
