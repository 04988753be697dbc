"""What the CLI asks back: whether a tool may run, and what our hooks say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from claude_magic.errors import UsageError
from claude_magic.hooks import answered
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.session.edit_preview import edit_preview
from claude_magic.session.edited_files import follow
from claude_magic.session.permission_queue import PermissionQueue
from claude_magic.session.stream import Stream
from claude_magic.session.supervisor import Answer
from claude_magic.session.turn import Turn
from claude_magic.tool_server import Call, Tool, ToolError, Watcher
from claude_magic.wire.events import ControlRequest

__all__ = ["Answers"]


class Answers:
    """Who answers the CLI.

    Args:
        permissions: Asks a person.
        interrupt: Stops a turn.
        allow: Allows a tool of our own for the rest of the session.
    """

    def __init__(
        self,
        permissions: PermissionQueue,
        interrupt: Callable[[Turn], object],
        allow: Callable[[str], object],
    ) -> None:
        self._permissions = permissions
        self._interrupt = interrupt
        self._allow = allow

    @property
    def by_subtype(self) -> Mapping[str, Answer]:
        """What answers which request."""
        return {
            "can_use_tool": self._can_use_tool,
            "hook_callback": self._hook_callback,
            "mcp_message": self._mcp_message,
        }

    async def _can_use_tool(self, stream: Stream, control: ControlRequest) -> dict[str, object]:
        turn = None if stream.is_own else stream.running
        rules = stream.options.allow + (turn.options.allow if turn is not None else ())
        request = PermissionRequest.from_wire(control.request_id, control.request, rules)
        tool = next(
            (tool for each in stream.options.servers if (tool := each.called(request.tool_name))), None
        )
        if tool is not None:
            request = request.within_session()
        decision = await self._decision(turn, request, tool)
        if tool is not None and decision.behavior is Behavior.ALWAYS and request.always_means:
            self._allow(request.tool_name)
        if decision.interrupt and turn is not None:  # the answer alone would end it as an error
            self._interrupt(turn)
        stream.call_times.decided(request.tool_use_id)
        return decision.response(request)

    async def _hook_callback(self, stream: Stream, control: ControlRequest) -> dict[str, object]:
        turn, request = stream.owner, control.request
        if turn is None:
            return dict((await answered(stream.options.hooks, request)).output)
        transcript, call, account = turn.transcript, str(request.get("tool_use_id")), request.get("input")
        if isinstance(account, Mapping):
            await follow(transcript.edits, account)
        note = partial(transcript.note, call)
        reply = await answered(stream.options.hooks, request, stream.call_times.earliest(call), note)
        if reply.notice:
            transcript.notice(reply.notice, "warning")
        return dict(reply.output)

    async def _mcp_message(self, stream: Stream, control: ControlRequest) -> dict[str, object]:
        name, message = control.request.get("server_name"), control.request.get("message")
        server = next((each for each in stream.options.servers if each.name == name), None)
        if server is None or not isinstance(message, dict):
            raise UsageError(f"There is no server {name!r}.")
        turn = stream.owner
        if turn is None:
            return {"mcp_response": await server.answer(message, Watcher())}
        watcher = Watcher(
            tell=turn.transcript.output,
            show=turn.transcript.preview,
            interrupt=lambda: self._interrupt(turn),
        )
        return {"mcp_response": await turn.call(lambda: server.answer(message, watcher))}

    async def _decision(self, turn: Turn | None, request: PermissionRequest, tool: Tool | None) -> Decision:
        """The person's decision; of a call that could not do what it is for nobody is asked."""
        if tool is not None and tool.preview is not None and turn is not None:
            call, preview = Call(id=request.tool_use_id, input=request.input), tool.preview
            try:
                request = replace(request, preview=await turn.call(lambda: preview(call)))
            except ToolError as error:
                return Decision(behavior=Behavior.DENY, message=str(error), by="the tool")
        elif turn is not None:
            preview_now = await asyncio.to_thread(edit_preview, request, turn.transcript.cwd)
            request = replace(request, preview=preview_now)
        return await self._permissions.decide(turn, request)
