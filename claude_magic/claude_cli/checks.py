"""What can be known about a session's start before it is tried. File system only: nothing is started."""

from __future__ import annotations

from pathlib import Path

from claude_magic.claude_cli.locate import find_cli
from claude_magic.errors import StartError, WorkingDirectoryError
from claude_magic.options import Options
from claude_magic.support.paths import check_folder

__all__ = ["check_start", "directory"]

SETTING_SOURCES = ("user", "project", "local")


def check_start(options: Options) -> None:
    """What can be known about a start before it is tried.

    Raises:
        CLINotFoundError: There is no usable CLI.
        StartError: The folder does not exist, or a value is one that no CLI takes.
    """
    directory(options)
    find_cli(options.cli)
    unknown = {each.strip() for each in (options.setting_sources or "").split(",")} - {"", *SETTING_SOURCES}
    if unknown:
        sources = ", ".join(SETTING_SOURCES)
        raise StartError(f"--setting-sources has {min(unknown)!r}; choose from {sources}.")


def directory(options: Options) -> Path:
    """The folder that a session works in.

    Raises:
        WorkingDirectoryError: There is none.
    """
    try:
        folder = options.directory
    except (OSError, RuntimeError) as error:  # the kernel's own folder is gone; the home of nobody we know
        raise WorkingDirectoryError(f"The folder {str(options.cwd)!r} cannot be found: {error}.") from None
    check_folder("--cwd", folder)
    return folder
