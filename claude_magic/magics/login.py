"""`%claude_login`: the login where no terminal is near."""

from __future__ import annotations

import os
from argparse import Namespace

from claude_magic.claude_cli.command import build_env
from claude_magic.claude_cli.locate import find_cli
from claude_magic.claude_cli.login import Login, terminal_command
from claude_magic.errors import ClaudeMagicError, UsageError
from claude_magic.magics.arguments import magic
from claude_magic.magics.cell import Cells
from claude_magic.magics.output import say
from claude_magic.notebook.sessions import MAIN, Sessions
from claude_magic.notebook.settings import Settings
from claude_magic.session import SessionState

__all__ = ["LoginMagics"]

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_QUESTION = "The code that the page shows (empty if it shows none): "


class LoginMagics:
    """The magic about the login.

    Args:
        sessions: The notebook's sessions.
        settings: The notebook's settings.
        cells: Ask the person.
    """

    def __init__(self, sessions: Sessions, settings: Settings, cells: Cells) -> None:
        self._sessions = sessions
        self._settings = settings
        self._cells = cells

    @magic(usage="")
    async def claude_login(self, _: Namespace) -> None:
        """Log in to Claude from here: open the address, and paste the code that the page shows."""
        if self._settings.backend == "offline":
            raise UsageError(
                "The offline model needs no login. For Claude itself, first type: "
                '%config ClaudeMagics.backend = "claude"'
            )
        if not self._cells.is_attended:
            command = terminal_command("login")
            raise UsageError(f"Nobody can answer here. In a terminal, type: {command}")
        options = await self._sessions.options(MAIN)
        env = build_env(options, os.environ)
        for name in _KEYS:
            if env.get(name):
                say(f"{name} is set, and goes before any login: take it out if the API does not accept it.")
        login = await Login.start(find_cli(options.cli).path, env)
        try:
            await self._log_in(login)
        finally:
            await login.end()
        await self._release()
        say("Logged in. The next prompt uses it.")

    async def _log_in(self, login: Login) -> None:
        say(await login.instructions() or "claude says nothing yet.")
        done, words = await login.answer(self._cells.read(_QUESTION, secret=True) or "")
        if not done:
            why = words or "claude still waits for the page"
            raise ClaudeMagicError(f"Not logged in: {why}. To try again, type: %claude_login")

    async def _release(self) -> None:
        """Ends the processes that were started without the login; the next prompt resumes."""
        for session in list(self._sessions):
            if session.is_running and session.state is SessionState.IDLE:
                await session.stop()
