"""Tab after a magic, by the kernel's own completer."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook

from claude_magic.options import EFFORTS, PERMISSION_MODES
from claude_magic.tools import TOOLS

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%claude --mod", {"--model"}),
        ("%%claude --per", {"--permission-mode"}),
        ("%claude --model op", {"opus"}),
        ("%claude -m s", {"sonnet"}),
        ("%claude --permission-mode ", {*PERMISSION_MODES}),
        ("%claude --permission-mode=pl", {"plan"}),
        ("%claude --effort ", {*EFFORTS}),
        ("%claude --allow W", {name for name in TOOLS if name.startswith("W")}),
        ("answer = %claude --model op", {"opus"}),
        ("%claude an ", set()),
        ("%claude imp", set()),
        ("%claude look at @no", {"@notes.txt"}),
        ("%claude look at @sub/", {"@sub/c.txt"}),
        ('%claude look at @"sub/', {'@"sub/a b.txt"', '@"sub/c.txt"'}),
        ("%%claude -s reviewer\nSee @su", {"@sub/"}),
        ("# about\n\n%%claude\nan imp", set()),
        ("%%claude\nwhat is {fra", {"frames"}),
        ("%claude what is {fra", {"frames"}),
        ("%%claude --allow Edit --permission-mode acc", {"acceptEdits"}),
        ("%claude --effort h", {"high"}),
        ("%claude --context ", {"auto", "none"}),
        ("%claude_explain -v fra", {"frames"}),
        ("%%claude --image fra", {"frames"}),
        ("%claude --busy ", {"queue", "refuse"}),
        ("%claude -s re", {"reviewer"}),
        ("%claude --session ", {"main", "reviewer"}),
        ("%claude_status re", {"reviewer"}),
        ("%claude_stop ", {"main", "reviewer", "--all", "--turn"}),
        ("%claude_stop --t", {"--turn"}),
        ("%claude_restart --fr", {"--fresh"}),
        ("%claude_wait m", {"main"}),
        ("%claude_history ma", {"main"}),
    ],
)
def test_tab_completes(shared: MagicNotebook, line: str, words: set[str]) -> None:
    shared.do("frames = 1")
    for name in ("main", "reviewer"):
        shared.do(f"%claude --dry-run -s {name} hello")

    (shared.work / "sub").mkdir(exist_ok=True)
    for name in ("notes.txt", ".hidden", "sub/c.txt", "sub/a b.txt"):
        (shared.work / name).touch()

    assert words == set(shared.complete(line)), "and none of Python's"


def test_tab_completes_the_names_of_the_magics(shared: MagicNotebook) -> None:
    found = set(shared.complete("%claude"))

    assert {f"%claude{name}" for name in ("", "_status", "_stop", "_restart", "_wait", "_history")} <= found
    assert not {word for word in found if "await" in word}


def test_a_line_that_is_not_ours_is_completed_as_ever(shared: MagicNotebook) -> None:
    shared.do("reviewed_numbers = 1")

    assert shared.complete("reviewed_n") == ["reviewed_numbers"]
    assert shared.complete("%%time\nreviewed_n") == ["reviewed_numbers"]


def test_after_unloading_nothing_is_completed(shared: MagicNotebook) -> None:
    shared.do("%unload_ext claude_magic")

    assert "--model" not in shared.complete("%claude --mod")
    assert not [word for word in shared.complete("%claude") if "claude" in word]
