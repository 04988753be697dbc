"""A token given in a cell: what the cell shows and keeps has it not."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from magic_fixtures import MagicNotebook, html, markdown
from private_files import TOKEN, server_with_token

pytestmark = pytest.mark.kernel


@pytest.mark.fault(112, via="real")
def test_no_output_and_nothing_that_is_kept_has_the_token_of_a_cell(notebook: MagicNotebook) -> None:
    given = shlex.quote(server_with_token().replace('\\"', "'"))
    shown = [notebook.printed(f"%claude --mcp-config {given} --dry-run say hi")]
    cell = notebook.do(f"%claude --mcp-config {given} say hi")
    shown += [html(cell), markdown(cell), str(cell.comms), str(notebook.status())]
    shown += [notebook.printed("%claude_status --all"), notebook.printed("%claude_history")]
    shown.append(notebook.error(f"%claude --mcp-config {given[:-1]} say hi"))
    task = notebook.do(f"%%claude --task one --mcp-config {given}\nsay hi")
    notebook.do("%claude_tasks wait one")
    shown += [
        html(task),
        notebook.printed("%claude_tasks show one"),
        str(notebook.do("%claude_tasks").displays),
    ]

    assert "{github}" in shown[0]
    assert not [text for text in shown if TOKEN in text]
    assert not [path for path in _kept(notebook) if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in " ".join(str(process.cmdline()) for process in notebook.children())


def _kept(notebook: MagicNotebook) -> list[Path]:
    places = (notebook.folder / "state" / "claude_magic", notebook.work)
    return [path for place in places for path in place.rglob("*") if path.is_file()]
