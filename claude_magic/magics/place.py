"""Where a turn stands among the notebook's cells, and what reaches them from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.cells.page import CellChange

__all__ = ["TurnPlace", "propose"]

AskPage = Callable[[Mapping[str, object]], Awaitable[object]]


class TurnPlace:
    """The place of one turn.

    Args:
        shell: The shell.
        session: The name of the turn's session.
        cell_id: Its cell, as the front end names it; "" if that is not known.
        source: What that cell held when it was run.
        ask: Asks a page; None if none can answer.
        holds: What is proposed waits for `%claude_wait`: the turn's cell has ended.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        session: str,
        *,
        cell_id: str = "",
        source: str = "",
        ask: AskPage | None = None,
        holds: bool = False,
    ) -> None:
        self.session = session
        self.cell_id = self.below = cell_id
        self.source = source
        self.proposals: list[str] = []  # that wait
        self.changes: list[CellChange] = []
        self._shell = shell
        self._ask = ask
        self._holds = holds

    async def ask_page(self, question: Mapping[str, object]) -> object | None:
        """What a page answers; None if none can.

        Raises:
            TimeoutError: It fell silent.
        """
        return None if self._ask is None else await self._ask(question)

    def propose(self, code: str) -> None:
        """Makes code the person's next cell, after what has been proposed already."""
        if self._holds:
            self.proposals.append(code)
        else:
            propose(self._shell, code)

    def replace(self, code: str) -> bool:
        """Puts code in the place of the cell that runs; False where no front end would."""
        if self._holds or not hasattr(self._shell, "kernel"):
            return False
        self._shell.set_next_input(code, replace=True)
        return True

    def release(self) -> None:
        """Proposes, from the cell that runs now, what had to wait."""
        for code in self.proposals:
            propose(self._shell, code)
        self.proposals.clear()


def propose(shell: InteractiveShell, code: str) -> None:
    """Makes code the next cell, below what this cell proposes already: a front end takes only the last."""
    before = _proposed(shell)
    shell.set_next_input(f"{before}\n\n{code}" if before else code)


def _proposed(shell: InteractiveShell) -> str:
    manager = getattr(shell, "payload_manager", None)
    payloads: list[dict[str, object]] = manager.read_payload() if manager is not None else []
    in_kernel = (each.get("text") for each in payloads if each.get("source") == "set_next_input")
    return str(next(in_kernel, None) or getattr(shell, "rl_next_input", None) or "")
