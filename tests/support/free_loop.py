"""No test of a session or a process passes if claude_magic held up the event loop in it.

`blockbuster` raises where a call that may block is made on a running loop, by claude_magic or for it. What is
left out is in ALLOWED, with the reason. Real kernels are not watched: there users block as they like.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from leaks import begin

WATCHED = {"claude_cli", "processes", "session", "tasks"}  # folders of tests
# In a file, anything below these functions may be called although it could block.
ALLOWED = {
    # /proc, which is memory and no disk, and only when a process starts or ends
    "claude_magic/processes/identity.py": {"creation_time", "is_same_process"},
    "claude_magic/processes/tree.py": {
        *("_descendants", "_handle", "_kill", "_is_alive", "_tag_of", "_find_tagged", "escaped"),
    },
    # a few file-system calls when a process starts: where the program is, and whether the folder is there
    "claude_magic/claude_cli/checks.py": {"directory"},
    "claude_magic/claude_cli/process.py": {"_build_of"},
    "claude_magic/claude_cli/locate.py": {"find_cli"},
    # a file for each private option when a process starts; in a thread it could be written after a cancel
    "claude_magic/processes/private_files.py": {"keep", "__exit__"},
    # two small settings files of the project, once for each process
    "claude_magic/session/startup_check.py": {"unexpected"},
    "claude_magic/processes/spawn_options.py": {"__post_init__"},
    # what asyncio does to start a process: it waits for the fork, and for the thread that will reap
    "claude_magic/processes/guard.py": {"_spawn", "_start"},
    "claude_magic/processes/child.py": {"spawn"},
    # a few file-system calls when a task starts: whether its folder is there, and which it really is
    "claude_magic/tasks/records.py": {"new_record"},
    # SQLite when somebody asks by `list`, and not by `look`, which tasks there are
    "claude_magic/tasks/manager.py": {"list"},
    "claude_magic/tasks/worktree.py": {"_program"},
    # where the kernel is, which is memory and no disk; and whether a path is there when it is given
    "claude_magic/options.py": {"_make_absolute", "_check_paths"},
    # a thread that tells what a tool prints: told to end, it does; and a lock that is held for moments
    "claude_magic/kernel/execution/progress.py": {"telling", "blocking"},
    # called by fixtures
    "claude_magic/offline/__init__.py": {"environment"},
    # log records go to pytest here
    "logging/__init__.py": {"emit"},
}


@pytest.fixture(autouse=True)
def free_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which claude_magic blocked the loop."""
    if request.path.parent.name not in WATCHED:
        yield
        return
    begin()
    with blockbuster_ctx("claude_magic") as watch:
        for function in watch.functions.values():
            for file, functions in ALLOWED.items():
                function.can_block_in(file, functions)
        yield
