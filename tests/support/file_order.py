"""The files that take longest are begun first, or one of them would run alone in the end.

pytest-xdist hands out files in the order of their numbers of tests, which says nothing about time. How long
each took is in durations.json, written by `make durations`; what is not in there may be long, and goes first,
but counts for nothing.
Browsers want the processor where most other tests wait for something, so both go on side by side from the
start to the end.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate

import pytest
from places import DURATIONS

__all__ = ["ordered"]


def ordered(files: Iterable[str], seconds: Mapping[str, float]) -> list[str]:
    """Files as they are to be begun: by the share of their kind's time that has gone by then."""
    gone: dict[str, float] = {}
    alike = sorted(files)  # in all processes
    for browser in (True, False):
        kind = [file for file in alike if ("/browser/" in file) is browser]
        kind.sort(key=lambda file: (file in seconds, -seconds.get(file, 0)))
        sums = list(accumulate((seconds.get(file, 0) for file in kind), initial=0.0))
        gone.update((file, before / (sums[-1] or 1)) for file, before in zip(kind, sums, strict=False))
    return sorted(gone, key=lambda file: gone[file])


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seconds = json.loads(DURATIONS.read_text(encoding="utf-8"))
    files = ordered({_file(item.nodeid) for item in items}, seconds)
    place = {file: number for number, file in enumerate(files)}
    items.sort(key=lambda item: place[_file(item.nodeid)])  # stable: the seed orders the rest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("CLAUDE_MAGIC_DURATIONS"):
        return
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[_file(report.nodeid)] += report.duration  # type: ignore[assignment]
    rounded = {file: round(took) for file, took in sorted(seconds.items())}
    DURATIONS.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
