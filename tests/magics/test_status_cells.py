"""%claude_status and %claude_history: tables and Markdown on the screen, or in a file."""

from __future__ import annotations

import os
import re
import signal
from html import unescape

import psutil
import pytest
from generations import OLDER_CLI
from kernel_client import Cell
from magic_fixtures import MagicNotebook, read_page
from markdown_it import MarkdownIt

pytestmark = pytest.mark.kernel


def table(cell: Cell) -> list[list[str]]:
    """The table that a cell shows, row by row."""
    (display,) = cell.displays
    rows = re.findall(r"<tr>(.*?)</tr>", display.data["text/html"], re.DOTALL)
    return [[unescape(text) for text in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def machine(notebook: MagicNotebook) -> list[dict[str, str]]:
    """What `%claude_status --all` shows."""
    head, *rows = table(notebook.do("%claude_status --all"))
    return [dict(zip(head, row, strict=True)) for row in rows]


def running(command: str) -> dict[int, str]:
    """The processes whose command line holds this: their names by pid."""
    found = (process.info for process in psutil.process_iter(["cmdline", "name", "pid"]))
    return {info["pid"]: info["name"] for info in found if command in " ".join(info["cmdline"] or ())}


# The status


def test_one_session_is_a_table_of_what_it_is_and_does(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")

    cell = notebook.do("%claude_status")

    rows = table(cell)
    assert ["session", "main"] in rows
    assert ["directory", str(notebook.work)] in rows
    assert cell.displays[0].data["text/plain"].splitlines() == [
        f"{label:<15}  {value}".rstrip() for label, value in rows
    ]
    assert cell.stdout == ""


def test_several_sessions_are_a_row_each_and_one_by_name_is_whole(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%claude -s reviewer say two")

    head, *rows = table(notebook.do("%claude_status"))

    assert head[:5] == ["session", "state", "process", "model", "turns"]
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == [
        (name, "idle", str(notebook.claude_pid(name)), "1") for name in ("main", "reviewer")
    ]
    assert ["session", "reviewer"] in table(notebook.do("%claude_status reviewer"))

    cell = notebook.do("%%claude -b -s reviewer\nwrite poem.txt roses", allow_stdin=True)
    waits = "waiting for you: Write poem.txt"
    notebook.wait_for(lambda: table(notebook.do("%claude_status"))[2][1] == waits)
    assert machine(notebook)[1]["state"] == waits
    notebook.press(cell, "stop")


def test_what_a_session_was_told_is_text_in_its_table(notebook: MagicNotebook) -> None:
    folder = "<img src=x onerror=alert(1)>\u202e|&amp;"
    (notebook.work / folder).mkdir()
    notebook.do(f"%claude --cwd '{folder}' say one")

    (display,) = notebook.do("%claude_status").displays

    page = read_page(display.data["text/html"])
    assert "<img src=x onerror=alert(1)>⟦U+202E⟧|&amp;" in page.text
    assert page.tags == {"link", "div", "table", "tbody", "tr", "th", "td"}
    assert page.attributes == {"class", "rel", "href"}
    assert "\u202e" not in display.data["text/plain"]


@pytest.mark.fault(52, via="real")
def test_what_has_left_the_tree_of_claude_is_named_and_ends_with_it(notebook: MagicNotebook) -> None:
    watched = notebook.work / "watched"
    watched.touch()
    notebook.do(f"%claude --allow Bash run (setsid tail -f {watched} > /dev/null 2>&1 &)")
    notebook.wait_for(lambda: list(running(f"tail -f {watched}").values()) == ["tail"])
    (pid,) = running(f"tail -f {watched}")

    assert notebook.status()["left its tree"] == f"tail (pid {pid})"

    notebook.do("%claude_stop")
    assert running(f"tail -f {watched}") == {}
    assert "left its tree" not in notebook.status()


def test_a_process_that_was_released_while_idle_is_said_to_be(notebook: MagicNotebook) -> None:
    notebook.do("%config ClaudeMagics.idle_timeout = 0.1")
    notebook.do("%claude say one")
    notebook.do("%config ClaudeMagics.idle_timeout = 1800.0")  # for the tests to come

    notebook.wait_for(lambda: notebook.status()["process"].startswith("none: released while idle"))


@pytest.mark.fault(92, via="real")
def test_every_session_of_the_machine_is_listed_with_what_is_verified_of_it(notebook: MagicNotebook) -> None:
    assert notebook.printed("%claude_status --all") == "No session has a process on this machine."
    notebook.do("%claude say one")
    notebook.do("%claude -s other say two")

    rows = machine(notebook)

    assert [(row["session"], row["state"], row["folder"]) for row in rows] == [
        ("main", "idle", str(notebook.work)),
        ("other", "idle", str(notebook.work)),
    ]
    assert [int(row["pid"]) for row in rows] == [notebook.claude_pid(), notebook.claude_pid("other")]
    assert {row["kernel"] for row in rows} == {f"{notebook.pid} (this one)"}
    assert all(int(row["memory"].removesuffix(" MB")) > 10 for row in rows)
    assert notebook.status("main")["conversation"].startswith(rows[0]["conversation"])
    assert "--resume" not in str(rows), "no command line"

    os.kill(int(rows[0]["pid"]), signal.SIGKILL)
    notebook.wait_for(lambda: [row["session"] for row in machine(notebook)] == ["other"])


@pytest.mark.fault(115, via="real")
def test_what_the_api_says_of_an_error_is_shown_and_does_nothing_to_a_screen(notebook: MagicNotebook) -> None:
    notebook.do(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")  # the current one cleans it itself
    said = notebook.error("%claude fail in colours")
    (error,) = [message for cell in notebook.cells.values() if (message := cell.error)][-1:]
    notebook.do("%%claude -b\nfail in colours")
    waited = notebook.printed("%claude_wait")

    notebook.do("%config ClaudeMagics.cli = None")

    status, history = notebook.status()["last error"], notebook.printed("%claude_history")
    for text in (said, error.value, waited, status, history):
        assert "over31m after" in text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), ascii(text)


# The history


def test_the_history_is_shown_as_markdown_in_which_hostile_text_stays_text(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%claude hostile")

    (display,) = notebook.do("%claude_history").displays

    assert set(display.data) == {"text/html", "text/markdown", "text/plain"}
    assert not read_page(display.data["text/html"]).tags & {"script", "img", "b"}
    said = display.data["text/markdown"]
    assert said.index("say one") < said.index("hostile")
    page = read_page(MarkdownIt("commonmark", {"html": True}).render(said))
    assert not page.tags & {"script", "img", "b"}
    assert [link["href"] for tag, link in page.elements if tag == "a"] == ["https://example.invalid/p.png"]


def test_the_history_goes_into_a_file_and_over_another_only_by_force(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one é")
    said = notebook.printed("%claude_history")

    written = notebook.printed("%claude_history main -o 'my history.md'")

    path = notebook.work / "my history.md"
    assert path.read_text(encoding="utf-8").strip() == said
    assert written == f"Written to {path} ({path.stat().st_size:,} bytes)."
    path.write_text("mine")
    refused = notebook.error("%claude_history --to='my history.md'")
    assert refused.endswith("exists already. Replace it with: %claude_history -o 'my history.md' --force")
    assert path.read_text() == "mine"
    notebook.do("%claude_history -o 'my history.md' --force")
    assert path.read_text(encoding="utf-8").strip() == said
    notebook.do("%claude_history --permissions -o asked.txt")
    assert (notebook.work / "asked.txt").read_text() == "Nothing was asked.\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    {
        "-o": "Usage: %claude_history [NAME]",
        "--force": "Usage: %claude_history [NAME]",
        "-o nowhere/h.md": "nowhere/h.md' cannot be written: No such file or directory",
        "-o .": "cannot be written",
        "--force -o .": "cannot be written",
        "-o 'h.md": "Usage: %claude_history [NAME]",
        "--everything": "Usage: %claude_history [NAME]",
    }.items(),
)
def test_a_mistake_about_the_file_is_one_line(shared: MagicNotebook, line: str, answer: str) -> None:
    shared.do("%claude --dry-run hello")

    assert answer in shared.error(f"%claude_history {line}")


def test_without_a_turn_the_history_says_so(notebook: MagicNotebook) -> None:
    notebook.do("%claude --dry-run hello")

    assert notebook.printed("%claude_history") == "No turn yet."
