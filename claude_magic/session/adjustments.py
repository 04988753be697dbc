"""What a process is told for one turn and afterwards, and what holds once options were refused. Pure."""

from __future__ import annotations

from dataclasses import fields

from claude_magic.options import Options, TurnOptions

__all__ = ["BYPASS", "Adjustment", "adjustments", "put_back"]

BYPASS = "bypassPermissions"
Adjustment = tuple[str, dict[str, object], dict[str, object]]
"""A control request: its subtype, what is to apply, what puts it back."""


def adjustments(turn: TurnOptions, mode: str, usual_mode: str, usual_model: str | None) -> list[Adjustment]:
    """The requests that make a turn's options hold.

    Args:
        turn: The turn's options.
        mode: The permission mode that holds now.
        usual_mode: The session's.
        usual_model: The model that comes back; None for the CLI's own default.
    """
    wanted: list[Adjustment] = []
    if turn.model:
        wanted.append(("set_model", {"model": turn.model}, {"model": usual_model}))
    if turn.permission_mode:
        before = usual_mode if turn.permission_mode == BYPASS else mode
        wanted.append(("set_permission_mode", {"mode": turn.permission_mode}, {"mode": before}))
    if turn.allow or turn.deny:
        rules = {"allow": list(turn.allow), "deny": list(turn.deny)}
        none: dict[str, object] = {"permissions": {"allow": [], "deny": []}}
        wanted.append(("apply_flag_settings", {"settings": {"permissions": rules}}, {"settings": none}))
    return wanted


def put_back(current: Options, refused: Options, worked: Options) -> Options:
    """What is to hold after options were refused: what worked, and what has been changed again since."""
    names = [field.name for field in fields(Options)]
    same = [name for name in names if getattr(current, name) == getattr(refused, name)]
    return current.with_(check_paths=False, **{name: getattr(worked, name) for name in same})
