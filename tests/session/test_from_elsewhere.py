"""Calls from where they would hang: they work, or are refused in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from endpoint_log import Endpoint

from claude_magic.errors import StateError
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.session import Session

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
YES = Decision(behavior=Behavior.ALLOW)
T = TypeVar("T")


async def in_a_thread(call: Callable[[], T]) -> T:
    """What `call` gives in a thread that has ended afterwards."""
    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, call)


@pytest.mark.fault(109, via="real")
@pytest.mark.parametrize("way", ["ask", "stream"])
async def test_an_asker_that_asks_its_own_session_is_refused_in_one_line(session: Sessions, way: str) -> None:
    talk = session()
    said: list[str] = []

    async def streams() -> None:
        async for _ in talk.stream("say never"):
            pass

    async def asker(_: PermissionRequest, /) -> Decision:
        with pytest.raises(StateError) as refused:
            await (talk.ask("say never") if way == "ask" else streams())
        said.append(str(refused.value))
        return YES

    result = await talk.ask("run echo one > one.txt", asker=asker)

    assert len(said) == 1
    assert "\n" not in said[0]
    assert "the prompt would never have its turn" in said[0]
    assert not result.is_error
    assert [call.is_error for call in result.tool_calls] == [False]
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(109, via="real")
async def test_an_asker_may_ask_another_session_which_may_not_ask_back(session: Sessions) -> None:
    talk, other = session(), session(name="other")
    said: list[str] = []

    async def asks_back(_: PermissionRequest, /) -> Decision:
        with pytest.raises(StateError):
            await talk.ask("say never")
        return YES

    async def asks_on(_: PermissionRequest, /) -> Decision:
        said.append((await other.ask("run echo two > two.txt", asker=asks_back)).text)
        return YES

    result = await talk.ask("run echo one > one.txt", asker=asks_on)

    assert len(said) == 1
    assert said[0].startswith("Running.")
    assert not result.is_error


async def test_what_an_asker_leaves_running_may_ask_once_the_turn_is_over(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    later: list[asyncio.Task[str]] = []

    async def ask_later() -> str:
        await eventually(lambda: talk.turn is None)
        return (await talk.ask("say later")).text

    async def asker(_: PermissionRequest, /) -> Decision:
        later.append(asyncio.create_task(ask_later()))
        return YES

    await talk.ask("run echo one > one.txt", asker=asker)

    assert await later[0] == "later"


@pytest.mark.fault(109, via="real")
async def test_a_session_used_from_a_thread_is_refused_in_one_line_and_goes_on(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer)

    async def in_a_loop_of_its_own() -> None:
        await talk.ask("say never")

    calls: list[Callable[[], object]] = [
        lambda: talk.submit("say never"),
        talk.interrupt,
        lambda: asyncio.run(in_a_loop_of_its_own()),
        lambda: asyncio.run(talk.start()),
        lambda: asyncio.run(talk.restart()),
    ]
    for call in calls:
        with pytest.raises(StateError) as refused:
            await in_a_thread(call)
        assert "\n" not in str(refused.value)
    assert not turn.interrupted
    assert talk.interrupt()
    assert (await turn.wait()).interrupted
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(109, via="real")
async def test_a_thread_asks_by_way_of_the_sessions_loop(session: Sessions, endpoint: Endpoint) -> None:
    talk = session()
    loop = asyncio.get_running_loop()

    result = await in_a_thread(
        lambda: asyncio.run_coroutine_threadsafe(talk.ask("say from a thread"), loop).result(60)
    )

    assert result.text == "from a thread"
    assert len(endpoint.requests) == 1
