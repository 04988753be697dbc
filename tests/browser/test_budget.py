"""Bytes and messages of a turn, counted on the page's websocket with the live view mounted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from lab import FIGURES, Frame, NotebookPage
from live import ask
from playwright.sync_api import expect
from scenarios import LENGTHS, SLOW, text_of

from claude_magic.views.live.throttle import RESERVE

FULL = os.environ.get("CLAUDE_MAGIC_FULL_TABLE", "") not in {"", "0"}
KINDS = ("prose", "code")
# The rest takes 38 s and 6 minutes a row: `make bytes` prints the full table.
CASES = [(kind, length, "fast") for kind in KINDS for length in LENGTHS] + [
    (kind, length, "slow") for kind in KINDS for length in (LENGTHS if FULL else LENGTHS[:1])
]
# Whether a live view was mounted, however short.
_WATCH = """() => {
  window.mounted = false;
  const watch = new MutationObserver(() => {
    if (document.querySelector(".claude-turn")) { window.mounted = true; watch.disconnect(); }
  });
  watch.observe(document.body, {childList: true, subtree: true});
}"""
# Milliseconds until the page paints again.
_FRAME = """async () => {
  const before = performance.now();
  await new Promise(requestAnimationFrame);
  return performance.now() - before;
}"""
_OURS = {"comm_open", "comm_msg", "comm_close", "display_data", "update_display_data"}


@dataclass
class Row:
    """What one turn took."""

    name: str
    length: int
    sent: int
    bound: int
    messages: int
    rate: int
    seconds: float


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[Row]]:
    """The rows, printed at the end of the run."""
    rows: list[Row] = []
    yield rows
    heads = ("answer", "bytes", "bound", "per char", "messages", "most/s", "seconds")
    lines = [("{:<20}" + "{:>11}" * 6).format(*heads)]
    for row in sorted(rows, key=lambda row: (row.name.split()[0], row.name.split()[2], row.length)):
        figures = (f"{row.sent:,}", f"{row.bound:,}", f"{row.sent / row.length:.2f}", row.messages, row.rate)
        lines.append(("{:<20}" + "{:>11}" * 6).format(row.name, *figures, f"{row.seconds:.1f}"))
    request.config.stash[FIGURES] = lines


_TEXT = """(answer) => {
  const copy = answer.cloneNode(true);
  for (const button of copy.querySelectorAll("button")) button.remove();
  return copy.textContent;
}"""


def most_in_a_second(times: list[float]) -> int:
    """The most messages within any second."""
    return max(sum(0 <= later - first < 1 for later in times) for first in times)


def final_bundle(frames: list[Frame]) -> Frame:
    """The message that brought the whole turn as static output."""
    return next(frame for frame in reversed(frames) if "text/markdown" in frame.content.get("data", {}))


@pytest.mark.bench
@pytest.mark.timeout(900)
@pytest.mark.fault(69, via="real")
@pytest.mark.parametrize(("kind", "length", "speed"), CASES)
def test_bytes_grow_with_the_answer_and_messages_come_at_most_20_a_second(
    lab: NotebookPage, table: list[Row], kind: str, length: int, speed: str
) -> None:
    name, text = f"{kind} {length} {speed}", text_of(kind, length)
    lab.wait(lab.ask("say warm up"))
    lab.page.evaluate(_WATCH)
    frames = lab.listening()

    turn = ask(lab, name)
    lab.wait(turn.cell, 1_000 * (30 + (len(text.split()) / SLOW if speed == "slow" else length / 2_000)))
    turn.wait_until_over()
    assert lab.page.evaluate("() => window.mounted") is True
    ours = [frame for frame in list(frames) if frame.kind in _OURS]

    final = final_bundle(ours)
    counted = [frame for frame in ours if frame is not final]
    sent = sum(frame.size for frame in counted)
    # What opens a widget is its script and style sheet, the same for each.
    constant = RESERVE + sum(frame.size for frame in counted if frame.kind == "comm_open")
    html = len(final.content["data"]["text/html"])
    bound = constant + (3 * length if kind == "prose" else 2 * (length + html))
    times = [frame.at for frame in counted if frame.kind == "comm_msg"]
    seconds = max(times) - min(times)
    table.append(Row(name, length, sent, bound, len(times), most_in_a_second(times), seconds))

    assert sent <= bound
    assert most_in_a_second(times) <= 20
    assert text in final.content["data"]["text/markdown"]
    shown = turn.static.locator(".claude-answer").evaluate(_TEXT)
    plain = text.removeprefix("```python\n").removesuffix("```").strip() if kind == "code" else text
    assert re.sub(r"[\s*`]", "", shown) == re.sub(r"[\s*`]", "", plain)


@pytest.mark.fault(34, via="real")
@pytest.mark.fault(69, via="real")
def test_a_page_that_hangs_holds_up_nothing(lab: NotebookPage) -> None:
    lab.wait(lab.ask("say warm up"))
    lab.server.endpoint.mark()
    turn = ask(lab, "prose 10000 fast")

    lab.page.evaluate("() => { const until = Date.now() + 3000; while (Date.now() < until); }")

    turn.wait_until_over()
    expect(turn.static.locator(".claude-answer")).to_contain_text("Paragraph 56.")
    assert lab.server.endpoint.ends("prose 10000 fast") == ["complete"]


@pytest.mark.fault(70, via="real")
def test_a_turn_of_two_megabytes_is_cut_and_the_page_stays_usable(lab: NotebookPage) -> None:
    frames = lab.listening()
    turn = ask(lab, "monster megabytes")
    lab.wait(turn.cell, 100_000)
    expect(turn.widget).to_have_count(0)

    expect(turn.static).to_contain_text(re.compile(r"truncated, [\d,]+ characters"))
    sizes = [
        frame.size for frame in frames if frame.kind in _OURS and frame is not final_bundle(list(frames))
    ]
    assert sum(sizes) < 3 * 2_400_000
    took = lab.page.evaluate(_FRAME)
    assert took < 1_000


@pytest.mark.fault(66, via="real")
def test_our_code_never_holds_up_the_loop(lab: NotebookPage) -> None:
    lab.run(lab.add(_HEARTBEAT))
    turn = ask(lab, "prose 100000 fast", "-b")
    turn.wait_until_live()
    turn.wait_until_over()

    worst, beats = json.loads(lab.printed("beating.cancel()\nprint([max(gaps), len(gaps)])"))

    assert beats > 50
    assert worst < 0.25, "seconds of computing between two beats; 50 ms on an idle machine"


_HEARTBEAT = """
import asyncio, time
gaps = []
async def beat():
    # The thread's own time: that of the machine's other work is not ours. Waits are blockbuster's to find.
    last = time.thread_time()
    while True:
        await asyncio.sleep(0.005)
        now = time.thread_time()
        gaps.append(now - last)
        last = now
beating = asyncio.ensure_future(beat())
"""
