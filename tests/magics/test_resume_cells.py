"""%claude_resume: earlier conversations, to go on with or to copy. And Run All after a kernel restart."""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest
from generations import OLDER_CLI, current_cli
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

LIST = re.compile(
    r"(?P<number>\d+) +just now \(.+?\) +(?P<prompt>.+?) +(?P<turns>\d+) +(?P<id>[0-9a-f]{8})(?P<used>.*)"
)


def listed(notebook: MagicNotebook, options: str = "") -> list[dict[str, str]]:
    """What %claude_resume lists, a row each."""
    lines = notebook.printed(f"%claude_resume {options}").splitlines()
    return [found.groupdict() for line in lines if (found := LIST.match(line))]


def asked(notebook: MagicNotebook) -> list[str]:
    """What the model knows of in its latest request."""
    prompts = (prompt.strip() for prompt in notebook.endpoint.prompts)  # 2.1.191 ends some with a newline
    return [prompt for prompt in prompts if prompt.startswith(("say ", "what "))]


def conversation_files(notebook: MagicNotebook) -> dict[str, Path]:
    return {path.stem[:8]: path for path in notebook.conversation_files()}


def say(notebook: MagicNotebook, word: str) -> Cell:
    """A turn, once the CLI, which writes 0.1 s late, has its answer in the conversation's file."""
    cell = notebook.do(f"%claude say {word}")
    answer = f'"text":"{word}"'
    notebook.wait_for(lambda: any(answer in p.read_text() for p in conversation_files(notebook).values()))
    return cell


@pytest.fixture
def two(notebook: MagicNotebook) -> MagicNotebook:
    """A notebook whose session has had a conversation of two turns, and is in another one now."""
    say(notebook, "one")
    say(notebook, "two")
    notebook.do("%claude_restart --fresh")
    say(notebook, "three")
    return notebook


def test_the_list_has_time_first_words_turns_and_id_the_newest_first(two: MagicNotebook) -> None:
    rows = listed(two)

    assert [(row["number"], row["prompt"], row["turns"], row["used"].strip()) for row in rows] == [
        ("1", "say three", "1", "this session"),
        ("2", "say one", "2", ""),
    ]
    assert rows[0]["id"] == two.status()["conversation"][:8]
    assert "%claude_resume 1 --fork" in two.printed("%claude_resume")
    assert {row["id"] for row in rows} <= set(two.complete("%claude_resume ")), "Tab offers them"
    assert "--fork" in two.complete("%claude_resume 1 --f")


