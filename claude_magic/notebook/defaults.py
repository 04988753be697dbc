"""What holds for every session of a notebook unless a magic says otherwise: `%config ClaudeMagics.…`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traitlets import Bool, Enum, Float, Int, TraitError, Unicode, validate
from traitlets.config import Configurable

from claude_magic import offline
from claude_magic.claude_cli.locate import find_cli
from claude_magic.errors import CLINotFoundError, WorkingDirectoryError
from claude_magic.notebook.backend import BACKENDS, default_backend
from claude_magic.notebook.sessions import NOTE
from claude_magic.options import PERMISSION_MODES, Options
from claude_magic.support.paths import absolute, check_folder, notebook_folder

__all__ = ["Defaults"]


class Defaults(Configurable):
    """The defaults, as traits."""

    backend = Enum(
        BACKENDS,
        default_backend(),
        help="Where answers come from: claude (your own login) or offline (a scripted model).",
    ).tag(config=True)
    model = Unicode(None, allow_none=True, help="Model: opus, sonnet, haiku, or a full name.").tag(
        config=True
    )
    permission_mode = Enum(
        PERMISSION_MODES, None, allow_none=True, help="Permission mode; bypassPermissions is never kept."
    ).tag(config=True)
    cwd = Unicode(None, allow_none=True, help="Working directory of new sessions; the kernel's if None.").tag(
        config=True
    )
    cli = Unicode(None, allow_none=True, help="Path of the program claude; found by itself if None.").tag(
        config=True
    )
    resume = Enum(("auto", "never"), "auto", help="After a kernel restart: go on, or begin anew.").tag(
        config=True
    )
    strict_init = Bool(
        default_value=False,
        help="Refuse to work where a project's settings give Claude more than was asked for.",
    ).tag(config=True)
    start_timeout = Float(30.0, help="Seconds a session may take to start.").tag(config=True)
    stop_timeout = Float(5.0, help="Seconds each step of ending a process may take.").tag(config=True)
    kill_after = Float(
        5.0, help="Seconds an interrupt may stay unanswered before the process is killed."
    ).tag(config=True)

    idle_timeout = Float(
        1800.0,
        allow_none=True,
        help="Seconds without work after which a process is ended; the next prompt resumes. 0: never.",
    ).tag(config=True)
    quiet_notice = Float(
        60.0, allow_none=True, help="Seconds of silence after which a running turn says so. 0: never."
    ).tag(config=True)

    recoveries = Int(
        3, min=0, help="Restarts within one turn after the process has ended by itself; 0 for none."
    ).tag(config=True)

    @validate("permission_mode")
    def _never_kept(self, proposal: Mapping[str, Any]) -> Any:
        if proposal["value"] == "bypassPermissions":
            raise TraitError(
                "bypassPermissions is never kept. Give it with each turn: --permission-mode bypassPermissions"
            )
        return proposal["value"]

    @validate("cwd", "cli")
    def _is_there(self, proposal: Mapping[str, Any]) -> str | None:
        value, name = proposal["value"], proposal["trait"].name
        try:
            path = absolute(value, notebook_folder()) if value else None
            if path and name == "cwd":
                check_folder("ClaudeMagics.cwd", path)
            elif path:
                find_cli(str(path))
        except (WorkingDirectoryError, CLINotFoundError) as error:
            raise TraitError(str(error)) from None
        return str(path) if path else None

    @property
    def label(self) -> str:
        """What is shown with every answer about where it comes from; "" for Claude itself."""
        return offline.LABEL if self.backend == "offline" else ""

    def directory(self) -> str:
        """Where a new session works.

        Raises:
            WorkingDirectoryError: The kernel's own directory is gone.
        """
        try:
            return self.cwd or str(Path.cwd())
        except FileNotFoundError:
            raise WorkingDirectoryError(
                "The kernel's working directory is gone. Say where to work: %claude --cwd DIR PROMPT"
            ) from None

    def options(self, env: Mapping[str, str], changes: Mapping[str, object]) -> Options:
        """The options of a session, with paths that were looked at when they were given.

        Args:
            env: Variables of the backend.
            changes: What was changed for this session.
        """
        return Options(
            cli=self.cli,
            model=self.model,
            permission_mode=self.permission_mode,
            resume=self.resume,
            strict_init=self.strict_init,
            start_timeout=self.start_timeout,
            stop_timeout=self.stop_timeout,
            kill_after=self.kill_after,
            recoveries=self.recoveries,
            idle_timeout=self.idle_timeout,
            quiet_notice=self.quiet_notice,
            env=env,
            label=self.label,
            note=NOTE,
            check_paths=False,
        ).with_(check_paths=False, **changes)
