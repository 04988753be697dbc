"""Tools that run in our own process: an MCP server that the CLI reaches by its control requests. Pure.

The CLI asks in JSON-RPC, one message a control request, and waits for each answer: no socket, no process.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from msgspec import Struct

__all__ = [
    "JSON",
    "Call",
    "Content",
    "Preview",
    "Tool",
    "ToolError",
    "ToolServer",
    "Watcher",
    "text",
    "tools_of",
]

JSON = dict[str, object]
Content = JSON
"""A content block of MCP: text, or an image in base64."""

_log = logging.getLogger(__name__)
_PROTOCOL = "2025-06-18"  # the version of MCP spoken to one that names none
_CALL_ID = "claudecode/toolUseId"  # in what the CLI sends with a call (2.1.191, 2.1.332)
_NO_METHOD, _NO_TOOL, _BROKEN = -32601, -32602, -32603  # JSON-RPC's codes


def _nothing() -> None:
    """Nobody watches."""


class Preview(Struct, frozen=True, kw_only=True):
    """What a call changes in a text, for whoever is asked for leave and whoever looks at it later.

    Args:
        about: Which text it is, in a sentence.
        before: The text as it was; "" for a new one.
        after: The text as it is then; "" for one that is taken away.
        line: Where both begin, if they are a part of it.
    """

    about: str = ""
    before: str = ""
    after: str = ""
    line: int = 1


class Watcher(Struct, frozen=True, kw_only=True):
    """Who watches the calls.

    Args:
        tell: Takes the id of a call, and text that it gives while it runs.
        show: Takes the id of a call, and what it has changed.
        interrupt: Ends the turn.
    """

    tell: Callable[[str, str], object] = lambda _call_id, _text: None
    show: Callable[[str, Preview], object] = lambda _call_id, _preview: None
    interrupt: Callable[[], object] = _nothing


class ToolError(Exception):
    """What went wrong, for Claude.

    Args:
        message: It, in words.
        more: Content blocks that go with it.
    """

    def __init__(self, message: str, more: Iterable[Content] = ()) -> None:
        super().__init__(message)
        self.content = [text(message), *more]


class Call(Struct, frozen=True, kw_only=True):
    """A tool call.

    Args:
        id: The call's id, as the transcript has it; "" if it is not known.
        input: What it was given.
        tell: Takes what comes of it while it runs, for whoever watches; also from a thread.
        show: Takes what it has changed.
        interrupt: Ends the turn: the person has interrupted the tool.
    """

    id: str
    input: JSON
    tell: Callable[[str], object] = lambda _text: None
    show: Callable[[Preview], object] = lambda _preview: None
    interrupt: Callable[[], object] = _nothing

    def text(self, name: str) -> str:
        """A part of the input that has to be text.

        Raises:
            ToolError: It is none.
        """
        value = self.input.get(name)
        if not isinstance(value, str):
            raise ToolError(f"{name} has to be text.")
        return value


class Tool(Struct, frozen=True, kw_only=True):
    """A tool that Claude may call.

    Args:
        name: Claude knows it as `mcp__SERVER__NAME`.
        description: What it is for and when to use it, for Claude.
        schema: The JSON schema of its input, an object.
        call: Does it; raises ToolError for what Claude should hear.
        only_reads: It changes nothing, so nobody is asked.
        preview: What a call would change, for the question whether it may; raises ToolError where it could
            not be done, so that nobody is asked for nothing.
    """

    name: str
    description: str
    schema: Mapping[str, object]
    call: Callable[[Call], Awaitable[list[Content]]]
    only_reads: bool = False
    preview: Callable[[Call], Awaitable[Preview]] | None = None

    @property
    def listing(self) -> JSON:
        """The tool as `tools/list` has it; without `_meta` 2.1.332 hides it behind a search for tools."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": dict(self.schema),
            "annotations": {"readOnlyHint": self.only_reads},
            "_meta": {"anthropic/alwaysLoad": True},
        }


class ToolServer:
    """The tools under one name.

    Args:
        name: The server's.
        tools: Its tools at the beginning; `tools` may change, and a session's next prompt then starts another
            process.
    """

    def __init__(self, name: str, tools: Iterable[Tool] = ()) -> None:
        self.name = name
        self.tools = {tool.name: tool for tool in tools}

    @property
    def declaration(self) -> JSON:
        """What `mcp_set_servers` and `--mcp-config` call it."""
        return {"type": "sdk", "name": self.name}

    @property
    def listing(self) -> list[JSON]:
        """Its tools, as `tools/list` has them."""
        return [tool.listing for tool in self.tools.values()]

    @property
    def prefix(self) -> str:
        """What the CLI's names of the tools begin with."""
        return f"mcp__{self.name}__"

    @property
    def readers(self) -> tuple[str, ...]:
        """The rules that allow what only reads."""
        return tuple(f"{self.prefix}{tool.name}" for tool in self.tools.values() if tool.only_reads)

    def called(self, name: str) -> Tool | None:
        """The tool that Claude knows by a name, if it is one of this server's."""
        return self.tools.get(name.removeprefix(self.prefix)) if name.startswith(self.prefix) else None

    async def answer(self, message: Mapping[str, object], watcher: Watcher) -> JSON:
        """The answer to one message of JSON-RPC; to a notification, which wants none, an empty one."""
        if "id" not in message:
            return {"jsonrpc": "2.0", "result": {}}
        params = message.get("params")
        outcome = await self._outcome(
            message.get("method"), params if isinstance(params, dict) else {}, watcher
        )
        return {"jsonrpc": "2.0", "id": message["id"], **outcome}

    async def _outcome(self, method: object, params: JSON, watcher: Watcher) -> JSON:
        match method:
            case "initialize":
                return {"result": self._introduction(params)}
            case "ping":
                return {"result": {}}
            case "tools/list":
                return {"result": {"tools": self.listing}}
            case "tools/call":
                return await self._call(params, watcher)
            case _:
                return _error(_NO_METHOD, f"Unknown method: {method!s:.60}")

    def _introduction(self, params: JSON) -> JSON:
        return {
            "protocolVersion": params.get("protocolVersion", _PROTOCOL),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": self.name, "version": "1"},
        }

    async def _call(self, params: JSON, watcher: Watcher) -> JSON:
        tool, meta, arguments = (
            self.tools.get(str(params.get("name"))),
            params.get("_meta"),
            params.get("arguments"),
        )
        if tool is None:
            return _error(_NO_TOOL, f"Unknown tool: {params.get('name')!s:.60}")
        call_id = str(meta.get(_CALL_ID) or "") if isinstance(meta, dict) else ""
        call = Call(
            id=call_id,
            input=arguments if isinstance(arguments, dict) else {},
            tell=partial(watcher.tell, call_id),
            show=partial(watcher.show, call_id),
            interrupt=watcher.interrupt,
        )
        try:
            return {"result": {"content": await tool.call(call)}}
        except ToolError as error:
            return {"result": {"content": error.content, "isError": True}}
        except Exception as error:  # noqa: BLE001  # whatever a tool does, Claude waits for an answer
            _log.debug("The tool %s failed", tool.name, exc_info=True)
            return _error(_BROKEN, f"{tool.name} failed: {type(error).__name__}")


def tools_of(servers: Iterable[ToolServer]) -> list[JSON]:
    """The tools of several servers, as the CLI knows them."""
    return [tool | {"server": server.name} for server in servers for tool in server.listing]


def text(content: str) -> Content:
    """A content block of text."""
    return {"type": "text", "text": content}


def _error(code: int, message: str) -> JSON:
    return {"error": {"code": code, "message": message}}
