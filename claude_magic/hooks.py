"""What the CLI asks us around its own steps: before a tool acts, after it. Pure.

Hooks are declared with `initialize`; each then comes as a control request `hook_callback`. The CLI waits for
the answer, and takes one that does not come in time before a tool acts for a no (measured, both generations).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

__all__ = ["Hook", "HookReply", "Step", "answered", "declared"]

HELD_BACK = 86_400.0  # seconds: a cell that computes holds up the kernel, which is no reason to refuse a tool


class Step(Struct, frozen=True, kw_only=True):
    """What the CLI is about to do, or has done.

    Args:
        told: The CLI's account of it.
        began: When the tool began to run at the earliest, in seconds since 1970; 0 if that is not known.
        note: Puts a line of ours on the call's card, in the place of the one before.
    """

    told: Mapping[str, object]
    began: float = 0.0
    note: Callable[[str], object] = lambda _: None


class HookReply(Struct, frozen=True, kw_only=True):
    """What a hook says.

    Args:
        output: The answer, as the CLI wants it; empty to let things take their course.
        notice: What the person should know, or "".
    """

    output: Mapping[str, object] = {}
    notice: str = ""


class Hook(Struct, frozen=True, kw_only=True):
    """A question that the CLI shall ask.

    Args:
        event: When: `PreToolUse`, `PostToolUse`, …
        matcher: About which tools, as the CLI writes it: `Edit|Write`; "" for all.
        answer: Called on the session's loop with the step.
        timeout: Seconds the CLI waits.
    """

    event: str
    matcher: str = ""
    answer: Callable[[Step], Awaitable[HookReply]]
    timeout: float = HELD_BACK


def declared(hooks: Sequence[Hook]) -> dict[str, list[dict[str, object]]]:
    """The hooks as `initialize` takes them, each known by its place."""
    entries: dict[str, list[dict[str, object]]] = {}
    for place, hook in enumerate(hooks):
        entry: dict[str, object] = {"hookCallbackIds": [str(place)], "timeout": hook.timeout}
        entries.setdefault(hook.event, []).append(entry | ({"matcher": hook.matcher} if hook.matcher else {}))
    return entries


async def answered(
    hooks: Sequence[Hook],
    request: Mapping[str, object],
    began: float = 0.0,
    note: Callable[[str], object] = lambda _: None,
) -> HookReply:
    """The reply of the hook that a `hook_callback` is for; an empty one if there is no such hook.

    Args:
        hooks: Those that were declared.
        request: The CLI's.
        began: When the tool began to run at the earliest.
        note: Puts a line on the call's card.
    """
    by_place = {str(place): hook for place, hook in enumerate(hooks)}
    hook, account = by_place.get(str(request.get("callback_id"))), request.get("input")
    step = Step(told=account if isinstance(account, Mapping) else {}, began=began, note=note)
    return HookReply() if hook is None else await hook.answer(step)
