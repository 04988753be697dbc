"""A magic's line, taken apart: flags first, the rest as it was typed. Pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.errors import UsageError
from claude_magic.magics.prompt_line import PLAIN_LIMIT, VALUE_LIMIT, expand, split_flags
from claude_magic.prompt import Attachment, Prompt

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
    assert expand(prompt, {}).text == prompt
    assert expand(prompt, {}).content == prompt


@pytest.mark.fault(75, via="pure")
@pytest.mark.fault(116, via="pure")
@pytest.mark.parametrize(
    "name",
    [
        "api_key", "OPENAI_API_KEY", "aws_secret_access_key", "ssh_keys", "apikey", "TOKEN",
        "auth_token", "hfToken", "ACCESS_TOKENS", "db_password", "PASSWD", "password1", "secret",
        "SECRET", "SECRET_KEY", "clientSecret", "aws_credentials", "auth", "basic_auth", "auth_header",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_a_secret_is_left_alone_and_said(name: str) -> None:
    prompt = expand(f"use {{{name}}}", {name: "sesame"})

    assert prompt.text == prompt.content == f"use {{{name}}}"
    (notice,) = prompt.notices
    assert f"{{{name}}} (looks like a secret" in notice


@pytest.mark.fault(116, via="pure")
@pytest.mark.parametrize(
    "name",
    [
        "key", "keys", "monkey", "keyboard", "primary_key", "token_count", "tokens", "max_tokens",
        "tokenizer", "author", "authors", "authority", "secretary", "passwordless", "number", "größe",
        "_private", "MAX_TOKEN",
    ],
)  # fmt: skip
def test_other_names_are_replaced_by_their_text(name: str) -> None:
    assert expand(f"a {{{name}}} b", {name: [1, "x"]}) == Prompt("a [1, 'x'] b")


@pytest.mark.fault(116, via="pure")
def test_all_names_that_stay_as_typed_are_said_in_one_notice() -> None:
    prompt = expand("{a} {b} {token} {a} {if} {0} {} {a.b} {c}", {"token": 1, "c": 2})

    assert prompt.text == "{a} {b} {token} {a} {if} {0} {} {a.b} 2"
    unknown, withheld = "{a}, {b} (no such name here)", "{token} (looks like a secret;"
    assert prompt.notices == (
        f"Left as typed: {unknown}; {withheld} give the value another name to send it).",
    )


def test_what_a_name_brings_is_not_expanded_again() -> None:
    assert expand("{x}", {"x": "{y}", "y": "never"}).text == "{y}"


@pytest.mark.fault(111, via="pure")
@pytest.mark.parametrize(
    "value",
    [
        "see @notes.txt", "@/etc/hosts", "a\nb", "a\u2028b", "a\u2029@b", "a\rb", "a\x0cb",
        "x" * (PLAIN_LIMIT + 1), "\ufeff/clear", "\x1b[31mred",
    ],
)  # fmt: skip
def test_a_value_that_is_not_short_and_plain_goes_before_the_words(value: str) -> None:
    prompt = expand("Compare {x} with {x}, {n} times.", {"x": value, "n": 3})

    assert prompt.text == "Compare [data: x] with [data: x], 3 times."
    assert prompt.attachments == (Attachment("x", value),)
    assert isinstance(prompt.content, list)
    data, words = prompt.content
    assert data == {"type": "text", "text": f"[data: x]\n{value}\n[end of data: x]"}
    assert words == {"type": "text", "text": prompt.text}


@pytest.mark.fault(111, via="pure")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{x}", "[data: x]"),
        ("  {x} now", "  [data: x] now"),
        ("{empty}{x}", "[data: x]"),
        ("{empty} {x}", " [data: x]"),
        ("{slash}{word}", "[data: slash]clear"),
        ("look into {x}", "look into /clear"),
        ("/{word}", "/clear"),  # the person's own command
    ],
)
def test_no_value_makes_a_line_a_command(line: str, words: str) -> None:
    names = {"x": "/clear", "empty": "", "slash": "/", "word": "clear"}

    assert expand(line, names).text == words


@given(st.text(), st.text(alphabet=st.sampled_from(' \n\r\u2028\ufeff\tab@/"`.')))
def test_whatever_a_value_holds_the_words_hold_no_file_and_no_command_of_it(value: str, more: str) -> None:
    text = expand("{x}{y}", {"x": value, "y": more}).text

    assert "@" not in text
    assert not text.strip().startswith("/")


def test_a_long_value_is_cut_and_says_so() -> None:
    (data,) = expand("{x}", {"x": "a" * (VALUE_LIMIT + 1_234)}).attachments

    assert data.text == "a" * VALUE_LIMIT + " [1,234 characters left out]"


def test_an_object_whose_text_cannot_be_had_is_named() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(UsageError, match=r"The text of \{x\} cannot be had: RuntimeError"):
        expand("a {x} b", {"x": Broken()})
