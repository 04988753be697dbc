"""A magic's line, taken apart: flags first, the rest as it was typed. Pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.errors import UsageError
from claude_magic.magics.prompts import VALUE_LIMIT, expand, split_flags

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


@given(st.text())
def test_without_names_a_prompt_is_not_changed(prompt: str) -> None:
    assert expand(prompt, {}) == prompt


@pytest.mark.fault(75, via="pure")
@pytest.mark.parametrize(
    "name", ["api_key", "TOKEN", "db_password", "PASSWD", "secret", "aws_credentials", "auth"]
)
def test_a_name_that_looks_like_a_secret_is_left_alone(name: str) -> None:
    assert expand(f"use {{{name}}}", {name: "sesame"}) == f"use {{{name}}}"


@pytest.mark.parametrize("name", ["author", "authors", "number", "größe", "_private"])
def test_other_names_are_replaced_by_their_text(name: str) -> None:
    assert expand(f"a {{{name}}} b", {name: [1, "x"]}) == "a [1, 'x'] b"


def test_what_a_name_brings_is_not_expanded_again() -> None:
    assert expand("{x}", {"x": "{y}", "y": "never"}) == "{y}"


def test_a_long_value_is_cut_and_says_so() -> None:
    said = expand("{x}", {"x": "a" * (VALUE_LIMIT + 1_234)})

    assert said == "a" * VALUE_LIMIT + " [1,234 characters left out]"


def test_an_object_whose_text_cannot_be_had_is_named() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(UsageError, match=r"The text of \{x\} cannot be had: RuntimeError"):
        expand("a {x} b", {"x": Broken()})
