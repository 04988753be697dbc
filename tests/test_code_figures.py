"""The figures of the code count what they say."""

from __future__ import annotations

from pathlib import Path

from code_figures import code_lines, figures, function_lengths

SOURCE = '''"""A module's
docstring."""

# A comment.
TEXT = """of
two lines"""


@decorated
def outer(
    argument: int,  # a comment beside code
) -> int:
    """A docstring."""

    def inner() -> None:
        pass

    return inner(
        argument
    )
'''


def test_blank_lines_comments_and_docstrings_are_no_code() -> None:
    assert sorted(code_lines(SOURCE)) == [5, 6, 9, 10, 11, 12, 15, 16, 18, 19, 20]


def test_a_functions_length_is_its_code_with_its_head_and_what_is_defined_in_it() -> None:
    assert function_lengths(SOURCE) == [8, 2]


def test_a_package_is_told_in_sums_and_its_short_modules_by_name(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "module.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "room" / "long.py").write_text("x = 1\n" * 60, encoding="utf-8")
    (tmp_path / "room" / "__init__.py").write_text('"""Only a docstring."""\n', encoding="utf-8")
    (tmp_path / "page.js").write_text("one();\n\ntwo();\n", encoding="utf-8")

    assert list(figures(tmp_path)) == [
        "71 code lines in 2 modules, 2 lines for pages",
        "2 functions: median 5, p90 8, longest 8",
        "longest module: 60; under 60 lines: 1",
        "  11 room/module.py",
    ]
