"""What reached the scripted model, read from its log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Endpoint"]


class Endpoint:
    """What reached the scripted model.

    Args:
        url: Its address, or "".
        log: Where it logs.
    """

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Everything logged, in order."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

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
