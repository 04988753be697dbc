"""Paths that a person gives: absolute from the moment they are given, so that no later `chdir` moves them.

Those of a notebook count from its folder, whatever the kernel's working directory is by then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from claude_magic.errors import WorkingDirectoryError

__all__ = ["absolute", "check_folder", "notebook_folder", "notebook_path"]

_VS_CODES = "__vsc_ipynb_file__"


def absolute(text: str | os.PathLike[str], folder: Path | None = None) -> Path:
    """A path with `~` expanded.

    Args:
        text: As it was given.
        folder: What it counts from. If None the notebook's, and where there is no notebook the working
            directory of now, as a script would have it.

    Raises:
        WorkingDirectoryError: It begins with the home of nobody we know.
        OSError: The working directory is gone.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise WorkingDirectoryError(
            f"The path {str(text)!r} begins with a home folder that is not known."
        ) from None
    if folder is None and notebook_path():
        folder = notebook_folder()
    return (folder / path if folder else path).absolute()


def check_folder(flag: str, path: str | os.PathLike[str]) -> None:
    """Refuses a folder that is not there.

    Args:
        flag: How it is given.
        path: The folder.

    Raises:
        WorkingDirectoryError: It is not there, or is no folder.
    """
    if not Path(path).is_dir():
        raise WorkingDirectoryError(
            f"The folder {os.fspath(path)!r} does not exist. Create it or give another {flag}."
        )


def notebook_path() -> str:
    """Where this kernel's notebook is: VS Code says it in the namespace, a server in the environment.

    Returns:
        An absolute path; "" if nobody says.
    """
    path = str(vars(sys.modules["__main__"]).get(_VS_CODES) or os.environ.get("JPY_SESSION_NAME", ""))
    return path if Path(path).is_absolute() else ""


def notebook_folder() -> Path:
    """The folder of this kernel's notebook; where there is none, the working directory at the start."""
    path = notebook_path()
    return Path(path).parent if path and Path(path).parent.is_dir() else _START


def _start() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it is gone
        return Path("/")


_START = _start()
