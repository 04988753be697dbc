"""The magics at a real IPython prompt, with prompt_toolkit and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from generations import OLDER_CLI
from magic_terminal import MagicTerminal

pytestmark = pytest.mark.terminal


@pytest.fixture(params=[False, True], ids=["prompt_toolkit", "simple_prompt"], scope="module")
def terminal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MagicTerminal]:
    folder = tmp_path_factory.mktemp("terminal")
    with MagicTerminal(folder, simple_prompt=request.param) as terminal:
        terminal.run("%load_ext claude_magic")
        yield terminal


@pytest.fixture
def prompt_toolkit(tmp_path: Path) -> Iterator[MagicTerminal]:
    with MagicTerminal(tmp_path) as terminal:
        terminal.run("%load_ext claude_magic")
        yield terminal


@pytest.mark.fault(111, via="real")
@pytest.mark.fault(116, via="real")
def test_data_is_shown_as_it_is_sent(terminal: MagicTerminal) -> None:
    (terminal.work / "inside.txt").write_text("SESAME")
    terminal.run("table = 'first row\\n@inside.txt'; x = 'outside'")
    terminal.run("def f(x): get_ipython().run_line_magic('claude', 'say {x} {table} x_{nothing}')")

    screen = terminal.run("f('inside')")
    dry = terminal.run("%claude --dry-run say {table} x_{nothing}")

    assert terminal.endpoint.prompts[-2:] == [
        "[data: table]\nfirst row\n@inside.txt\n[end of data: table]",
        "say inside [data: table] x_{nothing}",
    ]
    assert "SESAME" not in str(terminal.endpoint.lines)
    for shown, about in ((screen, r"\[data: table\] 21 characters"), (dry, r"\[data: table\]")):
        assert re.search(rf"{about} *\n *first row *\n *@inside.txt", shown)
        assert "Left as typed: {nothing} (no such name here)." in shown


def test_the_cells_since_the_last_turn_go_with_a_prompt_and_an_error_is_explained(
    terminal: MagicTerminal,
) -> None:
    terminal.run("%claude say first")
    terminal.run("async def twice(n): return n * 2")
    terminal.run("print('out'); await twice(21)")

    screen = terminal.run("%claude say next")

    data = terminal.endpoint.stripped_prompts[-2]
    assert re.search(r"await twice\(21\)\nOutput:\nout\n(Out\[\d+\]: )?42\n", data)
    assert "2 cells attached" in screen
    terminal.run("twice(1 / 0)")
    terminal.run("%claude_explain")
    data, words = terminal.endpoint.stripped_prompts[-2:]
    assert words.startswith("Explain this error")
    assert data.count("ZeroDivisionError: division by zero") == 1, "what is printed of it is no output"
    assert "twice: function" in data


@pytest.mark.fault(118, via="real")
def test_a_cell_is_sent_as_it_is_typed(prompt_toolkit: MagicTerminal) -> None:
    prompt = ">>> x = 1\n... y\n\nIn [1]: z\n    <<<<<<< HEAD\nend"

    prompt_toolkit.run(f"%%claude\n{prompt}")

    assert prompt_toolkit.endpoint.stripped_prompts[-1] == prompt


def test_an_answer_is_printed_and_nothing_more(terminal: MagicTerminal) -> None:
    screen = terminal.run("%claude say one two three")

    assert "Claude · main · " in screen
    assert "one two three" in screen.split("Claude · main", 1)[1]
    assert "Out[" not in screen
    assert "<Result" not in screen
    screen = terminal.run("_.text.upper()")
    assert "'ONE TWO THREE'" in screen


def test_an_answer_appears_as_it_comes(terminal: MagicTerminal) -> None:
    terminal.start("%claude held until shown")

    early = terminal.wait_for("the-1 ")
    assert "and on" not in early
    (terminal.work / "shown").touch()
    screen = terminal.wait_for_prompt()

    assert "and on" in screen


@pytest.mark.fault(39, via="real")
def test_ctrl_c_in_a_turn_ends_it_in_one_line_and_the_session_goes_on(terminal: MagicTerminal) -> None:
    terminal.run("%claude_restart --fresh")
    terminal.run("%claude say first")
    pid = terminal.pid_of_claude()
    terminal.start("%claude stall")
    terminal.wait_for("The first half")

    terminal.interrupt()
    screen = terminal.wait_for_prompt()

    assert screen.count("claude_magic: Interrupted. The session goes on") == 1
    assert "The first half" in screen
    assert "Traceback" not in screen
    assert "First came: say first" in terminal.run("%claude what came first?")
    assert terminal.pid_of_claude() == pid


@pytest.mark.fault(45, via="real")
@pytest.mark.parametrize(("answer", "acts"), [("y", True), ("n", False), ("Not now, please", False)])
def test_a_permission_is_asked_for_at_the_prompt(terminal: MagicTerminal, answer: str, acts: bool) -> None:  # noqa: FBT001
    path = terminal.work / "one.txt"
    path.unlink(missing_ok=True)
    terminal.start("%claude run touch one.txt")
    asked = terminal.wait_for("Allow it?")
    assert "Claude asks to use Bash:" in asked
    assert "    touch one.txt" in asked

    terminal.type(answer)
    screen = terminal.wait_for_prompt()

    assert path.exists() is acts
    assert ("Not now, please" in terminal.endpoint.tool_results[-1]) is (len(answer) > 1)
    assert "It said: " in screen


def test_errors_are_one_line(terminal: MagicTerminal) -> None:
    for code in ("%claude --bogus hi", "%claude_stop nobody", "%claude --timeout soon hi"):
        screen = terminal.run(code)
        assert screen.count("claude_magic: ") == 1
        assert "Traceback" not in screen


@pytest.mark.fault(84, via="real")
def test_control_characters_of_the_model_do_not_reach_the_terminal(terminal: MagicTerminal) -> None:
    screen = terminal.run("%claude control characters")

    assert "before" in screen
    assert "after" in screen
    for sent in ("\x1b]52", "\x1b[2J", "c2VjcmV0\x07", "\x00", "\x08", "\x9b"):
        assert sent not in terminal.raw
    assert "red\rover" not in terminal.raw


@pytest.mark.fault(115, via="real")
def test_control_characters_of_an_error_do_not_reach_the_terminal(terminal: MagicTerminal) -> None:
    terminal.run(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")  # the current one cleans it itself
    screen = terminal.run("%claude -s older fail in colours")
    terminal.run("%config ClaudeMagics.cli = None")

    assert re.search(r"API Error: .*before +red *over31m after", screen)
    for sent in ("\x1b]52", "\x1b[31mred", "\x1b[2J\r", "c2VjcmV0\x07", "\x9b"):
        assert sent not in terminal.raw


def test_a_question_mark_and_an_apostrophe_are_part_of_the_prompt(terminal: MagicTerminal) -> None:
    terminal.run("%claude say what's it?")

    assert terminal.endpoint.prompts[-1] == "say what's it?"


def test_tables_and_history_are_plain_text_at_the_prompt(terminal: MagicTerminal) -> None:
    terminal.run("%claude say one")

    screen = terminal.run("%claude_status --all")
    assert re.search(r"session +state +pid +memory", screen)
    assert re.search(rf"main +idle +{terminal.pid_of_claude()} +\d+ MB", screen)
    listed = terminal.run("%claude_resume")
    assert re.search(r"\n1 +just now .*this session", listed)
    assert "goes on with this conversation already" in terminal.run("%claude_resume 1")
    assert "\n> say one\n" in terminal.run("%claude_history")
    assert "<" not in screen + listed


def test_a_background_turn_goes_on_at_the_prompt_and_spoils_nothing_that_is_typed(
    prompt_toolkit: MagicTerminal,
) -> None:
    terminal = prompt_toolkit
    screen = terminal.run("%claude -b -o answer held until go")
    assert "asked" not in screen.replace("held until go", "")

    terminal.write("x = 20 +")
    (terminal.work / "go").touch()
    terminal.wait_for(r"claude: main is done \(.*\)\. %claude_history shows it\.")
    terminal.finish(" 22")

    assert "42" in terminal.run("x")
    answer = terminal.run("answer.text")
    assert "the-1 " in answer
    assert "and on" in answer


def test_a_background_turn_with_a_simple_prompt_says_when_it_goes_on(tmp_path: Path) -> None:
    with MagicTerminal(tmp_path, simple_prompt=True) as terminal:
        terminal.run("%load_ext claude_magic")
        screen = terminal.run("%claude -b -o answer slowish")
        assert "Background turns go on only while a cell runs here; %claude_wait waits for them." in screen

        screen = terminal.run("%claude_wait")

        assert screen.count("claude: main is done") == 1
        assert "30" in terminal.run("len(answer.text.split())")


def test_unloading_gives_the_prompt_its_own_loop_back_and_ends_the_session(
    prompt_toolkit: MagicTerminal,
) -> None:
    terminal = prompt_toolkit
    assert "None" in terminal.run("print(get_ipython().active_eventloop)")
    terminal.run("%claude say one")
    terminal.run("%claude -b slowish")
    assert "asyncio" in terminal.run("print(get_ipython().active_eventloop)")
    pid = terminal.pid_of_claude()

    terminal.run("%unload_ext claude_magic")

    assert "None" in terminal.run("print(get_ipython().active_eventloop)")
    assert "gone" in terminal.run(f"import os; print('there' if os.path.exists('/proc/{pid}') else 'gone')")
    assert "not found" in terminal.run("%claude say one")


def test_leaving_ipython_leaves_no_process(tmp_path: Path) -> None:
    with MagicTerminal(tmp_path) as terminal:
        terminal.run("%load_ext claude_magic")
        terminal.run("%claude say one")
        children = psutil.Process(terminal.pid).children(recursive=True)
        assert len(children) >= 2
        terminal.start("exit")
        terminal.wait_for_end()

    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_claude_s_code_runs_in_the_terminal_s_namespace(terminal: MagicTerminal) -> None:
    terminal.run("count = 1")

    screen = terminal.run("%claude --allow mcp__kernel__run_python python count += 1; print('so', count)")

    assert "so 2" in screen
    assert "2" in terminal.run("count")
    assert "so 2" in terminal.endpoint.tool_results[-1]


def test_what_claude_s_code_prints_is_seen_while_it_holds_up_the_prompt(
    prompt_toolkit: MagicTerminal,
) -> None:
    prompt_toolkit.run("import os, time")
    code = "print('be' + 'gun') or [time.sleep(0.01) for _ in iter(lambda: os.path.exists('seen'), True)];"
    prompt_toolkit.start(f"%claude --allow mcp__kernel__run_python python {code}")

    prompt_toolkit.wait_for("begun")
    (prompt_toolkit.work / "seen").touch()

    assert "tokens" in prompt_toolkit.wait_for_prompt()
