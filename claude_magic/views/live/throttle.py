"""When a live view may send what is new: as often as the eye wants, as rarely as the bytes demand. Pure.

The promise: at most 20 messages a second, and at most `RESERVE` + 3 N bytes for an answer of N characters
that comes at 30 words a second or more. A message costs its payload and an envelope; text earns. What is
saved up is spent at first, so that a turn begins smoothly; the less is left, the more text a message waits
for, but no text waits longer than 4 s.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["ENVELOPE", "RESERVE", "Throttle"]

RESERVE = 60_000  # bytes
ENVELOPE = 650  # bytes of a comm message on the websocket besides its payload; measured: 610
_BUDGET_A_CHARACTER = 2.7  # bytes a character: what a patch takes is 1.1
_BUDGET_A_STEP = 3_000  # bytes that a tool call's begin or end may cost
_LEAST = 0.06  # seconds between two messages; below 20 a second, for on their way some are delayed
_SHARE = 10  # a message that took t seconds to make is followed by t * 10 seconds of rest
_TEXT = 1_200  # characters that a message waits for when nothing is left
_REST = 0.15  # seconds without news after which what is there is sent, when nothing has been spent
_LONGEST = 4.0  # seconds that text may wait, whatever is left


class Throttle:
    """Keeps the account.

    Args:
        clock: The time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bytes_sent = 0
        self._last = self._next = clock()
        self._length = 0

    def record(self, size: int, length: int, duration: float) -> None:
        """A message has gone.

        Args:
            size: Bytes of its payload.
            length: The transcript's length that it shows.
            duration: Seconds it took to make.
        """
        self._bytes_sent += size + ENVELOPE
        self._length = length
        self._last = self._clock()
        self._next = self._last + max(_LEAST, _SHARE * duration)

    def delay(self) -> float:
        """Seconds until a message may go at all."""
        return max(0.0, self._next - self._clock())

    def is_due(self, length: int, steps: int) -> bool:
        """Enough text is there for a message."""
        if self._clock() - self._last > _LONGEST:
            return length > self._length
        return length - self._length > _TEXT * (1 - self._share_left(length, steps)) ** 2

    def rest(self, length: int, steps: int) -> float:
        """Seconds without news after which a message goes anyhow."""
        return min(_LONGEST, _REST / max(self._share_left(length, steps), 0.001))

    def _share_left(self, length: int, steps: int) -> float:
        """The share of the reserve that is left, 0 to 1."""
        budget = RESERVE + _BUDGET_A_CHARACTER * length + _BUDGET_A_STEP * steps
        return min(1.0, max(0.0, (budget - self._bytes_sent) / RESERVE))
