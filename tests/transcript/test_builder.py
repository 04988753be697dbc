"""What keeps a transcript bounded, and how its blocks are made and changed."""

from __future__ import annotations

import pytest

from claude_magic.transcript import builder as building
from claude_magic.transcript.blocks import Budget, GrowingBlock, TextBlock, ThinkingBlock, ToolState
from claude_magic.transcript.builder import Builder


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def builder(clock: Clock) -> Builder:
    return Builder(clock, 1_000_000)


def room(budget: Budget) -> tuple[int, int]:
    return budget.left, budget.hidden


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


# --- the room there is


def test_a_budget_hands_out_room_until_there_is_none_and_then_counts_what_is_hidden() -> None:
    budget = Budget(5)

    assert (budget.text("abc"), room(budget)) == ("abc", (2, 0))
    assert (budget.text("def"), room(budget)) == ("de", (0, 1))
    assert (budget.text("ghi"), room(budget)) == ("", (0, 4))
    budget.give_back(3, 1)
    assert room(budget) == (3, 3)


@pytest.mark.parametrize(
    ("left", "text", "kept", "rest"),
    [
        (100, "0123456789", "0123456789", (90, 0)),
        (100, "aaaaa" + "b" * 5_000 + "ccccc", "aaaaa\n… 5,000 characters hidden …\nccccc", (90, 5_000)),
        (5, "abcdefgh", "ab\n… 3 characters hidden …\nfgh", (0, 3)),
        (0, "abc", "\n… 3 characters hidden …\n", (0, 3)),
    ],
    ids=["short", "long", "little room", "no room"],
)
def test_a_long_text_keeps_its_ends_and_says_how_much_is_between(
    left: int, text: str, kept: str, rest: tuple[int, int]
) -> None:
    budget = Budget(left)

    assert budget.ends(text, 10) == kept
    assert room(budget) == rest


def test_what_is_hidden_of_several_texts_adds_up() -> None:
    budget = Budget(6)

    assert [budget.ends("abcdef", 3) for _ in range(2)] == ["a\n… 3 characters hidden …\nef"] * 2
    assert room(budget) == (0, 6)


def test_json_within_all_bounds_is_copied_as_it_is() -> None:
    value = {"a": [1, None, True, "xyz"], "b": {"c": [0.5]}, "d": []}
    budget = Budget(100)

    copy = budget.json(value)

    assert copy == value
    assert copy is not value
    assert room(budget) == (100 - len("abcd") - len("xyz") - 4, 0)
    assert budget.record(value) == value
    assert budget.json((1, 2)) == [1, 2]


def test_json_is_cut_where_it_is_too_deep() -> None:
    budget = Budget(1_000)

    assert budget.json(nested(24)) == nested(24)
    assert budget.hidden == 0
    assert str(budget.json(nested(25))) == str(nested(25)).replace("['x']", "'…'")
    assert budget.hidden == 1
    assert budget.record({"k": nested(23)}) == {"k": nested(23)}
    assert "…" in str(budget.record({"k": nested(24)}))


def test_json_is_cut_where_it_is_too_wide() -> None:
    budget = Budget(1_000_000)

    assert budget.json(list(range(2_003))) == list(range(2_000))
    assert budget.hidden == 3
    assert budget.json({str(key): key for key in range(2_004)}) == {str(key): key for key in range(2_000)}
    assert budget.hidden == 7
    assert budget.json([0] * 2_001) == [0] * 2_000
    assert budget.hidden == 8
    assert budget.json({7: 1, "k" * 201: 2}) == {"7": 1, "k" * 200: 2}
    assert budget.json("s" * 200_001) == Budget(10**6).ends("s" * 200_001, 200_000)


def test_without_room_json_has_no_lists_and_objects_any_more() -> None:
    budget = Budget(1)

    assert budget.json([1, [2], {"a": 3}]) == [1, "…", "…"]
    assert room(budget) == (0, 2)


# --- text that grows


def test_small_pieces_are_joined_by_the_thousand() -> None:
    block = GrowingBlock()
    for _ in range(2_500):
        block.append("x")

    assert (len(block._parts), len(block._pieces)) == (2, 500)
    assert block.text == "x" * 2_500


def test_a_text_that_is_replaced_leaves_nothing_of_itself() -> None:
    block = GrowingBlock()
    for piece in "ab":
        block.append(piece)
    assert block.text == "ab"
    block.append("c")

    block.replace("new")

    assert block.text == "new"


