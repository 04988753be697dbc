"""What a process turns out to have been given beyond what was asked for: by a project's settings, mostly.

A folder that somebody else wrote can carry settings that let Claude do more unasked. The CLI says so in its
first `init` and on stderr; here it becomes lines for the person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.options import Options, TurnOptions
from claude_magic.wire.events import SystemInit

__all__ = ["StartupCheck", "is_wider", "trust_warnings"]

_WIDENING = ("plan", "dontAsk", "default", "acceptEdits", "auto", "bypassPermissions")
_SETTINGS = (".claude/settings.local.json", ".claude/settings.json")
_LINE_LIMIT = 500
_STDERR_READ = 50  # lines looked through
_SERVER_STATES = {
    "failed": "could not be started, and its tools are missing; `claude mcp list` in a terminal says more",
    "needs-auth": "wants a login: run `claude` in a terminal and type /mcp",
    "pending": "has not answered yet, and its tools are missing until it does",
}
_UNTRUSTED = re.compile(r".*?has not been trusted\b")


class StartupCheck:
    """What one process reports.

    Args:
        process: The process.
    """

    def __init__(self, process: ClaudeProcess) -> None:
        self._process = process
        self._has_reported = False
        self._states: dict[str, str] = {}

    def unexpected(self, event: SystemInit, turn: TurnOptions) -> list[str]:
        """What nobody here asked for, told with the process's first turn only.

        Args:
            event: The CLI's report.
            turn: What was asked for the turn.

        Returns:
            A line for each: a wider permission mode and where it comes from, another directory, servers,
            settings that were ignored.
        """
        if self._has_reported:
            return []
        self._has_reported = True
        options, initial = self._process.options, self._process.initial_mode or event.permission_mode
        expected = turn.permission_mode or options.permission_mode or "default"
        return [
            *_wider_mode(event.permission_mode, initial, expected, options.directory),
            *_elsewhere(event.cwd, options.directory),
            *_servers_in_use(event, options),
            *trust_warnings(self._process.stderr_tail(_STDERR_READ)),
        ]

    def unready(self, event: SystemInit) -> list[str]:
        """MCP servers and plugins that are not what they should be, as far as that is new."""
        states = {
            f"The MCP server {server.get('name')}": _SERVER_STATES.get(str(server.get("status")), "")
            for server in event.mcp_servers
        }
        for plugin in event.plugin_errors:
            states[f"The plugin {plugin.get('plugin')}"] = f"did not load: {plugin.get('message')}"
        lines = [
            f"{name} {state or 'is ready now'}."
            for name, state in states.items()
            if self._states.get(name, "") != state
        ]
        self._states |= states
        return [line if len(line) <= _LINE_LIMIT else f"{line[: _LINE_LIMIT - 1]}…" for line in lines]


def is_wider(mode: str, other: str) -> bool:
    """Whether a permission mode lets Claude do more unasked than another; one that is not known does."""
    if mode not in _WIDENING or other not in _WIDENING:
        return bool(mode) and mode != other
    return _WIDENING.index(mode) > _WIDENING.index(other)


def trust_warnings(stderr: Sequence[str]) -> list[str]:
    """The CLI's words on settings it ignores, because the folder was never trusted; without paths."""
    return [f"{match[0]}." for line in stderr if (match := _UNTRUSTED.match(line))]


def _wider_mode(mode: str, initial: str, expected: str, folder: Path) -> list[str]:
    if initial == "default" or not is_wider(initial, expected):  # the default comes from nobody
        return []
    source = _source(folder, initial)
    if is_wider(mode, expected):
        line = f"not {expected}: it comes from {source}. To be asked: --permission-mode {expected}"
    else:
        line = (
            f"not {initial}, which comes from {source} and was not asked for. "
            f"To have it: --permission-mode {initial}"
        )
    return [f"The permission mode is {mode}, {line}"]


def _elsewhere(cwd: str, folder: Path) -> list[str]:
    elsewhere = cwd and Path(cwd).resolve() != folder.resolve()
    return [f"Claude works in {cwd}, not in {folder}."] if elsewhere else []


def _servers_in_use(event: SystemInit, options: Options) -> Iterator[str]:
    """The project's servers that are; one that is named like one of ours the CLI leaves out, unsaid."""
    project, ours = (
        set(_project_servers(options.directory)),
        {each.name for each in options.servers if each.tools},
    )
    connected = {str(each.get("name")) for each in event.mcp_servers if each.get("status") == "connected"}
    if in_use := sorted(project & connected - ours):
        yield f"MCP servers of this project are in use: {', '.join(in_use)} (.mcp.json)."
    if left_out := sorted(project & ours):
        yield (
            f"MCP servers of this project are not in use, for claude_magic has its own of that name: "
            f"{', '.join(left_out)} (.mcp.json)."
        )


def _source(folder: Path, mode: str) -> str:
    for name in _SETTINGS:
        permissions = _read(folder / name).get("permissions")
        if isinstance(permissions, dict) and permissions.get("defaultMode") == mode:
            return f"this project's settings, {name}"
    return "your Claude settings"


def _project_servers(folder: Path) -> list[str]:
    servers = _read(folder / ".mcp.json").get("mcpServers")
    return list(servers) if isinstance(servers, dict) else []


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
