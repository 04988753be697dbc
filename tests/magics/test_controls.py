"""What the buttons of a live turn ask of its session."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from claude_magic.magics.controls import TurnControls


def test_a_first_click_that_comes_late_is_no_second_interrupt() -> None:
    turn: Any = SimpleNamespace(interrupted=False)
    interrupts: list[object] = []
    session: Any = SimpleNamespace(interrupt=interrupts.append)
    settings: Any = None
    take_back: Any = None
    controls = TurnControls(session, turn, settings, take_back)

    controls.stop()
    turn.interrupted = True  # or the kernel was interrupted, while the click could not arrive
    controls.stop()
    assert interrupts == [turn]

    controls.stop(again=True)
    assert interrupts == [turn, turn]
