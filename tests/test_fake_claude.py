"""The fake CLI does what its behaviours say: tests that lean on it would otherwise show nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from places import FAKE

from claude_magic.claude_cli.locate import find_cli
from claude_magic.wire.events import Diagnostic, decode

pytestmark = pytest.mark.process

BOUND = 20
ID = "01234567-89ab-4cde-8f01-23456789abcd"

Line = dict[str, Any]
Start = Callable[..., "Running"]


def request(subtype: str, request_id: str = "r1") -> Line:
    return {"type": "control_request", "request_id": request_id, "request": {"subtype": subtype}}


def prompt(text: str) -> Line:
    return {"type": "user", "uuid": "u1", "message": {"role": "user", "content": text}}


class Running:
    """A fake at work: lines in, lines out."""

    def __init__(self, behaviours: str, *arguments: str) -> None:
        env = {"PATH": os.environ["PATH"], "FAKE_CLAUDE": behaviours}
        pipe = subprocess.PIPE
        argv = [sys.executable, str(FAKE), *arguments]
        self.process = subprocess.Popen(argv, env=env, stdin=pipe, stdout=pipe, stderr=pipe)

    def send(self, *messages: Line) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
        self.process.stdin.flush()

    def read(self, kind: str) -> Line:
        """The next message of this type."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: Line = json.loads(line)
            if message["type"] == kind:
                return message
        raise AssertionError(f"it ended without {kind}")

    def end(self, *messages: Line) -> tuple[int, bytes, bytes]:
        """Send the last messages, close stdin; exit code, rest of stdout, stderr."""
        data = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
        out, err = self.process.communicate(data, BOUND)
        return self.process.returncode, out, err

    def is_still_there(self) -> bool:
        with pytest.raises(subprocess.TimeoutExpired):
            self.process.wait(0.2)
        return True


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def begin(behaviours: str = "", *arguments: str) -> Running:
        started.append(Running(behaviours, *arguments))
        return started[-1]

    yield begin
    for running in started:
        with running.process as process:
            process.kill()


def messages(out: bytes) -> list[Line]:
    return [json.loads(line) for line in out.splitlines()]


def result(out: bytes) -> Line:
    last = messages(out)[-1]
    assert last["type"] == "result"
    return last


def talk(start: Start, behaviours: str, text: str = "hi") -> tuple[int, bytes, bytes]:
    return start(behaviours).end(request("initialize"), prompt(text))


def test_without_behaviours_it_answers_replays_streams_and_ends_the_turn(start: Start) -> None:
    code, out, err = start("", f"--session-id={ID}", "--model=opus").end(request("initialize"), prompt("hi"))
    ready, init, replay, *_, ended = messages(out)
    deltas = [m["event"]["delta"]["text"] for m in messages(out) if "delta" in m.get("event", ())]
    assert (code, err) == (0, b"")
    assert ready["response"]["subtype"] == "success"
    assert (init["session_id"], init["model"]) == (ID, "opus")
    assert (replay["isReplay"], replay["uuid"]) == (True, "u1")
    assert "".join(deltas) == ended["result"] == "You said: hi"
    assert not [line for line in out.splitlines() if isinstance(decode(line), Diagnostic)]


def test_each_prompt_has_its_own_result_and_costs_add_up(start: Start) -> None:
    _, out, _ = start("").end(prompt("one"), prompt("two"))
    ended = [message for message in messages(out) if message["type"] == "result"]
    assert [message["result"] for message in ended] == ["You said: one", "You said: two"]
    assert 0 < ended[0]["total_cost_usd"] < ended[1]["total_cost_usd"]


def test_it_can_be_started_as_a_program_and_tells_its_version() -> None:
    assert find_cli(str(FAKE)).path == FAKE
    out = subprocess.run([FAKE, "-v"], capture_output=True, check=True, timeout=BOUND).stdout
    assert out == b"2.1.327 (Claude Code)\n"


def test_an_unknown_behaviour_is_refused(start: Start) -> None:
    code, _, err = start("crlf,no-such-thing").end()
    assert (code, err) == (64, b"fake: no such behaviour: no-such-thing\n")


def test_known_control_requests_succeed_and_others_are_refused(start: Start) -> None:
    _, out, _ = start("").end(request("set_model", "a"), request("nonsense", "b"))
    bodies = [message["response"] for message in messages(out)]
    assert [(body["request_id"], body["subtype"]) for body in bodies] == [("a", "success"), ("b", "error")]
    assert bodies[1]["error_code"] == "unsupported_request"


