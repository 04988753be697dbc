"""What CONTRIBUTING.md names is there."""

from __future__ import annotations

import re

from places import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+(?:\.\w+)?)?|[\w-]+\.(?:py|md|toml))`")


def test_each_path_that_the_contributors_page_names_exists() -> None:
    named = PATH.findall(TEXT)

    assert len(named) > 20
    assert [
        path for path in named if not (ROOT / path).exists() and not (ROOT / "claude_magic" / path).exists()
    ] == []


def test_each_command_that_it_tells_to_make_is_one() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"`make (\w+)", TEXT)) <= set(targets)
