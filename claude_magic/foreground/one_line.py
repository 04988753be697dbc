"""Our errors end a cell in one line, whoever else shows tracebacks.

IPython shows what an error's `_render_traceback_` gives, but those who take its place do not ask: rich's
handler prints every frame, `set_custom_exc` is called instead, `%pdb` opens a debugger. The promise: an error
of ours is shown by the shell's own class; everything else goes where it went before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.errors import ClaudeMagicError
from claude_magic.foreground.interrupts import TurnInterrupted

__all__ = ["OneLineErrors"]

_Show = Callable[..., Any]


class OneLineErrors:
    """Stands before the two ways in which a shell shows the error that ends a cell.

    Args:
        shell: The shell.
        on_interrupted: Called before it is shown that an interrupt has ended a turn.
    """

    def __init__(self, shell: InteractiveShell, on_interrupted: Callable[[], object]) -> None:
        self._shell = shell
        self._on_interrupted = on_interrupted
        self._ours: dict[str, _Show] = {}
        self._before: dict[str, _Show | None] = {}

    def install(self) -> None:
        """Takes the place of both, and again before a cell if somebody else has taken it meanwhile."""
        self._shell.events.register("pre_execute", self._take)
        self._take()

    def uninstall(self) -> None:
        """Puts back what was there, unless somebody else stands there now."""
        self._shell.events.unregister("pre_execute", self._take)
        for name, ours in self._ours.items():
            before = self._before[name]
            if getattr(self._shell, name) is not ours:
                continue
            if before is None:
                delattr(self._shell, name)
            else:
                setattr(self._shell, name, before)

    def _take(self) -> None:
        for name, wrap in (("showtraceback", self._wrap_showtraceback), ("CustomTB", self._wrap_custom_tb)):
            if getattr(self._shell, name) is not self._ours.get(name):
                self._before[name] = vars(self._shell).get(name)
                self._ours[name] = wrap(getattr(self._shell, name))
                setattr(self._shell, name, self._ours[name])

    def _wrap_showtraceback(self, before: _Show) -> _Show:
        def showtraceback(exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
            if not self._show_if_ours(exc_tuple):
                before(exc_tuple, *args, **kwargs)

        return showtraceback

    def _wrap_custom_tb(self, before: _Show) -> _Show:
        def custom_tb(etype: Any, value: Any, tb: Any, tb_offset: int | None = None) -> Any:
            if self._show_if_ours((etype, value, tb)):
                return None
            return before(etype, value, tb, tb_offset=tb_offset)

        return custom_tb

    def _show_if_ours(self, exc_tuple: Any) -> bool:
        """Shows the error if it is one of ours."""
        try:
            kind, error, _ = self._shell._get_exc_info(exc_tuple)  # noqa: SLF001  # for `%tb` and `%debug`, too
        except ValueError:  # there is none
            return False
        if not isinstance(error, ClaudeMagicError | TurnInterrupted):
            return False
        if isinstance(error, TurnInterrupted):
            self._on_interrupted()
        type(self._shell)._showtraceback(self._shell, kind, error, error._render_traceback_())  # noqa: SLF001
        return True
