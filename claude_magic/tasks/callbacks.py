"""Who wants to hear of tasks. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

__all__ = ["Callbacks", "TaskEvent"]

TaskEvent = Literal["complete", "failed", "output"]

_log = logging.getLogger(__name__)


class Callbacks:
    """The callbacks of a manager, by event."""

    def __init__(self) -> None:
        self._by_event: dict[TaskEvent, list[Callable[..., object]]] = {}

    def add(self, event: TaskEvent, callback: Callable[..., object]) -> Callable[[], None]:
        """Adds one; the function returned takes it off again."""
        callbacks = self._by_event.setdefault(event, [])
        callbacks.append(callback)
        return lambda: callbacks.remove(callback) if callback in callbacks else None

    def emit(self, event: TaskEvent, *values: object) -> None:
        """Calls all of an event; one that raises is logged and changes nothing."""
        for callback in tuple(self._by_event.get(event, ())):
            try:
                callback(*values)
            except Exception:  # noqa: BLE001  # somebody else's code
                _log.exception("A callback for %r failed", event)
