"""Where the program `claude` is. File system only: nothing is started and nothing is imported.

What somebody could plant is not taken: relative or empty PATH entries, anything that is really a file of the
current directory, and batch files on Windows, whose arguments a shell would read.
"""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from claude_magic.errors import CLINotFoundError
from claude_magic.support.paths import notebook_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FLOOR", "FoundCLI", "find_cli", "parse_version", "version_warning"]

FLOOR = (2, 1, 0)
"""Oldest version meant to work; 2.1.191 and 2.1.327 are tested."""

VARIABLE = "CLAUDE_MAGIC_CLI"
INSTALL = f'Install it with: pip install "claude-magic[cli]", or set {VARIABLE} to its path.'

_ON_WINDOWS = sys.platform == "win32"
_NAME = "claude.exe" if _ON_WINDOWS else "claude"
_HOME_FOLDERS = (".local/bin", ".claude/local", ".npm-global/bin", ".bun/bin", ".yarn/bin")
_SYSTEM_FOLDERS = ("/usr/local/bin", "/opt/homebrew/bin")
_BUNDLING_PACKAGE = "claude_agent_sdk"
_PROGRAM_STARTS = {
    "linux": (b"\x7fELF", b"#!"),
    "darwin": (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!"),
    "win32": (b"MZ",),
}
_VERSION = re.compile(r"\s*v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


class FoundCLI(Struct, frozen=True):
    """A program that can be started.

    Args:
        path: Its absolute path.
        source: Where it was found, in words.
    """

    path: Path
    source: str


def find_cli(
    cli: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
    cwd: Path = Path(),
) -> FoundCLI:
    """Find the program `claude`.

    In this order: `cli`, the variable CLAUDE_MAGIC_CLI, PATH, the folders installers use, and the copy that
    the package claude-agent-sdk carries. The first two are taken at their word: if they cannot be used, that
    is an error, and nothing else is tried. The variable counts from the notebook's folder.

    Args:
        cli: The path that the user gave.
        env: The environment; this process's own if None.
        home: The home folder; the user's if None.
        cwd: The directory that nothing is taken from; the current one by default.

    Raises:
        CLINotFoundError: There is none that could be started; the message says what was tried.
    """
    env = os.environ if env is None else env
    home = _expand("~") if home is None else home
    for value, source, base in (
        (cli, "the option cli", Path()),
        (env.get(VARIABLE), VARIABLE, notebook_folder()),
    ):
        if value is not None:
            return FoundCLI(_usable_path(value, source, base), source)
    unusable = []
    for candidate in _candidates(env, home, cwd):
        problem = _problem(candidate.path)
        if not problem:
            return candidate
        if os.path.lexists(candidate.path):
            unusable.append(f"{candidate.path} {problem}")
    raise CLINotFoundError(_not_found_message(unusable))


def parse_version(text: str) -> tuple[int, ...] | None:
    """The version that `claude -v` printed: "2.1.327 (Claude Code)" is (2, 1, 327); None if there is none."""
    match = _VERSION.match(text)
    return tuple(map(int, match.groups())) if match else None


def version_warning(text: str) -> str:
    """What to tell the user about the version that `claude -v` printed; "" if it is fine."""
    version, floor = parse_version(text), ".".join(map(str, FLOOR))
    if version is None:
        return f"The CLI's version could not be read from {text.strip()[:60]!r}; {floor} or newer is needed."
    if version < FLOOR:
        number = ".".join(map(str, version))
        return (
            f"The CLI is version {number}, older than {floor}; some things may fail. Update it: claude update"
        )
    return ""


def _usable_path(text: str, source: str, base: Path) -> Path:
    if not text or "\0" in text:
        raise CLINotFoundError(f"{source} is {text[:60]!r}, which is no path. {INSTALL}")
    path = _expand(text, base)
    problem = _problem(path)
    if problem:
        raise CLINotFoundError(f"{source} is {text!r}, but {path} {problem}. {INSTALL}")
    return path


def _expand(text: str, base: Path = Path()) -> Path:
    return (base / os.path.expanduser(text)).absolute()  # noqa: PTH111  # this one never raises


def _problem(path: Path) -> str:
    """Why `path` cannot be started; "" if it can."""
    if _ON_WINDOWS and path.suffix.lower() in {".cmd", ".bat"}:
        return "is a batch file, which is never started"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be found ({error.strerror})"
    if stat.S_ISDIR(mode):
        return "is a directory"
    if not stat.S_ISREG(mode) or not os.access(path, os.X_OK):
        return "is not executable"
    return "" if _begins_as_program(path) else "is not a program for this machine"


def _begins_as_program(path: Path) -> bool:
    """Whether its first bytes say so; the start itself has the last word."""
    starts = _PROGRAM_STARTS.get(sys.platform, (b"",))
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(starts)
    except OSError:  # a program may be executable without being readable
        return True


def _candidates(env: Mapping[str, str], home: Path, cwd: Path) -> Iterator[FoundCLI]:
    for entry in env.get("PATH", "").split(os.pathsep):
        path = Path(entry, _NAME)
        if path.is_absolute() and not _is_in(path, cwd):
            yield FoundCLI(path, "PATH")
    for folder in _HOME_FOLDERS:
        yield FoundCLI(home / folder / _NAME, f"~/{folder}")
    for folder in _SYSTEM_FOLDERS:
        yield FoundCLI(Path(folder) / _NAME, folder)
    for bundle in _bundles():
        yield FoundCLI(bundle / _NAME, "the package claude-agent-sdk")


def _is_in(path: Path, folder: Path) -> bool:
    """Whether `path` is, by itself or through links, a file of `folder`."""
    try:
        return any(Path(file).parent.samefile(folder) for file in (path, os.path.realpath(path)))
    except OSError:  # it does not exist
        return False


def _bundles() -> Iterator[Path]:
    try:
        spec = importlib.util.find_spec(_BUNDLING_PACKAGE)
    except (ImportError, ValueError):  # a broken installation is none
        return
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder) / "_bundled"


def _not_found_message(unusable: list[str]) -> str:
    places = ", ".join(["PATH", *(f"~/{folder}" for folder in _HOME_FOLDERS), *_SYSTEM_FOLDERS])
    note = f" Found, but not usable: {'; '.join(unusable)}." if unusable else ""
    return f"The program claude is neither in {places} nor in the package claude-agent-sdk.{note} {INSTALL}"
