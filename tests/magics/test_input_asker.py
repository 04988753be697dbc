"""What a person reads before `input()` asks for leave."""

from __future__ import annotations

import pytest

from claude_magic.magics.input_asker import InputAsker
from claude_magic.permissions import Behavior, PermissionRequest
from claude_magic.tool_server import Preview


@pytest.mark.parametrize(
    ("tool", "given", "preview", "lines"),
    [
        (
            "mcp__kernel__edit_cell",
            {"id": "c", "code": "b"},
            Preview(about="Changes code cell [3]: a", before="a", after="b"),
            ["         @ line 1", "       1 -a", "       1 +b", "Changes code cell [3]: a"],
        ),
        (
            "Edit",
            {"file_path": "a.py", "old_string": "b", "new_string": "c"},
            Preview(before="x\nb", after="x\nc", line=11),
            ["         @ line 11", "      11  x", "      12 -b", "      12 +c"],
        ),
        (
            "Write",
            {"file_path": "a.py", "content": "b"},
            None,
            ["         +b"],
        ),
        (
            "mcp__kernel__add_cell",
            {"code": "x = 1\ny = 2"},
            Preview(about="It is proposed as the next cell.", after="x = 1\ny = 2"),
            ["    x = 1", "    y = 2", "It is proposed as the next cell."],
        ),
    ],
)
async def test_a_change_is_read_as_its_diff_and_a_new_cell_as_its_code(
    tool: str, given: dict[str, object], preview: Preview | None, lines: list[str]
) -> None:
    shown: list[str] = []
    asker = InputAsker(lambda _question: "y", shown.append)
    request = PermissionRequest(id="r", tool_use_id="t", tool_name=tool, input=given, preview=preview)

    decision = await asker(request)

    assert decision.behavior is Behavior.ALLOW
    assert "\n".join(shown).splitlines()[1:] == lines
