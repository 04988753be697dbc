"""How much of a call is shown: the more calls a saved turn has, the less of each. Pure."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Room", "shared"]

# Of all calls of a turn together, and at least of each: 60 calls then take some 100 kB of a notebook.
_CHARACTERS, _LEAST_CHARACTERS = 24_000, 300
_LINES, _LEAST_LINES = 180, 3
_DIFF_LINES, _LEAST_DIFF_LINES = 600, 10


class Room(NamedTuple):
    """What there is room for.

    Args:
        characters: Of what a call was given, and of what came of it.
        lines: Of its result, where that cannot be folded.
        diff_lines: Of what it changes.
    """

    characters: int = 10_000
    lines: int = 40
    diff_lines: int = 400


def shared(calls: int) -> Room:
    """What each of so many calls has."""
    whole = Room()
    if not calls:
        return whole
    return Room(
        max(_LEAST_CHARACTERS, min(whole.characters, _CHARACTERS // calls)),
        max(_LEAST_LINES, min(whole.lines, _LINES // calls)),
        max(_LEAST_DIFF_LINES, min(whole.diff_lines, _DIFF_LINES // calls)),
    )
