"""Claude Code sessions in Jupyter notebooks and at the IPython prompt.

`%load_ext claude_magic`, then `%%claude` sends a cell to the notebook's own `claude` process. From Python:

    from claude_magic import Session, Options
    async with Session(Options(cwd=".")) as session:
        result = await session.ask("What does this project do?")

Public names are imported when they are first used, so that loading the extension stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_magic.errors import ClaudeMagicError as ClaudeMagicError
    from claude_magic.kernel.functions.user_tools import claude_tool as claude_tool
    from claude_magic.kernel.functions.user_tools import claude_tools as claude_tools
    from claude_magic.options import Options as Options
    from claude_magic.options import TurnOptions as TurnOptions
    from claude_magic.permissions import Behavior as Behavior
    from claude_magic.permissions import Decision as Decision
    from claude_magic.permissions import PermissionRequest as PermissionRequest
    from claude_magic.result import Result as Result
    from claude_magic.session import Session as Session
    from claude_magic.session import SessionState as SessionState
    from claude_magic.tasks import Task as Task
    from claude_magic.tasks import TaskManager as TaskManager
    from claude_magic.tasks import TaskStatus as TaskStatus
    from claude_magic.tasks import default_task_manager as default_task_manager

__version__ = "0.1.0"

_HOMES = {
    "Behavior": "permissions",
    "ClaudeMagicError": "errors",
    "Decision": "permissions",
    "Options": "options",
    "PermissionRequest": "permissions",
    "Result": "result",
    "Session": "session",
    "SessionState": "session",
    "Task": "tasks",
    "TaskManager": "tasks",
    "TaskStatus": "tasks",
    "TurnOptions": "options",
    "claude_tool": "kernel.functions.user_tools",
    "claude_tools": "kernel.functions.user_tools",
    "default_task_manager": "tasks",
}

__all__ = [  # noqa: PLE0604  # the names above, which import_module brings
    "__version__",
    "load_ipython_extension",
    "unload_ipython_extension",
    *sorted(_HOMES),
]


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext claude_magic`."""
    from claude_magic.magics import load  # noqa: PLC0415  # lazily, as all public names

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext claude_magic`: sessions are stopped and everything is put back."""
    from claude_magic.magics import unload  # noqa: PLC0415  # lazily, as all public names

    unload(ipython)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
