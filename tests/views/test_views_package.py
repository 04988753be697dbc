"""What the package promises before anything is shown."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement

HEAVY = ("rich", "markdown_it", "pygments", "nh3")


@pytest.mark.process
def test_importing_the_views_imports_none_of_what_draws_them() -> None:
    look = f"print([name for name in {HEAVY} if name in sys.modules])"
    code = f"import sys, claude_magic.views, claude_magic.control_characters; {look}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_anywidget_is_one_that_loses_no_message_sent_right_after_a_widget_is_made() -> None:
    # The first patches go out at once; pages lost them before 0.9.20 if the script was not loaded yet.
    needed = [Requirement(line) for line in requires("claude-magic") or ()]
    (anywidget,) = (each for each in needed if each.name == "anywidget")

    assert "0.9.19" not in anywidget.specifier
    assert "0.9.20" in anywidget.specifier
    assert version("anywidget") in anywidget.specifier
