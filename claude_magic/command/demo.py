"""`claude-magic demo`: a notebook, run on the real CLI with the offline model, told cell by cell.

The promise: no account is touched, for the kernel begins with the offline model and with a home, settings
and sessions of its own. The executed notebook and a page of HTML are left in the output folder, also when a
cell fails. Imports the packages that run notebooks, so it is imported when the command is given.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from claude_magic.claude_cli.locate import find_cli
from claude_magic.control_characters import strip_controls
from claude_magic.errors import ClaudeMagicError, UsageError

__all__ = ["DemoError", "demo"]

_CELL_TIMEOUT = 300  # seconds
_OWN_FOLDERS = ("HOME", "IPYTHONDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_INHERITED = ("JPY_SESSION_NAME", "JPY_PARENT_PID")  # another notebook's, if this runs inside Jupyter


class DemoError(ClaudeMagicError):
    """The notebook could not be run to its end."""


def demo(path: Path, output: Path) -> None:
    """Runs a notebook, tells on stdout what happens, and writes what came of it.

    Args:
        path: The notebook.
        output: Folder for the executed notebook and its page; created if need be.

    Raises:
        UsageError: The notebook is missing; the message says what to type.
        CLINotFoundError: There is no CLI to run it on.
        DemoError: A cell failed; the message says which, and why.
    """
    notebook, cli = _read(path), find_cli()
    _say(f"{path}, on {cli.path} with the offline model\n")
    with TemporaryDirectory(prefix="claude-magic-demo-", ignore_cleanup_errors=True) as folder:
        try:
            _execute(notebook, path.parent, _environment(Path(folder), cli.path))
        finally:
            _write(notebook, output, path.stem)


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        reason = f"The notebook {path} cannot be read: {error.strerror}."
        raise UsageError(f"{reason} Give its path: claude-magic demo NOTEBOOK") from None
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError):  # whatever JSON it may be
        raise UsageError(f"{path} is not a notebook.") from None


def _environment(folder: Path, cli: Path) -> dict[str, str]:
    """The kernel's variables: everything it could keep goes into `folder`."""
    own = {name: folder / name.lower() for name in _OWN_FOLDERS}
    for path in own.values():
        path.mkdir(mode=0o700)
    variables = {name: value for name, value in os.environ.items() if name not in _INHERITED}
    # The CLI is named, since another home may hide it.
    settings = {"CLAUDE_MAGIC_CLI": str(cli), "CLAUDE_MAGIC_OFFLINE": "1"}
    return variables | {name: str(path) for name, path in own.items()} | settings


def _execute(notebook: NotebookNode, folder: Path, env: dict[str, str]) -> None:
    teller = _Teller(notebook)
    client = NotebookClient(
        notebook,
        timeout=_CELL_TIMEOUT,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
        on_cell_start=teller.begin_cell,
        on_cell_executed=teller.end_cell,
    )
    try:
        client.execute(env=env)
    except CellExecutionError as error:
        reason = strip_controls(f"{error.ename}: {error.evalue}").partition("\n")[0]
        raise DemoError(f"Cell {teller.number} failed: {reason}") from None
    except CellTimeoutError:
        raise DemoError(f"Cell {teller.number} took more than {_CELL_TIMEOUT} s.") from None
    except DeadKernelError:
        raise DemoError(f"The kernel ended in cell {teller.number}.") from None


class _Teller:
    """Tells what a notebook asks and gets; an output that changes later, as in a background turn, once more.

    Args:
        notebook: The notebook that is being run.
    """

    def __init__(self, notebook: NotebookNode) -> None:
        self.number = 0
        self._notebook = notebook
        self._outputs: dict[int, str] = {}

    def begin_cell(self, cell: NotebookNode, cell_index: int) -> None:
        """A cell begins."""
        self.number = cell_index + 1
        text = strip_controls(cell.source)
        _say(_with_prompt(self.number, text) if cell.cell_type == "code" else text)

    def end_cell(self, cell_index: int, **_: object) -> None:
        """A cell has ended."""
        for index in range(cell_index + 1):
            text = "\n".join(_texts(self._notebook.cells[index]))
            if text != self._outputs.get(index, ""):
                self._outputs[index] = text
                _say(text if index == cell_index else f"[{index + 1}] now:\n{text}")


def _with_prompt(number: int, source: str) -> str:
    start = f"[{number}] "
    return start + source.replace("\n", "\n" + " " * len(start))


def _texts(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if output.output_type == "stream":
            text = output.text
        elif output.output_type == "error":
            text = f"{output.ename}: {output.evalue}"
        else:
            text = data.get("text/plain", "")
        if visible := strip_controls(text).strip("\n"):
            yield visible


def _write(notebook: NotebookNode, output: Path, name: str) -> None:
    result, page = output / f"{name}.ipynb", output / f"{name}.html"
    html, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": name}})
    try:
        output.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, result)
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}. Give another --output.") from None
    _say(f"{result}\n{page}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
