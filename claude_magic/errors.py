"""Every error of claude_magic.

    ClaudeMagicError            one clear line: what failed, why, what to type next
    ├── UsageError              the magic's line or an option's value is wrong
    ├── CLINotFoundError        no usable `claude` program
    ├── StartError              the process could not be started, or ended before it was ready
    │   ├── WorkingDirectoryError   the session's folder is missing
    │   └── InUseError              a live process has the conversation, or the name, already
    ├── WireError               what the CLI wrote cannot be read
    │   ├── LineTooLongError        a line over the cap
    │   └── MalformedLineError      a line that should be a message and is none
    ├── ControlError            a control request was refused or not answered
    │   └── ControlTimeoutError     it was not answered in time
    ├── ProcessEndedError       the process ended in the middle of something
    ├── BusyError               a turn runs and `--busy refuse` was given
    ├── CancelledTurnError      a queued prompt was dropped before its turn
    ├── TurnFailedError         the turn ended in an error; carries its Result
    └── StateError              that is not possible in this state

Each renders as its message alone in IPython, without a traceback: it is the user's next step that counts.
A message may quote what a program or the API said, so none holds anything that a terminal acts on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import show_invisibles

if TYPE_CHECKING:
    from claude_magic.result import Result

__all__ = [
    "BusyError",
    "CLINotFoundError",
    "CancelledTurnError",
    "ClaudeMagicError",
    "ControlError",
    "ControlTimeoutError",
    "InUseError",
    "LineTooLongError",
    "MalformedLineError",
    "ProcessEndedError",
    "StartError",
    "StateError",
    "TurnFailedError",
    "UsageError",
    "WireError",
    "WorkingDirectoryError",
]


class ClaudeMagicError(Exception):
    """What went wrong, in a line that says what to do next.

    Args:
        message: The line; control characters in it are taken out or named.
    """

    brief = ""
    """What a cell ends with where the message stands in it already; "" where it does not."""

    def __init__(self, message: str) -> None:
        super().__init__(show_invisibles(message))

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback."""
        return [f"claude_magic: {self.brief or self}"]


class UsageError(ClaudeMagicError):
    """The line of a magic, or the value of an option, cannot be used."""


class CLINotFoundError(ClaudeMagicError):
    """No usable `claude` program was found; the message lists where it was looked for."""


class StartError(ClaudeMagicError):
    """The process could not be started, or ended before it was ready."""


class WorkingDirectoryError(StartError):
    """The session's working directory does not exist or is no directory."""


class InUseError(StartError):
    """A live process speaks for the conversation, or has the name, already.

    Args:
        message: What to say, with the holder's notebook and pid.
        pid: The holder's process id; 0 while it is being started.
        notebook: The holder's notebook, or "".
    """

    def __init__(self, message: str, *, pid: int, notebook: str) -> None:
        super().__init__(message)
        self.pid = pid
        self.notebook = notebook


class WireError(ClaudeMagicError):
    """What the CLI wrote cannot be read."""


class LineTooLongError(WireError):
    """A line on stdout is longer than the cap.

    Args:
        limit: The cap in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The CLI sent a line of more than {limit:,} bytes, the limit. "
            "The session was stopped; the next prompt resumes it."
        )
        self.limit = limit


class MalformedLineError(WireError):
    """A complete line that begins as a message and is none; the message quotes at most 200 characters."""


class ControlError(ClaudeMagicError):
    """The CLI refused a control request.

    Args:
        message: The CLI's own words.
        code: Its `error_code`, or "".
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ControlTimeoutError(ControlError):
    """A control request was not answered in time."""


class ProcessEndedError(ClaudeMagicError):
    """The CLI's process ended in the middle of a turn or a request."""


class BusyError(ClaudeMagicError):
    """A turn runs and the prompt asked not to be queued."""


class CancelledTurnError(ClaudeMagicError):
    """A queued prompt was dropped before its turn came."""


class TurnFailedError(ClaudeMagicError):
    """A turn ended in an error: the API's, a timeout, a budget, the process.

    Args:
        message: What went wrong.
        result: What had come by then.
    """

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


class StateError(ClaudeMagicError):
    """A session was asked for something that its state does not allow."""
