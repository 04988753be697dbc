"""What a process turns out to have been given beyond what was asked for: by a project's settings, mostly.

A folder that somebody else wrote can carry settings that let Claude do more unasked. The CLI says so in its
first `init` and on stderr; here it becomes lines for the person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from claude_magic.options import Options, TurnOptions
from claude_magic.wire.events import SystemInit

__all__ = ["is_wider", "unexpected_settings", "unready", "untrusted"]

_WIDENING = ("plan", "dontAsk", "default", "acceptEdits", "auto", "bypassPermissions")
_SETTINGS = (".claude/settings.local.json", ".claude/settings.json")
_LINE_LIMIT = 500
_SERVER_STATES = {
    "failed": "could not be started, and its tools are missing; `claude mcp list` in a terminal says more",
    "needs-auth": "wants a login: run `claude` in a terminal and type /mcp",
    "pending": "has not answered yet, and its tools are missing until it does",
}
_UNTRUSTED = re.compile(r".*?has not been trusted\b")


def unexpected_settings(
    event: SystemInit, options: Options, turn: TurnOptions, began_in: str = ""
) -> list[str]:
    """What the first `init` of a process reports that nobody here asked for.

    Args:
        event: The CLI's report.
        options: What was asked for the session.
        turn: What was asked for the turn.
        began_in: The permission mode that the process began in, if it told.

    Returns:
        A line for each: a wider permission mode and where it comes from, another directory, servers.
    """
    folder = options.directory
    asked = turn.permission_mode or options.permission_mode or "default"
    found = []
    began_in = began_in or event.permission_mode
    if is_wider(began_in, asked):
        source = _source(folder, began_in)
        if is_wider(event.permission_mode, asked):
            found.append(
                f"The permission mode is {event.permission_mode}, not {asked}: it comes from "
                f"{source}. To be asked: --permission-mode {asked}"
            )
        else:
            found.append(
                f"The permission mode is {event.permission_mode}, not {began_in}, which comes from {source} "
                f"and was not asked for. To have it: --permission-mode {began_in}"
            )
    if event.cwd and Path(event.cwd).resolve() != folder.resolve():
        found.append(f"Claude works in {event.cwd}, not in {folder}.")
    running = {str(server.get("name")) for server in event.mcp_servers if server.get("status") == "connected"}
    servers = running & set(_project_servers(folder))
    if servers:
        found.append(f"MCP servers of this project are in use: {', '.join(sorted(servers))} (.mcp.json).")
    return found


def unready(event: SystemInit, told: dict[str, str]) -> list[str]:
    """MCP servers and plugins that are not what they should be, as far as that is new.

    Args:
        event: The CLI's report.
        told: What was told before, by name; brought up to date.
    """
    states = {
        f"The MCP server {server.get('name')}": _SERVER_STATES.get(str(server.get("status")), "")
        for server in event.mcp_servers
    }
    for plugin in event.plugin_errors:
        states[f"The plugin {plugin.get('plugin')}"] = f"did not load: {plugin.get('message')}"
    news = [
        f"{name} {state or 'is ready now'}." for name, state in states.items() if told.get(name, "") != state
    ]
    told.update(states)
    return [line if len(line) <= _LINE_LIMIT else f"{line[: _LINE_LIMIT - 1]}…" for line in news]


def is_wider(mode: str, asked: str) -> bool:
    """Whether a permission mode lets Claude do more unasked than another; one that is not known does."""
    if mode not in _WIDENING or asked not in _WIDENING:
        return bool(mode) and mode != asked
    return _WIDENING.index(mode) > _WIDENING.index(asked)


def untrusted(stderr: Sequence[str]) -> list[str]:
    """The CLI's words on settings it ignores, because the folder was never trusted; without paths."""
    return [f"{match[0]}." for line in stderr if (match := _UNTRUSTED.match(line))]


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
