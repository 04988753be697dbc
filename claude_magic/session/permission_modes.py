"""The permission mode of a process before anything is sent to it: the one asked for.

A project's settings, a user's own, or the account may start it in another. One that asks at least as often as
the default does is left where nobody asked for any. 2.1.191 does not tell its mode before the first prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

from claude_magic.claude_cli.process import CONTROL_TIMEOUT, ClaudeProcess
from claude_magic.errors import ControlError, StartError
from claude_magic.session.startup_check import is_wider

__all__ = ["StartMode", "agree_on_mode"]


@dataclass(frozen=True, slots=True)
class StartMode:
    """A process's mode.

    Args:
        began_in: The one it started in, or "" if it does not tell.
        mode: The one in force, by its own word if it has one.
        notices: What the person should know: a mode that cannot be had.
    """

    began_in: str
    mode: str
    notices: list[str]


async def agree_on_mode(process: ClaudeProcess, asked: str | None) -> StartMode:
    """Sees to it that a process that has just started is in the mode asked for.

    Args:
        process: The process.
        asked: The mode, or None if nobody has asked for one.

    Raises:
        StartError: It would stay in a mode that lets Claude do more.
        ProcessEndedError: It ended meanwhile.
    """
    began_in = str(process.info.get("current_permission_mode") or "")
    mode = began_in or asked or "default"
    wanted = asked or ("default" if is_wider(began_in, "default") else mode)
    refusal = ""
    if mode != wanted:
        try:
            answer = await process.request("set_permission_mode", timeout=CONTROL_TIMEOUT, mode=wanted)
            mode = str(answer.get("mode") or wanted)
        except ControlError as error:
            refusal = f" ({error})"
    if is_wider(mode, wanted):
        raise StartError(f"claude was stopped: its permission mode is {mode}, not {wanted}{refusal}.")
    told = f"The permission mode is {mode}: {wanted} cannot be had{refusal}."
    return StartMode(began_in, mode, [told] if mode != wanted else [])
