"""The tree below a child process: who belongs to it, and its end.

Every Bash tool call of the CLI leaves the process group (`setsid`), and the children of a process that dies
lose their parent. So members are known in two ways: by parentage, while the leader lives, and by a tag in
the environment, which descendants inherit (measured: Bash tools and MCP servers of both generations have it).
In the middle of an exec a process has no environment, for milliseconds on a busy machine: then one looks
again. Members are only signalled through psutil handles, which compare the creation time with the pid first.
Nothing here raises: what cannot be looked at, for want of rights or of descriptors, is left alone.

With `processes.child` the only module that signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psutil

__all__ = ["TREE_TAG", "ProcessTree", "kill_tagged"]

TREE_TAG = "CLAUDE_MAGIC_TREE"
POLL = 0.01  # seconds between looking whether the killed are gone
KILL_WAIT = 1.0  # seconds until those that survive SIGKILL are given up


class ProcessTree:
    """A child process of ours and its descendants.

    Args:
        pid: The child's process id; it leads a session and a group of its own. 0 if it is not known.
        tag: The value of `TREE_TAG` in its environment.
    """

    def __init__(self, pid: int, tag: str) -> None:
        self.killed: set[int] = set()
        self._pid = pid
        self._tag = tag
        self._leader = _handle(pid) if pid else None
        self._owner = os.getpid()
        self._members: set[psutil.Process] = set()

    def members(self) -> list[psutil.Process]:
        """The descendants that live now, without the leader; whoever was found before still counts."""
        self._look()
        return list(self._members)

    def escaped(self) -> dict[int, str]:
        """The members that are no longer below the leader, by their pids: what they are called."""
        import psutil  # noqa: PLC0415

        below = self._descendants()
        names = {}
        for member in self.members():
            with contextlib.suppress(psutil.Error, OSError):
                if member not in below:
                    names[member.pid] = member.name()
        return names

    def signal_group(self, number: signal.Signals) -> None:
        """Signals the group that the leader leads, if the leader is still there."""
        if self._is_ours and self._leader is not None and _is_alive(self._leader):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    def kill(self) -> bool:
        """Kills the leader's group and every member.

        Returns:
            Whether a member was left to kill, or may still be found.
        """
        if not self._is_ours:
            return False
        is_complete = self._look()
        self.signal_group(signal.SIGKILL)
        self.killed.update(_kill(self._members))
        return bool(self._members) or not is_complete

    async def end(self) -> None:
        """Kills until no member is left, at most `KILL_WAIT` seconds: one may just have had a child."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + KILL_WAIT
        while self.kill() and clock() < deadline:  # noqa: ASYNC110  # strangers to us: no event tells
            await asyncio.sleep(POLL)

    @property
    def _is_ours(self) -> bool:
        """We are no forked child of the process that it belongs to."""
        return os.getpid() == self._owner

    def _look(self) -> bool:
        """Finds the members; False if somebody else may be one."""
        tagged, is_complete = _find_tagged(self._tag)
        self._members.update(self._descendants(), tagged)
        self._members = {member for member in self._members if member.pid != self._pid and _is_alive(member)}
        return is_complete

    def _descendants(self) -> list[psutil.Process]:
        import psutil  # noqa: PLC0415  # 9 ms, only when something starts or ends

        with contextlib.suppress(psutil.Error, OSError):
            if self._leader is not None:
                return self._leader.children(recursive=True)
        return []


def kill_tagged(tag: str) -> None:
    """Kills every process that carries this value of `TREE_TAG`, and reaps our own children among them."""
    import psutil  # noqa: PLC0415

    deadline = time.monotonic() + KILL_WAIT
    members, is_complete = _find_tagged(tag)
    while (members or not is_complete) and time.monotonic() < deadline:
        _kill(members)
        psutil.wait_procs(members, timeout=KILL_WAIT)
        time.sleep(POLL)
        members, is_complete = _find_tagged(tag)


def _kill(members: Iterable[psutil.Process]) -> list[int]:
    import psutil  # noqa: PLC0415

    pids = []
    for member in members:
        with contextlib.suppress(psutil.Error, OSError):
            member.kill()  # checks the creation time first
            pids.append(member.pid)
    return pids


def _find_tagged(tag: str) -> tuple[list[psutil.Process], bool]:
    """The processes that carry a tag; and False if of one nobody can tell yet."""
    import psutil  # noqa: PLC0415

    tags: dict[int, str | None] = {}
    with contextlib.suppress(OSError):
        tags = {process.pid: _tag_of(process) for process in psutil.process_iter()}
    # psutil keeps handles from one look to the next: new ones, in case a pid has been reused in between
    handles = (_handle(pid) for pid, value in tags.items() if value == tag)
    members = [handle for handle in handles if handle is not None and _tag_of(handle) == tag]
    return members, None not in tags.values()


def _tag_of(process: psutil.Process) -> str | None:
    """The tag in a process's environment, "" if it has none; None in the middle of an exec."""
    import psutil  # noqa: PLC0415

    with contextlib.suppress(psutil.Error, OSError):  # gone, or another user's
        for _ in range(2):  # the exec may end between two of these calls
            if environment := process.environ():
                return environment.get(TREE_TAG, "")
            if not process.cmdline() and process.memory_info().vms > 0:  # a kernel thread has no memory
                return None
    return ""


def _is_alive(process: psutil.Process) -> bool:
    import psutil  # noqa: PLC0415

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _handle(pid: int) -> psutil.Process | None:
    import psutil  # noqa: PLC0415

    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid)
    return None
