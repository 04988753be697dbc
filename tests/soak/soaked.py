"""A notebook under fire: faults strike it one after the other, and it has to go on after each.

The promise of `strike`: when it returns, the fault's cell has said what became of its turn, the session
answers again in the same conversation, and what was ended is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evidence import marked, until_none
from half_line import INIT, TEXT, TEXT_BEFORE
from kernel_client import Cell
from plan import Fault, Kind, Moment
from working import OVER, PATIENCE, Working, error_of, shown_in

__all__ = ["Soaked", "Struck"]


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that struck.

    Args:
        fault: Which.
        evidence: What the turn had come to by then.
        fate: What the cell says of it.
        recovered: Seconds until the session had answered again.
    """

    fault: Fault
    evidence: str
    fate: str
    recovered: float

    def __str__(self) -> str:
        return f"{self.fault} | {self.evidence} | {self.fate} | well after {self.recovered:.1f} s"


class Soaked(Working):
    """A notebook in which faults can be made to happen."""

    def strike(self, fault: Fault) -> Struck:
        """Has a fault happen, and sees that the notebook goes on."""
        strike: dict[Kind, Callable[[Fault], tuple[str, str, float]]] = {
            Kind.CLI_KILLED: self._cli_killed,
            Kind.INTERRUPT: self._interrupted,
            Kind.KERNEL_KILLED: self._kernel_killed,
            Kind.STALL: self._stalled,
            Kind.HALF_LINE: self._half_line,
            Kind.API_ERROR: self._api_error,
            Kind.STOP: self._stopped,
            Kind.RESTART: self._stopped,
        }
        if fault.session not in self.ids:
            self.probe(fault.session)
        evidence, fate, began = strike[fault.kind](fault)
        if fate != "done":
            self.probe(fault.session)
        return Struck(fault, evidence, fate, time.monotonic() - began)

    # What can happen

    def _cli_killed(self, fault: Fault) -> tuple[str, str, float]:
        self._wake(fault.session)
        if fault.moment is Moment.IDLE:
            return "idle", "no turn", self._kill_cli(fault.session)
        word, cell = self._start(fault, "probe" if fault.moment is Moment.EARLY else "")
        evidence = self._evidence(fault, cell, word)
        began = self._kill_cli(fault.session)
        self.kernel.wait(cell.id, PATIENCE)
        if fault.moment is Moment.EARLY and "ended while starting" in shown_in(cell):
            return evidence, self.fate(cell), began  # FAULTS 5: such a turn ends at once, with the reason
        return evidence, self._recovered(fault, cell, word), began

    def _interrupted(self, fault: Fault) -> tuple[str, str, float]:
        if fault.moment is Moment.IDLE:
            began = time.monotonic()
            self.kernel.interrupt()
            return "idle", "no turn", began
        word, cell = self._start(fault, "probe" if fault.moment is Moment.EARLY else "")
        evidence = self._evidence(fault, cell, word)
        began = time.monotonic()
        self.kernel.interrupt()
        self.kernel.wait(cell.id, PATIENCE)
        # An interrupt may be early enough to be IPython's, or too early to be anybody's.
        early = {"done", "interrupted", "cancelled", "KeyboardInterrupt", "CancelledError"}
        fate = self._expect(fault, cell, word, {"interrupted"} if fault.moment.is_mid_turn else early)
        assert not fault.moment.is_mid_turn or "Interrupted" in error_of(cell), error_of(cell)
        return evidence, fate, began

    def _kernel_killed(self, fault: Fault) -> tuple[str, str, float]:
        cell: Cell | None = None
        evidence = "idle"
        if fault.moment is not Moment.IDLE:
            flags = "-b" if fault.chance.random() < 0.5 else ""
            word, cell = self._start(fault, "probe" if fault.moment is Moment.EARLY else "", flags)
            evidence = self._evidence(fault, cell, word)
        began = time.monotonic()
        os.kill(self.kernel.pid, signal.SIGKILL)
        gone = until_none(lambda: marked(self.mark), self.bound)
        fate = "no turn"
        if cell is not None:
            self.kernel.wait_for(lambda: time.monotonic() > began + gone + 0.2)  # its last messages
            early = {"done", "nothing", "queued"} if fault.moment is Moment.EARLY else set()
            fate = self._expect(fault, cell, word, {"running", "starting"} | early)
        self.kernel.revive()
        self._begin()
        return f"{evidence}; nothing left after {gone:.2f} s", f"says {fate!r}", began

    def _stalled(self, fault: Fault) -> tuple[str, str, float]:
        early = fault.moment is Moment.EARLY
        way = fault.chance.choice(["interrupt", "--turn", "--timeout"] if early else ["interrupt", "--turn"])
        flags = {"--turn": "-b", "--timeout": "--timeout 1"}.get(way, "")
        by_itself = way == "--timeout"
        word, cell = self._start(fault, "stall at once" if early else "stall", flags)
        evidence = "nothing comes" if by_itself else self._evidence(fault, cell, word, recorded=True)
        began = time.monotonic()
        if way == "interrupt":
            self.kernel.interrupt()
        elif way == "--turn":
            self.kernel.do(f"%claude_stop {fault.session} --turn")
            self.kernel.do("%claude_wait")
        self.kernel.wait(cell.id, PATIENCE)
        return f"{evidence}; ended by {way}", self._expect(fault, cell, word, {"interrupted"}), began

    def _half_line(self, fault: Fault) -> tuple[str, str, float]:
        cut = self._cuts[fault.session]
        cut.write_text(INIT if fault.moment is Moment.EARLY else TEXT)
        began = time.monotonic()
        word, cell = self._start(fault, "words", cli=self._broken[fault.session])
        self.kernel.wait(cell.id, PATIENCE)
        assert not cut.exists(), shown_in(cell)
        where = "in the turn's first line" if fault.moment is Moment.EARLY else f"after {TEXT_BEFORE!r}"
        return f"cut {where}", self._recovered(fault, cell, word), began

    def _api_error(self, fault: Fault) -> tuple[str, str, float]:
        status = fault.chance.choice([529, 500, 400, 401])
        early = fault.moment is Moment.EARLY
        began = time.monotonic()
        word, cell = self._start(fault, f"error {status}" if early else f"act and error {status}")
        self.kernel.wait(cell.id, PATIENCE)
        fate = self._expect(fault, cell, word, {"done"} if status >= 500 else {"failed"})
        if fate == "failed":
            said = {400: "API Error: 400 Scripted error.", 401: "did not accept the login (HTTP 401)"}[status]
            assert said in shown_in(cell), shown_in(cell)
        acted = not early and word in (self.work / "acts.txt").read_text().split()
        assert acted or early, shown_in(cell)
        return f"HTTP {status} {'after the tool acted' if acted else 'at first'}", fate, began

    def _stopped(self, fault: Fault) -> tuple[str, str, float]:
        magic = "claude_stop" if fault.kind is Kind.STOP else "claude_restart"
        line = f"{self._config(self._clis[fault.session])}\n%{magic} {fault.session}"
        if fault.moment is Moment.IDLE:
            self._wake(fault.session)
            began = time.monotonic()
            self.kernel.do(line)
            return "idle", "no turn", began
        word, cell = self._start(fault, "probe" if fault.moment is Moment.EARLY else "", "-b")
        evidence = self._evidence(fault, cell, word)
        began = time.monotonic()
        self.kernel.do(line)
        self.kernel.do("%claude_wait")
        early = {"done", "interrupted", "cancelled"}
        fate = self._expect(fault, cell, word, {"interrupted"} if fault.moment.is_mid_turn else early)
        return evidence, fate, began

    # Helpers

    def _start(self, fault: Fault, what: str, flags: str = "", cli: Path | None = None) -> tuple[str, Cell]:
        """Starts the turn that the fault is going to strike; one that does not end by itself if need be."""
        word = f"{self.name}w{fault.number}"
        what = what or ("tool" if fault.moment is Moment.TOOL else "text")
        self.certain[fault.session][word] = False
        code = self._ask(fault.session, word, what, flags, cli)
        return word, self.kernel.cells[self.kernel.start(code, allow_stdin=fault.chance.random() < 0.5)]

    def _evidence(self, fault: Fault, cell: Cell, word: str, *, recorded: bool = False) -> str:
        """Waits until the turn is as far as the plan wants it; what shows that it is."""

        def there() -> bool:
            assert self.fate(cell) not in OVER, shown_in(cell)
            if fault.moment is Moment.TOOL and not (self.work / word).exists():
                return False
            return "text" in self.heard.of(word) or not fault.moment.is_mid_turn

        if not (fault.moment.is_mid_turn or recorded):
            return self._pause(fault, 0.15)
        self.kernel.wait_for(there, PATIENCE)
        self.acknowledge(fault.session, word)
        self._pause(fault, 0.5)
        assert self.fate(cell) not in OVER, shown_in(cell)
        tool = ["its tool runs"] if fault.moment is Moment.TOOL else []
        return ", ".join(["recorded", *(f"heard {what}" for what in self.heard.of(word)), *tool])

    def _pause(self, fault: Fault, longest: float) -> str:
        seconds = fault.chance.random() * longest
        until = time.monotonic() + seconds
        self.kernel.wait_for(lambda: time.monotonic() > until)
        return f"{seconds:.2f} s after it was sent"

    def _expect(self, fault: Fault, cell: Cell, word: str, fates: set[str]) -> str:
        """What became of the turn must be one of these; an answered prompt is in the conversation."""
        if fates & OVER:
            with contextlib.suppress(TimeoutError):  # what it says instead is told below
                self.kernel.wait_for(lambda: self.fate(cell) in fates | OVER, 10)
        fate = self.fate(cell)
        assert fate in fates, f"{fault}: the cell says {fate!r}, not {fates}:\n{shown_in(cell)}"
        # A CLI that is killed as it has answered may not have written that down: up to 0.1 s later it does.
        if fate in {"done", "failed"} and (fault.kind, fault.moment) != (Kind.CLI_KILLED, Moment.EARLY):
            self.acknowledge(fault.session, word)
        return fate

    def _recovered(self, fault: Fault, cell: Cell, word: str) -> str:
        """A turn whose process ended goes on in another, and keeps what was there before."""
        fate = self._expect(fault, cell, word, {"done"})
        text = str(self.kernel.value("r.text"))
        assert text.endswith("is here."), (word, text)
        if fault.moment.is_mid_turn:
            assert "try 1 of 3" in shown_in(cell), shown_in(cell)
            assert text.startswith(f"{word} begins."), (word, text)
        if fault.kind is Kind.HALF_LINE and fault.moment is Moment.TEXT:
            assert TEXT_BEFORE in text, (word, text)
        return fate
