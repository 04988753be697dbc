"""What a turn has changed in the cells is taken back, each as it was and where it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cell_page import Page

from claude_magic.kernel.cells.page import delete_cell, new_cell, set_cell
from claude_magic.kernel.cells.undo import CellUndo

FIVE = ("ask", "a", "b", "c", "d")


def sources(page: Page) -> list[str]:
    return [str(cell["source"]) for cell in page.cells]


async def looked(page: Page, asking: str = "undo") -> CellUndo:
    """What a cell that is none of the changed ones sees."""
    page.cell_id = asking
    undo = CellUndo(page, list(page.changes))
    await undo.look()
    return undo


async def test_what_was_added_changed_and_deleted_is_as_it_was_and_in_its_place() -> None:
    page = Page(*FIVE)
    page.cells[3]["count"] = 7  # type: ignore[assignment]
    before = [dict(cell) for cell in page.cells]
    await new_cell(page, "new")
    await set_cell(page, "c1", "a", "a2")
    await delete_cell(page, "c2", "b")
    await delete_cell(page, "c3", "c")
    await set_cell(page, "c1", "a2", "a3")
    await new_cell(page, "newer")
    await set_cell(page, "n5", "new", "new2")
    assert sources(page) == ["ask", "new2", "newer", "a3", "d"]

    undo = await looked(page)

    assert [(each.path, each.before, each.after) for each in undo.changes] == [
        ("code cell 4", None, "b"),
        ("code cell [7]", None, "c"),
        ("code cell 3", "a3", "a"),
        ("code cell 3", "newer", None),
        ("code cell 2", "new2", None),
    ]
    assert (undo.changed_since, undo.notes) == ([], [])
    assert await undo.take_back() == []
    assert page.cells == before


async def test_what_came_to_nothing_or_is_back_already_is_left_out() -> None:
    page = Page(*FIVE)
    await new_cell(page, "new")
    await delete_cell(page, "n5", "new")
    await set_cell(page, "c1", "a", "a2")
    await set_cell(page, "c1", "a2", "a")
    await set_cell(page, "c2", "b", "b2")
    page.write("c2", "b")

    undo = await looked(page)

    assert undo.changes == []
    assert await undo.take_back() == []
    assert sources(page) == list(FIVE)


async def test_a_cell_that_was_deleted_twice_over_comes_back_as_it_was_first() -> None:
    page = Page(*FIVE)
    await set_cell(page, "c1", "a", "a2")
    await delete_cell(page, "c1", "a2")
    del page.cells[0]  # the one that it stood below

    assert await (await looked(page)).take_back() == []

    assert sources(page) == ["b", "a", "c", "d"], "where it was, by its number"


@pytest.mark.parametrize(
    ("spoil", "changed_since", "note"),
    [
        (lambda page: page.write("c1", "mine"), ["code cell 2"], ""),
        (lambda page: page.cells.pop(1), [], "Not undone, for it is gone: code cell 2."),
        (
            lambda page: setattr(page, "is_there", False),
            [],
            "Not undone, for no page that shows the notebook answers: code cell 2.",
        ),
        (
            lambda page: setattr(page, "answers", {"nonsense": 1}),
            [],
            "Not undone, for no page that shows the notebook answers: code cell 2.",
        ),
    ],
)
async def test_what_somebody_else_did_is_told(
    spoil: Callable[[Page], object], changed_since: list[str], note: str
) -> None:
    page = Page(*FIVE)
    await set_cell(page, "c1", "a", "a2")
    spoil(page)

    undo = await looked(page)

    assert undo.changed_since == changed_since
    assert undo.notes == ([note] if note else [])
    assert len(undo.changes) == len(changed_since)


async def test_a_change_that_was_seen_is_lost_and_one_that_was_not_is_kept() -> None:
    page = Page(*FIVE)
    await set_cell(page, "c1", "a", "a2")
    await set_cell(page, "c2", "b", "b2")
    page.write("c1", "mine")

    undo = await looked(page)
    page.write("c2", "mine too")

    assert await undo.take_back() == ["code cell 3"]
    assert sources(page) == ["ask", "a", "mine too", "c", "d"]


async def test_the_cell_that_undoes_stays() -> None:
    page = Page(*FIVE)
    await new_cell(page, "")
    page.write("n5", "%claude_undo")

    undo = await looked(page, asking="n5")

    assert (undo.changes, undo.changed_since, undo.notes) == ([], [], [])
