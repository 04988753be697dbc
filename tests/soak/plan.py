"""What goes wrong in a soak, when and where: a random plan that its seed repeats."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice

__all__ = ["GENERATIONS", "Fault", "Kind", "Moment", "plan"]

GENERATIONS = ("current", "older")


class Kind(StrEnum):
    """What goes wrong."""

    CLI_KILLED = "SIGKILL of the CLI"
    INTERRUPT = "kernel interrupt"
    KERNEL_KILLED = "SIGKILL of the kernel"
    STALL = "stall"
    HALF_LINE = "half line"
    API_ERROR = "API error"
    STOP = "stop"
    RESTART = "restart"


class Moment(StrEnum):
    """When it goes wrong."""

    IDLE = "between turns"
    EARLY = "before anything came"
    TEXT = "in the answer"
    TOOL = "in a tool"

    @property
    def is_mid_turn(self) -> bool:
        """Something of the turn had been seen, and it had not ended."""
        return self in {Moment.TEXT, Moment.TOOL}


_MID = {Kind.STALL: [Moment.TEXT], Kind.HALF_LINE: [Moment.TEXT], Kind.API_ERROR: [Moment.TOOL]}
_OTHER = {kind: [Moment.EARLY] for kind in _MID}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        number: Its place in the plan; its prompt's word is made of it.
        kind: What goes wrong.
        moment: When.
        session: The session that it goes wrong in, named after its generation of the CLI.
        chance: What else is left to chance.
    """

    number: int
    kind: Kind
    moment: Moment
    session: str
    chance: random.Random

    def __str__(self) -> str:
        return f"{self.number:>3} {self.kind}, {self.moment}, {self.session} CLI"


def plan(
    seed: int, count: int, kinds: Iterable[Kind] = Kind, sessions: Sequence[str] = GENERATIONS
) -> list[Fault]:
    """So many faults in random order: as many of each kind and session, half of them in mid-turn."""
    chance = random.Random(seed)
    kinds = list(kinds)
    chosen = [
        (kind, moment, session)
        for place, kind in enumerate(kinds)
        for moment, session in _when(kind, len(range(place, count, len(kinds))), chance, sessions)
    ]
    chance.shuffle(chosen)
    return [
        Fault(number, *choice, random.Random(f"{seed}/{number}")) for number, choice in enumerate(chosen, 1)
    ]


def _when(
    kind: Kind, count: int, chance: random.Random, sessions: Sequence[str]
) -> Iterable[tuple[Moment, str]]:
    """Moments and sessions: in mid-turn first, so that it is the greater half; the sessions by turns."""
    moments = [_MID.get(kind, [Moment.TEXT, Moment.TOOL]), _OTHER.get(kind, [Moment.IDLE, Moment.EARLY])]
    ways = [[(moment, name) for moment in half for name in sessions] for half in moments]
    for half in ways:
        chance.shuffle(half)
    mid = -(-count // 2)
    return [*islice(cycle(ways[0]), mid), *islice(cycle(ways[1]), count - mid)]
