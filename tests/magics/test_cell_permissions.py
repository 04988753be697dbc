"""What Claude asks in a cell, and that the tool acts, or not, as it was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from generations import OLDER_CLI, current_cli
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, read_page, shown

pytestmark = pytest.mark.kernel

BANNER = "Permission checks are off (bypassPermissions)"


def nested(prompt: str, options: str = "") -> str:
    """A cell that asks by `input()`: in a nested turn no answer arrives from a widget."""
    return f"def ask():\n    %claude {options} {prompt}\nask()"


def asked(cell: Cell) -> bool:
    return bool(cell.prompts)


@pytest.mark.fault(45, via="real")
def test_yes_lets_the_tool_act_once(notebook: MagicNotebook) -> None:
    cell = notebook.do(nested("run echo one > one.txt"), allow_stdin=True, answers=["yes"])

    assert (notebook.work / "one.txt").read_text() == "one\n"
    assert "Claude asks to use Bash:\n    echo one > one.txt\n" in cell.stdout
    assert "allowed by you" in shown(cell)
    again = notebook.do(nested("run echo two > two.txt"), allow_stdin=True, answers=["y"])
    assert len(cell.prompts) == len(again.prompts) == 1


@pytest.mark.fault(45, via="real")
@pytest.mark.parametrize("answer", ["no", "n", ""])
def test_no_keeps_the_tool_from_acting(notebook: MagicNotebook, answer: str) -> None:
    cell = notebook.do(nested("run echo one > one.txt"), allow_stdin=True, answers=[answer])

    assert not (notebook.work / "one.txt").exists()
    assert "denied" in notebook.endpoint.tool_results[-1]
    assert "denied" in shown(cell)


@pytest.mark.fault(45, via="real")
def test_a_reason_reaches_the_model(notebook: MagicNotebook) -> None:
    answers = ["Use the file notes.txt instead."]
    cell = notebook.do(nested("write other.txt words"), allow_stdin=True, answers=answers)

    assert not (notebook.work / "other.txt").exists()
    assert "Use the file notes.txt instead." in notebook.endpoint.tool_results[-1]
    assert "other.txt" in cell.stdout
    assert "words" in cell.stdout, "the whole input is shown"


@pytest.mark.fault(45, via="real")
def test_always_is_not_asked_again(notebook: MagicNotebook) -> None:
    first = notebook.do(nested("write one.txt words"), allow_stdin=True, answers=["always"])
    second = notebook.do(nested("write two.txt words"), allow_stdin=True)

    assert (notebook.work / "one.txt").exists()
    assert (notebook.work / "two.txt").exists()
    assert (len(first.prompts), second.prompts) == (1, [])
    assert "[a]lways (" in first.prompts[0], "it says what always would mean"


def test_what_always_has_allowed_is_listed_and_taken_back_by_its_number(notebook: MagicNotebook) -> None:
    ask = nested("run touch one.txt")
    notebook.do(ask, allow_stdin=True, answers=["always"])

    assert "There is no rule '7'" in notebook.error("%claude_permissions --remove 7")
    table = notebook.printed("%claude_permissions")
    assert notebook.complete("%claude_permissions --remove Ba") == ["Bash(touch one.txt)"]
    said = notebook.printed("%claude_permissions main --remove 1")
    again = notebook.do(ask, allow_stdin=True, answers=["no"])

    assert "1       Bash(touch one.txt)  allow  Always, for this project" in table
    assert "Permission mode: acceptEdits. Take a rule back: %claude_permissions main --remove NUMBER" in table
    assert "Taken back: Bash(touch one.txt)." in said
    assert len(again.prompts) == 1
    assert "Restarted for a permission that was taken back" in shown(again)
    assert "No rules in session 'main'; its permission mode is default." in notebook.printed(
        "%claude_permissions"
    )
    assert "Did you mean" not in notebook.error("%claude_permissions --remove xyzzy")


def test_every_tool_of_a_turn_is_asked_for_in_order(notebook: MagicNotebook) -> None:
    cell = notebook.do(nested("two tools"), allow_stdin=True, answers=["yes", "no"])

    assert len(cell.prompts) == 2
    assert (notebook.work / "one.txt").exists()
    assert not (notebook.work / "two.txt").exists()


@pytest.mark.parametrize(
    ("answer", "said"), [("2", "Blue"), ("1", "Red"), ("Green, please", "Green, please")]
)
def test_a_question_is_answered_by_number_or_in_words(
    notebook: MagicNotebook, answer: str, said: str
) -> None:
    cell = notebook.do(nested("ask me"), allow_stdin=True, answers=[answer])

    assert "Which colour?\n  1. Red: like a brick\n  2. Blue: like the sea\n" in cell.stdout
    assert said in notebook.endpoint.tool_results[-1]


@pytest.mark.fault(45, via="real")
@pytest.mark.parametrize("flag", ["", "-b"])
def test_where_nobody_can_answer_the_tool_is_denied_and_the_flag_named(
    notebook: MagicNotebook, flag: str
) -> None:
    cell = notebook.do(f"%%claude {flag}\nrun echo one > one.txt")
    notebook.do("%claude_wait")

    assert not (notebook.work / "one.txt").exists()
    assert cell.prompts == []
    assert "--allow Bash" in read_page(html(cell)).text
    assert "--allow Bash" in notebook.endpoint.tool_results[-1]
    notebook.do(f"%%claude {flag} --allow Bash\nrun echo one > one.txt")
    notebook.do("%claude_wait")
    assert (notebook.work / "one.txt").exists()


@pytest.mark.fault(45, via="real")
def test_a_front_end_without_widgets_is_asked_by_input_all_the_same(notebook: MagicNotebook) -> None:
    cell = notebook.do("%%claude\nrun echo one > one.txt", allow_stdin=True, answers=["yes"])

    assert (notebook.work / "one.txt").exists()
    assert len(cell.prompts) == 1


def test_a_question_that_nobody_can_answer_is_left_to_claude(notebook: MagicNotebook) -> None:
    notebook.do("%%claude\nask me")

    assert "Nobody can answer here" in notebook.endpoint.tool_results[-1]


@pytest.mark.fault(39, via="real")
@pytest.mark.fault(45, via="real")
@pytest.mark.parametrize("ask", ["%claude {}".format, nested], ids=["awaited", "nested"])
def test_an_interrupt_while_asked_denies_and_ends_the_cell_in_one_line(
    notebook: MagicNotebook, ask: Callable[[str], str]
) -> None:
    notebook.do("%claude say first")
    pid = notebook.claude_pid()

    cell = notebook.run(ask("run echo one > one.txt"), allow_stdin=True, interrupt_when=asked)

    assert cell.error is not None
    assert cell.error.traceback == (
        "claude_magic: Interrupted. The session goes on; ask again when you like.",
    )
    assert "interrupted" in shown(cell).split("\n", 1)[0]
    assert not (notebook.work / "one.txt").exists()
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say first"
    assert notebook.claude_pid() == pid


def test_time_spent_answering_does_not_count(notebook: MagicNotebook) -> None:
    notebook.do("%claude say first")
    started = notebook.start(nested("run echo one > one.txt", "--timeout 3"), allow_stdin=True)
    cell = notebook.cells[started]
    notebook.wait_for(lambda: asked(cell))
    begun = time.monotonic()
    notebook.wait_for(lambda: time.monotonic() - begun > 3.2)

    notebook.answer("yes")

    assert notebook.wait(cell.id).ok, cell.error
    assert (notebook.work / "one.txt").exists()


@pytest.mark.fault(86, via="real")
@pytest.mark.fault(104, via="real")
def test_bypassing_permissions_shows_a_banner_and_holds_for_one_turn(notebook: MagicNotebook) -> None:
    notebook.do("%claude say first")

    cell = notebook.do("%%claude --permission-mode bypassPermissions\nrun echo one > one.txt")

    assert (notebook.work / "one.txt").exists()
    assert BANNER in read_page(html(cell)).text
    assert "bypassPermissions" in shown(cell)
    after = notebook.do("%%claude\nrun echo two > two.txt")
    assert not (notebook.work / "two.txt").exists()
    assert BANNER not in read_page(html(after)).text
    assert "bypassPermissions" not in notebook.status()["permission mode"]
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say first"


@pytest.mark.fault(82, via="real")
def test_what_is_asked_for_is_shown_exactly_with_nothing_hidden(notebook: MagicNotebook) -> None:
    cell = notebook.do(nested("hidden text"), allow_stdin=True, answers=["no"])

    assert "gpj.txt" in cell.stdout
    assert " hidden" in cell.stdout
    assert not set(cell.stdout + "".join(cell.prompts)) & {"\u202e", "\x1b", "\x07"}


WANTS_A_LOOK = {
    "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "ask",
        "permissionDecisionReason": "The hook of this project wants a look",
    }
}


@pytest.fixture(params=["current", "older"])
def settled(request: pytest.FixtureRequest, notebook: MagicNotebook) -> MagicNotebook:
    """A project whose settings have a hook and rules of their own, with either generation."""
    cli = current_cli() if request.param == "current" else OLDER_CLI
    notebook.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
    (notebook.work / "answer.json").write_text(json.dumps(WANTS_A_LOOK), "utf-8")
    hook = {"type": "command", "command": f"grep -q hooked && cat {notebook.work}/answer.json || true"}
    settings = {
        "permissions": {"ask": ["Bash(echo asked*)"], "deny": ["Bash(echo denied*)"]},
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]},
    }
    (notebook.work / ".claude").mkdir()
    (notebook.work / ".claude" / "settings.json").write_text(json.dumps(settings), "utf-8")
    return notebook


@pytest.mark.fault(114, via="real")
def test_what_it_is_for_who_asks_and_why_is_said_before_the_question(settled: MagicNotebook) -> None:
    for prompt, reason in (
        ("run echo hooked > made", "A hook asks: The hook of this project wants a look"),
        ("run echo asked > made", "A rule of the settings has it asked each time."),
        ("let a helper run echo plain > made", "For a subagent (general-purpose: a helper)"),
        ("run echo plain > made", "Because of "),
    ):
        cell = settled.do(nested(prompt), allow_stdin=True, answers=["no"])
        what, _, about = cell.stdout.partition(" > made\n")
        assert what.startswith("Claude asks to use Bash:\n    echo "), prompt
        assert about.startswith("a command\n"), prompt
        assert reason in about, prompt
        assert not (settled.work / "made").exists()
    settled.do("%config ClaudeMagics.cli = None")


@pytest.mark.fault(114, via="real")
def test_where_always_is_not_offered_it_cannot_be_chosen(settled: MagicNotebook) -> None:
    # The home is a folder of the test's own, and the answer is no.
    cell = settled.do(nested("run rm -rf ~"), allow_stdin=True, answers=["always", "no"])

    assert "Why it is asked: Dangerous rm operation on critical path: " in cell.stdout
    assert "Always cannot be chosen for this." in cell.stdout
    assert len(cell.prompts) == 2
    assert "lways" not in "".join(cell.prompts)
    assert "denied by you" in shown(cell)
    settled.do("%config ClaudeMagics.cli = None")


@pytest.mark.fault(128, via="real")
def test_a_flag_is_only_named_where_it_would_help(settled: MagicNotebook) -> None:
    for options, prompt, advice in (
        ("--allow Bash", "run echo hooked > made", "change the hook"),
        ("", "run echo hooked > made", "change the hook"),
        ("--allow Bash", "run echo asked > made", "change the rule"),
        ("--allow Bash", "run rm -rf ~", "run it where somebody can answer"),
        ("--permission-mode plan", "plan it", "ask without plan mode"),
        ("--allow Bash", "run echo denied > made", "has been denied"),
    ):
        cell = settled.do(f"%%claude {options}\n{prompt}")
        said = read_page(html(cell)).text.partition(prompt)[2]
        assert advice in said, prompt
        assert "Allow it with" not in said, prompt
        assert advice in settled.endpoint.tool_results[-1], prompt
        assert not (settled.work / "made").exists()
    cell = settled.do('%%claude --allow "Bash(git *)"\nrun echo plain > made')
    assert "Allow it with: --allow Bash" in read_page(html(cell)).text, "what was given is narrower"
    settled.do("%config ClaudeMagics.cli = None")
