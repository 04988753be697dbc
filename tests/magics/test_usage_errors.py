"""A mistake in a magic's line costs one line that says what to type next, and nothing else."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook

pytestmark = pytest.mark.kernel

CASES = {
    "%%claude\n": "%%claude",
    "%%claude\n   \n\t\n": "%%claude",
    "%claude": "%claude [options] PROMPT",
    "%claude   ": "%claude [options] PROMPT",
    "%claude --model haiku": "%claude [options] PROMPT",
    "%claude --bogus hi": "Did you mean --busy?",
    "%claude --modle opus hi": "--model",
    "%%claude --permision-mode plan\nhi": "--permission-mode",
    "%%claude -x\nhi": "%claude?",
    "%claude --model": "%claude?",
    '%claude --model "op hi': "quote that is not closed",
    "%%claude --allow 'Bash(git *)\nhi": "quote that is not closed",
    "%claude --allow Bash(git hi": "parenthesis that is not closed",
    "%claude --permission-mode free hi": "acceptEdits",
    "%claude --effort huge hi": "medium",
    "%claude --timeout soon hi": "--timeout",
    "%claude --timeout 0 hi": "number above 0",
    "%claude --timeout nan hi": "number above 0",
    "%claude --timeout=-1 hi": "number above 0",
    "%claude --max-budget-usd free hi": "--max-budget-usd",
    "%claude --busy never hi": "queue",
    "%claude --out 2x hi": "--out",
    "%claude --out class hi": "--out",
    "%claude --system @nowhere.txt hi": "nowhere.txt",
    "%claude --background=yes hi": "--background takes no value",
    "%%claude what do you think?\nhi": "below",
    "%claude_status nobody": "%claude -s nobody PROMPT",
    "%claude_stop nobody": "%claude -s nobody PROMPT",
    "%claude_stop --every": "%claude_stop [NAME] [--turn | --all]",
    "%claude_stop a b": "%claude_stop [NAME] [--turn | --all]",
    "%claude_restart --new": "%claude_restart [NAME] [--fresh]",
    "%claude_wait nobody": "%claude -s nobody PROMPT",
    "%claude_wait a b": "%claude_wait [NAME]",
    "%claude_history nobody": "%claude -s nobody PROMPT",
    "%claude_history a b": "%claude_history [NAME]",
    "%claude -s ../x hi": "--session",
}


@pytest.mark.fault(75, via="real")
@pytest.mark.parametrize("code", CASES)
def test_a_mistake_is_one_line_that_says_what_to_type(shared: MagicNotebook, code: str) -> None:
    asked, children = len(shared.endpoint.lines), len(shared.children())

    assert CASES[code] in shared.error(code)

    assert len(shared.endpoint.lines) == asked
    assert len(shared.children()) == children
    assert shared.printed("print(6 * 7)") == "42"


@pytest.mark.parametrize("magic", ["claude_stop", "claude_stop --turn", "claude_history"])
def test_without_a_session_the_line_says_how_to_start_one(notebook: MagicNotebook, magic: str) -> None:
    assert notebook.error(f"%{magic}").endswith("Start it with: %claude PROMPT")
    assert notebook.children() == []


def test_after_a_mistake_the_next_prompt_is_answered(notebook: MagicNotebook) -> None:
    notebook.error("%claude --permission-mode free hi")
    notebook.error("%claude --effort huge hi")

    notebook.do("r = %claude say it works")

    assert notebook.value("r.text") == "it works"


@pytest.mark.fault(3, via="real")
def test_a_missing_directory_is_named(notebook: MagicNotebook) -> None:
    said = notebook.error("%claude --cwd nowhere/at-all hi")

    assert "nowhere/at-all" in said
    assert "claude was not found" not in said
    notebook.do("r = %claude --cwd . say it works")
    assert notebook.value("r.text") == "it works"


@pytest.mark.fault(3, via="real")
def test_a_kernel_whose_directory_is_gone_is_told_what_to_type(notebook: MagicNotebook) -> None:
    notebook.do("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir(os.getcwd())")

    assert "--cwd DIR" in notebook.error("%claude hi")

    notebook.do(f"r = %claude --cwd {notebook.work} say it works")
    assert notebook.value("r.text") == "it works"


@pytest.mark.fault(86, via="real")
def test_bypassing_permissions_is_never_a_default(shared: MagicNotebook) -> None:
    cell = shared.run('%config ClaudeMagics.permission_mode = "bypassPermissions"')

    said = cell.stdout + cell.stderr + (cell.error.value if cell.error else "")
    assert "--permission-mode bypassPermissions" in said
    shared.do("mode = %config ClaudeMagics.permission_mode")
    assert shared.value("mode") is None
    shared.do("%unload_ext claude_magic")
    again = shared.do("%load_ext claude_magic")
    assert "--permission-mode bypassPermissions" in again.stderr
    assert again.stderr.startswith("claude_magic: ClaudeMagics.permission_mode keeps its default: ")
    assert again.stderr.count("\n") == 1
    shared.do("mode = %config ClaudeMagics.permission_mode")
    assert shared.value("mode") is None


def test_a_default_is_checked(shared: MagicNotebook) -> None:
    cell = shared.run('%config ClaudeMagics.permission_mode = "free"')

    assert "acceptEdits" in cell.stdout + cell.stderr + (cell.error.value if cell.error else "")
    shared.do("%config ClaudeMagics.permission_mode = None")