def test_a_text_that_is_replaced_gives_its_room_back(clock: Clock) -> None:
    builder = Builder(clock, 10)
    block = builder.growing(builder.main, "text")
    for piece in ("0123456", "789abc"):
        builder.append(block, piece)
    assert (block.text, block.hidden, builder.length, room(builder.budget)) == ("0123456789", 3, 10, (0, 3))
    builder.append(block, "de")
    assert (block.hidden, builder.budget.hidden) == (5, 5)

    builder.replace(block, "whole")

    assert (block.text, block.hidden, builder.length, room(builder.budget)) == ("whole", 0, 5, (5, 0))
    assert block.revision == builder.revision


def test_thinking_takes_the_time_from_its_beginning_to_its_end(builder: Builder, clock: Clock) -> None:
    block = builder.growing(builder.main, "thinking")
    assert isinstance(block, ThinkingBlock)
    clock.now += 7
    builder.finish(block)
    clock.now += 7
    builder.finish(block)

    assert (block.started, block.duration, block.finished) == (100.0, 7.0, True)
    assert block.revision == builder.revision


def test_no_time_is_negative_where_the_clock_is_put_back(builder: Builder, clock: Clock) -> None:
    thinking, call = builder.growing(builder.main, "thinking"), builder.tool(builder.main, "t", "Bash")
    clock.now -= 7
    builder.finish(thinking)
    builder.end_tool(call, ToolState.OK)

    assert isinstance(thinking, ThinkingBlock)
    assert (thinking.duration, call.duration) == (0.0, 0.0)


# --- blocks that are being written


def written(builder: Builder, index: int) -> GrowingBlock:
    block = builder.growing(builder.main, "text")
    builder.write(builder.main, index, block)
    return block


def test_a_message_with_very_many_open_blocks_closes_them_to_open_another(builder: Builder) -> None:
    first = [written(builder, index) for index in range(64)]
    assert not any(block.finished for block in first)

    last = written(builder, 64)

    assert all(block.finished for block in first)
    assert not last.finished
    assert builder.main.open == {64: last}


def test_of_very_many_texts_that_wait_to_be_settled_the_newest_are_remembered(builder: Builder) -> None:
    blocks = [written(builder, 0) for _ in range(100)]

    assert [block for _, block in builder.main.unconfirmed] == blocks[-65:]


def test_a_block_that_is_written_again_at_its_place_stays_open(builder: Builder) -> None:
    block = written(builder, 0)
    builder.write(builder.main, 0, block)
    assert not block.finished

    builder.write(builder.main, 0, builder.growing(builder.main, "text"))
    assert block.finished


def test_a_whole_text_settles_the_block_of_its_message_and_its_kind_once(builder: Builder) -> None:
    builder.begin(builder.main, "m")
    thinking = builder.growing(builder.main, "thinking")
    builder.write(builder.main, 0, thinking)
    text, other = written(builder, 1), written(builder, 2)

    confirmed = builder.main.confirmed
    assert confirmed("n", TextBlock) is None
    assert [confirmed("m", TextBlock) for _ in range(3)] == [text, other, None]
    assert [confirmed("m", ThinkingBlock) for _ in range(2)] == [thinking, None]


def test_a_new_message_finishes_what_the_one_before_left_open(builder: Builder) -> None:
    block = written(builder, 0)

    builder.begin(builder.main, "n")

    assert block.finished
    assert builder.main.open == {}
    assert builder.main.confirmed(None, TextBlock) is None


# --- calls


def test_a_call_is_one_block_however_often_it_is_named(builder: Builder, clock: Clock) -> None:
    call = builder.tool(builder.main, "t", "N" * 201)
    clock.now += 3
    again = builder.tool(builder.main, "t", "Other")

    assert again is call
    assert builder.blocks == [call]
    assert (call.id, call.name, call.started, builder.steps) == ("t", "N" * 200, 100.0, 0)


def test_a_call_whose_id_is_no_id_is_shown_and_not_remembered(builder: Builder) -> None:
    remembered, shown = builder.tool(builder.main, "i" * 200, "A"), builder.tool(builder.main, "i" * 201, "B")

    assert builder.blocks == [remembered, shown]
    assert list(builder.tools.values()) == [remembered]


