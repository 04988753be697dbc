"""One `claude` process: a `ChildProcess` that speaks the CLI's protocol.

The promise: from `start()` on, both directions run at once. Events reach `deliver` in order, one at a time,
as fast as it takes them (the pipe holds the CLI back). Whatever ends the process, every pending control
request fails at once, with the reason, and either `start()` raises or, if it had returned, `on_exit` tells.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from claude_magic.claude_cli.checks import directory
from claude_magic.claude_cli.command import assumed_version, build_argv, build_env, check_server_names
from claude_magic.claude_cli.locate import find_cli, parse_version, version_warning
from claude_magic.claude_cli.version import ask_version
from claude_magic.control_characters import one_line
from claude_magic.errors import (
    ClaudeMagicError,
    ControlTimeoutError,
    ProcessEndedError,
    StartError,
    WireError,
)
from claude_magic.hooks import Hook, HookReply, Step, declared
from claude_magic.options import Options
from claude_magic.processes.child import ChildProcess, StopReport
from claude_magic.processes.exit_reason import exit_cause
from claude_magic.processes.manager import ProcessManager, default_manager
from claude_magic.processes.private_files import PrivateFiles
from claude_magic.processes.spawn_options import SpawnOptions
from claude_magic.schema import Schema
from claude_magic.support.redact import redact
from claude_magic.tool_server import tools_of
from claude_magic.tools import ToolKind, names_of
from claude_magic.wire.control import ControlChannel
from claude_magic.wire.events import (
    Diagnostic,
    Event,
    SystemInit,
    decode,
)
from claude_magic.wire.framing import LineFramer, encode

__all__ = ["ClaudeProcess"]

EXIT_WAIT = 1.0  # seconds between the end of a pipe and the exit
CONTROL_TIMEOUT = 30.0  # seconds for an answer to a control request

_log = logging.getLogger(__name__)
_versions: dict[tuple[str, float], str] = {}
_assumed_versions: dict[tuple[str, float], tuple[int, ...]] = {}  # where the version is not known


async def _go_on(_: Step) -> HookReply:
    return HookReply()


_AFTER_EDITS = Hook(event="PostToolUse", matcher="|".join(names_of(ToolKind.EDIT)), answer=_go_on)
"""Has each edit told, whether or not somebody else asks: for what a turn has changed."""


class ClaudeProcess:
    """A `claude` process and its conversation on the wire.

    Args:
        options: The session's options.
        session_id: The conversation's id, a UUID.
        resume: The conversation exists and goes on; otherwise it begins.
        forked_from: The conversation that it begins as a copy of.
        schema: What its answers have to hold.
        deliver: Called with every event that is not about control requests.
        on_exit: Called once, after a start that succeeded, when nothing more will come, with the reason.
        manager: Who starts and registers it; this kernel's if None.
    """

    def __init__(
        self,
        options: Options,
        *,
        session_id: str,
        resume: bool,
        forked_from: str | None = None,
        schema: Schema | None = None,
        deliver: Callable[[Event], None],
        on_exit: Callable[[ClaudeMagicError], None],
        manager: ProcessManager | None = None,
    ) -> None:
        self.options = options
        self.session_id = session_id
        self.resume = resume
        self.forked_from = forked_from
        self.schema = schema
        self.tools = tools_of(options.servers)  # our own, as they are when it starts
        self.control = ControlChannel(self._send)
        self.warnings: list[str] = []
        self.info: dict[str, object] = {}
        self.permission_mode: str = options.permission_mode or "default"  # in force
        self._deliver = deliver
        self._on_exit = on_exit
        self._manager = manager or default_manager()
        self._id = f"claude-{uuid.uuid4().hex}"
        self._child: ChildProcess | None = None
        self._reader: asyncio.Task[None] | None = None
        self._redact: Callable[[str], str] = str
        self._program = ("", 0.0)  # path and modification time
        self._started = False

    @property
    def written_after(self) -> float:
        """A moment before the process wrote what is handled now, however late that is; seconds since 1970."""
        return self._child.written_after if self._child is not None else 0.0

    @property
    def is_running(self) -> bool:
        """The process lives."""
        return self._child is not None and self._child.is_running

    @property
    def pid(self) -> int | None:
        """The process id; None before the start."""
        return self._child.pid if self._child else None

    @property
    def returncode(self) -> int | None:
        """The exit code; None while the process runs or before the start."""
        return self._child.returncode if self._child else None

    @property
    def initial_mode(self) -> str:
        """The permission mode at the start, or "" if the CLI does not tell."""
        return str(self.info.get("current_permission_mode") or "")

    async def start(self) -> None:
        """Finds the CLI, spawns it and waits until it has answered `initialize`.

        Raises:
            CLINotFoundError: There is no usable CLI.
            WorkingDirectoryError: The folder does not exist.
            InUseError: Another live process speaks for the conversation.
            StartError: It could not be spawned, ended at once, or did not answer within `start_timeout`;
                in the last two cases nothing is left of it.
        """
        if self._child is not None:
            raise StartError("This process was started before.")
        cwd = directory(self.options)
        cli = find_cli(self.options.cli)
        env = build_env(self.options, os.environ)
        await asyncio.to_thread(check_server_names, self.options)
        self._program = _build_of(cli.path)
        version = parse_version(await self._probe(env))
        with PrivateFiles() as files:
            argv = build_argv(
                cli.path,
                self.options,
                session_id=self.session_id,
                resume=self.resume,
                forked_from=self.forked_from,
                schema=self.schema,
                version=version or _assumed_versions.get(self._program) or assumed_version() or (),
                keep=files.keep,
            )
            await self._begin(SpawnOptions(self._id, argv[0], tuple(argv[1:]), cwd, env))
        self._started = True

    async def _begin(self, options: SpawnOptions) -> None:
        self._redact = partial(redact, env=options.env)
        self._child = await self._manager.open(options, session_id=self.session_id, redact=self._redact)
        self.warnings += self._manager.registry.notices()
        self._reader = asyncio.create_task(self._read(self._child), name="claude_magic reader")
        try:
            await self._initialize(self._reader)
        except BaseException:
            await self.kill()
            raise

    async def _initialize(self, reader: asyncio.Task[None]) -> None:
        timeout, hooks = self.options.start_timeout, declared((*self.options.hooks, _AFTER_EDITS))
        try:
            self.info = await self.control.request("initialize", timeout=timeout, hooks=hooks)
            self.permission_mode = self.initial_mode or self.permission_mode
        except ControlTimeoutError:
            raise StartError(
                f"claude did not answer within {timeout:g} s and was stopped. Try again, or raise "
                "%config ClaudeMagics.start_timeout."
            ) from None
        except ProcessEndedError:
            await asyncio.wait({reader}, timeout=EXIT_WAIT)  # once all is read the cause is known
            raise self._early_end() from None
        if reader.done():
            raise self._early_end()

    def _early_end(self) -> StartError:
        cause = self.cause()
        if older := assumed_version(cause):
            _assumed_versions[self._program] = older
        return StartError(f"claude ended while starting ({cause}).")

    async def send_user(self, content: str | list[dict[str, object]], uuid: str) -> None:
        """Sends a prompt; it comes back with the same `uuid` once the CLI has recorded it.

        Raises:
            ProcessEndedError: The process no longer reads.
        """
        await self._send(
            {
                "type": "user",
                "uuid": uuid,
                "message": {"role": "user", "content": content},
                "parent_tool_use_id": None,
                "session_id": "default",
            }
        )

    async def request(
        self,
        subtype: str,
        *,
        timeout: float = CONTROL_TIMEOUT,  # noqa: ASYNC109  # names the request in its error
        **fields: object,
    ) -> dict[str, object]:
        """A control request of ours.

        Raises:
            ControlError: The CLI refused, or did not answer within `timeout` seconds.
            ProcessEndedError: The process ended first.
        """
        answer = await self.control.request(subtype, timeout=timeout, **fields)
        if subtype == "set_permission_mode":
            self.permission_mode = str(answer.get("mode") or fields.get("mode") or self.permission_mode)
        return answer

    def reports(self, event: SystemInit) -> None:
        """Takes in what the process says of itself as a turn begins: its version."""
        if parse_version(event.claude_code_version):
            _versions.setdefault(self._program, event.claude_code_version)

    def speaks_for(self, session_id: str) -> None:
        """The process has gone on to another conversation, as after `/clear`."""
        self.session_id = session_id
        self._manager.converses(self._id, session_id)

    async def stop(self, timeout: float = 5.0) -> StopReport | None:  # noqa: ASYNC109  # a rung, not an error
        """Ends the process by the ladder of `ChildProcess.stop`; None if it was never started."""
        return await self._end(lambda child: child.stop(timeout))

    async def kill(self) -> StopReport | None:
        """Ends the process tree at once."""
        return await self._end(lambda child: child.kill())

    def kill_now(self) -> None:
        """Ends the process tree without a loop, for interpreter exit."""
        if self._child is not None:
            self._child.kill_now()

    def stderr_tail(self, lines: int = 3) -> list[str]:
        """The last lines of stderr, redacted."""
        return self._child.stderr_tail(lines) if self._child else []

    def escaped(self) -> dict[int, str]:
        """What the process started that has left its tree and still runs: names by pid."""
        return self._child.escaped() if self._child else {}

    def cause(self) -> str:
        """How the process ended, in words."""
        return exit_cause(self.returncode, self.stderr_tail())

    async def _end(self, how: Callable[[ChildProcess], Awaitable[StopReport]]) -> StopReport | None:
        if self._child is None:
            return None
        report = await how(self._child)
        if self._reader is not None and self._reader is not asyncio.current_task():
            await asyncio.wait({self._reader})
        return report

    async def _send(self, message: dict[str, object]) -> None:
        if self._child is None:
            raise ProcessEndedError("claude is not running.")
        if not await self._child.write(encode(message)):
            await self._child.stop()  # if it lives on without reading it is of no more use
            raise ProcessEndedError(f"claude ended ({self.cause()}).")

    async def _read(self, child: ChildProcess) -> None:
        framer = LineFramer(self.options.line_limit)
        error: ClaudeMagicError | None = None
        try:
            while chunk := await child.read():
                for line in framer.feed(chunk):
                    self._handle(decode(line))
                await asyncio.sleep(0)  # more may be there already: let others run in between
            self._last_line(framer.flush())
        except WireError as wire_error:
            error = wire_error
            await asyncio.gather(child.kill(), _discard(child))
        finally:
            await self._end_of_output(child, error)

    def _last_line(self, rest: bytes | None) -> None:
        """A last line without its newline counts if it is whole; a truncated one is part of the exit."""
        if rest is not None and not isinstance(event := decode(rest), Diagnostic):
            self._handle(event)

    async def _end_of_output(self, child: ChildProcess, error: ClaudeMagicError | None) -> None:
        if await child.wait(EXIT_WAIT) is None:  # it closed stdout and lives on: of no more use
            await child.kill()
        await child.wait_closed()
        reason = error or ProcessEndedError(f"claude ended ({self.cause()}).")
        self.control.fail(ProcessEndedError(str(reason)))
        self.control.close()
        if self._started:
            self._on_exit(reason)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Diagnostic) and event.kind == "noise":
            _log.debug("claude wrote what is no message: %s", self._redact(one_line(event.text)))
        elif not self.control.handle(event):
            self._deliver(event)

    async def _probe(self, env: dict[str, str]) -> str:
        """The CLI's version, asked once for each build of the program; "" if it does not tell this time."""
        if self._program not in _versions:
            text = await ask_version(Path(self._program[0]), env)
            if parse_version(text) is None:
                return ""
            _versions[self._program] = text
            if warning := version_warning(text):
                self.warnings.append(warning)
        return _versions[self._program]


def _build_of(cli: Path) -> tuple[str, float]:
    return str(cli), cli.stat().st_mtime  # just looked at: in the cache


async def _discard(child: ChildProcess) -> None:
    while await child.read():
        pass
