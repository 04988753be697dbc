"""What the CLI says to the person, as lines. Pure; whatever an event holds, nothing raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from claude_magic.control_characters import one_line, show_invisibles
from claude_magic.transcript.advice import typeable
from claude_magic.transcript.blocks import Level
from claude_magic.wire import notices as wire

__all__ = ["Line", "cut_line", "lines_of"]

_LIMIT = 2_000
_BLOCKED = ("UserPromptSubmit operation blocked by hook:", "Operation stopped by hook:")
_PROMPT = "\n\nOriginal prompt:"
_KEYS = re.compile(r" · (?:ctrl|shift|esc|tab)\b.*", re.DOTALL | re.IGNORECASE)  # what to press in a terminal
_SAID_BY_THE_HOOK = {"stop-hook-error"}
# Of these the CLI itself says that they block: in a line of its own, or in the result of the call.
_BLOCKS_ALOUD = {"UserPromptSubmit", "PreToolUse"}
_AT_THE_END = {"Stop", "SubagentStop"}
_GOES_ON_ANYWAY = {"SessionStart", "Setup"}
_WINDOWS = {
    "five_hour": "five-hour limit",
    "seven_day": "weekly limit",
    "seven_day_opus": "weekly limit for Opus",
    "seven_day_sonnet": "weekly limit for Sonnet",
    "seven_day_overage_included": "weekly limit",
    "overage": "limit of extra usage",
}
_CUTS = {
    "max_tokens": "the model's limit of output tokens is reached",
    "model_context_window_exceeded": "the context window is full",
    "pause_turn": "the API paused the answer",
}


class Line(NamedTuple):
    """A line to show; `halts` if the turn ends with it. `about` tells lines of the same matter."""

    text: str
    level: Level = "info"
    halts: bool = False
    about: str = ""


def lines_of(event: wire.Notice) -> list[Line]:
    """What an event says to the person, in lines that are not blank, each bounded."""
    lines = (line._replace(text=_bounded(line.text)) for line in _WORDS[type(event)](event))
    return [line for line in lines if line.text]


def cut_line(stop_reason: str | None) -> Line | None:
    """What to say where a message of the model's was cut; None if it was not."""
    why = _CUTS.get(stop_reason or "")
    return Line(f"The answer was cut here: {why}.", "warning") if why else None


def _informational(event: wire.Informational) -> Iterator[Line]:
    if not event.prevent_continuation:
        yield Line(event.content, "warning" if event.level in {"warning", "error"} else "info")
        return
    reason = event.content.partition(_PROMPT)[0]
    for beginning in _BLOCKED:
        reason = reason.removeprefix(beginning)
    why = (event.prompt_submit_outcome and event.prompt_submit_outcome.reason) or reason
    yield Line(f"A hook stopped this turn: {one_line(why)}", "warning", halts=True)


def _hook(event: wire.HookResponse) -> Iterator[Line]:
    try:
        output = msgspec.json.decode(event.stdout, type=wire.HookOutput)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        output = wire.HookOutput()
    if output.system_message:
        yield Line(f"{event.hook_name} says: {output.system_message}")
    blocks = output.decision == "block" or event.exit_code == 2
    if event.hook_event in _BLOCKS_ALOUD and (blocks or not output.continues):
        return
    if not output.continues and event.hook_event in _AT_THE_END:
        yield Line(f"{event.hook_name} says: {output.stop_reason}" if output.stop_reason else "")
    elif not output.continues and event.hook_event not in _GOES_ON_ANYWAY:
        why = one_line(output.stop_reason or "") or event.hook_name
        yield Line(f"A hook stopped this turn: {why}", "warning", halts=True)
    elif blocks:
        yield Line(f"{event.hook_name} says to Claude: {output.reason or event.stderr}")
    elif event.outcome == "error":
        why = event.stderr.strip() or event.stdout.strip() or "it said nothing"
        yield Line(f"The hook {event.hook_name} failed (exit code {event.exit_code}): {why}", "warning")
    elif event.outcome == "cancelled":
        yield Line(f"The hook {event.hook_name} did not finish.", "warning")


