"""What a turn took is told as the model had it, however the turn ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint

from claude_magic.offline.conversation import word_count
from claude_magic.options import TurnOptions
from claude_magic.result import Usage
from claude_magic.session import Session
from claude_magic.session.cost import CostMeter
from claude_magic.session.usage import TurnUsage
from claude_magic.wire.events import Message, RawStream, ResultEvent, TokenUsage

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]


@pytest.mark.fault(98, via="real")
async def test_requests_tokens_cost_and_context_are_true_after_an_interrupt_a_time_out_and_a_budget_stop(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    await talk.ask("run true")
    assert talk.history[-1].footer is not None
    prices = []

    for options in (TurnOptions(), TurnOptions(timeout=0.4), TurnOptions(max_budget_usd=1e-9)):
        endpoint.mark()
        turn = talk.submit("stall", options=options)
        if options == TurnOptions():
            await eventually(lambda turn=turn: turn.transcript.answer)
            talk.interrupt(turn)
        result = await turn.wait()
        reached = endpoint.requests
        sent = sum(word_count(each["body"]) for each in reached)
        footer = turn.transcript.footer
        assert result.interrupted
        assert result.num_turns == len(reached) == 1
        assert result.usage.input_tokens == sent
        assert footer is not None
        assert footer.context_left == pytest.approx(1 - result.usage.total / 1_000_000)
        prices.append(result.cost_usd / sent)

    assert prices[0] > 0
    assert prices == pytest.approx([prices[0]] * 3, rel=0.02)
    assert talk.cost > sum(prices)


def start(model_id: str, tokens: int, *, cached: int = 0) -> RawStream:
    usage = TokenUsage(input_tokens=tokens, output_tokens=1, cache_read_input_tokens=cached)
    return RawStream(type="message_start", message=Message(id=model_id, model="m", usage=usage))


def delta(tokens: int) -> RawStream:
    return RawStream(type="message_delta", usage=TokenUsage(output_tokens=tokens))


def message(model_id: str, model: str = "m") -> Message:
    return Message(id=model_id, model=model, usage=TokenUsage(input_tokens=5, output_tokens=1))


def test_a_message_is_one_request_whichever_way_it_comes_and_what_the_cli_writes_itself_is_none() -> None:
    usage = TurnUsage()
    usage.stream(start("a", 10, cached=90))
    usage.message(message("a"))
    usage.stream(delta(7))
    usage.message(message("not streamed"))
    for _ in range(2):
        usage.message(message("of a helper"), "call")
    usage.message(message("told", "<synthetic>"))

    assert usage.requests == 3
    assert usage.total == Usage(input_tokens=15, output_tokens=8, cache_read_input_tokens=90)


def test_the_context_is_what_the_newest_message_had_until_it_is_replaced() -> None:
    usage = TurnUsage()
    told = [usage.context]
    for raw in (start("a", 10), delta(5), start("b", 20, cached=30)):
        usage.stream(raw)
        told.append(usage.context)
    usage.stream(start("c", 1), "call")
    told.append(usage.context)
    usage.replace(40)
    told.append(usage.context)
    usage.stream(start("d", 10))
    told.append(usage.context)

    assert told == [None, 11, 15, 51, 51, 40, 11]


@pytest.mark.parametrize(("ended", "cost"), [(False, 0.5 + 4.0), (True, 0.5)])
def test_a_message_that_was_cut_is_paid_for_though_the_figure_leaves_it_out(
    ended: bool,  # noqa: FBT001
    cost: float,
) -> None:
    meter = CostMeter()
    meter.new_process({"models": [{"resolvedModel": "m", "description": "Good · $4/$20 per Mtok"}]})
    meter.new_turn()
    usage = TokenUsage(input_tokens=1_000_000)
    meter.estimate(RawStream(type="message_start", message=Message(model="m", usage=usage)))
    if ended:
        meter.estimate(RawStream(type="message_delta", usage=usage))
    meter.settle(ResultEvent(subtype="error_during_execution", total_cost_usd=0.5))

    assert meter.turn == pytest.approx(cost)
    assert meter.total == meter.turn
