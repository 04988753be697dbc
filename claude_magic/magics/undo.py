"""`%claude_undo`: takes back what Claude's file tools have changed, turn by turn.

The CLI keeps a checkpoint of these files at each prompt, and goes back to it byte by byte, line ends and
encodings too (measured: 2.1.191, 2.1.332). What anybody has changed since is lost then: that is looked for
here. What a subagent has written is not in it.
"""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from claude_magic.control_characters import one_line, show_invisibles
from claude_magic.errors import UsageError
from claude_magic.magics.arguments import Word, flag, magic, sessions
from claude_magic.magics.output import say, show
from claude_magic.result import FileChange
from claude_magic.session.edited_files import content_of
from claude_magic.tools import ToolKind, tool_called
from claude_magic.transcript.file_edits import text_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.live_edits import LiveEdits
    from claude_magic.magics.cell import Cells
    from claude_magic.notebook.sessions import Sessions
    from claude_magic.session import Session
    from claude_magic.transcript import Transcript

__all__ = ["UndoMagics"]

_PREVIEW = 400  # lines
_READERS = {"mcp__kernel__list_variables", "mcp__kernel__inspect", "mcp__kernel__read_notebook"}
_CELLS = {"mcp__kernel__add_cell", "mcp__kernel__edit_cell", "mcp__kernel__delete_cell"}


class _Plan(Struct):
    """What going back to a checkpoint comes to.

    Args:
        changes: What happens to the files of the turn.
        changed_since: Files that somebody else has changed since, and that would go back too.
        unknown: Files of the turn that the checkpoint does not have.
    """

    changes: list[FileChange] = []
    changed_since: list[str] = []
    unknown: list[str] = []


class UndoMagics:
    """The magic that takes changes back.

    Args:
        shell: The shell.
        sessions: The notebook's sessions.
        cells: Their turns in cells, where a person may be asked.
        edits: Has the kernel use the files as they are then.
    """

    def __init__(self, shell: InteractiveShell, sessions: Sessions, cells: Cells, edits: LiveEdits) -> None:
        self._shell = shell
        self._sessions = sessions
        self._cells = cells
        self._edits = edits

    @magic(
        Word("name", sessions),
        flag("--dry-run", "Only show what would be undone."),
        flag("--yes", "Do not ask."),
        flag("--force", "Undo also what somebody else has changed since."),
        usage="[NAME] [--dry-run] [--yes] [--force]",
    )
    async def claude_undo(self, arguments: Namespace) -> None:
        """Take back what Write and Edit changed in a session's last turn that changed files.

        Once more takes back the turn before. What commands did, and what the kernel holds, stays.
        """
        session = self._sessions.find(arguments.name)
        transcript = _last_with_edits(session)
        known = await session.rewind(transcript.message_id, dry_run=True)
        plan = await asyncio.to_thread(_plan, transcript, known)
        self._show(transcript, plan)
        if arguments.dry_run:
            return
        if plan.changed_since and not arguments.force:
            names = _names(plan.changed_since, transcript)
            raise UsageError(
                f"Changed since by somebody else: {names}. Nothing was undone. "
                f"To lose these changes too: {_again(session, '--force')}"
            )
        if plan.changes and not self._may_go_on(session, yes=arguments.yes):
            say("Nothing was undone.")
            return
        if plan.changes:
            await session.rewind(transcript.message_id)
            say(await self._outcome(plan, transcript))
        transcript.edits.undone = True

    def _show(self, transcript: Transcript, plan: _Plan) -> None:
        from claude_magic.commonmark.writing import escaped, fenced  # noqa: PLC0415  # load budget
        from claude_magic.views.html.turn import document  # noqa: PLC0415

        head, notes = _head(transcript, plan), _notes(transcript, plan)
        changes = [replace(each, path=_short(each.path, transcript)) for each in plan.changes]
        lines = [show_invisibles(line) for each in changes for line in each.diff.split("\n")]
        more = [f"… {len(lines) - _PREVIEW:,} more lines"] if len(lines) > _PREVIEW else []
        diff = "\n".join([*lines[:_PREVIEW], *more])
        markdown = "\n\n".join(
            [f"**{escaped(head)}**", *([fenced(diff, "diff")] if diff else []), *map(escaped, notes)]
        )
        plain = "\n".join([head, *([diff] if diff else []), *notes])
        show(
            self._shell,
            {"text/html": str(document(markdown)), "text/markdown": markdown, "text/plain": plain},
        )

    def _may_go_on(self, session: Session, *, yes: bool) -> bool:
        answer = True if yes else self._cells.confirm("Undo it? [y]es, [n]o: ")
        if answer is None:
            raise UsageError(f"Nobody can be asked here. To undo it: {_again(session, '--yes')}")
        return answer

    async def _outcome(self, plan: _Plan, transcript: Transcript) -> str:
        """What has come of it, seen on the disk; modules of this kernel are loaded anew."""
        left = [each.path for each in plan.changes if not await asyncio.to_thread(_is_back, each)]
        done = [each.path for each in plan.changes if each.path not in left]
        lines = [f"Undone: {_names(done, transcript)}."] if done else []
        lines += [f"Not undone: {_names(left, transcript)}."] if left else []
        notes = [await self._edits.load(Path(path)) for path in done]
        return " ".join([*lines, *(f"{note[:1].upper()}{note[1:]}." for note in notes if note)])


