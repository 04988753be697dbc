"""The notebook's settings: the defaults that `%config` keeps, what prompts have changed, the backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from traitlets import Bool, Enum, Float, Int, TraitError, Unicode, validate
from traitlets.config import Configurable

from claude_magic import offline
from claude_magic.claude_cli.locate import find_cli
from claude_magic.declaration import Option, options_of
from claude_magic.errors import ClaudeMagicError, UsageError, WorkingDirectoryError
from claude_magic.hooks import Hook
from claude_magic.notebook.backend import BACKENDS, OfflineModel, default_backend
from claude_magic.options import Options
from claude_magic.session import Session
from claude_magic.tool_server import ToolServer

__all__ = ["Settings", "traits_of"]

_NOTE = """\
You are called from a Jupyter notebook (or an IPython prompt) by the extension claude_magic: the user's \
message is the text of a cell, and your answer is shown under that cell as Markdown. Answer in text; do not \
create or edit notebook files (.ipynb) unless you are asked to. To see or change cells of this notebook use \
read_notebook, add_cell, edit_cell and delete_cell of the server `kernel`. `python` in your shell is the \
Python that runs the notebook's kernel, but in a process of its own: what is about the user's variables goes \
through the same server's list_variables and inspect, which describe them, and run_python, which runs code \
among them as a cell would."""
_TRAITS: Mapping[type, Any] = {str: Unicode, float: Float, int: Int, bool: Bool}


def _never_bypass(mode: str) -> None:
    if mode == "bypassPermissions":
        raise UsageError(f"{mode} is never kept. Give it with each turn: --permission-mode {mode}")


_STRICTER: Mapping[str, Callable[[Any], object]] = {"cli": find_cli, "permission_mode": _never_bypass}
"""What a default is asked beside what any value of its option is."""


def traits_of(dataclass: Any) -> dict[str, Any]:
    """The traits that keep the defaults of a dataclass's options, and what looks at their values."""
    options = {each.name: each for each in options_of(dataclass) if each.configured}

    def valid(_: Configurable, proposal: Mapping[str, Any]) -> Any:
        return _check(options[proposal["trait"].name], proposal["value"])

    return {name: _trait(each) for name, each in options.items()} | {"_valid": validate(*options)(valid)}


def _trait(each: Option) -> Any:
    default = None if each.is_path else each.default  # what a path's default stands for is found when used
    how = {"allow_none": each.optional or each.is_path, "help": each.help}
    trait = Enum(each.choices, default, **how) if each.choices else _TRAITS[each.kind](default, **how)
    return trait.tag(config=True)


def _check(each: Option, value: Any) -> Any:
    """A value as it is kept; paths count from the notebook's folder."""
    try:
        if each.is_path:
            value = each.read(value) if value else None
        if value is not None and each.name in _STRICTER:
            _STRICTER[each.name](value)
        elif value is not None and each.is_path:
            each.must_be_there(value, f"ClaudeMagics.{each.name}")
        else:
            each.refuse(value)
    except ClaudeMagicError as error:
        raise TraitError(str(error)) from None
    return value


_Defaults: Any = type("_Defaults", (Configurable,), traits_of(Options))


class Settings(_Defaults):
    """What holds in this notebook: for every session, and for each.

    The promise: a change of a session's options is kept once a process has started with it. One that no
    process could start with fails its own prompt and is forgotten.

    Args:
        more: For traitlets.
    """

    backend = Enum(
        BACKENDS,
        default_backend(),
        help="Where answers come from: claude (your own login) or offline (a scripted model).",
    ).tag(config=True)
    context = Enum(
        ("auto", "none"),
        "auto",
        help="What goes with a prompt by itself: the cells that were run since the last one, or none.",
    ).tag(config=True)

    notify = Bool(
        default_value=True,
        help="Call you in the browser when Claude asks, or has ended a turn of 30 s out of your sight.",
    ).tag(config=True)

    reload = Bool(
        default_value=True, help="Load the modules of this kernel that Claude edits anew, for the next cell."
    ).tag(config=True)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._hooks: tuple[Hook, ...] = ()
        self._servers: tuple[ToolServer, ...] = ()
        self._offline = OfflineModel()
        self._in_force: dict[str, dict[str, Any]] = {}  # by session and field of Options
        self._pending: dict[str, dict[str, Any]] = {}

    def equip(self, hooks: Sequence[Hook], servers: Sequence[ToolServer]) -> None:
        """Gives every session what belongs to this notebook.

        Args:
            hooks: What Claude asks around its own steps.
            servers: The tools that run in this kernel.
        """
        self._hooks, self._servers = tuple(hooks), tuple(servers)

    @property
    def label(self) -> str:
        """What is shown with every answer about where it comes from; "" for Claude itself."""
        return offline.LABEL if self.backend == "offline" else ""

    async def options(self, changes: Mapping[str, Any]) -> Options:
        """The options of a session, with paths that were looked at when they were given.

        Args:
            changes: Which of them are not the notebook's.

        Raises:
            WorkingDirectoryError: The kernel's own directory is gone, and no other was given.
            StartError: The offline model did not start.
        """
        defaults = {each.name: getattr(self, each.name) for each in options_of(Options) if each.configured}
        own = {
            "cwd": changes.get("cwd") or self._directory(),
            "hooks": self._hooks,
            "servers": self._servers,
            "note": _NOTE,
        }
        env = await self._offline.environment() if self.backend == "offline" else {}
        values: dict[str, Any] = {**defaults, "env": env, "label": self.label, **changes, **own}
        return Options(**values, check_paths=False)

    def changes(
        self, name: str, session: Session | None, new: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What is changed for a session: what is kept, what is still to be tried, and what is new.

        The working directory is among it, for a later chdir is not followed.
        """
        if session is not None:
            self._settle(name, session)
        changes = {**self._in_force.get(name, {}), **self._pending.get(name, {}), **(new or {})}
        return {"cwd": changes.get("cwd") or self._directory()} | changes

    def attempt(self, name: str, changes: Mapping[str, Any]) -> None:
        """Notes what comes with the session's next prompt."""
        now = self._in_force.get(name, {})
        self._pending[name] = {field: value for field, value in changes.items() if now.get(field) != value}

    def keep(self, name: str, field: str, value: object) -> None:
        """Notes what holds for the session already."""
        self._in_force.setdefault(name, {})[field] = value

    async def stop_backend(self) -> None:
        """Ends the offline model."""
        await self._offline.stop()

    def kill_backend_now(self) -> None:
        """Ends the offline model without a loop, for interpreter exit."""
        self._offline.kill_now()

    def _directory(self) -> str:
        try:
            return self.cwd or str(Path.cwd())
        except FileNotFoundError:
            raise WorkingDirectoryError(
                "The kernel's working directory is gone. Say where to work: %claude --cwd DIR PROMPT"
            ) from None

    def _settle(self, name: str, session: Session) -> None:
        in_force, refused_options = session.options_in_force, session.refused_options
        for field, value in list(self._pending.get(name, {}).items()):
            if in_force is not None and getattr(in_force, field) == value:
                self.keep(name, field, self._pending[name].pop(field))
            elif refused_options is not None and getattr(refused_options, field) == value:
                del self._pending[name][field]
