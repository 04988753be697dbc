"""The turn's one to-do list, however the CLI tells of it."""

from __future__ import annotations

from transcripts import applied, called, only_tool, returned

from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import (
    ToolBlock,
)
from claude_magic.wire import events as wire


def test_a_to_do_list_kept_by_a_call_an_item_is_one_list_with_the_newest_call() -> None:
    transcript = Transcript("Plan.")
    for number, subject in enumerate(["Write", "Test", "Drop"], 1):
        transcript.apply(called("TaskCreate", f"c{number}", subject=subject))
        transcript.apply(
            returned("ok", f"c{number}", details={"task": {"id": str(number), "subject": subject}})
        )
    for item, status in [("1", "completed"), ("2", "in_progress"), ("3", "deleted"), ("9", "completed")]:
        transcript.apply(called("TaskUpdate", f"u{item}", taskId=item, status=status))
        transcript.apply(returned("ok", f"u{item}", details={"success": True}))
    transcript.apply(called("TaskUpdate", "bad", taskId="1", status="pending"))
    transcript.apply(returned("no", "bad", failed=True))

    *older, newest, failed = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert newest.todos == (("completed", "Write"), ("in_progress", "Test"), ("completed", "Item 9"))
    assert all(tool.superseded for tool in older)
    assert not newest.superseded
    assert failed.todos is None


def test_a_to_do_list_is_replaced_by_what_the_cli_lists() -> None:
    transcript = Transcript("Plan.")
    listed = [{"id": "1", "subject": "Write", "status": "completed"}, "not an item"]

    transcript.apply(called("TaskList", "l"))
    transcript.apply(returned("#1", "l", details={"tasks": listed}))

    assert only_tool(transcript).todos == (("completed", "Write"),)


def todo(number: int, **fields: object) -> list[wire.Event]:
    """A call that adds an item."""
    task = {"id": str(number), "subject": f"Item {number}", **fields}
    return [called("TaskCreate", f"c{number}"), returned("ok", f"c{number}", details={"task": task})]


def changed(number: object, call: str = "u", **fields: object) -> list[wire.Event]:
    return [called("TaskUpdate", call, taskId=number, **fields), returned("ok", call)]


def test_an_item_is_waiting_unless_something_else_is_said_and_keeps_what_is_not_changed() -> None:
    transcript = applied(
        *todo(1),
        *todo(2, status="completed", subject="s" * 401),
        *todo(3, status=["done"]),
        *changed("1", subject="New"),
        *changed("unknown", "v", status="deleted"),
        *changed("earlier", "w", subject="Old"),
    )

    *_, newest = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert newest.todos == (("pending", "New"), ("completed", "s" * 400), ("", "Item 3"), ("pending", "Old"))


def test_what_is_no_list_and_no_item_changes_no_list() -> None:
    for details in ({"task": "an item"}, {"tasks": "items"}, None, "text"):
        for name in ("TaskCreate", "TaskList"):
            transcript = applied(*todo(1), called(name, "x"), returned("ok", "x", details=details))
            *_, newest = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
            assert newest.todos == (("pending", "Item 1"),)


def test_a_list_has_at_most_200_items_of_which_all_can_be_changed() -> None:
    tasks = [{"id": number, "subject": str(number)} for number in range(205)]
    listed: list[wire.Event] = [called("TaskList", "l"), returned("ok", "l", details={"tasks": tasks})]
    beyond = applied(*listed, *changed("204"), *todo(300), *changed("199", "v", status="completed"))

    *_, newest = [block for block in beyond.blocks if isinstance(block, ToolBlock)]
    assert newest.todos is not None
    assert (len(newest.todos), newest.todos[-1]) == (200, ("completed", "199"))


def test_a_list_that_is_empty_again_is_shown_with_no_call() -> None:
    transcript = applied(*todo(1), *changed("1", status="deleted"))

    assert [block.superseded for block in transcript.blocks if isinstance(block, ToolBlock)] == [True, True]


def test_the_list_goes_to_the_newest_call_that_has_changed_it() -> None:
    transcript = applied(*todo(1), called("Bash", "b"), returned("x", "b"))
    first, bash = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    assert (first.todos, first.superseded) == ((("pending", "Item 1"),), False)

    transcript.apply(called("TaskList", "l"))
    transcript.apply(returned("ok", "l"))

    shown = [(call.todos, call.superseded) for call in (first, bash, transcript.blocks[-1])]  # type: ignore[attr-defined]
    assert shown == [(None, True), (None, False), ((("pending", "Item 1"),), False)]
    assert first.revision > bash.revision


def test_a_call_that_changes_the_list_again_keeps_it() -> None:
    transcript = applied(*todo(1), returned("x", "c1", details={"task": {"id": "2", "subject": "Again"}}))

    first = only_tool(transcript)
    assert (first.todos, first.superseded) == ((("pending", "Item 1"), ("pending", "Again")), False)
    assert first.revision == transcript.revision


def test_a_subagents_list_is_not_the_turns() -> None:
    transcript = applied(*todo(1), called("Agent", "a"))
    call, result = todo(2)
    assert isinstance(result, wire.UserMessage)

    transcript.apply(call)
    transcript.apply(
        wire.UserMessage(
            message=result.message, tool_use_result=result.tool_use_result, parent_tool_use_id="a"
        )
    )

    assert [getattr(block, "todos", None) for block in transcript.blocks] == [
        (("pending", "Item 1"),),
        None,
        None,
    ]
