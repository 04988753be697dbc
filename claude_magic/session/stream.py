"""One fold over the events of a process: whose each one is, what it changes, what goes on, what it costs.

The CLI also runs turns of its own, when a background task has ended. They begin with an `init` and end in a
`result` like those of our prompts, and belong to the turn that had started the task. Measured: 2.1.327
names the prompt in each `result`, 2.1.191 never does; a prompt that comes during a turn of the CLI's own
follows it, or is taken into it between two of its steps; then the replay of the prompt says so.

2.1.330 lists its tasks in `background_tasks_changed`, and tells the end of a Monitor in no other way; 2.1.191
only tells each task's beginning and end. Of a schedule (`CronCreate`) nothing is told until it is due; it
dies with the process.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from claude_magic.claude_cli.gateway import why_unreachable
from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.errors import ClaudeMagicError, MalformedLineError, StartError, TurnFailedError
from claude_magic.options import Options
from claude_magic.result import Result
from claude_magic.session.call_times import CallTimes
from claude_magic.session.conversation import Conversation
from claude_magic.session.cost import CostMeter
from claude_magic.session.startup_check import StartupCheck
from claude_magic.session.states import Status
from claude_magic.session.turn import Turn, TurnPhase
from claude_magic.support.loop_tasks import spawn
from claude_magic.tools import tool_called
from claude_magic.transcript.explain import LOGIN_REFUSED
from claude_magic.wire.events import (
    ApiRetry,
    AssistantMessage,
    ConversationReset,
    Diagnostic,
    Event,
    Notice,
    ResultEvent,
    StatusEvent,
    StreamEvent,
    SystemEvent,
    SystemInit,
    Unknown,
    UserMessage,
)
from claude_magic.wire.notices import CompactBoundary

__all__ = ["Stream", "our_fault"]

log = logging.getLogger(__name__)
_UNAUTHORIZED, _CERTAIN = 401, 2  # after the first refusal the CLI renews a login that has run out
_EARLY = 20  # notices kept until there is a turn to show them


class _Task(Struct):
    """One of the CLI's background tasks."""

    tool: str = ""  # the call that began it
    turn: Turn | None = None  # whose call that was
    runs: bool = True