def _last_with_edits(session: Session) -> Transcript:
    """The last turn with files that were changed and not yet taken back.

    Raises:
        UsageError: There is none, or it belongs to another conversation.
    """
    turns = (each for each in reversed(session.history) if each.edits.files and not each.edits.undone)
    transcript = next(turns, None)
    if transcript is None:
        raise UsageError(
            f"There is nothing to undo: in session {session.name!r} Write and Edit have changed no file "
            "since the kernel started, or it is undone already."
        )
    if transcript.session_id and transcript.session_id != session.session_id:
        again = f"%claude_resume {transcript.session_id[:8]}"
        raise UsageError(
            "What there is to undo belongs to another conversation. "
            f"Go on with that first: {again}{'' if session.name == 'main' else f' -s {session.name}'}"
        )
    return transcript


def _plan(transcript: Transcript, known: Iterable[str]) -> _Plan:
    """Compares the files with what they were before and after the turn."""
    plan, rest = _Plan(), {os.path.realpath(path): path for path in known}
    for file in transcript.edits.files:
        content = content_of(file.path)
        now = None if content is None else text_of(content)
        is_known = rest.pop(os.path.realpath(file.path), None) is not None
        if not is_known and now == file.before:
            continue  # it is back already
        if not is_known:
            plan.unknown.append(file.path)
            continue
        plan.changes.append(FileChange(path=file.path, before=now, after=file.before))
        if not transcript.edits.is_as_seen(file.path, content):
            plan.changed_since.append(file.path)
    plan.changed_since += rest.values()
    return plan


def _is_back(change: FileChange) -> bool:
    content = content_of(change.path)
    return (None if content is None else text_of(content)) == change.after


def _head(transcript: Transcript, plan: _Plan) -> str:
    prompt = one_line(transcript.prompt, 60)
    if not plan.changes:
        return f"Of the turn {prompt!r} there is nothing to undo."
    counts = (
        f"{_names([each.path], transcript)} (+{each.additions} -{each.deletions})" for each in plan.changes
    )
    return f"Undoing the turn {prompt!r} changes {', '.join(counts)}"


def _notes(transcript: Transcript, plan: _Plan) -> list[str]:
    """What is not undone."""
    notes = []
    if plan.unknown:
        notes.append(f"Not undone, for a subagent wrote it: {_names(plan.unknown, transcript)}.")
    names = [call.name for call in transcript.tool_calls if not call.is_error]
    if not _CELLS.isdisjoint(names):
        notes.append("Not undone: cells. In the notebook Ctrl-Z takes a change back, z that of a whole cell.")
    if acts := Counter(filter(_acts, names)):
        from claude_magic.wording.tool import tool_name  # noqa: PLC0415  # load budget

        calls = (f"{tool_name(name)} ({count} call{'s' * (count > 1)})" for name, count in acts.items())
        notes.append(f"Not undone, whatever it did: {', '.join(calls)}.")
    return notes


def _acts(name: str) -> bool:
    return tool_called(name).kind is ToolKind.SHELL or (
        name.startswith("mcp__") and name not in _READERS | _CELLS
    )


def _names(paths: Iterable[str], transcript: Transcript) -> str:
    return ", ".join(show_invisibles(_short(path, transcript)) for path in paths)


def _short(path: str, transcript: Transcript) -> str:
    return path.removeprefix(f"{transcript.cwd.rstrip('/')}/")


def _again(session: Session, option: str) -> str:
    return f"%claude_undo {'' if session.name == 'main' else f'{session.name} '}{option}"
