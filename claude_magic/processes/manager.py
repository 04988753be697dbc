"""Every child process of this kernel that is claude_magic's: started, named, watched over, ended.

The promise: from before its start to its end the guard watches over a process's tree, whatever program it is
and however it ends, also if its start fails or is cancelled. `ClaudeProcess` gets its child from `open`,
`spawn` runs any other command; these are in the registry, what `start_helper` starts is in no list.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from claude_magic.errors import UsageError
from claude_magic.processes.child import ChildProcess, StopReport
from claude_magic.processes.guard import Guard
from claude_magic.processes.identity import creation_time
from claude_magic.processes.orphans import Leader, kill_orphan_trees
from claude_magic.processes.private_files import remove_leftovers
from claude_magic.processes.registry import ProcessInfo, ProcessRegistry, ProcessStatus
from claude_magic.processes.spawn_options import SpawnOptions
from claude_magic.support.callbacks import Callbacks
from claude_magic.support.state_file import flush, later, off_loop

__all__ = ["ProcessManager", "SpawnOptions", "default_manager"]

ExitCallback = Callable[[ProcessInfo], object]


class _ManagedProcess(Struct):
    """A process that was started here."""

    options: SpawnOptions
    info: ProcessInfo
    child: ChildProcess
    end: asyncio.Task[None]
    stopping: bool = False


class ProcessManager:
    """Runs processes by name.

    Args:
        registry: Where all kernels' processes are kept.
        guard: Who ends them if this kernel is gone.
        notebook: This kernel's notebook, for others to see.
    """

    def __init__(
        self, registry: ProcessRegistry | None = None, guard: Guard | None = None, *, notebook: str = ""
    ) -> None:
        self.registry = registry or ProcessRegistry()
        self.guard = guard or Guard()
        self.notebook = notebook
        self._processes: dict[str, _ManagedProcess] = {}
        self._callbacks = Callbacks()
        self._ends: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive

    def on(self, event: Literal["exit"], callback: ExitCallback) -> Callable[[], None]:
        """Calls `callback` with the ProcessInfo of every process that has ended.

        Args:
            event: There is only one.
            callback: Called on the process's event loop; one that raises is logged and changes nothing.

        Returns:
            A function that takes the callback off again.
        """
        return self._callbacks.add(event, callback)

    async def spawn(self, options: SpawnOptions) -> ProcessInfo:
        """Runs a command; its output is read and dropped, its input stays open until it is stopped.

        Raises:
            InUseError: A live process of this or another kernel has this id.
            CLINotFoundError: The program cannot be run.
            StartError: It could not be started.
        """
        return (await self._start(options, drained=True)).info

    async def open(
        self, options: SpawnOptions, *, session_id: str, redact: Callable[[str], str] = str
    ) -> ChildProcess:
        """Starts a conversation's process, for somebody who talks to it; it is forgotten when it has ended.

        Args:
            options: What to run.
            session_id: The conversation that it is going to speak for.
            redact: Takes secrets out of what is shown of its stderr.

        Returns:
            The child; end it by its own `stop` or `kill`, or by this manager's.

        Raises:
            InUseError: A live process speaks for the conversation.
            CLINotFoundError: The program cannot be run.
            StartError: It could not be started.
        """
        return (await self._start(options, session_id, redact)).child

    async def start_helper(self, argv: Sequence[str], env: Mapping[str, str]) -> ChildProcess:
        """Starts a small process of ours that nobody needs to see, as the question for the CLI's version.

        The guard ends it with this kernel; the end of its stdin is not enough for that, as a forked child of
        the kernel can hold it open.

        Args:
            argv: Program and arguments; the program is a path.
            env: The child's whole environment.

        Raises:
            CLINotFoundError: The program cannot be run.
            StartError: The system refused.
        """
        options = SpawnOptions(Path(argv[0]).name, argv[0], tuple(argv[1:]), "/", env)
        child, _ = await self._spawn_child(options, uuid.uuid4().hex)
        return child

    async def stop(self, process_id: str, timeout: float = 5.0) -> StopReport | None:  # noqa: ASYNC109
        """Ends a process by the ladder of `ChildProcess.stop`.

        Args:
            process_id: Which.
            timeout: Seconds for each rung.

        Returns:
            The rung reached; None if it had ended before.

        Raises:
            UsageError: There is none of this name.
        """
        return await _stop(self._find(process_id), timeout)

    async def stop_all(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Ends all of them at once, each as `stop` does."""
        await asyncio.gather(*(_stop(process, timeout) for process in self._processes.values()))

    async def restart(self, process_id: str) -> ProcessInfo:
        """Ends a process that `spawn` has started, and runs it again with exactly the same options.

        Raises:
            UsageError: There is none of this name, or it is a conversation's (use its session).
            StartError: It could not be started again.
        """
        process = self._find(process_id)
        if process.info.session_id:
            raise UsageError(f"The process {process_id!r} is a conversation's. Use %claude_restart.")
        await self.stop(process_id)
        return await self.spawn(process.options)

    def is_running(self, process_id: str) -> bool:
        """A process of this name lives here."""
        process = self._processes.get(process_id)
        return process is not None and process.child.is_running

    def converses(self, process_id: str, session_id: str) -> None:
        """A process speaks for another conversation from now on, as after `/clear`."""
        process = self._processes.get(process_id)
        if process is not None and process.info.session_id != session_id:
            process.info = replace(process.info, session_id=session_id)
            later(self.registry.update, process.info)

    async def kill_orphans(self) -> list[ProcessInfo]:
        """Ends what kernels have left that are gone, and forgets it.

        Returns:
            Those that still ran.
        """
        orphans = [info for info in await off_loop(self.registry.get_all) if not info.kernel_lives]
        running = [info for info in orphans if info.is_running]
        if running:  # in a thread: it waits for their end
            leaders = [Leader(info.pid, info.created, info.mark) for info in running]
            await asyncio.to_thread(kill_orphan_trees, leaders, patience=0)
        for info in orphans:
            await off_loop(self.registry.unregister, info)
        await asyncio.to_thread(remove_leftovers)
        return running

    async def _start(
        self,
        options: SpawnOptions,
        session_id: str = "",
        redact: Callable[[str], str] = str,
        *,
        drained: bool = False,
    ) -> _ManagedProcess:
        await self.kill_orphans()
        info = self._initial_info(options, session_id)
        try:
            await off_loop(self.registry.register, info)
            child, end = await self._spawn_child(
                options, info.mark, redact, lambda: self._conclude(process), drained=drained
            )
        except BaseException:
            later(self.registry.unregister, info)
            raise
        info = replace(info, pid=child.pid, created=creation_time(child.pid))
        later(self.registry.update, info)
        process = self._processes[options.id] = _ManagedProcess(options, info, child, end)
        return process

    async def _spawn_child(
        self,
        options: SpawnOptions,
        tag: str,
        redact: Callable[[str], str] = str,
        on_end: Callable[[], object] = lambda: None,
        *,
        drained: bool = False,
    ) -> tuple[ChildProcess, asyncio.Task[None]]:
        """The one start of a child.

        Args:
            options: What to run.
            tag: The value of `TREE_TAG` in its environment.
            redact: Takes secrets out of what is shown of its stderr.
            on_end: Called once it has ended.
            drained: Nobody reads its output.

        Returns:
            The child, and what is done when it has ended and the guard has let go of it.
        """
        self.guard.watch(tag)  # before there is anything to watch, so that nothing is missed
        argv = [options.command, *options.args]
        try:
            child = await ChildProcess.spawn(
                argv, cwd=Path(options.cwd), env=options.env, redact=redact, tag=tag
            )
        except BaseException:
            self.guard.forget(tag)
            raise
        self.guard.watch(tag, child.pid, creation_time(child.pid))
        end = asyncio.create_task(
            self._until_end(child, tag, on_end, drained=drained), name="claude_magic end"
        )
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        return child, end

    def _initial_info(self, options: SpawnOptions, session_id: str) -> ProcessInfo:
        """What is known before the start."""
        return ProcessInfo(
            id=options.id,
            pid=0,
            created="",
            kernel_pid=os.getpid(),
            kernel_created=creation_time(os.getpid()),
            cwd=str(options.cwd),
            notebook=self.notebook,
            session_id=session_id,
            mark=uuid.uuid4().hex,
            argv=options.shown_argv,
            status=ProcessStatus.RUNNING,
            started_at=time.time(),
        )

    async def _until_end(
        self, child: ChildProcess, tag: str, on_end: Callable[[], object], *, drained: bool
    ) -> None:
        kernel = os.getpid()
        try:
            while drained and await child.read():
                pass
            await child.wait_closed()
        finally:
            if os.getpid() == kernel:  # else a forked child, whose copies of our tasks end
                self.guard.forget(tag)
                on_end()

    def _conclude(self, process: _ManagedProcess) -> None:
        code = process.child.returncode
        well = process.stopping or code == 0
        status = ProcessStatus.STOPPED if well else ProcessStatus.CRASHED
        info = process.info = replace(process.info, status=status, returncode=code)
        if info.session_id:
            later(self.registry.unregister, info)
            if self._processes.get(info.id) is process:
                del self._processes[info.id]
        else:
            later(self.registry.update, info)
        self._callbacks.emit("exit", info)

    def _find(self, process_id: str) -> _ManagedProcess:
        if process_id not in self._processes:
            names = ", ".join(self._processes) or "none"
            raise UsageError(f"There is no process {process_id!r}. Known: {names}.")
        return self._processes[process_id]

    # The last, because its name hides the type of this name below it.
    def list(self) -> list[ProcessInfo]:
        """The processes started here, oldest first: those that run, and how the commands among them ended."""
        return [process.info for process in self._processes.values()]


@cache
def default_manager() -> ProcessManager:
    """The manager of this process; a forked child gets its own."""
    return ProcessManager()


def _leave_to_parent() -> None:
    """In a forked child: nothing of the parent's is ours."""
    if default_manager.cache_info().currsize:
        default_manager().guard.leave()
        default_manager.cache_clear()


os.register_at_fork(after_in_child=_leave_to_parent)


async def _stop(process: _ManagedProcess, timeout: float) -> StopReport | None:  # noqa: ASYNC109
    if not process.child.is_running:
        return None
    process.stopping = True
    report = await process.child.stop(timeout)
    await asyncio.wait({process.end})
    await flush()
    return report
