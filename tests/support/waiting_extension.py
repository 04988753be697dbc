"""An extension whose magic waits without any CLI, for tests of how a cell waits.

`%claude WORDS` yields to the loop and gives an `Answer`. One word makes it wait for something else: `hold`
(for `release()` or an interrupt), `sleep` (for good, and leaves interrupts to the foreground), `ticks` (for
the background task), `message` (for the kernel to get one more message), `ask` (for an answer to `input()`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.magic import no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from claude_magic.errors import UsageError
from claude_magic.foreground import Foreground, TurnInterrupted, asking, interruptible, is_nested

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

log: list[str] = []
"""How each turn was waited for, in order: "free" or "nested"."""
loops: list[asyncio.AbstractEventLoop] = []
"""The loop that each turn ran on, in order."""
ticks = 0
"""How often the background task has run."""

_foreground: Foreground | None = None
_released = asyncio.Event()
_ticker: asyncio.Task[None] | None = None


@dataclass
class Answer:
    """What the magic gives."""

    text: str


async def _turn(line: str, cell: str | None = None) -> Answer:
    """Wait in one way or another."""
    log.append("nested" if is_nested() else "free")
    loops.append(asyncio.get_running_loop())
    if cell is not None and not cell.strip():
        raise UsageError("The cell is empty.")
    words = line.strip()
    match words:
        case "hold":
            await _hold()
        case "sleep":
            print("sleeping", flush=True)  # tests wait for it
            await asyncio.get_running_loop().create_future()
        case "ticks":
            await _see_ticks()
        case "message":
            await _see_message()
        case "ask":
            words = _ask()
        case _:
            await asyncio.sleep(0)
    return Answer(words if cell is None else cell)


claude = no_var_expand(
    magic_arguments("claude")(argument("words", nargs="*", help="What to wait for.")(_turn))
)


def release() -> None:
    """Ends the turn that holds."""
    _released.set()


def start_ticking() -> None:
    """Begins a background task that counts as long as the loop is free."""
    global _ticker  # noqa: PLW0603  # one for each process
    stop_ticking()
    _ticker = asyncio.ensure_future(_tick())


def stop_ticking() -> None:
    """Ends the background task."""
    if _ticker is not None:
        _ticker.cancel()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Registers the magic."""
    global _foreground  # noqa: PLW0603  # one for each process
    unload_ipython_extension(shell)
    _foreground = Foreground(shell)
    _foreground.install()
    _foreground.install()
    _foreground.register("claude", "line_cell", claude)


def unload_ipython_extension(_shell: InteractiveShell) -> None:
    """Takes everything back."""
    if _foreground is not None:
        _foreground.uninstall()


async def _hold() -> None:
    interrupts: list[str] = []

    def interrupt() -> None:
        interrupts.append("SIGINT")
        _released.set()

    _released.clear()
    with interruptible(interrupt, asyncio.get_running_loop()):
        print("holding", flush=True)  # tests wait for it
        await _released.wait()
    if interrupts:
        raise TurnInterrupted("Interrupted; the conversation goes on with the next prompt.")


def _ask() -> str:
    with asking():
        try:
            return input("Allow? ")
        except KeyboardInterrupt:
            return "not answered"


async def _tick() -> None:
    global ticks  # noqa: PLW0603  # one for each process
    while True:
        ticks += 1
        await asyncio.sleep(0)


async def _see_ticks() -> None:
    seen = ticks
    while ticks < seen + 10:  # noqa: ASYNC110  # it is the loop that is tried
        await asyncio.sleep(0)


async def _see_message() -> None:
    # A message that the kernel has received is a task, even if it cannot begin yet.
    before = asyncio.all_tasks()
    print("holding", flush=True)  # tests wait for it
    while not asyncio.all_tasks() - before:  # noqa: ASYNC110  # nobody tells of a task
        await asyncio.sleep(0)
