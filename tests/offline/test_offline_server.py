from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from claude_magic import offline

pytestmark = pytest.mark.process

Serve = Callable[[str], str]
Logged = Callable[[], list[dict[str, object]]]
Wait = Callable[[Callable[[], bool]], None]

TWO_TOOLS = """
[[rule]]
match = "both"
steps = [[
  { thinking = "Two at once." }, { text = "I look." },
  { tool = "Bash", input = { command = "echo a long enough command", description = "one" } },
  { tool = "Read", input = { file_path = "/etc/hostname" } },
]]
"""


def request(url: str, method: str, path: str, body: object = None) -> tuple[int, str]:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        headers = {"x-api-key": "secret-1", "Authorization": "Bearer secret-2", "X-Seen": "yes"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def asked(prompt: str, **more: object) -> dict[str, object]:
    return {"model": "some-model", "messages": [{"role": "user", "content": prompt}], **more}


def ask(url: str, prompt: str, **more: object) -> tuple[int, dict[str, object]]:
    status, text = request(url, "POST", "/v1/messages?beta=true", asked(prompt, **more))
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return status, answer


def streamed(url: str, prompt: str) -> list[dict[str, object]]:
    status, text = request(url, "POST", "/v1/messages?beta=true", asked(prompt, stream=True))
    assert status == 200
    events = []
    for record in text.removesuffix("\n\n").split("\n\n"):
        name, data = record.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def field(value: object, *path: str) -> object:
    for key in path:
        assert isinstance(value, dict)
        value = value.get(key)
    return value


def hang_up_after(url: str, prompt: str, expected: bytes) -> None:
    """Sends a request, reads until `expected` has come, and goes away."""
    body = json.dumps(asked(prompt, stream=True)).encode()
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        seen = b""
        while expected not in seen:
            seen += connection.recv(4096)


def listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def test_it_says_that_it_is_there(serve: Serve) -> None:
    assert request(serve(""), "HEAD", "/") == (200, "")


def test_other_addresses_get_a_404_in_the_form_of_the_api(serve: Serve) -> None:
    url = serve("")
    for method, path in (("GET", "/"), ("POST", "/v2/other")):
        status, text = request(url, method, path, {})
        assert (status, field(json.loads(text), "error", "type")) == (404, "not_found_error")


def test_a_body_that_is_no_json_object_gets_a_400(serve: Serve) -> None:
    status, text = request(serve(""), "POST", "/v1/messages", [])
    assert (status, field(json.loads(text), "error", "type")) == (400, "invalid_request_error")


def test_a_request_without_stream_gets_one_message(serve: Serve) -> None:
    status, answer = ask(serve(TWO_TOOLS), "both")
    assert (status, answer["model"], answer["stop_reason"]) == (200, "some-model", "tool_use")
    blocks = answer["content"]
    assert isinstance(blocks, list)
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use", "tool_use"]
    assert blocks[3]["input"] == {"file_path": "/etc/hostname"}


def test_a_stream_has_the_public_form_and_several_tools_fit_into_one_message(serve: Serve) -> None:
    events = streamed(serve(TWO_TOOLS), "both")
    shape = [event["type"] for event in events if event["type"] != "content_block_delta"]
    blocks = ["content_block_start", "content_block_stop"] * 4
    assert shape == ["message_start", *blocks, "message_delta", "message_stop"]
    assert field(events[-2], "delta", "stop_reason") == "tool_use"
    used = field(events[-2], "usage", "output_tokens")
    assert isinstance(used, int)
    assert used > 5


def test_the_pieces_of_a_stream_join_to_text_signature_and_input(serve: Serve) -> None:
    events = streamed(serve(TWO_TOOLS), "both")
    deltas = [(event["index"], event["delta"]) for event in events if event["type"] == "content_block_delta"]
    kinds = [field(delta, "type") for index, delta in deltas if index == 0]
    assert kinds == ["thinking_delta", "thinking_delta", "thinking_delta", "signature_delta"]
    assert [field(delta, "text") for index, delta in deltas if index == 1] == ["I ", "look."]
    pieces = [str(field(delta, "partial_json")) for index, delta in deltas if index == 2]
    assert len(pieces) > 2
    assert json.loads("".join(pieces)) == {"command": "echo a long enough command", "description": "one"}


def test_an_unknown_prompt_is_told_the_known_ones(serve: Serve) -> None:
    _, answer = ask(serve('[[rule]]\nmatch = "Sing"\ntext = "la"'), "Dance")
    assert "no script for this prompt" in str(answer["content"])
    assert "- `Sing`" in str(answer["content"])


def test_an_error_is_given_as_often_as_asked_and_again_for_the_next_prompt(serve: Serve) -> None:
    url = serve('[[rule]]\nmatch = "a"\nsteps = [[{ error = 529, times = 2 }, { text = "b" }]]')
    assert [ask(url, "a")[0] for _ in range(4)] == [529, 529, 200, 200]
    longer = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "a"},
    ]
    assert [ask(url, "a", messages=longer)[0] for _ in range(3)] == [529, 529, 200]