def _status(event: wire.StatusEvent) -> Iterator[Line]:
    if event.status == "compacting":
        yield Line("Compacting the conversation.")
    elif event.compact_result == "failed":
        why = (event.compact_error or "no reason given").replace("_", " ").rstrip(".")
        yield Line(f"The conversation could not be compacted: {why}.", "warning")


def _compacted(event: wire.CompactBoundary) -> Iterator[Line]:
    facts = event.compact_metadata
    how = "" if facts.trigger == "manual" else " by itself, as the context window filled up"
    became = f"{facts.pre_tokens:,} tokens"
    if facts.post_tokens is not None:
        became += f" became {facts.post_tokens:,}"
    yield Line(f"The conversation was compacted{how}: {became}. Claude goes on from a summary.")


def _limit(event: wire.RateLimitEvent) -> Iterator[Line]:
    limit = event.rate_limit_info
    window = _WINDOWS.get(limit.rate_limit_type, limit.rate_limit_type.replace("_", " ") or "limit")
    about = f"{limit.status} {limit.rate_limit_type}"
    when = _time(limit.resets_at)
    if limit.status == "rejected":
        yield Line(f"Your plan's {window} is used up{when}.", "error", about=about)
    elif limit.status == "allowed_warning":
        used = "nearly used up" if limit.utilization is None else f"{limit.utilization:.0%} used"
        yield Line(f"Your plan's {window} is {used}{when}.", "warning", about=about)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    try:
        return f"; it resets at {datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"  # noqa: DTZ006  # the reader's
    except (ValueError, OverflowError, OSError):
        return ""


def _fallback(event: wire.RefusalFallback) -> Iterator[Line]:
    line = event.content
    if not line and event.fallback_model:
        line = f"{event.original_model} declined to answer; {event.fallback_model} answers in its place."
    yield Line(" ".join(part for part in (line, event.api_refusal_explanation) if part), "warning")


def _notification(event: wire.Notification) -> Iterator[Line]:
    if event.key not in _SAID_BY_THE_HOOK:
        urgent = event.priority in {"high", "immediate"}
        yield Line(_KEYS.sub("", event.text), "warning" if urgent else "info")


def _plugin(event: wire.PluginInstall) -> Iterator[Line]:
    if event.status == "failed":
        yield Line(f"The plugin {event.name or '?'} was not installed: {event.error}.", "warning")


def _login(event: wire.AuthStatus) -> Iterator[Line]:
    yield Line("\n".join(event.output))
    yield Line(f"The login failed: {event.error}" if event.error else "", "warning")


def _memories(event: wire.MemoryRecall) -> Iterator[Line]:
    count = len(event.memories)
    yield Line(f"Claude was reminded of {count} saved {'memory' if count == 1 else 'memories'}.")


def _lost(event: wire.WritesLost) -> Iterator[Line]:
    yield Line(
        f"The disk is full ({event.error_code}): claude could not save all of this conversation. "
        "Make room before you go on with it.",
        "error",
    )


_WORDS: dict[type[wire.Notice], Callable[[Any], Iterator[Line]]] = {
    wire.AuthStatus: _login,
    wire.CompactBoundary: _compacted,
    wire.HookResponse: _hook,
    wire.Informational: _informational,
    wire.MemoryRecall: _memories,
    wire.Notification: _notification,
    wire.PluginInstall: _plugin,
    wire.RateLimitEvent: _limit,
    wire.RefusalFallback: _fallback,
    wire.StatusEvent: _status,
    wire.WritesLost: _lost,
}


def _bounded(text: str) -> str:
    text = show_invisibles(typeable(text)).strip()
    return text if len(text) <= _LIMIT else f"{text[: _LIMIT - 1]}…"
