"""The way of a task: its session is made, its turn is followed, its result is written.

The promise: from `begin` on a task comes to an end that is on disk and told to callbacks, whatever becomes of
its process, and though nobody keeps a reference to it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from claude_magic.claude_cli.session_files import conversation_file
from claude_magic.errors import CancelledTurnError
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import Asker
from claude_magic.prompt import Prompt
from claude_magic.session import Session, SessionState
from claude_magic.support.callbacks import Callbacks
from claude_magic.support.loop_tasks import spawn
from claude_magic.support.state_file import later, off_loop
from claude_magic.tasks.records import TaskRecord, TaskRecords, TaskStatus
from claude_magic.tasks.report import prepare, report_of, write
from claude_magic.tasks.task import Task
from claude_magic.tasks.worktree import add_worktree

__all__ = ["TaskRequest", "Worker", "continuation_of", "give_worktree", "keep_alive"]

RELEASE_AFTER = 2.0  # seconds after its end until a task's process is ended, if nothing of its work goes on
_CONTINUE = (
    "[claude_magic] Your work on this task was cut off and goes on now. Some of your tool calls may have "
    "run: check before you repeat one. Go on with what was asked, quoted here:"
)
_log = logging.getLogger(__name__)


class TaskRequest(Struct, frozen=True, kw_only=True):
    """How a task is to be done.

    Args:
        options: Those of its session.
        turn_options: What holds for its turn.
        asker: Answers permission requests.
        prompt: What is sent.
        session_id: The conversation to go on with; a new one if None.
        notices: What the person should know of it.
    """

    options: Options
    turn_options: TurnOptions
    asker: Asker
    prompt: Prompt
    session_id: str | None = None
    notices: Sequence[str] = ()


class Worker:
    """Has tasks done.

    Args:
        records: Where they are remembered.
        callbacks: Told of their ends.
    """

    def __init__(self, records: TaskRecords, callbacks: Callbacks) -> None:
        self._records = records
        self._callbacks = callbacks

    async def begin(self, task: Task, request: TaskRequest) -> None:
        """Starts a task that is pending.

        Raises:
            BusyError: Another is at work in its directory.
            CancelledTurnError: It was cancelled meanwhile.
        """
        try:
            await asyncio.to_thread(prepare, task.result_path.parent)
            task.warning = ""
        except OSError as error:
            task.warning = f"The result will not be in a file: {error}. Use %claude_tasks show {task.name}"
        _check_pending(task)
        options = request.options.with_(
            cwd=task.record.cwd,
            check_paths=False,  # a task that goes on may have lost it, which its turn tells
            session_id=request.session_id,
            resume="auto",
            idle_timeout=RELEASE_AFTER,
        )
        session = Session(options, name=task.name)
        task.change(session_id=session.session_id)
        await off_loop(self._records.claim, task.record)
        _check_pending(task)
        turn = session.submit(
            task.asked, content=request.prompt.content, options=request.turn_options, asker=request.asker
        )
        task.attach(session, turn)
        for notice in request.notices:
            turn.transcript.notice(notice)
        for warning in filter(None, (task.warning, *self._records.notices())):
            turn.transcript.notice(warning, "warning")
        session.on("status", lambda state: self._enter(task, session, state))
        keep_alive(task, self._see_to(task))

    async def keep(self, task: Task) -> None:
        """Writes down the end of a task, the result's file first: what is known as over has one."""
        await self._write(task)
        await off_loop(self._records.put, task.record)

    def _enter(self, task: Task, session: Session, state: SessionState) -> None:
        if task.session is not session:
            return
        if state is SessionState.RUNNING and not task.status.is_over:
            task.change(status=TaskStatus.RUNNING, session_id=session.session_id)
            later(self._records.put, task.record)
        elif state is SessionState.STOPPED and task.status.is_over and task.revision > task.written_revision:
            keep_alive(
                task, self._write(task)
            )  # what Claude had in the background has ended since, and said so

    async def _write(self, task: Task) -> None:
        if task.warning:
            return
        task.written_revision = task.revision
        text = report_of(task)
        try:
            await asyncio.to_thread(write, task.result_path, text)
        except OSError as error:
            task.warning = f"The result is in no file: {error}. Use %claude_tasks show {task.name}"
            _log.warning("Task %r: %s", task.name, task.warning)

    async def _see_to(self, task: Task) -> None:
        """The session releases the process: at once it might still have work in the background."""
        turn = task.turn
        assert turn is not None  # noqa: S101  # `begin` has just given it one
        try:
            result = await turn.wait()
        except asyncio.CancelledError:  # the loop goes down
            task.change(status=TaskStatus.INTERRUPTED, ended=time.time())
            later(self._records.put, task.record)
            raise
        task.conclude(result, turn.error, turn.stop_reason)
        await self.keep(task)
        self._callbacks.emit("complete" if task.status is TaskStatus.COMPLETED else "failed", task)


def _check_pending(task: Task) -> None:
    if task.status is not TaskStatus.PENDING or task.closing:
        raise CancelledTurnError(f"Task {task.name!r} was cancelled before it began.")


def keep_alive(task: Task, coroutine: Coroutine[Any, Any, None]) -> None:
    """Has something done for a task, outside any cell's context: nothing of it belongs to a cell."""
    task.work = spawn(coroutine)


async def give_worktree(task: Task) -> None:
    """Gives a task a worktree to work in."""
    tree = await add_worktree(task.cwd, task.name)
    directory = await asyncio.to_thread(os.path.realpath, tree.cwd)
    task.change(worktree=str(tree.path), branch=tree.branch, cwd=str(tree.cwd), directory=directory)


async def continuation_of(record: TaskRecord, request: TaskRequest) -> TaskRequest:
    """What a task is told that was cut off: to go on, or the prompt again if there is no conversation yet."""
    if not await asyncio.to_thread(conversation_file, record.session_id, request.options.env):
        return request
    quote = "\n".join(f"> {line}" for line in record.prompt.splitlines())
    notice = f"Resumed; Claude was told to continue, with the prompt quoted. The message sent: {_CONTINUE}"
    prompt = replace(request.prompt, text=f"{_CONTINUE}\n\n{quote}")
    return replace(request, prompt=prompt, session_id=record.session_id, notices=(notice,))
