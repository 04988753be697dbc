"""A program called `claude` beside the notebook, in a folder that somebody else filled."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook, shown

pytestmark = pytest.mark.kernel


@pytest.mark.fault(90, via="real")
@pytest.mark.parametrize("entry", ["", ".", "tools", "{work}"], ids=str)
def test_a_program_in_the_notebooks_folder_is_not_started_whatever_path_says(
    notebook: MagicNotebook, entry: str
) -> None:
    for folder in (notebook.work, notebook.work / "tools"):
        folder.mkdir(exist_ok=True)
        planted = folder / "claude"
        planted.write_text(f"#!/bin/sh\ntouch {notebook.work}/it_ran\n")
        planted.chmod(0o755)
    notebook.do(
        f"import os\npath = os.environ['PATH']\n"
        f"os.environ['PATH'] = {entry.format(work=notebook.work)!r} + os.pathsep + path"
    )

    cell = notebook.do("%claude say one")

    assert "\n\none\n\n" in shown(cell), "the installed one answers"
    notebook.do("%claude_stop")
    notebook.do(
        "import claude_magic.claude_cli.locate as locate\nbundles, locate._bundles = locate._bundles, tuple"
    )
    assert notebook.error("%claude say two").startswith("The program claude is neither in PATH")
    notebook.do("locate._bundles = bundles\nos.environ['PATH'] = path")
    assert not (notebook.work / "it_ran").exists()
