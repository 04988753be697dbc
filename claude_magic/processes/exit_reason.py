"""Why a process did not start, or how it ended, in words. Pure: what the system said in, a cause out."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from claude_magic.errors import CLINotFoundError, StartError, WorkingDirectoryError

__all__ = ["exit_cause", "start_error"]


def start_error(program: str, cwd: Path, error: Exception) -> StartError | CLINotFoundError:
    """Names why a process could not be spawned.

    Args:
        program: What was to be started.
        cwd: Where.
        error: What spawning raised.

    Returns:
        The error to raise: the folder's, the program's, or the system's.
    """
    number, name = getattr(error, "errno", None), Path(program).name
    if number is not None and str(getattr(error, "filename", "")) == str(cwd):
        return WorkingDirectoryError(
            f"The folder {str(cwd)!r} cannot be used: {os.strerror(number)}. Create it or give another --cwd."
        )
    if number in {errno.EMFILE, errno.ENFILE}:
        return StartError(
            f"Too many open files to start {name}. Close some notebooks or raise `ulimit -n`, then run again."
        )
    if number in {errno.EAGAIN, errno.ENOMEM}:
        return StartError(
            f"The system has no memory or process slot left to start {name}. Free some and run again."
        )
    if number == errno.ENOEXEC:
        return CLINotFoundError(f"{program!r} is not a program for this machine. Reinstall {name}.")
    if number in {errno.ENOENT, errno.EACCES, errno.ENOTDIR}:
        return CLINotFoundError(f"{program!r} cannot be run: {os.strerror(number)}.")
    return StartError(f"{name} could not be started: {error}")


def exit_cause(returncode: int | None, stderr: Sequence[str] = ()) -> str:
    """Names how the process ended.

    Args:
        returncode: As `subprocess` gives it: negative for a signal, None if it is not known to have ended.
        stderr: Its last lines, redacted.

    Returns:
        A phrase like "exit code 1: unknown option", "killed by SIGKILL". It never claims to know who sent a
        signal: a SIGKILL may be the kernel's out-of-memory killer or anyone else.
    """
    tail = ": " + " / ".join(stderr[-3:]) if stderr else ""
    if returncode is None:
        return f"no exit seen{tail}"
    if returncode < 0:
        return f"{_signal_words(-returncode)}{tail}"
    if returncode > 128 and _is_signal(returncode - 128):
        return f"exit code {returncode}, as after {signal.Signals(returncode - 128).name}{tail}"
    return f"exit code {returncode}{tail}"


def _is_signal(number: int) -> bool:
    return number in {item.value for item in signal.Signals}


def _signal_words(number: int) -> str:
    if not _is_signal(number):
        return f"ended by signal {number}"
    name = signal.Signals(number).name
    crashed = name in {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"}
    return f"crashed with {name}" if crashed else f"killed by {name}"
