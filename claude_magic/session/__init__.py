"""A session: one conversation, its turns, and the process that speaks for it."""

from claude_magic.session.session import Session, SessionState

__all__ = ["Session", "SessionState"]
