"""The least that can talk to a `claude`: a pipe, lines, JSON. What claude_magic is measured against."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from typing import Any

__all__ = ["BarePipe", "single"]

LIMIT = 64 * 1024 * 1024


class BarePipe:
    """One process, one turn after the other.

    Args:
        argv: Its command line.
        env: Its whole environment.
        cwd: Where it works.
    """

    def __init__(self, argv: list[str], env: Mapping[str, str], cwd: str) -> None:
        self.argv, self.env, self.cwd = argv, dict(env), cwd
        self.deltas = 0
        self._process: Process | None = None

    async def turn(self, prompt: str) -> str:
        """Sends a prompt; the text of its result."""
        process = self._process = self._process or await self._start()
        message = {"role": "user", "content": prompt}
        self._write(process, {"type": "user", "uuid": str(uuid.uuid4()), "message": message,
                              "parent_tool_use_id": None, "session_id": "default"})  # fmt: skip
        while (event := await self._read(process))["type"] != "result":
            self.deltas += event["type"] == "stream_event"
        return str(event["result"])

    async def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()

    async def _start(self) -> Process:
        # As in claude_magic: the same kind of process, also as to what it inherits.
        process = await asyncio.create_subprocess_exec(
            *self.argv, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=self.env, cwd=self.cwd, limit=LIMIT,
            start_new_session=True,
        )  # fmt: skip
        request = {"subtype": "initialize"}
        self._write(process, {"type": "control_request", "request_id": "1", "request": request})
        while (await self._read(process))["type"] != "control_response":
            pass
        return process

    def _write(self, process: Process, message: dict[str, object]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self, process: Process) -> dict[str, Any]:
        assert process.stdout is not None
        event: dict[str, Any] = json.loads(await process.stdout.readline())
        return event


async def single(cli: str, prompt: str, env: Mapping[str, str], cwd: str) -> str:
    """One `claude -p` for one prompt; what it prints."""
    process = await asyncio.create_subprocess_exec(
        cli, "-p", prompt, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env={**os.environ, **env}, cwd=cwd
    )
    printed, _ = await process.communicate()
    return printed.decode().strip()
