"""`%%claude --task NAME` and `%claude_tasks`: work in the background, with a name and a place of its own."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line, strip_controls
from claude_magic.errors import UsageError
from claude_magic.magics.arguments import OPTIONS, Word, flag_values, magic, session_changes, turn_options
from claude_magic.magics.output import say, show
from claude_magic.magics.schema_name import schema_named
from claude_magic.magics.status import would_send
from claude_magic.session import Session, SessionState
from claude_magic.views import table_output
from claude_magic.wording.tables import Table
from claude_magic.wording.units import ago

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.magics.cell import CellAsker, Cells
    from claude_magic.notebook.conversation_store import NotebookKey
    from claude_magic.notebook.settings import Settings
    from claude_magic.prompt import Prompt
    from claude_magic.result import Result
    from claude_magic.tasks import Task, TaskManager

__all__ = ["TaskMagics", "check_task_options"]

_USAGE = "[show NAME | wait [NAME] | cancel NAME | resume NAME [options] | cleanup]"
_HEAD = ("task", "status", "took", "directory", "last line", "id")


class TaskMagics:
    """The magics about tasks.

    Args:
        shell: The shell.
        cells: Shows their turns in cells.
        notebook: What the notebook is known by.
        settings: Its settings.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        cells: Cells,
        notebook: NotebookKey,
        settings: Settings,
    ) -> None:
        self._shell = shell
        self._cells = cells
        self._notebook = notebook
        self._settings = settings
        self._manager: TaskManager | None = None

    @property
    def manager(self) -> TaskManager:
        """The kernel's tasks."""
        return self._manager or self.introduce()

    def introduce(self) -> TaskManager:
        """Tells the kernel's manager of the notebook; to be done before somebody asks it from Python."""
        from claude_magic.tasks import default_task_manager  # noqa: PLC0415  # load budget

        manager = self._manager = default_task_manager()
        manager.notebook = self._notebook
        return manager

    @property
    def sessions(self) -> list[Session]:
        """The tasks' sessions."""
        return self._manager.sessions() if self._manager is not None else []

    @property
    def names(self) -> list[str]:
        """The names of the tasks that are known."""
        return list(dict.fromkeys(task.name for task in self.manager.list()))

    async def start(self, arguments: Namespace, prompt: Prompt, out: Callable[[Result], None]) -> None:
        """Starts the task that a cell asks for, and shows its turn there."""
        options, turn = await self._settings.options(session_changes(arguments)), turn_options(arguments)
        if arguments.dry_run:
            session = Session(options, name=arguments.task)
            say(would_send(session, prompt, flag_values(arguments), turn.schema))
            return
        asker = self._cells.asker(background=True)
        task = await self.manager.spawn(
            arguments.task,
            prompt,
            options,
            turn_options=turn,
            worktree=arguments.worktree,
            asker=asker,
        )
        self._show_turn(task, asker, flag_values(arguments), out)

    @magic(
        Word("action", ("cancel", "cleanup", "resume", "show", "wait")),
        Word("name", lambda in_use: in_use.tasks.names),
        *(each for each in OPTIONS if each.scope),
        usage=_USAGE,
    )
    async def claude_tasks(self, arguments: Namespace) -> None:
        """List tasks, or act on one.

        Start one with `%%claude --task NAME`. `show` gives what it has said; `resume` goes on with one that
        was cut off, with other options if you give them: `resume NAME --allow Edit`; `cleanup` forgets those
        that are over, and the files with their results stay.
        """
        if arguments.action != "resume" and flag_values(arguments):
            raise UsageError(f"Options go with resume. Usage: %claude_tasks {_USAGE}")
        match arguments.action, arguments.name:
            case None, None:
                await self._list()
            case "show", str(name):
                await self._show(name)
            case "cancel", str(name):
                await self._cancel(name)
            case "resume", str(name):
                await self._resume(name, arguments)
            case "wait", None:
                await self._wait(self.manager.running())
            case "wait", str(name):
                await self._wait([await self.manager.look_up(name)])
            case "cleanup", None:
                await self._clean_up()
            case _:
                raise UsageError(f"Usage: %claude_tasks {_USAGE}")

    async def close(self) -> None:
        """Ends the tasks; those at work can be resumed."""
        if self._manager is not None:
            await self._manager.close()

    def kill_now(self) -> None:
        """Ends their processes without a loop, for interpreter exit."""
        if self._manager is not None:
            self._manager.kill_now()

    # The subcommands

    async def _list(self) -> None:
        tasks = await self.manager.look()
        if not tasks:
            say("No task yet. Start one with: %%claude --task NAME")
            return
        note = "More about one: %claude_tasks show NAME. What it came to: .claude-tasks/task-ID-output.md"
        if any(task.status == "interrupted" for task in tasks):
            note += " Go on with one that was interrupted: %claude_tasks resume NAME"
        show(self._shell, table_output(Table(_HEAD, [_row(task) for task in tasks], note)))

    async def _show(self, name: str) -> None:
        task = await self.manager.look_up(name)
        path = task.result_path
        if task.transcripts and task.status.is_over:
            text = self.manager.report(task)
            show(self._shell, {"text/markdown": text, "text/plain": text})
        elif task.transcripts:
            say(strip_controls("\n".join([_line(task), *task.output])))
        elif await asyncio.to_thread(path.is_file):
            text = await asyncio.to_thread(path.read_text, encoding="utf-8", errors="replace")
            say(strip_controls(text))
        else:
            say(f"{_line(task)}\n> {one_line(task.prompt, 300)}")

    async def _cancel(self, name: str) -> None:
        task = await self.manager.cancel(name)
        say(f"{_line(task)}{_result(task)}")

    async def _resume(self, name: str, arguments: Namespace) -> None:
        task, flags = await self.manager.look_up(name), flag_values(arguments)
        if arguments.schema is not None:
            arguments.schema = schema_named(arguments.schema, self._shell.user_ns)
        options = await self._settings.options(session_changes(arguments) | {"cwd": str(task.cwd)})
        asker = self._cells.asker(background=True)
        await self.manager.resume(
            name, options, turn_options=turn_options(arguments) if flags else None, asker=asker
        )
        self._show_turn(task, asker, {"--task": task.name} | flags, lambda _: None)

    async def _wait(self, tasks: list[Task]) -> None:
        if not tasks:
            say("No task is at work.")
        for task in tasks:
            if task.session is not None:
                await self._cells.wait(task.session)
            await task.wait()
            say(f"{_line(task)}{_result(task)}")

    async def _clean_up(self) -> None:
        tasks = await self.manager.cleanup()
        if not tasks:
            say("There was nothing to forget.")
            return
        with_worktree = [task for task in tasks if task.worktree is not None]
        count = f"{len(tasks)} task{'s' * (len(tasks) > 1)}"
        say(f"Forgot {count}; the files with the results stay.")
        for task in with_worktree:
            say(f"The worktree {task.worktree} (branch {task.branch}) has changes and stays too.")

    # Helpers

    def _show_turn(
        self, task: Task, asker: CellAsker, options: Mapping[str, str], out: Callable[[Result], None]
    ) -> None:
        assert task.session is not None  # noqa: S101  # it has just been started
        assert task.turn is not None  # noqa: S101
        task.announce(options)
        self._cells.show(task.session, task.turn, asker, out)


