"""What the CLI writes, one line at a time, as typed events. Pure: bytes in, events out.

Every release of the CLI adds events and fields, so decoding is forgiving: fields have defaults, an event
of an unknown type is kept as `Unknown`, a line that is no event becomes a `Diagnostic`. Nothing raises.
"""

from __future__ import annotations

import json
import re

import msgspec

from claude_magic.wire.messages import JSON, Block, Delta, Message, ModelUsage, RawStream, Record, TokenUsage

__all__ = [
    "ApiRetry",
    "AssistantMessage",
    "Block",
    "ControlCancel",
    "ControlRequest",
    "ControlResponse",
    "ConversationReset",
    "Delta",
    "Diagnostic",
    "Event",
    "Message",
    "ModelUsage",
    "Passing",
    "RawStream",
    "ResultEvent",
    "StreamEvent",
    "SystemEvent",
    "SystemInit",
    "TokenUsage",
    "Unknown",
    "UserMessage",
    "decode",
]


class StreamEvent(Record, frozen=True):
    """A partial answer as it arrives; a subagent's has its `parent_tool_use_id`."""

    event: RawStream
    parent_tool_use_id: str | None = None
    session_id: str = ""


class SystemInit(Record, frozen=True, rename="camel"):
    """Sent at the beginning of every turn."""

    session_id: str = msgspec.field(default="", name="session_id")
    cwd: str = ""
    model: str = ""
    tools: list[str] = msgspec.field(default_factory=list)
    permission_mode: str = ""
    mcp_servers: list[JSON] = msgspec.field(default_factory=list, name="mcp_servers")
    slash_commands: list[str] = msgspec.field(default_factory=list, name="slash_commands")
    claude_code_version: str = msgspec.field(default="", name="claude_code_version")


class ApiRetry(Record, frozen=True):
    """The API refused for now; the CLI waits and tries again."""

    attempt: int = 0
    max_retries: int = 0
    retry_delay_ms: float = 0
    error_status: int | None = None
    error: object = None


class SystemEvent(Record, frozen=True):
    """Any other `system` event: status, state changes, the CLI's own background tasks."""

    subtype: str = ""
    status: str | None = None
    task_id: str | None = None
    tool_use_id: str | None = None
    description: str | None = None
    summary: str | None = None
    patch: object = None
    tasks: object = None


class AssistantMessage(Record, frozen=True):
    """One finished content block of the answer."""

    message: Message
    parent_tool_use_id: str | None = None
    session_id: str = ""
    uuid: str = ""
    error: str | None = None


class UserMessage(Record, frozen=True, rename={"is_replay": "isReplay"}):
    """A tool's result, or (`is_replay`) the acknowledgement of a prompt of ours."""

    message: Message
    parent_tool_use_id: str | None = None
    session_id: str = ""
    uuid: str = ""
    is_replay: bool = False
    tool_use_result: object = None


class ResultEvent(Record, frozen=True, rename={"model_usage": "modelUsage"}):
    """Ends the turn. `total_cost_usd` is cumulative for the process."""

    subtype: str = ""
    is_error: bool = False
    result: str | None = None
    errors: list[str] = msgspec.field(default_factory=list)
    total_cost_usd: float | None = None
    usage: TokenUsage | None = None
    model_usage: dict[str, ModelUsage] = msgspec.field(default_factory=dict)
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    num_turns: int = 0
    duration_ms: float = 0
    session_id: str = ""
    api_error_status: int | None = None
    structured_output: object = None
    permission_denials: list[JSON] = msgspec.field(default_factory=list)
    user_message_uuid: str | None = None


class ControlRequest(Record, frozen=True):
    """The CLI asks us something; `request["subtype"]` says what."""

    request_id: str = ""
    request: JSON = msgspec.field(default_factory=dict)

    @property
    def subtype(self) -> str:
        """What is asked."""
        return str(self.request.get("subtype", ""))


class ControlCancel(Record, frozen=True):
    """The CLI takes a request of its own back."""

    request_id: str = ""


class ResponseBody(Record, frozen=True):
    """The inner part of a control response."""

    subtype: str = ""
    request_id: str = ""
    response: JSON | None = None
    error: str | None = None
    error_code: str | None = None


class ControlResponse(Record, frozen=True):
    """The answer to a control request of ours."""

    response: ResponseBody


