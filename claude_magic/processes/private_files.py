"""What only a process and its user may read: in files for them alone, for as long as a start takes.

A command line is shown by `ps` to every user of the machine. The promise: a text that is kept here is in a
file that only the user can read, in a folder that only the user can enter, and both are gone when the `with`
ends. What a killed kernel has left its guard removes, or else the next start of any kernel.

Measured (2.1.191, 2.1.332): the CLI has read its files before it answers `initialize` and never reads them
again, not even when it connects anew to an MCP server.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from claude_magic.errors import StartError
from claude_magic.processes.identity import creation_time, is_same_process
from claude_magic.support.state_file import state_folder

__all__ = ["PrivateFiles", "remove_leftovers"]

_PREFIX = "claude_magic-private@"  # then pid@creation time@ of the kernel, by which it is known as left


class PrivateFiles:
    """Files that are gone at the end of the `with`."""

    def __init__(self) -> None:
        self._folders: list[Path] = []

    def keep(self, text: str) -> str:
        """Writes a text down.

        Returns:
            The path of its file.

        Raises:
            StartError: It can be written nowhere.
        """
        reason = ""
        for place in _places():
            try:
                return self._write(place, text)
            except OSError as error:  # a state folder that is read-only or full is no reason to fail
                reason = reason or f"{error.strerror or error}"
        raise StartError(
            "MCP servers and a persona are told claude in a private file, which cannot be written in "
            f"{str(state_folder())!r} ({reason}). Make room there, or let it be written to."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, place: Path, text: str) -> str:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(
            tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}@{creation_time(os.getpid())}@", dir=place)
        )
        self._folders.append(folder)
        path = folder / "text"
        with open(path, "x", encoding="utf-8", newline="", opener=_for_the_user) as file:
            file.write(text)
        return str(path)


def remove_leftovers() -> None:
    """Removes what kernels have left that are gone."""
    for place in _places():
        for folder in _leftovers(place):
            shutil.rmtree(folder, ignore_errors=True)


def _places() -> tuple[Path, Path]:
    """Where the files go: the second place if the first is of no use."""
    return state_folder() / "private", Path(tempfile.gettempdir())


def _leftovers(place: Path) -> Iterator[Path]:
    try:
        names = [entry.name for entry in os.scandir(place) if entry.name.startswith(_PREFIX)]
    except OSError:
        return
    for name in names:
        pid, _, rest = name.removeprefix(_PREFIX).partition("@")
        if pid.isdecimal() and not is_same_process(int(pid), rest.rpartition("@")[0]):
            yield place / name


def _for_the_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
