"""What prompts have changed for each session: `--cwd`, `--system` and the like.

The promise: a change is kept once a process has started with it. One that no process could start with fails
its own prompt and is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

from claude_magic.session import Session

__all__ = ["Changes"]


class Changes:
    """The changes, by session and by field of `Options`."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, object]] = {}
        self._tried: dict[str, dict[str, object]] = {}

    def of(self, name: str, session: Session | None) -> dict[str, object]:
        """What is changed for a session: what is kept, and what is still to be tried."""
        if session is not None:
            self._settle(name, session)
        return self._kept.get(name, {}) | self._tried.get(name, {})

    def attempt(self, name: str, changes: Mapping[str, object]) -> None:
        """These come with the next prompt."""
        kept = self._kept.get(name, {})
        new = {field: value for field, value in changes.items() if kept.get(field) != value}
        self._tried[name] = new

    def keep(self, name: str, field: str, value: object) -> None:
        """This holds already."""
        self._kept.setdefault(name, {})[field] = value

    def _settle(self, name: str, session: Session) -> None:
        works, refused = session.conversation.in_force, session.conversation.refused
        for field, value in list(self._tried.get(name, {}).items()):
            if works is not None and getattr(works, field) == value:
                self.keep(name, field, self._tried[name].pop(field))
            elif refused is not None and getattr(refused, field) == value:
                del self._tried[name][field]
