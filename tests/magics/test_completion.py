"""Tab after a magic, by the kernel's own completer."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook

from claude_magic.magics.arguments import OPTIONS
from claude_magic.options import EFFORTS, MODELS, PERMISSION_MODES

pytestmark = pytest.mark.kernel

OURS = {flag for option in OPTIONS for flag in option.flags} | {
    "--all",
    "--turn",
    "--fresh",
    "main",
    "reviewer",
}
OURS |= {*PERMISSION_MODES, *EFFORTS, *MODELS, "queue", "refuse", "none", "frames"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%claude --mod", {"--model"}),
        ("%%claude --per", {"--permission-mode"}),
        ("%claude --model op", {"opus"}),
        ("%claude -m s", {"sonnet"}),
        (
            "%claude --permission-mode ",
            {"default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"},
        ),
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
        ("%claude_history ", {"main", "reviewer"}),
    ],
)
def test_tab_completes(shared: MagicNotebook, line: str, words: set[str]) -> None:
    shared.do("frames = 1")
    for name in ("main", "reviewer"):
        shared.do(f"%claude --dry-run -s {name} hello")

    assert words == set(shared.complete(line)) & OURS, "IPython adds words of its own"


def test_tab_completes_the_names_of_the_magics(shared: MagicNotebook) -> None:
    found = set(shared.complete("%claude"))

    assert {f"%claude{name}" for name in ("", "_status", "_stop", "_restart", "_wait", "_history")} <= found
    assert not {word for word in found if "await" in word}


def test_what_is_typed_in_a_prompt_is_completed_as_python(shared: MagicNotebook) -> None:
    shared.do("reviewed_numbers = 1")

    assert "reviewed_numbers" in shared.complete("%claude look at {reviewed_n")


def test_after_unloading_nothing_is_completed(shared: MagicNotebook) -> None:
    shared.do("%unload_ext claude_magic")

    assert "--model" not in shared.complete("%claude --mod")
    assert not [word for word in shared.complete("%claude") if "claude" in word]
