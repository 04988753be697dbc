"""A turn at a terminal, and where there is none."""

from __future__ import annotations

import asyncio
import io
import re

import pytest
from rich.console import Console
from turns import called, finished, growing, hostile, request, returned, said, turn
from waiting import eventually

from claude_magic.permissions import Behavior, Decision
from claude_magic.result import Result
from claude_magic.transcript import Transcript
from claude_magic.views.terminal import TerminalView

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen(*, terminal: bool) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=terminal, width=100, height=30, highlight=False, markup=False, emoji=False
    )
    return console, file


async def printed(transcript: Transcript, *, terminal: bool) -> str:
    console, file = screen(terminal=terminal)
    await asyncio.wait_for(TerminalView(transcript, console=console).follow(), 10)
    return file.getvalue()


async def until(text: str, file: io.StringIO) -> None:
    await eventually(lambda: text in file.getvalue(), seen=file.getvalue)


async def test_without_a_terminal_there_are_no_cursor_tricks() -> None:
    shown = await printed(
        finished(
            called("Bash", command="pytest -q"), returned("1 failed", failed=True), said("Fixed **it**.")
        ),
        terminal=False,
    )

    assert "\x1b" not in shown
    assert shown.splitlines()[0] == "Claude · main · claude · default"
    assert "Bash pytest -q (failed)\n  1 failed\n" in shown
    assert "Fixed **it**." in shown
    assert shown.rstrip().endswith("93% of context left")


async def test_a_finished_paragraph_is_printed_once_while_the_next_is_written() -> None:
    transcript = turn(*growing("First paragraph.\n\nSecond par"))
    console, file = screen(terminal=True)
    following = asyncio.create_task(TerminalView(transcript, console=console).follow())
    await until("Second par", file)
    before = file.getvalue()
    transcript.apply(said("First paragraph.\n\nSecond paragraph."))
    transcript.finish(Result())
    await asyncio.wait_for(following, 10)

    assert before.count("First paragraph.") == 1
    assert file.getvalue().count("First paragraph.") == 1
    assert "Second paragraph." in file.getvalue()


async def test_nothing_is_redrawn_while_a_person_is_asked() -> None:
    transcript = turn(said("Before."), called("Bash", command="ls"))
    console, file = screen(terminal=True)
    following = asyncio.create_task(TerminalView(transcript, console=console).follow())
    await until("running", file)

    block = transcript.ask(request("t", "Bash", {"command": "ls"}))
    await asyncio.sleep(0)  # as long as the asker waits before `input()` holds up the loop
    while_asked = file.getvalue()

    assert while_asked.endswith("\x1b[2K") or "\x1b[?25h" in while_asked[-40:]
    transcript.decide(block, Decision(behavior=Behavior.ALLOW))
    transcript.finish(Result())
    await asyncio.wait_for(following, 10)
    assert "allowed by you" in file.getvalue()


@pytest.mark.fault(68, via="pure")
async def test_a_background_turn_prints_one_line_when_it_is_done() -> None:
    transcript = turn(said("Hello."))
    console, file = screen(terminal=True)
    announced: list[str] = []
    view = TerminalView(transcript, background=True, announce=announced.append, console=console)
    following = asyncio.create_task(view.follow())
    await asyncio.sleep(0)
    assert announced == []

    transcript.finish(Result())
    await asyncio.wait_for(following, 10)

    assert announced == ["claude: main is done (0.0 s). %claude_history shows it."]
    assert file.getvalue() == ""


@pytest.mark.fault(84, via="pure")
@pytest.mark.parametrize("terminal", [True, False])
async def test_nothing_from_outside_reaches_the_terminal_as_a_sequence(*, terminal: bool) -> None:
    transcript = hostile(
        "a\x1b[2Jb\x1b]52;c;c2VjcmV0\x07\x1b]8;;https://evil.example\x1b\\c\x08\0\r\x9bd\u202ee"
    )
    transcript.finish(Result())

    shown = _SEQUENCE.sub("", await printed(transcript, terminal=terminal))

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "c2VjcmV0" not in shown
    assert "[2J" not in shown


@pytest.mark.fault(84, via="pure")
async def test_a_link_shows_where_it_leads_and_is_no_terminal_link() -> None:
    shown = await printed(finished(said("[your bank](https://evil.example)")), terminal=True)

    assert "https://evil.example" in shown
    assert "\x1b]8" not in shown


@pytest.mark.fault(77, via="pure")
async def test_html_in_an_answer_stays_readable() -> None:
    shown = await printed(
        finished(said("Use <b>bold</b> and <script>x</script>.\n\n<div>\nblock\n</div>")), terminal=True
    )

    assert "<script>x</script>" in _SEQUENCE.sub("", shown)
    assert "<div>" in shown


async def test_console_markup_in_an_answer_stays_text() -> None:
    shown = await printed(
        finished(said("[red]x[/red] :smile:"), called("[bold]T[/bold]", x="[/]")), terminal=True
    )

    assert "[red]x[/red] :smile:" in shown
    assert "[bold]T[/bold]" in _SEQUENCE.sub("", shown)


async def test_addresses_and_links_are_text_that_can_be_read() -> None:
    written = "See https://example.org/x, www.example.org and [the docs](https://example.org/y)."

    shown = _SEQUENCE.sub("", await printed(finished(said(written)), terminal=True))

    assert "See https://example.org/x, www.example.org and the docs (https://example.org/y)." in shown
