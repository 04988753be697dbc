"""What a session and a turn can be told: each option is declared here, and nowhere else. Frozen values."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar, get_args
from uuid import UUID

from claude_magic.declaration import check, described, not_negative, option, options_of, positive, without_nul
from claude_magic.errors import CLINotFoundError, UsageError
from claude_magic.hooks import Hook
from claude_magic.schema import schema_of
from claude_magic.support.paths import absolute, check_folder, notebook_folder
from claude_magic.tool_server import ToolServer

__all__ = [
    "EFFORTS",
    "MODELS",
    "PERMISSION_MODES",
    "Options",
    "PermissionMode",
    "TurnOptions",
    "checked_id",
    "is_json",
    "server_names",
]

T = TypeVar("T")
PermissionMode = Literal["default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"]
PERMISSION_MODES: tuple[PermissionMode, ...] = get_args(PermissionMode)
EFFORTS = ("low", "medium", "high", "xhigh", "max")
MODELS = ("default", "fable", "haiku", "opus", "sonnet")


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


def _from_notebook(value: str) -> str:
    return str(absolute(value, notebook_folder()))


def _servers_from_notebook(value: str) -> str:
    return value if is_json(value) else _from_notebook(value)


def _check_servers(flag: str, value: str) -> None:
    """The error shows nothing of JSON, which may hold keys."""
    if not is_json(value):
        if not Path(value).is_file():
            raise UsageError(f"{flag} cannot read {value!r}: there is no such file.")
        return
    try:
        json.loads(value)
    except ValueError:
        raise UsageError(f"{flag} is no JSON. Put it into quotes: {flag} '{{…}}'") from None


def _check_program(name: str, path: str) -> None:
    if not Path(path).is_file():
        raise CLINotFoundError(
            f"{name} is {path!r}, but there is no such file. Give the path of the program claude."
        )


def server_names(value: str) -> list[str] | None:
    """The names of the servers in an MCP configuration, JSON or a file; None if there is none to be read."""
    try:
        text = value if is_json(value) else Path(value).read_text(encoding="utf-8")
        return list(json.loads(text)["mcpServers"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _without_keys(value: str) -> str:
    """An MCP configuration as it may stand in a saved notebook: a path, or the servers' names."""
    if not is_json(value):
        return value
    names = server_names(value)
    return "{…}" if names is None else f"{{{', '.join(names)}}}"


def _text_or_file(value: str) -> str:
    if not value.startswith("@"):
        return value
    path = absolute(value[1:], notebook_folder())
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"--system cannot read {str(path)!r}: {reason}.") from None


def _default(default: T, help: str, spelled: str = "", **declared: Any) -> T:  # noqa: A002  # as `option`
    """An option that `%config` keeps a default for, and that a running process takes or never hears of."""
    return option(default, help, spelled, configured=True, live=True, **declared)


