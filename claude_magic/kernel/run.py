"""Claude's code in the notebook's namespace, as a cell would run it, and what comes of it.

Neither the history nor `_` changes, and what other tasks print meanwhile goes where it went before. An
interrupt ends the code where it is: in a loop, in C code that looks for signals, in an await.
"""

from __future__ import annotations

import ast
import inspect
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from claude_magic.kernel.outputs import Outputs, collecting

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["run_code"]

_FRAMES = 5  # of a traceback


async def run_code(shell: InteractiveShell, code: str, on_text: Callable[[str], object]) -> Outputs:
    """Runs code on the main thread; until it ends or awaits, nothing else runs there.

    Args:
        shell: Whose namespace it changes.
        code: A cell's text; magics and top-level `await` are welcome.
        on_text: Called with what it prints, as it comes.

    Returns:
        What it printed and showed, and its exception if it has raised one.
    """
    outputs = Outputs(on_text)
    try:
        name, body, last = _compiled(shell, code)
    except (SyntaxError, ValueError, OverflowError) as error:
        outputs.failed("".join(traceback.format_exception_only(error)))
        return outputs
    with collecting(shell, outputs), _interrupting(name):
        try:
            await _value(body, shell.user_ns)
            if last is not None:
                outputs.result(shell, await _value(last, shell.user_ns))
        except KeyboardInterrupt:
            outputs.failed("KeyboardInterrupt: interrupted by the user")
        except (Exception, SystemExit) as error:  # noqa: BLE001  # none of it must end the kernel
            outputs.failed(_short_traceback(error, name))
    return outputs


def _compiled(shell: InteractiveShell, code: str) -> tuple[str, CodeType, CodeType | None]:
    """The name by which tracebacks find the code, what is to be executed, and the expression at its end."""
    source = shell.transform_cell(code)
    tree = ast.parse(source)
    name: str = shell.compile.cache(source, 0, raw_code=code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    expression = ast.Expression(last.value) if isinstance(last, ast.Expr) and not _is_silent(code) else None
    if last is not None and expression is None:
        tree.body.append(last)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    body = compile(tree, name, "exec", flags)
    return name, body, None if expression is None else compile(expression, name, "eval", flags)


def _is_silent(code: str) -> bool:
    """A semicolon at the end keeps a cell's value from being shown."""
    return code.rstrip().endswith(";")


async def _value(code: CodeType, namespace: dict[str, Any]) -> Any:
    value = eval(code, namespace)  # noqa: S307  # a person has allowed it
    return await value if code.co_flags & inspect.CO_COROUTINE else value


@contextmanager
def _interrupting(name: str) -> Iterator[None]:
    """Has SIGINT raise KeyboardInterrupt where the code runs; elsewhere it means what it meant before.

    Raised in the loop itself, or in another task, it would end the kernel.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code.co_filename == name:
                raise KeyboardInterrupt
            frame = frame.f_back
        if callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)


def _short_traceback(error: BaseException, name: str) -> str:
    """From the code's own lines on, the last few frames."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    own = [place for place, frame in enumerate(told.stack) if frame.filename == name]
    del told.stack[: own[0] if own else 0]
    if len(told.stack) > _FRAMES:
        del told.stack[1 : 1 - _FRAMES]
    return "".join(told.format(chain=False))
