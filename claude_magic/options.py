"""What a session and a turn can be told. Frozen values; imports only errors, hooks and paths."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args
from uuid import UUID

from claude_magic.errors import CLINotFoundError, UsageError
from claude_magic.hooks import Hook
from claude_magic.support.paths import absolute, check_folder

__all__ = [
    "EFFORTS",
    "PERMISSION_MODES",
    "Options",
    "PermissionMode",
    "TurnOptions",
    "checked_id",
    "is_json",
]

PermissionMode = Literal["default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"]
PERMISSION_MODES: tuple[PermissionMode, ...] = get_args(PermissionMode)
EFFORTS = ("low", "medium", "high", "xhigh", "max")
_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """What holds for one turn and is put back when the turn ends.

    Args:
        model: Model name or alias.
        permission_mode: One of `PERMISSION_MODES`.
        allow: Tools allowed without asking, as the CLI writes them: `Edit`, `Bash(git *)`.
        deny: Tools refused.
        timeout: Seconds the turn may take; time spent waiting for a person is not counted.
        max_budget_usd: US dollars after which the turn is interrupted.

    Raises:
        UsageError: A value is out of range; the message says which.
    """

    model: str | None = None
    permission_mode: PermissionMode | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    timeout: float | None = None
    max_budget_usd: float | None = None

    def __post_init__(self) -> None:
        _check_mode(self.permission_mode)
        _check_text("model", self.model)
        _check_positive("timeout", self.timeout)
        _check_positive("max-budget-usd", self.max_budget_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What holds for a session; a change restarts its process with `--resume`.

    Args:
        cwd: The session's working directory. This and other paths: `~` is expanded, relative ones count from
            the notebook's folder (without a notebook, from the working directory at the moment when the
            options are made), and they have to be there.
        cli: Path of the `claude` program; found by itself if None.
        model: Model name or alias; the CLI's default if None.
        permission_mode: One of `PERMISSION_MODES`; the CLI's default if None.
        allow: Tools allowed without asking.
        deny: Tools refused.
        add_dirs: More directories Claude may work in.
        system: A persona, appended to the system prompt.
        note: What Claude is told about where it is, appended before the persona.
        mcp_config: MCP servers: paths of JSON files, or JSON, which may hold keys and is never shown.
        effort: One of `EFFORTS`.
        setting_sources: Comma-separated: user, project, local.
        resume: "auto" goes on with the kept conversation, "never" begins a new one.
        session_id: The conversation to go on with, a UUID.
        env: Variables set for the process on top of the kernel's own; never shown.
        label: What header and status say about the model's source; "" for Claude itself.
        start_timeout: Seconds until the process must have answered.
        stop_timeout: Seconds each rung of the stop ladder may take.
        kill_after: Seconds an interrupt may stay unanswered before the process tree is killed.
        recoveries: Restarts within one turn after the process has ended by itself; 0 fails the turn instead.
        idle_timeout: Seconds without work after which the process is ended; the next prompt resumes. None or
            0 for never.
        quiet_notice: Seconds of silence after which a turn says so, ten times as many while a tool runs.
            None or 0 for never.
        strict_init: Refuse to work where a project's settings give Claude more than was asked for.
        line_limit: Longest line accepted from the CLI, in bytes.
        hooks: What the CLI asks us around its own steps.
        check_paths: False for paths that were looked at when they were given: what has gone since is told
            at the start.

    Raises:
        UsageError: A value is out of range, or a file is not there; the message says which.
        WorkingDirectoryError: A folder does not exist.
        CLINotFoundError: `cli` is no file.
    """

    cwd: str | os.PathLike[str] = "."
    cli: str | None = None
    model: str | None = None
    permission_mode: PermissionMode | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    add_dirs: tuple[str, ...] = ()
    system: str | None = None
    note: str | None = None
    mcp_config: tuple[str, ...] = field(default=(), repr=False)
    effort: str | None = None
    setting_sources: str | None = None
    resume: Literal["auto", "never"] = "auto"
    session_id: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: _EMPTY, repr=False)
    label: str = ""
    start_timeout: float = 30.0
    stop_timeout: float = 5.0
    kill_after: float = 5.0
    recoveries: int = 3
    idle_timeout: float | None = 1800.0
    quiet_notice: float | None = 60.0
    strict_init: bool = False
    line_limit: int = 64 * 1024 * 1024
    hooks: tuple[Hook, ...] = field(default=(), repr=False)
    check_paths: InitVar[bool] = True

    def __post_init__(self, check_paths: bool) -> None:  # as dataclasses call it
        _check_mode(self.permission_mode)
        for name in ("model", "system", "note", "setting_sources"):
            _check_text(name, getattr(self, name))
        for name in ("start_timeout", "stop_timeout", "kill_after"):
            _check_positive(name, getattr(self, name))
        for name in ("recoveries", "idle_timeout", "quiet_notice"):
            _check_not_negative(name, getattr(self, name))
        if self.effort is not None and self.effort not in EFFORTS:
            raise UsageError(f"effort is {self.effort!r}; choose one of {', '.join(EFFORTS)}.")
        for servers in filter(is_json, self.mcp_config):
            _check_json(servers)
        if self.session_id is not None:
            object.__setattr__(self, "session_id", checked_id(self.session_id))
        self._make_absolute()
        if check_paths:
            _check_paths(self, _PATH_CHECKS)

    def _make_absolute(self) -> None:
        """What a later `chdir` brings is not meant."""
        with contextlib.suppress(OSError):  # it is gone, which the start tells
            object.__setattr__(self, "cwd", absolute(self.cwd))
            object.__setattr__(self, "cli", self.cli and str(absolute(self.cli)))
            object.__setattr__(self, "add_dirs", tuple(str(absolute(each)) for each in self.add_dirs))
            object.__setattr__(self, "mcp_config", tuple(map(_absolute, self.mcp_config)))

    @property
    def directory(self) -> Path:
        """The working directory, absolute, with `~` expanded."""
        return Path(self.cwd).expanduser().absolute()

    def with_(self, **changes: object) -> Options:
        """A copy with some values changed; of its paths, those that stay are not looked at again."""
        new_paths = _PATH_CHECKS.keys() & changes if changes.pop("check_paths", True) else ()
        changed = replace(self, check_paths=False, **changes)  # type: ignore[arg-type]  # by __post_init__
        _check_paths(changed, new_paths)
        return changed


