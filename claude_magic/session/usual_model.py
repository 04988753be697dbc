"""The model that a session has where nobody names one.

A conversation that is resumed goes on with the model of its last answer, be it one that was given for a
single turn; and `set_model` without a name means the CLI's own default, whatever the person's settings say
(measured: 2.1.191, 2.1.332). So the settings are asked, and what they say is set by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from claude_magic.errors import ControlError

__all__ = ["usual_model"]

VARIABLE = "ANTHROPIC_MODEL"  # goes before a settings file's `model`, as do the variables of its `env`


async def usual_model(
    request: Callable[..., Awaitable[Mapping[str, object]]], env: Mapping[str, str]
) -> str | None:
    """The model that a new process would have; None for the CLI's own default.

    Args:
        request: Sends a control request to the process.
        env: The process's environment.

    Raises:
        ProcessEndedError: The process ended first.
    """
    try:
        effective = (await request("get_settings")).get("effective")
    except ControlError:  # one that does not tell
        effective = None
    settings = effective if isinstance(effective, dict) else {}
    variables = settings.get("env")
    given = {**env, **variables} if isinstance(variables, dict) else env
    return str(given.get(VARIABLE) or settings.get("model") or "") or None
