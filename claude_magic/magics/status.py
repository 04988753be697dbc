"""What `%claude_status` and `--dry-run` say, as tables. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import PurePath

from claude_magic.control_characters import one_line, show_invisibles
from claude_magic.processes.registry import ProcessInfo
from claude_magic.prompt import Attachment, Prompt
from claude_magic.schema import Schema
from claude_magic.session import Session
from claude_magic.session.conversation import Conversation
from claude_magic.session.turn import Turn
from claude_magic.wording.tables import Table, aligned
from claude_magic.wording.tool import argument
from claude_magic.wording.units import ago, money

__all__ = ["machine_table", "session_table", "sessions_table", "short_id", "would_send"]

_SESSIONS = ("session", "state", "process", "model", "turns", "queue", "cost", "conversation", "last error")
_MACHINE = (
    "session", "state", "pid", "memory", "started", "notebook", "folder", "conversation", "kernel",
)  # fmt: skip


def session_table(session: Session, background: Sequence[Turn] = ()) -> Table:
    """A session's state: what it is, what it does, what it cost.

    Args:
        session: The session.
        background: Its background turns that nobody has waited for yet.
    """
    return _table([*_identity_rows(session), *_activity_rows(session, background), *_usage_rows(session)])


def sessions_table(sessions: Iterable[Session]) -> Table:
    """Several sessions, a row each."""
    rows = [
        (
            session.name,
            _session_state(session),
            str(session.pid or ""),
            session.model,
            str(session.turns),
            str(len(session.queue) or ""),
            f"${session.cost:.4f}",
            _conversation(session.conversation, short_id),
            one_line(session.last_error, 60),
        )
        for session in sessions
    ]
    return Table(_SESSIONS, rows, "More about one: %claude_status NAME")


def machine_table(
    processes: Iterable[ProcessInfo],
    *,
    own: Mapping[int, Session],
    kernel: int,
    names: Mapping[str, str],
    memory: Callable[[int, str], int | None],
    now: float,
) -> Table:
    """Every session of the machine that has a process, a row each.

    Args:
        processes: The processes, verified.
        own: This kernel's sessions by their pids.
        kernel: This kernel's pid.
        names: What conversations' sessions are called, by id.
        memory: Gives the bytes that a process holds.
        now: Seconds since 1970.
    """
    rows = [
        (
            own[info.pid].name if info.pid in own else names.get(info.session_id, ""),
            _session_state(own[info.pid]) if info.pid in own else _process_state(info),
            str(info.pid or ""),
            _megabytes(memory(info.pid, info.created)),
            ago(now - info.started_at),
            PurePath(info.notebook).name or "no notebook",
            info.cwd,
            short_id(info.session_id),
            f"{info.kernel_pid} (this one)" if info.kernel_pid == kernel else str(info.kernel_pid),
        )
        for info in processes
    ]
    return Table(_MACHINE, rows)


def would_send(
    session: Session, prompt: Prompt, options: Mapping[str, str], schema: Schema | None = None
) -> str:
    """What a prompt with these options would come to.

    Args:
        session: The session.
        prompt: The prompt.
        options: As they were typed.
        schema: What the answer would have to fit.
    """
    flags = " ".join(f"{flag} {value}".strip() for flag, value in options.items() if flag != "--dry-run")
    table = _table([*_identity_rows(session), ("options", flags)])
    parts = [aligned(table), *prompt.notices, "This would be sent:"]
    parts += [part for each in prompt.attachments for part in _attachment(each)]
    fit = [f"The answer would have to fit:\n\n{schema.text}"] if schema is not None else []
    return "\n\n".join([*parts, prompt.text, *fit])


def _attachment(attachment: Attachment) -> Iterable[str]:
    """The blocks of an attachment; of a picture what it is, and the hash of its bytes."""
    yield str(attachment.block["text"])
    for image in attachment.images:
        data = b64decode(image.data)
        yield f"[{image.about}, {len(data):,} bytes, SHA-256 {sha256(data).hexdigest()}]"


def short_id(session_id: str) -> str:
    """Enough of a conversation's id to name it by."""
    return session_id[:8]


def _table(rows: Iterable[tuple[str, str]]) -> Table:
    return Table((), [row for row in rows if row[1]])


def _identity_rows(session: Session) -> Iterable[tuple[str, str]]:
    options = session.options
    yield "session", session.name
    yield "answers", options.label
    yield "state", session.state.value
    yield "process", _process(session)
    yield "model", session.model or "the CLI's default"
    yield "permission mode", _mode(session.permission_mode)
    yield "directory", str(options.directory)
    yield "conversation", _conversation(session.conversation)


def _activity_rows(session: Session, background: Sequence[Turn]) -> Iterable[tuple[str, str]]:
    yield "turns", str(session.turns or "")
    yield "running", _turn_list([session.turn] if session.turn else [])
    yield "waits for you", _requests(session.turn) if session.turn else ""
    yield "queue", _turn_list(session.queue)
    yield "background", _turn_list(background)
    yield "left its tree", _escaped_descendants(session)


def _usage_rows(session: Session) -> Iterable[tuple[str, str]]:
    footers = (turn.footer for turn in reversed(session.history) if turn.footer)
    context_left = next((each.context_left for each in footers if each.context_left is not None), None)
    yield "context left", "" if context_left is None else f"{context_left:.0%}"
    yield "cost", money(session.cost) if session.cost else ""
    yield "ignored", ", ".join(f"{kind} ({count})" for kind, count in session.unknown.most_common(5))
    yield "last error", one_line(session.last_error, 300)


def _process(session: Session) -> str:
    if session.pid:
        return f"pid {session.pid}"
    if session.released:
        return "none: released while idle; the next prompt starts one and resumes"
    return "none; the next prompt starts one"


def _conversation(conversation: Conversation, format_id: Callable[[str], str] = str) -> str:
    if conversation.recorded:
        return format_id(conversation.session_id)
    return f"a copy of {format_id(conversation.forked_from)}" if conversation.forked_from else "new"


def _escaped_descendants(session: Session) -> str:
    """What Claude's tools have started that runs on by itself; it ends with the session's process."""
    return ", ".join(f"{name} (pid {pid})" for pid, name in sorted(session.escaped.items()))


def _session_state(session: Session) -> str:
    """A session's state, and what it waits for if that is you."""
    requests = _requests(session.turn) if session.turn else ""
    return f"{session.state.value}: {one_line(requests, 60)}" if requests else session.state.value


def _process_state(info: ProcessInfo) -> str:
    """What another kernel's session does, as far as that can be seen from here."""
    if not info.pid:
        return "starting"
    return "running" if info.kernel_lives else "left behind: its kernel is gone"


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.0f} MB"


def _mode(mode: str) -> str:
    return f"{mode}: every tool runs unasked" if mode == "bypassPermissions" else mode


def _turn_list(turns: Iterable[Turn]) -> str:
    return "; ".join(f"{one_line(turn.prompt, 40)} ({turn.transcript.state.value})" for turn in turns)


def _requests(turn: Turn) -> str:
    cwd = turn.transcript.cwd
    requests = (block.request for block in turn.transcript.pending)
    names = (
        (show_invisibles(each.tool_name), argument(each.tool_name, each.input, cwd)) for each in requests
    )
    return "; ".join(" ".join(name).strip() for name in names)
