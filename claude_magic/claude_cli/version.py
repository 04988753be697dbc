"""The version of a `claude` program, asked within a bound: nothing of the question is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from claude_magic.claude_cli.locate import parse_version
from claude_magic.processes.manager import default_manager

__all__ = ["ask_version"]

PROBE_TIMEOUT = 1.5  # seconds for `claude -v`; measured: 0.01
PROBE_LENGTH = 10_000  # bytes; a version is shorter, even below a wrapper's banner
NAME = "Claude Code"  # beside the version


async def ask_version(cli: Path, env: Mapping[str, str]) -> str:
    """The version in what `claude -v` says, else all that came within `PROBE_TIMEOUT`; "" if nothing did.

    Raises:
        CLINotFoundError: The program cannot be run.
        StartError: The system refused.
    """
    child = await default_manager().start_helper([str(cli), "-v"], env)
    output = b""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            while len(output) < PROBE_LENGTH and (chunk := await child.read()):
                output += chunk
                if version := _version_line(output):
                    return version
    except TimeoutError:
        pass
    finally:
        await child.kill()
    return _text(output)


def _version_line(output: bytes) -> str:
    """The line that is the version: a wrapper may print others before it."""
    lines = _text(output[: output.rfind(b"\n") + 1]).splitlines()
    return next((line for line in lines if parse_version(line) and NAME in line), "")


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()
