"""Tasks at a real IPython prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from magic_fixtures import offline_environment
from terminal_client import Terminal

pytestmark = pytest.mark.terminal


def test_a_task_goes_on_at_the_prompt_and_says_when_it_is_over(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    with Terminal(tmp_path, cwd=work, env=offline_environment(tmp_path)) as terminal:
        terminal.run("%load_ext claude_magic")
        terminal.run("%claude --task docs slowish")
        assert "2" in terminal.run("1 + 1")

        said = terminal.run("%claude_tasks wait docs")

        assert f"Task 'docs' is completed, in {work}" in said
        (written,) = work.glob(".claude-tasks/task-*-output.md")
        assert "the-1 " in written.read_text()
        listed = terminal.run("%claude_tasks")
        assert listed.count("docs") >= 1
        assert "completed" in listed
        assert "<" not in listed, "plain, without HTML"
        terminal.run("%claude --task other stall")
        assert f"Task 'other' is at work in {work}." in terminal.run("%claude --task third say no")
