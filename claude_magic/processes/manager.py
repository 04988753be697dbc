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
from claude_magic.processes.private_files import remove_left
from claude_magic.processes.registry import ProcessInfo, ProcessRegistry, ProcessStatus
from claude_magic.processes.spawn_options import SpawnOptions
from claude_magic.support.callbacks import Callbacks
from claude_magic.support.state_file import later, off_loop, written

__all__ = ["ProcessManager", "SpawnOptions", "default_manager"]

ExitCallback = Callable[[ProcessInfo], object]


class _Managed(Struct):
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
        self._managed: dict[str, _Managed] = {}
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
        child, _ = await self._guarded(options, uuid.uuid4().hex)
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
        await asyncio.gather(*(_stop(managed, timeout) for managed in self._managed.values()))

    async def restart(self, process_id: str) -> ProcessInfo:
        """Ends a process that `spawn` has started, and runs it again with exactly the same options.

        Raises:
            UsageError: There is none of this name, or it is a conversation's (use its session).
            StartError: It could not be started again.
        """
        managed = self._find(process_id)
        if managed.info.session_id:
            raise UsageError(f"The process {process_id!r} is a conversation's. Use %claude_restart.")
        await self.stop(process_id)
        return await self.spawn(managed.options)

    def is_running(self, process_id: str) -> bool:
        """A process of this name lives here."""
        managed = self._managed.get(process_id)
        return managed is not None and managed.child.is_running

    def converses(self, process_id: str, session_id: str) -> None:
        """A process speaks for another conversation from now on, as after `/clear`."""
        managed = self._managed.get(process_id)
        if managed is not None and managed.info.session_id != session_id:
            managed.info = replace(managed.info, session_id=session_id)
            later(self.registry.update, managed.info)

    async def kill_orphans(self) -> list[ProcessInfo]:
        """Ends what kernels have left that are gone, and forgets it.

        Returns:
            Those that still ran.
        """
        left = [info for info in await off_loop(self.registry.get_all) if not info.kernel_lives]
        running = [info for info in left if info.is_running]
        if running:  # in a thread: it waits for their end
            leaders = [Leader(info.pid, info.created, info.mark) for info in running]
            await asyncio.to_thread(kill_orphan_trees, leaders, patience=0)
        for info in left:
            await off_loop(self.registry.unregister, info)
        await asyncio.to_thread(remove_left)
        return running

    async def _start(
        self,
        options: SpawnOptions,
        session_id: str = "",
        redact: Callable[[str], str] = str,
        *,
        drained: bool = False,
    ) -> _Managed:
        await self.kill_orphans()
        info = self._announced(options, session_id)
        try:
            await off_loop(self.registry.register, info)
            child, end = await self._guarded(
                options, info.mark, redact, lambda: self._ended(managed), drained=drained
            )
        except BaseException:
            later(self.registry.unregister, info)
            raise
        info = replace(info, pid=child.pid, created=creation_time(child.pid))
        later(self.registry.update, info)
        managed = self._managed[options.id] = _Managed(options, info, child, end)
        return managed

    async def _guarded(
        self,
        options: SpawnOptions,
        mark: str,
        redact: Callable[[str], str] = str,
        ended: Callable[[], object] = lambda: None,
        *,
        drained: bool = False,
    ) -> tuple[ChildProcess, asyncio.Task[None]]:
        """The one start of a child.

        Args:
            options: What to run.
            mark: The value of `MARK` in its environment.
            redact: Takes secrets out of what is shown of its stderr.
            ended: Called once it has ended.
            drained: Nobody reads its output.

        Returns:
            The child, and what is done when it has ended and the guard has let go of it.
        """
        self.guard.watch(mark)  # before there is anything to watch, so that nothing is missed
        argv = [options.command, *options.args]
        try:
            child = await ChildProcess.spawn(
                argv, cwd=Path(options.cwd), env=options.env, redact=redact, mark=mark
            )
        except BaseException:
            self.guard.forget(mark)
            raise
        self.guard.watch(mark, child.pid, creation_time(child.pid))
        end = asyncio.create_task(
            self._until_end(child, mark, ended, drained=drained), name="claude_magic end"
        )
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        return child, end

    def _announced(self, options: SpawnOptions, session_id: str) -> ProcessInfo:
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
        self, child: ChildProcess, mark: str, ended: Callable[[], object], *, drained: bool
    ) -> None:
        kernel = os.getpid()
        try:
            while drained and await child.read():
                pass
            await child.wait_closed()
        finally:
            if os.getpid() == kernel:  # else a forked child, whose copies of our tasks end
                self.guard.forget(mark)
                ended()

    def _ended(self, managed: _Managed) -> None:
        code = managed.child.returncode
        well = managed.stopping or code == 0
        status = ProcessStatus.STOPPED if well else ProcessStatus.CRASHED
        info = managed.info = replace(managed.info, status=status, returncode=code)
        if info.session_id:
            later(self.registry.unregister, info)
            if self._managed.get(info.id) is managed:
                del self._managed[info.id]
        else:
            later(self.registry.update, info)
        self._callbacks.emit("exit", info)

    def _find(self, process_id: str) -> _Managed:
        if process_id not in self._managed:
            known = ", ".join(self._managed) or "none"
            raise UsageError(f"There is no process {process_id!r}. Known: {known}.")
        return self._managed[process_id]

    # The last, because its name hides the type of this name below it.
    def list(self) -> list[ProcessInfo]:
        """The processes started here, oldest first: those that run, and how the commands among them ended."""
        return [managed.info for managed in self._managed.values()]


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


async def _stop(managed: _Managed, timeout: float) -> StopReport | None:  # noqa: ASYNC109
    if not managed.child.is_running:
        return None
    managed.stopping = True
    report = await managed.child.stop(timeout)
    await asyncio.wait({managed.end})
    await written()
    return report
