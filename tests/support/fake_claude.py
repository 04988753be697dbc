#!/usr/bin/env python3
"""A `claude` that misbehaves on demand, for what the real one cannot be made to do.

It speaks the CLI's protocol as far as it must: it answers `initialize` and other control requests, replays
prompts, streams a short answer and ends the turn with a `result`. FAKE_CLAUDE lists what it does wrong,
separated by commas, values after `=`: FAKE_CLAUDE=ignore-eof,deltas=1000. BEHAVIOURS has them all.
Standard library only.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "2.1.327 (Claude Code)"
LIFETIME = 100  # seconds after which it ends whatever happens, so that no test leaves one behind
KNOWN_REQUESTS = {
    "apply_flag_settings",
    "get_context_usage",
    "initialize",
    "interrupt",
    "mcp_status",
    "set_model",
    "set_permission_mode",
}

JSON = dict[str, Any]


class SkipError(Exception):
    """A behaviour does without what would come next."""


class Fake:
    """One fake process: its options, its turn, its output."""

    def __init__(self, arguments: list[str], wanted: str) -> None:
        self.options = dict(argument.partition("=")[::2] for argument in arguments)
        self.behaviours = dict(item.partition("=")[::2] for item in wanted.split(",") if item)
        self.newline = b"\n"
        self.reply: Callable[[JSON], None] = self.emit
        self.text = ""
        self.turns = 0
        self.told: JSON = {}  # more of the answer to `initialize`
        self.interrupted = threading.Event()
        self.prompts: queue.SimpleQueue[JSON | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[JSON] = queue.SimpleQueue()
        self._writing = threading.Lock()

    @property
    def session_id(self) -> str:
        return self.options.get("--session-id") or self.options.get("--resume") or str(uuid.UUID(int=1))

    def at(self, moment: str) -> None:
        """Whatever is to go wrong at this moment goes wrong."""
        for name, value in list(self.behaviours.items()):
            moments, act = BEHAVIOURS[name]
            if moment in moments:
                act(self, value)

    def run(self) -> int:
        """Read stdin to its end, and the turns to theirs."""
        self.at("start")
        turns = threading.Thread(target=self._turns, daemon=True)
        turns.start()
        for line in sys.stdin.buffer:
            self._take(json.loads(line))
        self.at("eof")
        self.prompts.put(None)
        turns.join()
        return 0

    def write(self, data: bytes) -> None:
        """Bytes to stdout, all of them, unbuffered."""
        view = memoryview(data)
        with self._writing:
            while view:
                try:
                    view = view[os.write(1, view) :]
                except BrokenPipeError:
                    os._exit(1)

    def emit(self, *messages: JSON) -> None:
        """Messages, one a line, in one write."""
        self.write(b"".join(encoded(message) + self.newline for message in messages))

    def delta(self, *pieces: str) -> None:
        """Growth of the answer, one event a piece."""
        self.text += "".join(pieces)
        self.emit(
            *(stream("content_block_delta", index=0, delta={"type": "text_delta", "text": p}) for p in pieces)
        )

    def result(self) -> JSON:
        """What ends the turn."""
        stopped = self.interrupted.is_set()
        return {
            "type": "result",
            "subtype": "error_during_execution" if stopped else "success",
            "is_error": stopped,
            "result": None if stopped else self.text,
            "session_id": self.session_id,
            "total_cost_usd": 0.001 * self.turns,
            "num_turns": 1,
            "duration_ms": 1,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    def _take(self, message: JSON) -> None:
        match message["type"]:
            case "user":
                self.prompts.put(message)
            case "control_request":
                self._answer(message["request_id"], message["request"]["subtype"])
            case "control_response":
                self.answers.put(message["response"])

    def _answer(self, request_id: str, subtype: str) -> None:
        if subtype == "initialize":
            self.emit(success(request_id, {"commands": [], "models": [], "pid": os.getpid(), **self.told}))
            self.at("initialized")
        elif subtype not in KNOWN_REQUESTS:
            self.reply(refusal(request_id, subtype))
        else:
            self._obey(request_id, subtype)

    def _obey(self, request_id: str, subtype: str) -> None:
        try:
            self.at(subtype)
        except SkipError:
            return
        self.reply(success(request_id, {}))
        if subtype == "interrupt":  # the turn's thread may end the turn from here on
            self.interrupted.set()

    def _turns(self) -> None:
        while (prompt := self.prompts.get()) is not None:
            self.interrupted.clear()
            self._turn(prompt)

    def _turn(self, prompt: JSON) -> None:
        self.at("prompt")
        self.text = ""
        self.turns += 1
        self.emit(self._init(), {**prompt, "session_id": self.session_id, "isReplay": True})
        start = {"id": "msg_1", "role": "assistant", "model": "fake", "content": []}
        self.emit(stream("message_start", message=start))
        self.emit(stream("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        self.delta("You said: ", text_of(prompt))
        self.at("turn")
        self.emit(assistant(self.text), stream("content_block_stop", index=0), stream("message_stop"))
        self.at("result")
        self.emit(self.result())

    def _init(self) -> JSON:
        return {
            "type": "system",
            "subtype": "init",
            "session_id": self.session_id,
            "cwd": os.getcwd(),  # noqa: PTH109  # as text
            "model": self.options.get("--model", "fake"),
            "permissionMode": self.options.get("--permission-mode", "default"),
            "tools": ["Bash"],
            "mcp_servers": [],
            "claude_code_version": VERSION.partition(" ")[0],
        }


def encoded(message: JSON) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def stream(kind: str, **fields: object) -> JSON:
    return {"type": "stream_event", "event": {"type": kind, **fields}, "parent_tool_use_id": None}


def assistant(text: str) -> JSON:
    message = {"id": "msg_1", "role": "assistant", "content": [{"type": "text", "text": text}]}
    return {"type": "assistant", "message": message, "parent_tool_use_id": None}


def success(request_id: str, response: JSON) -> JSON:
    body = {"subtype": "success", "request_id": request_id, "response": response}
    return {"type": "control_response", "response": body}


def refusal(request_id: str, subtype: str) -> JSON:
    error = {"error": f"Unsupported control request subtype: {subtype}", "error_code": "unsupported_request"}
    return {"type": "control_response", "response": {"subtype": "error", "request_id": request_id, **error}}


def text_of(prompt: JSON) -> str:
    content = prompt["message"]["content"]
    return content if isinstance(content, str) else " ".join(block.get("text", "") for block in content)


def forever() -> NoReturn:
    while True:
        threading.Event().wait()


# What can go wrong: (when, what). A behaviour gets the fake and the text after its "=".


def ignore_sigterm(_: Fake, __: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def ignore(_: Fake, __: str) -> None:
    raise SkipError


def refuse_settings(_: Fake, __: str) -> None:
    KNOWN_REQUESTS.discard("apply_flag_settings")


def begins_wide(fake: Fake, _: str) -> None:
    """It begins in a mode that lets it do more, and keeps it."""
    fake.told = {"current_permission_mode": "acceptEdits"}
    KNOWN_REQUESTS.discard("set_permission_mode")


def no_way_back(fake: Fake, _: str) -> None:
    """What a turn has changed is not put back: the second request is not answered."""
    fake.behaviours["ignore-changes"] = ""


def silent(fake: Fake, _: str) -> None:
    sys.stdin.buffer.read()
    fake.at("eof")
    os._exit(0)


def exit_at_once(_: Fake, code: str) -> None:
    os.write(2, b"fake: could not start\n")
    os._exit(int(code))


def die_on_prompt(_: Fake, __: str) -> None:
    os._exit(3)


def close_stdout(_: Fake, __: str) -> None:
    os.close(1)
    forever()


def leak_at_once(_: Fake, __: str) -> None:
    secrets = " ".join(os.environ[name] for name in ("ANTHROPIC_API_KEY", "HOME"))
    os.write(2, f"fake: {secrets}/notes\n{'long ' * 1000}\n".encode())
    os._exit(1)


def half_line(fake: Fake, _: str) -> None:
    fake.write(b'{"type":"assistant","message":{"con')
    os._exit(1)


def long_line(fake: Fake, size: str) -> None:
    fake.emit(assistant("x" * (int(size) - len(encoded(assistant(""))))))


def endless_line(fake: Fake, _: str) -> None:
    fake.write(b'{"type":"assistant","x":"')
    while True:
        fake.write(b"x" * 65536)


def flood_stderr(_: Fake, size: str) -> None:
    block = (b"e" * 63 + b"\n") * 1024
    for left in range(int(size), 0, -len(block)):
        sys.stderr.buffer.write(block[:left])
    sys.stderr.flush()


def noise(fake: Fake, _: str) -> None:
    for line in (b"[SandboxDebug] ready", b"(node:1) Warning: something is old", b"", b"null and void"):
        fake.write(line + fake.newline)


def malformed(fake: Fake, _: str) -> None:
    fake.write(b'{"type":"assistant","message":}' + fake.newline)


def wrong_shapes(fake: Fake, _: str) -> None:
    deep = b'{"type":"new","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    shapes = (b"[]", b"null", b"5", b"{}", b'{"type":7}', b'{"type":"assistant","message":7}', deep)
    numbers = (b'{"type":"user","message":NaN}', b'{"type":"user","message":1' + b"0" * 400 + b"}")
    for line in (*shapes, *numbers):
        fake.write(line + fake.newline)


def bad_utf8(fake: Fake, _: str) -> None:
    line = encoded(assistant("TEXT")).replace(b"TEXT", b"caf\xe9 " + rb"\ud83c")
    fake.write(line + fake.newline)


def unknown_request(fake: Fake, _: str) -> None:
    request = {"subtype": "who_goes_there"}
    fake.emit({"type": "control_request", "request_id": "from-fake", "request": request})
    fake.text = json.dumps(fake.answers.get())


def unknown_events(fake: Fake, _: str) -> None:
    fake.emit({"type": "telepathy"}, {"type": "telepathy", "message": 7})
    fake.emit(stream("content_block_start", index=7, content_block={"type": "hologram"}))


def hold_stdout(_: Fake, __: str) -> None:
    code = f"import time; time.sleep({LIFETIME})"
    held = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.write(2, f"grandchild {held.pid}\n".encode())


def no_result(fake: Fake, _: str) -> None:
    fake.interrupted.wait()


def deltas(fake: Fake, count: str) -> None:
    for start in range(0, int(count), 500):
        fake.delta(*(f" w{number}" for number in range(start, min(start + 500, int(count)))))


def crlf(fake: Fake, _: str) -> None:
    fake.newline = b"\r\n"


def no_final_newline(fake: Fake, _: str) -> None:
    fake.write(encoded(fake.result()))
    os._exit(0)


def late_response(fake: Fake, _: str) -> None:
    """The first answer comes when there is a second, and twice, and with one that nobody asked for."""

    def second_and_later(reply: JSON) -> None:
        fake.reply = fake.emit
        fake.emit(*held, *held, success("never-asked", {}), reply)

    def first(reply: JSON) -> None:
        held.append(reply)
        fake.reply = second_and_later

    held: list[JSON] = []
    fake.reply = first


def garbled_version(_: Fake, __: str) -> None:
    os.write(1, b"\x1b[31mclaude, \xff probably\n")
    os._exit(0)


BEHAVIOURS: dict[str, tuple[set[str], Callable[[Fake, str], None]]] = {
    "bad-utf8": ({"turn"}, bad_utf8),
    "begins-wide": ({"start"}, begins_wide),
    "close-stdout": ({"turn"}, close_stdout),
    "crlf": ({"start"}, crlf),
    "deltas": ({"turn"}, deltas),
    "die-on-prompt": ({"prompt"}, die_on_prompt),
    "endless-line": ({"turn"}, endless_line),
    "exit": ({"start"}, exit_at_once),
    "flood-stderr": ({"turn"}, flood_stderr),
    "garbled-version": ({"version"}, garbled_version),
    "half-line": ({"turn"}, half_line),
    "hang-version": ({"version"}, lambda *_: forever()),
    "hold-stdout": ({"start"}, hold_stdout),
    "ignore-changes": ({"set_permission_mode"}, ignore),
    "ignore-eof": ({"eof"}, lambda *_: forever()),
    "ignore-interrupt": ({"interrupt"}, ignore),
    "ignore-sigterm": ({"start"}, ignore_sigterm),
    "leak": ({"start"}, leak_at_once),
    "late-response": ({"start"}, late_response),
    "long-line": ({"turn"}, long_line),
    "malformed": ({"turn"}, malformed),
    "no-way-back": ({"turn"}, no_way_back),
    "no-final-newline": ({"result"}, no_final_newline),
    "no-result": ({"result"}, no_result),
    "noise": ({"start", "turn"}, noise),
    "refuse-settings": ({"start"}, refuse_settings),
    "silent": ({"start"}, silent),
    "stop-reading": ({"initialized"}, lambda *_: forever()),
    "unknown-events": ({"turn"}, unknown_events),
    "unknown-request": ({"turn"}, unknown_request),
    "wrong-shapes": ({"turn"}, wrong_shapes),
}


def main(arguments: list[str]) -> int:
    signal.alarm(LIFETIME)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    fake = Fake(arguments, os.environ.get("FAKE_CLAUDE", ""))
    if unknown := fake.behaviours.keys() - BEHAVIOURS.keys():
        os.write(2, f"fake: no such behaviour: {', '.join(sorted(unknown))}\n".encode())
        return 64
    if "-v" in arguments:
        fake.at("version")
        os.write(1, f"{VERSION}\n".encode())
        return 0
    return fake.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
