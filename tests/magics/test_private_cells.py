"""A token given in a cell: what the cell shows and keeps has it not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
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
    kept = list(_kept(notebook))
    assert kept
    assert not [content for content in kept if TOKEN.encode() in content]
    assert TOKEN not in " ".join(str(process.cmdline()) for process in notebook.children())


def _kept(notebook: MagicNotebook) -> Iterator[bytes]:
    for place in (notebook.folder / "state" / "claude_magic", notebook.work):
        for folder, _, names in os.walk(place):
            for name in names:
                with suppress(FileNotFoundError):  # a lock, say, that is just going
                    yield Path(folder, name).read_bytes()
