"""A result as Python shows it."""

from __future__ import annotations

import pytest

from claude_magic.result import Result, ToolCall, Usage


def test_printed_a_result_is_its_answer() -> None:
    assert str(Result(text="An *answer*.")) == "An *answer*."


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (Result(text="Two\n words."), "<Result answer 'Two words.'>"),
        (Result(text="So", interrupted=True), "<Result interrupted 'So'>"),
        (
            Result(text="So", is_error=True, error="No\nlogin.", cost_usd=0.12345),
            "<Result error 'No login.', $0.1235>",
        ),
        (
            Result(tool_calls=(ToolCall("t", "Bash", {}, "", is_error=False),)),
            "<Result answer '', 1 tool call>",
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


def test_a_front_end_shows_the_answer_the_data_and_what_it_took() -> None:
    call = ToolCall("t", "Bash", {}, "", is_error=False)
    result = Result(text="So **it** is <b>.", data={"a": [1]}, tool_calls=(call, call), cost_usd=0.5)

    assert result._repr_markdown_() == (
        'So **it** is &lt;b>.\n\n```json\n{\n  "a": [\n    1\n  ]\n}\n```\n\n*2 tool calls · \\$0.5000*'
    )
    assert Result(error="No *login*", is_error=True)._repr_markdown_() == "**No \\*login\\***"
    assert "object object" in Result(text="x", data=object())._repr_markdown_()
    assert "characters hidden" in Result(data="x" * 30_000)._repr_markdown_()
