"""What the CLI writes, one line at a time, as typed events. Pure: bytes in, events out.

Every release of the CLI adds events and fields, so decoding is forgiving: fields have defaults, an event
of an unknown type is kept as `Unknown`, a line that is no event becomes a `Diagnostic`. Nothing raises.
"""

from __future__ import annotations

import json
import re
from functools import cache

import msgspec

from claude_magic.wire import notices
from claude_magic.wire.messages import JSON, Block, Delta, Message, ModelUsage, RawStream, Record, TokenUsage
from claude_magic.wire.notices import HookResponse, LocalCommandOutput, Notice, StatusEvent

__all__ = [
    "IGNORED",
    "KNOWN",
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
    "HookResponse",
    "LocalCommandOutput",
    "Message",
    "ModelUsage",
    "Notice",
    "Passing",
    "RawStream",
    "ResultEvent",
    "StatusEvent",
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


class SystemInit(Record, frozen=True, rename="camel"):
    """Sent at the beginning of every turn."""

    session_id: str = msgspec.field(default="", name="session_id")
    cwd: str = ""
    model: str = ""
    permission_mode: str = ""
    mcp_servers: list[JSON] = msgspec.field(default_factory=list, name="mcp_servers")
    plugin_errors: list[JSON] = msgspec.field(default_factory=list, name="plugin_errors")
    claude_code_version: str = msgspec.field(default="", name="claude_code_version")


class ApiRetry(Record, frozen=True):
    """The API refused for now; the CLI waits and tries again."""

    attempt: int = 0
    max_retries: int = 0
    retry_delay_ms: float = 0
    error_status: int | None = None
    error: object = None


class SystemEvent(Record, frozen=True):
    """The CLI's own background tasks."""

    subtype: str = ""
    status: str | None = None
    task_id: str | None = None
    tool_use_id: str | None = None
    summary: str | None = None
    patch: object = None
    tasks: object = None


class AssistantMessage(Record, frozen=True):
    """One finished content block of the answer."""

    message: Message
    parent_tool_use_id: str | None = None
    error: str | None = None


class UserMessage(Record, frozen=True, rename={"is_replay": "isReplay"}):
    """A tool's result, or (`is_replay`) the acknowledgement of a prompt of ours."""

    message: Message
    parent_tool_use_id: str | None = None
    uuid: str = ""
    is_replay: bool = False
    tool_use_result: object = None


class ResultEvent(Record, frozen=True, rename={"model_usage": "modelUsage"}):
    """Ends the turn. `total_cost_usd` is cumulative for the process."""

    subtype: str = ""
    is_error: bool = False
    result: str | None = None
    stop_reason: str | None = None
    terminal_reason: str | None = None
    errors: list[str] = msgspec.field(default_factory=list)
    total_cost_usd: float | None = None
    usage: TokenUsage | None = None
    model_usage: dict[str, ModelUsage] = msgspec.field(default_factory=dict)
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    num_turns: int = 0
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
    """The conversation begins anew (`/clear`); 2.1.191 sends no such event.

    The ids in it are the old one and another than the one to resume by, which the next `SystemInit` has
    (2.1.327).
    """


class Passing(Record, frozen=True):
    """Known, and of no use here: `IGNORED` says why."""

    type: str = ""


class Unknown(Record, frozen=True):
    """A well-formed event that this version does not know; counted, not shown."""

    type: str = ""
    subtype: str | None = None


class Diagnostic(Record, frozen=True):
    """A line that is no event.

    `kind` is "noise" (not JSON: a warning of some library), "malformed" (begins as a message and is none: it
    was cut), or "shape" (JSON of another shape). `text` quotes at most 200 characters; `type` is what the
    line says it is, so that an unreadable `result` can still end its turn.
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
    | Notice
    | Passing
    | Unknown
    | Diagnostic
)


# What no person needs to see, and why. A system event has its subtype after the stroke.
IGNORED = {
    "active_goal": "only the terminal's /goal sets one",
    "command_lifecycle": "a prompt's way through the CLI's queue; the queue here is ours",
    "keep_alive": "it says nothing",
    "prompt_suggestion": "not asked for",
    "tool_progress": "a call's card counts the time itself",
    "tool_use_summary": "the calls themselves are shown",
    "system/commands_changed": "nothing here lists the commands",
    "system/control_request_progress": "our requests have a time limit of their own",
    "system/elicitation_complete": "follows a request that was refused here",
    "system/files_persisted": "a hosted session's file store",
    "system/hook_progress": "the hook's response has all of it",
    "system/hook_started": "the hook's response follows",
    "system/mirror_error": "a session store, which nobody here sets",
    "system/permission_denied": "the call's card shows the refusal and its reason",
    "system/session_state_changed": "the session follows its own state",
    "system/task_progress": "the subagent's own calls are shown",
    "system/thinking_tokens": "the thinking itself is shown",
    "system/worker_shutting_down": "a hosted session's; here the exit is told",
}

_QUOTED = 200
# How the CLI's own messages begin (2.1.191, 2.1.332): with their type, and a result also with its figures.
_MESSAGE = re.compile(rb'\{"(?:type|subtype|is_error|duration_ms|duration_api_ms|session_id|uuid)":')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Head(msgspec.Struct):
    """What tells which event a line is. Reading it checks the whole line's syntax."""

    type: object = None
    subtype: object = None


_head = msgspec.json.Decoder(_Head)
_by_name: dict[str, type[Event]] = {
    "assistant": AssistantMessage,
    "auth_status": notices.AuthStatus,
    "control_cancel_request": ControlCancel,
    "control_request": ControlRequest,
    "control_response": ControlResponse,
    "conversation_reset": ConversationReset,
    "rate_limit_event": notices.RateLimitEvent,
    "result": ResultEvent,
    "stream_event": StreamEvent,
    "user": UserMessage,
    "system/api_retry": ApiRetry,
    "system/background_tasks_changed": SystemEvent,
    "system/compact_boundary": notices.CompactBoundary,
    "system/hook_response": notices.HookResponse,
    "system/informational": notices.Informational,
    "system/init": SystemInit,
    "system/local_command_output": notices.LocalCommandOutput,
    "system/memory_recall": notices.MemoryRecall,
    "system/model_refusal_fallback": notices.RefusalFallback,
    "system/model_refusal_no_fallback": notices.RefusalFallback,
    "system/notification": notices.Notification,
    "system/plugin_install": notices.PluginInstall,
    "system/session_writes_lost": notices.WritesLost,
    "system/status": notices.StatusEvent,
    "system/task_notification": SystemEvent,
    "system/task_started": SystemEvent,
    "system/task_updated": SystemEvent,
}
KNOWN = frozenset(_by_name)
"""The events that are shown or used, by type; a system event has its subtype after the stroke."""


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
    if head.type == "system" and subtype is None:
        return _diagnostic("shape", line, head.type)
    name = f"system/{subtype}" if head.type == "system" else head.type
    if name not in _by_name:
        return Passing(type=name) if name in IGNORED else Unknown(type=head.type, subtype=subtype)
    try:
        return _decoder(_by_name[name]).decode(line)
    except msgspec.ValidationError:
        return _diagnostic("shape", line, head.type)


@cache
def _decoder(kind: type[Event]) -> msgspec.json.Decoder[Event]:
    """Made when the first event of its kind comes: all at once cost 1.7 ms of the extension's loading."""
    return msgspec.json.Decoder(kind)


def _second_look(line: bytes) -> Event:
    """Why msgspec refuses a line: text to be mended, or nothing that could be an event."""
    try:
        value = json.loads(line.decode(errors="replace"))
        return _typed(_LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)).encode())
    except json.JSONDecodeError:
        return _diagnostic("malformed" if _MESSAGE.match(line) else "noise", line)
    except (*_UNREADABLE, ValueError):  # JSON of no meaning here: NaN, thousands of digits, nested too deep
        return _diagnostic("shape", line)


def _diagnostic(kind: str, line: bytes, type_: str = "") -> Diagnostic:
    start = line[: 4 * _QUOTED].decode(errors="replace")
    return Diagnostic(kind=kind, text=start[:_QUOTED], type=type_)
