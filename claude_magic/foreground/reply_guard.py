"""What an interrupt does once its cell is over, or is just ending by the one before it.

The promise: the cell's reply still comes, and the cell ends in the one line of the first interrupt. ipykernel
drops the reply if SIGINT comes between the end of a cell and its reply, and the front end waits for that cell
for good: the second of two quick interrupts does that.
Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["ReplyGuard"]


class ReplyGuard:
    """Keeps SIGINT from what a kernel does after a cell.

    Args:
        shell: The shell; one of a terminal has no kernel, and loses nothing.
    """

    def __init__(self, shell: Any) -> None:
        kernel = getattr(shell, "kernel", None)
        self.cell_is_over = False
        self._is_shown = False  # that an interrupt has ended a turn of the cell
        self._shell = shell
        self._kernel = kernel if hasattr(kernel, "pre_handler_hook") else None

    def install(self) -> None:
        """From the next message on the kernel's handler of SIGINT is ours."""
        if self._kernel is not None:
            self._before = self._kernel.pre_handler_hook
            self._kernel.pre_handler_hook = self._begin_message

    def uninstall(self) -> None:
        """Gives the kernel its own hook back."""
        if self._kernel is not None:
            self._kernel.pre_handler_hook = self._before

    def begin_to_show(self) -> None:
        """An interrupt is about to be shown: another one does not show itself over it."""
        self._is_shown = True

    def _begin_message(self) -> None:
        self.cell_is_over = self._is_shown = False
        self._before()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.cell_is_over and not (self._is_shown and not self._in_cell(frame)):
            signal.default_int_handler(number, frame)

    def _in_cell(self, frame: FrameType | None) -> bool:
        """Whether the cell's own code runs: an Output widget, say, shows the interrupt and goes on."""
        names = self._shell.user_global_ns
        while frame is not None and frame.f_globals is not names:
            frame = frame.f_back
        return frame is not None
