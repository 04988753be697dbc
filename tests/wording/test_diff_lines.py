"""What a call writes, as lines of a diff."""

from __future__ import annotations

import pytest

from claude_magic.tool_server import Preview
from claude_magic.transcript.blocks import ToolBlock
from claude_magic.wording.diff_lines import DiffLine, diff


def lines_of(call: ToolBlock) -> list[str]:
    return [str(line) for line in diff(call).lines]


PAIRS = [{"old_string": "a", "new_string": "b"}, "odd", {"new_string": "c\nd\n"}]
HUNKS = [{"newStart": 3, "lines": [" same", "-old", "+new"]}, "odd", {"lines": ["+7", 7]}, {"lines": "odd"}]


@pytest.mark.parametrize(
    ("name", "given", "lines"),
    [
        ("Edit", {"old_string": "a\n", "new_string": "b\nc"}, ["-a", "+b", "+c"]),
        ("Edit", {"old_string": "", "new_string": "b"}, ["+b"]),
        ("Edit", {"old_string": 7, "new_string": None}, []),
        ("Write", {"content": "a\n\nb"}, ["+a", "+", "+b"]),
        ("MultiEdit", {"edits": PAIRS}, ["-a", "+b", "+c", "+d"]),
        ("MultiEdit", {"edits": 7}, []),
        ("Bash", {"command": "ls"}, []),
    ],
)
def test_a_call_is_shown_as_what_it_takes_out_and_puts_in(
    name: str, given: dict[str, object], lines: list[str]
) -> None:
    assert lines_of(ToolBlock(id="t", name=name, input=given)) == lines


@pytest.mark.fault(114, via="pure")
def test_a_part_of_the_input_without_a_name_does_not_stand_for_the_rest() -> None:
    assert lines_of(ToolBlock(id="t", name="Bash", input={"command": "rm -rf x", "": "ls"})) == []
    assert lines_of(ToolBlock(id="t", name="Write", input={"content": "a", "": "b"})) == ["+a"]


def patched(*hunks: object) -> list[str]:
    details = {"structuredPatch": list(hunks)}
    return lines_of(ToolBlock(id="t", name="Edit", input={"new_string": "asked"}, details=details))


def test_the_change_that_was_made_goes_before_the_one_that_was_asked_for() -> None:
    assert patched(*HUNKS) == ["@ line 3", " same", "-old", "+new", "@ line ?", "+7", " 7"]


@pytest.mark.parametrize("details", [None, "odd", {}, {"structuredPatch": "odd"}, {"structuredPatch": []}])
def test_without_a_change_that_can_be_read_it_is_what_was_asked_for(details: object) -> None:
    call = ToolBlock(id="t", name="Edit", input={"new_string": "asked"}, details=details)
    assert lines_of(call) == ["+asked"]


def test_a_line_of_a_diff_is_one_line_in_which_nothing_hides() -> None:
    assert patched({"lines": ["+a\nb\u202e", "+" + "x" * 2_001]})[1:] == ["+a⏎b⟦U+202E⟧", "+" + "x" * 2_000]


def test_a_long_diff_says_how_much_of_it_is_hidden() -> None:
    assert patched({"lines": ["+"] * 399}) == ["@ line ?", *["+"] * 399]
    assert patched({"lines": ["+"] * 400})[-1] == "@ 1 more lines hidden"
    assert patched({"lines": ["+"] * 1_400}) == ["@ line ?", *["+"] * 399, "@ 1,001 more lines hidden"]


def previewed(before: str, after: str) -> list[str]:
    """The lines of a call that says what it changes."""
    preview = Preview(before=before, after=after)
    return lines_of(ToolBlock(id="", name="mcp__kernel__edit_cell", input={"code": after}, preview=preview))


def test_a_call_that_says_what_it_changes_is_shown_as_the_lines_that_differ_and_those_around() -> None:
    before = "\n".join(f"line {number}" for number in range(1, 21))

    lines = previewed(before, before.replace("line 10", "new"))

    assert lines == [
        "@ line 7",
        " line 7",
        " line 8",
        " line 9",
        "-line 10",
        "+new",
        " line 11",
        " line 12",
        " line 13",
    ]


def test_a_text_that_goes_is_all_taken_out_and_a_new_one_is_no_diff() -> None:
    assert previewed("one\ntwo", "") == ["@ line 1", "-one", "-two"]
    assert previewed("", "new") == []


def test_texts_too_long_to_be_compared_are_taken_out_and_put_in_whole() -> None:
    lines = previewed("a\n" * 3_000, "b\n" * 3_000)

    assert lines[0] == "-a"
    assert lines[-1] == "@ 5,600 more lines hidden"


def seen(*patch: str, old: int = 1, new: int = 1) -> list[DiffLine]:
    details = {"structuredPatch": [{"oldStart": old, "newStart": new, "lines": list(patch)}]}
    return diff(ToolBlock(id="t", name="Edit", input={}, details=details)).lines[1:]


def test_a_line_that_goes_has_its_number_in_the_text_before_any_other_in_the_text_after() -> None:
    shown = seen(" a", "-b", "+c", "+d", " e", "\\ No newline at end of file", old=9, new=11)

    assert [(line.sign, line.number) for line in shown] == [
        (" ", 11),
        ("-", 10),
        ("+", 12),
        ("+", 13),
        (" ", 14),
        ("@", None),
    ]
    assert str(shown[-1]) == "@ No newline at end of file"


def test_a_part_of_a_text_is_counted_from_where_it_begins() -> None:
    preview = Preview(before="a\nb\nc", after="a\nB\nc", line=40)
    shown = diff(ToolBlock(id="", name="Edit", input={}, preview=preview)).lines

    assert [(str(line), line.number) for line in shown] == [
        ("@ line 40", 40),
        (" a", 40),
        ("-b", 41),
        ("+B", 41),
        (" c", 42),
    ]


def marked(*patch: str) -> list[list[str]]:
    return [[line.text[start:end] for start, end in line.marks] for line in seen(*patch)]


def test_where_as_many_lines_come_as_go_it_is_marked_what_differs_within_them() -> None:
    assert marked("-return a + b", "+return a - b") == [["+"], ["-"]]
    assert marked("-x = 1", "-y = f(1, 2)", "+x = 2", "+y = f(2)") == [["1"], ["1, "], ["2"], []]
    assert marked(" x = 1", "-x = 1", "+x = 2", "+y = 1") == [[], [], [], []]
    assert marked("+x = 1", "-x = 2") == [[], []]
    assert marked("-one thing", "+quite another") == [[], []]
    assert marked(f"-{'a ' * 200}b", f"+{'a ' * 200}c") == [[], []]
    assert marked("-\u202ea b c", "+\u202ea b d") == [["c"], ["d"]]


def test_the_counts_are_of_all_lines_and_not_of_those_that_are_shown() -> None:
    call = ToolBlock(id="t", name="Write", input={"content": "x\n" * 1_000})

    shown = diff(call, 10)

    assert (len(shown.lines), str(shown.lines[-1])) == (11, "@ 990 more lines hidden")
    assert (shown.added, shown.removed) == (1_000, 0)