def test_a_hostile_prompt_is_text_in_the_list(notebook: MagicNotebook) -> None:
    notebook.do("%claude say <img src=x onerror=alert(1)>\u202e <b>bold</b> |")

    (display,) = notebook.do("%claude_resume").displays

    page = read_page(display.data["text/html"])
    assert "say <img src=x onerror=alert(1)>⟦U+202E⟧ <b>bold</b> |" in page.text
    assert page.tags == {"link", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert [set(given) for tag, given in page.elements if tag == "link"] == [{"href", "rel"}], "our style"
    assert {name for tag, given in page.elements if tag != "link" for name in given} == {"class"}


def test_the_next_prompt_goes_on_with_the_one_that_is_chosen_and_so_does_the_next_kernel(
    two: MagicNotebook,
) -> None:
    pid, wanted = two.claude_pid(), listed(two)[1]["id"]

    said = two.printed("%claude_resume 2")

    assert said == f"The next prompt goes on with 'say one', 2 turns ({wanted})."
    assert not psutil.pid_exists(pid)
    cell = say(two, "four")
    assert asked(two) == ["say one", "say two", "say four"]
    assert "resumed, 2 earlier turns" in shown(cell)
    assert two.status()["conversation"].startswith(wanted)
    assert [(row["id"] == wanted, row["turns"]) for row in listed(two)] == [(True, "3"), (False, "1")]
    assert two.printed("%claude_resume 1") == "Session 'main' goes on with this conversation already."
    two.do("%claude_resume 2")
    two.do("%unload_ext claude_magic")
    two.load()
    two.do("%claude say five")
    assert asked(two) == ["say three", "say five"], "chosen, and not even prompted"


def test_the_beginning_of_an_id_will_do_and_so_will_another_session(two: MagicNotebook) -> None:
    wanted = listed(two)[1]["id"]

    said = two.printed(f"%claude_resume {wanted[:6]} -s reviewer")

    assert "of session 'reviewer' goes on with 'say one'" in said
    two.do("%claude -s reviewer say four")
    assert asked(two) == ["say one", "say two", "say four"]
    two.do("%claude say five")
    assert asked(two) == ["say three", "say five"]


def test_a_number_means_what_was_listed_under_it_whatever_has_happened_since(two: MagicNotebook) -> None:
    wanted = listed(two)[0]["id"]
    two.do("%claude -s other say more")

    assert wanted in two.printed("%claude_resume 1 -s third --fork")


def test_a_copy_leaves_the_original_as_it_is(two: MagicNotebook) -> None:
    rows = listed(two)
    original = conversation_files(two)[rows[1]["id"]]
    before = original.read_bytes()

    said = two.printed("%claude_resume 2 --fork")

    assert said.startswith("The next prompt goes on with a copy of 'say one', 2 turns")
    assert two.status()["conversation"].startswith(f"a copy of {rows[1]['id']}")
    cell = say(two, "four")
    assert asked(two) == ["say one", "say two", "say four"]
    assert "resumed, 2 earlier turns" in shown(cell)
    assert original.read_bytes() == before
    assert two.status()["conversation"][:8] not in {row["id"] for row in rows}
    assert sorted(row["turns"] for row in listed(two)) == ["1", "2", "3"]


def test_a_copy_that_was_not_begun_does_not_take_the_place_of_the_conversation_that_is_kept(
    two: MagicNotebook,
) -> None:
    two.do("%claude_resume 2 --fork")
    two.do("%unload_ext claude_magic")
    two.load()

    two.do("%claude say four")

    assert asked(two) == ["say three", "say four"]
    two.do("%claude_resume 2 --fork")
    two.do("%claude_restart --fresh")
    two.do("%claude say five")
    assert asked(two) == ["say five"], "begun anew it is no copy"


def test_a_copy_may_be_made_of_what_another_session_has_but_it_is_not_shared(two: MagicNotebook) -> None:
    assert listed(two, "-s other")[0]["used"].strip() == "in use by session 'main'"

    refused = two.error("%claude_resume 1 -s other")

    assert refused == "Session 'main' has this conversation. Ask it there: %claude -s main"
    two.do("%claude_resume 1 -s other --fork")
    two.do("%claude -s other say four")
    assert asked(two) == ["say three", "say four"]
    two.do("%claude say five")
    assert asked(two) == ["say three", "say five"]


def test_from_a_function_it_works_too(two: MagicNotebook) -> None:
    listed(two)
    two.do("def choose(line):\n    get_ipython().run_line_magic('claude_resume', line)\nchoose('2')")

    two.do("%claude say four")

    assert asked(two) == ["say one", "say two", "say four"]


@pytest.mark.fault(91, via="real")
@pytest.mark.parametrize(
    ("line", "answer"),
    {
        "99": "%claude_resume",
        "0": "%claude_resume",
        "nonsense": "no conversation id",
        "--dangerously-skip-permissions": "Usage: %claude_resume [NUMBER | ID]",
        "abcd": "has an id 'abcd'",
        "../../etc": "no conversation id",
        "1 2": "Usage: %claude_resume [NUMBER | ID]",
        "--fork": "%claude_resume NUMBER --fork",
        "1 -s": "Usage: %claude_resume [NUMBER | ID]",
        "1 -s ../x": "--session",
        "'1": "Usage: %claude_resume [NUMBER | ID]",
    }.items(),
)
def test_a_mistake_is_one_line(shared: MagicNotebook, line: str, answer: str) -> None:
    assert answer in shared.error(f"%claude_resume {line}")


def test_where_nothing_was_said_yet_the_list_says_so(notebook: MagicNotebook) -> None:
    assert notebook.printed("%claude_resume") == f"No earlier conversation in {notebook.work}."
    assert "No session yet" in notebook.printed("%claude_status"), "looking makes none"


# Run All after a kernel restart


def run_all(notebook: MagicNotebook, cli: Path) -> list[Cell]:
    """Every cell of a small notebook, with somebody there."""
    codes = (
        f"%load_ext claude_magic\n%config ClaudeMagics.cli = {str(cli)!r}",
        "%%claude\nsay first",
        "%%claude\nsay second",
    )
    cells = [notebook.run(code, allow_stdin=True) for code in codes]
    assert all(cell.ok for cell in cells)
    return cells[1:]


@pytest.mark.fault(103, via="real")
@pytest.mark.parametrize("cli", ["current", "older"])
def test_run_all_after_a_kernel_restart_says_what_went_before_and_can_start_fresh(
    own_kernel: MagicNotebook, cli: str
) -> None:
    program = current_cli() if cli == "current" else OLDER_CLI
    assert not any("resumed" in shown(cell) for cell in run_all(own_kernel, program))
    own_kernel.restart()

    again, after = run_all(own_kernel, program)

    told = "resumed, 2 earlier turns"
    assert told in shown(again)
    assert told in markdown(again)
    assert told in read_page(html(again)).text
    assert asked(own_kernel) == ["say first", "say second", "say first", "say second"]
    assert "resumed" not in shown(after)

    own_kernel.restart()
    own_kernel.load()
    cell = own_kernel.cells[own_kernel.start("%%claude\nstall", allow_stdin=True)]
    own_kernel.wait_for(lambda: "resumed, 4 earlier turns" in told_live(cell))
    own_kernel.press(cell, "fresh")
    own_kernel.wait_for(lambda: "The next prompt begins a new conversation." in told_live(cell))
    own_kernel.press(cell, "stop")
    own_kernel.wait(cell.id)
    own_kernel.do("%claude say third")
    assert asked(own_kernel) == ["say third"]


def told_live(cell: Cell) -> str:
    """All that a cell's widget was told."""
    return str([message["content"].get("data") for message in cell.comms])
