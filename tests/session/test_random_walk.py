"""A session used at random: whatever is done to it, every Result is right and nothing grows.

CLAUDE_MAGIC_WALK sets the number of turns, CLAUDE_MAGIC_WALK_SEED repeats a walk.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from people import Person, allow, deny

from claude_magic.options import TurnOptions
from claude_magic.session import Session, SessionState
from claude_magic.session.turn import Turn

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
TURNS = int(os.environ.get("CLAUDE_MAGIC_WALK", "30"))
SEED = os.environ.get("CLAUDE_MAGIC_WALK_SEED")  # looked up here: no test sees the variables of its tester


class Walk:
    """One session and what can happen to it; each step makes a turn or two and checks their Results."""

    def __init__(self, talk: Session, work: Path, seed: int, eventually: Eventually) -> None:
        self.talk = talk
        self.work = work
        self.random = random.Random(seed)
        self.eventually = eventually
        self.turns = 0
        self.path: list[str] = []

    async def step(self) -> None:
        happening = self.random.choice(HAPPENINGS)
        self.path.append(happening.__name__)
        await happening(self)
        assert self.talk.turn is None
        assert not self.talk.queue
        assert self.talk.state in {SessionState.IDLE, SessionState.STOPPED, SessionState.CRASHED}
        assert self.talk.is_running is (self.talk.state is SessionState.IDLE)

    def submit(self, prompt: str, *, options: TurnOptions | None = None, answer: bool = True) -> Turn:
        self.turns += 1
        return self.talk.submit(prompt, options=options, asker=Person(allow() if answer else deny()))

    async def is_said(self, turn: Turn, word: str) -> None:
        result = await turn.wait()
        assert (result.text, result.error, result.interrupted) == (word, "", False)
        assert result.cost_usd > 0

    async def is_stopped(self, turn: Turn) -> None:
        result = await turn.wait()
        assert result.interrupted
        assert result.error == ""
        assert "the-1 loop-2".startswith(result.text[:12])

    async def says(self) -> None:
        await self.is_said(self.submit(f"say word{self.turns}"), f"word{self.turns - 1}")

    async def several_at_once(self) -> None:
        words = [f"word{number}" for number in range(self.random.randint(2, 4))]
        turns = [self.submit(f"say {word}") for word in words]
        dropped = self.random.choice(turns[1:])
        self.talk.interrupt(dropped)
        for turn, word in zip(turns, words, strict=True):
            if turn is dropped:
                assert (await turn.wait()).interrupted
            else:
                await self.is_said(turn, word)

    async def uses_a_tool(self) -> None:
        name, answer = f"file{self.turns}", self.random.random() < 0.7
        result = await self.submit(f"run echo text > {name}", answer=answer).wait()
        assert (self.work / name).exists() is answer
        assert [call.is_error for call in result.tool_calls] == [not answer]
        assert not result.is_error

    async def is_interrupted(self) -> None:
        turn = self.submit("slowly")
        await self.eventually(lambda: not self.talk.queue)
        await asyncio.sleep(self.random.random() * self.random.random() / 2)  # the person
        self.talk.interrupt(turn)
        if self.random.random() < 0.3:
            self.talk.interrupt(turn)
        await self.is_stopped(turn)

    async def is_cancelled(self) -> None:
        self.turns += 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(self.random.random()):
                await self.talk.ask("stall")
        await self.eventually(lambda: self.talk.turn is None)

    async def is_stopped_in_mid_turn(self) -> None:
        turn = self.submit("slowly")
        await self.eventually(lambda: not self.talk.queue)
        await asyncio.sleep(self.random.random() / 2)  # the person
        await self.talk.stop()
        await self.is_stopped(turn)

    async def is_restarted(self) -> None:
        await self.talk.restart(fresh=self.random.random() < 0.5)
        assert self.talk.state is SessionState.IDLE

    async def is_killed(self) -> None:
        turn = self.submit("slowish")
        await self.eventually(lambda: turn.transcript.answer)
        assert self.talk.pid is not None
        os.kill(self.talk.pid, signal.SIGKILL)
        result = await turn.wait()
        assert not result.error
        assert result.text.endswith(("-30", "Going on."))
        await self.says()

    async def fails(self) -> None:
        result = await self.submit("fail 400").wait()
        assert result.error == "API Error: 400 Scripted error."

    async def has_options(self) -> None:
        options = TurnOptions(
            permission_mode="acceptEdits", model="haiku", allow=("Bash(touch *)",), timeout=60
        )
        await self.is_said(self.submit("say opted", options=options), "opted")


HAPPENINGS = [
    *[Walk.says, Walk.several_at_once, Walk.uses_a_tool, Walk.is_interrupted] * 3,
    *[Walk.is_cancelled, Walk.is_stopped_in_mid_turn, Walk.is_restarted],
    *[Walk.is_killed, Walk.fails, Walk.has_options],
]


def _held() -> dict[str, int]:
    process = psutil.Process()
    return {
        "descriptors": process.num_fds(),
        "threads": sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate()),
        "tasks": len(asyncio.all_tasks()),
        "children": len(process.children(recursive=True)),
    }


@pytest.mark.bench
@pytest.mark.timeout(60 + 2 * TURNS)
@pytest.mark.fault(61, via="real")
async def test_a_session_used_at_random_gives_right_results_and_holds_nothing(
    session: Sessions, cli: Path, tmp_path: Path, eventually: Eventually
) -> None:
    seed = int(SEED or random.SystemRandom().randrange(10**6))
    print(f"CLAUDE_MAGIC_WALK_SEED={seed}")
    talk = session(cli=str(cli))
    walk = Walk(talk, tmp_path / "work", seed, eventually)
    await walk.says()
    await talk.stop()
    before = _held()
    try:
        while walk.turns < TURNS:
            await walk.step()
    finally:
        print(f"{walk.turns} turns: {' '.join(walk.path)}")
    await talk.stop()
    await eventually(lambda: all(now <= before[kind] for kind, now in _held().items()))
    assert talk.cost > 0
