"""What a process is started with, and how much of it may be seen. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from claude_magic.support.redact import redact

__all__ = ["SpawnOptions"]

# Their values are prompts, or may hold keys.
_HIDDEN = frozenset(
    ("--agents", "--append-system-prompt", "--json-schema", "--mcp-config", "--settings", "--system-prompt")
)


def _own_environment() -> Mapping[str, str]:
    return dict(os.environ)


@dataclass(frozen=True, slots=True)
class SpawnOptions:
    """What to run.

    Args:
        id: What to call it; one live process has it.
        command: The program.
        args: Its arguments.
        cwd: Its working directory.
        env: Its whole environment, never shown; a copy of this process's own if not given.
    """

    id: str
    command: str
    args: tuple[str, ...] = ()
    cwd: str | os.PathLike[str] = "."
    env: Mapping[str, str] = field(default_factory=_own_environment, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cwd", Path(self.cwd).absolute())
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))

    @property
    def shown_argv(self) -> tuple[str, ...]:
        """The command line without prompts and secrets."""
        return tuple(redact(_visible(word), self.env) for word in (self.command, *self.args))


def _visible(word: str) -> str:
    flag, equals, _ = word.partition("=")
    return f"{flag}=…" if equals and flag in _HIDDEN else word
