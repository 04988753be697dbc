"""Completes options, session names, models and modes after `%claude` and its sisters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.magics.arguments import OPTIONS
from claude_magic.notebook.sessions import Sessions
from claude_magic.options import EFFORTS, PERMISSION_MODES

__all__ = ["Completer"]

MODELS = ("default", "fable", "haiku", "opus", "sonnet")
_FLAGS = [flag for option in OPTIONS for flag in option.flags if flag.startswith("--")]
_VALUES: dict[str, Iterable[str]] = {
    "-m": MODELS,
    "--model": MODELS,
    "--permission-mode": PERMISSION_MODES,
    "--effort": EFFORTS,
    "--busy": ("queue", "refuse"),
}
_OTHER_FLAGS = {
    "claude_history": ["--force", "--permissions", "--to"],
    "claude_restart": ["--fresh"],
    "claude_resume": ["--all", "--fork", "--session"],
    "claude_status": ["--all"],
    "claude_stop": ["--all", "--turn"],
    "claude_tasks": [],
}
_COMMANDS = ("claude", "claude_wait", *_OTHER_FLAGS)


class _Lists(Protocol):
    @property
    def ids(self) -> list[str]: ...


class _Tasks(Protocol):
    subcommands: Sequence[str]

    @property
    def names(self) -> list[str]: ...


class _HasSessions(Protocol):
    @property
    def sessions(self) -> Sessions: ...

    @property
    def conversations(self) -> _Lists: ...

    @property
    def tasks(self) -> _Tasks: ...


class Completer:
    """Gives IPython the words that may come next.

    Args:
        shell: The shell.
        magics: Knows the sessions.
    """

    def __init__(self, shell: InteractiveShell, magics: _HasSessions) -> None:
        self._shell = shell
        self._magics = magics
        self._hooks: list[tuple[str, Callable[..., list[str]]]] = []

    def install(self) -> None:
        """Registers with the shell."""
        for command in _COMMANDS:
            for prefix in ("%", "%%") if command == "claude" else ("%",):
                self._hooks.append((prefix + command, self.complete))
        for key, hook in self._hooks:
            self._shell.set_hook("complete_command", hook, str_key=key)

    def uninstall(self) -> None:
        """Takes the hooks out again."""
        table = self._shell.strdispatchers.get("complete_command")
        for key, _ in self._hooks:
            if table is not None:
                table.strs.pop(key, None)
        self._hooks.clear()

    def complete(self, _: Any, event: Any) -> list[str]:
        """The words that fit at the cursor; called by IPython with its completion event."""
        command = event.command.lstrip("%")
        words = event.line.split()
        before = (
            words[-1] if event.line.endswith(" ") or not event.symbol else words[-2] if len(words) > 1 else ""
        )
        symbol = event.symbol if event.line.endswith(event.symbol) else ""
        return sorted(word for word in self._candidates(command, before, symbol) if word.startswith(symbol))

    def _candidates(self, command: str, before: str, symbol: str) -> Iterable[str]:
        if command == "claude_resume" and before not in {"-s", "--session"}:
            return [*_OTHER_FLAGS[command], *self._magics.conversations.ids]
        if command == "claude_tasks":
            subcommands = self._magics.tasks.subcommands
            return self._magics.tasks.names if before in subcommands else subcommands
        if command != "claude":
            return [*_OTHER_FLAGS.get(command, []), *self._magics.sessions.names]
        if before in {"-s", "--session"}:
            return self._magics.sessions.names
        if before in _VALUES:
            return _VALUES[before]
        return _FLAGS if symbol.startswith("-") or not symbol else ()
