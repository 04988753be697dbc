"""A test of real processes that fails is run once more: in CI that may save the run, elsewhere it does not.

On a machine that others use too, a kernel or a browser is now and then late in a way that no test foresaw.
What needs none of them is never tried again. Each second try is told at the end, with its reason.
"""

from __future__ import annotations

import os

import pytest

REAL = ("process", "kernel", "terminal", "browser")  # markers
MOST = 5 if "CI" in os.environ else 0  # second tries in a run
REASON = 12  # lines told of each: a browser says last what it was waiting for


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.get_closest_marker(name) for name in REAL):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if len(_tried_again(session.config)) > MOST:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if reports := _tried_again(config):
        terminalreporter.section(f"second tries: {len(reports)}, at most {MOST}")
    for report in reports:
        lines = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E  ")]
        reason = "\n  ".join(lines[:REASON]) or "no reason told"
        terminalreporter.line(f"{report.nodeid} ({report.when}): {reason[:2_000]}")


def _tried_again(config: pytest.Config) -> list[pytest.TestReport]:
    """The reports of the first tries that failed; where tests run in several processes, all in the first."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else reporter.stats.get("rerun", [])
