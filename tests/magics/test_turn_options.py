"""What is given with a prompt: for its turn only, or from now on; seen where the model stands."""

from __future__ import annotations

import re

import pytest
from magic_fixtures import STOPPED, MagicNotebook, html, read_page, shown

pytestmark = pytest.mark.kernel


def models(notebook: MagicNotebook) -> list[str]:
    return [str(request["body"]["model"]) for request in notebook.endpoint.requests]


@pytest.mark.fault(104, via="real")
def test_a_model_for_one_turn_is_gone_with_the_next(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()
    notebook.do("%claude --model haiku say two")
    notebook.do("%claude say three")

    one, two, three = models(notebook)
    assert "haiku" in two
    assert "haiku" not in one
    assert three == one
    assert notebook.claude_pid() == pid


@pytest.mark.fault(104, via="real")
def test_a_tool_allowed_for_one_turn_is_asked_for_in_the_next(notebook: MagicNotebook) -> None:
    for number, flag in enumerate(("", '--allow "Bash(touch *)"', "")):
        notebook.do(f"%%claude {flag}\nrun touch {number}.txt")

    assert [path.name for path in notebook.work.iterdir()] == ["1.txt"]


@pytest.mark.fault(104, via="real")
def test_a_tool_denied_for_one_turn_is_there_in_the_next(notebook: MagicNotebook) -> None:
    (notebook.work / "notes.txt").write_text("what is in it")
    for flag in ("", "--deny Read", ""):
        notebook.do(f"%%claude -o r {flag}\nread notes.txt")
        said = notebook.value("r.tool_calls[0].result")
        assert ("what is in it" in said) is (flag == "")


@pytest.mark.fault(104, via="real")
def test_a_permission_mode_for_one_turn_is_gone_with_the_next(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%claude --permission-mode acceptEdits write two.txt words")
    notebook.do("%claude write three.txt words")

    assert (notebook.work / "two.txt").exists()
    assert not (notebook.work / "three.txt").exists()
    assert notebook.status()["permission mode"] == "default"


def test_a_default_holds_for_every_turn_until_it_is_changed(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do('%config ClaudeMagics.model = "haiku"')
    notebook.do("%claude say two")
    notebook.do("%claude say three")
    notebook.do("%config ClaudeMagics.model = None")
    notebook.do("%claude say four")

    one, two, three, four = models(notebook)
    assert "haiku" in two
    assert two == three
    assert one == four


def test_a_persona_stays_and_a_changed_one_restarts_and_says_so(notebook: MagicNotebook) -> None:
    (notebook.work / "persona.txt").write_text("You are a librarian.")
    notebook.do('%claude --system "You are a pirate." say one')
    pid = notebook.claude_pid()
    assert "You are a pirate." in notebook.endpoint.system
    assert "You are called from a Jupyter notebook" in notebook.endpoint.system

    notebook.do("%claude say two")
    assert "You are a pirate." in notebook.endpoint.system
    assert notebook.claude_pid() == pid

    cell = notebook.do("%claude --system @persona.txt say three")
    assert "You are a librarian." in notebook.endpoint.system
    assert "pirate" not in notebook.endpoint.system
    assert "Restarted for system; the conversation goes on." in read_page(html(cell)).text
    assert notebook.claude_pid() != pid
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say one"


def test_a_timeout_ends_the_turn_and_keeps_what_had_come(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    error = notebook.run("%%claude --timeout 2 -o r\nstall").error

    assert error is not None
    assert (error.text, "--timeout" in error.value) == (STOPPED, True)
    assert notebook.value("[r.text, r.interrupted]") == ["The first half", True]
    notebook.do("%claude say two")
    assert notebook.claude_pid() == pid


@pytest.mark.fault(104, via="real")
def test_a_budget_ends_the_turn_and_is_gone_with_the_next(notebook: MagicNotebook) -> None:
    said = notebook.error("%%claude --max-budget-usd 0.000001 -o r --allow Bash\nrun echo one > one.txt")

    assert "--max-budget-usd" in said
    assert notebook.value("r.interrupted") is True
    cell = notebook.do("%claude say two")
    assert re.search(r"\n\ntwo\n\n", shown(cell))


def test_the_options_of_a_turn_are_shown_with_it(notebook: MagicNotebook) -> None:
    cell = notebook.do("%%claude --model haiku --allow Read --allow 'Bash(git *)' --timeout 60\nsay one")

    said = read_page(html(cell)).text
    assert "--model haiku" in said
    assert "--allow Read, Bash(git *)" in said
    assert "--timeout 60" in said


@pytest.mark.fault(121, via="real")
def test_a_mistyped_option_of_the_session_fails_its_prompt_and_is_forgotten(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()
    for option, said in (
        ("--cwd nowhere", "nowhere"),
        ("--setting-sources usr", "'usr'"),
        ("--mcp-config '{no'", "JSON"),
    ):
        assert said in notebook.error(f"%claude {option} say no")
        notebook.do("r = %claude what came first?")
        assert notebook.value("r.text") == "First came: say one"
    notebook.do("%claude -b held until go")
    assert "busy" in notebook.error("%claude --busy refuse --system bird say no")
    notebook.do("open('go', 'w').close()\n%claude_wait")
    notebook.do("%claude say two")
    assert notebook.claude_pid() == pid


@pytest.mark.fault(121, via="real")
def test_an_option_that_only_the_cli_refuses_is_forgotten_too(notebook: MagicNotebook) -> None:
    (notebook.work / "broken.json").write_text("{no", encoding="utf-8")
    notebook.do("%claude say one")
    assert "MCP" in notebook.error("%claude --mcp-config broken.json --system bird say no")
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say one"
    assert "bird" not in notebook.endpoint.system
    notebook.error("%claude -s other --mcp-config broken.json say no")
    notebook.do("r = %claude -s other say it works")
    assert notebook.value("r.text") == "it works"
    notebook.do("%claude -s other --system bird say two")
    notebook.do("%claude -s other say three")
    assert "bird" in notebook.endpoint.system
