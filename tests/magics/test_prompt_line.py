"""A magic's line, taken apart: flags first, the rest as it was typed. Pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.errors import UsageError
from claude_magic.magics.prompt_line import split_flags

SWITCHES, VALUED = ("-b", "--background"), ("-m", "--model", "--allow")


def split(line: str) -> tuple[list[str], str]:
    return split_flags(line, SWITCHES, VALUED)


@pytest.mark.fault(75, via="pure")
@pytest.mark.parametrize(
    ("line", "flags", "rest"),
    [
        ("", [], ""),
        ("what's wrong?", [], "what's wrong?"),
        ("-b  two  spaces ", ["-b"], "two  spaces "),
        ("--model opus hi", ["--model=opus"], "hi"),
        ("--model=opus hi", ["--model=opus"], "hi"),
        ("-m opus hi", ["-mopus"], "hi"),
        ('--model "o p" hi', ["--model=o p"], "hi"),
        (r'--model "o\"p\\" hi', ['--model=o"p\\'], "hi"),
        ("--model 'o\"p' hi", ['--model=o"p'], "hi"),
        ("--allow Bash(git log *) --allow Edit hi", ["--allow=Bash(git log *)", "--allow=Edit"], "hi"),
        ("--allow mcp__a__b(x (y) z) hi", ["--allow=mcp__a__b(x (y) z)"], "hi"),
        ("--model -b hi", ["--model=-b"], "hi"),
        ("hi --model opus", [], "hi --model opus"),
        ("-- -b is asked about", [], "-b is asked about"),
        ("-b -- --model", ["-b"], "--model"),
        ("- a list item", [], "- a list item"),
        ("-1 is negative", [], "-1 is negative"),
        ("--- a rule", [], "--- a rule"),
    ],
)  # fmt: skip
def test_leading_flags_are_split_off(line: str, flags: list[str], rest: str) -> None:
    assert split(line) == (flags, rest)


@pytest.mark.fault(75, via="pure")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--modle opus hi", "Did you mean --model?"),
        ("--xyzzy hi", "See %claude?"),
        ("--model", "--model needs a value"),
        ("--model=", "--model needs a value"),
        ("--background=1 hi", "--background takes no value"),
        ("--model 'opus hi", "quote that is not closed"),
        ("--allow Bash(git hi", "parenthesis that is not closed"),
    ],
)
def test_what_cannot_be_read_is_named(line: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        split(line)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.text().filter(lambda text: not text.lstrip().startswith("-")))
def test_a_prompt_without_flags_stays_as_it_is(prompt: str) -> None:
    assert split(prompt) == ([], prompt.lstrip())
    assert split(f"-b {prompt}") == (["-b"], prompt.lstrip())


@given(st.text())
def test_no_text_is_read_as_anything_but_flags_and_rest(line: str) -> None:
    with contextlib.suppress(UsageError):
        assert line.endswith(split(line)[1])