class Stream:
    """What one process says.

    Args:
        process: The process.
        conversation: The session's; learns its id, and that it is recorded.
        cost: The session's.
        status: Told of text, of another conversation, of what went wrong outside any turn.
    """

    def __init__(
        self, process: ClaudeProcess, conversation: Conversation, cost: CostMeter, status: Status
    ) -> None:
        self.process = process
        self.startup = StartupCheck(process)
        self.call_times = CallTimes()
        self.turn: Turn | None = None  # the one sent last
        self.last_event = 0.0  # when, on the monotonic clock
        self._conversation = conversation
        self._cost = cost
        self._status = status
        self._early: deque[Event] = deque(maxlen=_EARLY)
        self._names_prompts = False
        self._in_turn = False
        self._schedules = False
        self._tasks: dict[str, _Task] = {}
        self._own: Turn | None = None  # on whose account the CLI runs a turn of its own
        self._next_owner: Turn | None = None  # whose task has just ended

    @property
    def options(self) -> Options:
        """What the process was started with."""
        return self.process.options

    @property
    def is_busy(self) -> bool:
        """Something would be lost if the process ended now."""
        return self._in_turn or self._schedules or any(task.runs for task in self._tasks.values())

    @property
    def is_own(self) -> bool:
        """The CLI is in a turn of its own."""
        return self._own is not None

    @property
    def owner(self) -> Turn | None:
        """On whose account the CLI acts now, or acted last."""
        return self._own or self.turn

    @property
    def running(self) -> Turn | None:
        """The turn sent last, until its outcome is known."""
        return self.turn if self.turn is not None and self.turn.outcome is None else None

    @property
    def is_stopping(self) -> bool:
        """Somebody wants the turn sent last to end: the process may end by it."""
        return self.turn is not None and self.turn.phase is TurnPhase.STOPPING

    def start_turn(self, turn: Turn) -> None:
        """A prompt is on its way; its turn shows what the process had to say before it had one."""
        self.turn = turn
        while self._early:
            turn.handle(self._early.popleft())

    def ending(self) -> None:
        """The process is to end, and its tasks with it."""
        self._own = self._next_owner = None
        self._tasks.clear()

    def handle(self, event: Event) -> None:
        """Takes the next event in; a fault of ours ends the turn, not the reader."""
        self.last_event = time.monotonic()
        if isinstance(event, (SystemInit, StatusEvent)) and event.permission_mode:
            self.process.permission_mode = event.permission_mode
        try:
            self._fold(event)
        except Exception as error:  # noqa: BLE001
            self._fail(our_fault(error))

    def _fold(self, event: Event) -> None:  # noqa: C901, PLR0912  # the one place that tells them apart
        match event:
            case StreamEvent():
                self._on_partial(event)
            case AssistantMessage():
                self._on_message(event)
            case UserMessage():
                self._on_user(event)
            case ApiRetry():
                self._on_retry(event)
            case ConversationReset():
                self._on_replaced(event, 0)
            case CompactBoundary() if self.owner is not None:
                self._on_replaced(event, event.compact_metadata.post_tokens)
            case SystemEvent():
                self._show(event, self._owner_of(event))
            case SystemInit():
                self._on_init(event)
            case ResultEvent():
                self._on_result(event)
            case Diagnostic():
                self._on_unreadable(event)
            case Unknown() if self.owner is None:
                self._status.unknown[event.type] += 1
            case _ if self.owner is None and isinstance(event, Notice):
                self._early.append(event)
            case _:
                self._show(event, self.owner)

    def _show(self, event: Event, turn: Turn | None) -> None:
        if turn is not None:
            turn.handle(event)

    def _on_partial(self, event: StreamEvent) -> None:
        self._next_owner = None
        self._cost.estimate(event.event)
        if self.owner is not None:
            self.owner.usage.stream(event.event, event.parent_tool_use_id)
        self._show(event, self.owner)
        delta = event.event.delta
        if delta and delta.text and event.parent_tool_use_id is None and self.owner is self.running:
            self._status.emit("output", delta.text)

    def _on_message(self, event: AssistantMessage) -> None:
        self._next_owner = None
        calls = (block.id for block in event.message.blocks if block.type == "tool_use" and block.id)
        self.call_times.written(calls, self.process.written_after)
        self._schedules |= any(tool_called(block.name or "").schedules for block in event.message.blocks)
        if self.owner is not None:
            self.owner.usage.message(event.message, event.parent_tool_use_id)
        self._show(event, self.owner)

    def _on_retry(self, event: ApiRetry) -> None:
        """The CLI tries ten times, over minutes, whatever the reason; a refused login stays refused."""
        self._show(event, self.owner)
        turn = self.running
        if event.error_status == _UNAUTHORIZED and event.attempt >= _CERTAIN:
            self._fail(TurnFailedError(LOGIN_REFUSED, Result()))
        elif event.error_status is None and turn is not None and event.attempt == 1:
            spawn(self._look_for_api(turn))

    async def _look_for_api(self, turn: Turn) -> None:
        if why := await why_unreachable({**os.environ, **self.options.env}):
            turn.transcript.unreachable(why)

    def _on_replaced(self, event: Event, context: int | None) -> None:
        if self.owner is not None:
            self.owner.usage.replace(context)
        self._show(event, self.owner)

    def _on_user(self, event: UserMessage) -> None:
        self._next_owner = None
        if event.is_replay and self.turn is not None and event.uuid == self.turn.message_id:
            self._own = None
            self.turn.take_up()
        self._show(event, self.owner)

    def _on_init(self, event: SystemInit) -> None:
        before = self._identity
        self.process.reports(event)
        self._conversation.begin_turn(event.session_id, event.model)
        self._tell_if_new(before)
        self._in_turn = True
        self._begin()
        self._show(event, self.owner)
        if self.owner is not None and self.owner is self.running:
            self._compare(self.owner, event)

    def _begin(self) -> None:
        self._own = self._next_owner if self.running else self._next_owner or self.turn
        self._next_owner = None
        if self._own is None and self.turn is not None:
            self.turn.take_up()

    def _compare(self, turn: Turn, event: SystemInit) -> None:
        """Says what the process was given unasked; with `strict_init` that ends the turn."""
        for line in self.startup.unready(event):
            turn.transcript.notice(line, "warning")
        lines = self.startup.unexpected(event, turn.options)
        for line in lines:
            turn.transcript.notice(line, "warning")
        if lines and self.options.strict_init:
            turn.end(StartError(f"Refused (strict_init): {lines[0]}"))

    def _on_result(self, event: ResultEvent) -> None:
        before = self._identity
        self._conversation.end_turn(event.session_id, failed=event.is_error)
        self._tell_if_new(before)
        self._cost.settle(event)
        self._next_owner, self._in_turn = None, False
        turn = self.owner
        if turn is not None and turn is self.running and self._is_end_of(turn, event):
            turn.end(event)  # the first, so that whoever hears of the event knows
        self._show(event, turn)

    def _is_end_of(self, turn: Turn, event: ResultEvent) -> bool:
        if event.user_message_uuid is not None:
            self._names_prompts = True
            return event.user_message_uuid == turn.message_id
        return not self._names_prompts and self._own is None

    def _owner_of(self, event: SystemEvent) -> Turn | None:
        """Keeps account of the background tasks; the turn that a task's event belongs to."""
        key = str(event.task_id)
        if isinstance(event.tasks, list):
            self._list({str(task.get("task_id")) for task in event.tasks if isinstance(task, Mapping)})
        elif event.subtype == "task_started":
            self._tasks[key] = _Task(event.tool_use_id or "", self.owner)
        elif _has_ended(event.patch) and key in self._tasks:
            self._tasks[key].runs = False
        owner = next(
            (
                task.turn
                for task in self._tasks.values()
                if event.tool_use_id and task.tool == event.tool_use_id
            ),
            self.owner,
        )
        if event.subtype == "task_notification":
            self._tasks.pop(key, None)
            if event.tool_use_id:
                within = self.running is not None and self.running.is_taken_up
                self._next_owner = None if within else owner
        return owner

    def _list(self, running: set[str]) -> None:
        for key, task in self._tasks.items():
            task.runs = key in running
        for key in running - self._tasks.keys():
            self._tasks[key] = _Task(turn=self.owner)

    @property
    def _identity(self) -> tuple[bool, str]:
        return self._conversation.recorded, self._conversation.session_id

    def _tell_if_new(self, before: tuple[bool, str]) -> None:
        if self._identity[1] != before[1]:
            self.process.speaks_for(self._conversation.session_id)
        if self._identity != before:
            self._status.emit("conversation", self._conversation.session_id)

    def _on_unreadable(self, event: Diagnostic) -> None:
        self._show(event, self.owner)
        self._status.unknown[f"{event.kind} line"] += 1
        if event.kind == "malformed" or event.type == "result":
            self._fail(
                MalformedLineError(
                    "claude sent a line that cannot be read and was stopped; the next prompt resumes. "
                    f"The line begins: {event.text}"
                )
            )

    def _fail(self, error: ClaudeMagicError) -> None:
        if self.running is None:
            self._status.report(error)
        else:
            self.running.end(error)


def our_fault(error: Exception) -> ClaudeMagicError:
    """What a turn ends with that failed in here."""
    log.error("A turn failed inside claude_magic", exc_info=error)
    return ClaudeMagicError(f"claude_magic itself failed: {error!r}. The next prompt resumes.")


def _has_ended(patch: object) -> bool:
    """What is new of a task is its end."""
    return isinstance(patch, Mapping) and bool(patch.get("end_time"))
