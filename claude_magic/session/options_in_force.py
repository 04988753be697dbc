"""The options that a session wants, and what of them its process was told.

A project's settings, a user's own, or the account may start a process in another permission mode than the one
asked for. One that asks at least as often as the default does is left where nobody asked for any. 2.1.191
does not tell its mode before the first prompt.

What the CLI was told of a tool stays with its process, and of one that comes in mid-session even with the
conversation (measured: 2.1.191 and 2.1.332; 2.1.332). So tools come, change and go with a process.

A conversation that is resumed goes on with the model of its last answer, be it one that was given for a
single turn; and `set_model` without a name means the CLI's own default, whatever the person's settings say
(measured: 2.1.191, 2.1.332). So the settings are asked, and what they say is set by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields

from claude_magic.claude_cli.command import build_env
from claude_magic.claude_cli.process import CONTROL_TIMEOUT, ClaudeProcess
from claude_magic.declaration import options_of
from claude_magic.errors import ControlError, ProcessEndedError, StartError
from claude_magic.options import Options, TurnOptions
from claude_magic.schema import Schema
from claude_magic.session.permission_rules import PermissionRule
from claude_magic.session.startup_check import is_wider
from claude_magic.tool_server import JSON, tools_of

__all__ = ["Adjustment", "OptionsInForce"]

BYPASS = "bypassPermissions"
UNDO_TIMEOUT = 5.0  # seconds for putting a turn's options back
MODEL_VARIABLE = "ANTHROPIC_MODEL"  # goes before a settings file's `model`, as do the variables of its `env`
Adjustment = tuple[str, dict[str, object], dict[str, object]]
"""A control request: its subtype, what is to apply, what puts it back."""


class OptionsInForce:
    """What holds for a session, and what of it its process knows.

    Args:
        options: The session's options.
    """

    def __init__(self, options: Options) -> None:
        self.options = options  # they hold from the next turn on
        self.process_options: Options | None = None  # what the last process was told, at its start and since
        self.refused_options: Options | None = None  # which no process could be started with
        self._default_mode = "default"  # the permission mode where none is asked for
        self._can_bypass = False
        self._tools: list[JSON] = []  # of our own, as the process knows them
        self._allowed: set[str] = set()  # tools that the person always allows in this session
        self._taken_back = False  # a rule was, of which the process has not heard
        self._schema: Schema | None = None  # which the process's every answer has to fit

    @property
    def usual_mode(self) -> str:
        """The permission mode that a turn without one of its own has."""
        return self.options.permission_mode or self._default_mode

    def change(self, options: Options) -> None:
        """Takes other options, which hold from the next turn on."""
        self.options, self.refused_options = options, None

    def refuse(self, options: Options) -> None:
        """No process started with these: what was changed goes back to what worked, if anything did."""
        if options != self.process_options:
            self.refused_options = options
        if self.process_options is not None:
            self.options = put_back(self.options, options, self.process_options)

    def allow(self, tool: str) -> None:
        """Allows a tool for the rest of the session; the process that runs has heard of it."""
        self._allowed.add(tool)

    @property
    def rules(self) -> list[PermissionRule]:
        """The rules of the session's own, as far as we have set them."""
        own = [PermissionRule("allow", each, "session") for each in sorted(self._allowed)]
        return own + [PermissionRule("allow", each, "cliArg") for each in self.options.allow]

    def take_back(self, rule: PermissionRule) -> None:
        """Has a rule hold no more from the next turn on: with another process, which is not told of it."""
        self._allowed.discard(rule.text)
        self.options = self.options.with_(
            check_paths=False, allow=tuple(each for each in self.options.allow if each != rule.text)
        )
        self._taken_back = True

    # A process that begins

    def of_process(self, turn: TurnOptions) -> Options:
        """The options to start a process with that can run `turn`."""
        self._taken_back = False
        options = self.options.with_(allow=(*self.options.allow, *sorted(self._allowed)))
        if turn.permission_mode == BYPASS:  # can only be entered by a process launched with it
            return options.with_(permission_mode=BYPASS)
        return options

    def needs_another(self, turn: TurnOptions) -> list[str]:
        """The names of options that the running process cannot take."""
        names = [
            each.name.replace("_", " ")
            for each in options_of(Options)
            if not each.live and getattr(self.options, each.name) != getattr(self.process_options, each.name)
        ]
        if BYPASS in {turn.permission_mode, self.options.permission_mode} and not self._can_bypass:
            names.append(f"permission mode {BYPASS}")
        if tools_of(self.options.servers) != self._tools:
            names.append("tools that have changed")
        if self._taken_back:
            names.append("a permission that was taken back")
        if turn.schema != self._schema:  # a second `initialize` changes nothing (measured: 2.1.191, 2.1.327)
            names.append("a turn with a schema" if turn.schema else "a turn without a schema")
        return names

    async def begin(self, process: ClaudeProcess, options: Options, *, resumed: bool) -> list[str]:
        """Sees to it that a process that has just started works by them.

        Args:
            process: The process.
            options: The session's options as they were when it was made.
            resumed: Its conversation has a past.

        Returns:
            What the person should know: a mode that cannot be had.

        Raises:
            StartError: It would stay in a mode that lets Claude do more.
            ProcessEndedError: It ended meanwhile.
        """
        model = process.options.model
        if resumed and model is None and (usual := await self._usual_model(process)):
            # The conversation was begun with the CLI's default, and gives up the model of its last turn.
            await process.request("set_model", model=usual)
        notices = await agree_on_mode(process)
        self.process_options, self._can_bypass = options, process.options.permission_mode == BYPASS
        self._schema, self._tools = process.schema, process.tools
        if process.options.permission_mode is None:
            self._default_mode = process.permission_mode
        return notices

    # A process that runs

    async def refresh(self, process: ClaudeProcess) -> None:
        """Tells a process of options that have changed and that it can take.

        Raises:
            ControlError: It refused.
            ProcessEndedError: It has ended.
        """
        last = self.process_options or self.options
        if self.options.model != last.model:
            await process.request("set_model", model=await self._usual_model(process))
        if self.options.permission_mode != last.permission_mode:
            await process.request("set_permission_mode", mode=self.usual_mode)
        self.process_options = self.options

    async def apply(self, process: ClaudeProcess, turn: TurnOptions, undo: list[Adjustment]) -> None:
        """Has a turn's options hold.

        Args:
            process: The process.
            turn: The turn's options.
            undo: Grows by what was told, whatever comes of it.

        Raises:
            ControlError: The CLI refused one.
            ProcessEndedError: The process has ended.
        """
        model = await self._usual_model(process) if turn.model else None
        for adjustment in adjustments(turn, process.permission_mode, self.usual_mode, model):
            undo.append(adjustment)
            await process.request(adjustment[0], timeout=CONTROL_TIMEOUT, **adjustment[1])

    async def put_back(self, process: ClaudeProcess, undo: list[Adjustment]) -> bool:
        """Puts a turn's options back; False if that failed, and the process is not to be used again."""
        for subtype, _, back in reversed(undo):
            try:
                await process.request(subtype, timeout=UNDO_TIMEOUT, **back)
            except ProcessEndedError:  # a new process has none of it
                return True
            except ControlError:
                return False
        return True

    async def _usual_model(self, process: ClaudeProcess) -> str | None:
        """The session's model, for turns that name none."""
        if self.options.model is not None:
            return self.options.model
        return await usual_model(process, build_env(self.options, os.environ))


