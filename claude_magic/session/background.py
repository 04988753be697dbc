"""What a process does beside our turns: background tasks, turns of its own, what it has put down for later.

Pure; follows the stream, event by event. Measured: 2.1.330 lists its tasks in `background_tasks_changed`, and
tells the end of a Monitor in no other way; 2.1.191 only tells each task's beginning and end. Of a schedule
(`CronCreate`) nothing is told until it is due; it dies with the process.
"""

from __future__ import annotations

from collections.abc import Mapping

from claude_magic.tools import tool_called
from claude_magic.wire.events import AssistantMessage, Event, ResultEvent, SystemEvent, SystemInit

__all__ = ["Background"]


class Background:
    """Follows one process after another."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Another process begins."""
        self._tasks: set[str] = set()
        self._in_turn = False
        self._schedules = False

    @property
    def is_busy(self) -> bool:
        """Something would be lost if the process ended now."""
        return bool(self._tasks) or self._in_turn or self._schedules

    def hear(self, event: Event) -> None:
        """Takes an event in."""
        match event:
            case SystemInit():
                self._in_turn = True
            case ResultEvent():
                self._in_turn = False
            case SystemEvent():
                self._hear_of_task(event)
            case AssistantMessage():
                self._schedules |= any(
                    tool_called(block.name or "").schedules for block in event.message.blocks
                )

    def _hear_of_task(self, event: SystemEvent) -> None:
        if isinstance(event.tasks, list):
            self._tasks = {str(task.get("task_id")) for task in event.tasks if isinstance(task, Mapping)}
        elif event.subtype == "task_started":
            self._tasks.add(str(event.task_id))
        elif event.subtype == "task_notification" or _has_ended(event.patch):
            self._tasks.discard(str(event.task_id))


def _has_ended(patch: object) -> bool:
    """What is new of a task is its end."""
    return isinstance(patch, Mapping) and bool(patch.get("end_time"))
