"""A real IPython in a pseudo-terminal, driven by keystrokes. Every wait is bounded."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import pexpect
import psutil
from kernel_client import fresh_environment
from waiting import attempts, wait_until

__all__ = ["Terminal", "plain"]

START_TIMEOUT = 60.0
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
)


class Terminal:
    """Starts IPython and talks to it.

    Args:
        home: A folder for everything that it finds in its home.
        simple_prompt: Runs with `--simple-prompt` and not with prompt_toolkit.
        cwd: Its working directory; `home` if None.
        env: Variables on top of `fresh_environment(home)`.
        arguments: More arguments for IPython.
    """

    def __init__(
        self,
        home: Path,
        *,
        simple_prompt: bool = False,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        arguments: Iterable[str] = (),
    ) -> None:
        self._simple = simple_prompt
        self._env = (
            fresh_environment(home) | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | dict(env or {})
        )
        self._cwd = cwd or home
        self._arguments = ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor"]
        self._arguments += ["--HistoryManager.enabled=False", "--no-term-title", *arguments]
        if simple_prompt:
            self._arguments.append("--simple-prompt")
        self._raw = ""
        self._number = 1

    def __enter__(self) -> Self:
        self._child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            self._arguments,
            cwd=str(self._cwd),
            env=self._env,
            encoding="utf-8",
            dimensions=(50, 400),
        )
        self._child.delaybeforesend = None
        self.wait_for_prompt(START_TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(pexpect.ExceptionPexpect):  # 0.1 s after SIGKILL a busy machine may not have ended it
            self._child.close(force=True)
        wait_until(lambda: not self._child.isalive())

    @property
    def pid(self) -> int:
        assert self._child.pid is not None
        return self._child.pid

    def run(self, code: str, timeout: float = 60.0) -> str:
        """Types a cell and returns what the screen got until the next prompt, without escapes.

        The text begins with the echo of what was typed.
        """
        self.start(code)
        return self.wait_for_prompt(timeout)

    def start(self, code: str) -> None:
        """Types a cell and does not wait. With a simple prompt, many lines must be one indented block."""
        self._raw = ""
        self._number += 1
        if "\n" not in code:
            self._child.send(code + "\r")
        elif self._simple:
            self._child.send(code.replace("\n", "\r") + "\r\r")
        else:
            # Pasted, so that nothing is indented on the way; then Meta-Enter, which ends a long cell.
            self._child.send(f"\x1b[200~{code}\x1b[201~\x1b\r")

    def write(self, text: str) -> None:
        """Types what is not yet a line."""
        self._child.send(text)

    def finish(self, text: str, timeout: float = 60.0) -> str:
        """Types the rest of a line begun by `write`, and returns the screen's text as `run` does."""
        self._number += 1
        self._child.send(text + "\r")
        return self.wait_for_prompt(timeout)

    def wait_for_end(self, timeout: float = 60.0) -> None:
        """Waits until IPython has ended."""
        self._child.expect(pexpect.EOF, timeout=timeout)

    def type(self, line: str) -> None:
        """Types a line for a program that asks in a running cell."""
        self._child.send(line + "\r")

    def wait_for_prompt(self, timeout: float = 60.0) -> str:
        """Waits for the prompt of the next cell and returns the screen's text since the last `start`."""
        return self.wait_for(rf"In \[{self._number}\]:", timeout)

    def wait_for(self, pattern: str, timeout: float = 60.0) -> str:
        """Waits until the text since the last `start` holds `pattern`, and returns that text.

        Raises:
            TimeoutError: It did not come in time, or IPython has ended.
        """
        for _ in attempts(lambda: re.search(pattern, self._screen), timeout, lambda: self._screen[-4000:]):
            try:
                self._raw += self._child.read_nonblocking(65536, 0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF as end:
                raise TimeoutError(f"IPython has ended without {pattern!r}: {self._screen[-4000:]}") from end
        return self._screen

    def interrupt(self) -> None:
        """Presses Ctrl-C, as a person does: not before the program has come to wait.

        Between the prompt of an `input()` and its read, readline loses a signal.

        Raises:
            TimeoutError: It never waits.
        """
        process = psutil.Process(self.pid)
        wait_until(lambda: process.status() == psutil.STATUS_SLEEPING, START_TIMEOUT)
        self._child.sendintr()

    @property
    def _screen(self) -> str:
        return plain(self._raw)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal to IPython alone."""
        self._child.kill(number)


def plain(text: str) -> str:
    """Text as it reads on the screen: no escapes, no carriage returns."""
    return _ESCAPES.sub("", text).replace("\r", "")