def test_an_error_after_the_first_part_comes_in_the_stream(serve: Serve) -> None:
    text = '[[rule]]\nmatch = "a"\nsteps = [[{ text = "b" }, { error = 500, message = "broken" }]]'
    last = streamed(serve(text), "a")[-1]
    assert last == {"type": "error", "error": {"type": "api_error", "message": "broken"}}


def test_a_request_of_the_cli_for_itself_gets_json_and_leaves_the_scenario_alone(
    serve: Serve, logged: Logged
) -> None:
    url = serve('[[rule]]\nmatch = "a"\nsteps = [[{ error = 529, times = 1 }, { text = "b" }]]')
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    wanted = {"effort": "high", "format": {"type": "json_schema", "schema": schema}}
    _, answer = ask(url, "a", output_config=wanted, tools=[])
    assert answer["content"] == [{"type": "text", "text": '{"title": "Offline"}'}]
    assert logged()[0]["rule"] == "auxiliary"
    assert ask(url, "a")[0] == 529


def test_tokens_are_counted(serve: Serve) -> None:
    _, text = request(serve(""), "POST", "/v1/messages/count_tokens?beta=true", asked("one two three"))
    assert json.loads(text) == {"input_tokens": 3}


def test_a_pause_and_a_rate_take_their_time(serve: Serve) -> None:
    url = serve('[[rule]]\nmatch = "a"\nsteps = [[{ text = "b c", rate = 20 }, { pause = 0.2 }]]')
    start = time.monotonic()
    streamed(url, "a")
    assert time.monotonic() - start >= 0.3


def test_an_answer_can_wait_for_a_file(serve: Serve, logged: Logged, until: Wait, tmp_path: Path) -> None:
    url = serve(f'[[rule]]\nmatch = "a"\nsteps = [[{{ text = "b" }}, {{ until = "{tmp_path}/go" }}]]')
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(streamed, url, "a")
        until(lambda: len(logged()) == 1)
        assert not wait([answer], 0.2).done, "it does not end before the file is there"

        (tmp_path / "go").touch()

        assert answer.result(10)[-1] == {"type": "message_stop"}


def test_a_stalled_answer_leaves_its_block_open_and_a_hang_up_is_logged(
    serve: Serve, logged: Logged, until: Wait
) -> None:
    url = serve('[[rule]]\nmatch = "a"\nsteps = [[{ text = "half of" }, { stall = true }]]')
    hang_up_after(url, "a", b'"text": "of"')
    until(lambda: len(logged()) == 2)
    assert logged()[1] == {"id": 1, "end": "aborted"}


def test_a_hang_up_in_a_slow_answer_is_logged(serve: Serve, logged: Logged, until: Wait) -> None:
    url = serve('[[rule]]\nmatch = "a"\nsteps = [[{ words = 1000, rate = 20 }]]')
    hang_up_after(url, "a", b"-2 ")
    until(lambda: len(logged()) == 2)
    assert logged()[1] == {"id": 1, "end": "aborted"}


def test_the_log_has_the_whole_request_and_no_key(
    serve: Serve, logged: Logged, until: Wait, tmp_path: Path
) -> None:
    ask(serve(""), "hello")
    until(lambda: len(logged()) == 2)
    came, ended = logged()
    assert (came["id"], came["path"], came["prompt"], came["rule"]) == (
        1,
        "/v1/messages?beta=true",
        "hello",
        "hello",
    )
    assert came["body"] == asked("hello")
    assert field(came["headers"], "X-Seen") == "yes"
    assert ended == {"id": 1, "end": "complete"}
    assert "secret" not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    assert stat.S_IMODE((tmp_path / "log.jsonl").stat().st_mode) == 0o600


def test_it_listens_on_loopback_alone(serve: Serve) -> None:
    port = urlsplit(serve("")).port or 0
    with closing(socket.socket(socket.AF_INET6)) as other:
        assert other.connect_ex(("::1", port)) != 0
    with closing(socket.socket()) as other:
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_the_end_of_stdin_ends_it_even_while_an_answer_stalls(until: Wait) -> None:
    process = subprocess.Popen(
        offline.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    url = offline.url_from(process.stdout.readline())
    address = urlsplit(url)
    with closing(http.client.HTTPConnection(address.netloc, timeout=10)) as connection:
        connection.request(
            "POST", "/v1/messages", json.dumps(asked("Stop answering in the middle", stream=True))
        )
        assert connection.getresponse().status == 200
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, b"", b"")
    until(lambda: not listens(url))


def test_it_is_gone_when_the_process_that_started_it_is_killed(until: Wait) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, *offline.command()], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        url = offline.url_from(parent.stdout.readline())
        assert listens(url)
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not listens(url))


@pytest.mark.parametrize("argument", ["--scenario={0}/none.toml", "--log={0}/none/log"])
def test_a_file_it_cannot_use_ends_it_with_one_line(tmp_path: Path, argument: str) -> None:
    argv = [*offline.command(), argument.format(tmp_path)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"No such file or directory" in done.stderr
