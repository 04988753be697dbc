"""What the settings of a project widen, or would if it were trusted, is said in the turn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import NotebookPage
from live import ask
from playwright.sync_api import expect


@pytest.fixture
def project(lab: NotebookPage) -> Iterator[Path]:
    """A folder with settings that ask for more than the person did."""
    folder = lab.server.notebooks / "project"
    (folder / ".claude").mkdir(parents=True)
    settings = {"permissions": {"defaultMode": "acceptEdits", "allow": ["Bash", "WebFetch"]}}
    (folder / ".claude" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.fault(87, via="real")
def test_a_mode_wider_than_asked_for_is_named_with_its_source(lab: NotebookPage, project: Path) -> None:
    turn = ask(lab, "say hello", f"-s project --cwd {project}")

    turn.wait_until_over()

    banner = turn.static.locator(".claude-warning")
    expect(banner.filter(has_text="acceptEdits")).to_contain_text("settings")


@pytest.mark.fault(88, via="real")
def test_the_notice_on_an_untrusted_folder_is_shown_once(lab: NotebookPage, project: Path) -> None:
    turn = ask(lab, "say hello", f"-s untrusted --cwd {project}")
    turn.wait_until_over()
    again = ask(lab, "say hello", "-s untrusted")
    again.wait_until_over()

    expect(turn.static.locator(".claude-notice").filter(has_text="has not been trusted")).to_have_count(1)
    assert "has not been trusted" not in again.static.inner_text()
    assert (
        str(lab.server.folder)
        not in turn.static.locator(".claude-notice").filter(has_text="trusted").inner_text()
    )
