"""Where the answers come from: Claude, with the user's own login, or the offline model.

Gives the environment variables of a session's process and the label that is shown with every answer.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from claude_magic import offline
from claude_magic.errors import StartError
from claude_magic.processes.child import ChildProcess
from claude_magic.processes.manager import default_manager
from claude_magic.support.paths import absolute, notebook_folder
from claude_magic.support.state_file import state_folder

__all__ = ["BACKENDS", "OfflineModel", "default_backend"]

BACKENDS = ("claude", "offline")
START_TIMEOUT = 20.0  # seconds; measured: 0.2


def default_backend() -> str:
    """The backend that the environment asks for: "offline" with CLAUDE_MAGIC_OFFLINE=1, else "claude"."""
    return "offline" if os.environ.get("CLAUDE_MAGIC_OFFLINE", "") not in {"", "0"} else "claude"


class OfflineModel:
    """The scripted model's server, started when first used and ended with this process.

    Scenario files beside the built-in ones come from CLAUDE_MAGIC_OFFLINE_SCENARIO (paths, separated as in
    PATH); CLAUDE_MAGIC_OFFLINE_LOG names a file to which every request is appended. Relative paths count from
    the notebook's folder.
    """

    def __init__(self) -> None:
        self._child: ChildProcess | None = None
        self._url = ""
        self._folder: Path | None = None
        self._lock = asyncio.Lock()

    async def environment(self) -> dict[str, str]:
        """The variables that lead the CLI to the server.

        Raises:
            StartError: The server did not start; the message has its own words.
        """
        async with self._lock:
            if self._child is None or not self._child.is_running:
                self._child, self._url = await self._start()
        try:
            return offline.environment(self._url, state_folder() / "offline")
        except OSError:  # nothing can be kept there: the conversations last as long as the kernel
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="claude_magic-"))
            return offline.environment(self._url, self._folder)

    async def stop(self) -> None:
        """Ends the server."""
        if self._child is not None:
            await self._child.stop()
        self._forget()

    def kill_now(self) -> None:
        """Ends the server without a loop, for interpreter exit."""
        if self._child is not None:
            self._child.kill_now()
        self._forget()

    def _forget(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _start(self) -> tuple[ChildProcess, str]:
        child = await default_manager().start_helper(_command(), os.environ)
        try:
            line = await asyncio.wait_for(child.read(), START_TIMEOUT)
            return child, offline.url_from(line)
        except (StartError, TimeoutError):
            await child.stop(eof_grace=1.0)
            reason = " ".join(child.stderr_tail(1)) or "it said nothing"
            raise StartError(f"The offline model did not start: {reason}") from None


def _command() -> list[str]:
    scenarios = os.environ.get("CLAUDE_MAGIC_OFFLINE_SCENARIO", "").split(os.pathsep)
    log = os.environ.get("CLAUDE_MAGIC_OFFLINE_LOG")
    paths = [absolute(path, notebook_folder()) for path in scenarios if path]
    return offline.command(paths, absolute(log, notebook_folder()) if log else None)
