"""Requests both ways: every one ends, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import cast

import pytest

from claude_magic.errors import ControlError, ControlTimeoutError, ProcessEndedError
from claude_magic.wire.control import ControlChannel
from claude_magic.wire.events import ControlCancel, ControlRequest, ControlResponse, ResponseBody, Unknown
from claude_magic.wire.messages import JSON

BOUND = 5


class Pipe:
    """Keeps what is sent, and lets a test wait for it."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[JSON] = asyncio.Queue()
        self.error: Exception | None = None

    async def send(self, message: JSON) -> None:
        if self.error is not None:
            raise self.error
        self.sent.put_nowait(message)

    async def next(self) -> JSON:
        return await asyncio.wait_for(self.sent.get(), BOUND)


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def channel(pipe: Pipe) -> ControlChannel:
    return ControlChannel(pipe.send)


def answer(request_id: object, body: JSON | None = None, error: str | None = None) -> ControlResponse:
    return ControlResponse(
        response=ResponseBody(
            subtype="error" if error else "success",
            request_id=str(request_id),
            response=body,
            error=error,
            error_code="unsupported_request" if error else None,
        )
    )


def asked(request_id: str, subtype: str, **fields: object) -> ControlRequest:
    return ControlRequest(request_id=request_id, request={"subtype": subtype, **fields})


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Each line of the log, and the kind of error that goes with it."""
    return [(record.getMessage(), record.exc_info and record.exc_info[0]) for record in caplog.records]


def reply_of(message: JSON) -> JSON:
    assert message["type"] == "control_response"
    return cast("JSON", message["response"])


async def test_a_request_gets_its_own_answer_whatever_the_order(channel: ControlChannel, pipe: Pipe) -> None:
    model = asyncio.create_task(channel.request("set_model", timeout=BOUND, model="opus"))
    usage = asyncio.create_task(channel.request("get_context_usage", timeout=BOUND))
    first, second = await pipe.next(), await pipe.next()
    assert first["type"] == "control_request"
    assert first["request"] == {"subtype": "set_model", "model": "opus"}
    assert first["request_id"] != second["request_id"]
    assert channel.resolve(answer(second["request_id"], {"used": 7}))
    assert channel.resolve(answer(first["request_id"]))
    assert (await model, await usage) == ({}, {"used": 7})
    assert channel._pending == {}


async def test_a_field_of_a_request_never_replaces_its_subtype(channel: ControlChannel, pipe: Pipe) -> None:
    task = asyncio.create_task(channel.request("interrupt", timeout=BOUND, request_id="mine"))
    message = await pipe.next()
    assert message["request"] == {"subtype": "interrupt", "request_id": "mine"}
    assert message["request_id"] != "mine"
    channel.resolve(answer(message["request_id"]))
    await task


async def test_a_refused_request_raises_with_the_clis_words_and_code(
    channel: ControlChannel, pipe: Pipe
) -> None:
    task = asyncio.create_task(channel.request("nonsense", timeout=BOUND))
    channel.resolve(answer((await pipe.next())["request_id"], error="Unknown request"))
    with pytest.raises(ControlError, match="Unknown request") as caught:
        await task
    assert caught.value.code == "unsupported_request"


async def test_a_refusal_without_a_reason_says_so(channel: ControlChannel, pipe: Pipe) -> None:
    task = asyncio.create_task(channel.request("interrupt", timeout=BOUND))
    request_id = str((await pipe.next())["request_id"])
    channel.resolve(ControlResponse(response=ResponseBody(subtype="error", request_id=request_id)))
    with pytest.raises(ControlError, match=r"^The CLI refused and gave no reason\.$") as caught:
        await task
    assert caught.value.code == ""


async def test_requests_and_answers_are_taken_out_of_what_comes_and_nothing_else(
    channel: ControlChannel, pipe: Pipe
) -> None:
    async def never(_: ControlRequest) -> JSON:
        return await asyncio.Future()

    channel.serve("can_use_tool", never)
    ours = asyncio.create_task(channel.request("get_context_usage", timeout=BOUND))
    request_id = (await pipe.next())["request_id"]
    assert channel.handle(answer(request_id, {"used": 7}))
    assert await ours == {"used": 7}
    assert channel.handle(asked("kept", "unknown"))
    assert reply_of(await pipe.next())["request_id"] == "kept"
    assert channel.handle(asked("taken back", "can_use_tool"))
    assert channel.handle(ControlCancel(request_id="taken back"))
    await asyncio.wait_for(_until_idle(channel), BOUND)
    assert pipe.sent.empty()
    assert not channel.handle(Unknown(type="tea_time"))


@pytest.mark.fault(27, via="pure")
async def test_an_unknown_a_second_and_a_late_answer_are_ignored(channel: ControlChannel, pipe: Pipe) -> None:
    task = asyncio.create_task(channel.request("interrupt", timeout=BOUND))
    request_id = (await pipe.next())["request_id"]
    assert not channel.resolve(answer("never asked", {"n": 0}))
    assert channel.resolve(answer(request_id, {"n": 1}))
    assert not channel.resolve(answer(request_id, {"n": 2}))
    assert await task == {"n": 1}
    assert not channel.resolve(answer(request_id, {"n": 3}))


async def test_an_unanswered_request_times_out_by_name_and_is_forgotten(
    channel: ControlChannel, pipe: Pipe
) -> None:
    with pytest.raises(ControlTimeoutError, match=r"did not answer interrupt within 0.01 s\."):
        await channel.request("interrupt", timeout=0.01)
    assert channel._pending == {}
    assert not channel.resolve(answer((await pipe.next())["request_id"]))


async def test_the_time_a_full_pipe_takes_counts() -> None:
    async def stuck(_: JSON) -> None:
        await asyncio.Event().wait()

    channel = ControlChannel(stuck)
    with pytest.raises(ControlTimeoutError):
        await channel.request("interrupt", timeout=0.01)
    assert channel._pending == {}


async def test_a_cancelled_request_is_forgotten(channel: ControlChannel, pipe: Pipe) -> None:
    task = asyncio.create_task(channel.request("interrupt", timeout=BOUND))
    await pipe.next()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert channel._pending == {}


@pytest.mark.fault(35, via="pure")
async def test_a_dead_process_fails_all_requests_at_once_and_every_later_one(
    channel: ControlChannel, pipe: Pipe
) -> None:
    tasks = [asyncio.create_task(channel.request("interrupt", timeout=BOUND)) for _ in range(3)]
    for _ in tasks:
        await pipe.next()
    channel.fail(ProcessEndedError("exit code 1"))
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["exit code 1"] * 3
    with pytest.raises(ProcessEndedError, match="exit code 1"):
        await channel.request("interrupt", timeout=BOUND)
    assert pipe.sent.empty()


async def test_an_answer_that_came_right_before_the_end_counts(channel: ControlChannel, pipe: Pipe) -> None:
    task = asyncio.create_task(channel.request("interrupt", timeout=BOUND))
    channel.resolve(answer((await pipe.next())["request_id"], {"n": 1}))
    channel.fail(ProcessEndedError("exit code 1"))
    assert await task == {"n": 1}


@pytest.mark.fault(35, via="pure")
async def test_a_request_that_fails_on_writing_leaves_no_unseen_error() -> None:
    unseen: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    channel: ControlChannel

    async def broken(_: JSON) -> None:
        channel.fail(ProcessEndedError("gone"))
        raise BrokenPipeError

    channel = ControlChannel(broken)
    with pytest.raises(BrokenPipeError):
        await channel.request("interrupt", timeout=BOUND)
    gc.collect()
    assert unseen == []


async def test_a_served_request_is_answered_with_what_the_handler_returns(
    channel: ControlChannel, pipe: Pipe
) -> None:
    async def handler(request: ControlRequest) -> JSON:
        return {"saw": request.request["tool_name"]}

    channel.serve("can_use_tool", handler)
    channel.dispatch(asked("r1", "can_use_tool", tool_name="Bash"))
    assert await pipe.next() == {
        "type": "control_response",
        "response": {"subtype": "success", "request_id": "r1", "response": {"saw": "Bash"}},
    }


@pytest.mark.fault(24, via="pure")
@pytest.mark.parametrize(
    ("request_", "quoted"),
    [
        (asked("r1", "hologram"), "hologram"),
        (asked("r1", "long" * 100), "long" * 15),
        (ControlRequest(request_id="r1"), ""),
    ],
    ids=["new", "long", "nameless"],
)
async def test_an_unknown_request_gets_an_error_so_that_the_cli_goes_on(
    channel: ControlChannel, pipe: Pipe, request_: ControlRequest, quoted: str
) -> None:
    channel.dispatch(request_)
    reply = reply_of(await pipe.next())
    assert (reply["subtype"], reply["request_id"]) == ("error", "r1")
    assert reply["error"] == f"Unsupported control request: {quoted}"


async def test_a_handler_that_raises_answers_with_an_error_that_tells_no_internals_but_to_the_log(
    channel: ControlChannel, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(_: ControlRequest) -> JSON:
        raise KeyError("/home/ada/secret")

    caplog.set_level(logging.DEBUG)

    channel.serve("mcp_message", handler)
    channel.dispatch(asked("r1", "mcp_message"))
    assert reply_of(await pipe.next()) == {
        "subtype": "error",
        "request_id": "r1",
        "error": "mcp_message could not be answered.",
    }
    assert logged(caplog) == [("The handler of mcp_message failed", KeyError)]


async def test_an_answer_that_cannot_be_written_becomes_an_error_answer() -> None:
    sent: list[JSON] = []

    async def send(message: JSON) -> None:
        if "response" in reply_of(message):
            raise TypeError("not JSON")
        sent.append(message)

    async def handler(_: ControlRequest) -> JSON:
        return {"value": object()}

    channel = ControlChannel(send)
    channel.serve("mcp_message", handler)
    channel.dispatch(asked("r1", "mcp_message"))
    await asyncio.wait_for(asyncio.gather(*channel._tasks.values()), BOUND)
    assert [reply_of(message)["subtype"] for message in sent] == ["error"]


async def test_a_slow_handler_holds_up_no_other_and_is_kept_alive(
    channel: ControlChannel, pipe: Pipe
) -> None:
    released = asyncio.Event()

    async def slow(_: ControlRequest) -> JSON:
        await released.wait()
        return {}

    channel.serve("can_use_tool", slow)
    channel.dispatch(asked("slow", "can_use_tool"))
    channel.dispatch(asked("quick", "unknown"))
    assert reply_of(await pipe.next())["request_id"] == "quick"
    gc.collect()
    released.set()
    assert reply_of(await pipe.next())["request_id"] == "slow"


async def test_a_repeated_request_is_answered_once(channel: ControlChannel, pipe: Pipe) -> None:
    for _ in range(2):
        channel.dispatch(asked("r1", "unknown"))
    assert reply_of(await pipe.next())["request_id"] == "r1"
    await asyncio.wait_for(_until_idle(channel), BOUND)
    assert pipe.sent.empty()


async def test_a_request_taken_back_is_dropped_and_others_are_not(
    channel: ControlChannel, pipe: Pipe
) -> None:
    started, released, dropped = asyncio.Queue[str](), asyncio.Event(), asyncio.Event()

    async def handler(request: ControlRequest) -> JSON:
        started.put_nowait(request.request_id)
        try:
            await released.wait()
        except asyncio.CancelledError:
            dropped.set()
            raise
        return {}

    channel.serve("can_use_tool", handler)
    for request_id in ("taken back", "kept"):
        channel.dispatch(asked(request_id, "can_use_tool"))
        await asyncio.wait_for(started.get(), BOUND)
    channel.cancel("taken back")
    channel.cancel("never asked")
    await asyncio.wait_for(dropped.wait(), BOUND)
    released.set()
    assert reply_of(await pipe.next())["request_id"] == "kept"
    await asyncio.wait_for(_until_idle(channel), BOUND)
    assert pipe.sent.empty()


async def test_close_drops_everything_that_is_still_being_answered_without_noise(
    channel: ControlChannel, pipe: Pipe
) -> None:
    unseen: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))

    async def never(_: ControlRequest) -> JSON:
        await asyncio.Event().wait()
        return {}

    channel.serve("can_use_tool", never)
    for number in range(3):
        channel.dispatch(asked(str(number), "can_use_tool"))
    channel.close()
    await asyncio.wait_for(_until_idle(channel), BOUND)
    assert pipe.sent.empty()
    assert unseen == []


async def test_an_answer_to_a_dead_process_is_dropped_without_noise_but_to_the_log(
    channel: ControlChannel, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    unseen: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    pipe.error = BrokenPipeError()
    channel.dispatch(asked("r1", "unknown"))
    await asyncio.wait_for(_until_idle(channel), BOUND)
    gc.collect()
    assert unseen == []
    assert logged(caplog) == [("A control response could not be sent", BrokenPipeError)]


async def _until_idle(channel: ControlChannel) -> None:
    while channel._tasks:
        await asyncio.wait(channel._tasks.values())
        await asyncio.sleep(0)
