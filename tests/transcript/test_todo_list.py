"""The turn's one to-do list, however the CLI tells of it."""

from __future__ import annotations

from transcripts import applied, called, only_tool, returned

from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import (
    ToolBlock,
)
from claude_magic.wire import events as wire


def test_a_to_do_list_kept_by_a_call_an_item_is_one_list_at_the_first_call() -> None:
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

    first, *later, failed = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert first.todos == (("completed", "Write"), ("in_progress", "Test"), ("completed", "Item 9"))
    assert all(tool.superseded for tool in later)
    assert not first.superseded
    assert transcript.doing == "Test"
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

    first, *_ = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
    assert first.todos == (("pending", "New"), ("completed", "s" * 400), ("", "Item 3"), ("pending", "Old"))


def test_what_is_no_list_and_no_item_changes_no_list() -> None:
    for details in ({"task": "an item"}, {"tasks": "items"}, None, "text"):
        for name in ("TaskCreate", "TaskList"):
            transcript = applied(*todo(1), called(name, "x"), returned("ok", "x", details=details))
            first, *_ = [block for block in transcript.blocks if isinstance(block, ToolBlock)]
            assert first.todos == (("pending", "Item 1"),)


def test_a_list_has_at_most_200_items_of_which_all_can_be_changed() -> None:
    tasks = [{"id": number, "subject": str(number)} for number in range(205)]
    listed: list[wire.Event] = [called("TaskList", "l"), returned("ok", "l", details={"tasks": tasks})]
    beyond = applied(*listed, *changed("204"), *todo(300), *changed("199", "v", status="completed"))

    first, *_ = [block for block in beyond.blocks if isinstance(block, ToolBlock)]
    assert first.todos is not None
    assert (len(first.todos), first.todos[-1]) == (200, ("completed", "199"))


def test_a_list_that_is_empty_again_is_shown_with_no_call() -> None:
    transcript = applied(*todo(1), *changed("1", status="deleted"))

    assert [block.superseded for block in transcript.blocks if isinstance(block, ToolBlock)] == [True, True]


def test_the_list_stays_where_it_is_and_changes_there() -> None:
    transcript = applied(*todo(1), called("Bash", "b"), returned("x", "b"))
    first, bash = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    assert (first.todos, first.superseded) == ((("pending", "Item 1"),), False)

    for event in changed("1", status="completed"):
        transcript.apply(event)

    shown = [(call.todos, call.superseded) for call in (first, bash, transcript.blocks[-1])]  # type: ignore[attr-defined]
    assert shown == [((("completed", "Item 1"),), False), (None, False), (None, True)]
    assert first.revision > bash.revision


def test_a_list_that_each_call_has_whole_is_one_list_too() -> None:
    def given(call: str, *states: str) -> list[wire.Event]:
        items = [
            {"content": f"Step {n}", "status": state, "activeForm": f"Stepping {n}"}
            for n, state in enumerate(states)
        ]
        return [called("TodoWrite", call, todos=items), returned("ok", call)]

    transcript = applied(*given("a", "in_progress", "pending"), called("Bash", "b"))
    assert transcript.doing == "Stepping 0"
    for event in given("c", "completed", "in_progress", "pending"):
        transcript.apply(event)

    first, _, last = (block for block in transcript.blocks if isinstance(block, ToolBlock))
    assert first.todos == (("completed", "Step 0"), ("in_progress", "Step 1"), ("pending", "Step 2"))
    assert (first.superseded, last.superseded, last.todos) == (False, True, None)
    assert transcript.doing == "Stepping 1"

    for event in given("d", "completed", "completed", "completed"):
        transcript.apply(event)
    assert transcript.doing == ""


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
