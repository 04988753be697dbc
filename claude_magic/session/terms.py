"""What a process is told beside its prompts: model, permission mode and rules.

A project's settings, a user's own, or the account may start a process in another permission mode than the one
asked for. One that asks at least as often as the default does is left where nobody asked for any. 2.1.191
does not tell its mode before the first prompt.

A conversation that is resumed goes on with the model of its last answer, be it one that was given for a
single turn; and `set_model` without a name means the CLI's own default, whatever the person's settings say
(measured: 2.1.191, 2.1.332). So the settings are asked, and what they say is set by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from claude_magic.claude_cli.process import ClaudeProcess
from claude_magic.errors import ControlError, StartError
from claude_magic.options import Options, TurnOptions
from claude_magic.session.startup_check import is_wider

__all__ = ["BYPASS", "Adjustment", "adjustments", "agree_on_mode", "put_back", "usual_model"]

BYPASS = "bypassPermissions"
MODEL_VARIABLE = "ANTHROPIC_MODEL"  # goes before a settings file's `model`, as do the variables of its `env`
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


async def agree_on_mode(process: ClaudeProcess) -> list[str]:
    """Sees to it that a process that has just started is in the permission mode asked for.

    Returns:
        What the person should know: a mode that cannot be had.

    Raises:
        StartError: It would stay in a mode that lets Claude do more.
        ProcessEndedError: It ended meanwhile.
    """
    mode = process.permission_mode
    wanted = process.options.permission_mode or ("default" if is_wider(process.began_in, "default") else mode)
    refusal = ""
    if mode != wanted:
        try:
            await process.request("set_permission_mode", mode=wanted)
        except ControlError as error:
            refusal = f" ({error})"
    mode = process.permission_mode
    if is_wider(mode, wanted):
        raise StartError(f"claude was stopped: its permission mode is {mode}, not {wanted}{refusal}.")
    return [f"The permission mode is {mode}: {wanted} cannot be had{refusal}."] if mode != wanted else []


async def usual_model(process: ClaudeProcess, env: Mapping[str, str]) -> str | None:
    """The model that a new process would have where nobody names one; None for the CLI's own default.

    Args:
        process: Asked for its settings.
        env: The process's environment.

    Raises:
        ProcessEndedError: The process ended first.
    """
    try:
        effective = (await process.request("get_settings")).get("effective")
    except ControlError:  # one that does not tell
        effective = None
    settings = effective if isinstance(effective, dict) else {}
    variables = settings.get("env")
    given = {**env, **variables} if isinstance(variables, dict) else env
    return str(given.get(MODEL_VARIABLE) or settings.get("model") or "") or None
