"""Times, sums and counts as a person says them. Pure."""

from __future__ import annotations

__all__ = ["LINE_LIMIT", "ago", "duration", "money", "short_number"]

LINE_LIMIT = 160
"""Characters of what stands in one line."""


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.3 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def ago(seconds: float) -> str:
    """How long ago something was, in its largest unit."""
    for unit, name in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if (count := int(seconds // unit)) > 0:
            return f"{count} {name}{'s' * (name == 'day' and count > 1)} ago"
    return "just now"


def short_number(number: int) -> str:
    """A count in three digits or so: `950`, `1.2k`, `3.4M`."""
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{name}"
    return str(number)


def money(usd: float) -> str:
    """US dollars, with more digits where cents would say nothing."""
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"
