"""The live widget: what it is sent and when, and what becomes of what a page says."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from slow_time import FakeWidget, run_in_no_time
from turns import called, growing, request, returned, said, turn
from waiting import eventually

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.result import Result
from claude_magic.transcript import Transcript, TurnState
from claude_magic.views.html import turn as html
from claude_magic.views.live.throttle import RESERVE
from claude_magic.views.live.view import LiveView

WORDS = "The loop waits for an event and hands it to whoever asked; what takes long is **aside** until then. "
SUGGESTION = {
    "type": "addRules",
    "rules": [{"toolName": "Bash", "ruleContent": "ls"}],
    "destination": "session",
}


class Buttons:
    """Controls that note what was done."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def stop(self, *, again: bool = False) -> None:
        self.done.append("stop now" if again else "stop")

    def set_mode(self, mode: str) -> None:
        self.done.append(mode)

    def start_fresh(self) -> None:
        self.done.append("fresh")

    async def undo(self) -> str:
        self.done.append("undo")
        return "Undone: a."


class Scene:
    """A view of a turn, with its page and its outputs."""

    def __init__(self, transcript: Transcript, **how: Any) -> None:
        self.transcript = transcript
        self.buttons = Buttons()
        self.bundles: list[dict[str, Any]] = []
        self.asked: list[PermissionRequest] = []
        self.page: FakeWidget
        self.view = LiveView(
            transcript,
            self.buttons,
            self._ask,
            publish=lambda bundle, **_: self.bundles.append(bundle),
            widget=self._widget,
            clock=asyncio.get_running_loop().time,
            **how,
        )
        self.view.start()
        self.following = asyncio.ensure_future(self.view.follow())

    def _widget(self, state: Callable[[], Any]) -> FakeWidget:
        self.page = FakeWidget(state)
        return self.page

    async def _ask(self, asked: PermissionRequest, /) -> Decision:
        self.asked.append(asked)
        return Decision(behavior=Behavior.ALLOW, by="input")

    async def asks(self, asked: PermissionRequest) -> asyncio.Future[Decision]:
        """The CLI asks; returns when the card, or what stands for it, is there."""
        block = self.transcript.ask(asked)
        asking = asyncio.ensure_future(self.view(block.request))
        await eventually(lambda: self.page.cards or self.asked or asking.done())
        return asking


@asynccontextmanager
async def shown(transcript: Transcript, **how: Any) -> AsyncIterator[Scene]:
    scene = Scene(transcript, **how)
    scene.page.hear(type="do", what="sync")
    await asyncio.sleep(0)
    yield scene
    transcript.finish(Result(num_turns=1))
    await asyncio.wait_for(scene.following, 10)


# What is sent


async def test_two_outputs_are_made_and_the_static_one_has_the_end() -> None:
    async with shown(turn(prompt="Why?")) as scene:
        static, widget = scene.bundles
        assert "Why?" in static["text/html"]
        assert "still running when this was saved or shown" in static["text/html"]
        assert "has to be trusted" in static["text/html"]
        assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == "m"
        scene.transcript.apply(said("So **it** is."))

    assert len(scene.bundles) == 4
    assert scene.bundles[2] == {}
    assert "<strong>it</strong>" in scene.bundles[3]["text/html"]
    assert {"text/markdown", "text/plain"} <= scene.bundles[3].keys()


async def test_the_page_shows_what_the_turn_shows_and_stays_in_its_final_state() -> None:
    async with shown(turn()) as scene:
        for event in [*growing("Look: ", "`x`\n\n", "then"), called("Bash", command="ls"), returned("a.txt")]:
            scene.transcript.apply(event)
        await eventually(lambda: "a.txt" in scene.page.text)

    assert "<code>x</code>" in scene.page.text
    assert "claude-footer" in scene.page.text
    assert scene.page.head["stop"] == ""


async def test_the_end_can_be_published_again_from_another_cell() -> None:
    async with shown(turn(said("Hello."))) as scene:
        pass
    scene.view.publish_again()

    assert scene.bundles[-2] == {}
    assert "Hello." in scene.bundles[-1]["text/html"]


