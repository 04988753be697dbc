"""`%claude_permissions`: the rules that hold in a session, and taking one back."""

from __future__ import annotations

import difflib
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from claude_magic.errors import UsageError
from claude_magic.magics.arguments import Word, flag, magic, sessions
from claude_magic.magics.output import say, show
from claude_magic.session.permission_rules import LOCAL, PermissionRule
from claude_magic.views import table_output
from claude_magic.wording.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.notebook.sessions import Sessions

__all__ = ["PermissionMagics"]

_HEAD = ("number", "rule", "does", "from")
_NOTE = "Permission mode: {}. Take a rule back: %claude_permissions {} --remove NUMBER"
_SOURCES = {
    LOCAL: "Always, for this project (.claude/settings.local.json)",
    "projectSettings": "the project's settings (.claude/settings.json)",
    "userSettings": "your settings (~/.claude/settings.json)",
    "policySettings": "the settings of your organisation",
    "flagSettings": "the running turn's options",
    "cliArg": "the session's options",
    "session": "Always, for this session",
}


class PermissionMagics:
    """The magic about permission rules.

    Args:
        shell: The shell.
        sessions: The notebook's sessions.
    """

    def __init__(self, shell: InteractiveShell, sessions: Sessions) -> None:
        self._shell = shell
        self._sessions = sessions
        self._listed: dict[str, list[PermissionRule]] = {}  # by session, as shown: numbers mean these

    @property
    def names(self) -> list[str]:
        """The rules that were listed."""
        return [rule.text for rules in self._listed.values() for rule in rules]

    @magic(
        Word("name", sessions),
        flag(
            "--remove NUMBER|RULE",
            "Take back a rule that allows.",
            suggested=lambda in_use: in_use.permissions.names,
        ),
        usage="[NAME] [--remove NUMBER|RULE]",
    )
    async def claude_permissions(self, arguments: Namespace) -> None:
        """List the rules by which a session's tools are allowed, asked for or refused, or take one back."""
        session = self._sessions.find(arguments.name)
        rules = await session.permission_rules()
        if arguments.remove is not None:
            rule = _chosen(arguments.remove, self._listed.get(session.name, rules), rules)
            await session.take_back(rule)
            self._listed.pop(session.name, None)
            say(f"Taken back: {rule.text}. It holds until the next prompt of session {session.name!r}.")
            return
        self._listed[session.name] = rules
        if not rules:
            say(f"No rules in session {session.name!r}; its permission mode is {session.permission_mode}.")
            return
        rows = [
            (str(number), rule.text, rule.behavior, _SOURCES.get(rule.source, rule.source))
            for number, rule in enumerate(rules, 1)
        ]
        note = _NOTE.format(session.permission_mode, session.name)
        show(self._shell, table_output(Table(_HEAD, rows, note)))


def _chosen(typed: str, listed: Sequence[PermissionRule], now: Sequence[PermissionRule]) -> PermissionRule:
    """The rule that is meant, by its number in the last list or by its words.

    Raises:
        UsageError: There is none.
    """
    if typed.isdecimal():
        rule = listed[int(typed) - 1] if 0 < int(typed) <= len(listed) else None
    else:
        rule = next((each for each in now if each.text == typed), None)
    if rule is not None and rule in now:
        return rule
    close = difflib.get_close_matches(typed, [each.text for each in now], n=1)
    hint = f"Did you mean {close[0]}?" if close else "%claude_permissions lists them."
    raise UsageError(f"There is no rule {typed!r:.80}. {hint}")
