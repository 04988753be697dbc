"""Claude's code in the notebook's namespace, as a cell would run it, and what comes of it.

Neither the history nor `_` changes, and what other tasks print meanwhile goes where it went before. An
interrupt ends the code where it is, in a loop or in C code that looks for signals; where the code awaits, an
interrupt means what it means without it.
"""

from __future__ import annotations

import ast
import inspect
import signal
import threading
import traceback
import types
from asyncio.events import Handle
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from claude_magic.kernel.execution.outputs import Outputs, collecting
from claude_magic.kernel.execution.progress import Progress
from claude_magic.kernel.execution.tracebacks import TOOL_CELL, short_traceback

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["run_code", "running"]


async def run_code(shell: InteractiveShell, code: str, tell: Callable[[str], object]) -> Outputs:
    """Runs code on the main thread; until it ends or awaits, nothing else runs there.

    Args:
        shell: Whose namespace it changes.
        code: A cell's text; magics and top-level `await` are welcome.
        tell: Takes what it prints, as it comes.

    Returns:
        What it printed and showed, and its exception if it has raised one.
    """
    outputs = Outputs()
    try:
        body, last = _compiled(shell, code)
    except (SyntaxError, ValueError, OverflowError) as error:
        outputs.fail("".join(traceback.format_exception_only(error)))
        return outputs

    async def run() -> None:
        await _value(body, shell.user_ns)
        if last is not None:
            outputs.result(shell, await _value(last, shell.user_ns))

    await running(shell, run(), outputs, tell)
    return outputs


async def running(
    shell: InteractiveShell | None,
    work: Coroutine[Any, Any, None],
    outputs: Outputs,
    tell: Callable[[str], object],
) -> None:
    """Runs code as a cell's, and notes in `outputs` how it ends.

    Args:
        shell: Where it displays, if there is one.
        work: The code.
        outputs: Takes what it prints and displays.
        tell: Takes what it prints, as it comes.
    """
    progress = Progress(tell)
    with collecting(shell, outputs, progress.write), progress.telling(), _interrupting(progress):
        try:
            await _in_steps(work, progress)
        except KeyboardInterrupt:
            outputs.interrupted = True
            outputs.fail("KeyboardInterrupt: the user interrupted it.")
        except (Exception, SystemExit) as error:  # noqa: BLE001  # none of it must end the kernel
            outputs.fail(short_traceback(error, shell))


def _compiled(shell: InteractiveShell, code: str) -> tuple[CodeType, CodeType | None]:
    """What is to be executed, and the expression at its end, whose value is shown."""
    source = shell.transform_cell(code)
    tree = ast.parse(source)
    name = shell.compile.cache(source, TOOL_CELL, raw_code=code)
    last = tree.body[-1] if tree.body and not code.rstrip().endswith(";") else None  # which keeps it silent
    value = tree.body.pop() and ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    body = compile(tree, name, "exec", flags)
    return body, None if value is None else compile(value, name, "eval", flags)


async def _value(code: CodeType, namespace: dict[str, Any]) -> Any:
    value = eval(code, namespace)  # noqa: S307  # a person has allowed it
    return await value if code.co_flags & inspect.CO_COROUTINE else value


@types.coroutine
def _in_steps(work: Coroutine[Any, Any, None], progress: Progress) -> Generator[Any, Any, None]:
    """Awaits `work`, and tells `progress` when its code has the main thread: between two awaits."""
    step: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        with progress.blocking():
            try:
                awaited = step(value)
            except StopIteration:
                return
        try:
            step, value = work.send, (yield awaited)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the code's
            step, value = work.throw, error


@contextmanager
def _interrupting(progress: Progress) -> Iterator[None]:
    """Has SIGINT raise KeyboardInterrupt where the code has the main thread, else mean what it meant before.

    Raised in the loop itself, or in another task, it would end the kernel.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if progress.blocked and not _in_callback(frame):
            raise KeyboardInterrupt
        if callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)


def _in_callback(frame: FrameType | None) -> bool:
    """Whether a loop that the code has nested runs somebody's callback just now."""
    while frame is not None and frame.f_code is not _in_steps.__code__:
        if frame.f_code is Handle._run.__code__:  # noqa: SLF001  # there is no other way to see it
            return True
        frame = frame.f_back
    return False
