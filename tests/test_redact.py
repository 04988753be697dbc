"""No secret in what is shown."""

from __future__ import annotations

import pytest

from claude_magic.support.redact import redact


@pytest.mark.parametrize("name", ["MY_API_KEY", "token", "Db_Password", "COOKIE_JAR", "X_AUTH"])
def test_the_value_of_a_variable_that_is_named_like_a_secret_is_not_shown(name: str) -> None:
    assert redact("asked with hunter22.", {name: "hunter22"}) == "asked with [redacted]."


@pytest.mark.parametrize(
    "env", [{"AUTHOR": "hunter22"}, {"PLACE": "hunter22"}, {"KEY": "short"}, {"KEY": ""}]
)
def test_other_values_and_those_too_short_to_be_secrets_stay(env: dict[str, str]) -> None:
    assert redact("short work by hunter22", env) == "short work by hunter22"


def test_each_line_of_a_secret_is_one_and_the_longest_goes_first() -> None:
    env = {"PRIVATE_KEY": "first line\nsecond", "TOKEN": "second line"}

    assert redact("second line, first line, second", env) == "[redacted], [redacted], [redacted]"


def test_a_secret_within_a_longer_one_leaves_nothing_of_it() -> None:
    assert redact("a-hunter22-b", {"KEY": "hunter22", "TOKEN": "a-hunter22-b"}) == "[redacted]"


@pytest.mark.parametrize("text", ["sk-ant-api03-A_b", "Bearer abc.def-1", "bearer XYZ"])
def test_what_looks_like_a_key_is_not_shown_wherever_it_comes_from(text: str) -> None:
    scheme = text[: text.index(" ") + 1] if " " in text else ""

    assert redact(f"({text} )", {}) == f"({scheme}[redacted] )"


def test_the_home_folder_is_a_tilde_where_it_is_a_whole_name() -> None:
    env = {"HOME": "/home/ann/"}

    assert (
        redact("/home/ann, /home/ann/x, /home/anna, /home/ann.old", env)
        == "~, ~/x, /home/anna, /home/ann.old"
    )


def test_a_secret_that_is_part_of_the_home_folders_name_does_not_give_the_folder_away() -> None:
    assert redact("in /home/secret1/data", {"HOME": "/home/secret1", "TOKEN": "secret1"}) == "in ~/data"


def test_a_secret_that_is_a_path_in_the_home_folder_is_not_shown() -> None:
    env = {"HOME": "/home/ann", "TOKEN_FILE": "/home/ann/secret1"}

    assert redact("read /home/ann/secret1", env) == "read [redacted]"
