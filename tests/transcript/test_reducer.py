"""Events become blocks, one kind of event after the other."""

from __future__ import annotations

from typing import Any

import pytest
from transcripts import applied, called, deltas, notices, only_tool, returned, said, streamed

from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import (
    GrowingBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolState,
)
from claude_magic.transcript.explain import LOGIN_REFUSED, explained
from claude_magic.wire import events as wire


def test_a_block_whose_place_another_takes_is_finished() -> None:
    opening = wire.StreamEvent(
        event=wire.RawStream(type="content_block_start", content_block=wire.Block(type="text"))
    )

    transcript = applied(opening, opening)

    assert [block.finished for block in transcript.blocks if isinstance(block, TextBlock)] == [True, False]


@pytest.mark.fault(15, via="pure")
def test_text_keeps_every_white_space_at_the_seams() -> None:
    pieces = ["a", "\u00a0", "\u3000b ", " c\n", "\n", "\td"]

    assert applied(*deltas(*pieces)).answer == "".join(pieces)


def test_text_is_open_until_its_stop_or_its_whole_comes() -> None:
    transcript = applied(*deltas("Hel", "lo"))
    (block,) = transcript.blocks
    assert isinstance(block, TextBlock)
    assert not block.finished

    transcript.apply(said("Hello."))

    assert (block.finished, block.text, transcript.blocks) == (True, "Hello.", [block])


def test_a_whole_that_comes_after_the_stop_is_still_the_same_block() -> None:
    stop = wire.StreamEvent(event=wire.RawStream(type="content_block_stop", index=0))

    assert applied(*deltas("Hello"), stop, said("Hello")).answer == "Hello"


def test_the_same_words_in_another_message_are_another_block() -> None:
    assert applied(said("Yes."), said("Yes.", message="n")).answer == "Yes.\n\nYes."


def test_a_text_that_the_next_message_breaks_off_is_finished() -> None:
    start = wire.StreamEvent(event=wire.RawStream(type="message_start"))
    piece = wire.RawStream(type="content_block_delta", delta=wire.Delta(type="text_delta", text="half"))

    transcript = applied(start, wire.StreamEvent(event=piece), start)

    assert [block.finished for block in transcript.blocks if isinstance(block, TextBlock)] == [True]


def test_the_input_of_a_call_is_seen_while_it_is_written() -> None:
    transcript = applied(
        streamed(
            "content_block_start",
            index=1,
            content_block=wire.Block(type="tool_use", id="t", name="Bash"),
        ),
        *(
            streamed(
                "content_block_delta", index=1, delta=wire.Delta(type="input_json_delta", partial_json=piece)
            )
            for piece in ('{"a"', None, ": 1}")
        ),
        streamed(
            "content_block_delta", index=2, delta=wire.Delta(type="input_json_delta", partial_json="lost")
        ),
    )

    tool = only_tool(transcript)
    assert (tool.id, tool.name, tool.state) == ("t", "Bash", ToolState.WRITING)
    assert tool.partial.text == '{"a": 1}'
    assert tool.revision == transcript.revision


def test_a_call_that_says_nothing_of_itself_is_shown_all_the_same() -> None:
    nameless = wire.Block(type="tool_use")
    begun = applied(streamed("content_block_start", content_block=nameless))
    whole = applied(wire.AssistantMessage(message=wire.Message(content=[nameless])))

    assert [(call.id, call.name, call.input) for call in map(only_tool, (begun, whole))] == [("", "", {})] * 2
    assert only_tool(applied(called("Bash", ""), returned("x", ""))).result == "x"


