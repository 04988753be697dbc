"""What the CLI asks back: whether a tool may run, and what our hooks say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec.structs import replace

from claude_magic.errors import UsageError
from claude_magic.hooks import answered
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.session.edited_files import look
from claude_magic.session.permission_queue import PermissionQueue
from claude_magic.session.stream import Stream
from claude_magic.session.supervisor import Answer
from claude_magic.session.turn import Turn
from claude_magic.tool_server import Call, ToolError, ToolServer, Watcher
from claude_magic.wire.events import ControlRequest

__all__ = ["answers"]


def answers(permissions: PermissionQueue, interrupt: Callable[[Turn], object]) -> Mapping[str, Answer]:
    """Who answers which request, by its subtype.

    Args:
        permissions: Asks a person.
        interrupt: Stops a turn.
    """

    async def can_use_tool(stream: Stream, control: ControlRequest) -> dict[str, object]:
        turn = None if stream.is_own else stream.running
        rules = stream.options.allow + (turn.options.allow if turn is not None else ())
        request = PermissionRequest.from_wire(control.request_id, control.request, rules)
        decision = await _decision(permissions, turn, request, stream.options.servers)
        if decision.interrupt and turn is not None:  # the answer alone would end it as an error
            interrupt(turn)
        return decision.response(request)

    async def hook_callback(stream: Stream, control: ControlRequest) -> dict[str, object]:
        turn, request = stream.owner, control.request
        if turn is None:
            return dict((await answered(stream.options.hooks, request)).output)
        transcript, call, account = turn.transcript, str(request.get("tool_use_id")), request.get("input")
        if isinstance(account, Mapping) and transcript.edits.take(account):
            await look(transcript.edits)
        note = partial(transcript.note, call)
        reply = await answered(stream.options.hooks, request, transcript.began(call), note)
        if reply.notice:
            transcript.notice(reply.notice, "warning")
        return dict(reply.output)

    async def mcp_message(stream: Stream, control: ControlRequest) -> dict[str, object]:
        name, message = control.request.get("server_name"), control.request.get("message")
        server = next((each for each in stream.options.servers if each.name == name), None)
        if server is None or not isinstance(message, dict):
            raise UsageError(f"There is no server {name!r}.")
        turn = stream.owner
        if turn is None:
            return {"mcp_response": await server.answer(message, Watcher())}
        watcher = Watcher(
            tell=turn.transcript.output, show=turn.transcript.preview, interrupt=lambda: interrupt(turn)
        )
        return {"mcp_response": await turn.call(lambda: server.answer(message, watcher))}

    return {"can_use_tool": can_use_tool, "hook_callback": hook_callback, "mcp_message": mcp_message}


async def _decision(
    permissions: PermissionQueue,
    turn: Turn | None,
    request: PermissionRequest,
    servers: Iterable[ToolServer],
) -> Decision:
    """The person's decision; for a call that could not do what it is for, its refusal: nobody is asked."""
    try:
        request = await _with_preview(turn, request, servers)
    except ToolError as error:
        return Decision(behavior=Behavior.DENY, message=str(error), by="the tool")
    return await permissions.decide(turn, request)


async def _with_preview(
    turn: Turn | None, request: PermissionRequest, servers: Iterable[ToolServer]
) -> PermissionRequest:
    """The request with what the call would change, if it is of a tool of ours that can say so."""
    tools = (server.called(request.tool_name) for server in servers)
    preview = next((tool.preview for tool in tools if tool is not None), None)
    if preview is None or turn is None:
        return request
    call = Call(id=request.tool_use_id, input=request.input)
    return replace(request, preview=await turn.call(lambda: preview(call)))
