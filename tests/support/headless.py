"""A notebook that nbclient runs, with the real CLI on the scripted model: nobody is there, and no page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from kernel_client import fresh_environment
from magic_fixtures import offline_environment
from nbclient import NotebookClient

__all__ = ["executed"]


def executed(folder: Path, *codes: str, **hooks: Any) -> list[nbformat.NotebookNode]:
    """The code cells of a notebook after they have run, behind the one that loads the extension.

    Args:
        folder: Where all its folders go, and endpoint.jsonl.
        codes: What the cells hold.
        hooks: More of nbclient's options, such as `on_cell_executed`.
    """
    new = nbformat.v4
    made = new.new_notebook(cells=[new.new_code_cell(code) for code in ("%load_ext claude_magic", *codes)])
    work = folder / "work"
    work.mkdir()
    client = NotebookClient(made, timeout=60, resources={"metadata": {"path": str(work)}}, **hooks)
    client.execute(env=fresh_environment(folder) | offline_environment(folder))
    return list(made.cells[1:])
