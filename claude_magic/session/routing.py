"""Which turn an event of the CLI belongs to. Pure; follows the stream, event by event.

The CLI also runs turns of its own, when a background task has ended. They begin with an `init` and end in a
`result` like those of our prompts, and belong to the turn that had started the task. Measured: 2.1.327
names the prompt in each `result`, 2.1.191 never does; a prompt that comes during a turn of the CLI's own
follows it, or is taken into it between two of its steps; then the replay of the prompt says so.
"""

from __future__ import annotations

from collections import deque

from claude_magic.session.turn import Turn
from claude_magic.wire.events import (
    AssistantMessage,
    Event,
    Notice,
    ResultEvent,
    StreamEvent,
    SystemEvent,
    SystemInit,
    UserMessage,
)

__all__ = ["Router"]

_EARLY = 20  # notices kept until there is a turn to show them
_OF_A_TURN = (AssistantMessage, ResultEvent, StreamEvent, SystemInit, UserMessage)


class Router:
    """Follows one process after another; `sent` and `reset` tell of what the stream does not."""

    def __init__(self) -> None:
        self._turn: Turn | None = None  # the last one sent
        self._own: Turn | None = None  # on whose account the CLI runs a turn of its own
        self._announced: Turn | None = None  # whose task has just ended
        self._tasks: dict[str, Turn] = {}  # by the tool call that began the task
        self._names_prompts = False
        self._early: deque[Event] = deque(maxlen=_EARLY)

    @property
    def is_own(self) -> bool:
        """The CLI is in a turn of its own."""
        return self._own is not None

    @property
    def owner(self) -> Turn | None:
        """On whose account the CLI acts now, or acted last."""
        return self._own or self._turn

    def sent(self, turn: Turn) -> list[Event]:
        """A prompt is on its way; returns what the process had to say before it had one."""
        self._turn = turn
        early = list(self._early)
        self._early.clear()
        return early

    def reset(self) -> None:
        """The process is to end, and its tasks with it."""
        self._own = self._announced = None
        self._names_prompts = False  # the next one may be of the other generation
        self._tasks.clear()

    def ended(self) -> None:
        """The process has ended: what the next one says before it has a prompt belongs to no turn."""
        self.reset()
        self._turn = None
        self._early.clear()

    def route(self, event: Event) -> Turn | None:
        """The turn that the next event of the stream belongs to; None before the first."""
        match event:
            case SystemInit():
                self._begins()
            case SystemEvent(tool_use_id=str(tool)) if tool:
                return self._task(event, tool)
            case UserMessage(is_replay=True, uuid=uuid) if (
                self._turn is not None and uuid == self._turn.message_id
            ):
                self._own, self._turn.begun = None, True
        if isinstance(event, _OF_A_TURN):
            self._announced = None
        turn = self.owner
        if turn is None and isinstance(event, Notice):
            self._early.append(event)
        return turn

    def is_end_of(self, turn: Turn, event: ResultEvent) -> bool:
        """The `result` just routed is the one of `turn`."""
        if event.user_message_uuid is not None:
            self._names_prompts = True
            return event.user_message_uuid == turn.message_id
        return not self._names_prompts and self._own is None

    def _begins(self) -> None:
        awaited = self._turn is not None and not self._turn.ended.done()
        self._own = self._announced if awaited else self._announced or self._turn
        if self._own is None and self._turn is not None:
            self._turn.begun = True

    def _task(self, event: SystemEvent, tool: str) -> Turn | None:
        running = self.owner
        if event.subtype == "task_started" and running is not None:
            self._tasks[tool] = running
        owner = self._tasks.get(tool, running)
        if event.subtype == "task_notification":
            self._tasks.pop(tool, None)
            busy = self._turn is not None and self._turn.begun and not self._turn.ended.done()
            self._announced = None if busy else owner
        return owner
