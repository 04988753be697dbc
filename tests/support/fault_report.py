"""The end of a test run: each fault of FAULTS.md, how many tests show it and how, or its issue."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from places import FAULTS

WAYS = ("real", "fake", "os", "pure")
ISSUES = {
    "A": "1-8 10 11 13-16 22 28 39 40 46 68 75 84 86 89 91 92 104 110",
    "B": "9 12 17-21 23-27 31-33 35-38 41-44 47-49 51 61 62 64 65 94 98-100 102 106 107 109",
    "C": "34 45 66 67 69-74 76-83 85 87 88 108",
    "D": "29 30 50 52-60 63 90 93 95-97 103",
    "E": "101 111-129",
    "G": "105",
}


def faults() -> dict[int, str]:
    """Number → text of every fault."""
    lines = FAULTS.read_text(encoding="utf-8").splitlines()
    return {int(match[1]): match[2] for line in lines if (match := re.match(r"(\d+)\. (.+)", line))}


def _numbers(text: str) -> Iterator[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = faults()
    for item in items:
        for mark in item.iter_markers("fault"):
            number, via = mark.args[0], mark.kwargs.get("via")
            if number not in known or via not in WAYS:
                raise pytest.UsageError(f"{item.nodeid}: fault({number!r}, via={via!r}) is none of FAULTS.md")
            item.user_properties.append(("fault", f"{number} {via}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    shown: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "fault" and report.when == "call":
                number, via = value.split()
                shown[int(number)][via] += 1
    waiting = {number: issue for issue, numbers in ISSUES.items() for number in _numbers(numbers)}
    terminalreporter.section("faults")
    for number, text in sorted(faults().items()):
        ways = ", ".join(f"{count} {via}" for via, count in sorted(shown[number].items()))
        how = ways or f"not yet (issue {waiting[number]})"
        terminalreporter.line(f"{number:>4}  {how:<22} {text[:80]}")