def test_a_calls_time_counts_from_where_it_runs_or_waits(builder: Builder, clock: Clock) -> None:
    call = builder.tool(builder.main, "t", "Bash")
    clock.now = 110.0
    builder.run(call, {"command": "ls", "limit": 7})
    assert (call.state, call.input, call.started) == (
        ToolState.RUNNING,
        {"command": "ls", "limit": 7},
        110.0,
    )
    assert (builder.steps, builder.length, call.revision) == (1, 2, builder.revision)
    builder.run(builder.tool(builder.main, "u", "Bash"), {"command": "pwd"})
    assert (builder.steps, builder.length) == (2, 5)

    clock.now = 115.0
    builder.run(call, {"command": "again"})
    assert (call.input["command"], call.started) == ("ls", 110.0)

    builder.end_tool(call, ToolState.FAILED)
    builder.end_tool(call, ToolState.OK)
    assert (call.state, call.duration, builder.steps) == (ToolState.FAILED, 5.0, 3)
    assert call.revision == builder.revision


def test_the_room_of_an_input_that_is_being_written_is_given_back_when_it_is_whole(clock: Clock) -> None:
    builder = Builder(clock, 100)
    call = builder.tool(builder.main, "t", "Bash")
    call.partial.append(builder.budget.text('{"command":'))

    builder.run(call, {"command": "ls"})

    assert call.partial.text == ""
    assert room(builder.budget) == (100 - len("commandls"), 0)


def test_what_a_subagent_does_before_its_call_is_known_has_a_place(builder: Builder) -> None:
    scope = builder.scope("a")
    builder.add(scope, TextBlock())

    (agent,) = builder.blocks
    assert agent is builder.tools["a"]
    assert (builder.tools["a"].name, builder.tools["a"].children) == ("Agent", scope.blocks)
    assert builder.scope("a") is scope
    assert builder.scope("") is builder.scope(None) is builder.main


def test_what_is_open_in_a_subagent_is_closed_with_the_turn(builder: Builder) -> None:
    scope = builder.scope("a")
    block = builder.growing(scope, "text")
    builder.write(scope, 0, block)

    builder.break_off()

    assert block.finished
    assert builder.tools["a"].state is ToolState.INTERRUPTED


# --- bounds


def test_our_own_lines_have_room_where_the_models_blocks_have_none(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_BLOCK_LIMIT", 2)
    for number in range(3):
        builder.growing(builder.main, "text")
        builder.tool(builder.main, str(number), "Bash")
    assert ([block.number for block in builder.blocks], builder.hidden_blocks) == ([1, 2], 4)
    assert list(builder.tools) == ["0"]

    for number in range(3):
        builder.notice(f"Line {number}.")

    assert ([block.number for block in builder.blocks], builder.hidden_blocks) == ([1, 2, 3, 4], 5)


def test_a_subagent_without_a_place_is_not_remembered(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_BLOCK_LIMIT", 0)

    assert builder.scope("a") is not builder.scope("a")
    assert (builder.blocks, builder.tools, builder._scopes) == ([], {}, {})


def test_a_line_of_ours_is_bounded_and_the_same_one_twice_is_one(builder: Builder) -> None:
    first = builder.notice("n" * 10_001)
    assert (first.text, first.level) == ("n" * 10_000, "info")

    second = builder.notice("Line.")
    assert builder.notice("Line.") is second
    assert builder.notice("Line.", "warning") is not second
    assert [block.number for block in builder.blocks] == [1, 2, 3]


def test_pictures_have_a_room_of_their_own(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_picture_room", 5)

    picture = builder.picture("image/" + "x" * 100, "AAA")
    assert picture is not None
    assert (len(picture.media_type), picture.data) == (100, "AAA")
    assert builder.picture("image/png", "BBB") is None
    assert builder.picture("image/png", "BBB") is None
    assert builder.budget.hidden == 6
    assert builder.picture("image/png", "CC") is not None
    assert builder.budget.hidden == 6


def test_every_change_has_a_revision_of_its_own(builder: Builder) -> None:
    assert (builder.revision, builder.length, builder.steps, builder.hidden_blocks) == (0, 0, 0, 0)

    first, second = builder.notice("One."), builder.notice("Two.")
    builder.touch()
    builder.touch(first)

    assert (first.revision, second.revision, builder.revision) == (4, 2, 4)
