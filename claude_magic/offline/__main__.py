"""`python -m claude_magic.offline`: the scripted model, until stdin ends."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

from claude_magic.errors import UsageError
from claude_magic.offline.scenario import Scenario
from claude_magic.offline.server import RequestLog, Server

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until stdin ends.

    Args:
        argv: The arguments; those of the command line if None.

    Returns:
        The exit code: 0, or 2 if a scenario or the log cannot be used.
    """
    options = _parse(argv)
    try:
        scenario, log = Scenario.load(options.scenario), RequestLog(options.log)
    except UsageError as error:
        sys.stderr.write(f"claude_magic: {error}\n")
        return 2
    with closing(log):
        server = Server(scenario, log, options.port)
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            sys.stdin.read()
    return 0  # all threads are daemons: they end with the process, whatever they are sending


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser("python -m claude_magic.offline", description="A scripted model on 127.0.0.1.")
    parser.add_argument(
        "--scenario", type=Path, action="append", default=[], help="a scenario file (repeatable)"
    )
    parser.add_argument("--log", type=Path, help="append each request to this file, as JSON lines")
    parser.add_argument("--port", type=int, default=0, help="the port; any free one by default")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
