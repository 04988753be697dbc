"""When tool calls began at the earliest. Pure.

A loop that comes late sees a call only after it has run: what is told from the time, as whether a file was
changed before the call or by it, has to go by a moment that is never later than the call's beginning.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

__all__ = ["CallTimes"]

_REMEMBERED = 1_000  # calls: a hook asks right after its call


class CallTimes:
    """The calls of one process.

    Args:
        clock: The time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._times: OrderedDict[str, float] = OrderedDict()

    def written(self, calls: Iterable[str], after: float) -> None:
        """Calls that the CLI has written, and runs unless a person is asked first.

        Args:
            calls: Their ids.
            after: A moment before they were written.
        """
        for call in calls:
            self._times.setdefault(call, after)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)

    def decided(self, call: str) -> None:
        """Whether a call may run is decided now: the CLI is about to be told."""
        self._times[call] = self._clock()

    def earliest(self, call: str) -> float:
        """The moment before which the call did not run; 0 if it is not known."""
        return self._times.get(call, 0.0)
