from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from claude_magic.session import Session
from claude_magic.session.cost import CostMeter
from claude_magic.wire.events import Message, RawStream, ResultEvent, TokenUsage

Sessions = Callable[..., Session]


@pytest.mark.fault(98, via="real")
async def test_no_turn_costs_less_than_nothing_whatever_begins_anew(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli))
    costs = [(await talk.ask(prompt)).cost_usd for prompt in ("say one", "say two", "/clear", "say three")]
    await talk.restart()
    costs.append((await talk.ask("say four")).cost_usd)
    await talk.restart(fresh=True)
    costs.append((await talk.ask("say five")).cost_usd)
    free = costs.pop(2)
    assert free == 0
    assert all(cost == pytest.approx(costs[0], rel=0.5) for cost in costs)
    assert talk.cost == pytest.approx(sum(costs))


@pytest.mark.fault(98, via="pure")
def test_a_figure_that_begins_anew_counts_from_nothing() -> None:
    meter = CostMeter()
    turns = []
    for cumulative in (0.5, 0.75, 0.25):
        meter.new_turn()
        meter.settle(ResultEvent(total_cost_usd=cumulative))
        turns.append(meter.turn)
    assert turns == [0.5, 0.25, 0.25]
    assert meter.total == 1.0


def test_a_turn_is_estimated_while_it_streams_and_the_estimate_stands_if_no_figure_comes() -> None:
    meter = CostMeter()
    meter.new_process({"models": [{"resolvedModel": "m", "description": "Good · $4/$20 per Mtok"}, {}]})
    meter.new_turn()
    for _ in range(2):
        usage = TokenUsage(input_tokens=1_000_000, output_tokens=1, cache_read_input_tokens=1_000_000)
        meter.estimate(RawStream(type="message_start", message=Message(model="m", usage=usage)))
        meter.estimate(RawStream(type="message_delta", usage=TokenUsage(output_tokens=100_000)))
    assert meter.turn == pytest.approx(2 * (4 + 0.4 + 2))
    meter.lost_turn()
    assert meter.total == meter.turn
