"""Control requests, both ways. Pure: what is to be written goes to a function given from outside.

The promise: a request of ours ends in an answer, an error or a timeout, and leaves nothing behind; a request
of the CLI's gets its answer, unless the CLI takes it back, so that the CLI never waits for us in vain.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from claude_magic.errors import ControlError, ControlTimeoutError
from claude_magic.wire.events import ControlCancel, ControlRequest, ControlResponse, Event, ResponseBody
from claude_magic.wire.messages import JSON

__all__ = ["ControlChannel", "Handler"]

Handler = Callable[[ControlRequest], Awaitable[JSON]]

_log = logging.getLogger(__name__)


class ControlChannel:
    """The requests that are under way on one process's pipes.

    Args:
        send: Writes one message as a line; may wait until there is room.
    """

    def __init__(self, send: Callable[[JSON], Awaitable[None]]) -> None:
        self._send = send
        self._pending: dict[str, asyncio.Future[ResponseBody]] = {}
        self._handlers: dict[str, Handler] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failure: BaseException | None = None

    async def request(self, subtype: str, *, timeout: float, **fields: object) -> JSON:  # noqa: ASYNC109  # has its own error
        """Ask the CLI and wait for its answer.

        Args:
            subtype: What is asked: `initialize`, `interrupt`, `set_model` …
            timeout: Seconds until the answer must have come, writing included.
            **fields: The rest of the request.

        Returns:
            The answer's body; empty if it has none.

        Raises:
            ControlError: The CLI refused.
            ControlTimeoutError: No answer came in time.
        """
        if self._failure is not None:
            raise self._failure
        request_id = uuid.uuid4().hex
        answer = self._pending[request_id] = asyncio.get_running_loop().create_future()
        message: JSON = {
            "type": "control_request",
            "request_id": request_id,
            "request": {**fields, "subtype": subtype},
        }
        try:
            async with asyncio.timeout(timeout):
                await self._send(message)
                return _opened(await answer)
        except TimeoutError:
            raise ControlTimeoutError(f"The CLI did not answer {subtype} within {timeout:g} s.") from None
        finally:
            del self._pending[request_id]

    def handle(self, event: Event) -> bool:
        """Takes what is a request of the CLI's or an answer to one of ours; False if it is neither."""
        match event:
            case ControlResponse():
                self.resolve(event)
            case ControlRequest():
                self.dispatch(event)
            case ControlCancel():
                self.cancel(event.request_id)
            case _:
                return False
        return True

    def resolve(self, response: ControlResponse) -> bool:
        """Give an answer to whoever waits for it.

        Returns:
            False if nobody does: an unknown id, a second answer, or one that came too late.
        """
        answer = self._pending.get(response.response.request_id)
        if answer is None or answer.done():
            return False
        answer.set_result(response.response)
        return True

    def fail(self, error: BaseException) -> None:
        """End every pending request, and every later one, with `error`: the process is gone."""
        self._failure = error
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # counts as seen, even if its request has just failed on writing

    def serve(self, subtype: str, handler: Handler) -> None:
        """Answer requests of this subtype (`can_use_tool`, `mcp_message` …) with what `handler` returns."""
        self._handlers[subtype] = handler

    def dispatch(self, request: ControlRequest) -> None:
        """Begin to answer a request of the CLI's; a repeated id is answered once."""
        if request.request_id in self._tasks:
            return
        task = asyncio.create_task(self._answer(request))
        self._tasks[request.request_id] = task
        task.add_done_callback(lambda done: self._finished(request.request_id, done))

    def cancel(self, request_id: str) -> None:
        """Drop a request that the CLI took back; an unknown id changes nothing."""
        task = self._tasks.get(request_id)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Drop every request of the CLI's that is still being answered."""
        for task in self._tasks.values():
            task.cancel()

    async def _answer(self, request: ControlRequest) -> None:
        handler = self._handlers.get(request.subtype)
        if handler is None:
            await self._refuse(request, f"Unsupported control request: {request.subtype[:60]}")
            return
        try:
            response = await handler(request)
            await self._reply(request, {"subtype": "success", "response": response})
        except Exception:  # noqa: BLE001  # whatever a handler does, the CLI waits for an answer
            _log.debug("The handler of %s failed", request.subtype, exc_info=True)
            await self._refuse(request, f"{request.subtype} could not be answered.")

    async def _refuse(self, request: ControlRequest, message: str) -> None:
        await self._reply(request, {"subtype": "error", "error": message})

    async def _reply(self, request: ControlRequest, body: JSON) -> None:
        await self._send(
            {"type": "control_response", "response": {**body, "request_id": request.request_id}},
        )

    def _finished(self, request_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[request_id]
        if not task.cancelled() and task.exception() is not None:  # the pipe is gone, which its reader tells
            _log.debug("A control response could not be sent", exc_info=task.exception())


def _opened(body: ResponseBody) -> JSON:
    if body.subtype != "success":
        raise ControlError(body.error or "The CLI refused and gave no reason.", body.error_code or "")
    return body.response or {}
