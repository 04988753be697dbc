"""A scripted model on loopback, so that the real `claude` CLI runs with no account.

The server is a process of its own: start `command()`, read one line of its stdout into `url_from`, and give
the CLI `environment()`. It serves until its stdin ends, so it never outlives the process that started it.

It spawns nothing, talks to nobody but its clients on 127.0.0.1, and needs only the standard library.
Of the package it imports the errors alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from claude_magic.errors import StartError

__all__ = ["LABEL", "command", "environment", "url_from"]

LABEL = "offline model, scripted answers"

# Each of these would send the CLI elsewhere or give it another identity; empty counts as unset.
_BLANK = (
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
)
_LOOPBACK = "127.0.0.1,localhost"
_QUIET = (
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "DISABLE_AUTOUPDATER",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
)


def command(scenarios: Sequence[Path] = (), log: Path | None = None) -> list[str]:
    """The command line that starts the server.

    Args:
        scenarios: Scenario files, looked through before the built-in ones.
        log: File to which each request is appended as a JSON line.

    Returns:
        The program and its arguments.
    """
    # -P: a file in the working directory never takes the place of a module.
    argv = [sys.executable, "-P", "-m", "claude_magic.offline"]
    argv += [f"--scenario={path}" for path in scenarios]
    return argv if log is None else [*argv, f"--log={log}"]


def environment(url: str, folder: Path) -> dict[str, str]:
    """The variables that make the CLI talk to the server, and to nothing else.

    Args:
        url: The server's address, from `url_from`.
        folder: Where the CLI's home and configuration go; created for the user alone.

    Returns:
        Variables to set on top of the process's own.
    """
    home, config = folder / "home", folder / "config"
    for path in (folder, home, config):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        **dict.fromkeys(_BLANK, ""),
        **dict.fromkeys(_QUIET, "1"),
        "ANTHROPIC_API_KEY": "offline",
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CONFIG_DIR": str(config),
        "HOME": str(home),
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }


def url_from(line: bytes) -> str:
    """The server's address from the line it prints when it listens.

    Args:
        line: The first line of its stdout.

    Returns:
        An address on 127.0.0.1.

    Raises:
        StartError: The line is not the server's.
    """
    try:
        url = json.loads(line)["url"]
        if urlsplit(url).hostname == "127.0.0.1":
            return str(url)
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise StartError("The offline model did not start. Try: python -m claude_magic.offline")
