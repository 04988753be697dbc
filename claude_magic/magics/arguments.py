"""The options of `%claude` and `%%claude`: their help, how they are read, and what they come to."""

from __future__ import annotations

import json
import keyword
import re
from argparse import Namespace
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from IPython.core import magic_arguments
from IPython.core.error import UsageError as IPythonUsageError

from claude_magic.errors import UsageError
from claude_magic.magics.prompt_line import split_flags
from claude_magic.options import EFFORTS, PERMISSION_MODES, Options, TurnOptions, is_json
from claude_magic.support.paths import absolute, notebook_folder

__all__ = [
    "OPTIONS",
    "Given",
    "checked_name",
    "claude_arguments",
    "given_options",
    "parse",
    "session_changes",
    "turn_options",
    "words",
]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, what `magic_arguments` is told about it, and what of its value is shown."""

    flags: tuple[str, ...]
    settings: dict[str, Any]
    shown: Callable[[str], str] = str

    @property
    def is_switch(self) -> bool:
        """It takes no value."""
        return self.settings.get("action") == "store_true"


def _option(*flags: str, shown: Callable[[str], str] = str, **settings: Any) -> Option:
    return Option(flags, settings, shown)


def _without_keys(value: str) -> str:
    """An MCP configuration as it may stand in a saved notebook: a path, or the servers' names."""
    if not is_json(value):
        return value
    try:
        return f"{{{', '.join(json.loads(value)['mcpServers'])}}}"
    except (ValueError, LookupError, TypeError):
        return "{…}"


OPTIONS = (
    _option(
        "-s", "--session", metavar="NAME", help="Which of the notebook's sessions to ask; `main` if left out."
    ),
    _option(
        "-b", "--background", action="store_true", help="Go on at once; the answer fills in under the cell."
    ),
    _option("--task", metavar="NAME", help="A task of this name: a session of its own, in the background."),
    _option("--worktree", action="store_true", help="The task works in a git worktree of its own."),
    _option("-o", "--out", metavar="NAME", help="Put the Result into this variable."),
    _option(
        "-m", "--model", metavar="MODEL", help="Model for this turn: opus, sonnet, haiku, or a full name."
    ),
    _option(
        "--permission-mode",
        metavar="MODE",
        help=f"Permission mode for this turn: {', '.join(PERMISSION_MODES)}.".replace("%", "%%"),
    ),
    _option(
        "--allow",
        metavar="TOOL",
        action="append",
        help="Allow a tool in this turn without asking: Edit, 'Bash(git *)'. Repeatable.",
    ),
    _option("--deny", metavar="TOOL", action="append", help="Refuse a tool in this turn. Repeatable."),
    _option(
        "--timeout",
        metavar="SECONDS",
        type=float,
        help="Stop the turn after so long; waiting for you is not counted.",
    ),
    _option(
        "--max-budget-usd", metavar="USD", type=float, help="Stop the turn when it has cost more than this."
    ),
    _option(
        "--busy",
        choices=("queue", "refuse"),
        default="queue",
        help="While a turn runs: wait in line, or refuse.",
    ),
    _option("--dry-run", action="store_true", help="Show what would be sent; send nothing."),
    _option("--cwd", metavar="DIR", help="Working directory of the session, from now on."),
    _option(
        "--add-dir",
        metavar="DIR",
        action="append",
        help="Another directory Claude may use, from now on. Repeatable.",
    ),
    _option("--system", metavar="TEXT|@FILE", help="A persona for the session, from now on."),
    _option(
        "--mcp-config",
        metavar="JSON|FILE",
        action="append",
        shown=_without_keys,
        help="MCP servers for the session, from now on. Repeatable.",
    ),
    _option("--effort", metavar="LEVEL", help=f"Effort of the session, from now on: {', '.join(EFFORTS)}."),
    _option("--setting-sources", metavar="LIST", help="Settings to load, from now on: user, project, local."),
)
_NAME = re.compile(r"\w[\w.-]*")
_SWITCHES = frozenset(flag for option in OPTIONS if option.is_switch for flag in option.flags)
_VALUED = frozenset(flag for option in OPTIONS if not option.is_switch for flag in option.flags)


