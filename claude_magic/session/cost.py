"""What a turn costs. Pure: events in, US dollars out.

The CLI's `total_cost_usd` is cumulative and comes only with the end of a turn. In 2.1.191 it restarts at 0
in a new process; in 2.1.327 it restarts after `/clear`, goes on after `--resume`, and a turn's own figure
comes beside it. While a turn streams its cost is estimated from the tokens reported so far, at the prices
that the CLI names in its list of models ("$4/$20 per Mtok"). After an interrupt 2.1.191 leaves the message
that was being written out of its figure, and does not tell its end; 2.1.332 does both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from claude_magic.session.usage import merged
from claude_magic.wire.events import RawStream, ResultEvent, TokenUsage

__all__ = ["CostMeter"]

_PRICES = re.compile(r"\$(?P<input>[\d.]+)/\$(?P<output>[\d.]+) per Mtok")
_DEFAULT_PRICES = (5.0, 25.0)  # US dollars per million tokens in and out, if the CLI names none
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25  # factors on the input price, as published


class CostMeter:
    """Follows one process after another; `turn` is the current turn's cost, `total` that of all turns."""

    def __init__(self) -> None:
        self.total = 0.0
        self.turn = 0.0
        self._before = 0.0  # of the turn, in processes that have ended since
        self._last_cumulative = 0.0
        self._prices: dict[str, tuple[float, float]] = {}
        self._price = _DEFAULT_PRICES
        self._finished_messages = 0.0
        self._message = TokenUsage()
        self._is_open = False  # the message has begun and not ended

    def new_process(self, info: Mapping[str, object]) -> None:
        """The cumulative figure begins at 0; `info` is the answer to `initialize`, with the prices."""
        self._last_cumulative = 0.0
        models = info.get("models")
        for model in models if isinstance(models, list) else []:
            if match := _PRICES.search(str(model.get("description", ""))):
                prices = float(match["input"]), float(match["output"])
                self._prices[str(model.get("resolvedModel"))] = prices

    def new_turn(self) -> None:
        """The next events belong to another turn."""
        self.turn = self._finished_messages = self._before = 0.0
        self._message = TokenUsage()
        self._is_open = False

    def lost_turn(self) -> None:
        """The turn, or its part in a process that has ended, has no figure: the estimate stands."""
        self.total += self.turn - self._before
        self._before = self.turn

    def settle(self, event: ResultEvent) -> None:
        """A turn has ended: its own figure takes the place of the estimate."""
        if event.total_cost_usd is not None:
            own = self._of_turn(event, event.total_cost_usd)
            if self._is_open and event.subtype == "error_during_execution":
                own += _dollars(self._message, self._price)
            self.turn = self._before + own
            self.total += own
            self._last_cumulative = event.total_cost_usd

    def _of_turn(self, event: ResultEvent, cumulative: float) -> float:
        if event.model_usage_since_last_result is not None:
            return sum(usage.cost_usd for usage in event.model_usage_since_last_result.values())
        return cumulative - (self._last_cumulative if cumulative >= self._last_cumulative else 0.0)

    def estimate(self, raw: RawStream) -> None:
        """A piece of an answer has come; some have the tokens so far."""
        if raw.type == "message_start" and raw.message is not None:
            self._finished_messages = self.turn
            self._price = self._prices.get(raw.message.model or "", _DEFAULT_PRICES)
            self._message, self._is_open = raw.message.usage or TokenUsage(), True
        elif raw.type == "message_delta" and raw.usage is not None:
            self._message, self._is_open = merged(self._message, raw.usage), False
        else:
            return
        self.turn = self._finished_messages + _dollars(self._message, self._price)


def _dollars(usage: TokenUsage, price: tuple[float, float]) -> float:
    tokens_in = (
        (usage.input_tokens or 0)
        + _CACHE_READ * (usage.cache_read_input_tokens or 0)
        + _CACHE_WRITE * (usage.cache_creation_input_tokens or 0)
    )
    return (tokens_in * price[0] + (usage.output_tokens or 0) * price[1]) / 1e6
