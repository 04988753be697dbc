"""How tests wait: in one way, with an error that tells what did not come true."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import SUPPORT
from waiting import eventually, wait_until

TESTS = SUPPORT.parent


def test_a_wait_ends_with_its_condition() -> None:
    rounds = iter(range(3))
    wait_until(lambda: next(rounds) == 2)
    assert next(rounds, None) is None


async def test_a_wait_in_vain_says_what_was_waited_for_and_what_was_seen_last() -> None:
    heard = ["hello"]
    with pytest.raises(TimeoutError, match=r"(?s)within 0 s: .*len\(heard\) > 1.*False heard=\['hello'\]"):
        wait_until(lambda: len(heard) > 1, 0)
    with pytest.raises(TimeoutError, match="last seen: nobody"):
        await eventually(lambda: False, 0, lambda: "nobody")


def test_a_sleep_is_the_act_of_somebody_whom_its_line_names_and_never_a_wait() -> None:
    assert [place for path in sorted(TESTS.rglob("*.py")) for place in nameless_sleeps(path)] == []


def nameless_sleeps(path: Path) -> Iterator[str]:
    """The calls of `sleep` without a comment, but for `sleep(0)`, a step of the loop."""
    text = path.read_text(encoding="utf-8")
    if path.name == "waiting.py" or "sleep(" not in text:
        return
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sleep":
            (seconds,) = node.args
            step = isinstance(seconds, ast.Constant) and seconds.value == 0
            if not step and "#" not in lines[node.lineno - 1]:
                yield f"{path.relative_to(TESTS)}:{node.lineno}"
