"""The states of a session, and the callbacks that follow them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

from claude_magic.errors import StateError
from claude_magic.support.callbacks import Callbacks

__all__ = ["LEGAL", "Callback", "EventName", "SessionState", "Status", "state_of", "transition"]

EventName = Literal["output", "error", "complete", "status", "conversation"]
Callback = Callable[[Any], object]


class SessionState(Enum):
    """Where a session is; `LEGAL` names the ways from one state to the next."""

    NEW = "new"
    STARTING = "starting"
    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting for you"
    STOPPING = "stopping"
    STOPPED = "stopped"
    CRASHED = "crashed"
    RECOVERING = "recovering"


_S = SessionState
LEGAL: dict[SessionState, frozenset[SessionState]] = {
    _S.NEW: frozenset({_S.STARTING}),
    _S.STARTING: frozenset({_S.IDLE, _S.STOPPED, _S.CRASHED}),
    _S.IDLE: frozenset({_S.STARTING, _S.RUNNING, _S.STOPPING, _S.CRASHED}),
    _S.RUNNING: frozenset({_S.IDLE, _S.WAITING, _S.STOPPING, _S.STOPPED, _S.CRASHED}),
    _S.WAITING: frozenset({_S.RUNNING, _S.IDLE, _S.STOPPING, _S.STOPPED, _S.CRASHED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.CRASHED}),
    _S.STOPPED: frozenset({_S.STARTING}),
    _S.CRASHED: frozenset({_S.STARTING, _S.RECOVERING}),
    _S.RECOVERING: frozenset({_S.RUNNING, _S.IDLE, _S.STOPPING, _S.STOPPED, _S.CRASHED}),
}


def transition(old: SessionState, new: SessionState) -> SessionState:
    """`new`, if it may follow `old`.

    Raises:
        StateError: It may not.
    """
    if new not in LEGAL[old]:
        raise StateError(f"A session that is {old.value} cannot become {new.value}.")
    return new


def state_of(process: SessionState, *, is_sent: bool, waiting: bool) -> SessionState:
    """The state that a session's process, turn and open requests make together.

    Args:
        process: Where the process is; `IDLE` if it is up.
        is_sent: It has a turn's prompt.
        waiting: A person is being asked.
    """
    if process in {SessionState.IDLE, SessionState.RECOVERING} and is_sent:
        return SessionState.WAITING if waiting else SessionState.RUNNING
    return process


class Status:
    """A session's state, what went wrong last, and who wants to hear of it.

    Args:
        complain: Told of a callback that raised; the others are called all the same.
    """

    def __init__(self, complain: Callable[[str], object]) -> None:
        self.state = SessionState.NEW
        self.last_error = ""
        self.unknown: Counter[str] = Counter()  # what the CLI said outside any turn and nobody understands
        self._callbacks = Callbacks(complain)

    def add(self, event: EventName, callback: Callback) -> Callable[[], None]:
        """Adds a callback; the function returned takes it off again."""
        return self._callbacks.add(event, callback)

    def enter(self, state: SessionState) -> None:
        """Goes to a state and says so; only the session's engine does.

        Raises:
            StateError: It may not follow the one before.
        """
        if state is not self.state:
            self.state = transition(self.state, state)
            self.emit("status", state)

    def report(self, error: BaseException) -> None:
        """Keeps what went wrong and says so."""
        self.last_error = str(error)
        self.emit("error", error)

    def emit(self, event: EventName, value: object) -> None:
        """Calls all callbacks of an event."""
        self._callbacks.emit(event, value)
