"""A result as Python shows it."""

from __future__ import annotations

import pytest

from claude_magic.result import Result, ToolCall, Usage


def test_printed_a_result_is_its_answer() -> None:
    assert str(Result(text="An *answer*.")) == "An *answer*."


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (Result(text="Two\n words."), "<Result answer 'Two words.', 0 tool calls, $0.0000>"),
        (Result(text="So", interrupted=True), "<Result interrupted 'So', 0 tool calls, $0.0000>"),
        (
            Result(text="So", is_error=True, error="No\nlogin.", cost_usd=0.12345),
            "<Result error 'No login.', 0 tool calls, $0.1235>",
        ),
        (
            Result(tool_calls=(ToolCall("t", "Bash", {}, "", is_error=False),)),
            "<Result answer '', 1 tool calls, $0.0000>",
        ),
    ],
)
def test_alone_in_a_cell_it_is_one_line_of_what_matters_most(result: Result, shown: str) -> None:
    assert repr(result) == shown


def test_a_long_answer_is_cut_in_that_line() -> None:
    assert len(repr(Result(text="long " * 1_000))) < 150
    assert "…'" in repr(Result(text="long " * 1_000))


def test_a_total_of_tokens_is_of_all_kinds() -> None:
    assert Usage(1, 20, 300, 4_000).total == 4_321
