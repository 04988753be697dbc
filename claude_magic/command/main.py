"""The command `claude-magic`: what a person types in a terminal, outside any notebook.

    claude-magic demo [NOTEBOOK]    run a notebook on the real CLI with the offline model, cell by cell
    claude-magic login              log in to Claude, with the CLI that the notebooks use
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from claude_magic import offline
from claude_magic.claude_cli.command import build_env
from claude_magic.claude_cli.gateway import Place, api_of, why_unreachable
from claude_magic.claude_cli.locate import find_cli, version_warning
from claude_magic.claude_cli.login import LOGIN, ask_login, terminal_command
from claude_magic.command.api_check import Answer, ask_api
from claude_magic.control_characters import one_line
from claude_magic.errors import ClaudeMagicError, UsageError
from claude_magic.options import Options
from claude_magic.processes.child import become
from claude_magic.processes.manager import default_manager

__all__ = ["main"]

_QUICKSTART = "01-quickstart"
_IN_KERNEL = {"JPY_PARENT_PID", "JPY_SESSION_NAME"}  # variables that a cell's commands have
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
    login = commands.add_parser("login", help="log in to Claude, with the CLI that the notebooks use")
    login.set_defaults(run=_login)
    doctor = commands.add_parser(
        "doctor", help="what is installed and what to type next; asks the API one small question"
    )
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


def _login(_: Namespace) -> int:
    cli = find_cli().path
    if not sys.stdin.isatty() or _IN_KERNEL & os.environ.keys():
        raise UsageError(
            "This cannot be answered here. Type in a cell: %claude_login, or in a terminal: "
            f"{terminal_command('login')}"
        )
    sys.stdout.flush()
    become([str(cli), *LOGIN], _environment())


def _doctor(_: Namespace) -> int:
    findings = []
    for finding in _findings():
        sys.stdout.write(f"{finding}\n")
        findings.append(finding)
    return 1 if any(finding.word == "problem" for finding in findings) else 0


def _findings() -> Iterator[Finding]:
    yield _python()
    yield _ipython()
    yield _ipykernel()
    try:
        cli: Path | None = find_cli().path
    except ClaudeMagicError:
        cli = None
    yield _cli()
    yield from _api(cli)
    yield _offline(cli)


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


def _api(cli: Path | None) -> Iterator[Finding]:
    """Who one is for the API, and whether it is there: it is asked only where there is a login."""
    env = _environment()
    why = asyncio.run(why_unreachable(env))
    status = asyncio.run(ask_login(cli, env)) if cli else None
    if status is not None:
        yield Finding("login", str(status)) if status.logged_in else Finding("login", _advice(), "problem")
    place = api_of(env)
    if why:
        yield Finding("API", f"{why}. Look at the network, and at ANTHROPIC_BASE_URL if it is set", "problem")
    elif place is None:
        yield Finding("API", "a cloud provider's, which is not looked at", "note")
    elif cli is not None and status is not None and status.logged_in:
        yield _answering(place, asyncio.run(ask_api(cli, env)))
    else:
        yield Finding("API", f"{place} can be reached; it was asked nothing, for want of a login", "note")


def _advice() -> str:
    return f"not logged in. Type: {terminal_command('login')} (in a notebook: %claude_login)"


def _answering(place: Place, answer: Answer) -> Finding:
    if answer.problem:
        return Finding("API", f"{place}: {answer.problem}", "problem")
    if not answer.streams:
        advice = "answers, but in one piece. Have the gateway pass text/event-stream on as it comes"
        return Finding("API", f"{place} {advice}", "problem")
    if not answer.keeps_tools:
        advice = "answers and streams, and no tool was called. If none ever is, have the gateway keep `tools`"
        return Finding("API", f"{place} {advice}", "note")
    return Finding("API", f"{place} answers, streams and keeps tools")


def _environment() -> dict[str, str]:
    """That of the CLI in a notebook."""
    return build_env(Options(), os.environ)


def _offline(cli: Path | None) -> Finding:
    if cli is None:
        return Finding("offline", "needs the program claude, too", "problem")
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
