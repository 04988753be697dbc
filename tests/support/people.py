"""Who answers permission requests in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from claude_magic.permissions import Behavior, Decision, PermissionRequest

__all__ = ["Absent", "Person", "allow", "always", "answering", "deny"]


def allow() -> Decision:
    return Decision(behavior=Behavior.ALLOW)


def always() -> Decision:
    return Decision(behavior=Behavior.ALWAYS)


def deny(message: str = "") -> Decision:
    return Decision(behavior=Behavior.DENY, message=message)


def answering(answers: Mapping[str, str]) -> Decision:
    return Decision(behavior=Behavior.ALLOW, answers=answers)


class Person:
    """Gives the same answer to everything, and remembers what was asked.

    Args:
        answer: The answer.
    """

    def __init__(self, answer: Decision) -> None:
        self.answer = answer
        self.asked: list[PermissionRequest] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        self.asked.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.05)  # thinks
        self.at_once -= 1
        return self.answer


class Absent(Person):
    """Is asked, and answers only after `came_back` is set."""

    def __init__(self, answer: Decision | None = None) -> None:
        super().__init__(answer or allow())
        self.came_back = asyncio.Event()

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        self.asked.append(request)
        await self.came_back.wait()
        return self.answer
