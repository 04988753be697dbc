"""What a transcript says, in words, whatever shows it: states, times, attempts.

Everything that comes from outside has gone through `show_invisibles` or `strip_controls` when it leaves here.
Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.control_characters import one_line, shortened, show_invisibles
from claude_magic.transcript.blocks import RetryBlock, ThinkingBlock
from claude_magic.wording.units import LINE_LIMIT, duration, money, short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_magic.prompt import Attachment
    from claude_magic.transcript import Transcript

__all__ = [
    "BYPASS_BANNER",
    "attached",
    "footer",
    "header",
    "hidden_line",
    "options_line",
    "prompt_line",
    "retry_line",
    "retry_parts",
    "running_line",
    "state",
    "thinking_line",
]

_NO_REASON = "unknown"  # the CLI's word where no answer came
_NOTICEABLE = 0.1  # seconds; shorter is not worth a figure

BYPASS_BANNER = "Permission checks are off (bypassPermissions): every tool runs without asking."
_DATA_LIMIT = 2_000


def state(transcript: Transcript) -> str:
    """Where the turn stands, with its place while it waits for others."""
    ahead = transcript.ahead
    return f"{transcript.state.value}, {ahead} before it" if ahead else transcript.state.value


def header(transcript: Transcript, *, mode: bool = True) -> list[str]:
    """The facts above a turn, but for its state: session, model, permission mode, label, resumed."""
    facts = [transcript.session, transcript.model]
    facts += [transcript.permission_mode] if mode else []
    facts.append(transcript.label)
    if turns := transcript.resumed_turns:
        facts.append(f"resumed, {turns} earlier turn{'s' * (turns != 1)}")
    return [one_line(fact, LINE_LIMIT) for fact in facts if fact]


def footer(transcript: Transcript) -> list[str]:
    """What the turn took: requests, time, tokens, cost, context left. Empty until it has ended.

    What it took none of is left out; a moment without a request to the model is not worth a figure.
    """
    facts = transcript.footer
    if facts is None:
        return []
    cached = f" ({short_number(facts.cached)} from the cache)" if facts.cached else ""
    left = facts.context_left
    parts = (
        (facts.requests, f"{facts.requests} request{'s' * (facts.requests != 1)}"),
        (facts.requests or facts.seconds >= 1, duration(facts.seconds)),
        (facts.tokens, f"{short_number(facts.tokens)} tokens{cached}"),
        (facts.cost_usd, money(facts.cost_usd)),
        (left is not None, f"{left or 0:.0%} of context left"),
    )
    return [text for is_worth_it, text in parts if is_worth_it]


def hidden_line(transcript: Transcript) -> str:
    """What a full transcript leaves out; "" if nothing."""
    blocks = f" and {transcript.hidden_blocks:,} blocks" if transcript.hidden_blocks else ""
    return (
        f"truncated, {transcript.hidden:,} characters{blocks} hidden" if transcript.hidden or blocks else ""
    )


def running_line(transcript: Transcript) -> str:
    """The last line of a turn that has not ended: true even when the notebook is saved just then."""
    if transcript.state.is_over:
        return ""
    if transcript.started is None:
        return "The prompt was still waiting in line when this was shown."
    return f"The turn was still running when this was shown, after {duration(transcript.elapsed)}."


def options_line(transcript: Transcript) -> str:
    """The options given with the prompt."""
    options = (
        f"{show_invisibles(name)} {show_invisibles(value)}".strip()
        for name, value in transcript.options.items()
    )
    return " ".join(options)


def prompt_line(transcript: Transcript) -> str:
    """The prompt's first line."""
    return one_line(
        show_invisibles(transcript.prompt[: 4 * LINE_LIMIT].strip()).partition("\n")[0], LINE_LIMIT
    )


def attached(attachments: Sequence[Attachment], *, limit: int | None = _DATA_LIMIT) -> list[tuple[str, str]]:
    """The data that is sent before a prompt: what each piece is, and its text.

    Args:
        attachments: The data.
        limit: Characters that are shown of a piece; None for all.
    """
    return [
        (
            one_line(each.title, LINE_LIMIT)
            or f"{one_line(each.label, LINE_LIMIT)} {len(each.text):,} characters",
            shortened(show_invisibles(each.text), len(each.text) if limit is None else limit),
        )
        for each in attachments
    ]


def thinking_line(block: ThinkingBlock) -> str:
    """How long the model thought."""
    if block.duration is None:
        return "Thinking"
    return "Thought" if block.duration < _NOTICEABLE else f"Thought for {duration(block.duration)}"


def retry_line(block: RetryBlock) -> str:
    """The attempts so far, and when the next one comes."""
    return "".join(retry_parts(block))


def retry_parts(block: RetryBlock) -> tuple[str, str, str]:
    """The same, apart: what stands before the time until the next attempt, that time, what follows it."""
    status = f"HTTP {block.status}" if block.status else ""
    reason = show_invisibles(block.reason).replace("_", " ")
    why = ", ".join(part for part in (status, reason) if part and part != _NO_REASON) or "no answer"
    times = f"{block.attempt} time{'s' * (block.attempt != 1)}"
    cause = show_invisibles(block.cause)
    if block.given_up:
        return f"Tried {times}.", "", ""
    if block.over:
        return f"{cause}; tried {times}." if cause else f"The API refused {times} ({why}).", "", ""
    failed = f"{cause or f'The API refused ({why})'}. Attempt {block.attempt} of {block.max_retries} failed;"
    return f"{failed} the next is in ", duration(block.delay_s), "."
