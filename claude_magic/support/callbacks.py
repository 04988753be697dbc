"""Who wants to hear of something, by event. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from msgspec import Struct

__all__ = ["Callbacks"]

_log = logging.getLogger(__name__)


class _Entry(Struct, eq=False):
    callback: Callable[..., Any]
    failures: set[type[Exception]] = set()


class Callbacks:
    """Callbacks by event. One that raises changes nothing, and is told of once for each kind of error.

    Args:
        complain: Told of it in words, beside the log.
    """

    def __init__(self, complain: Callable[[str], object] = lambda _: None) -> None:
        self._complain = complain
        self._by_event: dict[str, list[_Entry]] = {}

    def add(self, event: str, callback: Callable[..., Any]) -> Callable[[], None]:
        """Adds one; the function returned takes it off again, and may be called again."""
        entries, entry = self._by_event.setdefault(event, []), _Entry(callback)
        entries.append(entry)
        return lambda: entries.remove(entry) if entry in entries else None

    def emit(self, event: str, *values: object) -> None:
        """Calls all of an event."""
        for entry in tuple(self._by_event.get(event, ())):
            try:
                entry.callback(*values)
            except Exception as error:  # noqa: BLE001  # somebody else's code
                self._report(event, entry, error)

    def _report(self, event: str, entry: _Entry, error: Exception) -> None:
        if type(error) in entry.failures:
            return
        entry.failures.add(type(error))
        _log.error("A callback for %r failed", event, exc_info=error)
        self._complain(f"A callback for {event!r} raised {error!r}.")
