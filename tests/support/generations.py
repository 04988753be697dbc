"""The two generations of the real CLI."""

from __future__ import annotations

from pathlib import Path

from places import ROOT

from claude_magic.claude_cli.locate import find_cli

__all__ = ["OLDER_CLI", "current_cli"]

OLDER_CLI = ROOT / ".venv/older-cli/claude_agent_sdk/_bundled/claude"


def current_cli() -> Path:
    """The CLI of the current wheel."""
    return find_cli(env={}, home=Path("/nonexistent")).path
