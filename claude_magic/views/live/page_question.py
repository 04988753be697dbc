"""Asks the notebook's pages, of which one answers.

A question reaches every page that has the kernel. Each that can answer it offers to; the first is told to go
on, and only that one does: two pages of one notebook never both do what is wanted.

The promise: the page is a stranger. Only the page that was chosen can answer, and only while the question is
open; what an answer holds is for whoever asked to check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import msgspec
import traitlets
from anywidget import AnyWidget

from claude_magic.errors import UsageError
from claude_magic.options import checked_id
from claude_magic.views.live.widget import script

__all__ = ["PageQuestion", "ask_page", "conversation_in_page", "session_id_from"]

OFFER_TIMEOUT = 4.0  # seconds in which a page that can answer has offered to
OTHERS_TIMEOUT = 0.5  # seconds that are left for the others when one has said that it cannot
ANSWER_TIMEOUT = 20.0  # seconds that the chosen page has


class _FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer to answer, or the answer."""

    page: Annotated[str, msgspec.Meta(max_length=40)]
    offers: bool = True
    answer: object = msgspec.UNSET


class _Conversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session_id: Annotated[str, msgspec.Meta(max_length=36)]


class PageQuestion(AnyWidget):
    """A question to all pages of the notebook; it is not shown."""

    question = traitlets.Dict().tag(sync=True)

    def __init__(self, question: Mapping[str, object]) -> None:
        self._esm = script("question.js")
        super().__init__(question=dict(question))

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignores what a page would set: it may only answer."""


async def ask_page(question: Mapping[str, object]) -> object | None:
    """What one page answers; None if no page offers to: there is none, or none that can.

    Args:
        question: Its `type` says which of `question.js` is asked, the rest is for that one.

    Raises:
        TimeoutError: A page offered to answer, and then did not.
    """
    loop = asyncio.get_running_loop()
    messages: asyncio.Queue[object] = asyncio.Queue()

    def take(_widget: object, content: object, _buffers: object) -> None:
        loop.call_soon_threadsafe(messages.put_nowait, content)

    widget = PageQuestion(question)
    widget.on_msg(take)
    try:
        try:
            async with asyncio.timeout(OFFER_TIMEOUT) as wait:
                while not (offer := await _next(messages)).offers:
                    wait.reschedule(min(wait.when() or 0.0, loop.time() + OTHERS_TIMEOUT))
        except TimeoutError:
            return None
        widget.send({"go": offer.page})
        async with asyncio.timeout(ANSWER_TIMEOUT):
            while (message := await _next(messages)).page != offer.page or message.answer is msgspec.UNSET:
                pass
        return message.answer
    finally:
        widget.close()


async def conversation_in_page(session: str) -> str | None:
    """The conversation of a session's last answer, as a page has it; None without one.

    Args:
        session: The name of the session that answered.
    """
    try:
        return session_id_from(await ask_page({"type": "conversation", "session": session}))
    except TimeoutError:
        return None


def session_id_from(answer: object) -> str | None:
    """The id in a page's answer; None if it is none."""
    try:
        return checked_id(msgspec.convert(answer, _Conversation).session_id)
    except (msgspec.ValidationError, UsageError):
        return None


async def _next(messages: asyncio.Queue[object]) -> _FromPage:
    """The next message that is one a page may send."""
    while True:
        try:
            return msgspec.convert(await messages.get(), _FromPage)
        except msgspec.ValidationError:
            continue
