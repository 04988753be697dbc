"""Where things are that tests use: in the project, and what the Makefile has put beside them."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "DURATIONS",
    "FAKE",
    "FAULTS",
    "OLDER_KERNEL",
    "RECORDINGS",
    "ROOT",
    "SCENARIO",
    "SUPPORT",
    "TYPINGS",
]

SUPPORT = Path(__file__).parent
ROOT = SUPPORT.parents[1]
FAKE = SUPPORT / "fake_claude.py"
SCENARIO = SUPPORT / "scenario.toml"  # of the scripted model
FAULTS = ROOT / "tests" / "FAULTS.md"
DURATIONS = ROOT / "tests" / "durations.json"  # seconds by file
RECORDINGS = ROOT / "tests" / "transcript" / "recordings"  # of turns, by the CLI's version
OLDER_KERNEL = ROOT / ".venv" / "ipykernel-6"
TYPINGS = ROOT / ".venv" / "typings" / "package" / "sdk.d.ts"
