"""The files of a result: each change as a person reads it."""

from __future__ import annotations

import pytest

from claude_magic.result import FileChange, Result


def change(before: str | None, after: str | None) -> FileChange:
    return FileChange(path="/home/ada/a.py", before=before, after=after)


@pytest.mark.parametrize(
    ("before", "after", "lines", "shown"),
    [
        (
            "one\ntwo\nthree\n",
            "one\n2\nthree\nfour\n",
            [
                *("--- a/home/ada/a.py", "+++ b/home/ada/a.py", "@@ -1,3 +1,4 @@"),
                *(" one", "-two", "+2", " three", "+four"),
            ],
            "<FileChange changed '/home/ada/a.py', +2 -1>",
        ),
        (
            None,
            "one\n",
            ["--- /dev/null", "+++ b/home/ada/a.py", "@@ -0,0 +1 @@", "+one"],
            "<FileChange created '/home/ada/a.py', +1 -0>",
        ),
        (
            "++ one\n",
            None,
            ["--- a/home/ada/a.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-++ one"],
            "<FileChange deleted '/home/ada/a.py', +0 -1>",
        ),
        (None, "", [], "<FileChange created '/home/ada/a.py', +0 -0>"),
    ],
)
def test_a_change_has_its_diff_its_counts_and_one_line(
    before: str | None, after: str | None, lines: list[str], shown: str
) -> None:
    changed = change(before, after)
    assert changed.diff.splitlines() == lines
    assert str(changed) == changed.diff
    assert repr(changed) == shown
    assert changed.created is (before is None)


def test_of_a_very_long_diff_the_beginning_is_shown_and_all_is_counted() -> None:
    changed = change(None, "line\n" * 5_000)
    assert changed.diff.endswith("+line\n… 3,003 more lines")
    assert changed.additions == 5_000


def test_a_turn_that_changes_nothing_has_no_files() -> None:
    assert Result().files == ()
