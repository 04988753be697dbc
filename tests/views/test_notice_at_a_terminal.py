from __future__ import annotations

import asyncio
import io

from rich.console import Console
from turns import growing, turn
from waiting import eventually

from claude_magic.result import Result
from claude_magic.views.terminal import TerminalView


async def test_a_notice_is_seen_while_the_text_before_it_is_not_yet_finished() -> None:
    transcript, file = turn(*growing("The first half")), io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, height=30)
    following = asyncio.create_task(TerminalView(transcript, console=console).follow())
    transcript.notice("Nothing from claude for 60 s.", "warning")

    await eventually(lambda: "Nothing from claude for 60 s." in file.getvalue())
    transcript.finish(Result(interrupted=True))
    await asyncio.wait_for(following, 30)

    printed = file.getvalue()
    assert printed.rindex("The first half") < printed.rindex("Warning: Nothing from claude")
