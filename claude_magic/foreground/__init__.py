"""How a cell waits: awaited at the top level, nested elsewhere, interrupted by Ctrl-C."""

from claude_magic.foreground.foreground import (
    Foreground,
    MagicKind,
    TurnInterrupted,
    asking,
    interruptible,
    is_nested,
)

__all__ = ["Foreground", "MagicKind", "TurnInterrupted", "asking", "interruptible", "is_nested"]
