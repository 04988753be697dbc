"""Tables of plain text: aligned lines, and HTML in which nothing but text comes from the cells."""

from __future__ import annotations

from magic_fixtures import read_page

from claude_magic.views import table_output
from claude_magic.wording.tables import Table, aligned

HOSTILE = "<img src=x onerror=alert(1)>\u202e</td><script>x</script>\x1b[31m"


def test_columns_stand_below_each_other_wide_and_combining_characters_too() -> None:
    table = Table(("name", "n"), [("日本", "1"), ("e\u0301t\u00e9", "22"), ("", "3")], "Below.")

    assert aligned(table).split("\n") == [
        "name  n",
        "日本  1",
        "e\u0301t\u00e9   22",
        "      3",
        "",
        "Below.",
    ]


def test_without_a_head_the_first_column_says_what_the_others_are() -> None:
    table = Table((), [("state", "idle"), ("turns", "2")])

    assert aligned(table) == "state  idle\nturns  2"
    assert "<th" in table_output(table)["text/html"].split("<td")[0]


def test_whatever_a_cell_holds_is_one_line_of_text() -> None:
    shown = table_output(Table(("a",), [(HOSTILE,), ("two\nlines",)], HOSTILE))

    page = read_page(shown["text/html"])
    assert page.tags == {"link", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.attributes == {"class", "rel", "href"}
    assert page.text.count("<img src=x onerror=alert(1)>⟦U+202E⟧</td><script>x</script>") == 2
    assert "two lines" in shown["text/plain"].split("\n")
    assert not {"\u202e", "\x1b"} & set(shown["text/plain"] + shown["text/html"])


def test_several_tables_stand_below_each_other() -> None:
    shown = table_output(Table((), [("a", "1")]), Table((), [("b", "2")]))

    assert shown["text/plain"] == "a  1\n\nb  2"
    assert shown["text/html"].count("<table>") == 2


def test_a_table_without_rows_is_its_head() -> None:
    assert aligned(Table(("a", "b"), [])) == "a  b"
    assert aligned(Table((), [])) == ""
