"""What of a turn stands under one line: calls that went well, many in a row, and in the end all of its work.

Pure. What somebody may be waiting for stays in sight: what runs or asks, what went wrong, a picture, a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)

__all__ = ["Fold", "folded", "folded_turn"]

_LEAST = 4  # calls that are worth a line of their own


class Fold(Struct, frozen=True):
    """Blocks under one line.

    Args:
        key: What tells it from the others of its turn, and stays as it grows.
        blocks: What is under it, in order.
    """

    key: str
    blocks: tuple[Block, ...]

    @property
    def calls(self) -> list[ToolBlock]:
        """The calls among them that are to be seen."""
        return _calls(self.blocks)


def folded_turn(blocks: Sequence[Block], *, is_done: bool) -> list[Block | Fold]:
    """A turn's blocks, with what is folded; once it is done its work stands under one line above the answer.

    Args:
        blocks: The blocks.
        is_done: The turn has ended, and well.
    """
    work = blocks[: _answer_begins(blocks)] if is_done else ()
    inside = tuple(block for block in work if not _stays_in_sight(block))
    if len(_calls(inside)) < _LEAST:
        return folded(blocks, is_over=is_done)
    outside = [block for block in work if _stays_in_sight(block)]
    return [Fold("work", inside), *outside, *blocks[len(work) :]]


def folded(blocks: Sequence[Block], *, is_over: bool) -> list[Block | Fold]:
    """The same, with runs of calls under a line each.

    Args:
        blocks: The blocks.
        is_over: There will be no more of them; before that the last one, whatever it is, stays in sight.
    """
    last = None if is_over or not blocks else blocks[-1]
    return [each for run in _runs(blocks, last) for each in _under_a_line(run)]


def _runs(blocks: Sequence[Block], last: Block | None) -> Iterator[list[Block]]:
    """The blocks, those apart that may be under one line."""
    run: list[Block] = []
    for block in blocks:
        if block is last or not _went_well(block):
            yield run
            yield [block]
            run = []
        else:
            run.append(block)
    yield run


def _under_a_line(run: list[Block]) -> list[Block | Fold]:
    if len(_calls(run)) < _LEAST:
        return [*run]
    places = [place for place, block in enumerate(run) if isinstance(block, ToolBlock)]
    first, end = places[0], places[-1] + 1
    return [*run[:first], Fold(f"f{run[first].number}", tuple(run[first:end])), *run[end:]]


def _calls(blocks: Sequence[Block]) -> list[ToolBlock]:
    return [block for block in blocks if isinstance(block, ToolBlock) and not block.superseded]


def _went_well(block: Block) -> bool:
    if isinstance(block, ToolBlock):
        return block.state is ToolState.OK and not block.pictures and not block.todos
    return isinstance(block, ThinkingBlock) and block.finished


def _stays_in_sight(block: Block) -> bool:
    if isinstance(block, NoticeBlock):
        return block.level != "info"
    return isinstance(block, ToolBlock) and bool(block.pictures)


def _answer_begins(blocks: Sequence[Block]) -> int:
    """Where the last words begin; 0 if the last that was done is a call."""
    for place in range(len(blocks), 0, -1):
        if not isinstance(blocks[place - 1], (TextBlock, NoticeBlock, ThinkingBlock)):
            has_words = any(isinstance(block, TextBlock) and block.text.strip() for block in blocks[place:])
            return place if has_words else 0
    return 0