def check_task_options(arguments: Namespace) -> None:
    """Refuses what does not go with a task, or only with one.

    Raises:
        UsageError: In one line, what is wrong.
    """
    if arguments.task is None and arguments.worktree:
        raise UsageError("--worktree is for tasks. Give the task a name: %%claude --task NAME --worktree")
    if arguments.task is not None and arguments.session is not None:
        raise UsageError("A task has a session of its own. Leave out --session, or --task.")
    if arguments.task is not None and (arguments.cell or arguments.replace):
        raise UsageError("A task's answer stays in its own cell. Leave out --cell and --replace, or --task.")


def _row(task: Task) -> tuple[str, ...]:
    last = task.error if task.status.is_over and task.error else task.last_line
    return (
        task.name,
        _state(task),
        _duration(task),
        str(task.cwd),
        one_line(last, 60),
        task.id,
    )


def _state(task: Task) -> str:
    waits = task.session is not None and task.session.state is SessionState.WAITING
    return SessionState.WAITING.value if waits else task.status.value


def _duration(task: Task) -> str:
    if task.status.is_over and not task.ended:
        return f"begun {ago(time.time() - task.started)}"
    minutes, seconds = divmod(round(task.elapsed), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _line(task: Task) -> str:
    what = "is at work" if not task.status.is_over else f"is {task.status.value}"
    what = "has failed" if task.status == "failed" else what
    why = f": {task.error}" if task.error else ""
    return f"Task {task.name!r} {what}, in {task.cwd}{why}"


def _result(task: Task) -> str:
    return f"\n{task.warning or f'Its result: {task.result_path}'}"
