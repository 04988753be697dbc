"""A task: what was asked, where it is, what has come of it. Its manager moves it on."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from claude_magic.options import TurnOptions
from claude_magic.prompt import Prompt, attachments_from
from claude_magic.tasks.output import Output
from claude_magic.tasks.records import TaskRecord, TaskStatus

if TYPE_CHECKING:
    from claude_magic.errors import ClaudeMagicError
    from claude_magic.result import Result
    from claude_magic.session import Session
    from claude_magic.session.turn import Turn
    from claude_magic.transcript import Transcript

__all__ = ["Task", "options_from_json", "options_to_json"]


class Task:
    """A named task. Made by `TaskManager.spawn`.

    Args:
        record: What is kept of it.
        tell: Called with the task and each line of its output.
    """

    def __init__(self, record: TaskRecord, tell: Callable[[Task, str], object] = lambda *_: None) -> None:
        self.record = record
        self.result: Result | None = None
        self.cost_usd = 0.0
        self.warning = ""  # why its result is in no file
        self.transcripts: list[Transcript] = []
        self.session: Session | None = None
        self.turn: Turn | None = None
        self.closing = False  # its kernel is about to end, or the extension
        self.work: asyncio.Task[None] | None = None
        self.written_revision = 0  # the revision that its file shows
        self._output = Output(lambda line: tell(self, line))

    @property
    def id(self) -> str:
        """Unique; also in the name of the result's file."""
        return self.record.id

    @property
    def name(self) -> str:
        """What the person calls the task."""
        return self.record.name

    @property
    def prompt(self) -> str:
        """What was asked."""
        return self.record.prompt

    @property
    def asked(self) -> Prompt:
        """The same, with the data that goes before it."""
        return Prompt(self.record.prompt, attachments_from(self.record.attachments))

    @property
    def status(self) -> TaskStatus:
        """Where the task is."""
        return self.record.status

    @property
    def cwd(self) -> Path:
        """The directory that the task works in."""
        return Path(self.record.cwd)

    @property
    def worktree(self) -> Path | None:
        """The git worktree that was made for the task."""
        return Path(self.record.worktree) if self.record.worktree else None

    @property
    def branch(self) -> str:
        """The worktree's branch, or ""."""
        return self.record.branch

    @property
    def session_id(self) -> str:
        """The conversation's id."""
        return self.record.session_id

    @property
    def error(self) -> str:
        """What went wrong, or ""."""
        return self.record.error

    @property
    def started(self) -> float:
        """When the task was started, in seconds since 1970."""
        return self.record.started

    @property
    def ended(self) -> float:
        """When the task ended, in seconds since 1970; 0 if it has not, or nobody was there to see."""
        return self.record.ended

    @property
    def elapsed(self) -> float:
        """Seconds from its start to its end, or to now; 0 if nobody knows when it ended."""
        if self.status.is_over:
            return max(0.0, self.ended - self.started)
        return max(0.0, time.time() - self.started)

    @property
    def output(self) -> list[str]:
        """The newest 1,000 lines of what it said, tool calls among them, oldest first."""
        return self._output.lines

    @property
    def last_line(self) -> str:
        """The newest line that says something."""
        return self._output.last

    @property
    def result_path(self) -> Path:
        """Where the result is written when the task ends."""
        return self.record.result_path

    @property
    def revision(self) -> int:
        """Rises with whatever comes to its transcripts."""
        return sum(transcript.revision for transcript in self.transcripts)

    async def wait(self) -> Result | None:
        """Waits until the task has ended and its result is written; cancelling the wait leaves it alone.

        Returns:
            The Result; what went wrong is in it, and in `error`. None for one of an earlier kernel.
        """
        if self.work is not None:
            await asyncio.shield(self.work)
        return self.result

    def attach(self, session: Session, turn: Turn) -> None:
        """A session works on the task from now on, in this turn."""
        self.session, self.turn, self.result = session, turn, None
        self.transcripts.append(turn.transcript)
        turn.transcript.listen(self._output.handle)

    def announce(self, options: Mapping[str, str]) -> None:
        """Says in its turn where it works, and with which options it was given."""
        if self.turn is None:
            return
        self.turn.transcript.update(options=options)
        if self.worktree is not None:
            self.turn.transcript.notice(f"It works in the worktree {self.worktree}, on branch {self.branch}.")

    def change(self, **changes: object) -> None:
        """Sets facts of the task's record."""
        self.record = replace(self.record, **changes)

    @property
    def options_before(self) -> TurnOptions:
        """What held for its turn as it was started; of a schema this kernel has the type too."""
        options = options_from_json(self.record.turn_options)
        schema = self.turn.options.schema if self.turn is not None else None
        return dataclasses.replace(options, schema=schema) if schema is not None else options

    def conclude(self, result: Result, error: ClaudeMagicError | None, stop_reason: str) -> None:
        """The turn of the task is over."""
        self._output.end_line()
        self.result = result
        self.cost_usd += result.cost_usd
        status = TaskStatus.COMPLETED
        if result.interrupted and not stop_reason:
            status = TaskStatus.INTERRUPTED if self.closing else TaskStatus.CANCELLED
        elif result.is_error or error is not None or stop_reason:
            status = TaskStatus.FAILED
        message = "" if status is not TaskStatus.FAILED else result.error or str(error or "") or stop_reason
        self.change(
            status=status, error=message, ended=time.time(), session_id=result.session_id or self.session_id
        )

    def __repr__(self) -> str:
        return f"<Task {self.name!r} {self.status.value}, {self.elapsed:.0f} s, in {self.cwd}>"


def options_to_json(options: TurnOptions) -> str:
    """A turn's options as they are kept, so that a task goes on with them; bypassing permissions never is."""
    fields = {
        each.name: value for each in dataclasses.fields(options) if (value := getattr(options, each.name))
    }
    if options.schema is not None:  # a type is gone with its kernel
        fields["schema"] = {"title": options.schema.name, **options.schema.part()}
    if fields.get("permission_mode") == "bypassPermissions":
        del fields["permission_mode"]
    return json.dumps(fields)


def options_from_json(text: str) -> TurnOptions:
    """The options that `options_to_json` has written down."""
    fields: dict[str, Any] = json.loads(text)
    fields |= {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return TurnOptions(**fields)
