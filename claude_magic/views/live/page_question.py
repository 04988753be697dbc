"""Asks the page which conversation the notebook's answers name, where the kernel cannot see the file.

The promise: the page is a stranger. Nothing but an id is taken from what it sends, and only a UUID.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import traitlets
from anywidget import AnyWidget

from claude_magic.errors import UsageError
from claude_magic.options import checked_id
from claude_magic.views.live.widget import script

__all__ = ["TIMEOUT", "Question", "conversation_in_page", "session_id_from"]

TIMEOUT = 2.0  # seconds that a page has for its answer


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session_id: Annotated[str, msgspec.Meta(max_length=36)]


class Question(AnyWidget):
    """Asks all pages of the notebook; it is not shown."""

    session = traitlets.Unicode().tag(sync=True)

    def __init__(self, session: str) -> None:
        self._esm = script("saved.js")
        super().__init__(session=session)

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignores what a page would set: it may only answer."""


async def conversation_in_page(session: str) -> str | None:
    """The conversation of a session's last answer, as the first page says that answers; None without one.

    Args:
        session: The name of the session that answered.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[object] = loop.create_future()

    def set_answer(content: object) -> None:
        if not answer.done():
            answer.set_result(content)

    question = Question(session)
    question.on_msg(lambda _widget, content, _buffers: loop.call_soon_threadsafe(set_answer, content))
    try:
        return session_id_from(await asyncio.wait_for(answer, TIMEOUT))
    except TimeoutError:  # a page without widgets, or none
        return None
    finally:
        question.close()


def session_id_from(content: object) -> str | None:
    """The id in a page's answer; None if it is none."""
    try:
        return checked_id(msgspec.convert(content, _Answer).session_id)
    except (msgspec.ValidationError, UsageError):
        return None