def test_ignore_eof(start: Start) -> None:
    fake = start("ignore-eof")
    fake.send(prompt("hi"))
    fake.read("result")
    assert fake.process.stdin is not None
    fake.process.stdin.close()
    assert fake.is_still_there()
    fake.process.terminate()
    assert fake.process.wait(BOUND) == 143


def test_ignore_sigterm(start: Start) -> None:
    fake = start("ignore-sigterm")
    fake.send(request("initialize"))
    fake.read("control_response")
    fake.process.terminate()
    assert fake.is_still_there()
    fake.process.kill()
    assert fake.process.wait(BOUND) == -signal.SIGKILL


def test_no_result_until_an_interrupt(start: Start) -> None:
    fake = start("no-result")
    fake.send(prompt("hi"))
    fake.read("assistant")
    fake.send(request("interrupt"))
    assert fake.read("control_response")["response"]["subtype"] == "success"
    assert fake.read("result")["subtype"] == "error_during_execution"
    assert fake.end()[0] == 0


def test_ignore_interrupt(start: Start) -> None:
    fake = start("no-result,ignore-interrupt")
    fake.send(prompt("hi"))
    fake.read("assistant")
    fake.send(request("interrupt", "ignored"), request("set_model", "heard"))
    assert fake.read("control_response")["response"]["request_id"] == "heard"
    fake.process.terminate()
    assert b"result" not in fake.process.communicate(timeout=BOUND)[0]


def test_refuse_settings(start: Start) -> None:
    _, out, _ = start("refuse-settings").end(request("apply_flag_settings"), request("set_model", "r2"))
    assert [message["response"]["subtype"] for message in messages(out)] == ["error", "success"]


def test_no_way_back_ignores_changes_once_there_was_a_turn(start: Start) -> None:
    running = start("no-way-back")
    running.send(request("set_permission_mode"), prompt("hi"))
    assert running.read("control_response")["response"]["subtype"] == "success"
    running.read("result")
    _, out, _ = running.end(request("set_permission_mode"), request("set_model", "r2"))
    assert [message["response"]["request_id"] for message in messages(out)] == ["r2"]


def test_unknown_events_come_between_those_that_are_known(start: Start) -> None:
    _, out, _ = talk(start, "unknown-events")
    assert [message["type"] for message in messages(out)].count("telepathy") == 2
    assert result(out)["result"] == "You said: hi"


def test_silent(start: Start) -> None:
    assert talk(start, "silent") == (0, b"", b"")


def test_exit(start: Start) -> None:
    assert start("exit=7").end() == (7, b"", b"fake: could not start\n")


def test_die_on_prompt_comes_before_the_acknowledgement(start: Start) -> None:
    code, out, _ = talk(start, "die-on-prompt")
    assert code == 3
    assert [message["type"] for message in messages(out)] == ["control_response"]


def test_close_stdout_lives_on(start: Start) -> None:
    fake = start("close-stdout")
    fake.send(prompt("hi"))
    assert fake.process.stdout is not None
    assert b'"isReplay":true' in fake.process.stdout.read()
    assert fake.is_still_there()


def test_leak_tells_its_key_and_home_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ANTHROPIC_API_KEY", "k-e-y"), ("HOME", "/h"), ("FAKE_CLAUDE", "leak")):
        monkeypatch.setenv(name, value)
    ended = subprocess.run([sys.executable, FAKE], capture_output=True, check=False, timeout=BOUND)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"fake: k-e-y /h/notes\nlong long")


def test_half_line(start: Start) -> None:
    code, out, _ = talk(start, "half-line")
    *whole, last = out.splitlines()
    assert code == 1
    assert b'"isReplay":true' in b"".join(whole)
    assert last == b'{"type":"assistant","message":{"con'
    assert not out.endswith(b"\n")


@pytest.mark.parametrize("size", [70 * 1024, 1024 * 1024])
def test_long_line(start: Start, size: int) -> None:
    _, out, _ = talk(start, f"long-line={size}")
    assert max(map(len, out.splitlines())) == size
    assert result(out)["subtype"] == "success"


def test_endless_line(start: Start) -> None:
    fake = start("endless-line")
    fake.send(prompt("hi"))
    fake.read("stream_event")
    assert fake.process.stdout is not None
    rest = fake.process.stdout.read(4 * 1024 * 1024)
    assert rest.endswith(b"x" * 1024 * 1024)
    fake.process.stdout.close()
    assert fake.process.wait(BOUND) == 1