def adjustments(turn: TurnOptions, mode: str, usual_mode: str, usual_model: str | None) -> list[Adjustment]:
    """The requests that make a turn's options hold.

    Args:
        turn: The turn's options.
        mode: The permission mode that holds now.
        usual_mode: The session's.
        usual_model: The model that comes back; None for the CLI's own default.
    """
    requests: list[Adjustment] = []
    if turn.model:
        requests.append(("set_model", {"model": turn.model}, {"model": usual_model}))
    if turn.permission_mode:
        before = usual_mode if turn.permission_mode == BYPASS else mode
        requests.append(("set_permission_mode", {"mode": turn.permission_mode}, {"mode": before}))
    if turn.allow or turn.deny:
        rules = {"allow": list(turn.allow), "deny": list(turn.deny)}
        none: dict[str, object] = {"permissions": {"allow": [], "deny": []}}
        requests.append(("apply_flag_settings", {"settings": {"permissions": rules}}, {"settings": none}))
    return requests


def put_back(current: Options, refused: Options, working: Options) -> Options:
    """What is to hold after options were refused: what worked, and what has been changed again since."""
    names = [field.name for field in fields(Options)]
    same = [name for name in names if getattr(current, name) == getattr(refused, name)]
    return current.with_(check_paths=False, **{name: getattr(working, name) for name in same})


async def agree_on_mode(process: ClaudeProcess) -> list[str]:
    """Sees to it that a process that has just started is in the permission mode asked for.

    Returns:
        What the person should know: a mode that cannot be had.

    Raises:
        StartError: It would stay in a mode that lets Claude do more.
        ProcessEndedError: It ended meanwhile.
    """
    mode, initial = process.permission_mode, process.initial_mode
    target = process.options.permission_mode or ("default" if is_wider(initial, "default") else mode)
    refusal = ""
    if mode != target:
        try:
            await process.request("set_permission_mode", mode=target)
        except ControlError as error:
            refusal = f" ({error})"
    mode = process.permission_mode
    if is_wider(mode, target):
        raise StartError(f"claude was stopped: its permission mode is {mode}, not {target}{refusal}.")
    return [f"The permission mode is {mode}: {target} cannot be had{refusal}."] if mode != target else []


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
    environment = {**env, **variables} if isinstance(variables, dict) else env
    return str(environment.get(MODEL_VARIABLE) or settings.get("model") or "") or None
