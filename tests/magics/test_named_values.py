"""What a line names, put into it or before it."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.errors import UsageError
from claude_magic.magics.named_values import PLAIN_LIMIT, VALUE_LIMIT, expand
from claude_magic.prompt import Attachment, Prompt

ROWS = [{"name": "Ada", "a b": 1}, {"name": "Grace"}]
NAMES = {"rows": ROWS, "df": SimpleNamespace(shape=(3, 2), rows=ROWS), "names": 7}


@given(st.text().filter(lambda text: not re.search(r"\{\w+[}.[]", text)))
def test_a_prompt_that_names_nothing_is_not_changed(prompt: str) -> None:
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
    line = r"\frac{a}{b} x_{a} {token} {if} {0} {} {a b} {c.api_key} {c}"
    prompt = expand(line, {"token": 1, "c": 2})

    assert prompt.text == line.replace("{c}", "2")
    unknown, withheld = "{a}, {b} (no such name here)", "{token}, {c.api_key} (looks like a secret;"
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


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{df.shape} {rows[0]['name']} {rows[-1][\"name\"]}", "(3, 2) Ada Grace"),
        ("{df.rows[0]['a b']}", "1"),
        ("{{names}} is {names}, {{df.shape}}", "{names} is 7, {df.shape}"),
        ('as in {"a": 1}, {}, {0}, {names()}, {rows[0:1]}, { names }, {names+1}', None),
    ],
)
def test_attributes_and_items_of_names_are_values_and_nothing_else_is(line: str, words: str | None) -> None:
    assert expand(line, NAMES).text == (line if words is None else words)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{nmaes}", "There is no name 'nmaes' here. Did you mean {names}? To send the braces as they are,"),
        ("{xyzzy.a}", "no name 'xyzzy' here. To send the braces as they are, double them: {{xyzzy.a}}"),
        ("{df.shpae}", "{df.shpae} cannot be had: AttributeError"),
        ("{df.shpae}", "Did you mean {df.shape}?"),
        ("{rows[9]}", "{rows[9]} cannot be had: IndexError"),
        ("{rows[0]['nome']}", "cannot be had: KeyError('nome')"),
        ("{names[0]}", "cannot be had: TypeError"),
    ],
)
def test_what_is_mistyped_is_an_error_that_says_what_is_there(line: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        expand(line, NAMES)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
