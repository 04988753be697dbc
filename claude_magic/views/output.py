"""A turn without a widget: one output, made in the cell that asked, then only brought up to date.

Bytes stay in proportion to the answer: an update comes when the answer, or the number of tool calls, has
grown by a quarter, and when the turn's state changes. The last one is whole: HTML, Markdown and plain text.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import TYPE_CHECKING

from IPython.display import publish_display_data

from claude_magic.transcript.blocks import NoticeBlock, RetryBlock
from claude_magic.views.html import turn as html
from claude_magic.wording import turn as wording
from claude_magic.wording.markdown import markdown_of, plain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_magic.transcript import Transcript

__all__ = ["StaticView"]

_GROWTH = 1.25
_LEAST_GROWTH = 40  # characters
_FIRST_PAUSE = 0.5  # seconds of silence after which what is not on screen yet is shown; doubled each time


class StaticView:
    """The static output of one turn.

    Args:
        transcript: The turn.
        publish: Puts a bundle on the screen, as `IPython.display.publish_display_data` does.
    """

    def __init__(self, transcript: Transcript, publish: Callable[..., None] = publish_display_data) -> None:
        self.transcript = transcript
        self.display_id = f"claude-{uuid.uuid4().hex}"
        self._publish = publish
        self._shown_length = 0
        self._shown_steps = 0
        self._shown_news: object = None

    def start(self) -> None:
        """Makes the output, in the cell that is executing."""
        self._show(update=False)

    def start_beside_widget(self) -> None:
        """Makes the output with one line in it, where a widget shows the turn for now."""
        self._send(
            {"text/html": str(html.placeholder(self.transcript)), "text/plain": "Claude · running\n"},
            update=False,
        )

    async def show_end(self) -> None:
        """Shows the whole turn, made in a thread so that the loop stays free."""
        self._send(await asyncio.to_thread(self._whole), update=True)

    async def end(self) -> dict[str, object]:
        """The whole turn as the data and metadata of an output."""
        return {"data": await asyncio.to_thread(self._whole), "metadata": self._metadata()}

    async def follow(self) -> None:
        """Brings the output up to date until the turn has ended."""
        revision, pause = -1, _FIRST_PAUSE
        while not self.transcript.state.is_over:
            if self._is_due():
                self._show(update=True)
            unseen = self.transcript.length > self._shown_length
            try:
                async with asyncio.timeout(pause if unseen else None):
                    revision = await self.transcript.changed(revision)
            except TimeoutError:  # the answer rests: let it be read; ever more rarely, so that bytes stay few
                self._show(update=True)
                pause *= 2
        await self.show_end()

    def publish_again(self) -> None:
        """Shows the whole turn from whatever cell: nbclient drops what comes after a cell's end."""
        self._send(self._whole(), update=True)

    def show_anew(self) -> None:
        """Shows the whole turn as one more output, where the front end does not follow updates."""
        bundle = self._whole()
        bundle["text/plain"] += "\n"  # such front ends print it, and nothing after it
        self._publish(bundle, metadata=self._metadata())

    def _whole(self) -> dict[str, str]:
        return {
            "text/html": str(html.turn(self.transcript)),
            "text/markdown": markdown_of(self.transcript),
            "text/plain": plain_of(self.transcript),
        }

    def _show(self, *, update: bool) -> None:
        self._shown_length = self.transcript.length
        self._shown_steps = self.transcript.steps
        self._shown_news = self._news()
        line = " · ".join([*wording.header(self.transcript), self.transcript.state.value])
        plain = f"Claude · {line}\n\n{wording.running_line(self.transcript)}".rstrip()
        self._send({"text/html": str(html.turn(self.transcript)), "text/plain": plain}, update=update)

    def _is_due(self) -> bool:
        return (
            self._news() != self._shown_news
            or (self.transcript.length > 0 and not self._shown_length)
            or self.transcript.length > self._shown_length * _GROWTH + _LEAST_GROWTH
            or self.transcript.steps > self._shown_steps * _GROWTH
        )

    def _news(self) -> object:
        """What is shown at once, because somebody waits for it: the state, a retry, a notice, a question."""
        last = self.transcript.blocks[-1] if self.transcript.blocks else None
        is_urgent = isinstance(last, (NoticeBlock, RetryBlock))
        asked = [block.revision for block in self.transcript.asked]
        return (self.transcript.state, asked, last.revision if last is not None and is_urgent else None)

    def _send(self, bundle: dict[str, str], *, update: bool) -> None:
        transient = {"display_id": self.display_id}
        self._publish(bundle, metadata=self._metadata(), transient=transient, update=update)

    def _metadata(self) -> dict[str, object]:
        footer = self.transcript.footer
        prompt = self.transcript.prompt.encode("utf-8", "surrogatepass")
        facts = {
            "session": self.transcript.session,
            "session_id": self.transcript.session_id,
            "model": self.transcript.model,
            "cost_usd": footer.cost_usd if footer else None,
            "prompt_sha256": hashlib.sha256(prompt).hexdigest(),
        }
        return {"claude_magic": facts}
