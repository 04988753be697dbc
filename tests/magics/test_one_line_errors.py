"""An error of ours is one line also where somebody else shows the tracebacks, and only ours is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, offline_environment
from terminal_client import Terminal

SHOWING = "vars(get_ipython()).get('showtraceback'), get_ipython().CustomTB"
# As jupyter-ai has it, and without a look at what an error has to say of itself.
HANDLER = """
def handler(shell, kind, error, tb, tb_offset=None):
    print("handled")
    shell._showtraceback(kind, error, shell.InteractiveTB.structured_traceback(kind, error, tb))
get_ipython().set_custom_exc((BaseException,), handler)
"""
OTHERS = ["import ipdb", "%pdb on", "%load_ext rich", HANDLER]


def said(cell: Cell) -> str:
    """All that a cell showed, its error included."""
    error = cell.error.text if cell.error else ""
    return cell.stdout + cell.stderr + error + "".join(str(display.data) for display in cell.displays)


def is_one_line(kernel: MagicNotebook) -> None:
    cell = kernel.run("%claude --bogus hi")
    assert cell.error is not None
    assert cell.error.traceback == ("claude_magic: Unknown option --bogus. Did you mean --busy?",)
    assert cell.error.name == "UsageError"
    assert said(cell) == cell.error.text
    assert cell.reply is not None
    assert cell.reply["status"] == "error"


@pytest.mark.kernel
@pytest.mark.fault(123, via="real")
@pytest.mark.parametrize("first", [True, False], ids=["loaded_first", "loaded_last"])
def test_an_error_is_one_line_whoever_shows_tracebacks(own_kernel: MagicNotebook, first: bool) -> None:  # noqa: FBT001
    if first:
        own_kernel.load()
    for other in OTHERS:
        own_kernel.do(other)
        if first:
            is_one_line(own_kernel)
    own_kernel.do(f"before = ({SHOWING})")
    if not first:
        own_kernel.load()
        is_one_line(own_kernel)

    failed = own_kernel.run("%claude fail 400")
    assert failed.error is not None
    assert len(failed.error.traceback) == 1
    stopped = own_kernel.run("%claude stall", interrupt_when=lambda cell: "first half" in str(cell.displays))
    assert stopped.error is not None
    assert stopped.error.text.startswith("claude_magic: Interrupted.")
    caught = "try:\n    %claude --bogus hi\nexcept Exception as error:\n    print(type(error).__name__)"
    assert own_kernel.printed(caught) == "UsageError"
    own_kernel.run("%claude --bogus hi")
    again = own_kernel.do("%tb")
    assert again.error is not None
    assert again.error.traceback == ("claude_magic: Unknown option --bogus. Did you mean --busy?",)
    theirs = said(own_kernel.run("def deep():\n    return 1 / 0\ndeep()"))
    assert "handled" in theirs
    assert "ZeroDivisionError" in theirs

    own_kernel.do("%unload_ext claude_magic")
    if not first:
        assert own_kernel.value(f"({SHOWING}) == before")
    assert "handled" in said(own_kernel.run("1 / 0"))


@pytest.fixture(params=[False, True], ids=["prompt_toolkit", "simple_prompt"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(tmp_path, env=offline_environment(tmp_path), simple_prompt=request.param) as terminal:
        yield terminal


@pytest.mark.terminal
@pytest.mark.fault(123, via="real")
def test_at_the_prompt_too_an_error_is_one_line_whoever_shows_tracebacks(terminal: Terminal) -> None:
    terminal.run("%load_ext claude_magic")
    for other in OTHERS[:3]:
        terminal.run(other)
        screen = terminal.run("%claude --bogus hi")
        assert screen.count("claude_magic: Unknown option --bogus.") == 1
        assert "Traceback" not in screen
        assert "pdb>" not in screen
    terminal.run("%pdb off")
    assert "ZeroDivisionError" in terminal.run("1 / 0")
