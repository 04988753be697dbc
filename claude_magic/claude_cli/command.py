"""The command line and the environment of a session's process. Pure.

Every value that a user gives travels as `--flag=value` in one argument, so that one that begins with `-` is
never read as a flag. Prompts are no part of it: they go through stdin. Nor is what nobody else on the machine
may read, a persona and MCP servers with their keys: these go through files.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from claude_magic.claude_cli.locate import FLOOR
from claude_magic.errors import UsageError
from claude_magic.options import Options, checked_id, is_json, server_names
from claude_magic.support.paths import absolute, notebook_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from claude_magic.schema import Schema

__all__ = ["CHECKPOINTS", "NESTING_VARIABLES", "SINCE", "assumed_version", "build_argv", "build_env"]

CONFIG = "CLAUDE_CONFIG_DIR"
# Without it there is no `rewind_files`; at a terminal the CLI has it by itself.
CHECKPOINTS = "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING"
# One tool for the whole to-do list, in both generations; by itself 2.1.332 has none, and 2.1.191 one an item.
_TODO_LIST = {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1", "CLAUDE_CODE_ENABLE_TASKS": "0"}
_STREAMING = (
    "--output-format=stream-json",
    "--input-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--replay-user-messages",
    "--permission-prompt-tool=stdio",
)

# Flags that an earlier CLI may not know, which then ends with "unknown option". Newest first.
SINCE = {
    # Without it a resumed conversation keeps its old system prompt; measured: 2.1.191 does not.
    "--system-prompt-snapshot": (2, 1, 327),
    # What people's own hooks say: 2.1.191 tells it in no other way.
    "--include-hook-events": (2, 1, 191),
}

# Without it a resumed conversation goes on with the model of its last answer (measured: 2.1.191, 2.1.332).
DEFAULT_MODEL = "default"

# What 2.1.191 and 2.1.327 set for their children, by which a CLI takes itself for part of another session.
NESTING_VARIABLES = frozenset(
    {
        "AI_AGENT",
        "CLAUDECODE",
        "CLAUDE_CODE_CHILD_NOTES_DIR",
        "CLAUDE_CODE_CHILD_SESSION",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_EXECPATH",
        "CLAUDE_CODE_MESSAGING_SOCKET",
        "CLAUDE_CODE_MESSAGING_TOKEN",
        "CLAUDE_CODE_SESSION_ATTENDED",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_SSE_PORT",
        "CLAUDE_EFFORT",
        "CLAUDE_PID",
    }
)


def build_argv(
    cli: Path,
    options: Options,
    *,
    session_id: str,
    resume: bool,
    version: tuple[int, ...],
    keep: Callable[[str], str],
    forked_from: str | None = None,
    schema: Schema | None = None,
) -> list[str]:
    """The argument list of a session's process.

    Args:
        cli: The program, as an absolute path.
        options: What the session was told.
        session_id: The conversation's id, a UUID.
        resume: Whether the conversation exists already.
        version: The CLI's version, or the one that it is taken for.
        keep: Writes a text to a file that only the user can read, and gives its path.
        forked_from: The conversation that this one begins as a copy of; that one stays as it is.
        schema: What the answers have to hold; every one that the process gives.

    Raises:
        UsageError: A value cannot be part of a command line, or the id is none.
    """
    start = "--resume" if resume else "--session-id"
    flags = [(start, checked_id(session_id)), *_flags(options, keep)]
    if options.model is None and (resume or forked_from is not None):
        flags.append(("--model", DEFAULT_MODEL))
    if schema is not None:
        flags.append(("--json-schema", schema.text))
    switches: tuple[str, ...] = _STREAMING
    if forked_from is not None:  # measured: both generations give the copy the id that they are told
        flags = [("--resume", checked_id(forked_from)), *flags]
        switches += ("--fork-session",)
    if version >= SINCE["--include-hook-events"]:
        switches += ("--include-hook-events",)
    if version >= SINCE["--system-prompt-snapshot"]:
        flags.append(("--system-prompt-snapshot", "off"))
    return [str(cli), *switches, *(_argument(flag, value) for flag, value in flags)]


def check_server_names(options: Options) -> None:
    """Sees to it that no server of the person's is called like one of ours; may read files.

    Of two of one name the CLI takes the last, ours, and does not say so (measured: 2.1.191, 2.1.332).

    Raises:
        UsageError: One is.
    """
    ours = {server.name for server in options.servers}
    for name in (each for value in options.mcp_config for each in server_names(value) or ()):
        if name in ours:
            raise UsageError(f"--mcp-config has a server {name!r}, and so has claude_magic. Rename yours.")


def assumed_version(refusal: str = "") -> tuple[int, ...] | None:
    """What a CLI of unknown version is taken for: the newest, until it has refused a flag.

    Args:
        refusal: Its last words.

    Returns:
        The version, older with each flag; None if it refused none.
    """
    ladder = [*SINCE.values(), FLOOR]
    if not refusal:
        return ladder[0]
    positions = [number for number, flag in enumerate(SINCE) if flag in refusal]
    return ladder[positions[-1] + 1] if positions else None


def build_env(options: Options, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a session's process.

    Args:
        options: What the session was told; its `env` comes on top.
        base: The kernel's own environment. What it says about a Claude session around the kernel is left out.

    Returns:
        The environment, with this Python's folder first on PATH, so that `python` means the kernel's own.

    Raises:
        UsageError: A name or a value cannot be part of an environment.
    """
    env = {name: value for name, value in base.items() if name not in NESTING_VARIABLES} | dict(options.env)
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"The environment variable {name[:60]!r} has a NUL or an impossible name.")
    env = {CHECKPOINTS: "1", **_TODO_LIST, **env}
    if env.get(CONFIG):  # the CLI would count a relative one from the session's folder
        env[CONFIG] = str(absolute(env[CONFIG], notebook_folder()))
    env["PATH"] = os.pathsep.join(_with_python_first(env.get("PATH", os.defpath).split(os.pathsep)))
    return env