def test_a_piece_without_a_beginning_begins_a_block() -> None:
    transcript = applied(
        streamed("content_block_delta", delta=wire.Delta(type="thinking_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="thinking_delta", thinking="Hm.")),
        streamed("content_block_delta", index=1, delta=wire.Delta(type="text_delta", text="Yes")),
        streamed("content_block_delta", index=1, delta=wire.Delta(type="text_delta", text=".")),
    )

    assert [(type(block), block.text) for block in transcript.blocks if isinstance(block, GrowingBlock)] == [
        (ThinkingBlock, "Hm."),
        (TextBlock, "Yes."),
    ]


def test_what_a_block_has_at_its_beginning_is_part_of_it() -> None:
    transcript = applied(
        streamed("content_block_start", content_block=wire.Block(type="text", text="Yes")),
        streamed("content_block_start", index=1, content_block=wire.Block(type="thinking", thinking="Hm")),
        streamed("content_block_stop", index=1),
    )

    text, thinking = transcript.blocks
    assert isinstance(text, TextBlock)
    assert isinstance(thinking, ThinkingBlock)
    assert (text.text, text.finished, thinking.text, thinking.finished) == ("Yes", False, "Hm", True)


def test_whole_thinking_is_a_block_and_the_word_for_nothing_is_none() -> None:
    blocks = [
        wire.Block(type="thinking", thinking="Hm."),
        wire.Block(type="text", text="(no content)"),
        wire.Block(type="text", text=""),
        wire.Block(type="redacted_thinking"),
    ]
    transcript = applied(wire.AssistantMessage(message=wire.Message(content=blocks)))

    (block,) = transcript.blocks
    assert isinstance(block, ThinkingBlock)
    assert (block.text, block.finished) == ("Hm.", True)
    assert transcript.unknown == {}


def test_new_kinds_are_counted_each_by_its_name_and_the_known_silent_ones_are_not() -> None:
    silent: list[wire.Event] = [
        streamed("content_block_start", content_block=wire.Block(type="redacted_thinking")),
        streamed("content_block_delta", delta=wire.Delta(type="signature_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="citations_delta")),
        streamed("content_block_start"),
        streamed("content_block_delta"),
        streamed("content_block_stop"),
        streamed("message_delta"),
    ]
    new: list[wire.Event] = [
        streamed("content_block_start", content_block=wire.Block(type="hologram")),
        streamed("content_block_delta", delta=wire.Delta(type="smell_delta")),
        streamed("content_block_delta", delta=wire.Delta(type="smell_delta")),
        wire.Unknown(type="tea_time"),
        returned("x", "never called"),
        wire.Unknown(type="n" * 201),
    ]

    assert dict(applied(*silent, *new).unknown) == {
        "block hologram": 1,
        "delta smell_delta": 2,
        "tea_time": 1,
        "result of an unknown tool call": 1,
        "n" * 200: 1,
    }


def test_very_many_new_kinds_are_counted_together() -> None:
    unknown = applied(*(wire.Unknown(type=f"kind {number}") for number in range(105))).unknown

    assert (len(unknown), unknown["other"], unknown["kind 99"], unknown["kind 100"]) == (101, 5, 1, 0)

    more = applied(*(wire.Unknown(type=f"kind {number % 100}") for number in range(105))).unknown
    assert (len(more), more["kind 0"], more["kind 99"]) == (100, 2, 1)


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("max_tokens", "the model's limit of output tokens is reached"),
        ("model_context_window_exceeded", "the context window is full"),
        ("pause_turn", "the API paused the answer"),
        ("end_turn", None),
        (None, None),
    ],
)
def test_an_answer_that_is_cut_says_so_where_it_is_cut(reason: str | None, why: str | None) -> None:
    cut = streamed("message_delta", delta=wire.Delta(stop_reason=reason))
    inside = wire.StreamEvent(event=cut.event, parent_tool_use_id="t")

    line = [] if why is None else [("warning", f"The answer was cut here: {why}.")]
    assert notices(applied(*deltas("Half"), cut)) == line
    assert notices(applied(called("Agent"), inside)) == []


def test_an_error_of_the_api_is_a_line_that_says_what_to_do() -> None:
    content = [wire.Block(type="text", text="API Error: 401"), wire.Block(type="image")]
    refused = wire.AssistantMessage(message=wire.Message(content=content), error="authentication_failed")

    assert notices(applied(refused)) == [("error", LOGIN_REFUSED)]

    lines = [wire.Block(type="text", text="One."), wire.Block(type="text", text="Two.")]
    failed = wire.AssistantMessage(message=wire.Message(content=lines), error="unknown")
    assert [text for _, text in notices(applied(failed))] == [explained("One.\nTwo.")]


def test_retries_tell_the_wait_and_the_reason_and_are_over_with_whatever_comes_next() -> None:
    retry = wire.ApiRetry(
        attempt=1, max_retries=3, retry_delay_ms=1500, error_status=529, error="overloaded" * 30
    )
    nexts = (said("x"), *deltas("x")[:1], returned("x"), wire.ResultEvent())
    for following in nexts:
        transcript = applied(retry)
        (block,) = transcript.blocks
        assert isinstance(block, RetryBlock)
        assert (block.attempt, block.max_retries, block.delay_s, block.status) == (1, 3, 1.5, 529)
        assert block.reason == ("overloaded" * 30)[:200]
        assert (block.over, block.revision) == (False, transcript.revision)
        transcript.apply(following)
        assert block.over
        transcript.apply(retry)
        assert len([b for b in transcript.blocks if isinstance(b, RetryBlock)]) == 2

    transcript = applied(wire.ApiRetry(error={"type": "overloaded"}))
    (block,) = transcript.blocks
    assert isinstance(block, RetryBlock)
    assert block.reason == ""
    transcript.break_off()
    assert block.over
    assert block.revision == transcript.revision


def test_a_result_keeps_what_may_be_shown_and_counts_as_visible() -> None:
    details = {"stdout": "x", "file": "x", "content": "x", "originalFile": "x", "structuredPatch": [1]}
    transcript = applied(said("Now."), called("Edit"), returned("changed", details=details))

    tool = only_tool(transcript)
    assert (tool.result, tool.details, transcript.length) == ("changed", {"structuredPatch": [1]}, 11)
    assert tool.revision == transcript.revision
    assert only_tool(applied(called("Bash"), returned("x", details="text"))).details is None


@pytest.mark.parametrize(
    ("text", "state", "result"),
    [
        ("The user doesn't want to proceed with this tool use. Stop.", ToolState.INTERRUPTED, ""),
        (
            "Permission to use Bash has been denied.",
            ToolState.DENIED,
            "Permission to use Bash has been denied.",
        ),
        ("Permission to use Bash is fine.", ToolState.FAILED, "Permission to use Bash is fine."),
        ("It was denied.", ToolState.FAILED, "It was denied."),
        ("<tool_use_error>No.</tool_use_error>", ToolState.FAILED, "No."),
    ],
)
def test_how_a_failed_call_ended_is_told_by_its_words(text: str, state: ToolState, result: str) -> None:
    tool = only_tool(applied(called("Bash"), returned(text, failed=True)))

    assert (tool.state, tool.result) == (state, result)
    assert only_tool(applied(called("Bash"), returned(text))).state is ToolState.OK


def test_a_denial_is_told_by_the_first_400_characters() -> None:
    for length, state in ((376, ToolState.DENIED), (377, ToolState.FAILED)):
        text = f"Permission to use {length * 'x'}denied"
        assert only_tool(applied(called("Bash"), returned(text, failed=True))).state is state


def test_a_result_in_blocks_is_its_texts_and_its_pictures() -> None:
    source: dict[str, object] = {"media_type": "image/png", "data": "AAA"}
    content = [
        wire.Block(type="text", text="One."),
        wire.Block(type="image", source=source),
        wire.Block(type="text", text="Two."),
        wire.Block(type="image", source={"media_type": "image/png"}),
        wire.Block(type="image", source={"data": "AAA"}),
        wire.Block(type="image"),
        wire.Block(type="document", source=source),
    ]
    result = wire.Block(type="tool_result", tool_use_id="t", content=content)

    tool = only_tool(applied(called("Read"), wire.UserMessage(message=wire.Message(content=[result]))))

    assert tool.result == "One.\nTwo."
    assert tool.pictures == (Picture("image/png", "AAA"),)

    nothing = wire.Message(content=[wire.Block(type="tool_result", tool_use_id="t")])
    assert only_tool(applied(called("Read"), wire.UserMessage(message=nothing))).result == ""


def test_a_picture_that_there_is_no_room_for_is_left_out() -> None:
    large: dict[str, object] = {"media_type": "image/png", "data": "A" * 10_000_001}
    content = [wire.Block(type="image", source=large)]
    result = wire.Block(type="tool_result", tool_use_id="t", content=content)

    transcript = applied(called("Read"), wire.UserMessage(message=wire.Message(content=[result])))

    assert only_tool(transcript).pictures == ()
    assert transcript.hidden == 10_000_001


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({"agentId": "x", "content": [{"text": "One."}, {"text": "Two."}]}, "One.\n\nTwo."),
        ({"agentId": "x", "content": [{"text": 7}, "text", {"text": "Two."}]}, "Two."),
        ({"agentId": "x", "content": "One."}, "as told"),
        ({"content": [{"text": "One."}]}, "as told"),
        ("agentId", "as told"),
    ],
)
def test_a_report_is_what_the_subagent_said_where_the_cli_tells_it(details: object, text: str) -> None:
    assert only_tool(applied(called("Agent"), returned("as told", details=details))).result == text


