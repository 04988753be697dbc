"""What shortens a run: which file is begun when."""

from __future__ import annotations

from file_order import ordered

SECONDS = {"tests/a.py": 3, "tests/b.py": 5, "tests/browser/d.py": 30, "tests/browser/e.py": 20}


def begun(*names: str) -> list[str]:
    """The names of files, in the order in which they are begun."""
    return [file[6:-3] for file in ordered((f"tests/{name}.py" for name in names), SECONDS)]


def test_long_files_are_begun_first_and_those_that_nobody_has_timed_before_them() -> None:
    assert begun("a", "b", "new") == ["new", "b", "a"]


def test_browsers_are_spread_over_the_whole_run() -> None:
    assert begun("a", "b", "browser/d", "browser/e") == ["browser/d", "b", "browser/e", "a"]


def test_they_are_also_where_there_are_files_that_nobody_has_timed() -> None:
    assert begun("a", "b", "new", "browser/d", "browser/e") == ["browser/d", "new", "b", "browser/e", "a"]
