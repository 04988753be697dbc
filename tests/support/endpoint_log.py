"""What reached the scripted model, read from its log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["Endpoint"]


class Endpoint:
    """What reached the scripted model. Of a log that grows only what is new is read.

    Args:
        url: Its address, or "".
        log: Where it logs.
    """

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self._file, self._end = 0, 0  # the inode that was read, and how far
        self._lines: list[dict[str, Any]] = []

    def mark(self) -> None:
        """Forgets what has been so far."""
        self._read()
        self._lines.clear()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Everything logged since the mark, in order."""
        self._read()
        return self._lines.copy()

    def _read(self) -> None:
        try:
            with self.log.open("rb") as log:
                if (file := os.fstat(log.fileno()).st_ino) != self._file:
                    self._file, self._end, self._lines = file, 0, []
                log.seek(self._end)
                whole = log.read().rpartition(b"\n")
        except FileNotFoundError:
            self._file, self._end, self._lines = 0, 0, []
            return
        self._end += len(whole[0]) + len(whole[1])
        self._lines += map(json.loads, whole[0].splitlines())

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests that belong to turns, in order."""
        return [line for line in self.lines if line.get("rule")]

    @property
    def last(self) -> dict[str, Any]:
        """The body of the last of them."""
        body: dict[str, Any] = self.requests[-1]["body"]
        return body

    @property
    def tool_results(self) -> list[str]:
        """The texts of all tool results in the last request, in order."""
        return [json.dumps(block["content"]) for block in self._blocks("tool_result")]

    @property
    def prompts(self) -> list[str]:
        """The texts that the person has in the last request, in order."""
        return [block["text"] for block in self._blocks("text", role="user")]

    @property
    def stripped_prompts(self) -> list[str]:
        """The same without outer white space: after a crash 2.1.191 ends some with a newline."""
        return [prompt.strip() for prompt in self.prompts]

    @property
    def system(self) -> str:
        """The system prompt of the last request."""
        system = self.last["system"]
        return system if isinstance(system, str) else "\n".join(block["text"] for block in system)

    def _blocks(self, kind: str, role: str = "") -> list[dict[str, Any]]:
        found = []
        for message in self.last["messages"]:
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            if not role or message["role"] == role:
                found += [block for block in blocks if block.get("type") == kind]
        return found