@pytest.mark.fault(71, via="pure")
async def test_a_snapshot_has_the_number_of_the_last_patch() -> None:
    async with shown(turn()) as scene:
        scene.transcript.apply(said("Some text."))
        await eventually(lambda: "Some text." in scene.page.text)
        number = scene.page.n
        scene.page.hear(type="do", what="sync")
        await eventually(lambda: scene.page.snapshots == 2)

        assert scene.page.n == number
        assert "Some text." in scene.page.text


# How much is sent, and how often


def _streamed(text: str, rate: float, **how: Any) -> tuple[Scene, float]:
    async def stream() -> tuple[Scene, float]:
        scene = Scene(turn(), **how)
        for event in growing(*re.findall(r"\S+\s*|\s+", text)):
            scene.transcript.apply(event)
            await asyncio.sleep(1 / rate if rate else 0)  # the model
        scene.transcript.finish(Result())
        await scene.following
        return scene, asyncio.get_running_loop().time()

    run: Callable[[Coroutine[Any, Any, tuple[Scene, float]]], tuple[Scene, float]] = run_in_no_time
    return run(stream())


def _prose(length: int) -> str:
    return "\n\n".join([WORDS * 3] * (length // 300 + 1))[:length]


def _code(length: int) -> str:
    lines = "".join(f'value_{n} = compute({n}, "line {n}")  # next\n' for n in range(length // 30 + 1))
    return "```python\n" + lines[: length - 15].rstrip() + "\n```"


@pytest.mark.fault(69, via="pure")
@pytest.mark.fault(70, via="pure")
@pytest.mark.parametrize("rate", [0, 50])
@pytest.mark.parametrize("length", [100, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("hears", [True, False])
def test_prose_takes_three_bytes_a_character_and_a_constant(length: int, rate: float, *, hears: bool) -> None:
    scene, _ = _streamed(_prose(length), rate, hears=hears)

    assert scene.page.bytes < 3 * length + RESERVE
    assert re.sub(r"<[^>]+>", "", scene.page.text).count("aside") == _prose(length).count("aside")


@pytest.mark.parametrize("rate", [0, 50])
@pytest.mark.parametrize("length", [100, 1_000, 10_000, 100_000])
def test_code_takes_twice_itself_and_its_final_html(length: int, rate: float) -> None:
    scene, _ = _streamed(_code(length), rate)

    final = len(scene.bundles[-1]["text/html"])
    assert scene.page.bytes < 2 * (length + final) + RESERVE
    assert "compute" in scene.page.text


@pytest.mark.fault(69, via="pure")
@pytest.mark.parametrize("rate", [20, 1_000, 10_000])
def test_there_are_at_most_twenty_messages_a_second(rate: float) -> None:
    scene, _ = _streamed(_prose(20_000), rate)

    times = scene.page.times
    assert all(later - sooner > 0.99 for sooner, later in zip(times, times[20:-2], strict=False))
    assert len(times) > 5


@pytest.mark.parametrize("rate", [5, 50])
def test_a_turn_begins_smoothly_and_never_stands_still(rate: float) -> None:
    scene, duration = _streamed(_prose(6_000), rate)

    times = scene.page.times
    assert sum(time < 2 for time in times) >= 7
    assert max(later - sooner for sooner, later in pairwise([*times, duration])) < 4.5


async def test_what_somebody_waits_for_is_not_held_back() -> None:
    async with shown(turn(*growing("x" * 50_000))) as scene:
        scene.view._throttle.record(10_000_000, scene.transcript.length, 0.0)
        scene.transcript.apply(called("Bash", command="ls"))
        await eventually(lambda: "ls</code>" in scene.page.text)


@pytest.mark.fault(66, via="pure")
@pytest.mark.parametrize("maker", ["turn", "section"])
async def test_what_takes_long_is_made_in_a_thread(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    made = getattr(html, maker)

    def noting(*args: Any, **kwargs: Any) -> Any:
        if maker == "turn" or (kwargs["finished"] and len(args[0]) > 1_000):
            threads.add(threading.get_ident())
        return made(*args, **kwargs)

    monkeypatch.setattr(html, maker, noting)
    async with shown(turn()) as scene:
        scene.transcript.apply(said(WORDS * 100))
        await eventually(lambda: "aside" in scene.page.text)

    assert threads
    assert threading.get_ident() not in threads


# Asking


async def test_a_card_is_answered_by_a_click() -> None:
    async with shown(turn()) as scene:
        asking = await scene.asks(request("r", "Bash", {"command": "ls"}))
        assert [card["id"] for card in scene.page.cards] == ["r"]
        scene.page.hear(type="decide", id="r", behavior="allow")
        decision = await asking
        scene.transcript.decide(scene.transcript.pending[0], decision)
        await eventually(lambda: "allowed by you" in scene.page.text)

    assert decision == Decision(behavior=Behavior.ALLOW)
    assert scene.page.cards == []
    assert scene.asked == []


async def test_a_refusal_has_its_reason_and_always_needs_a_suggestion() -> None:
    async with shown(turn()) as scene:
        asking = await scene.asks(
            PermissionRequest(id="r", tool_use_id="t", tool_name="Bash", input={"command": "ls"})
        )
        scene.page.hear(type="decide", id="r", behavior="always")
        scene.page.hear(type="decide", id="r", behavior="deny", message=" not today ")
        assert await asking == Decision(behavior=Behavior.DENY, message="not today")
        with_one = PermissionRequest(
            id="q", tool_use_id="t", tool_name="Bash", input={"command": "ls"}, suggestions=[SUGGESTION]
        )
        asking = await scene.asks(with_one)
        scene.page.hear(type="decide", id="q", behavior="always")
        assert await asking == Decision(behavior=Behavior.ALWAYS)


async def test_a_question_is_answered_only_in_full() -> None:
    asked: dict[str, object] = {
        "questions": [
            {"question": "Which?", "options": [{"label": "A"}]},
            {"question": "And?", "multiSelect": True},
        ]
    }
    async with shown(turn()) as scene:
        asking = await scene.asks(request("r", "AskUserQuestion", asked))
        assert [item["question"] for item in scene.page.cards[0]["questions"]] == ["Which?", "And?"]
        for answers in (
            {},
            {"Which?": "A"},
            {"Which?": "A", "And?": " "},
            {"Which?": "A", "And?": "B", "x": "y"},
        ):
            scene.page.hear(type="decide", id="r", behavior="allow", answers=answers)
        await asyncio.sleep(0.02)  # the person, who has not yet answered all
        assert not asking.done()
        scene.page.hear(type="decide", id="r", behavior="allow", answers={"Which?": "A", "And?": "B, C"})
        assert (await asking).answers == {"Which?": "A", "And?": "B, C"}


@pytest.mark.fault(45, via="pure")
@pytest.mark.fault(85, via="pure")
@pytest.mark.parametrize(
    "forged",
    [
        {"type": "decide", "id": "other", "behavior": "allow"},
        {"type": "decide", "id": "r", "behavior": "allow", "input": {"command": "rm -r /"}},
        {"type": "decide", "id": "r", "behavior": "allow", "answers": {"a": "b"}},
        {"type": "decide", "id": "r", "behavior": "yes"},
        {"type": "decide", "id": "r", "behavior": "allow", "mode": "acceptEdits"},
        {"type": "decide", "id": "r", "behavior": "allow", "mode": "bypassPermissions"},
        {"type": "decide", "id": ["r"], "behavior": "allow"},
        {"type": "decide", "id": "r", "behavior": "deny", "message": "x" * 70_000},
        {"type": "mode", "mode": "bypassPermissions"},
        {"type": "mode", "mode": "dontAsk"},
        {"type": "do", "what": "run", "argv": ["rm"]},
        {"type": "do", "what": "stop", "env": {"PATH": "."}},
        {"type": "spawn", "cwd": "/"},
        {"type": {"a": 1}},
        {},
        "stop",
        None,
        ["stop"],
        float("nan"),
    ],
)
async def test_a_forged_message_changes_nothing(forged: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with shown(turn()) as scene:
        asking = await scene.asks(request("r", "Bash", {"command": "ls"}))
        with caplog.at_level(logging.WARNING):
            scene.page.say(scene.page, forged, [])
            scene.page.say(scene.page, forged, [])
            await asyncio.sleep(0.02)  # the page

        assert not asking.done()
        assert scene.buttons.done == []
        assert len(caplog.records) <= 1
        assert [card["id"] for card in scene.page.cards] == ["r"]
        asking.cancel()


@pytest.mark.fault(45, via="pure")
async def test_an_answer_from_a_stale_view_is_rejected_and_the_view_is_brought_up_to_date() -> None:
    async with shown(turn()) as scene:
        asking = await scene.asks(request("r", "Bash", {"command": "ls"}))
        scene.page.hear(type="decide", id="r", behavior="deny")
        scene.page.hear(type="decide", id="r", behavior="allow")
        decision = await asking
        snapshots = scene.page.snapshots
        scene.transcript.decide(scene.transcript.pending[0], decision)
        scene.page.hear(type="decide", id="r", behavior="allow")
        await eventually(lambda: scene.page.snapshots > snapshots)

    assert decision.behavior is Behavior.DENY


async def test_where_no_page_answers_it_is_asked_otherwise() -> None:
    scene = Scene(turn(), hears=False)
    assert scene.page.head["note"] == "interrupt to stop"
    assert scene.page.head["stop"] == ""

    asking = await scene.asks(request("r", "Bash", {"command": "ls"}))

    assert (await asking).by == "input"
    assert scene.page.cards == []
    scene.transcript.finish(Result())
    await scene.following


async def test_a_page_that_is_heard_all_the_same_gets_its_buttons() -> None:
    scene = Scene(turn(), hears=False)
    scene.page.hear(type="do", what="sync")
    await eventually(lambda: scene.page.head["stop"] == "stop")

    asking = await scene.asks(request("r", "Bash", {"command": "ls"}))
    scene.page.hear(type="decide", id="r", behavior="allow")

    assert (await asking).by == "you"
    scene.transcript.finish(Result())
    await scene.following


def test_a_front_end_without_widgets_is_found_out_and_asked_otherwise() -> None:
    async def never_heard() -> str:
        scene = Scene(turn())
        decision = await scene.view(scene.transcript.ask(request("r", "Bash", {"command": "ls"})).request)
        assert scene.page.head["note"] == "interrupt to stop"
        scene.transcript.finish(Result())
        await scene.following
        return decision.by

    assert run_in_no_time(never_heard()) == "input"


@pytest.mark.fault(108, via="pure")
def test_a_background_request_waits_until_somebody_comes() -> None:
    async def comes_late() -> str:
        scene = Scene(turn(), waits=True)
        asking = await scene.asks(request("r", "Bash", {"command": "ls"}))
        await asyncio.sleep(3_600)  # the person
        assert not asking.done()
        assert "waiting for you" in scene.page.text
        scene.page.hear(type="decide", id="r", behavior="allow")
        decision = await asking
        scene.transcript.finish(Result())
        await scene.following
        return decision.by

    assert run_in_no_time(comes_late()) == "you"


# The other buttons


async def test_the_buttons_do_what_they_say() -> None:
    async with shown(turn()) as scene:
        for what in ("stop", "kill", "fresh"):
            scene.page.hear(type="do", what=what)
        for mode in ("default", "acceptEdits", "plan"):
            scene.page.hear(type="mode", mode=mode)
        await eventually(lambda: len(scene.buttons.done) == 6)

    assert scene.buttons.done == ["stop", "stop now", "fresh", "default", "acceptEdits", "plan"]


async def test_cancel_takes_a_waiting_prompt_out_and_does_not_stop_a_running_one() -> None:
    transcript = Transcript("Why?")
    async with shown(transcript) as scene:
        assert scene.page.head["stop"] == "cancel"
        scene.page.hear(type="do", what="cancel")
        await eventually(lambda: scene.buttons.done)
        transcript.set_state(TurnState.RUNNING)
        scene.page.hear(type="do", what="cancel")
        await asyncio.sleep(0.02)  # the person

    assert scene.buttons.done == ["stop"]


@pytest.mark.fault(123, via="pure")
def test_the_end_is_given_to_one_page_at_a_time() -> None:
    async def two_pages() -> list[str]:
        async with shown(turn(said("Hello."))) as scene:
            pass
        given: list[str] = []
        scene.page.send = lambda content: given.append(content["page"]) if content["type"] == "end" else None  # type: ignore[method-assign]
        for page in ("one", "two"):
            scene.page.hear(type="end", page=page)
        scene.page.hear(type="end", page="x" * 41)
        await asyncio.sleep(5)  # the pages
        scene.page.hear(type="end", page="two")
        await asyncio.sleep(5)  # the pages
        return given

    assert run_in_no_time(two_pages()) == ["one", "two"]


@pytest.mark.fault(123, via="pure")
async def test_a_page_that_comes_late_does_not_show_the_answer_beside_the_new_output() -> None:
    async with shown(turn(said("Hello.")), in_page=False, hears=False) as scene:
        scene.view._heard.clear()  # the page came after the end
    outputs: list[dict[str, Any]] = []
    scene.page.send = lambda content: outputs.append(content["output"]) if content["type"] == "end" else None  # type: ignore[method-assign]
    scene.page.hear(type="end", page="late")
    await eventually(lambda: outputs)

    assert [bundle for bundle in scene.bundles[-2:] if "Hello." in bundle.get("text/html", "")] == (
        scene.bundles[-2:]
    )
    assert outputs == [{"output_type": "display_data", "data": {}, "metadata": {}}]


async def test_the_answer_is_given_as_it_was_written_and_the_turn_taken_back_once_it_is_over() -> None:
    async with shown(turn(said("So $x$ *is*."))) as scene:
        scene.page.hear(type="do", what="answer")
    given: list[dict[str, Any]] = []
    wanted = ("answer", "undo")
    scene.page.send = lambda content: given.append(content) if content["type"] in wanted else None  # type: ignore[method-assign]
    for what in wanted:
        scene.page.hear(type="do", what=what)
    await eventually(lambda: len(given) == 2)

    assert given == [
        {"type": "answer", "text": "So $x$ *is*."},
        {"type": "undo", "text": "Undone: a.", "left": False},
    ]
    assert scene.buttons.done == ["undo"]


async def test_nothing_is_done_once_the_turn_is_over() -> None:
    async with shown(turn()) as scene:
        pass
    for what in ("stop", "cancel", "fresh"):
        scene.page.hear(type="do", what=what)
    scene.page.hear(type="mode", mode="plan")
    await asyncio.sleep(0.02)  # the person

    assert scene.buttons.done == []


@pytest.mark.fault(67, via="pure")
async def test_a_click_that_comes_by_another_thread_acts_on_the_turns_loop() -> None:
    threads: list[int] = []
    async with shown(turn()) as scene:
        scene.buttons.stop = lambda **_: threads.append(threading.get_ident())  # type: ignore[method-assign]
        thread = threading.Thread(target=lambda: scene.page.hear(type="do", what="stop"))
        thread.start()
        thread.join()
        await eventually(lambda: threads)

    assert threads == [threading.get_ident()]


@pytest.mark.fault(76, via="pure")
async def test_a_button_that_fails_says_so_in_the_turn(caplog: pytest.LogCaptureFixture) -> None:
    def broken(**_: bool) -> None:
        raise ValueError("out of order")

    async with shown(turn()) as scene:
        scene.buttons.stop = broken  # type: ignore[method-assign]
        scene.page.hear(type="do", what="stop")
        await eventually(lambda: "out of order" in scene.page.text)

    assert "A button failed" in caplog.text
