"""What the CLI asks around its own steps, and what it is answered."""

from __future__ import annotations

from claude_magic.hooks import HELD_BACK, Hook, HookReply, Step, answered, declared


async def let_go_on(step: Step) -> HookReply:
    step.note("seen")
    return HookReply(notice=f"{step.told.get('tool_name')} at {step.began}")


BEFORE = Hook(event="PreToolUse", matcher="Edit|Write", answer=let_go_on)
AFTER = Hook(event="PostToolUse", answer=let_go_on, timeout=5)


def test_hooks_are_declared_by_their_event_each_with_its_place_as_its_id() -> None:
    assert declared([BEFORE, AFTER, BEFORE]) == {
        "PreToolUse": [
            {"hookCallbackIds": ["0"], "timeout": HELD_BACK, "matcher": "Edit|Write"},
            {"hookCallbackIds": ["2"], "timeout": HELD_BACK, "matcher": "Edit|Write"},
        ],
        "PostToolUse": [{"hookCallbackIds": ["1"], "timeout": 5}],
    }


async def test_the_hook_that_is_called_hears_of_the_step_and_when_it_began() -> None:
    request = {"callback_id": "1", "input": {"tool_name": "Edit"}}

    assert await answered([BEFORE, AFTER], request, 7.0) == HookReply(notice="Edit at 7.0")


async def test_a_hook_can_put_a_line_on_the_calls_card() -> None:
    notes: list[str] = []
    await answered([BEFORE], {"callback_id": "0", "input": {}}, 0.0, notes.append)
    assert notes == ["seen"]


async def test_a_hook_that_nobody_has_declared_lets_things_take_their_course() -> None:
    assert await answered([BEFORE], {"callback_id": "1", "input": {}}, 7.0) == HookReply()


async def test_a_step_that_is_told_in_another_form_is_one_of_which_nothing_is_known() -> None:
    assert await answered([BEFORE], {"callback_id": "0", "input": "Edit"}, 0.0) == HookReply(
        notice="None at 0.0"
    )
