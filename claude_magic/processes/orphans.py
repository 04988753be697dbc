"""The end of trees that have lost the kernel that started them.

For the guard, when its kernel is gone, and for whoever finds what a dead kernel has left. Signals through
`processes.tree` alone, and only what was verified: a leader by pid and creation time, the others by the tag
in their environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from claude_magic.processes.identity import is_same_process
from claude_magic.processes.tree import ProcessTree

__all__ = ["Leader", "kill_orphan_trees"]

EOF_GRACE = 1.0  # seconds to end by themselves, now that their input has; measured: 0.07 if idle
KILL_WAIT = 2.0  # seconds until those that survive SIGKILL are given up
POLL = 0.02


class Leader(Struct, frozen=True):
    """A process that a kernel started.

    Args:
        pid: Its id; 0 if it is not known.
        created: Its creation time, as `creation_time` gives it.
        tag: The value of `TREE_TAG` in its environment.
    """

    pid: int
    created: str
    tag: str

    @property
    def is_running(self) -> bool:
        """The process still runs."""
        return is_same_process(self.pid, self.created)


def kill_orphan_trees(leaders: Iterable[Leader], patience: float = EOF_GRACE) -> None:
    """Ends them with all that belongs to them: a while to end by themselves, then SIGKILL. Blocks.

    No SIGTERM: 2.1.191, ended by it within a tool call, keeps that call as the place where the conversation
    goes on, and returns to it after a later crash; what was said in between is forgotten (measured). What a
    CLI has to write it writes in 0.1 s.

    Args:
        leaders: Which.
        patience: Seconds of the while; 0 goes straight to SIGKILL.
    """
    trees = [(leader, _tree(leader)) for leader in leaders]
    if patience:
        for _, tree in trees:
            tree.members()  # looked up now: parentage is lost when the leader ends
        _until(lambda: _all_gone(trees, even_if_alive=False), patience)
    _until(lambda: _all_gone(trees, even_if_alive=True), KILL_WAIT)


def _all_gone(trees: list[tuple[Leader, ProcessTree]], *, even_if_alive: bool) -> bool:
    """Kills what the leaders have left, and those that live too if it is time; whether nothing was there."""
    kills = [tree.kill() for leader, tree in trees if even_if_alive or not leader.is_running]
    return not any(kills) and not any(leader.is_running for leader, _ in trees)


def _tree(leader: Leader) -> ProcessTree:
    tree = ProcessTree(leader.pid, leader.tag)
    # Looked at after the handle was made: what it holds is the leader, or there is none.
    return tree if leader.is_running else ProcessTree(0, leader.tag)


def _until(condition: Callable[[], bool], bound: float) -> None:
    deadline = time.monotonic() + bound
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL)
