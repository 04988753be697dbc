"""The two generations of the real CLI."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from places import ROOT

from claude_magic.claude_cli.locate import find_cli

__all__ = ["OLDER_CLI", "current_cli", "warmed"]

OLDER_CLI = ROOT / ".venv/older-cli/claude_agent_sdk/_bundled/claude"


def current_cli() -> Path:
    """The CLI of the current wheel."""
    return find_cli(env={}, home=Path("/nonexistent")).path


@cache
def warmed(cli: Path) -> Path:
    """The program, after its first run, which may take longer than the product waits for a version."""
    subprocess.run([cli, "-v"], env={"HOME": "/nonexistent"}, stdout=subprocess.DEVNULL, check=True)
    return cli
