from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from claude_magic.session import Session
from claude_magic.wire.events import StreamEvent

Sessions = Callable[..., Session]
DELTAS = 100_000


@pytest.mark.bench
async def test_a_hundred_thousand_pieces_of_an_answer_are_all_there_in_little_memory(fake: Sessions) -> None:
    talk = fake(f"deltas={DELTAS}")
    await talk.ask("first")
    process, seen = psutil.Process(), 0
    before = process.memory_info().rss
    turn = talk.submit("hi")
    turn.listeners.append(lambda event: count(isinstance(event, StreamEvent)))

    def count(is_stream: bool) -> None:  # noqa: FBT001  # one of many
        nonlocal seen
        seen += is_stream

    result = await turn.wait()
    growth = (process.memory_info().rss - before) / 1e6
    print(f"{DELTAS} deltas in {result.duration:.1f} s, RSS grew by {growth:.1f} MB")
    assert result.text == "You said: hi" + "".join(f" w{number}" for number in range(DELTAS))
    assert seen >= DELTAS
    assert growth < 20
    assert len(turn.transcript.blocks) == 1
