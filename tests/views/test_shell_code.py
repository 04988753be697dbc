"""A command with programs in it: each is coloured as what it is written in, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import Page, outline

from claude_magic.views.html import markup
from claude_magic.views.html.shell_code import shell_code


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours however busy the machine is."""
    monkeypatch.setattr(markup, "_HIGHLIGHT_TIME", 60.0)


@pytest.mark.parametrize(
    ("command", "in_python"),
    [
        ("python3 - <<'EOF'\nimport os\nEOF\nls", True),
        ("cd a && ipython <<-E | tee log\nimport os\n\tE\nls", True),
        ('cat > a/b.py <<"E"\nimport os\nE', True),
        ("tee -a b.py <<E\nimport os\nE", True),
        ("cat <<E > a.py\nimport os\nE", True),
        ("cat <<E\nimport os\nE", False),
        ("python3 - <<'EOF'\nimport os\n", False),
        ("mypython <<E\nimport os\nE", False),
        ("cat <<A\npython <<E\nA\nimport os\nE", False),
        ("cat > a.txt <<E\nimport os\nE", False),
    ],
)
def test_a_program_in_a_command_is_coloured_as_one(command: str, in_python: bool) -> None:  # noqa: FBT001
    assert ("span.kn(import) span.nn(os)" in outline(shell_code(command))) is in_python


LINES = st.sampled_from(["python <<A", "cat >x.js <<'B'", "A", "B", "\tA", "import os", "", "<b>"])


@given(st.lists(LINES), st.sampled_from(["\n", ""]))
def test_no_text_of_a_command_is_lost(lines: list[str], end: str) -> None:
    command = "\n".join(lines) + end
    assert Page(str(shell_code(command))).text == command
