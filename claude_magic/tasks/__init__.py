"""Named tasks in the background, each a session and a process of its own."""

from __future__ import annotations

from claude_magic.tasks.manager import TaskManager, default_task_manager
from claude_magic.tasks.records import TaskStatus
from claude_magic.tasks.task import Task

__all__ = ["Task", "TaskManager", "TaskStatus", "default_task_manager"]