def test_a_subagent_in_the_background_reports_in_its_card_when_it_is_done() -> None:
    def reported(details: object, **changes: Any) -> tuple[str, object]:
        told = {"subtype": "task_notification", "tool_use_id": "t", "status": "completed", "summary": "Two."}
        transcript = applied(called("Agent"), returned("Launched.", details=details))
        before = transcript.revision
        transcript.apply(wire.SystemEvent(**(told | changes)))
        tool = only_tool(transcript)
        assert (transcript.revision > before) is (tool.result != "Launched.")
        assert tool.revision == transcript.revision
        return tool.result, tool.details

    assert reported({"isAsync": True}) == ("Two.", {"status": "completed"})
    assert reported({"isAsync": True}, summary=None, status=None) == ("", {"status": ""})
    assert reported({"isAsync": False})[0] == "Launched."
    assert reported(None)[0] == "Launched."
    assert reported({"isAsync": True}, subtype="task_started")[0] == "Launched."
    assert reported({"isAsync": True}, tool_use_id="u")[0] == "Launched."


def test_a_call_that_the_result_counts_as_denied_is_denied() -> None:
    def state(denied: object, *, failed: bool = True) -> ToolState:
        denials: list[dict[str, object]] = [{"other": "t"}, {"tool_use_id": denied}]
        transcript = applied(called("Bash"), returned("no", failed=failed))
        before = transcript.revision
        transcript.apply(wire.ResultEvent(permission_denials=denials))
        tool = only_tool(transcript)
        assert (tool.revision > before) is (tool.state is ToolState.DENIED)
        return tool.state

    assert state("t") is ToolState.DENIED
    assert state("u") is ToolState.FAILED
    assert state("t", failed=False) is ToolState.OK


def test_a_cleared_conversation_says_so() -> None:
    assert notices(applied(wire.ConversationReset())) == [("info", "The conversation begins anew.")]


def test_a_subagents_report_is_its_own_words_without_those_for_the_model() -> None:
    transcript = Transcript("Count.")
    content = [
        {"type": "text", "text": "  <tools-used-before-summary>Bash</tools-used-before-summary>\n"},
        {"type": "text", "text": "Two **files**."},
    ]

    transcript.apply(called("Agent", "a", prompt="count"))
    transcript.apply(
        returned("[hand-back] Two **files**.", "a", details={"agentId": "x", "content": content})
    )

    assert only_tool(transcript).result == "Two **files**."