def test_flood_stderr(start: Start) -> None:
    _, out, err = talk(start, "flood-stderr=1000000")
    assert len(err) == 1_000_000
    assert result(out)["subtype"] == "success"


def diagnosed(out: bytes) -> list[str]:
    events = map(decode, filter(None, out.splitlines()))
    return [event.kind for event in events if isinstance(event, Diagnostic)]


@pytest.mark.parametrize(
    ("behaviour", "kinds"),
    [("noise", ["noise"] * 6), ("malformed", ["malformed"]), ("wrong-shapes", ["shape"] * 9)],
)
def test_lines_that_are_no_events_come_between_those_that_are(
    start: Start, behaviour: str, kinds: list[str]
) -> None:
    _, out, _ = talk(start, behaviour)
    assert diagnosed(out) == kinds
    assert json.loads(out.splitlines()[-1])["type"] == "result"


def test_bad_utf8(start: Start) -> None:
    _, out, _ = talk(start, "bad-utf8")
    assert b"caf\xe9 \\ud83c" in out
    with pytest.raises(UnicodeDecodeError):
        out.decode()


def test_unknown_request_tells_what_it_was_answered(start: Start) -> None:
    fake = start("unknown-request")
    fake.send(prompt("hi"))
    asked = fake.read("control_request")
    assert asked["request"] == {"subtype": "who_goes_there"}
    answer = {"subtype": "error", "request_id": asked["request_id"], "error": "no"}
    fake.send({"type": "control_response", "response": answer})
    assert json.loads(fake.read("result")["result"]) == answer


def test_hold_stdout_leaves_a_grandchild_that_keeps_the_pipe_open(start: Start) -> None:
    fake = start("hold-stdout,exit=5")
    assert fake.process.wait(BOUND) == 5
    assert fake.process.stderr is not None
    name, pid = fake.process.stderr.readline().split()
    assert name == b"grandchild"
    assert fake.process.stdout is not None
    os.set_blocking(fake.process.stdout.fileno(), False)
    assert fake.process.stdout.read() is None  # open, with nothing in it
    os.kill(int(pid), signal.SIGKILL)
    os.set_blocking(fake.process.stdout.fileno(), True)
    assert fake.process.stdout.read() == b""


def fill(pipe: int) -> None:
    for _ in range(1000):
        os.write(pipe, b"x" * 65536)


def test_stop_reading_fills_the_pipe(start: Start) -> None:
    fake = start("stop-reading")
    fake.send(request("initialize"))
    fake.read("control_response")
    assert fake.process.stdin is not None
    pipe = fake.process.stdin.fileno()
    os.set_blocking(pipe, False)
    with pytest.raises(BlockingIOError):
        fill(pipe)


def test_deltas_are_counted_and_exact(start: Start) -> None:
    _, out, _ = talk(start, "deltas=1234")
    pieces = [m["event"]["delta"]["text"] for m in messages(out) if "delta" in m.get("event", ())]
    assert len(pieces) == 2 + 1234
    assert "".join(pieces) == result(out)["result"]
    assert result(out)["result"].endswith(" w1232 w1233")


def test_crlf(start: Start) -> None:
    _, out, _ = talk(start, "crlf")
    assert out.count(b"\r\n") == out.count(b"\n") > 5


def test_no_final_newline(start: Start) -> None:
    code, out, _ = talk(start, "no-final-newline")
    assert code == 0
    assert not out.endswith(b"\n")
    assert result(out)["result"] == "You said: hi"


def test_late_response_comes_twice_and_with_the_next(start: Start) -> None:
    _, out, _ = start("late-response").end(
        request("initialize", "start"), *(request("set_model", name) for name in "abc")
    )
    ids = [message["response"]["request_id"] for message in messages(out)]
    assert ids == ["start", "a", "a", "never-asked", "b", "c"]


def test_garbled_version(start: Start) -> None:
    assert start("garbled-version", "-v").end() == (0, b"\x1b[31mclaude, \xff probably\n", b"")


def test_hang_version(start: Start) -> None:
    fake = start("hang-version", "-v")
    assert fake.is_still_there()
    fake.process.terminate()
    assert fake.process.wait(BOUND) in {143, -signal.SIGTERM}
