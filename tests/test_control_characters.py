"""Control characters and what cannot be seen."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.control_characters import clean, exact, shortened

pytestmark = pytest.mark.fault(84, via="pure")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]52;c;c2VjcmV0\x07x", "x"),
        ("\x1b]0;never ended", "]0;never ended"),
        ("safe\rhidden", "safe\nhidden"),
        ("one\r\ntwo\tthree\n", "one\ntwo\tthree\n"),
        ("a\x08\x7f\0\x9bb", "ab"),
        ("\ud800", "\ufffd"),
        ("\x1bPq#0\x1b\\x", "x"),
    ],
)
def test_what_a_terminal_would_act_on_is_gone_or_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_clean_can_act_or_break_an_encoding(text: str) -> None:
    made = clean(text)

    made.encode()
    assert not [c for c in made if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\u061c", "\ufeff", "\u2060", "\U000e0041"]
)
def test_what_cannot_be_seen_is_named_where_it_matters(character: str) -> None:
    assert exact(f"rm {character}x") == f"rm ⟦U+{ord(character):04X}⟧x"


@given(st.lists(st.text(alphabet="\x1b[]08;m\r\n\x07ab")))
def test_lines_once_cleaned_stay_as_they_are_while_text_is_added(pieces: list[str]) -> None:
    text = ""
    for piece in pieces:
        whole_lines = clean(text).split("\n")[:-1]
        text += piece
        assert clean(text).split("\n")[: len(whole_lines)] == whole_lines


@pytest.mark.parametrize(
    "text", ["\x1b[" * 300_000, "\x1b]" * 300_000, "\x1b]" + "a" * 600_000, "\x1b[" + "0" * 600_000]
)
def test_hostile_sequences_take_linear_time(text: str) -> None:
    began = time.process_time()

    clean(text)

    assert time.process_time() - began < 2


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    made = shortened("first" + "." * 1_000 + "last", 100)

    assert made.startswith("first")
    assert made.endswith("last")
    assert "909 characters hidden" in made
