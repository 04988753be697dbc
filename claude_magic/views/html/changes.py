"""What becomes of some texts as HTML: each as a card with its diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_magic.commonmark.mathematics import IGNORE
from claude_magic.control_characters import show_invisibles
from claude_magic.views.html.elements import details, div, element, joined, span
from claude_magic.views.html.markup import sanitized
from claude_magic.views.html.style import style
from claude_magic.views.html.tool import diff_rows
from claude_magic.wording.diff_lines import text_diff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup

    from claude_magic.result import FileChange
    from claude_magic.wording.diff_lines import Diff

__all__ = ["changes"]

_UNFOLDED = 200  # lines of diffs in all; later cards are folded


def changes(heading: str, texts: Iterable[FileChange], notes: Iterable[str]) -> Markup:
    """A heading, what becomes of each text, and notes.

    Args:
        heading: The heading, fit to be shown.
        texts: The changes; the path is the text's name.
        notes: Sentences below, fit to be shown.
    """
    cards, shown = [], 0
    for each in texts:
        diff = text_diff(each.before, each.after)
        shown += len(diff.lines)
        cards.append(_card(each, diff, unfold=shown <= _UNFOLDED))
    words = (element("p", "", note) for note in notes)
    head = element("p", "", element("strong", "", heading))
    return style() + div(f"claude-static {IGNORE}", sanitized(joined([head, *cards, *words])))


def _card(change: FileChange, diff: Diff, *, unfold: bool) -> Markup:
    verb = "Comes back" if change.before is None else "Goes" if change.after is None else "Changes"
    name = element("code", "claude-tool-argument", show_invisibles(change.path))
    summary = joined([span("claude-tool-name", verb), " ", name])
    return details("claude-tool", summary, diff_rows(diff), unfold=unfold)
