"""Control characters and what cannot be seen."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.control_characters import one_line, printed, shortened, show_invisibles, strip_controls

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
    assert strip_controls(text) == shown


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_clean_can_act_or_break_an_encoding(text: str) -> None:
    made = strip_controls(text)

    made.encode()
    assert not [c for c in made if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\u061c", "\ufeff", "\u2060", "\U000e0041"]
)
def test_what_cannot_be_seen_is_named_where_it_matters(character: str) -> None:
    assert show_invisibles(f"rm {character}x") == f"rm ⟦U+{ord(character):04X}⟧x"


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    "text", ["🇩🇪", "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "👩‍🔬", "🏳️‍🌈", "1️⃣"]
)
def test_flags_and_joined_emoji_are_no_control_characters(text: str) -> None:
    assert show_invisibles(f"a {text} b") == strip_controls(f"a {text} b") == f"a {text} b"


def test_letters_that_nobody_sees_are_named_also_after_a_flag() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "rm")

    assert show_invisibles(f"🏴{hidden}\U000e007f") == "🏴⟦U+E0072⟧⟦U+E006D⟧⟦U+E007F⟧"


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  0%|   |\r 50%|#  |\r100%|###|\ndone\n", "100%|###|\ndone\n"),
        ("\r 10%\r 99%\r\n", " 99%\n"),
        ("long state\rshort", "shortstate"),
        ("long state\r\x1b[Kshort", "short"),
        ("long state\x1b[2K\rshort", "short"),
        ("\x1b[32mlong\x1b[0m\r\x1b[31mok\x1b[0m", "okng"),
        ("wait |\x08/\x08-\x08\x08 done", "wait done"),
        ("one\r\ntwo\r\r\n", "one\ntwo\n"),
        ("no end\r", "no end"),
        ("a\x1b]52;c;c2VjcmV0\x07\rb", "b"),
        ("first\nlong\rX", "first\nXong"),
        ("ab\x08\x08\x08X", "Xb"),
        ("long state\x1b[2KX\x08Y", "Y"),
        ("long state\r\x1b[0Kshort", "short"),
        ("long\x1b[1K state", "long state"),
    ],
)
def test_a_line_that_rewrites_itself_is_shown_in_its_last_state(text: str, shown: str) -> None:
    assert printed(text) == shown


@given(st.text(alphabet="\r\n\x08\x1b[]2K;ab\x07"))
def test_nothing_printed_can_act(text: str) -> None:
    assert not [c for c in printed(text) if ord(c) < 32 and c != "\n"]


@pytest.mark.parametrize("text", ["a" * 300_000 + "\x08b" * 300_000, "ab\r" * 300_000, "a\x1b[2K" * 300_000])
def test_lines_that_rewrite_themselves_for_long_take_linear_time(text: str) -> None:
    began = time.process_time()

    printed(text)

    assert time.process_time() - began < 2


@given(st.lists(st.text(alphabet="\x1b[]08;m\r\n\x07ab")))
def test_lines_once_cleaned_stay_as_they_are_while_text_is_added(pieces: list[str]) -> None:
    text = ""
    for piece in pieces:
        whole_lines = strip_controls(text).split("\n")[:-1]
        text += piece
        assert strip_controls(text).split("\n")[: len(whole_lines)] == whole_lines


@pytest.mark.parametrize(
    "text", ["\x1b[" * 300_000, "\x1b]" * 300_000, "\x1b]" + "a" * 600_000, "\x1b[" + "0" * 600_000]
)
def test_hostile_sequences_take_linear_time(text: str) -> None:
    began = time.process_time()

    strip_controls(text)

    assert time.process_time() - began < 2


def test_two_thirds_of_what_is_shown_of_a_long_text_are_its_head() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefghi", 6) == "abcd\n… 3 characters hidden …\nhi"


def test_one_line_holds_no_more_than_its_limit_and_hides_nothing() -> None:
    assert one_line(" a\n\tb\u202e ") == "a b⟦U+202E⟧"
    assert (one_line("abc", 3), one_line("abcd", 3)) == ("abc", "ab…")


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    made = shortened("first" + "." * 1_000 + "last", 100)

    assert made.startswith("first")
    assert made.endswith("last")
    assert "909 characters hidden" in made
