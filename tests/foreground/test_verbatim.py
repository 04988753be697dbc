"""A cell of ours is what was written; every other cell is IPython's, as before."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from claude_magic.foreground.verbatim import VerbatimCells

_TEXT = st.text() | st.text(alphabet=st.sampled_from(" \t\r\n>.%<=In[1]:\u2028\x0c\x85a"))
_BODIES = [
    ">>> x = 1\n... \n>>> y", "In [1]: x\n   ...: y\nOut[1]: 2",
    "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n",
    "    indented\n        more\n    \n", "a\r\nb\r\n", "a\rb\r", "a\u2028>>> b\u2029... c", "a\x0c>>> b\x85",
    "%%time\nx", "'''\"\"\"\\n{x} $y", "", "\n\n", "\ud800",
]  # fmt: skip


def manager(*, ours: bool = True) -> TransformerManager:
    made = TransformerManager()
    if ours:
        made.cleanup_transforms.insert(0, VerbatimCells({"claude"}))
    return made


def called(cell: str) -> tuple[str, ...]:
    """The arguments of the call that a cell is turned into."""
    (statement,) = ast.parse(manager().transform_cell(cell)).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    return tuple(ast.literal_eval(argument) for argument in statement.value.args)


@pytest.mark.fault(118, via="pure")
@pytest.mark.parametrize("body", _BODIES)
@pytest.mark.parametrize("head", ["%%claude", "  %%claude", "\n \n%%claude"])
def test_the_cell_is_what_was_written(head: str, body: str) -> None:
    end = "" if body.endswith("\n") else "\n"  # IPython's, as every cell of its has one

    assert called(f"{head}\n{body}") == ("claude", "", (body + end) if body else "")
    assert called(f"{head} -m opus \r\n{body}") == ("claude", "-m opus", (body + end) if body else "")
    assert called(f"{head}\n{body}") == called(f"%%claude\n{body}")


@given(_TEXT)
def test_whatever_is_written_is_kept(body: str) -> None:
    _, _, kept = called(f"%%claude\n{body}")

    assert kept in {body, f"{body}\n"}


@pytest.mark.fault(118, via="pure")
@pytest.mark.parametrize("body", _BODIES)
def test_below_other_cell_magics_too(body: str) -> None:
    name, line, inner = called(f"%%capture out\n%%time\n%%claude -b\n{body}")

    assert (name, line) == ("capture", "out")
    assert called(inner)[:2] == ("time", "")
    assert called(called(inner)[2]) == called(f"%%claude -b\n{body}")
    assert called(f"%%writefile f\n%%claude\n{body}a")[2] == f"%%claude\n{body}a\n", "it is not run"


@given(_TEXT)
@example(">>> x = 1\n... y")
@example("%%time\n>>> x")
@example("%%claude?\n")
@example("%%claudes\n>>> x")
@example(">>> %%claude\n... x")
@example("%%bash\necho\n%%claude\n>>> x")
@example("x\n%%claude\n>>> x")
def test_other_cells_are_as_before(cell: str) -> None:
    def transformed(*, ours: bool) -> object:
        try:
            return manager(ours=ours).transform_cell(cell)
        except Exception as error:  # noqa: BLE001  # IPython's own, whatever it is
            return repr(error)

    assert transformed(ours=True) == transformed(ours=False)


@pytest.mark.fault(118, via="pure")
def test_a_terminal_still_waits_for_the_rest_of_the_cell() -> None:
    assert manager().check_complete("%%claude")[0] == "incomplete"
    assert manager().check_complete("%%claude\n>>> x")[0] == "incomplete"
    assert manager().check_complete("%%claude\nsay hi\n\n")[0] == "complete"
