"""`%%claude --task NAME` and `%claude_tasks`: tasks in cells, and what of them outlives their kernel."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown
from test_live_cells import asked

from claude_magic.processes.identity import creation_time, is_same_process

pytestmark = pytest.mark.kernel

MANY = [f"task{number}" for number in range(1, 11)]


def listed(notebook: MagicNotebook) -> dict[str, list[str]]:
    """The rows of `%claude_tasks` by the tasks' names."""
    lines = notebook.printed("%claude_tasks").splitlines()
    rows = (re.split(r"  +", line) for line in lines[1 : lines.index("")])
    return {row[0]: row[1:] for row in rows}


def folder(notebook: MagicNotebook, name: str) -> Path:
    path = Path(notebook.work, name)
    path.mkdir(exist_ok=True)
    return path


def results(path: Path) -> list[str]:
    """The texts of the result files of a directory."""
    return [file.read_text(encoding="utf-8") for file in path.glob(".claude-tasks/task-*-output.md")]


def commands(text: str) -> set[int]:
    """The processes whose command line holds a text."""
    return {process.pid for process in psutil.process_iter() if text in command(process)}


def claudes(notebook: MagicNotebook) -> list[psutil.Process]:
    """The processes of Claude that the kernel has."""
    found = psutil.Process(notebook.pid).children()
    return [child for child in found if "claude_agent_sdk" in command(child)]


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_task_streams_into_the_cell_that_started_it_while_others_run(notebook: MagicNotebook) -> None:
    cell = notebook.do("%%claude --task docs -o answer\nsome words")
    other = notebook.do("print('one')")
    assert (cell.stdout, cell.stderr, cell.result, len(cell.displays)) == ("", "", None, 1)
    assert "text/markdown" not in cell.displays[0].data, "the cell has ended before its turn"
    assert listed(notebook)["docs"][0] in {"pending", "running"}
    notebook.wait_for(lambda: "the-1 " in html(cell))

    said = notebook.printed("%claude_tasks wait docs")

    (written,) = notebook.work.glob(".claude-tasks/task-*-output.md")
    assert said == f"Task 'docs' is completed, in {notebook.work}\nIts result: {written}"
    assert "\nthe-1 " in markdown(cell)
    assert "\nthe-1 " in written.read_text()
    assert notebook.value("answer.text") in written.read_text()
    assert (other.stdout, other.displays) == ("one\n", [])
    status, _, directory, last, task_id = listed(notebook)["docs"]
    assert (status, directory) == ("completed", str(notebook.work))
    assert last.startswith("the-1 ")
    assert written.name == f"task-{task_id}-output.md"
    notebook.wait_for(lambda: not claudes(notebook))
    assert notebook.printed("%claude_status").startswith("No session yet"), "the notebook's own are untouched"


def test_claude_wait_waits_for_tasks_too_and_show_gives_what_they_said(notebook: MagicNotebook) -> None:
    cell = notebook.do(
        "%%claude --task docs --allow Bash\nrun until [ -e flag ]; do sleep 0.05; done; echo hello"
    )
    running = notebook.printed("%claude_tasks show docs")
    assert running.startswith(f"Task 'docs' is at work, in {notebook.work}")
    (notebook.work / "flag").touch()

    assert notebook.printed("%claude_wait") == ""

    assert "--task" in read_page(html(cell)).text
    (display,) = notebook.do("%claude_tasks show docs").displays
    assert display.data["text/markdown"].startswith("# Task docs: completed\n")
    assert "\nIt said: hello\n" in display.data["text/markdown"]
    assert notebook.printed("%claude_tasks cleanup") == "Forgot 1 task; the files with the results stay."
    assert notebook.printed("%claude_tasks") == "No task yet. Start one with: %%claude --task NAME"
    assert len(results(notebook.work)) == 1


def test_the_stop_button_of_its_cell_cancels_a_task(notebook: MagicNotebook) -> None:
    cell = notebook.run("%%claude --task docs\nstall", allow_stdin=True)
    notebook.wait_for(lambda: "The first half" in notebook.printed("%claude_tasks show docs"))

    notebook.press(cell, "stop")

    notebook.wait_for(lambda: listed(notebook)["docs"][0] == "cancelled")
    notebook.wait_for(lambda: "interrupted" in shown(cell).split("\n", 1)[0])
    assert results(notebook.work)[0].startswith("# Task docs: cancelled\n")


