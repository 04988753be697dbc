"""A turn in the cell that asked for it: its view, its questions, its end.

Each turn's displays are made in its own cell, by the code of that cell, and only updated afterwards; so a
background turn, or one that waited in the queue, never writes under another cell.
"""

from __future__ import annotations

import asyncio
import builtins
import getpass
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from IPython.core.interactiveshell import InteractiveShell

from claude_magic.errors import CancelledTurnError
from claude_magic.foreground import TurnInterrupted, asking, interruptible, is_nested
from claude_magic.magics.answer_code import CodeTo, put_code
from claude_magic.magics.controls import TakeBack, TurnControls
from claude_magic.magics.input_asker import InputAsker, PromptInput
from claude_magic.magics.output import say
from claude_magic.magics.place import TurnPlace
from claude_magic.notebook.settings import Settings
from claude_magic.permissions import Asker, Decision, PermissionRequest, deny_unattended
from claude_magic.result import Result
from claude_magic.session import Session
from claude_magic.session.turn import Turn, answering
from claude_magic.views import View, ask_page, conversation_in_page, live_view, static_view, terminal_view

if TYPE_CHECKING:
    from claude_magic.kernel.cells.page import CellChange
    from claude_magic.transcript import Transcript

__all__ = ["CellAsker", "Cells", "TurnCell"]

_FAILED = "The turn failed; the reason is above."
_STOPPED = "The turn was stopped; the reason is above."
_STILL_RUNS = (
    "The turn that this cell began before still runs in the background; %claude_history will have its answer."
)
_WAIT_OVER = "Interrupted. The background turns go on; %claude_stop --turn ends one."
_WAIT_STOPPED = "Interrupted, and with it the background turns. Their sessions go on."


class TurnCell:
    """One turn and the view that shows it.

    Args:
        session: The session the turn belongs to.
        turn: The turn.
        view: Its view, already shown in the cell.
        out: Called with the Result.
        place: Where it stands among the notebook's cells.
        code_to: Where the answer's code goes.
    """

    def __init__(
        self,
        session: Session,
        turn: Turn,
        view: View,
        out: Callable[[Result], None],
        place: TurnPlace,
        *,
        code_to: CodeTo = "",
    ) -> None:
        self.session = session
        self.turn = turn
        self.view = view
        self.place = place
        self._out = out
        self._code_to = code_to
        self._follower = asyncio.ensure_future(self._follow())

    @property
    def done(self) -> bool:
        """The turn is over and shown."""
        return self._follower.done()

    async def wait(self) -> Result:
        """The Result, once it is shown. SIGINT meanwhile interrupts the turn, a second one kills the process.

        Raises:
            TurnInterrupted: The person interrupted it.
            ClaudeMagicError: It failed.
        """
        try:
            with interruptible(lambda: self.session.interrupt(self.turn), asyncio.get_running_loop()):
                result = await asyncio.shield(self._follower)
        except asyncio.CancelledError:  # somebody cancelled the cell
            self.session.interrupt(self.turn)
            raise
        if isinstance(self.turn.error, CancelledTurnError):
            raise TurnInterrupted(
                "Interrupted. The prompt was dropped before its turn; the running turn goes on."
            )
        if result.interrupted and not self.turn.stop_reason:
            raise TurnInterrupted("Interrupted. The session goes on; ask again when you like.")
        if self.turn.error is not None:
            self.turn.error.brief = _STOPPED if result.interrupted else _FAILED
            raise self.turn.error
        return result

    async def wait_until_shown(self) -> Result:
        """The Result, once it is shown; does not raise for a turn that failed."""
        return await asyncio.shield(self._follower)

    async def _follow(self) -> Result:
        await self.view.follow()
        result = await self.turn.wait()
        self._out(result)
        if self._code_to and (line := await put_code(result, self._code_to, self.place)):
            say(line)
        return result


class CellAsker:
    """Puts a turn's requests before the person in the cell that asked for it.

    Args:
        ask: What `input()` reaches, until a view has buttons for the answers.
        background: The cell does not wait for the turn.
    """

    def __init__(self, ask: Asker, *, background: bool) -> None:
        self.ask = ask
        self.background = background

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        """The person's decision."""
        return await self.ask(request)


