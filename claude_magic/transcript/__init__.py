"""A turn as a person reads it: events become blocks. Pure and bounded."""

from claude_magic.transcript.transcript import Transcript, TurnState

__all__ = ["Transcript", "TurnState"]
