"""The CLI's own login, for somebody who has no terminal: its words out, the code that the page shows in.

Measured with 2.1.191 and 2.1.332: `claude auth login` prints an address, tries to open a browser, and reads a
code from stdin, a pipe too; where the browser is on the same machine it ends by itself. `claude auth status`
tells in JSON who is logged in, and how.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import msgspec

from claude_magic.control_characters import one_line, strip_controls
from claude_magic.processes.child import ChildProcess
from claude_magic.processes.manager import default_manager

__all__ = ["LOGIN", "Login", "LoginStatus", "ask_login", "terminal_command"]

LOGIN = ("auth", "login")
_STATUS = ("auth", "status")
_STATUS_TIMEOUT = 10.0  # seconds; measured: 0.4
_WORDS_TIMEOUT = 20.0  # seconds until the address is printed; measured: 1
_CODE_TIMEOUT = 60.0  # seconds in which the CLI exchanges the code
_ITSELF_TIMEOUT = 2.0  # seconds to see that the browser alone was enough
_PROMPT, _ASKS = "Paste code here", "prompted >"  # "Paste code here if prompted > "


class LoginStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What `claude auth status` says."""

    logged_in: bool = False
    auth_method: str = ""
    api_key_source: str = ""

    def __str__(self) -> str:
        if not self.logged_in:
            return "not logged in"
        how = self.api_key_source or self.auth_method.replace("_", " ")
        return f"logged in ({one_line(how, 80)})" if how else "logged in"


async def ask_login(cli: Path, env: Mapping[str, str]) -> LoginStatus | None:
    """Who the CLI would be for the API; None if it does not say. Nothing leaves the machine for it."""
    child = await default_manager().start_helper([str(cli), *_STATUS], env)
    output = b""
    try:
        async with asyncio.timeout(_STATUS_TIMEOUT):
            while chunk := await child.read():
                output += chunk
        return msgspec.json.decode(output, type=LoginStatus)
    except (TimeoutError, msgspec.DecodeError, UnicodeError):
        return None
    finally:
        await child.kill()


def terminal_command(name: str) -> str:
    """What to type in a terminal for a subcommand of ours, also where this environment is not on PATH."""
    found = shutil.which("claude-magic")
    if found and Path(found).parent == Path(sys.executable).parent:
        return f"claude-magic {name}"
    return f"{quote(sys.executable)} -m claude_magic.command.main {name}"


class Login:
    """One login under way.

    Args:
        child: The CLI.
    """

    def __init__(self, child: ChildProcess) -> None:
        self._child = child

    @classmethod
    async def start(cls, cli: Path, env: Mapping[str, str]) -> Login:
        """Starts the CLI's login.

        Raises:
            CLINotFoundError: The program cannot be run.
            StartError: The system refused.
        """
        return cls(await default_manager().start_helper([str(cli), *LOGIN], env))

    async def instructions(self) -> str:
        """What the person has to do, with the address; "" if the CLI did not say in time."""
        return await self._read(_WORDS_TIMEOUT, until=_PROMPT)

    async def answer(self, code: str) -> tuple[bool, str]:
        """Gives the code, or "": whether that was the login, and the CLI's last words."""
        if code:
            await self._child.write(f"{code}\n".encode())
        words = await self._read(_CODE_TIMEOUT if code else _ITSELF_TIMEOUT)
        done = await self._child.wait(_ITSELF_TIMEOUT) == 0
        last = words.rpartition(_ASKS)[2].strip() or "".join(self._child.stderr_tail(1))
        return done, one_line(last.rpartition("\n")[2], 300)

    async def end(self) -> None:
        """Ends the CLI, whatever it waits for."""
        await self._child.kill()

    async def _read(self, seconds: float, until: str = "") -> str:
        output = b""
        with contextlib.suppress(TimeoutError):  # what has come by then is what there is
            async with asyncio.timeout(seconds):
                while chunk := await self._child.read():
                    output += chunk
                    if until and until.encode() in output:
                        break
        text = strip_controls(output.decode(errors="replace"))
        return (text.partition(until)[0] if until else text).strip()
