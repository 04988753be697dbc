"""What of a turn stands under one line, and what stays in sight."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.folds import Fold, folded, folded_turn

BLOCKS: dict[str, Callable[[], Block]] = {
    "F": lambda: ToolBlock(id="t", name="Bash", state=ToolState.FAILED),
    "R": lambda: ToolBlock(id="t", name="Bash", state=ToolState.RUNNING),
    "P": lambda: ToolBlock(id="t", name="Bash", state=ToolState.OK, pictures=(Picture("image/png", ""),)),
    "L": lambda: ToolBlock(id="t", name="Bash", state=ToolState.OK, todos=(("pending", "x"),)),
    "s": lambda: ToolBlock(id="t", name="Bash", state=ToolState.OK, superseded=True),
    "c": lambda: ToolBlock(id="t", name="Bash", state=ToolState.OK),
    "h": lambda: ThinkingBlock(finished=True),
    "H": ThinkingBlock,
    "n": lambda: NoticeBlock(text="so it is"),
    "W": lambda: NoticeBlock(text="beware", level="warning"),
    "T": lambda: text("words"),
    "e": lambda: text(" "),
    "r": RetryBlock,
}


def text(words: str) -> TextBlock:
    block = TextBlock(finished=True)
    block.append(words)
    return block


def blocks(letters: str) -> tuple[list[Block], dict[int, str]]:
    numbers = count(1)
    made = [BLOCKS[letter]() for letter in letters]
    for block in made:
        block.number = next(numbers)
    return made, {block.number: letter for block, letter in zip(made, letters, strict=True)}


def shown(letters: str, *, turn: bool = False, is_over: bool = True) -> str:
    """The letters, those under a line in brackets."""
    made, letter_of = blocks(letters)
    shown = folded_turn(made, is_done=is_over) if turn else folded(made, is_over=is_over)

    def word(each: Block | Fold) -> str:
        return f"[{''.join(map(word, each.blocks))}]" if isinstance(each, Fold) else letter_of[each.number]

    return "".join(map(word, shown))


@pytest.mark.parametrize(
    ("letters", "seen"),
    [
        ("", ""),
        ("ccc", "ccc"),
        ("cccc", "[cccc]"),
        ("TccccTcccccT", "T[cccc]T[ccccc]T"),
        ("cccFccc", "cccFccc"),
        ("ccccFcccc", "[cccc]F[cccc]"),
        ("ccccPccccLccccR", "[cccc]P[cccc]L[cccc]R"),
        ("hcchsscchh", "h[cchsscc]hh"),
        ("cccsss", "cccsss"),
        ("ccHcc", "ccHcc"),
        ("ccncc", "ccncc"),
    ],
)
def test_four_calls_in_a_row_that_went_well_stand_under_one_line(letters: str, seen: str) -> None:
    assert shown(letters) == seen


def test_while_more_may_come_the_last_call_stays_in_sight() -> None:
    assert shown("cccc", is_over=False) == "cccc"
    assert shown("ccccc", is_over=False) == "[cccc]c"
    assert shown("ccccR", is_over=False) == "[cccc]R"


@pytest.mark.parametrize(
    ("letters", "seen"),
    [
        ("TcccT", "TcccT"),
        ("TcccFLrnT", "[TcccFLr]nT"),
        ("hTccPcccWcThn", "[hTcccccc]PWThn"),
        ("ccccT", "[cccc]T"),
        ("cccc", "[cccc]"),
        ("TccccWe", "T[cccc]We"),
        ("cccsT", "cccsT"),
        ("T", "T"),
    ],
)
def test_when_a_turn_is_done_its_work_stands_under_one_line_above_the_answer(letters: str, seen: str) -> None:
    assert shown(letters, turn=True) == seen


def test_the_work_of_a_turn_that_is_not_done_stays_as_it_is() -> None:
    assert shown("TccccFT", turn=True, is_over=False) == "T[cccc]FT"


def test_a_run_keeps_its_key_as_it_grows() -> None:
    made, _ = blocks("Tcccccccc")
    keys = {
        each.key for end in (5, 7, 9) for each in folded(made[:end], is_over=True) if isinstance(each, Fold)
    }
    assert keys == {"f2"}
