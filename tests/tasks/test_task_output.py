"""The ring of lines that a task's events become."""

from __future__ import annotations

from collections.abc import Iterable

from claude_magic.tasks.output import LINE_LIMIT, LINES, Output
from claude_magic.transcript import Transcript
from claude_magic.wire.events import AssistantMessage, Block, Delta, Message, RawStream, StreamEvent


def streamed(text: str, parent: str | None = None) -> StreamEvent:
    delta = Delta(type="text_delta", text=text)
    return StreamEvent(RawStream(type="content_block_delta", delta=delta), parent)


def whole(*blocks: Block, parent: str | None = None) -> AssistantMessage:
    return AssistantMessage(Message(content=list(blocks)), parent)


def hear(output: Output, events: Iterable[StreamEvent | AssistantMessage | None]) -> Output:
    """What an output has of these events by its turn's transcript; None is the turn's end."""
    transcript = Transcript("A prompt")
    transcript.listen(output.handle)
    for event in events:
        if event is None:
            output.end_line()
        else:
            transcript.apply(event)
    return output


def heard(events: Iterable[StreamEvent | AssistantMessage | None]) -> list[str]:
    return hear(Output(), events).lines


def test_pieces_of_text_become_lines_and_the_last_may_still_grow() -> None:
    assert heard(map(streamed, ["o", "ne\ntw", "o\n", "\nthr"])) == ["one", "two", "", "thr"]


def test_a_block_ends_its_line_and_a_tool_call_is_a_line_with_what_matters() -> None:
    call = Block(
        type="tool_use", name="Bash", input={"timeout": 5, "command": "echo\n  hi", "description": "x"}
    )
    events: list[StreamEvent | AssistantMessage] = [
        streamed("I run it."),
        whole(Block(type="text", text="I run it.")),
        whole(call),
        streamed("Done."),
    ]
    assert heard(events) == ["I run it.", "[Bash] echo hi", "Done."]


def test_text_that_was_not_streamed_is_taken_from_its_message() -> None:
    assert heard([whole(Block(type="text", text="one\ntwo")), None]) == ["one", "two"]


def test_what_a_subagent_says_is_not_the_tasks_output() -> None:
    inner = Block(type="tool_use", name="Read", input={"file_path": "a"})
    assert heard([streamed("inner", "toolu_1"), whole(inner, parent="toolu_1"), streamed("outer")]) == [
        "outer"
    ]


def test_the_newest_lines_are_kept_whether_or_not_the_last_one_grows() -> None:
    numbers = "\n".join(map(str, range(LINES + 500)))
    assert heard([streamed(numbers)]) == heard([streamed(numbers), None]) == numbers.split("\n")[500:]


def test_a_line_without_an_end_is_broken_so_that_memory_is_bounded() -> None:
    lines = heard([streamed("x" * 1_000) for _ in range(5_000)])
    assert len(lines) == LINES
    assert max(map(len, lines)) == LINE_LIMIT
    assert heard([streamed("y" * (LINE_LIMIT + 5) + "\nz")]) == ["y" * LINE_LIMIT, "y" * 5, "z"]


def test_each_line_is_told_once_when_it_is_whole() -> None:
    told: list[str] = []
    output = hear(Output(told.append), (streamed("one\ntw"), streamed("o"), None, None))
    assert told == ["one", "two"]
    assert output.last == "two"


def test_what_went_wrong_is_a_line_of_its_own() -> None:
    failed = AssistantMessage(
        Message(content=[Block(type="text", text="API Error: 500")]), error="server_error"
    )
    assert heard([streamed("One mom"), failed]) == ["One mom", "API Error: 500"]
