"""What the package promises before anything is shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("rich", "markdown_it", "pygments", "nh3")


@pytest.mark.process
def test_importing_the_views_imports_none_of_what_draws_them() -> None:
    look = f"print([name for name in {HEAVY} if name in sys.modules])"
    code = f"import sys, claude_magic.views, claude_magic.control_characters; {look}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
