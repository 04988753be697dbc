"""Notebooks at once under random faults; what is left afterwards; a table of it all."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from evidence import locked, marked, until_none
from jupyter_core.utils import ensure_event_loop
from plan import Fault, Kind
from soaked import Soaked, Struck

from claude_magic import offline
from claude_magic.processes.registry import ProcessRegistry

__all__ = ["WITHOUT_GUARD", "WITHOUT_RECOVERY", "soak", "table"]

SCENARIO = Path(__file__).with_name("soak.toml")
NOTEBOOKS = ("one", "two", "three")
WITHOUT_GUARD = "from claude_magic.processes.guard import Guard; Guard.watch = lambda *_: None"
WITHOUT_RECOVERY = "%config ClaudeMagics.recoveries = 0"


def soak(
    folder: Path,
    faults: Sequence[Fault],
    *,
    names: Sequence[str] = NOTEBOOKS,
    without: str = "",
    bound: float = 10.0,
) -> list[Struck]:
    """Has the faults strike notebooks that share a home, all at once, and looks what is left.

    Args:
        folder: Where all of it goes.
        faults: Dealt out to the notebooks in turn.
        names: The notebooks. One alone has only itself to clean up; where others are, they help.
        without: Code that switches something off in each kernel.
        bound: Seconds after which nothing may be left of a kernel.

    Returns:
        What struck, in the order of the plan.

    Raises:
        AssertionError: A fault did more than it may; the log up to then has been printed.
    """
    failed = threading.Event()
    with _model(folder) as model, _nobody_survives(folder), ThreadPoolExecutor(len(names)) as pool:
        notebooks = [Soaked(folder, name, model, without=without, bound=bound) for name in names]
        soaked = [
            pool.submit(_strike, notebook, faults[place :: len(names)], failed)
            for place, notebook in enumerate(notebooks)
        ]
        struck = [one for part in soaked for one in part.result()]
        until_none(lambda: marked(str(folder)))
    state = folder / "state" / "claude_magic"
    assert locked(state) == []
    assert [row for row in ProcessRegistry(state).get_all() if row.is_running] == []
    return sorted(struck, key=lambda one: one.fault.number)


def table(struck: Iterable[Struck]) -> str:
    """Each kind: how often, how often in mid-turn, and how long it took to be well again."""
    rows = [f"{'':<22}{'faults':>8}{'in mid-turn':>14}{'median':>10}{'longest':>10}"]
    for kind in Kind:
        of_kind = [one for one in struck if one.fault.kind is kind]
        rows += [_row(kind, of_kind)] if of_kind else []
    return "\n".join([*rows, _row("all", list(struck))])


def _row(name: str, struck: list[Struck]) -> str:
    mid = sum(one.fault.moment.is_mid_turn for one in struck)
    times = [one.recovered for one in struck]
    median, longest = statistics.median(times), max(times)
    return f"{name:<22}{len(struck):>8}{mid:>14}{median:>8.1f} s{longest:>8.1f} s"


def _strike(notebook: Soaked, faults: Sequence[Fault], failed: threading.Event) -> list[Struck]:
    struck: list[Struck] = []
    try:
        with notebook:
            for fault in faults:
                if failed.is_set():
                    break
                struck.append(notebook.strike(fault))
                print(f"{notebook.name:<6}{struck[-1]}")
            notebook.settle()
    except BaseException as error:
        failed.set()
        at = f"at {faults[len(struck)]}" if len(struck) < len(faults) else "at the end"
        error.add_note(f"in notebook {notebook.name}, {at}")
        raise
    finally:
        ensure_event_loop().close()  # jupyter_client's, one for each thread
    return struck


@contextlib.contextmanager
def _model(folder: Path) -> Iterator[dict[str, str]]:
    """The scripted model, which no kernel takes along; the variables that lead to it."""
    argv = offline.command([SCENARIO], folder / "model.jsonl")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        env = offline.environment(offline.url_from(server.stdout.readline()), folder)
        yield {name: text for name, text in env.items() if name not in {"HOME", "CLAUDE_CONFIG_DIR"}}
        server.stdin.close()


@contextlib.contextmanager
def _nobody_survives(folder: Path) -> Iterator[None]:
    """A soak that failed leaves nothing either."""
    try:
        yield
    finally:
        for process in marked(str(folder)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
