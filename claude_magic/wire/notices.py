"""What the CLI says to the person, beside the answer: hooks, limits, compaction, fallbacks. Pure.

Only what is shown is decoded. What becomes of each is in `transcript/notices.py`.
"""

from __future__ import annotations

import msgspec

from claude_magic.wire.messages import Record

__all__ = [
    "AuthStatus",
    "CompactBoundary",
    "CompactMetadata",
    "HookOutput",
    "HookResponse",
    "Informational",
    "LocalCommandOutput",
    "MemoryRecall",
    "Notice",
    "Notification",
    "PluginInstall",
    "PromptOutcome",
    "RateLimit",
    "RateLimitEvent",
    "RefusalFallback",
    "StatusEvent",
    "WritesLost",
]


class PromptOutcome(Record, frozen=True):
    """Why a hook kept a prompt from the model (2.1.332)."""

    reason: str | None = None


class Informational(Record, frozen=True):
    """A line of the loop's; with `prevent_continuation` nothing follows it."""

    content: str = ""
    level: str = ""
    prevent_continuation: bool = False
    prompt_submit_outcome: PromptOutcome | None = None


class HookOutput(Record, frozen=True, rename="camel"):
    """What a hook's command printed, if it is JSON."""

    system_message: str | None = None
    continues: bool = msgspec.field(default=True, name="continue")
    stop_reason: str | None = None
    decision: str | None = None
    reason: str | None = None


class HookResponse(Record, frozen=True):
    """A hook of the person's settings has run; told by `--include-hook-events`."""

    hook_name: str = ""
    hook_event: str = ""
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    outcome: str = ""


class StatusEvent(Record, frozen=True):
    """What the CLI is at: `compacting`, or how that went; or the permission mode that it has gone into."""

    status: str | None = None
    permission_mode: str = msgspec.field(default="", name="permissionMode")
    compact_result: str | None = None
    compact_error: str | None = None


class CompactMetadata(Record, frozen=True):
    """What a compaction came to, in tokens."""

    trigger: str = ""
    pre_tokens: int = 0
    post_tokens: int | None = None


class CompactBoundary(Record, frozen=True):
    """The conversation has been replaced by a summary of it."""

    compact_metadata: CompactMetadata = CompactMetadata()


class RateLimit(Record, frozen=True, rename="camel"):
    """A window of a subscription: `resets_at` in seconds since 1970, `utilization` from 0 to 1."""

    status: str = ""
    resets_at: float | None = None
    rate_limit_type: str = ""
    utilization: float | None = None


class RateLimitEvent(Record, frozen=True):
    """What is left of the subscription has changed."""

    rate_limit_info: RateLimit = RateLimit()


class RefusalFallback(Record, frozen=True):
    """The model declined, and another one answers or none does."""

    content: str = ""
    original_model: str = ""
    fallback_model: str = ""
    api_refusal_explanation: str | None = None


class Notification(Record, frozen=True):
    """A line for the terminal's corner."""

    key: str = ""
    text: str = ""
    priority: str = ""


class LocalCommandOutput(Record, frozen=True):
    """What a slash command printed, to be shown as an answer."""

    content: str = ""


class PluginInstall(Record, frozen=True):
    """A plugin is being installed."""

    status: str = ""
    name: str | None = None
    error: str | None = None


class AuthStatus(Record, frozen=True):
    """A login goes on."""

    output: list[str] = msgspec.field(default_factory=list)
    error: str | None = None


class MemoryRecall(Record, frozen=True):
    """Memories were given to the model."""

    memories: list[object] = msgspec.field(default_factory=list)


class WritesLost(Record, frozen=True):
    """The CLI could not save what it had to, as the disk is full."""

    error_code: str = ""


Notice = (
    AuthStatus
    | CompactBoundary
    | HookResponse
    | Informational
    | LocalCommandOutput
    | MemoryRecall
    | Notification
    | PluginInstall
    | RateLimitEvent
    | RefusalFallback
    | StatusEvent
    | WritesLost
)
