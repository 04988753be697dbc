"""A kernel that is told of no file asks the page what the answers name; the page is a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from magic_fixtures import MagicNotebook, shown

pytestmark = pytest.mark.kernel


@pytest.fixture
def earlier(tmp_path: Path) -> str:
    """A conversation that a kernel of the folder had; the kernel is gone."""
    with MagicNotebook(tmp_path) as kernel:
        kernel.load()
        kernel.do("%claude say one", allow_stdin=True)
        return kernel.status()["conversation"]


def session_for(kernel: MagicNotebook, name: str, answer: Any) -> str:
    """The conversation that a session begins with where the page answers so."""
    kernel.page_names = answer
    kernel.do(f"%claude -s {name} --dry-run say it", allow_stdin=True)
    return kernel.status(name)["conversation"]


@pytest.mark.fault(85, via="real")
@pytest.mark.fault(91, via="real")
def test_a_page_names_a_conversation_of_this_folder_and_can_say_nothing_else(
    tmp_path: Path, earlier: str
) -> None:
    unknown = str(uuid4())
    with MagicNotebook(tmp_path) as kernel:
        kernel.load()
        strange = [
            {"session_id": unknown},
            {"session_id": f"--resume={earlier}"},
            {"session_id": [earlier]},
            {"session_id": earlier, "cwd": "/"},
            {"session_id": earlier, "permission_mode": "bypassPermissions"},
            [earlier],
            None,
        ]
        begun = [session_for(kernel, f"s{n}", answer) for n, answer in enumerate(strange)]
        assert begun == ["new"] * len(strange)

        kernel.page_names = {"session_id": earlier}
        assert "resumed, 1 earlier turn" in shown(kernel.do("%claude say two", allow_stdin=True))
        assert kernel.status("main")["conversation"] == earlier
        assert kernel.endpoint.stripped_prompts[-2:] == ["say one", "say two"]
        assert "that of session 'main'" in shown(kernel.do("%claude -s twin say two", allow_stdin=True))

        with MagicNotebook(tmp_path) as third:
            third.load()
            third.page_names = {"session_id": earlier}
            assert "is in use by" in shown(third.do("%claude say three", allow_stdin=True))
            assert third.status()["conversation"] != earlier
