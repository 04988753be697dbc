"""`%claude_undo`: what Claude's file tools have changed is taken back, and nobody else's work with it."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook

pytestmark = pytest.mark.kernel


def ask(notebook: MagicNotebook, prompt: str, options: str = "") -> None:
    notebook.do(f"%%claude --permission-mode bypassPermissions {options}\n{prompt}")


def undo(notebook: MagicNotebook, line: str) -> str:
    """What a cell with `%claude_undo` shows and then says."""
    cell = notebook.do(f"%claude_undo {line}")
    return "\n".join([*(each.data["text/plain"] for each in cell.displays), cell.stdout]).strip()


def test_the_last_turn_is_taken_back_then_the_one_before_and_the_kernel_follows(
    notebook: MagicNotebook,
) -> None:
    module, notes = notebook.work / "tools.py", notebook.work / "notes.txt"
    module.write_text("LIMIT = 1\n")
    notebook.do("import sys; sys.path.insert(0, ''); import tools")
    ask(notebook, "change tools.py from 1 to 2")
    ask(notebook, "write notes.txt by Claude")
    ask(notebook, "say nothing to undo here")
    assert notebook.value("tools.LIMIT") == 2

    shown = undo(notebook, "--dry-run")
    assert shown.splitlines() == [
        "Undoing the turn 'write notes.txt by Claude' changes notes.txt (+0 -1)",
        *("--- a/notes.txt", "+++ /dev/null", "@@ -1 +0,0 @@", "-by Claude"),
    ]
    assert notes.read_text() == "by Claude"

    cell = notebook.do("%claude_undo", allow_stdin=True, answers=["no"])
    assert cell.stdout.splitlines()[-1] == "Nothing was undone."
    assert notes.exists()
    cell = notebook.do("%claude_undo", allow_stdin=True, answers=["y"])
    assert cell.stdout.splitlines()[-1] == "Undone: notes.txt."
    assert not notes.exists()

    notebook.do("%claude_stop")
    assert undo(notebook, "--yes").endswith("Undone: tools.py. Reloaded tools.")
    assert module.read_text() == "LIMIT = 1\n"
    assert notebook.value("tools.LIMIT") == 1
    assert notebook.error("%claude_undo").startswith("There is nothing to undo: in session 'main' Claude has")

    ask(notebook, "change tools.py from 1 to 3")
    assert notebook.value("tools.LIMIT") == 3
    notebook.do("%claude_undo --yes")
    assert notebook.value("tools.LIMIT") == 1


def test_what_somebody_else_has_changed_since_is_lost_only_by_force(notebook: MagicNotebook) -> None:
    ours, theirs = notebook.work / "ours.txt", notebook.work / "theirs.txt"
    ours.write_text("one\n")
    theirs.write_text("one\n")
    ask(notebook, "change theirs.txt from one to two")
    ask(notebook, "change ours.txt from one to two")
    ours.write_text("two\nand by hand\n")
    theirs.write_text("three\n")

    refusal = notebook.error("%claude_undo --yes")
    assert refusal.startswith("Changed since by somebody else: ours.txt, theirs.txt. Nothing was undone.")
    assert refusal.endswith("%claude_undo --force")
    assert (ours.read_text(), theirs.read_text()) == ("two\nand by hand\n", "three\n")

    assert "-and by hand" in undo(notebook, "--force --yes")
    assert (ours.read_text(), theirs.read_text()) == ("one\n", "two\n")


def test_what_a_subagent_has_written_is_taken_back_too(notebook: MagicNotebook) -> None:
    new, old = notebook.work / "new.txt", notebook.work / "old.txt"
    before = "\ufeffone\r\nzwei ü\r\n".encode()
    old.write_bytes(before)
    ask(notebook, "let a helper change old.txt from one to two")
    assert old.read_bytes() == before.replace(b"one", b"two")
    ask(notebook, "let a helper write new.txt hello")

    assert undo(notebook, "--yes").splitlines()[-1] == "Undone: new.txt."
    assert not new.exists()
    assert "Undone: old.txt." in undo(notebook, "--yes")
    assert old.read_bytes() == before

    empty = notebook.work / "empty.txt"
    empty.touch()
    ask(notebook, "let a helper write empty.txt hello")
    assert empty.read_text() == "hello"
    assert "Undone: empty.txt." in undo(notebook, "--yes"), "the CLI tells of it as of a new file"
    assert empty.read_bytes() == b""

    ask(notebook, "after a helper change old.txt from one to two to three")
    assert old.read_bytes() == before.replace(b"one", b"three")
    assert "Undone: old.txt." in undo(notebook, "--yes"), "the checkpoint has it as the helper left it"
    assert old.read_bytes() == before


def test_what_it_cannot_undo_is_named(notebook: MagicNotebook) -> None:
    assert notebook.error("%claude_undo").startswith("There is no session 'main'.")
    (notebook.work / "a.txt").write_text("one\n")

    ask(notebook, "edit and run a.txt")
    shown = undo(notebook, "--yes")
    assert "Not undone, whatever it did: Bash (1 call)." in shown
    assert (notebook.work / "a.txt").read_text() == "one\n", "a command of the same turn came after the edit"

    ask(notebook, "write b.txt hello", "-s other")
    assert notebook.error("%claude_undo other").endswith("To undo it: %claude_undo other --yes"), (
        "nobody asked"
    )
    notebook.do("%claude_restart other --fresh")
    assert "belongs to another conversation. Go on with that first: %claude_resume " in notebook.error(
        "%claude_undo other --yes"
    )
    assert (notebook.work / "b.txt").exists()
