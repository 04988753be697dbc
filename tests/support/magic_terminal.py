"""IPython in a pseudo-terminal whose Claude is the real CLI on the scripted model."""

from __future__ import annotations

import re
from pathlib import Path

from endpoint_log import Endpoint
from magic_fixtures import offline_environment
from terminal_client import Terminal

__all__ = ["MagicTerminal"]


class MagicTerminal(Terminal):
    """A terminal on the scripted model."""

    def __init__(self, folder: Path, *, simple_prompt: bool = False) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self.endpoint = Endpoint("", folder / "endpoint.jsonl")
        super().__init__(folder, simple_prompt=simple_prompt, cwd=self.work, env=offline_environment(folder))

    @property
    def raw(self) -> str:
        """All that the screen has got since the last cell was typed, escapes included."""
        return self._raw

    def pid_of_claude(self) -> str:
        """The process of the session, as `%claude_status` has it."""
        found = re.search(r"process +pid (\d+)", self.run("%claude_status main"))
        assert found is not None
        return found[1]
