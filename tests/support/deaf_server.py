"""An MCP server that ends by no signal but SIGKILL, and not when its input does."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

__all__ = ["deaf_server"]


def deaf_server(word: str) -> str:
    """The configuration that has the CLI start it; `word` is the last of its command line."""
    server = {"type": "stdio", "command": sys.executable, "args": [str(Path(__file__)), word]}
    return json.dumps({"mcpServers": {"deaf": server}})


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        result: dict[str, object] = {"tools": []}
        if asked["method"] == "initialize":
            result = {
                "protocolVersion": asked["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "deaf", "version": "1"},
            }
        if "id" in asked:
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _serve()
    time.sleep(100)  # the server
