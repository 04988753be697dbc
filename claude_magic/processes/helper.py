"""Small processes of ours that nobody needs to see: the question for the CLI's version, the offline model.

The promise: they are in no list, but the guard watches over them, so that they end with this kernel however
it ends. The end of their stdin is not enough: a forked child of the kernel can hold it open.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from claude_magic.processes.child import ChildProcess
from claude_magic.processes.identity import creation_time
from claude_magic.processes.manager import default_manager

__all__ = ["start_helper"]

_ends: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


async def start_helper(argv: Sequence[str], env: Mapping[str, str]) -> ChildProcess:
    """Starts `argv` under the eyes of the guard.

    Args:
        argv: Program and arguments; the program is a path.
        env: The child's whole environment.

    Raises:
        CLINotFoundError: The program cannot be run.
        StartError: The system refused.
    """
    guard, mark = default_manager().guard, uuid.uuid4().hex
    guard.watch(mark)  # before there is anything to watch, so that nothing is missed
    try:
        child = await ChildProcess.spawn(argv, cwd=Path("/"), env=env, mark=mark)
    except BaseException:
        guard.forget(mark)
        raise
    guard.watch(mark, child.pid, creation_time(child.pid))
    end = asyncio.create_task(_see_end(child, mark, os.getpid()), name="claude_magic helper")
    _ends.add(end)
    end.add_done_callback(_ends.discard)
    return child


async def _see_end(child: ChildProcess, mark: str, kernel: int) -> None:
    try:
        await child.wait_closed()
    finally:
        if os.getpid() == kernel:  # else a forked child, whose copies of our tasks end
            default_manager().guard.forget(mark)
