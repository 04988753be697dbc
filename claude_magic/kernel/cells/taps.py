"""Listens to what a shell prints and displays, and changes nothing of it.

Methods of the objects that are there are wrapped while a cell runs, as IPython itself does it: an ipykernel
looks for its own kinds of streams. `execution.outputs`, which takes output away, replaces the objects
instead: the two begin and end in any order, and two wraps of one method would have to end as they began.
A listener that raises is not heard, and the log says what kind of error.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Taps"]

_log = logging.getLogger(__name__)

_Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


class Taps:
    """Those of one shell.

    Args:
        shell: The shell.
        on_text: Called with what is printed.
        on_display: Called with the data of what is displayed.
        on_clear: Called when the output so far is to be cleared.
        on_error: Called with an error whose traceback is shown.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        on_text: Callable[[str], object],
        on_display: Callable[[Mapping[str, Any]], object],
        on_clear: Callable[[], object],
        on_error: Callable[[BaseException], object],
    ) -> None:
        self._shell = shell
        self._on_text = on_text
        self._on_display = on_display
        self._on_clear = on_clear
        self._on_error = on_error
        self._displaying = 0  # a terminal prints what it displays, and errors
        self._taps: list[tuple[Any, str, Any, Any]] = []

    def open(self) -> None:
        """Begins to listen."""
        self.close()
        for stream in (sys.stdout, sys.stderr):
            self._tap(stream, "write", self._text)
        self._tap(self._shell.display_pub, "publish", self._published)
        self._tap(self._shell.display_pub, "clear_output", self._cleared)
        self._tap(self._shell.displayhook, "write_format_data", self._result)
        self._tap(self._shell, "_showtraceback", self._raised)

    def close(self) -> None:
        """Ends it, and puts back what was there, unless somebody else stands there now."""
        for owner, name, before, ours in reversed(self._taps):
            if vars(owner).get(name) is not ours:
                continue
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._taps.clear()

    def _tap(self, owner: Any, name: str, wrap: _Wrap) -> None:
        with suppress(AttributeError, TypeError):  # what takes no attribute is not listened to
            before = vars(owner).get(name)
            ours = wrap(getattr(owner, name))
            setattr(owner, name, ours)
            self._taps.append((owner, name, before, ours))

    def _text(self, write: Callable[..., Any]) -> Callable[..., Any]:
        on_text = self._on_text

        def tapped(text: str, *rest: Any, **named: Any) -> Any:
            if not self._displaying:
                self._tell(on_text, text)
            return write(text, *rest, **named)

        return tapped

    def _published(self, publish: Callable[..., Any]) -> Callable[..., Any]:
        def tapped(data: Mapping[str, Any], *rest: Any, **named: Any) -> Any:
            return self._display(data, publish, data, *rest, heard=not named.get("update"), **named)

        return tapped

    def _result(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def tapped(data: Mapping[str, Any], *rest: Any, **named: Any) -> Any:
            return self._display(data, write, data, *rest, **named)

        return tapped

    def _raised(self, show: Callable[..., Any]) -> Callable[..., Any]:
        def tapped(kind: Any, error: Any, *rest: Any, **named: Any) -> Any:
            self._tell(self._on_error, error)
            return self._display({}, show, kind, error, *rest, heard=False, **named)

        return tapped

    def _display(
        self, data: Mapping[str, Any], show: Callable[..., Any], *rest: Any, heard: bool = True, **named: Any
    ) -> Any:
        if heard:
            self._tell(self._on_display, data)
        self._displaying += 1
        try:
            return show(*rest, **named)
        finally:
            self._displaying -= 1

    def _cleared(self, clear: Callable[..., Any]) -> Callable[..., Any]:
        def tapped(*rest: Any, **named: Any) -> Any:
            self._tell(self._on_clear)
            return clear(*rest, **named)

        return tapped

    def _tell(self, listener: Callable[..., object], *what: object) -> None:
        """Calls a listener; with `suppress` each write would take three times as long."""
        try:
            listener(*what)
        except Exception as error:  # noqa: BLE001  # what is shown is shown, whoever listens
            self._displaying += 1  # a log may go to stderr, which would be heard again
            _log.debug("A listener to outputs raised %s", type(error).__name__)  # its words may be the user's
            self._displaying -= 1
