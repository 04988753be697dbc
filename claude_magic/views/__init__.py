"""Transcripts on a screen. A view gets a turn's transcript and follows it; it never sees a session.

Importing this package costs nothing: a view's own module, with what it needs, is imported when one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claude_magic.permissions import Asker
    from claude_magic.result import FileChange
    from claude_magic.transcript import Transcript
    from claude_magic.views.live.view import Controls, LiveView
    from claude_magic.wording.tables import Table

__all__ = [
    "View",
    "ask_page",
    "changes_output",
    "conversation_in_page",
    "live_view",
    "static_view",
    "table_output",
    "terminal_view",
]


class View(Protocol):
    """Shows one turn."""

    def start(self) -> None:
        """Takes the turn's place on the screen; call it in the cell that asked."""
        ...

    async def follow(self) -> None:
        """Shows what comes, until the turn has ended and its end is shown."""
        ...

    def publish_again(self) -> None:
        """Shows the whole turn once more, where a front end drops what comes after a cell's end."""
        ...


def live_view(
    transcript: Transcript,
    controls: Controls,
    ask: Asker,
    *,
    hears: bool = True,
    waits: bool = False,
    in_page: bool = True,
    notify: bool = True,
) -> LiveView:
    """A view in a widget, which asks by cards; see `LiveView`."""
    from claude_magic.views.live.view import LiveView  # noqa: PLC0415  # heavy: on first use

    return LiveView(transcript, controls, ask, hears=hears, waits=waits, in_page=in_page, notify=notify)


async def ask_page(question: Mapping[str, object]) -> object | None:
    """What one of the notebook's pages answers, None if none can; see `page_question`."""
    from claude_magic.views.live import page_question  # noqa: PLC0415  # heavy: on first use

    return await page_question.ask_page(question)


async def conversation_in_page(session: str) -> str | None:
    """The conversation that a session's answers in the page name; see `saved_answers`."""
    from claude_magic.views.live import page_question  # noqa: PLC0415  # heavy: on first use

    return await page_question.conversation_in_page(session)


def static_view(transcript: Transcript) -> View:
    """A view that needs no widget: one output, brought up to date as the answer grows."""
    from claude_magic.views.output import StaticView  # noqa: PLC0415  # heavy: on first use

    return StaticView(transcript)


def changes_output(heading: str, changes: Sequence[FileChange], notes: Sequence[str]) -> dict[str, str]:
    """What becomes of some texts, as the data of an output; the path of each is the text's name."""
    from claude_magic.commonmark.writing import escaped, fenced  # noqa: PLC0415  # heavy: on first use
    from claude_magic.control_characters import show_invisibles  # noqa: PLC0415
    from claude_magic.views.html import changes as html  # noqa: PLC0415
    from claude_magic.wording.diff_lines import unified  # noqa: PLC0415

    diff = unified(changes)
    heading, notes = show_invisibles(heading), [show_invisibles(note) for note in notes]
    markdown = [f"**{escaped(heading)}**", *([fenced(diff, "diff")] if diff else []), *map(escaped, notes)]
    return {
        "text/html": str(html.changes(heading, changes, notes)),
        "text/markdown": "\n\n".join(markdown),
        "text/plain": "\n".join([heading, *([diff] if diff else []), *notes]),
    }


def table_output(*tables: Table) -> dict[str, str]:
    """Tables below each other, as the data of an output."""
    from claude_magic.views.html.table import table  # noqa: PLC0415  # heavy: on first use
    from claude_magic.wording.tables import aligned  # noqa: PLC0415

    return {
        "text/html": "".join(map(table, tables)),
        "text/plain": "\n\n".join(map(aligned, tables)),
    }


def terminal_view(
    transcript: Transcript, *, background: bool = False, announce: Callable[[str], None] = print
) -> View:
    """A view for the IPython prompt.

    Args:
        transcript: The turn.
        background: Print nothing while it runs, and one line when it is done.
        announce: Prints that line without garbling what is being typed.
    """
    from claude_magic.views.terminal import TerminalView  # noqa: PLC0415  # heavy: on first use

    return TerminalView(transcript, background=background, announce=announce)
