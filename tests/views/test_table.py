"""A table as HTML: its head, its cells, and a line below it."""

from __future__ import annotations

import pytest
from turns import outline

from claude_magic.views.html.table import table
from claude_magic.wording.tables import Table

AROUND = "div.mathjax_ignore.tex2jax_ignore(div.table(table"


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        (
            Table(("a", "b"), [("1", "x" * 30), ("<b>\u202e", "x" * 31)], "n\u202e"),
            (
                f"{AROUND}(thead(tr(th.short(a)th.short(b)))tbody(tr(td.short(1)td.short({'x' * 30}))"
                f"tr(td.short(<b>⟦U+202E⟧)td({'x' * 31}))))div.note(n⟦U+202E⟧)))"
            ),
        ),
        (
            Table((), [("a", "b"), ("c", "d")]),
            f"{AROUND}(tbody(tr(th.short(a)td.short(b))tr(th.short(c)td.short(d))))))",
        ),
    ],
)
def test_a_table_is_its_rows_below_its_head_or_beside_it(shown: Table, seen: str) -> None:
    style, _, made = table(shown).partition("<div")

    assert outline(f"<div{made}") == seen
    assert style.startswith('<link rel="stylesheet" href="data:text/css,.claude-table.claude-table{')
