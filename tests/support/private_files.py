"""An MCP server whose configuration holds a token, and the private files that tell it to the CLI."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from pathlib import Path

from claude_magic.support.state_file import state_folder

__all__ = ["TOKEN", "private_files", "server_with_token"]

TOKEN = "ghp-2f9c1e7d55aa"  # nothing that redaction would know for a key
_SERVER = Path(__file__).parent / "deaf_server.py"


def server_with_token(heard: Path | None = None) -> str:
    """The configuration of a server that has the token in its environment.

    Args:
        heard: Where the server writes what it was given.
    """
    write = f'printf %s "$GITHUB_TOKEN" > {shlex.quote(str(heard))};' if heard else ""
    command = f"{write} exec {shlex.quote(sys.executable)} {_SERVER} word"
    server = {"command": "sh", "args": ["-c", command], "env": {"GITHUB_TOKEN": TOKEN}}
    return json.dumps({"mcpServers": {"github": server}})


def private_files() -> list[Path]:
    """Those that kernels have written and not yet removed."""
    places = (state_folder() / "private", Path(tempfile.gettempdir()))
    return [path for place in places for path in place.glob("claude_magic-private@*/*")]