@pytest.mark.fault(108, via="real")
def test_what_a_task_asks_is_answered_in_its_cell_while_others_run(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude --task docs\nwrite poem.txt roses") as (cell, page):
        pass
    notebook.wait_for(lambda: page.cards)
    assert listed(notebook)["docs"][0] == "waiting for you"
    page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    notebook.do("%claude_tasks wait docs")

    assert (notebook.work / "poem.txt").read_text() == "roses"
    assert "allowed by you" in shown(cell)


def test_a_task_in_a_worktree_says_where_it_works(notebook: MagicNotebook) -> None:
    git = "git -c user.name=n -c user.email=e@example.invalid"
    notebook.do(f"!git init --quiet project && cd project && {git} commit --quiet --allow-empty -m first")

    cell = notebook.do("%%claude --task docs --cwd project --worktree --allow Bash\nrun pwd > where.txt")
    notebook.do("%claude_tasks wait docs")

    place = notebook.work / "project.worktrees" / "docs"
    assert (place / "where.txt").read_text() == f"{place}\n"
    assert f"It works in the worktree {place}, on branch claude-task/docs." in read_page(html(cell)).text
    assert listed(notebook)["docs"][2] == str(place)
    said = notebook.printed("%claude_tasks cleanup").splitlines()
    assert said[1] == f"The worktree {place} (branch claude-task/docs) has changes and stays too."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%claude_tasks explode", "Usage: %claude_tasks [show NAME"),
        ("%claude_tasks show", "Usage: "),
        ("%claude_tasks cancel a b", "Usage: "),
        ("%claude_tasks show nobody", "There is no task 'nobody'."),
        ("%claude --worktree say no", "--worktree is for tasks."),
        ("%claude --task a -s b say no", "A task has a session of its own."),
        ("%claude --task ../up say no", "The task's name '../up' is none"),
        ("%claude --task a --worktree say no", "--worktree needs a git repository"),
        ("%claude --task a --cwd nowhere say no", "does not exist"),
        ("%claude --task a", "Usage: %claude"),
    ],
)
def test_a_line_that_is_wrong_says_so_in_one_line(shared: MagicNotebook, line: str, words: str) -> None:
    def tasks() -> list[str]:  # one that another test has left may end meanwhile
        return [row.split()[0] for row in shared.printed("%claude_tasks").splitlines() if row]

    before = tasks()
    assert words in shared.error(line)
    assert tasks() == before


def test_a_dry_run_starts_nothing(notebook: MagicNotebook) -> None:
    assert "--task docs" in notebook.printed("%claude --task docs --dry-run say hello")
    assert notebook.printed("%claude_tasks").startswith("No task yet.")


def test_tab_completes_subcommands_and_names(notebook: MagicNotebook) -> None:
    notebook.do("%%claude --task docs\nsay hello")
    assert "--task" in notebook.complete("%claude --ta")
    assert {"show", "wait", "cancel", "resume", "cleanup"} <= set(notebook.complete("%claude_tasks "))
    assert "docs" in notebook.complete("%claude_tasks show ")


@pytest.mark.process
def test_ten_tasks_work_in_ten_directories_and_an_eleventh_in_a_taken_one_is_refused(
    notebook: MagicNotebook, figure: Callable[[str], None]
) -> None:
    cells: dict[str, Cell] = {}
    watched = notebook.work / "watched"
    watched.touch()
    for name in MANY:
        work = f"until [ -e ../flag ]; do sleep 0.05; done; echo {name} > made.txt"
        prompt = f"run tail -f {watched}" if name in {"task9", "task10"} else f"run {work}"
        line = f"%%claude --task {name} --cwd {folder(notebook, name)} --permission-mode bypassPermissions"
        cells[name] = notebook.do(f"{line}\n{prompt}")
    (notebook.work / "link").symlink_to(folder(notebook, "task9"))

    refused = notebook.error("%claude --task eleventh --cwd link say no")

    assert f"Task 'task9' is at work in {notebook.work}/task9." in refused
    assert "%claude_tasks cancel task9" in refused
    assert list(listed(notebook)) == MANY
    notebook.wait_for(lambda: len(claudes(notebook)) == len(MANY))
    assert set(MANY) <= set(notebook.printed("%claude_status --all").split())
    held = sum(process.memory_info().rss for process in claudes(notebook))
    figure(f"ten tasks at once: {held / 1e6:.0f} MB; once they are over: none")
    (notebook.work / "flag").touch()
    for name in MANY[:8]:
        notebook.do(f"%claude_tasks wait {name}")
        assert (notebook.work / name / "made.txt").read_text() == f"{name}\n"
        (written,) = results(notebook.work / name)
        assert written.startswith(f"# Task {name}: completed\n")
        assert "done" in shown(cells[name]).split("\n", 1)[0]
    notebook.wait_for(lambda: len(commands(f"tail -f {watched}")) >= 2)
    for name in MANY[8:]:
        assert f"Task '{name}' is cancelled" in notebook.printed(f"%claude_tasks cancel {name}")
        assert results(notebook.work / name)[0].startswith(f"# Task {name}: cancelled\n")
    assert not commands(f"tail -f {watched}")
    notebook.wait_for(lambda: not claudes(notebook))
    assert "eleventh" not in listed(notebook)