def checked_id(text: str) -> str:
    """`text` as a conversation's id.

    Ids also come from notebook files that somebody else wrote, so anything but a UUID is refused.

    Raises:
        UsageError: It is no UUID.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise UsageError(f"{text[:60]!r} is not a conversation id (a UUID).") from None


def is_json(value: str) -> bool:
    """Whether an MCP configuration is JSON, and not the path of a file."""
    return value.lstrip().startswith("{")


def _absolute(value: str) -> str:
    """A path made absolute; JSON and what is empty as they are."""
    return value if not value or is_json(value) else str(absolute(value))


def _check_json(servers: str) -> None:
    """The error shows nothing of it, which may hold keys."""
    try:
        json.loads(servers)
    except ValueError:
        raise UsageError("--mcp-config is no JSON. Put it into quotes: --mcp-config '{…}'") from None


def _check_paths(options: Options, names: Iterable[str]) -> None:
    for name in names:
        value = getattr(options, name)
        for path in value if isinstance(value, tuple) else (value,):
            if path is not None:
                _PATH_CHECKS[name](path)


def _check_servers(path: str) -> None:
    if not is_json(path) and not Path(path).is_file():
        raise UsageError(f"--mcp-config cannot read {path!r}: there is no such file.")


def _check_program(path: str) -> None:
    if not Path(path).is_file():
        raise CLINotFoundError(
            f"cli is {path!r}, but there is no such file. Give the path of the program claude."
        )


_PATH_CHECKS: Mapping[str, Callable[[str], None]] = {
    "cwd": partial(check_folder, "--cwd"),
    "add_dirs": partial(check_folder, "--add-dir"),
    "mcp_config": _check_servers,
    "cli": _check_program,
}


def _check_mode(mode: str | None) -> None:
    if mode is not None and mode not in PERMISSION_MODES:
        raise UsageError(f"permission mode is {mode!r}; choose one of {', '.join(PERMISSION_MODES)}.")


def _check_text(name: str, value: str | None) -> None:
    if value is not None and "\0" in value:
        raise UsageError(f"{name} holds a NUL character; remove it.")


def _check_not_negative(name: str, value: float | None) -> None:
    if value is not None and not value >= 0:
        raise UsageError(f"{name} is {value!r}; give 0 or more.")


def _check_positive(name: str, value: float | None) -> None:
    if value is not None and not value > 0:
        raise UsageError(f"{name} is {value!r}; give a number above 0.")
