"""The permission rules that hold in a session, and how one is taken back.

No control request takes back what Always has set (measured: 2.1.191 and 2.1.332; `removeRules` is only heard
in the answer to a permission request, which the rule prevents). So a rule that was written into the
project's own settings is taken out of that file, and one of the session ends with its process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.errors import ControlError, StateError
from claude_magic.support.whole_file import write_whole

__all__ = ["LOCAL", "PermissionRule", "remove_from_file", "rules_of"]

LOCAL = "localSettings"
_BEHAVIORS = ("allow", "ask", "deny")


class PermissionRule(Struct, frozen=True):
    """A rule by which the CLI decides on tool calls.

    Args:
        behavior: What it has done: "allow", "ask" or "deny".
        text: The rule, as `Bash(git *)`.
        source: Where it comes from, as the CLI names it: "localSettings", "session", "cliArg" …
    """

    behavior: str
    text: str
    source: str


async def rules_of(process: ClaudeProcess) -> list[PermissionRule]:
    """The rules that a process tells of.

    Raises:
        ControlError: It tells nothing.
        ProcessEndedError: It ended meanwhile.
    """
    try:
        reply = await process.request("list_permission_rules")
    except ControlError:  # 2.1.191 tells only of those in settings
        return list(_in_settings(await process.request("get_settings")))
    state = reply.get("state")
    rules = state.get("rules") if isinstance(state, Mapping) else None
    return [
        PermissionRule(str(each.get("behavior")), str(each.get("rule")), str(each.get("source")))
        for each in (rules if isinstance(rules, list) else [])
        if isinstance(each, Mapping)
    ]


def remove_from_file(folder: Path, rule: PermissionRule) -> None:
    """Takes a rule out of a project's local settings, where Always has written it.

    Raises:
        StateError: The file does not have it, or cannot be read or written.
    """
    path = folder / ".claude" / "settings.local.json"
    try:
        path = path.resolve()
        settings = json.loads(path.read_text(encoding="utf-8"))
        settings["permissions"][rule.behavior].remove(rule.text)
        text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
        write_whole(path, text, mode=path.stat().st_mode & 0o777)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"{rule.text} cannot be taken out of {path}: {error!r:.100}") from None


def _in_settings(reply: Mapping[str, Any]) -> Iterator[PermissionRule]:
    sources = reply.get("sources")
    for each in sources if isinstance(sources, list) else []:
        permissions = each.get("settings", {}).get("permissions", {})
        for behavior in _BEHAVIORS:
            for text in permissions.get(behavior) or ():
                yield PermissionRule(behavior, str(text), str(each.get("source")))
