"""The command `claude-magic`: what a person types in a terminal, outside any notebook.

    claude-magic demo [NOTEBOOK]    run a notebook on the real CLI with the offline model, cell by cell
    claude-magic doctor             what is installed, what is missing, and what to type next

Nothing of Jupyter is imported before `demo` needs it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from claude_magic import offline
from claude_magic.claude_cli.locate import find_cli, version_warning
from claude_magic.control_characters import one_line
from claude_magic.errors import ClaudeMagicError, UsageError
from claude_magic.processes.manager import default_manager

__all__ = ["main"]

_QUICKSTART = "01-quickstart"
_OUTPUT = Path("build/demo")
_ANSWER_TIMEOUT = 10.0  # seconds that a program may take to say its version or address
_FULL_KERNEL = (7, 4)  # the first ipykernel whose buttons answer while a cell waits


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    text: str
    word: Literal["ok", "note", "problem"] = "ok"

    def __str__(self) -> str:
        return f"{self.word:<8} {self.name:<10} {one_line(self.text)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: The arguments; those of the command line if None.

    Returns:
        The exit code: 0, or 1 if the notebook failed or something is missing.
    """
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except ClaudeMagicError as error:
        sys.stderr.write(f"claude-magic: {error}\n")
        return 1
    return code


def _parser() -> ArgumentParser:
    parser = ArgumentParser("claude-magic", description="Claude Code sessions in notebooks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="run a notebook with the offline model and show what happens")
    names = ", ".join(_bundled_notebooks())
    demo.add_argument(
        "notebook", nargs="?", default=_QUICKSTART, help=f"{names}, or a path; default: {_QUICKSTART}"
    )
    demo.add_argument("--output", type=Path, default=_OUTPUT, metavar="DIR", help=f"default: {_OUTPUT}")
    demo.set_defaults(run=_demo)
    doctor = commands.add_parser("doctor", help="what is installed, and what to type next")
    doctor.set_defaults(run=_doctor)
    return parser


def _demo(options: Namespace) -> int:
    try:
        from claude_magic.command.demo import demo  # noqa: PLC0415  # its packages belong to an extra
    except ImportError as error:
        raise UsageError(f'The demo needs {error.name}. Type: pip install "claude-magic[lab]"') from None
    with as_file(_notebook(options.notebook)) as path:
        demo(path, options.output)
    return 0


def _notebook(name: str) -> Traversable:
    """The notebook at a path, or one that comes along, by name or number: `live-kernel`, `03`."""
    if (path := Path(name)).exists():
        return path
    bundled = _bundled_notebooks()
    for stem, notebook in bundled.items():
        if name.removesuffix(".ipynb") in {stem, *stem.split("-", 1)}:
            return notebook
    raise UsageError(
        f"There is no notebook {name}. Give a path, or one that comes along: {', '.join(bundled)}."
    )


def _bundled_notebooks() -> dict[str, Traversable]:
    """The notebooks that the wheel carries, by name; in a clone they are in `notebooks`."""
    carried = files("claude_magic") / "notebooks"
    folder = carried if carried.is_dir() else Path(__file__).parents[2] / "notebooks"
    notebooks = [each for each in folder.iterdir() if each.name.endswith(".ipynb")]
    return {each.name.removesuffix(".ipynb"): each for each in sorted(notebooks, key=lambda each: each.name)}


def _doctor(_: Namespace) -> int:
    findings = []
    for look in (_python, _ipython, _ipykernel, _cli, _offline):
        finding = look()
        sys.stdout.write(f"{finding}\n")
        findings.append(finding)
    return 1 if any(finding.word == "problem" for finding in findings) else 0


def _python() -> Finding:
    return Finding("Python", platform.python_version())


def _ipython() -> Finding:
    return Finding("IPython", importlib.metadata.version("ipython"))


def _ipykernel() -> Finding:
    try:
        version = importlib.metadata.version("ipykernel")
    except importlib.metadata.PackageNotFoundError:
        advice = "not installed; the IPython prompt needs none. For Jupyter, type: pip install ipykernel"
        return Finding("ipykernel", advice, "note")
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < _FULL_KERNEL:
        advice = "buttons cannot answer while a cell waits. Type: pip install -U 'ipykernel>=7.4'"
        return Finding("ipykernel", f"{version}; {advice}", "problem")
    return Finding("ipykernel", version)


def _cli() -> Finding:
    try:
        cli = find_cli()
        version = _first_output([str(cli.path), "-v"])
    except ClaudeMagicError as error:
        return Finding("claude", str(error), "problem")
    if warning := version_warning(version):
        return Finding("claude", warning, "problem")
    return Finding("claude", f"{version}, {cli.path} (from {cli.source})")


def _offline() -> Finding:
    try:
        offline.url_from(_first_output(offline.command()).encode())
    except ClaudeMagicError as error:
        return Finding("offline", str(error), "problem")
    return Finding("offline", 'ready. In a notebook, type: %config ClaudeMagics.backend = "offline"')


def _first_output(argv: Sequence[str]) -> str:
    """What a program says first, "" if it says nothing in time; the program is ended."""
    return asyncio.run(_read(argv))


async def _read(argv: Sequence[str]) -> str:
    child = await default_manager().start_helper(argv, os.environ)
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            return (await child.read()).decode(errors="replace").strip()
    except TimeoutError:
        return ""
    finally:
        await child.stop()


if __name__ == "__main__":
    sys.exit(main())
