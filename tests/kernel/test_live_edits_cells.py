"""Edits are live in a real kernel, with the real CLI's Edit: the next cell has the new code."""

from __future__ import annotations

import json

import pytest
from generations import OLDER_CLI, current_cli
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

PENDING = "next(each for each in get_ipython().configurables if hasattr(each, 'edits')).edits._pending"


def test_the_cell_after_an_edit_of_claudes_uses_the_new_code(notebook: MagicNotebook) -> None:
    module = notebook.work / "tools.py"
    module.write_text("LIMIT = 1\ndef f(): return LIMIT\n")
    notebook.do("import sys; sys.path.insert(0, ''); import tools; from tools import LIMIT, f")
    for number, cli in enumerate((current_cli(), OLDER_CLI), 1):
        notebook.do(f"%config ClaudeMagics.cli = {str(cli)!r}")
        session = f"-s at-{number} --allow Edit"

        cell = notebook.do(f"%%claude {session}\nchange tools.py from {number} to {number + 1}")
        assert notebook.value("[LIMIT, f(), tools.f()]") == [number + 1] * 3
        assert "reloaded tools" in read_page(html(cell)).text
        assert "reloaded tools" in markdown(cell)
        assert "reloaded tools" in shown(cell)
        sent = json.dumps(notebook.endpoint.last["messages"])
        assert "In the notebook's kernel: reloaded tools." in sent

    cell = notebook.do(f"%%claude {session}\nchange tools.py from f() to f(")
    assert notebook.value("[LIMIT, f(), tools.f()]") == [3] * 3
    assert "tools not reloaded, the old code stays: SyntaxError in line 2" in read_page(html(cell)).text

    cell = notebook.do(f"%%claude {session} --allow Bash\nrun sed -i 's/f(:/f():/' tools.py")
    assert "tools changed on the disk; the old code stays" in read_page(html(cell)).text
    assert "the old code stays" in json.dumps(notebook.endpoint.last["messages"])

    notebook.do("%config ClaudeMagics.reload = False")
    module.write_text("LIMIT = 3\ndef f(): return LIMIT\n")
    notebook.do(f"%%claude {session}\nchange tools.py from 3 to 4")
    assert notebook.value("[LIMIT, f(), tools.f()]") == [3] * 3


def test_a_cell_that_computes_beside_a_background_turn_keeps_the_code_it_began_with(
    notebook: MagicNotebook,
) -> None:
    (notebook.work / "rates.py").write_text("RATE = 1\n")
    notebook.do("import sys; sys.path.insert(0, ''); import rates")
    notebook.do("%%claude -b --allow Edit\nonce begun is there change rates.py from 1 to 2")

    notebook.do(
        "import asyncio\nfrom pathlib import Path\nPath('begun').touch()\n"
        f"while not {PENDING}:\n    await asyncio.sleep(0.02)\n"
        "seen = rates.RATE, Path('rates.py').read_text()"
    )
    assert notebook.value("[*seen, rates.RATE]") == [1, "RATE = 2\n", 2]
    notebook.do("%claude_wait")

    (notebook.work / "rates.py").write_text("RATE = 2\n")
    notebook.do("%%claude -b --allow Edit\nchange rates.py from 2 to 3")
    notebook.do("%claude_wait")
    assert notebook.value("rates.RATE") == 3, "a cell that waits for Claude does not compute"
