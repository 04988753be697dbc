"""A conversation, as far as a session knows it: data, and what makes it another one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from claude_magic.claude_cli.command import SINCE
from claude_magic.claude_cli.session_files import conversation_file, is_recorded, projects_folder
from claude_magic.options import Options, checked_id

__all__ = ["Conversation"]

_NOT_FOUND = "No conversation found"


class Conversation:
    """One conversation.

    Args:
        options: The session's options; they may name an earlier conversation.
        turns: Turns it had before.
    """

    def __init__(self, options: Options, turns: int = 0) -> None:
        self.session_id = options.session_id or str(uuid.uuid4())
        self.recorded = options.session_id is not None and options.resume == "auto"
        self.turns = turns
        self.model = options.model or ""  # the one that answered last, or was asked for
        self.start_fresh = False  # the next turn is to
        self.forked_from: str | None = None  # which the next process begins this one as a copy of

    @property
    def has_history(self) -> bool:
        """There is a past, which the next process resumes or copies."""
        return self.recorded or self.forked_from is not None

    def leave(self) -> None:
        """The next turn is to begin another conversation; one that runs goes on in this one."""
        self.start_fresh = True

    def reset(self) -> None:
        """The next process begins another conversation."""
        self.session_id, self.recorded, self.turns = str(uuid.uuid4()), False, 0
        self.start_fresh, self.forked_from = False, None

    def resume_from(self, session_id: str, turns: int, *, copy: bool = False) -> None:
        """The next process goes on with another conversation; call it while none runs.

        Args:
            session_id: Its id, a UUID.
            turns: Turns it has had.
            copy: Go on with a copy of it, with an id of its own.
        """
        self.reset()
        self.recorded, self.turns = not copy, turns
        if copy:
            self.forked_from = checked_id(session_id)
        else:
            self.session_id = checked_id(session_id)

    def begin_process(self, model: str | None) -> None:
        """A process speaks for the conversation from now on; which model answers is what it was asked for."""
        self.model = model or ""

    def begin_turn(self, session_id: str, model: str) -> None:
        """A turn begins: from here on the id is in use, whether or not the prompt's replay comes."""
        self._is_now(session_id)
        self.recorded, self.model = True, model

    def end_turn(self, session_id: str, *, failed: bool) -> None:
        """A turn has ended; one that failed may only say that there is nothing to copy."""
        self._is_now(session_id)
        if not failed:
            self.forked_from = None

    def count_turn(self) -> None:
        """The CLI has taken up another turn, whatever came of it."""
        self.turns += 1

    def lose_turns(self) -> int:
        """The turns so far, of which the CLI has recorded nothing, are gone; how many."""
        lost, self.turns = self.turns, 0
        return lost

    def _is_now(self, session_id: str) -> None:
        """`/clear` begins another one in the same process."""
        if session_id and session_id != self.session_id:
            self.session_id, self.turns = session_id, 0

    async def holds(self, message_id: str, options: Options) -> bool:
        """Whether the CLI has recorded a message; to be asked when its process has ended.

        If it has recorded nothing at all, the next process begins the conversation anew, under the same id.
        """
        if await asyncio.to_thread(conversation_file, self.session_id, options.env) is None:
            self.recorded = False
            return False
        try:
            return await asyncio.to_thread(is_recorded, self.session_id, message_id, options.env)
        except OSError:  # nobody can tell: better to go on than to do it twice
            return True

    async def missing(self, env: Mapping[str, str]) -> list[str]:
        """What to say if the conversation to go on with is not there: it was never recorded, or is deleted.

        The CLI would say so too, but 2.1.191 at times only after it has answered `initialize`.
        """
        if not self.recorded or not await asyncio.to_thread(projects_folder(env).is_dir):
            return []
        file = await asyncio.to_thread(conversation_file, self.session_id, env)
        return [] if file else self._begin_another()

    def after_refusal(self, error: str, options: Options) -> list[str] | None:
        """What to say before a process is tried again that could not start; None if that is of no use.

        Args:
            error: Why it could not.
            options: What it was started with.
        """
        if any(flag in error for flag in SINCE):  # an older generation; the next process goes without
            return []
        if self.has_history and _NOT_FOUND in error:
            return self._begin_another()
        if not self.recorded and "already in use" in error:
            if options.session_id == self.session_id and options.resume == "never":
                self.reset()
            else:
                self.recorded = True
            return []
        return None

    def _begin_another(self) -> list[str]:
        if self.recorded and self.forked_from:  # the process ended before it had written the copy
            self.recorded = False
            return []
        self.reset()
        return ["The earlier conversation was not found; this is a new one."]