class Cells:
    """The turns that this shell's cells asked for, and how each is shown.

    Args:
        shell: The shell.
        settings: The notebook's settings, for a mode that is chosen in a turn's header.
        take_back: Takes back what a turn has changed, for the button that does.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings, take_back: TakeBack) -> None:
        self._shell = shell
        self._settings = settings
        self._in_kernel = hasattr(shell, "kernel")
        self._background: list[TurnCell] = []
        self._places: WeakKeyDictionary[Transcript, TurnPlace] = WeakKeyDictionary()
        self._take_back = take_back
        self._shares_loop = False

    def of(self, session: Session) -> list[Turn]:
        """A session's background turns that nobody has waited for yet."""
        return [cell.turn for cell in self._background if cell.session is session]

    def place(self) -> TurnPlace:
        """Where the turn stands whose tool call this code answers; a task stands in no cell."""
        turns = answering.get()
        place = self._places.get(turns[-1].transcript) if turns else None
        return place or TurnPlace(self._shell, turns[-1].transcript.session if turns else "")

    def here(self, session: Session) -> TurnPlace:
        """Where the cell that runs stands, for what a session does in it."""
        return self._place(session.name, background=False)

    def place_of(self, transcript: Transcript) -> TurnPlace | None:
        """Where a turn stands; None if that is in no cell."""
        return self._places.get(transcript)

    def changes(self, transcript: Transcript) -> list[CellChange]:
        """What a turn has changed in the notebook's cells, in order."""
        place = self._places.get(transcript)
        return place.changes if place is not None else []

    def asker(self, *, background: bool) -> CellAsker:
        """Who answers the permission requests of a turn that the current cell asks for."""
        if background or not self._answers_input():
            return CellAsker(deny_unattended, background=background)
        if self._in_kernel and not self._is_in_page():
            prompt = PromptInput(builtins.input)
            return CellAsker(InputAsker(prompt.read, prompt.show), background=background)
        return CellAsker(InputAsker(builtins.input, print), background=background)

    @property
    def is_attended(self) -> bool:
        """Somebody can answer a question that the current cell asks."""
        return self._answers_input()

    def confirm(self, question: str) -> bool | None:
        """Asks for a yes by `input()`; None where nobody can answer."""
        answer = self.read(question)
        return None if answer is None else answer.lower() in {"y", "yes"}

    def read(self, question: str, *, secret: bool = False) -> str | None:
        """A line of the person's, "" if they interrupt; None where nobody can answer.

        Args:
            question: What stands before it.
            secret: What is typed is not shown, and in no notebook.
        """
        if not self._answers_input():
            return None
        try:
            with asking():
                return (getpass.getpass if secret else builtins.input)(question).strip()
        except KeyboardInterrupt:
            return ""
        except (EOFError, RuntimeError):  # the front end answers no input
            return None

    def show(
        self,
        session: Session,
        turn: Turn,
        asker: CellAsker,
        out: Callable[[Result], None],
        *,
        code_to: CodeTo = "",
    ) -> TurnCell:
        """Makes the turn's displays in the current cell."""
        place = self._places[turn.transcript] = self._place(session.name, background=asker.background)
        is_here = (cell for cell in self._background if cell.place.cell_id == place.cell_id)
        if place.cell_id and any(not cell.done for cell in is_here):
            turn.transcript.notice(_STILL_RUNS)
        view = self._view(session, turn, asker)
        view.start()
        cell = TurnCell(session, turn, view, out, place, code_to=code_to)
        if asker.background:
            self._background.append(cell)
            self._share_loop()
        return cell

    async def wait(self, session: Session | None, *, stop: bool = False) -> list[TurnCell]:
        """Waits for background turns, of one session or of all; returns those that are done.

        Where the front end drops what comes after a cell's end (nbclient, papermill), their outputs are
        published once more from here.

        Args:
            session: Whose turns; None for everybody's.
            stop: SIGINT interrupts the turns, and they are waited for all the same.

        Raises:
            TurnInterrupted: The person interrupted the wait. The turns go on, unless they were to stop.
            StateError: A tool of one of the turns waits.
        """
        cells = [cell for cell in self._background if session is None or cell.session is session]
        for cell in cells:
            cell.session.refuse_from_within()
        waiting = asyncio.ensure_future(self._wait_until_shown(cells))
        interrupts: list[bool] = []

        def interrupt() -> None:
            if stop:
                interrupts.extend(cell.session.interrupt(cell.turn) for cell in cells)
            else:
                interrupts.append(waiting.cancel())

        try:
            with interruptible(interrupt, asyncio.get_running_loop()):
                await waiting
        except asyncio.CancelledError:
            waiting.cancel()
            if not interrupts:  # somebody cancelled the cell
                raise
        if interrupts:
            raise TurnInterrupted(_WAIT_STOPPED if stop else _WAIT_OVER)
        return cells

    async def _wait_until_shown(self, cells: list[TurnCell]) -> None:
        for cell in cells:
            await cell.wait_until_shown()
            cell.view.publish_again()
            cell.place.release()
            self._background = [other for other in self._background if other is not cell]

    async def conversation_in_page(self, session: str) -> str | None:
        """The conversation that a session's answers in the page name, if this cell's page can tell."""
        if not (self._cell_id() and self._answers_input() and self._hears()):
            return None
        return await conversation_in_page(session)

    def _place(self, session: str, *, background: bool) -> TurnPlace:
        hears = self._is_in_page() and self._answers_input() and (background or self._hears())
        return TurnPlace(
            self._shell,
            session,
            cell_id=self._cell_id(),
            source=self._cell_source(),
            ask=ask_page if self._in_kernel and hears else None,
            holds=background,
        )

    def close(self) -> None:
        """Gives the terminal's prompt its own loop back."""
        if self._shares_loop:
            self._shell.enable_gui(None)
            self._shares_loop = False

    def _answers_input(self) -> bool:
        if not self._in_kernel:
            return True
        return bool(getattr(self._shell.kernel, "_allow_stdin", False))

    def _cell_id(self) -> str:
        """The cell that executes, if the front end tells: JupyterLab and VS Code do."""
        if not self._in_kernel:
            return ""
        metadata = self._shell.kernel.get_parent("shell").get("metadata", {})
        return str(metadata.get("cellId") or "")

    def _cell_source(self) -> str:
        """What the cell that executes holds, as its front end sent it."""
        content = self._shell.kernel.get_parent("shell").get("content", {}) if self._in_kernel else {}
        return str(content.get("code") or "")

    def _is_in_page(self) -> bool:
        """Whether the cell surely stands in a page, which follows updates; Colab does not name the cell."""
        return bool(self._cell_id()) or "google.colab" in sys.modules

    def _hears(self) -> bool:
        """Whether the page's messages arrive while the cell runs."""
        return _hears_while_awaited() and not is_nested()

    def _view(self, session: Session, turn: Turn, asker: CellAsker) -> View:
        if not self._in_kernel:
            return terminal_view(turn.transcript, background=asker.background, announce=self._announce)
        if not self._answers_input():  # nobody is there, and a saved widget would only say that it is dead
            return static_view(turn.transcript)
        controls = TurnControls(session, turn, self._settings, self._take_back)
        hears = asker.background or self._hears()
        view = live_view(
            turn.transcript,
            controls,
            asker.ask,
            hears=hears,
            waits=asker.background,
            in_page=self._is_in_page(),
            notify=self._settings.notify,
        )
        asker.ask = view
        return view

    def _share_loop(self) -> None:
        """In a terminal: has prompt_toolkit wait on our loop, so that background turns go on."""
        if self._in_kernel or self._shares_loop:
            return
        if getattr(self._shell, "simple_prompt", True) or self._shell.active_eventloop not in {
            None,
            "asyncio",
        }:
            _say("Background turns go on only while a cell runs here; %claude_wait waits for them.")
        elif self._shell.active_eventloop is None:
            self._shell.enable_gui("asyncio")
            self._shares_loop = True

    def _announce(self, line: str) -> None:
        """Prints a line above the prompt that may be being typed."""
        app = getattr(getattr(self._shell, "pt_app", None), "app", None)
        if app is not None and app.is_running:
            from prompt_toolkit.application import run_in_terminal  # noqa: PLC0415  # comes with IPython

            run_in_terminal(partial(_say, line))
        else:
            _say(line)


def _say(line: str) -> None:
    print(line)  # noqa: T201  # the terminal


def _hears_while_awaited() -> bool:
    """From 7.4 on ipykernel handles widget messages while a cell is awaited."""
    from ipykernel import version_info  # noqa: PLC0415  # only in a kernel

    return tuple(version_info[:2]) >= (7, 4)
