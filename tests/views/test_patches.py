"""The view-model: patches that, applied one after the other, always give the whole."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turns import ask, called, dangers, growing, hostile, request, returned, said, turn

from claude_magic.permissions import Behavior, Decision
from claude_magic.result import Result
from claude_magic.transcript import Transcript, TurnState
from claude_magic.views.html import turn as html
from claude_magic.views.live.patches import Item, TurnModel, apply
from claude_magic.wire import events as wire

MARKDOWN = st.lists(
    st.sampled_from(
        ["word ", "\n", "\n\n", "```python\n", "```", "- item\n", "# head\n", "| a | b |\n|---|---|\n",
         "x = 1\n", "  ", "**bold**", "`code`", "<b>", "&", "🜁", "é", "[a](http://b)", "> quote\n",
         "1. one\n", "~~~\n", "\r", "\x1b[1m", "12", "---", "$$", "$$\n", "$x$", "\\[\n", "\\]"]
    ),
    max_size=40,
)  # fmt: skip


class Mirror:
    """A page that has seen every patch from the beginning."""

    def __init__(self, model: TurnModel) -> None:
        self.model = model
        self.items: dict[str, Item] = {}
        self.n = 0

    def catch_up(self) -> None:
        patch = self.model.patch()
        if patch is None:
            return
        patch = json.loads(json.dumps(patch))  # as it travels
        assert patch["n"] == self.n + 1
        self.n = patch["n"]
        self.items = apply(self.items, patch)

    def check(self) -> None:
        whole = json.loads(json.dumps(self.model.snapshot()))
        assert whole["n"] == self.n
        assert {key: item.html for key, item in self.items.items()} == {
            key: tail for key, _, tail, *_ in whole["items"]
        }
        assert {key: item.parent for key, item in self.items.items()} == {
            key: up for key, _, _, up, _ in whole["items"]
        }


def of(mirror: Mirror) -> str:
    return "".join(item.html for item in mirror.items.values())


@given(pieces=MARKDOWN, seen=st.lists(st.booleans(), min_size=41, max_size=41))
@settings(max_examples=150, deadline=None)
def test_patches_give_what_the_snapshot_gives_at_every_step(pieces: list[str], seen: list[bool]) -> None:
    transcript = turn()
    mirror = Mirror(TurnModel(transcript))
    for event, now in zip(growing(*pieces), seen, strict=False):
        transcript.apply(event)
        if now:
            mirror.catch_up()
            mirror.check()
    transcript.finish(Result())
    mirror.catch_up()
    mirror.check()


@given(pieces=MARKDOWN)
@settings(max_examples=150, deadline=None)
def test_the_finished_sections_are_what_they_are_when_rendered_at_once(pieces: list[str]) -> None:
    grown, whole = turn(), turn(said("".join(pieces)) if "".join(pieces) else said("x"))
    mirror, other = Mirror(TurnModel(grown)), Mirror(TurnModel(whole))
    for event in growing(*(pieces if "".join(pieces) else ["x"])):
        grown.apply(event)
        mirror.catch_up()
    for transcript in (grown, whole):
        transcript.finish(Result())
    mirror.catch_up()
    other.catch_up()

    assert of(mirror) == of(other)


def test_a_text_that_is_settled_otherwise_replaces_what_had_come() -> None:
    transcript = turn()
    mirror = Mirror(TurnModel(transcript))
    for event in growing("one\n\n", "two\n\n", "three"):
        transcript.apply(event)
        mirror.catch_up()
    transcript.apply(said("quite\n\nother"))
    mirror.catch_up()
    mirror.check()

    assert "other" in of(mirror)
    assert "three" not in of(mirror)


def test_a_subagents_blocks_are_items_in_the_call_that_started_it() -> None:
    transcript = turn(called("Task", "t", description="look"), said("inside", parent="t"))
    mirror = Mirror(TurnModel(transcript))
    mirror.catch_up()
    inner = next(key for key, item in mirror.items.items() if "inside" in item.html)
    answer = mirror.items[inner].parent
    task = mirror.items[answer].parent

    assert "claude-box" in mirror.items[task].html
    assert mirror.items[task].parent == ""
    before = mirror.items[task].html
    transcript.apply(called("Bash", "u", parent="t", command="ls"))
    patch = mirror.model.patch() or {}
    assert [piece[3:] for piece in patch["items"]] == [[task, answer]]  # type: ignore[attr-defined]
    assert mirror.items[task].html == before


def test_a_patch_keeps_all_but_the_tail_and_nothing_new_is_no_patch() -> None:
    transcript = turn()
    mirror = Mirror(TurnModel(transcript))
    *before, last = growing("A first paragraph that stays.\n\n", "Second and last, ", "more")
    for event in before:
        transcript.apply(event)
    mirror.catch_up()
    transcript.apply(last)
    patch = mirror.model.patch() or {}

    assert [(piece[0], piece[2]) for piece in patch["items"]] == [("b1.1", " more</p>\n")]  # type: ignore[attr-defined]
    assert mirror.model.patch() is None


def test_lengths_are_those_of_javascript() -> None:
    transcript = turn(said("🜁" * 10 + " é"))
    mirror = Mirror(TurnModel(transcript))
    mirror.catch_up()

    assert all(ord(character) < 0x10000 for item in mirror.items.values() for character in item.html)
    assert "&#128769;" in of(mirror)


def test_unfinished_code_is_text_and_finished_code_is_coloured() -> None:
    assert html.section("```python\nx = 1 < 2\n``", finished=False) == (
        '<pre class="claude-code"><code>x = 1 &lt; 2</code></pre>'
    )
    assert '<span class="mi">1</span>' in html.section("```python\nx = 1\n```\n", finished=False)
    assert '<span class="mi">1</span>' in html.section("```python\nx = 1", finished=True)


@pytest.mark.fault(77, via="pure")
@pytest.mark.fault(82, via="pure")
def test_nothing_hostile_is_in_an_item() -> None:
    payload = '<img src=x onerror="window.ran=1"><script>window.ran=1</script></details></div>'
    transcript = hostile(payload)
    asked = {block.request.id for block in transcript.pending}
    mirror = Mirror(TurnModel(transcript, asked))
    mirror.catch_up()

    assert len(mirror.items) > 10
    for item in mirror.items.values():
        assert dangers(item.html) == []


def test_a_request_has_a_box_and_a_card_only_where_the_page_can_answer() -> None:
    transcript = turn()
    transcript.ask(request("r", "Bash", {"command": "rm -r /"}))
    without, asked = TurnModel(transcript), TurnModel(transcript, {"r"})

    assert "claude-box" not in json.dumps(without.patch())
    assert without.snapshot()["cards"] == []
    patch = asked.patch() or {}
    assert 'class=\\"claude-box' in json.dumps(patch)
    assert [card["id"] for card in patch["cards"]] == ["r"]  # type: ignore[attr-defined]


def test_a_decision_closes_the_card() -> None:
    transcript = turn()
    block = transcript.ask(request("r", "Bash", {"command": "ls"}))
    asked = {"r"}
    mirror = Mirror(TurnModel(transcript, asked))
    mirror.catch_up()
    asked.clear()
    transcript.decide(block, Decision(behavior=Behavior.ALLOW))
    patch = mirror.model.patch() or {}

    assert patch["cards"] == []
    assert "allowed by you" in json.dumps(patch)


@pytest.mark.parametrize(
    ("state", "stop", "ticks"),
    [
        (TurnState.QUEUED, "cancel", False),
        (TurnState.STARTING, "stop", True),
        (TurnState.RUNNING, "stop", True),
        (TurnState.DONE, "", False),
    ],
)
def test_the_head_has_the_control_that_fits_the_state(state: TurnState, stop: str, *, ticks: bool) -> None:
    transcript = Transcript("Why?")
    transcript.set_state(state)
    model = TurnModel(transcript)
    model.patch()
    head = model.snapshot()["head"]

    assert isinstance(head, dict)
    assert (head["stop"], head["ticks"]) == (stop, ticks)
    assert bool(head["modes"]) == bool(stop)


def test_a_place_in_the_queue_is_said() -> None:
    transcript = Transcript("Why?")
    transcript.update(ahead=2)
    model = TurnModel(transcript)

    assert "queued, 2 before it" in json.dumps(model.patch())


@pytest.mark.fault(70, via="pure")
def test_the_bytes_of_a_long_answer_grow_with_it_and_not_with_its_square() -> None:
    def spent(pieces: int) -> int:
        transcript = turn()
        model, total = TurnModel(transcript), 0
        for event in growing(*["A sentence of some length, then another. \n\n"] * pieces):
            transcript.apply(event)
            total += len(msgspec.json.encode(model.patch()))
        return total

    assert spent(400) < 4.5 * spent(100)


def test_what_takes_long_is_known_before_it_is_made() -> None:
    long = "word " * 2_000
    transcript = turn(said(f"short\n\n{long}"))
    model = TurnModel(transcript)

    assert [text.strip() for text in model.heavy()] == ["short", long.strip()]
    model.patch()
    assert model.heavy() == []


def test_every_kind_of_block_has_items() -> None:
    transcript = turn(*growing("text"), called("Bash", command="ls"), returned("out"))
    ask(transcript, "p", "Bash", {"command": "ls"})
    transcript.notice("note")
    transcript.apply(wire.ApiRetry(attempt=1, max_retries=10, retry_delay_ms=4_000, error_status=529))
    model = TurnModel(transcript)
    patch = model.patch() or {}

    said_in = json.dumps(patch)
    for word in ("claude-answer", "claude-tool", "claude-permission", "claude-notice", "claude-countdown"):
        assert word in said_in
    assert [card["kind"] for card in patch["cards"]] == ["retry"]  # type: ignore[attr-defined]
