"""Errors are one line, and carry what whoever catches them needs."""

from __future__ import annotations

import pytest

from claude_magic import errors
from claude_magic.errors import (
    ClaudeMagicError,
    ControlError,
    ControlTimeoutError,
    InUseError,
    LineTooLongError,
    TurnFailedError,
    WireError,
)
from claude_magic.result import Result


def test_an_error_is_shown_in_ipython_as_its_line_alone() -> None:
    assert ClaudeMagicError("No.")._render_traceback_() == ["claude_magic: No."]


def test_what_a_program_said_does_nothing_to_a_terminal_in_an_error() -> None:
    assert str(ClaudeMagicError("\x1b[31mred\x1b]52;c;aGk=\x07")) == "red"


def test_errors_carry_what_they_are_about() -> None:
    in_use = InUseError("It is taken.", pid=7, notebook="a.ipynb")
    result = Result(text="so far")

    assert (in_use.pid, in_use.notebook) == (7, "a.ipynb")
    assert (ControlError("Refused.", "mode").code, ControlTimeoutError("Late.").code) == ("mode", "")
    assert TurnFailedError("Failed.", result).result is result


def test_a_line_over_the_cap_says_the_cap_and_what_comes_next() -> None:
    error = LineTooLongError(20_000_000)

    assert isinstance(error, WireError)
    assert error.limit == 20_000_000
    assert str(error) == (
        "The CLI sent a line of more than 20,000,000 bytes, the limit. "
        "The session was stopped; the next prompt resumes it."
    )


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_is_one_of_ours_and_says_what_it_means(name: str) -> None:
    error = getattr(errors, name)

    assert issubclass(error, ClaudeMagicError)
    assert error.__doc__
    assert name in (errors.__doc__ or ""), "the tree at the top of the file has all"
