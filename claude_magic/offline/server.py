"""The Messages API on loopback, answered from a scenario.

Each connection has a thread. A client that hangs up is noticed before the next piece of an answer is sent
and during every pause, so that an aborted request is logged as aborted. Keys are never logged.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TextIO
from urllib.parse import urlsplit

from claude_magic.errors import UsageError
from claude_magic.offline.conversation import Conversation, is_auxiliary, word_count
from claude_magic.offline.parts import Error, Part, Pause, Text, Tool
from claude_magic.offline.sample import sample
from claude_magic.offline.scenario import Scenario
from claude_magic.offline.stream import Reply, error_body

__all__ = ["RequestLog", "Server"]

_DATA_TOOL = "StructuredOutput"  # by which the CLI takes an answer that has to fit a schema
_LOOK_AGAIN = 0.02  # seconds between two looks for a file
_NO_PAUSE = Pause(0)
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key"}


class RequestLog:
    """JSON lines on what arrived and what became of it; does nothing without a file.

    Args:
        path: File to append to, created for the user alone.

    Raises:
        UsageError: The file cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = Lock()
        self._stream = None if path is None else _private(path)

    def write(self, **fields: object) -> None:
        """Appends a line."""
        with self._lock:
            if self._stream is not None:
                self._stream.write(json.dumps(fields) + "\n")
                self._stream.flush()

    def close(self) -> None:
        """Ends the log; later lines are dropped."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
            self._stream = None


class Server(ThreadingHTTPServer):
    """The server. It answers while `serve_forever` runs.

    Args:
        scenario: What it answers from.
        log: What it writes down.
        port: The port on 127.0.0.1; any free one if 0.
    """

    daemon_threads = True

    def __init__(self, scenario: Scenario, log: RequestLog, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.log = log
        self.numbers = count(1)
        self._scenario = scenario
        self._failures: Counter[tuple[object, ...]] = Counter()
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def parts(self, body: Mapping[str, object], conversation: Conversation) -> tuple[str, tuple[Part, ...]]:
        """The name of the rule that fits a request, and what it answers."""
        if is_auxiliary(body):
            return "auxiliary", (Text(_schema_answer(body)),)
        rule, groups = self._scenario.find(conversation.prompt)
        is_over = conversation.step >= len(rule.steps)
        parts = (_data(body) if is_over else ()) or rule.answer(
            conversation.step, conversation.names | groups
        )
        # Retries repeat a request as it was; the same prompt asked later comes in a longer conversation.
        key = (
            str(body.get("metadata")),
            conversation.length,
            conversation.step,
            rule.name,
            conversation.prompt,
        )
        return rule.name, tuple(
            part for part in parts if not (isinstance(part, Error) and self._is_over(part, key))
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing about a client that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # object is what we promise

    def _is_over(self, error: Error, key: tuple[object, ...]) -> bool:
        if not error.times:
            return False
        with self._lock:
            self._failures[key] += 1
            return self._failures[key] > error.times


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        """The CLI looks whether anybody is there."""
        self._send(200)

    def do_GET(self) -> None:
        """There is nothing to get."""
        self._send(404, error_body(Error(404, "not_found_error", "There is nothing here.")))

    def do_POST(self) -> None:
        """A request to the model."""
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        try:
            body = json.loads(data)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._send(400, error_body(Error(400, "invalid_request_error", "The body is no JSON object.")))
        elif path == "/v1/messages/count_tokens":
            self._send(200, {"input_tokens": word_count(body)})
        elif path == "/v1/messages":
            self._answer(body)
        else:
            self._send(404, error_body(Error(404, "not_found_error", "There is nothing here.")))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Nothing on stderr."""

    def _answer(self, body: dict[str, object]) -> None:
        number, conversation = next(self.server.numbers), Conversation.from_body(body)
        rule, parts = self.server.parts(body, conversation)
        headers = {name: text for name, text in self.headers.items() if name.lower() not in _SECRET_HEADERS}
        self.server.log.write(
            id=number,
            path=self.path,
            prompt=conversation.prompt,
            rule=rule,
            step=conversation.step,
            body=body,
            headers=headers,
        )
        try:
            self._reply(
                parts, Reply(parts, str(body.get("model", "")), word_count(body)), body.get("stream") is True
            )
        except ConnectionError:
            self.close_connection = True
            self.server.log.write(id=number, end="aborted")
        else:
            self.server.log.write(id=number, end="complete")

    def _reply(self, parts: tuple[Part, ...], reply: Reply, streamed: bool) -> None:  # noqa: FBT001  # as asked
        if isinstance(parts[0], Error):
            self._send(parts[0].status, error_body(parts[0]))
        elif streamed:
            self._stream(reply)
        else:
            for item in reply.events():
                self._pause(item if isinstance(item, Pause) else _NO_PAUSE)
            self._send(200, reply.message())

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for item in reply.events():
            self._pause(item if isinstance(item, Pause) else _NO_PAUSE)
            if not isinstance(item, Pause):
                self.wfile.write(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n".encode())

    def _pause(self, pause: Pause) -> None:
        if not pause.until:
            self._wait(pause.seconds)
        while pause.until and not Path(pause.until).exists():
            self._wait(_LOOK_AGAIN)

    def _wait(self, seconds: float | None) -> None:
        """Lets time pass. A client that waits for its answer sends nothing: what can be read is its end."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable:
            raise ConnectionAbortedError

    def _send(self, status: int, body: Mapping[str, object] | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _schema_answer(body: Mapping[str, object]) -> str:
    """The JSON for what the CLI asks for itself, a title as a rule."""
    schema: object = body
    for key in ("output_config", "format", "schema"):
        schema = schema.get(key) if isinstance(schema, Mapping) else None
    return json.dumps(sample(schema) or {})


def _data(body: Mapping[str, object]) -> tuple[Part, ...]:
    """Made-up data, where the answer has to fit a schema; () where it has not."""
    tools = body.get("tools")
    tools = [tool for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    schema = next((tool.get("input_schema") for tool in tools if tool.get("name") == _DATA_TOOL), None)
    return () if schema is None else (Tool(_DATA_TOOL, sample(schema) or {}),)


def _private(path: Path) -> TextIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The log {path} cannot be written: {error.strerror}.") from None
