"""The guard's program: waits for the end of a kernel, then ends the trees that the kernel has registered.

Run as a file, with `python -I -S`: while the kernel lives it is three modules of the standard library and a
few MB. What signals is imported when the kernel is gone. The kernel's end shows in two ways: the pipe on
stdin closes, or this process has another parent, which a forked child with the pipe cannot hide.
"""

from __future__ import annotations

import os
import select
import sys

__all__ = ["main"]

POLL = 1.0  # seconds between looking at the parent

_Trees = dict[str, tuple[int, str]]  # tag → pid, creation time


def main(kernel: int, folders: list[str]) -> None:
    """Watches.

    Args:
        kernel: The pid of the kernel, our parent.
        folders: Where claude_magic and psutil are imported from.
    """
    trees: _Trees = {}
    rest = b""
    while True:
        gone = os.getppid() != kernel  # perhaps before we ran: what it had said is still to be read
        if select.select([0], [], [], 0 if gone else POLL)[0]:
            chunk = os.read(0, 65536)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _handle(line.decode(), trees)
        elif gone:
            break
    if trees:
        _end(trees, folders)


def _handle(line: str, trees: _Trees) -> None:
    """`+ TAG PID CREATED` begins to watch a tree, `- TAG` ends it."""
    sign, tag, *leader = line.split(" ")
    if sign == "+":
        trees[tag] = int(leader[0]), leader[1]
    else:
        trees.pop(tag, None)


def _end(trees: _Trees, folders: list[str]) -> None:
    sys.path += folders
    from claude_magic.processes.orphans import Leader, kill_orphan_trees  # noqa: PLC0415
    from claude_magic.processes.private_files import remove_leftovers  # noqa: PLC0415  # keeps the watcher small

    kill_orphan_trees(Leader(pid, created, tag) for tag, (pid, created) in trees.items())
    remove_leftovers()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