@dataclass(frozen=True, slots=True)
class Given:
    """A line of `%claude` as read: its options, and the text after them."""

    options: Namespace
    rest: str


def claude_arguments(function: Callable[..., Any]) -> Any:
    """Documents the options on the magic's function, so that `%claude?` shows them."""
    for option in reversed(OPTIONS):
        function = magic_arguments.argument(*option.flags, **option.settings)(function)
    return magic_arguments.magic_arguments()(function)


def parse(function: Any, line: str) -> Given:
    """Reads the line of a function decorated with `claude_arguments`.

    Raises:
        UsageError: In one line, what is wrong with it.
    """
    flags, rest = split_flags(line, _SWITCHES, _VALUED)
    try:
        options = function.parser.parse_args(flags)
    except IPythonUsageError as error:
        raise UsageError(f"{str(error).splitlines()[-1].strip()}. See %claude? for the options.") from None
    out, session = options.out, options.session
    if out is not None and (not out.isidentifier() or keyword.iskeyword(out)):
        raise UsageError(f"--out {out!r} is no variable name. Use for instance: --out answer")
    if session is not None:
        checked_name(session)
    return Given(options, rest)


def checked_name(name: str) -> str:
    """`name` as a session's.

    Raises:
        UsageError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--session {name!r} is no name: use letters, digits, and between them _ . -")
    return name


def words(line: str, usage: str, known: Collection[str] = ()) -> tuple[set[str], str | None]:
    """Reads the line of a magic that takes flags without values and at most one name.

    Args:
        line: What follows the magic's name.
        usage: How the magic is used.
        known: Its flags.

    Returns:
        The flags, and the name if there is one.

    Raises:
        UsageError: Anything else is there.
    """
    given = line.split()
    flags = {word for word in given if word.startswith("-")}
    names = [word for word in given if word not in flags]
    if not flags <= set(known) or len(names) > 1:
        raise UsageError(f"Usage: {usage}")
    return flags, names[0] if names else None


def given_options(options: Namespace) -> dict[str, str]:
    """The options that were given, as flag and value, to be shown with the turn."""
    given = {}
    for option in OPTIONS:
        name = option.flags[-1].removeprefix("--")
        value = getattr(options, name.replace("-", "_"))
        if isinstance(value, list):
            given[f"--{name}"] = ", ".join(map(option.shown, value))
        elif value is True:
            given[f"--{name}"] = ""
        elif value and value != option.settings.get("default"):
            given[f"--{name}"] = f"{value:g}" if isinstance(value, float) else str(value)
    return given


def turn_options(options: Namespace) -> TurnOptions:
    """What holds for the one turn."""
    return TurnOptions(
        model=options.model,
        permission_mode=options.permission_mode,
        allow=tuple(options.allow or ()),
        deny=tuple(options.deny or ()),
        timeout=options.timeout,
        max_budget_usd=options.max_budget_usd,
    )


def session_changes(options: Namespace) -> dict[str, object]:
    """What changes for the session: the fields of `Options` that were given."""
    changes: dict[str, object] = {
        "cwd": _path(options.cwd) if options.cwd is not None else None,
        "system": _text_or_file(options.system),
        "effort": options.effort,
        "setting_sources": options.setting_sources,
        "add_dirs": tuple(map(_path, options.add_dir or ())) or None,
        "mcp_config": tuple(map(_servers, options.mcp_config or ())) or None,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    Options(**changes)  # type: ignore[arg-type]  # says at once what is wrong with a value, or not there
    return changes


def _path(value: str) -> str:
    return str(absolute(value, notebook_folder()))


def _servers(value: str) -> str:
    """The path of an MCP configuration, or JSON."""
    return value if is_json(value) else _path(value)


def _text_or_file(value: str | None) -> str | None:
    if value is None or not value.startswith("@"):
        return value
    path = absolute(value[1:], notebook_folder())
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"--system cannot read {str(path)!r}: {reason}.") from None
