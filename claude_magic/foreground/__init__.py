"""How a cell waits: awaited at the top level, nested elsewhere, interrupted by Ctrl-C."""

from claude_magic.foreground.awaiting import (
    Foreground,
    MagicKind,
    TurnInterrupted,
    asking,
    interruptible,
    is_nested,
)
from claude_magic.foreground.scope import caller_names

__all__ = [
    "Foreground",
    "MagicKind",
    "TurnInterrupted",
    "asking",
    "caller_names",
    "interruptible",
    "is_nested",
]
