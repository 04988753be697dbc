"""The static output of a turn: made once, brought up to date in proportion, whole at the end."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from turns import Page, called, growing, returned, said, turn

from claude_magic.result import Result
from claude_magic.transcript import Transcript
from claude_magic.views.output import StaticView
from claude_magic.wire import events as wire


class Screen:
    """What was published."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, str]] = []
        self.calls: list[dict[str, Any]] = []

    def __call__(self, bundle: dict[str, str], **call: Any) -> None:
        self.bundles.append(bundle)
        self.calls.append(call)


async def shown(transcript: Transcript, *events: wire.Event) -> Screen:
    screen = Screen()
    view = StaticView(transcript, screen)
    view.start()
    following = asyncio.create_task(view.follow())
    for event in events:
        transcript.apply(event)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    transcript.finish(Result(cost_usd=0.5))
    await asyncio.wait_for(following, 10)
    return screen


async def test_one_output_is_made_and_then_only_updated() -> None:
    screen = await shown(turn(), *growing("Hello."), said("Hello."))

    assert [call["update"] for call in screen.calls] == [False] + [True] * (len(screen.calls) - 1)
    assert len({call["transient"]["display_id"] for call in screen.calls}) == 1


async def test_the_last_bundle_is_whole() -> None:
    screen = await shown(turn(), said("Hello **there**."))

    assert "<strong>there</strong>" in screen.bundles[-1]["text/html"]
    assert "Hello **there**." in screen.bundles[-1]["text/markdown"]
    assert "Hello **there**." in screen.bundles[-1]["text/plain"]


async def test_the_output_knows_its_conversation() -> None:
    screen = await shown(turn(prompt="Why?"), said("So."))

    assert screen.calls[-1]["metadata"]["claude_magic"] == {
        "session": "main",
        "session_id": "s",
        "model": "claude",
        "cost_usd": 0.5,
        "prompt_sha256": hashlib.sha256(b"Why?").hexdigest(),
    }


async def test_updates_grow_with_the_logarithm_of_the_answer() -> None:
    short = await shown(turn(), *growing(*["word "] * 200))
    long = await shown(turn(), *growing(*["word "] * 20_000))

    assert len(short.bundles) >= 4
    assert len(long.bundles) < len(short.bundles) + 30


@pytest.mark.fault(69, via="pure")
async def test_a_fast_answer_of_many_deltas_is_shown_exactly() -> None:
    screen = await shown(turn(), *growing(*[f"{number} " for number in range(10_000)]))

    assert screen.bundles[-1]["text/plain"].split("\n\n")[2] == "".join(f"{n} " for n in range(10_000))
    assert len(screen.bundles) < 50


@pytest.mark.fault(99, via="pure")
async def test_each_retry_is_shown_when_it_comes() -> None:
    retries = [
        wire.ApiRetry(attempt=n, max_retries=10, retry_delay_ms=1_000 * n, error_status=529)
        for n in range(1, 4)
    ]

    screen = await shown(turn(), *retries)

    for attempt in range(1, 4):
        line = f"Attempt {attempt} of 10 failed; the next is in {attempt}.0 s."
        assert any(line in Page(bundle["text/html"]).text for bundle in screen.bundles)


async def test_a_tool_call_is_seen_while_it_runs() -> None:
    screen = await shown(turn(), said("x" * 10_000), called("Bash", command="sleep 60"), returned("done"))

    assert any('claude-running">running<' in bundle["text/html"] for bundle in screen.bundles)


@pytest.mark.fault(110, via="pure")
async def test_the_whole_turn_can_be_published_again_from_another_cell() -> None:
    transcript, screen = turn(said("Hello.")), Screen()
    view = StaticView(transcript, screen)
    view.start()
    transcript.finish(Result())

    view.publish_again()

    assert screen.calls[0]["transient"] == screen.calls[1]["transient"]
    assert "Hello." in screen.bundles[1]["text/markdown"]
