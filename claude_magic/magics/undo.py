"""`%claude_undo`: takes back what Claude's tools have changed in files and cells, turn by turn."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from claude_magic.control_characters import one_line, show_invisibles
from claude_magic.errors import UsageError
from claude_magic.magics.arguments import Word, flag, magic, sessions
from claude_magic.magics.output import say, show
from claude_magic.session.file_undo import FileUndo
from claude_magic.tools import CELL_TOOLS, ToolKind, tool_called
from claude_magic.views import changes_output

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.cells.undo import CellUndo
    from claude_magic.kernel.live_edits import LiveEdits
    from claude_magic.magics.cell import Cells
    from claude_magic.magics.place import TurnPlace
    from claude_magic.notebook.sessions import Sessions
    from claude_magic.result import FileChange
    from claude_magic.session import Session
    from claude_magic.transcript import Transcript

__all__ = ["UndoMagics"]

_READERS = {"mcp__kernel__list_variables", "mcp__kernel__inspect", "mcp__kernel__read_notebook"}


class _Undo(NamedTuple):
    """A turn, as it would be taken back."""

    files: FileUndo
    cells: CellUndo

    @property
    def changes(self) -> list[FileChange]:
        """What goes back."""
        return [*self.files.changes, *self.cells.changes]

    @property
    def changed_since(self) -> list[str]:
        """What somebody else has changed since."""
        return [*self.files.changed_since, *self.cells.changed_since]

    async def look(self) -> None:
        """Compares what there is with what was before and after."""
        await self.files.look()
        await self.cells.look()

    async def take_back(self) -> list[str]:
        """Does it; returns what is not as before."""
        return [*await self.files.take_back(), *await self.cells.take_back()]


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

    async def take_back(self, session: Session, transcript: Transcript) -> str:
        """Takes back one turn, as a click on its button wants it, and says what came of it.

        Raises:
            UsageError: There is nothing to undo, or a later turn goes first.
            ClaudeMagicError: It cannot be done now.
        """
        last = self._last_with_changes(session)
        if last is not transcript and transcript.edits.undone:
            raise UsageError("It is undone already.")
        if last is not transcript:
            raise UsageError(f"A later turn goes first: {one_line(last.prompt, 60)!r}.")
        undo = self._undo(session, transcript, self._cells.place_of(transcript) or self._cells.here(session))
        await undo.look()
        if undo.changed_since:
            names = _names(undo.changed_since, transcript)
            look = _again(session, "--dry-run")
            raise UsageError(f"Changed since by somebody else: {names}. To see it: {look}")
        return await self._outcome(undo, transcript)

    @magic(
        Word("name", sessions),
        flag("--dry-run", "Only show what would be undone."),
        flag("--yes", "Do not ask."),
        flag("--force", "Undo also what somebody else has changed since."),
        usage="[NAME] [--dry-run] [--yes] [--force]",
    )
    async def claude_undo(self, arguments: Namespace) -> None:
        """Take back what Claude changed in files and cells in a session's last turn that did.

        Once more takes back the turn before. What commands did, and what the kernel holds, stays.
        """
        session = self._sessions.find(arguments.name)
        transcript = self._last_with_changes(session)
        undo = self._undo(session, transcript, self._cells.here(session))
        await undo.look()
        self._show(transcript, undo)
        if arguments.dry_run:
            return
        if undo.changed_since and not arguments.force:
            names = _names(undo.changed_since, transcript)
            raise UsageError(
                f"Changed since by somebody else: {names}. Nothing was undone. "
                f"To lose these changes too: {_again(session, '--force')}"
            )
        if undo.changes and not self._may_go_on(session, yes=arguments.yes):
            say("Nothing was undone.")
            return
        said = await self._outcome(undo, transcript)
        if undo.changes:  # else it has been said above that there are none
            say(said)

    def _undo(self, session: Session, transcript: Transcript, place: TurnPlace) -> _Undo:
        from claude_magic.kernel.cells.undo import CellUndo  # noqa: PLC0415  # load budget

        cells = CellUndo(place, self._cells.changes(transcript))
        return _Undo(FileUndo(session, transcript), cells)

    def _last_with_changes(self, session: Session) -> Transcript:
        """The last turn that has changed files or cells which were not yet taken back.

        Raises:
            UsageError: There is none, or it belongs to another conversation.
        """
        turns = (each for each in reversed(session.history) if not each.edits.undone)
        transcript = next((each for each in turns if each.edits.files or self._cells.changes(each)), None)
        if transcript is None:
            raise UsageError(
                f"There is nothing to undo: in session {session.name!r} Claude has changed no file by Write "
                "or Edit and no cell since the kernel started, or it is undone already."
            )
        is_elsewhere = transcript.session_id and transcript.session_id != session.session_id
        if transcript.edits.files and is_elsewhere:
            again = f"%claude_resume {transcript.session_id[:8]}"
            raise UsageError(
                "What there is to undo belongs to another conversation. "
                f"Go on with that first: {again}{'' if session.name == 'main' else f' -s {session.name}'}"
            )
        return transcript

    def _show(self, transcript: Transcript, undo: _Undo) -> None:
        notes = [*undo.cells.notes, *_notes(transcript, proposed=not self._cells.changes(transcript))]
        changes = [replace(each, path=_short(each.path, transcript)) for each in undo.changes]
        show(self._shell, changes_output(_head(transcript, changes), changes, notes))

    def _may_go_on(self, session: Session, *, yes: bool) -> bool:
        answer = True if yes else self._cells.confirm("Undo it? [y]es, [n]o: ")
        if answer is None:
            raise UsageError(f"Nobody can be asked here. To undo it: {_again(session, '--yes')}")
        return answer

    async def _outcome(self, undo: _Undo, transcript: Transcript) -> str:
        """Does it, and says what has come of it; modules of this kernel are loaded anew."""
        left = await undo.take_back() if undo.changes else []
        transcript.edits.undone = True
        if not undo.changes:
            return "Nothing was left to undo."
        done = [each.path for each in undo.changes if each.path not in left]
        lines = [f"Undone: {_names(done, transcript)}."] if done else []
        lines += [f"Not undone: {_names(left, transcript)}."] if left else []
        files = [each.path for each in undo.files.changes if each.path in done]
        notes = [await self._edits.load(Path(path)) for path in files]
        return " ".join([*lines, *(f"{note[:1].upper()}{note[1:]}." for note in notes if note)])


def _head(transcript: Transcript, changes: Sequence[FileChange]) -> str:
    prompt = one_line(transcript.prompt, 60)
    if not changes:
        return f"Of the turn {prompt!r} there is nothing to undo."
    counts = (f"{show_invisibles(each.path)} (+{each.additions} -{each.deletions})" for each in changes)
    return f"Undoing the turn {prompt!r} changes {', '.join(counts)}"


def _notes(transcript: Transcript, *, proposed: bool) -> list[str]:
    """What is not undone, for it was done by other means.

    Args:
        transcript: The turn.
        proposed: Its cells were only proposed.
    """
    notes = []
    names = [call.name for call in transcript.tool_calls if not call.is_error]
    if proposed and not CELL_TOOLS.isdisjoint(names):
        notes.append("Not undone: the cell that was proposed.")
    if acts := Counter(filter(_acts, names)):
        from claude_magic.wording.tool import tool_name  # noqa: PLC0415  # load budget

        calls = (f"{tool_name(name)} ({count} call{'s' * (count > 1)})" for name, count in acts.items())
        notes.append(f"Not undone, whatever it did: {', '.join(calls)}.")
    return notes


def _acts(name: str) -> bool:
    return tool_called(name).kind is ToolKind.SHELL or (
        name.startswith("mcp__") and name not in _READERS | CELL_TOOLS
    )


def _names(paths: Iterable[str], transcript: Transcript) -> str:
    return ", ".join(show_invisibles(_short(path, transcript)) for path in paths)


def _short(path: str, transcript: Transcript) -> str:
    return path.removeprefix(f"{transcript.cwd.rstrip('/')}/")


def _again(session: Session, option: str) -> str:
    return f"%claude_undo {'' if session.name == 'main' else f'{session.name} '}{option}"
