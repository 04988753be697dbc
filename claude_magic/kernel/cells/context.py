"""The cells that Claude has not seen yet, as they go with a prompt: in order, once, bounded, without secrets.

What a conversation has seen is what went with prompts that the CLI took up: a prompt that failed before loses
nothing, and another conversation has seen nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from claude_magic.control_characters import one_line
from claude_magic.kernel.cells.telling import cell_text, cleaner
from claude_magic.kernel.values.pictures import to_image
from claude_magic.kernel.values.withheld import source_without_secrets
from claude_magic.prompt import Attachment, Image
from claude_magic.support.images import NoPictureError

if TYPE_CHECKING:
    from claude_magic.kernel.cells.log import Cell, CellLog
    from claude_magic.kernel.cells.telling import Clean
    from claude_magic.session import Session
    from claude_magic.session.turn import Turn

__all__ = ["Context", "Unseen"]

BUDGET = 20_000  # characters of all cells
_IN_FULL = 16_000  # of which cells in full take so many; the rest is for a line each
_LINE = 120
_PICTURES = 4
_SIDE, _SIZE = 768, 150_000  # pixels and bytes of a picture
_SMALL = 160  # pixels of what the turn shows of it: the notebook has the picture itself
_ABOUT = "Cells that the notebook has run since your last turn, oldest first."


class Unseen(NamedTuple):
    """The cells that go with a prompt.

    Args:
        cells: The cells, oldest first, of those that were run again the last run.
        runs: How often each was run, by its key.
        numbers: The numbers of all runs.
        lost: Cells that are not remembered any more.
    """

    cells: tuple[Cell, ...] = ()
    runs: Mapping[str, int] = {}
    numbers: frozenset[int] = frozenset()
    lost: int = 0


class Context:
    """What each conversation has seen of a log.

    Args:
        log: The cells.
        names: The notebook's variables, whose secrets are withheld.
    """

    def __init__(self, log: CellLog, names: Mapping[str, object]) -> None:
        self._log = log
        self._names = names
        self._seen: dict[str, set[int]] = {}  # numbers of cells, by conversation
        self._sent: list[tuple[Session, Turn, frozenset[int]]] = []  # with turns that may still fail

    def unseen(self, session: Session | None) -> Unseen:
        """The cells that a session's next turn is to see; all for a new one."""
        seen = self._seen_by(session) if session is not None else set()
        new = [cell for cell in self._log.cells if cell.number not in seen]
        newest = {cell.key: cell for cell in new}
        first = self._log.cells[0].number if self._log.cells else 1
        return Unseen(
            tuple(cell for cell in new if newest[cell.key] is cell),
            Counter(cell.key for cell in new),
            frozenset(cell.number for cell in new),
            max(0, first - 1 - max(seen, default=0)),
        )

    def sent(self, session: Session, turn: Turn, unseen: Unseen) -> None:
        """Notes that cells go with a turn."""
        self._sent.append((session, turn, unseen.numbers))

    async def attachment(self, unseen: Unseen, without: Cell | None = None) -> Attachment | None:
        """The cells as they are sent; None if there are none.

        Args:
            unseen: The cells.
            without: One that is sent in another way.
        """
        cells = [cell for cell in unseen.cells if cell is not without]
        if not cells:
            return None
        texts = _within_budget(cells, unseen.runs, cleaner(self._names))
        left_out = unseen.lost + len(cells) - len(texts)
        pictures = [(cell, picture) for cell in cells[-len(texts) :] for picture in cell.pictures][
            -_PICTURES:
        ]
        images = await asyncio.to_thread(_images, pictures)
        head = [
            _ABOUT,
            *([f"{left_out:,} earlier cell{'s' * (left_out != 1)} left out."] if left_out else []),
        ]
        tail = [f"The pictures that follow are from {', '.join(images)}."] if images else []
        title = f"{len(texts):,} cell{'s' * (len(texts) != 1)} attached"
        title += f", {left_out:,} left out" if left_out else ""
        pictures_of_all = tuple(image for each in images.values() for image in each)
        return Attachment("cells", "\n\n".join([*head, *texts, *tail]), title, pictures_of_all)

    def _seen_by(self, session: Session) -> set[int]:
        self._settle()
        conversation = session.conversation
        pending = [numbers for owner, turn, numbers in self._sent if owner is session]
        before = set() if conversation.start_fresh else self._seen.get(session.session_id, set())
        return before.union(*pending)

    def _settle(self) -> None:
        """Sorts the turns that are over by what became of them."""
        oldest = self._log.cells[0].number if self._log.cells else 0
        for _, turn, numbers in [each for each in self._sent if each[1].done]:
            if turn.is_taken_up:
                seen = self._seen.setdefault(turn.transcript.session_id, set())
                seen |= numbers
                seen -= {number for number in seen if number < oldest and number != max(seen)}
        self._sent = [each for each in self._sent if not each[1].done]


def _within_budget(cells: list[Cell], runs: Mapping[str, int], clean: Clean) -> list[str]:
    """The newest cells in full, older ones in a line each, as many as there is room for; oldest first."""
    texts: list[str] = []
    room, in_full = BUDGET, True
    for cell in reversed(cells):
        text = cell_text(cell, clean, runs=runs[cell.key]) if in_full else _line(cell, clean)
        if in_full and len(text) > room - (BUDGET - _IN_FULL) and texts:
            in_full, text = False, _line(cell, clean)
        if len(text) > room:
            break
        texts.append(text)
        room -= len(text) + 2
    return texts[::-1]


def _line(cell: Cell, clean: Clean) -> str:
    lines = (line for line in source_without_secrets(cell.source).split("\n") if line.strip())
    error = f" ({one_line(clean(cell.error), _LINE)})" if cell.error else ""
    return f"In [{cell.execution_count}]: {one_line(clean(next(lines, '')), _LINE)} …{error}"


def _images(pictures: Iterable[tuple[Cell, bytes]]) -> dict[str, list[Image]]:
    """The pictures as they are sent, by the cells that have shown them."""
    images: dict[str, list[Image]] = {}
    for name, image in _small(pictures):
        images.setdefault(name, []).append(image)
    return images


def _small(pictures: Iterable[tuple[Cell, bytes]]) -> Iterator[tuple[str, Image]]:
    for cell, data in pictures:
        try:
            yield f"In [{cell.execution_count}]", to_image(data, side=_SIDE, size=_SIZE, small=_SMALL)
        except NoPictureError:  # a cell may show anything as one
            continue
