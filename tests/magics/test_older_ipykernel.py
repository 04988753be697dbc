"""The main things on ipykernel 6, which many still have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_client import fresh_environment
from magic_fixtures import MagicNotebook, html, markdown, shown
from places import OLDER_KERNEL

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MagicNotebook]:
    folder = tmp_path_factory.mktemp("older")
    path = f"{OLDER_KERNEL}:{fresh_environment(folder)['PYTHONPATH']}"
    with MagicNotebook(folder, env={"PYTHONPATH": path}) as kernel:
        assert kernel.printed("import ipykernel; print(ipykernel.__version__)").startswith("6.")
        kernel.load()
        yield kernel


def test_a_cell_a_line_and_a_def_are_answered(older: MagicNotebook) -> None:
    assert "**hello**" in markdown(older.do("%%claude\nsay **hello**"))
    older.do("r = %claude say is it so?")
    assert older.value("r.text") == "is it so?"
    older.do("def f():\n    r = %claude say nested\n    return r\nr = f()")
    assert older.value("r.text") == "nested"


def test_the_cells_since_the_last_turn_go_with_a_prompt(older: MagicNotebook) -> None:
    older.do("%claude say first")
    older.do("import sys\nfrom IPython.display import Markdown\nprint('out')\nprint('err', file=sys.stderr)")
    older.do("display(Markdown('**shown**'))\n6 * 7")
    older.run("1 / 0")

    older.do("%claude say next")

    data = older.endpoint.prompts[-2]
    assert "Output:\nout\nerr\n" in data
    assert "Output:\n**shown**\n42\n" in data
    assert data.count("ZeroDivisionError: division by zero") == 1


@pytest.mark.fault(68, via="real")
def test_a_background_turn_fills_its_own_cell(older: MagicNotebook) -> None:
    cell = older.do("%%claude -b -o answer\nheld until go")
    other = older.do("print('other')")
    assert "text/markdown" not in cell.displays[-1].data
    (older.work / "go").touch()

    older.do("%claude_wait")

    assert older.value("answer.text") in markdown(cell)
    assert (other.stdout, other.displays, cell.stdout) == ("other\n", [], "")


@pytest.mark.fault(45, via="real")
@pytest.mark.parametrize("code", ["%claude {}", "def f():\n    %claude {}\nf()"], ids=["awaited", "nested"])
def test_a_permission_is_asked_for_by_input(older: MagicNotebook, code: str) -> None:
    path = older.work / "one.txt"
    for answer in ("no", "yes"):
        path.unlink(missing_ok=True)
        cell = older.do(code.format("run touch one.txt"), allow_stdin=True, answers=[answer])
        assert len(cell.prompts) == 1
        assert path.exists() is (answer == "yes")


@pytest.mark.fault(39, via="real")
@pytest.mark.parametrize("code", ["%claude {}", "def f():\n    %claude {}\nf()"], ids=["awaited", "nested"])
def test_an_interrupt_ends_the_cell_and_not_the_session(older: MagicNotebook, code: str) -> None:
    older.do("%claude say first")
    pid = older.claude_pid()

    cell = older.run(
        code.format("stall"),
        interrupt_when=lambda cell: bool(cell.displays) and "The first half" in html(cell),
    )

    assert cell.error is not None
    assert cell.error.traceback == (
        "claude_magic: Interrupted. The session goes on; ask again when you like.",
    )
    assert "The first half" in shown(cell)
    older.do("r = %claude say still here")
    assert older.value("r.text") == "still here"
    assert older.claude_pid() == pid
