"""Times, sums and counts in words."""

from __future__ import annotations

import pytest

from claude_magic.wording.units import ago, duration, money, short_number


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.34, "0.3 s"),
        (9.96, "10.0 s"),
        (10, "10 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 00 min"),
        (7_800, "2 h 10 min"),
    ],
)
def test_a_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59, "just now"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 day ago"),
        (200_000, "2 days ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert ago(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(950, "950"), (1_000, "1.0k"), (1_234, "1.2k"), (1_000_000, "1.0M"), (3_400_000, "3.4M")],
)
def test_a_count(number: int, said: str) -> None:
    assert short_number(number) == said


@pytest.mark.parametrize(
    ("usd", "said"), [(0, "$0.00"), (0.0012, "$0.0012"), (0.01, "$0.01"), (0.5, "$0.50"), (1.5, "$1.50")]
)
def test_a_sum(usd: float, said: str) -> None:
    assert money(usd) == said
