"""What `%claude_status` and `--dry-run` say, as plain lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from claude_magic.session import Session
from claude_magic.session.turn import Turn
from claude_magic.views.describe import argument
from claude_magic.views.safe import exact

__all__ = ["status_lines", "would_send"]


def status_lines(session: Session, background: Sequence[Turn] = ()) -> str:
    """A session's state as aligned lines: what it is, what it does, what it cost.

    Args:
        session: The session.
        background: Its background turns that nobody has waited for yet.
    """
    return _aligned([*_is(session), *_does(session, background), *_took(session)])


def would_send(session: Session, prompt: str, options: Mapping[str, str]) -> str:
    """What a prompt with these options would come to."""
    given = " ".join(f"{flag} {value}".strip() for flag, value in options.items() if flag != "--dry-run")
    return f"{_aligned([*_is(session), ('options', given)])}\n\nThis would be sent:\n{prompt}"


def _aligned(rows: Iterable[tuple[str, str]]) -> str:
    filled = [(label, value) for label, value in rows if value]
    width = max(len(label) for label, _ in filled)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in filled)


def _is(session: Session) -> Iterable[tuple[str, str]]:
    conversation, options = session.conversation, session.options
    yield "session", session.name
    yield "answers", options.label
    yield "state", session.state.value
    yield "process", f"pid {session.pid}" if session.pid else "none; the next prompt starts one"
    yield "model", conversation.model or options.model or "the CLI's default"
    yield "permission mode", _mode(conversation.mode)
    yield "directory", str(options.directory)
    yield "conversation", session.session_id if conversation.recorded else "new"


def _does(session: Session, background: Sequence[Turn]) -> Iterable[tuple[str, str]]:
    yield "turns", str(session.turns)
    yield "running", _listed([session.turn] if session.turn else [])
    yield "waits for you", _asked(session.turn) if session.turn else ""
    yield "queue", _listed(session.queue)
    yield "background", _listed(background)


def _took(session: Session) -> Iterable[tuple[str, str]]:
    left = next((t.footer.context_left for t in reversed(session.history) if t.footer), None)
    yield "context left", "" if left is None else f"{left:.0%}"
    yield "cost", f"${session.cost.total:.4f}"
    yield "ignored", ", ".join(f"{kind} ({count})" for kind, count in session.unknown.most_common(5))
    yield "last error", " ".join(session.last_error.split())[:300]


def _mode(mode: str) -> str:
    return f"{mode}: every tool runs unasked" if mode == "bypassPermissions" else mode


def _listed(turns: Iterable[Turn]) -> str:
    return "; ".join(f"{_first_words(turn.prompt)} ({turn.transcript.state.value})" for turn in turns)


def _asked(turn: Turn) -> str:
    requests = (block.request for block in turn.transcript.pending)
    return "; ".join(
        f"{exact(asked.tool_name)} {argument(asked.tool_name, asked.input)}".strip() for asked in requests
    )


def _first_words(prompt: str) -> str:
    line = " ".join(prompt.split())
    return line if len(line) <= 40 else f"{line[:39]}…"