class ConversationReset(Record, frozen=True):
    """The conversation begins anew (`/clear`); `session_id` is the old one.

    The id to resume by comes with the next `SystemInit`; `new_conversation_id` is another one (2.1.327).
    2.1.191 sends no such event.
    """

    session_id: str = ""
    new_conversation_id: str | None = None


class Passing(Record, frozen=True):
    """Known, and of no use here: a prompt's way through the CLI's queue, rate limits, a tool's heartbeat."""

    type: str = ""


class Unknown(Record, frozen=True):
    """A well-formed event that this version does not know; counted, not shown."""

    type: str = ""
    subtype: str | None = None


class Diagnostic(Record, frozen=True):
    """A line that is no event.

    `kind` is "noise" (not JSON: a warning of some library), "malformed" (begins as JSON and is not),
    or "shape" (JSON of another shape). `text` quotes at most 200 characters; `type` is what the line says it
    is, so that an unreadable `result` can still end its turn.
    """

    kind: str
    text: str
    type: str = ""


Event = (
    SystemInit
    | ApiRetry
    | SystemEvent
    | StreamEvent
    | AssistantMessage
    | UserMessage
    | ResultEvent
    | ControlRequest
    | ControlCancel
    | ControlResponse
    | ConversationReset
    | Passing
    | Unknown
    | Diagnostic
)


_QUOTED = 200
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Head(msgspec.Struct):
    """What tells which event a line is. Reading it checks the whole line's syntax."""

    type: object = None
    subtype: object = None


_head = msgspec.json.Decoder(_Head)
_any_system = msgspec.json.Decoder(SystemEvent)
_by_subtype: dict[str | None, msgspec.json.Decoder[Event]] = {
    "init": msgspec.json.Decoder(SystemInit),
    "api_retry": msgspec.json.Decoder(ApiRetry),
}
_by_type: dict[str, msgspec.json.Decoder[Event]] = {
    "stream_event": msgspec.json.Decoder(StreamEvent),
    "assistant": msgspec.json.Decoder(AssistantMessage),
    "user": msgspec.json.Decoder(UserMessage),
    "result": msgspec.json.Decoder(ResultEvent),
    "control_request": msgspec.json.Decoder(ControlRequest),
    "control_response": msgspec.json.Decoder(ControlResponse),
    "control_cancel_request": msgspec.json.Decoder(ControlCancel),
    "conversation_reset": msgspec.json.Decoder(ConversationReset),
    "command_lifecycle": msgspec.json.Decoder(Passing),
    "rate_limit_event": msgspec.json.Decoder(Passing),
    "tool_progress": msgspec.json.Decoder(Passing),
}


def decode(line: bytes) -> Event:
    """One line of the CLI's output as an event.

    Args:
        line: The line, without terminator.

    Returns:
        The event; `Unknown` for one of a type that is not known here, `Diagnostic` for what is no event.
        Invalid UTF-8 and lone surrogates become U+FFFD.
    """
    try:
        return _typed(line)
    except _UNREADABLE:
        return _second_look(line)


def _typed(line: bytes) -> Event:
    head = _head.decode(line)
    if not isinstance(head.type, str):
        return _diagnostic("shape", line)
    subtype = head.subtype if isinstance(head.subtype, str) else None
    decoder = _by_subtype.get(subtype, _any_system) if head.type == "system" else _by_type.get(head.type)
    if decoder is None:
        return Unknown(type=head.type, subtype=subtype)
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        return _diagnostic("shape", line, head.type)


def _second_look(line: bytes) -> Event:
    """Why msgspec refuses a line: text to be mended, or nothing that could be an event."""
    try:
        value = json.loads(line.decode(errors="replace"))
        return _typed(_LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)).encode())
    except json.JSONDecodeError:
        return _diagnostic("malformed" if line.lstrip().startswith(b"{") else "noise", line)
    except (ValueError, RecursionError):  # JSON of no meaning here: NaN, thousands of digits, nested too deep
        return _diagnostic("shape", line)


def _diagnostic(kind: str, line: bytes, type_: str = "") -> Diagnostic:
    start = line[: 4 * _QUOTED].decode(errors="replace")
    return Diagnostic(kind=kind, text=start[:_QUOTED], type=type_)
