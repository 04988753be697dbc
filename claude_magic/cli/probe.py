"""The version of a `claude` program, asked within a bound: nothing of the question is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from claude_magic.cli.helper import start_helper

__all__ = ["ask_version"]

PROBE_TIMEOUT = 1.5  # seconds for `claude -v`; measured: 0.01
PROBE_LENGTH = 1000  # bytes; a version is shorter


async def ask_version(cli: Path, env: Mapping[str, str]) -> str:
    """What `claude -v` says; as much as came within `PROBE_TIMEOUT`, "" if nothing did.

    Raises:
        CLINotFoundError: The program cannot be run.
        StartError: The system refused.
    """
    child = await start_helper([str(cli), "-v"], env)
    said = b""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            while b"\n" not in said and len(said) < PROBE_LENGTH and (chunk := await child.read()):
                said += chunk
    except TimeoutError:
        pass
    finally:
        await child.kill()
    return said.decode(errors="replace").strip()
