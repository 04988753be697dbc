"""What an edit would change, for whoever is asked for leave: read from the file as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_magic.permissions import PermissionRequest
from claude_magic.session.edit_preview import edit_preview
from claude_magic.tool_server import Preview

LINES = [f"line {number}" for number in range(1, 21)]
TEXT = "\n".join(LINES) + "\n"


def previewed(folder: Path, name: str, holds: bytes = TEXT.encode(), /, **given: object) -> Preview | None:
    path = folder / "a.txt"
    path.write_bytes(holds)
    tool_input = {"file_path": str(path), **given}
    request = PermissionRequest(id="r", tool_use_id="t", tool_name=name, input=tool_input)
    return edit_preview(request, str(folder))


def around(start: int, end: int, **changed: str) -> Preview:
    """Lines `start` to `end`, of which some become others."""
    old = LINES[start - 1 : end]
    new = [changed.get(line.replace(" ", "_"), line) for line in old]
    return Preview(before="\n".join(old), after="\n".join(new), line=start)


def test_an_edit_is_shown_with_three_lines_around_it(tmp_path: Path) -> None:
    edit: dict[str, object] = {"old_string": "line 9", "new_string": "new"}
    assert previewed(tmp_path, "Edit", **edit) == around(6, 12, line_9="new")
    assert previewed(tmp_path, "Edit", file_path="a.txt", **edit) == around(6, 12, line_9="new")
    assert previewed(tmp_path, "Edit", TEXT.replace("\n", "\r\n").encode(), **edit) is not None

    at_the_ends: dict[str, object] = {"old_string": "line 1", "new_string": "l", "replace_all": True}
    shown = previewed(tmp_path, "Edit", **at_the_ends)
    assert shown is not None
    assert (shown.line, shown.before.count("\n"), shown.after.count("line")) == (1, 19, 8 + 1)


def test_several_edits_and_a_whole_new_text_too(tmp_path: Path) -> None:
    edits = [{"old_string": "line 9", "new_string": "new"}, {"old_string": "new", "new_string": "newer"}]
    assert previewed(tmp_path, "MultiEdit", edits=edits) == around(6, 12, line_9="newer")
    written = TEXT.replace("line 20", "end")
    assert previewed(tmp_path, "Write", content=written) == around(17, 20, line_20="end")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("Edit", {"old_string": "nowhere", "new_string": "x"}),
        ("Edit", {"old_string": "", "new_string": "x"}),
        ("Edit", {"old_string": 7, "new_string": "x"}),
        ("Edit", {"old_string": "line 9", "new_string": "x", "file_path": "gone.txt"}),
        ("Edit", {"old_string": "line 9", "new_string": "x", "file_path": "\0"}),
        ("MultiEdit", {"edits": ["odd"]}),
        ("Write", {"content": 7}),
        ("Read", {}),
        ("NotebookEdit", {"notebook_path": "a.txt", "new_source": "x"}),
    ],
)
def test_what_cannot_be_told_is_left_to_the_call(tmp_path: Path, name: str, given: dict[str, object]) -> None:
    assert previewed(tmp_path, name, **given) is None


@pytest.mark.parametrize("content", [b"", b"a\0line 9", b"line 9" + b"x" * 1_000_000])
def test_nor_is_a_file_that_is_empty_or_no_text_or_very_large(tmp_path: Path, content: bytes) -> None:
    assert previewed(tmp_path, "Edit", content, old_string="line 9", new_string="new") is None