def _path(
    default: T,
    help: str,  # noqa: A002
    spelled: str = "",
    *,
    read: Callable[[str], str] = _from_notebook,
    check: Callable[[str, str], None] = check_folder,
    **declared: Any,
) -> T:
    """An option that is a path, of a folder if nothing else is said."""
    return option(default, help, spelled, is_path=True, read=read, check=check, **declared)


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)  # these cost time at each load
class _Common:
    """What a turn and a session can be told; a turn's own comes first."""

    __slots__ = ()

    model: str | None = _default(
        None,
        "Model: opus, sonnet, haiku, or a full name.",
        "-m, --model MODEL",
        check=without_nul,
        suggested=MODELS,
    )
    permission_mode: PermissionMode | None = _default(
        None,
        f"Permission mode: {', '.join(PERMISSION_MODES)}. The last is never a default.",
        "--permission-mode MODE",
    )
    allow: tuple[str, ...] = option(
        (),
        "Allow a tool without asking: Edit, 'Bash(git *)'.",
        "--allow TOOL",
        suggested=lambda in_use: in_use.tools_to_allow,
    )
    deny: tuple[str, ...] = option(
        (), "Refuse a tool.", "--deny TOOL", suggested=lambda in_use: in_use.tools_to_allow
    )


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions(_Common):
    """What holds for one turn and is put back when the turn ends.

    Raises:
        UsageError: A value is out of range; the message says which.
    """

    scope: ClassVar = "turn"

    timeout: float | None = option(
        None,
        "Stop after so many seconds; waiting for you is not counted.",
        "--timeout SECONDS",
        check=positive,
    )
    max_budget_usd: float | None = option(
        None, "Stop when it has cost more US dollars than this.", "--max-budget-usd USD", check=positive
    )
    schema: Any = option(
        None,
        "A type or a JSON schema: the answer has data of it, in .data of the Result.",
        "--schema NAME",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.schema is not None:
            object.__setattr__(self, "schema", schema_of(self.schema))


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Options(_Common):
    """What holds for a session; a change restarts its process with `--resume`.

    Of the paths `~` is expanded, relative ones count from the notebook's folder (without a notebook, from the
    working directory at the moment when the options are made), and they have to be there.

    Raises:
        UsageError: A value is out of range, or a file is not there; the message says which.
        WorkingDirectoryError: A folder does not exist.
        CLINotFoundError: `cli` is no file.
    """

    scope: ClassVar = "session"

    cwd: str | os.PathLike[str] = _path(
        ".", "Working directory of the session; the kernel's if left out.", "--cwd DIR", configured=True
    )
    add_dirs: tuple[str, ...] = _path((), "Another directory Claude may use.", "--add-dir DIR")
    system: str | None = option(
        None,
        "A persona, appended to the system prompt.",
        "--system TEXT|@FILE",
        check=without_nul,
        read=_text_or_file,
    )
    mcp_config: tuple[str, ...] = _path(
        (),
        "MCP servers: the path of a JSON file, or JSON, which may hold keys and is not shown.",
        "--mcp-config JSON|FILE",
        read=_servers_from_notebook,
        check=_check_servers,
        shown=_without_keys,
        repr=False,
    )
    effort: str | None = option(None, f"Effort: {', '.join(EFFORTS)}.", "--effort LEVEL", choices=EFFORTS)
    setting_sources: str | None = option(
        None,
        "Settings to load, separated by commas: user, project, local.",
        "--setting-sources LIST",
        check=without_nul,
    )
    cli: str | None = _path(
        None, "Path of the program claude; found by itself if None.", check=_check_program, configured=True
    )
    resume: Literal["auto", "never"] = _default(
        "auto", "After a kernel restart: go on with the conversation, or begin anew."
    )
    strict_init: bool = _default(
        default=False, help="Refuse to work where a project's settings give Claude more than was asked for."
    )
    start_timeout: float = _default(30.0, "Seconds a session may take to start.", check=positive)
    stop_timeout: float = _default(5.0, "Seconds each step of ending a process may take.", check=positive)
    kill_after: float = _default(
        5.0, "Seconds an interrupt may stay unanswered before the process is killed.", check=positive
    )
    idle_timeout: float | None = _default(
        1800.0,
        "Seconds without work after which a process is ended; the next prompt resumes. 0: never.",
        check=not_negative,
    )
    quiet_notice: float | None = _default(
        60.0,
        "Seconds of silence after which a turn says so, ten times as many while a tool runs. 0: never.",
        check=not_negative,
    )
    recoveries: int = _default(
        3, "Restarts within one turn after the process has ended by itself; 0 for none.", check=not_negative
    )
    session_id: str | None = option(None, "The conversation to go on with, a UUID.", live=True)
    note: str | None = option(
        None, "What Claude is told about where it is, appended before the persona.", check=without_nul
    )
    env: Mapping[str, str] = option(
        MappingProxyType({}),
        "Variables set for the process on top of the kernel's own; never shown.",
        repr=False,
    )
    label: str = option(
        "", 'What header and status say about the model\'s source; "" for Claude itself.', live=True
    )
    line_limit: int = option(64 * 1024 * 1024, "Longest line accepted from the CLI, in bytes.")
    hooks: tuple[Hook, ...] = option((), "What the CLI asks us around its own steps.", repr=False)
    servers: tuple[ToolServer, ...] = option((), "Tools that run in this process.", repr=False)
    check_paths: InitVar[bool] = True
    """False for paths that were looked at when they were given: what has gone since is told at the start."""

    def __post_init__(self, check_paths: bool) -> None:  # as dataclasses call it
        check(self)
        if self.session_id is not None:
            object.__setattr__(self, "session_id", checked_id(self.session_id))
        self._make_absolute()
        if check_paths:
            _check_paths(self, _PATHS)

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
        new_paths = _PATHS.keys() & changes if changes.pop("check_paths", True) else ()
        changed = replace(self, check_paths=False, **changes)  # type: ignore[arg-type]  # by __post_init__
        _check_paths(changed, new_paths)
        return changed


_PATHS = {each.name: each for each in options_of(Options) if each.is_path}


def _check_paths(options: Options, names: Iterable[str]) -> None:
    for each in map(_PATHS.__getitem__, names):
        for path in each.values(getattr(options, each.name)):
            each.must_be_there(path)
