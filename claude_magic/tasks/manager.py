"""Named tasks in the background, each a session and a process of its own.

The promise: one task a directory (by its real path), or one a git worktree; a task's result is on disk when
it ends, however it ends; a task that its kernel did not see to the end is known to the next one, which can
go on with it. A task's process does not outlive its work.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from claude_magic.errors import BusyError, UsageError
from claude_magic.notebook.conversation_store import NotebookKey
from claude_magic.options import Options, TurnOptions
from claude_magic.permissions import Asker, deny_unattended
from claude_magic.processes.identity import creation_time
from claude_magic.prompt import Prompt
from claude_magic.session import Session
from claude_magic.support.callbacks import Callbacks
from claude_magic.support.state_file import later, off_loop
from claude_magic.tasks.records import TaskRecord, TaskRecords, TaskStatus, new_record
from claude_magic.tasks.report import report_of
from claude_magic.tasks.task import Task, options_to_json
from claude_magic.tasks.work import TaskRequest, Worker, continuation_of, give_worktree
from claude_magic.tasks.worktree import remove_worktree

__all__ = ["TaskManager", "default_task_manager"]

TaskEvent = Literal["complete", "failed", "output"]
_NAME = re.compile(r"\w[\w.-]*")


class TaskManager:
    """The tasks of a kernel.

    Args:
        folder: Where they are remembered; the user's state folder if None.
        notebook: The kernel's notebook: its next kernel takes up what this one leaves.
    """

    def __init__(self, folder: Path | None = None, *, notebook: NotebookKey | None = None) -> None:
        self.notebook = notebook or NotebookKey()
        self._records = TaskRecords(folder)
        self._callbacks = Callbacks()
        self._worker = Worker(self._records, self._callbacks)
        self._tasks: dict[str, Task] = {}

    def on(self, event: TaskEvent, callback: Callable[..., object]) -> Callable[[], None]:
        """Calls `callback` on an event.

        Args:
            event: "complete" gives each Task that has ended well, "failed" each that ended otherwise (its
                status says how), "output" a Task and a line of what it says.
            callback: Called on the loop; one that raises is logged and changes nothing.

        Returns:
            A function that takes the callback off again.
        """
        return self._callbacks.add(event, callback)

    async def spawn(
        self,
        name: str,
        prompt: str | Prompt,
        options: Options | None = None,
        *,
        turn_options: TurnOptions | None = None,
        worktree: bool = False,
        asker: Asker = deny_unattended,
    ) -> Task:
        """Starts a task; it works in `options.cwd`.

        Args:
            name: What to call it.
            prompt: What to ask.
            options: Those of its session.
            turn_options: What holds for its turn: what it may do unasked, its model, its budget.
            worktree: Make a git worktree of the directory's repository, and work there.
            asker: Answers permission requests; by default they are denied.

        Raises:
            UsageError: The name or the prompt is none, or no worktree could be made.
            BusyError: A task of this name is at work, or another in this directory.
            WorkingDirectoryError: The directory does not exist.
        """
        options, turn_options = options or Options(), turn_options or TurnOptions()
        prompt = prompt if isinstance(prompt, Prompt) else Prompt(prompt)
        self._check(name, prompt.text)
        record = new_record(name, prompt, options.directory, options_to_json(turn_options), self._owner())
        task = Task(record, self._tell)
        self._tasks[task.id] = task
        request = TaskRequest(
            options=options,
            turn_options=turn_options,
            asker=asker,
            prompt=prompt,
            notices=prompt.notices,
        )
        try:
            if worktree:
                await give_worktree(task)
            await self._worker.begin(task, request)
        except BaseException:
            self._tasks.pop(task.id, None)
            later(self._records.take_back, task.record)
            if task.worktree is not None:
                await remove_worktree(Path(task.record.project), task.worktree, task.branch)
            raise
        return task

    async def resume(
        self,
        which: str,
        options: Options | None = None,
        *,
        turn_options: TurnOptions | None = None,
        asker: Asker = deny_unattended,
    ) -> Task:
        """Goes on with a task that was interrupted, cancelled or has failed, in its conversation.

        Args:
            which: Its id or name.
            options: Those of its session; the directory is the task's own.
            turn_options: What holds for its turn; as at its start if None.
            asker: Answers permission requests; by default they are denied.

        Raises:
            UsageError: There is none of this name, or it was completed.
            BusyError: It is at work, or another in its directory.
        """
        task = await self.look_up(which)
        if not task.status.is_over:
            raise BusyError(f"Task {task.name!r} is at work. See %claude_tasks show {task.name}")
        if task.status is TaskStatus.COMPLETED:
            raise UsageError(f"Task {task.name!r} was completed. See %claude_tasks show {task.name}")
        before = task.record
        task.change(**self._owner(), status=TaskStatus.PENDING, started=time.time(), ended=0.0, error="")
        try:
            if task.session is not None:
                await task.session.stop()
                task.session = None
            request = TaskRequest(
                options=options or Options(),
                turn_options=turn_options or task.options_before,
                asker=asker,
                prompt=task.asked,
            )
            await self._worker.begin(task, await continuation_of(before, request))
        except BaseException:
            later(self._records.take_back, task.record, before)
            task.record = before
            raise
        return task

    def get(self, task_id: str) -> Task | None:
        """The task with this id."""
        return next((task for task in self.list() if task.id == task_id), None)

    def find_by_name(self, name: str) -> Task | None:
        """The task of this name: the one at work, else the newest."""
        return _of_name(self.list(), name)

    def find(self, which: str) -> Task:
        """The task with this id or name.

        Raises:
            UsageError: There is none.
        """
        return _find(self.list(), which)

    async def look_up(self, which: str) -> Task:
        """The task with this id or name, as `find` gives it, without holding up the loop.

        Raises:
            UsageError: There is none.
        """
        return _find(await self.look(), which)

    def running(self) -> list[Task]:
        """The tasks at work, oldest first."""
        return [task for task in self._tasks.values() if not task.status.is_over]

    async def cancel(self, which: str) -> Task:
        """Ends a task and every process of it; what it has said is kept. One that is over stays as it was.

        One that an earlier kernel left interrupted is not going to be resumed.

        Raises:
            UsageError: There is none of this name.
        """
        task = await self.look_up(which)
        if task.session is not None:
            await task.session.stop()
            await task.wait()
        elif not task.status.is_over:
            task.change(status=TaskStatus.CANCELLED)  # while its worktree is made: see `Worker.begin`
        if task.status is TaskStatus.INTERRUPTED:
            task.change(status=TaskStatus.CANCELLED)
            await self._worker.keep(task)
        return task

    async def cleanup(self) -> list[Task]:
        """Forgets the tasks that are over, but for those that can be resumed; the result files stay.

        A worktree in which nothing would be lost is removed; of others, `worktree` still says where they are.

        Returns:
            Those that were forgotten.
        """
        over = [task for task in await self.look() if task.status.is_over]
        tasks = [task for task in over if task.status is not TaskStatus.INTERRUPTED]
        for task in tasks:
            if task.session is not None:
                await task.session.stop()
            if task.worktree is not None and await remove_worktree(
                Path(task.record.project), task.worktree, task.branch
            ):
                task.change(worktree="", branch="")
            await off_loop(self._records.forget, task.id)
            self._tasks.pop(task.id, None)
        return tasks

    async def close(self) -> None:
        """Ends everything; tasks at work are interrupted, and can be resumed by the next kernel."""
        tasks, sessions = list(self._tasks.values()), self.sessions()
        for task in tasks:
            task.closing = True
        await asyncio.gather(*(session.stop() for session in sessions))
        await asyncio.gather(*(task.wait() for task in tasks))
        self._tasks.clear()

    def kill_now(self) -> None:
        """Ends every process without a loop, for interpreter exit."""
        for session in self.sessions():
            session.kill_now()

    def report(self, task: Task) -> str:
        """A task and what it came to so far, as Markdown."""
        return report_of(task)

    def notices(self) -> list[str]:
        """What the person should know of where tasks are remembered; each is told once."""
        return self._records.notices()

    # What is there

    def _check(self, name: str, prompt: str) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"The task's name {name[:60]!r} is none: use letters, digits, and between them _ . -"
            )
        if not prompt.strip():
            raise UsageError("The prompt is empty. Write what you want to ask.")
        if any(task.name == name for task in self.running()):
            raise BusyError(
                f"A task {name!r} is at work. Take another name, or cancel it: %claude_tasks cancel {name}"
            )

    def _owner(self) -> dict[str, Any]:
        notebook = {"kernel_id": self.notebook.kernel_id, "path": self.notebook.path}
        kernel = {"kernel_pid": os.getpid(), "kernel_created": creation_time(os.getpid())}
        return notebook | kernel | {"inode": self.notebook.inode}

    def _tell(self, task: Task, line: str) -> None:
        self._callbacks.emit("output", task, line)

    def _all(self, records: Iterable[TaskRecord]) -> list[Task]:
        """All tasks, with what this notebook's earlier kernels have left."""
        for record in records:
            if record.id not in self._tasks:
                task = self._tasks[record.id] = Task(record, self._tell)
                if not record.status.is_over:
                    task.change(status=TaskStatus.INTERRUPTED)
        return sorted(self._tasks.values(), key=lambda task: task.started)

    def sessions(self) -> list[Session]:
        """The sessions that work on tasks, or have in this kernel."""
        return [task.session for task in self._tasks.values() if task.session is not None]

    # These last, because `list` hides the type of this name below it.
    async def look(self) -> list[Task]:
        """All tasks that are known, as `list` gives them, without holding up the loop."""
        return self._all(await off_loop(self._records.of_notebook, self.notebook))

    def list(self) -> list[Task]:
        """All tasks that are known, oldest first: this kernel's, and what earlier ones have left.

        This waits, for up to a second, while another process holds the state folder locked, as `get` and both
        ways to find one do; in a coroutine `look` and `look_up` don't hold up the loop.
        """
        return self._all(self._records.of_notebook(self.notebook))


def _find(tasks: list[Task], which: str) -> Task:
    task = next((task for task in tasks if task.id == which), None) or _of_name(tasks, which)
    if task is None:
        names = ", ".join(dict.fromkeys(task.name for task in tasks))
        hint = f" Known: {names}." if names else ""
        raise UsageError(f"There is no task {which!r}.{hint} Start one with: %%claude --task NAME")
    return task


def _of_name(tasks: list[Task], name: str) -> Task | None:
    matches = [task for task in tasks if task.name == name]
    return next((task for task in matches if not task.status.is_over), matches[-1] if matches else None)


@cache
def default_task_manager() -> TaskManager:
    """The manager of this kernel, which the magics use; a forked child gets its own."""
    return TaskManager()


os.register_at_fork(after_in_child=default_task_manager.cache_clear)
