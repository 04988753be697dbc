"""The end of a test run: what tests have measured, whether or not their output was captured."""

from __future__ import annotations

from collections.abc import Callable

import pytest

__all__ = ["figure"]

_NAME = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a line or a table, to be shown at the end of the run."""
    kept = request.node.user_properties

    def keep(text: str) -> None:
        print(text)
        kept.append((_NAME, text))

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    measured = {
        report.nodeid: [str(value) for name, value in report.user_properties if name == _NAME]
        for report in reports
        if report.when == "call"
    }
    if any(measured.values()):
        terminalreporter.section("figures")
    for node, lines in sorted(measured.items()):
        if lines:
            terminalreporter.line(node)
            terminalreporter.line("\n".join(f"  {line}" for text in lines for line in text.splitlines()))
