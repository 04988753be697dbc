"""What code prints, told while it runs.

While code has the main thread the loop stands still, and whoever shows the turn with it. Then a thread tells
what has come; at all other times the main thread does, so that there is always one that tells.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

__all__ = ["Progress"]

_log = logging.getLogger(__name__)
_PAUSE = 0.1  # seconds between two tellings: as quick as the eye wants it
_SHARE = 10  # a telling that took t seconds is followed by t * 10 seconds of rest
_LIMIT = 8_000  # characters that one telling has; of more the last ones


class Progress:
    """Takes text as it is printed, and tells it in portions.

    Args:
        tell: Takes a portion. Called by a thread while the loop stands still, else on the main thread; always
            in the context of whoever made this, since what it prints itself is not the code's.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.blocked = False  # the code has the main thread
        self._tell = tell
        self._context = copy_context()
        self._text = ""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def write(self, text: str) -> None:
        """Takes what is printed, by any thread."""
        with self._lock:
            self._text = (self._text + text)[-_LIMIT:]

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Within, a thread looks after what is printed."""
        thread = threading.Thread(target=self._watch, name="claude_magic progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Within, the code has the main thread."""
        self.blocked = True
        try:
            yield
        finally:
            with self._lock:
                self.blocked = False
                self._flush()

    def _watch(self) -> None:
        pause = _PAUSE
        while not self._over.wait(pause):
            start = time.monotonic()
            with self._lock:
                if self.blocked:
                    self._flush()
            pause = max(_PAUSE, _SHARE * (time.monotonic() - start))

    def _flush(self) -> None:
        text, self._text = self._text, ""
        try:
            if text:
                self._context.run(self._tell, text)
        except Exception:  # noqa: BLE001  # what shows it is not the code's concern
            _log.exception("What a tool prints could not be shown")