def _flags(options: Options, keep: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    yield from _pairs("--model", [options.model])
    yield from _pairs("--permission-mode", [options.permission_mode])
    # One flag a rule (measured with both generations): a rule may itself hold commas and spaces.
    yield from _pairs("--allowedTools", (*options.allow, *_readers(options)))
    yield from _pairs("--disallowedTools", options.deny)
    yield from _pairs("--add-dir", options.add_dirs)
    yield from _prompt_flag(options, keep)
    yield from _pairs("--mcp-config", (_mcp_config(value, keep) for value in options.mcp_config))
    yield from _own_servers(options)
    yield from _pairs("--effort", [options.effort])
    yield from _pairs("--setting-sources", [options.setting_sources])


def _pairs(flag: str, values: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    return ((flag, value) for value in values if value is not None)


def _prompt_flag(options: Options, keep: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The note alone is no secret; a persona is the person's own, and may be longer than an argument."""
    if options.system:
        text = "\n\n".join(text for text in (options.note, options.system) if text)
        yield "--append-system-prompt-file", keep(_valid("--system", text))
    elif options.note:
        yield "--append-system-prompt", options.note


def _mcp_config(value: str, keep: Callable[[str], str]) -> str:
    """A path as it is; JSON holds keys."""
    return keep(_valid("--mcp-config", value)) if is_json(value) else value


def _readers(options: Options) -> Iterator[str]:
    """Our own tools that change nothing ask nobody."""
    return (rule for server in options.servers for rule in server.readers)


def _own_servers(options: Options) -> Iterator[tuple[str, str]]:
    """Those in our own process hold no keys."""
    servers = {server.name: server.declaration for server in options.servers if server.tools}
    if servers:
        yield "--mcp-config", json.dumps({"mcpServers": servers})


def _argument(flag: str, value: str) -> str:
    return f"{flag}={_valid(flag, value)}"


def _valid(flag: str, value: str) -> str:
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise UsageError(f"{flag} holds a character that cannot be passed on; remove it.") from None
    if "\0" in value:
        raise UsageError(f"{flag} holds a NUL character; remove it.")
    return value


def _with_python_first(folders: list[str]) -> list[str]:
    own = str(Path(sys.executable).parent)
    return [own, *(folder for folder in folders if folder not in {"", own})]