@pytest.mark.process
def test_after_a_kernel_is_killed_results_are_on_disk_and_what_it_left_can_go_on(
    own_kernel: MagicNotebook,
) -> None:
    notebook = own_kernel
    notebook.load()
    notebook.do(f"%%claude --task over --cwd {folder(notebook, 'a')}\nsay finished")
    notebook.do("%claude_tasks wait over")
    notebook.do(f"%%claude --task halfway --cwd {folder(notebook, 'b')}\nstall")
    notebook.wait_for(lambda: "The first half" in notebook.printed("%claude_tasks show halfway"))
    children = notebook.children()
    pid, created = notebook.pid, creation_time(notebook.pid)

    os.kill(pid, signal.SIGKILL)
    notebook.wait_for(lambda: not is_same_process(pid, created))

    assert "finished" in results(notebook.work / "a")[0]
    assert results(notebook.work / "b") == []
    notebook.wait_for(lambda: not [child for child in children if alive(child)])
    notebook.restart()
    notebook.load()
    rows = listed(notebook)
    assert [rows["over"][0], rows["halfway"][0]] == ["completed", "interrupted"]
    assert "%claude_tasks resume NAME" in notebook.printed("%claude_tasks")
    assert "finished" in notebook.printed("%claude_tasks show over")
    resumed = notebook.do("%claude_tasks resume halfway")
    notebook.do("%claude_tasks wait halfway")
    assert "Going on." in markdown(resumed)
    assert "> stall" in markdown(resumed)
    assert listed(notebook)["halfway"][0] == "completed"
    assert "Going on." in results(notebook.work / "b")[0]
    prompts = [request["prompt"] for request in notebook.endpoint.requests]
    assert prompts[:2] == ["say finished", "stall"]
    assert prompts[2].startswith("[claude_magic] ")
    assert prompts[2].endswith("> stall")
    assert notebook.endpoint.stripped_prompts.count("stall") == 1


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_unloading_ends_tasks_and_loading_again_lists_them_as_interrupted(notebook: MagicNotebook) -> None:
    notebook.do("%%claude --task docs\nstall")
    notebook.wait_for(lambda: "The first half" in notebook.printed("%claude_tasks show docs"))

    notebook.do("%unload_ext claude_magic")

    assert not notebook.children()
    assert results(notebook.work)[0].startswith("# Task docs: interrupted\n")
    notebook.load()
    assert listed(notebook)["docs"][0] == "interrupted"
    assert "Usage: " in notebook.error("%claude_tasks resume docs and more")
    resumed = notebook.do("%claude_tasks resume docs --model claude-haiku-4-5")
    notebook.do("%claude_tasks wait docs")
    assert notebook.endpoint.last["model"].startswith("claude-haiku-4-5")
    assert "Going on." in markdown(resumed)
    assert "was completed" in notebook.error("%claude_tasks resume docs")


def test_what_a_user_does_with_the_tasks_of_the_magics_in_python(notebook: MagicNotebook) -> None:
    notebook.do(
        "from claude_magic import TaskStatus, default_task_manager\n"
        "told = []\n"
        "off = default_task_manager().on('complete', told.append)"
    )
    notebook.do("%%claude --task docs\nsay hello")
    notebook.do("%claude_tasks wait")
    assert notebook.value("[(t.name, t.status is TaskStatus.COMPLETED, t.result.text) for t in told]") == [
        ("docs", True, "hello")
    ]
    notebook.do("off()")
