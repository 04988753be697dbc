"""The few elements that a turn's HTML is made of. Pure; classes and contents must be safe already."""

from __future__ import annotations

__all__ = ["code", "details", "div", "span"]


def div(classes: str, inside: str) -> str:
    """A block."""
    return f'<div class="{classes}">{inside}</div>'


def span(classes: str, inside: str) -> str:
    """A piece of a line."""
    return f'<span class="{classes}">{inside}</span>'


def code(classes: str, inside: str) -> str:
    """Code as it is written."""
    return f'<pre class="{classes}"><code>{inside}</code></pre>'


def details(classes: str, summary: str, inside: str, *, unfold: bool = False) -> str:
    """Something folded under its summary."""
    opened = ' open="open"' if unfold else ""
    return f'<details class="{classes}"{opened}><summary>{summary}</summary>{inside}</details>'
