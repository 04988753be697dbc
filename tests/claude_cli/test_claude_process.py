"""`ClaudeProcess`: the real CLI of both generations where it can show the outcome, the fake one otherwise."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import sys
import time
import tracemalloc
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from children import (
    Claude,
    alive,
    cancelled_at,
    children,
    fake,
    heartbeat,
    line,
    nothing_left,
    running,
    show,
)
from deaf_server import deaf_server
from endpoint_log import Endpoint
from generations import current_cli
from places import FAKE, ROOT
from waiting import eventually

from claude_magic.claude_cli import process as module
from claude_magic.claude_cli.version import PROBE_TIMEOUT
from claude_magic.errors import (
    LineTooLongError,
    ProcessEndedError,
    StartError,
    WorkingDirectoryError,
)
from claude_magic.options import Options
from claude_magic.processes.child import ChildProcess, Rung
from claude_magic.wire.events import AssistantMessage, Diagnostic, ResultEvent, StreamEvent, UserMessage

pytestmark = pytest.mark.process

Make = Callable[..., Options]
WAITING = "tail -f /dev/null"  # what a Bash tool call runs that is to be found and ended
NULL = "/dev/null"


@pytest.fixture(autouse=True)
async def as_before() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@pytest.fixture
def bypass(options: Make, cli: Path) -> Options:
    """The real CLI of both generations, whose tools run unasked."""
    return options(cli=str(cli), permission_mode="bypassPermissions")


@pytest.fixture
def current(options: Make) -> Options:
    """The same of the current generation, for what is ours and not the CLI's."""
    return options(permission_mode="bypassPermissions")


async def with_tool(claude: Claude) -> list[psutil.Process]:
    """Begins a turn whose Bash tool waits; the tool's processes."""
    await claude.prompt(f"run {WAITING} & {WAITING}")
    await eventually(lambda: len(claude.descendants(NULL)) == 2)
    return claude.descendants(NULL)


# What a process is


async def test_start_finds_the_cli_and_has_its_answer(current: Options) -> None:
    claude = Claude(current)
    assert (claude.pid, claude.returncode, claude.is_running) == (None, None, False)
    await claude.start()
    assert claude.is_running
    assert claude.info["pid"] == claude.pid
    assert psutil.Process(claude.pid).exe() == str(current.cli)
    assert claude.warnings == []
    await claude.stop()


async def test_is_running_is_true_from_start_to_end_however_it_ends(current: Options) -> None:
    claude = Claude(current)
    await claude.start()
    assert claude.is_running
    assert claude.pid
    os.kill(claude.pid, signal.SIGKILL)
    await eventually(lambda: not claude.is_running)
    await eventually(lambda: claude.reasons)
    assert [str(reason) for reason in claude.reasons] == ["claude ended (killed by SIGKILL)."]


@pytest.mark.fault(46, via="real")
async def test_stop_of_an_idle_cli_sends_no_signal_and_it_ends_with_code_0(
    bypass: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    claude = Claude(bypass)
    await claude.start()
    await claude.ask("say hello")
    monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
    started = time.monotonic()
    report = await claude.stop(timeout=5)
    assert report is not None
    show(f"stopped in {(time.monotonic() - started) * 1000:.0f} ms")
    assert (report.rung, report.returncode, sent) == (Rung.EOF, 0, [])
    assert (claude.is_running, claude.returncode) == (False, 0)
    assert [str(reason) for reason in claude.reasons] == ["claude ended (exit code 0)."]


async def test_stop_before_the_start_is_nothing() -> None:
    claude = Claude(fake())
    assert (await claude.stop(), await claude.kill()) == (None, None)
    with pytest.raises(ProcessEndedError):
        await claude.prompt("hi")


async def test_tools_work_in_the_working_directory(current: Options) -> None:
    async with running(current) as claude:
        assert psutil.Process(claude.pid).cwd() == str(current.directory)
        await claude.ask("run pwd > where.txt")
    assert (current.directory / "where.txt").read_text().strip() == str(current.directory)


async def test_siblings_are_isolated(current: Options, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    one, two = (Claude(current.with_(cwd=folder)) for folder in folders)
    await asyncio.gather(one.start(), two.start())
    tool = await with_tool(two)
    await asyncio.gather(one.ask("run echo one > mine.txt"), one.ask("say unmixed"))
    await one.kill()
    assert all(map(alive, tool))
    assert two.is_running
    assert (await two.request("interrupt")) is not None
    await eventually(lambda: two.results)
    await two.ask("run echo two > mine.txt")
    assert [(folder / "mine.txt").read_text() for folder in folders] == ["one\n", "two\n"]
    assert one.session_id != two.session_id
    await two.stop()


# Start


@pytest.mark.fault(3, via="real")
async def test_a_deleted_folder_is_named_and_not_the_cli(current: Options) -> None:
    current.directory.rmdir()
    with pytest.raises(WorkingDirectoryError) as caught:
        await Claude(current).start()
    assert str(current.directory) in str(caught.value)
    assert str(current.cli) not in str(caught.value)


@pytest.mark.fault(3, via="fake")
@pytest.mark.parametrize("cwd", [".", "below", "~no-such-user-here/x"])
async def test_a_folder_that_has_no_path_is_named(
    cwd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(WorkingDirectoryError, match=re.escape(repr(cwd))):
        await Claude(fake(cwd=cwd)).start()


@pytest.mark.fault(4, via="fake")
@pytest.mark.parametrize("behaviour", ["hang-version", "garbled-version"])
async def test_a_version_that_cannot_be_had_costs_little_and_is_asked_again_later(
    behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_versions", {})
    claude = Claude(fake(behaviour))
    started = time.monotonic()
    async with heartbeat() as gap:
        await claude.start()
    took = time.monotonic() - started
    assert PROBE_TIMEOUT < 2
    assert took < PROBE_TIMEOUT + 2  # a busy machine needs time to end it
    assert gap() < 0.5
    assert claude.warnings == []
    assert module._versions == {}
    await claude.ask("hi")
    assert list(module._versions.values()) == ["2.1.327"]  # as it says with a turn
    await claude.stop()
    await eventually(lambda: not children())


@pytest.mark.fault(4, via="fake")
async def test_a_version_below_the_floor_is_warned_of_and_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_versions", {})
    old = tmp_path / "old"
    lines = ["#!/bin/sh", '[ "$1" = -v ] && echo "1.0.3 (Claude Code)" && exit', f'exec "{FAKE}" "$@"']
    old.write_text("\n".join(lines))
    old.chmod(0o755)
    async with running(fake(cli=str(old))) as claude:
        assert [re.findall(r"\d+\.\d+\.\d+", warning) for warning in claude.warnings] == [["1.0.3", "2.1.0"]]


@pytest.mark.fault(5, via="real")
@pytest.mark.parametrize("config", ['{"mcpServers": 5}', "/no/such/servers.json"])
async def test_a_cli_that_ends_before_it_answers_is_told_with_code_and_last_words(
    current: Options, config: str
) -> None:
    claude = Claude(current.with_(mcp_config=(config,), check_paths=False))
    with pytest.raises(StartError, match=r"exit code 1: .*MCP") as caught:
        await claude.start()
    show(f"{caught.value}")
    assert len(str(caught.value)) < 1200
    assert (claude.is_running, claude.returncode, claude.reasons) == (False, 1, [])


@pytest.mark.fault(5, via="real")
async def test_resuming_an_unknown_conversation_says_so(bypass: Options) -> None:
    with pytest.raises(StartError, match=r"exit code 1: .*No conversation found"):
        await Claude(bypass, resume=True).start()


@pytest.mark.fault(5, via="fake")
async def test_a_fake_that_ends_at_once_is_told_with_code_and_last_words() -> None:
    with pytest.raises(StartError, match=r"ended while starting \(exit code 7: fake: could not start\)"):
        await Claude(fake("exit=7")).start()


@pytest.mark.fault(6, via="fake")
async def test_a_silent_cli_is_given_up_at_the_deadline_and_its_tree_is_gone() -> None:
    claude = Claude(fake("silent,ignore-eof,ignore-sigterm,hold-stdout", start_timeout=0.7))
    started = time.monotonic()
    with pytest.raises(StartError, match=r"did not answer within 0\.7 s"):
        await claude.start()
    assert 0.7 <= time.monotonic() - started < 3
    await eventually(lambda: not children())
    assert claude.reasons == []


@pytest.mark.fault(10, via="real")
async def test_it_starts_inside_another_claude_session(
    bypass: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"):
        monkeypatch.setenv(name, "1")
    async with running(bypass) as claude:
        assert await claude.ask("say hello") == "hello"
        assert psutil.Process(claude.pid).environ().get("CLAUDECODE") is None


@pytest.mark.fault(11, via="real")
async def test_a_path_with_spaces_and_quotes_starts(options: Make, tmp_path: Path) -> None:
    folder = tmp_path / '-it\'s a "folder" $(id)\n'
    folder.mkdir()
    (folder / "claude").symlink_to(current_cli())
    async with running(options(cli=str(folder / "claude"), cwd=folder)) as claude:
        assert psutil.Process(claude.pid).cwd() == str(folder)
        assert await claude.ask("say hello") == "hello"


PROMPTS = [
    "--help",
    "-p --dangerously-skip-permissions\nsecond 'line' \"x\"",
    "before\0after",
    "lone \ud83c surrogate",
    "two\u2028lines\r\nand\u00a0more",
]


@pytest.mark.fault(11, via="real")
async def test_a_prompt_is_a_prompt_whatever_it_holds_and_in_no_command_line(
    current: Options, endpoint: Endpoint
) -> None:
    shown: list[str] = []
    async with running(current) as claude:
        for prompt in PROMPTS:
            await claude.ask(prompt)
            tree = [psutil.Process(claude.pid), *psutil.Process(claude.pid).children(recursive=True)]
            shown += [part for process in tree for part in process.cmdline()]
    asked = [text for message in endpoint.last["messages"] for text in texts(message)]
    wanted = [prompt.replace("\ud83c", "\ufffd") for prompt in PROMPTS]
    assert [text for text in asked if text in wanted] == wanted
    assert shown
    assert not [part for part in shown for text in wanted if text in part]


def texts(message: dict[str, Any]) -> list[str]:
    content = message["content"]
    return [content] if isinstance(content, str) else [block.get("text", "") for block in content]


@pytest.mark.fault(12, via="real")
async def test_a_prompt_of_5_mb_arrives_and_the_loop_stays_free(bypass: Options) -> None:
    prompt = "".join(f"{number:07} words. " for number in range(350_000))
    assert len(prompt) > 5_000_000
    async with running(bypass) as claude:
        async with heartbeat() as gap:
            answer = await claude.ask(prompt)  # 2.1.327 finds it too long, 2.1.191 sends it on
        show(f"5 MB prompt: longest gap {gap() * 1000:.0f} ms; {(answer or '')[:20]!r}")
    recorded = [event for event in claude.events if isinstance(event, UserMessage) and event.is_replay]
    assert ["".join(block.text or "" for block in event.message.blocks) for event in recorded] == [prompt]
    assert gap() < 0.5


# Like a kernel: leads a group, takes no notice of SIGINT, has a process for Claude and one of the user's own.
KERNEL = """
import asyncio, json, signal, subprocess, sys
from claude_magic import Options, Session
signal.signal(signal.SIGINT, signal.SIG_IGN)

async def main():
    options = Options(**json.loads(sys.argv[1]))
    async with Session(options) as session:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        bystander = await asyncio.create_subprocess_exec("/bin/sleep", "100")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(session.pid, flush=True)
        print(await bystander.wait(), flush=True)
        result = await session.ask("say still here")
        print(result.text, session.pid, flush=True)

asyncio.run(main())
"""


@pytest.mark.fault(40, via="real")
async def test_an_interrupt_of_our_process_group_does_not_reach_the_cli(bypass: Options) -> None:
    told = json.dumps({"cwd": str(bypass.directory), "cli": bypass.cli, "env": dict(bypass.env)})
    kernel = await ChildProcess.spawn([sys.executable, "-c", KERNEL, told], cwd=ROOT, env=os.environ)
    pid = int(await line(kernel))
    assert os.getsid(pid) == os.getpgid(pid) == pid != kernel.pid
    os.killpg(kernel.pid, signal.SIGINT)
    assert int(await line(kernel)) == -signal.SIGINT  # the bystander: it did reach the group
    assert (await line(kernel)).decode().split() == ["still", "here", str(pid)]
    await kernel.stop()


@pytest.mark.fault(43, via="real")
@pytest.mark.parametrize("n", [1, 4, 7])
async def test_a_cancelled_start_of_the_real_cli_leaves_nothing(options: Make, n: int) -> None:
    claude = Claude(options())
    await cancelled_at(n, claude.start())
    await claude.kill()
    assert not claude.is_running


@pytest.mark.fault(43, via="fake")
@pytest.mark.parametrize("n", range(1, 12))
async def test_a_start_cancelled_at_any_await_leaves_nothing(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_versions", {})
    claude = Claude(fake("ignore-eof,ignore-sigterm"))
    reached = await cancelled_at(n, claude.start())
    if not reached:
        await claude.kill()
    await eventually(lambda: not children())
    assert reached or n > 3


# The stream


@pytest.mark.fault(17, via="fake")
@pytest.mark.parametrize("size", [70 * 1024, 1024**2, 20 * 1024**2])
async def test_a_long_line_is_one_event(size: int) -> None:
    async with running(fake(f"long-line={size}")) as claude, heartbeat() as gap:
        started = time.monotonic()
        await claude.ask("hi")
        show(f"{size:,} bytes in {time.monotonic() - started:.2f} s, longest gap {gap() * 1000:.0f} ms")
    messages = [event.message for event in claude.events if isinstance(event, AssistantMessage)]
    assert size - 200 < max(len(block.text or "") for message in messages for block in message.blocks) < size
    assert gap() < 0.5


@pytest.mark.fault(17, via="fake")
@pytest.mark.fault(18, via="fake")
@pytest.mark.parametrize("behaviour", ["long-line=20971520", "endless-line", "endless-line,ignore-sigterm"])
async def test_a_line_over_the_cap_ends_the_process_with_the_limit_and_bounded_memory(behaviour: str) -> None:
    limit = 1024 * 1024
    claude = Claude(fake(behaviour, line_limit=limit))
    await claude.start()
    pending = asyncio.create_task(claude.request("interrupt"))
    await pending
    tracemalloc.start()
    await claude.prompt("hi")
    started = time.monotonic()
    await eventually(lambda: claude.reasons)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    show(f"ended in {time.monotonic() - started:.2f} s, {peak / 1024**2:.1f} MiB at most")
    assert [type(reason) for reason in claude.reasons] == [LineTooLongError]
    assert f"{limit:,}" in str(claude.reasons[0])
    assert peak < 8 * limit
    assert not claude.is_running
    async with running(fake(), session_id=claude.session_id, resume=True) as again:
        assert await again.ask("hi") == "You said: hi"


@pytest.mark.fault(19, via="fake")
async def test_noise_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "claude_magic.claude_cli.process")
    async with running(fake("noise", env={"MY_TOKEN": "something is old"})) as claude:
        assert await claude.ask("hi") == "You said: hi"
    noise = [text for text in caplog.messages if "no message" in text]
    assert len(noise) == 6
    assert "claude wrote what is no message: [SandboxDebug] ready" in noise
    assert "something is old" not in caplog.text


@pytest.mark.fault(20, via="fake")
async def test_a_malformed_line_is_delivered_as_such_and_quoted() -> None:
    async with running(fake("malformed")) as claude:
        await claude.ask("hi")
    told = [event for event in claude.events if isinstance(event, Diagnostic)]
    assert [(event.kind, event.text) for event in told] == [("malformed", '{"type":"assistant","message":}')]


@pytest.mark.fault(21, via="fake")
async def test_a_truncated_last_line_is_part_of_the_exit() -> None:
    claude = Claude(fake("half-line"))
    await claude.start()
    await claude.prompt("hi")
    await eventually(lambda: claude.reasons)
    assert [str(reason) for reason in claude.reasons] == ["claude ended (exit code 1)."]
    assert not [event for event in claude.events if isinstance(event, Diagnostic)]


@pytest.mark.fault(22, via="fake")
async def test_a_last_line_without_newline_is_delivered_before_the_exit() -> None:
    claude = Claude(fake("no-final-newline"))
    await claude.start()
    assert await claude.ask("hi") == "You said: hi"
    await eventually(lambda: claude.reasons)


@pytest.mark.fault(23, via="fake")
@pytest.mark.fault(26, via="fake")
async def test_lines_of_the_wrong_shape_do_not_end_the_stream() -> None:
    async with running(fake("wrong-shapes")) as claude:
        assert await claude.ask("one") == "You said: one"
        assert await claude.ask("two") == "You said: two"
    assert [event.kind for event in claude.events if isinstance(event, Diagnostic)] == ["shape"] * 18


@pytest.mark.fault(25, via="fake")
async def test_invalid_utf8_becomes_replacement_characters() -> None:
    async with running(fake("bad-utf8")) as claude:
        await claude.ask("hi")
    assert any("caf\ufffd \ufffd" in str(event) for event in claude.events)


@pytest.mark.fault(24, via="fake")
async def test_an_unknown_request_of_the_clis_is_refused() -> None:
    async with running(fake("unknown-request")) as claude:
        answer = json.loads(await claude.ask("hi") or "")
    assert (answer["subtype"], answer["request_id"]) == ("error", "from-fake")


@pytest.mark.fault(27, via="fake")
async def test_late_and_repeated_answers_reach_only_those_who_asked() -> None:
    async with running(fake("late-response")) as claude:
        first, second = await asyncio.gather(
            claude.request("set_model"), claude.request("set_permission_mode")
        )
        assert (first, second) == ({}, {})
        assert await claude.ask("hi") == "You said: hi"


@pytest.mark.fault(16, via="fake")
async def test_crlf_is_no_part_of_an_event() -> None:
    async with running(fake("crlf")) as claude:
        assert await claude.ask("hi") == "You said: hi"
    assert not [event for event in claude.events if isinstance(event, Diagnostic)]


@pytest.mark.fault(66, via="fake")
async def test_ten_megabytes_stream_in_and_the_loop_stays_free() -> None:
    arrived: Counter[type] = Counter()
    async with running(fake("deltas=75000")) as claude:
        claude._deliver = lambda event: arrived.update([type(event)])
        async with heartbeat() as gap:
            started = time.monotonic()
            await claude.prompt("hi")
            await eventually(lambda: arrived[ResultEvent])
            took = time.monotonic() - started
    show(f"{arrived.total():,} events in {took:.2f} s, longest gap {gap() * 1000:.0f} ms")
    assert arrived[StreamEvent] > 75_000
    assert gap() < took / 4  # a ratio, since machines are noisy; the benchmark has the figure


@pytest.mark.fault(32, via="fake")
async def test_a_flood_on_stderr_holds_nothing_up() -> None:
    async with running(fake(f"flood-stderr={100 * 1024 * 1024}")) as claude:
        started = time.monotonic()
        assert await claude.ask("hi") == "You said: hi"
        show(f"100 MiB of stderr: {time.monotonic() - started:.2f} s")


@pytest.mark.fault(33, via="fake")
@pytest.mark.fault(92, via="fake")
async def test_neither_key_nor_home_nor_a_whole_line_of_stderr_is_in_the_error() -> None:
    secrets = {"ANTHROPIC_API_KEY": "very-secret-key", "HOME": "/home/somebody"}
    claude = Claude(fake("leak", env=secrets))
    with pytest.raises(StartError) as caught:
        await claude.start()
    assert "fake: [redacted] ~/notes" in str(caught.value)
    assert not [value for value in secrets.values() if value in str(caught.value) + claude.cause()]
    assert len(str(caught.value)) < 500


@pytest.mark.fault(33, via="real")
async def test_the_real_clis_words_are_shown_without_the_home_folder(current: Options) -> None:
    home = current.env["HOME"]
    with pytest.raises(StartError, match=r"~/servers\.json") as caught:
        await Claude(current.with_(mcp_config=(f"{home}/servers.json",), check_paths=False)).start()
    assert home not in str(caught.value)


# Writing


@pytest.mark.fault(35, via="real")
async def test_all_that_is_pending_fails_at_once_with_the_cause_when_the_cli_is_killed(
    current: Options,
) -> None:
    async with running(current) as claude:
        assert claude.pid
        os.kill(claude.pid, signal.SIGSTOP)
        small = [claude.request("mcp_status"), claude.request("get_context_usage")]
        large = claude.send_user("x" * 5_000_000, str(uuid.uuid4()))
        pending = [asyncio.ensure_future(waiting) for waiting in (*small, large)]
        done, _ = await asyncio.wait(pending, timeout=0.2)
        assert not done
        started = time.monotonic()
        os.kill(claude.pid, signal.SIGKILL)
        failures = await asyncio.gather(*pending, return_exceptions=True)
        took = time.monotonic() - started
    show(f"failed after {took * 1000:.0f} ms")
    assert [str(failure) for failure in failures] == ["claude ended (killed by SIGKILL)."] * 3
    assert {type(failure) for failure in failures} == {ProcessEndedError}
    assert took < 5  # a request that nobody ends waits for longer
    assert len(claude.reasons) == 1
    for late in (claude.prompt("hi"), claude.request("mcp_status")):
        with pytest.raises(ProcessEndedError, match="SIGKILL"):
            await late


@pytest.mark.fault(35, via="fake")
async def test_a_cli_that_dies_on_the_prompt_ends_it_with_its_code() -> None:
    claude = Claude(fake("die-on-prompt"))
    await claude.start()
    await claude.prompt("hi")
    await eventually(lambda: claude.reasons)
    assert [str(reason) for reason in claude.reasons] == ["claude ended (exit code 3)."]


@pytest.mark.fault(36, via="real")
@pytest.mark.fault(48, via="real")
async def test_a_cli_that_stops_reading_holds_up_neither_the_loop_nor_its_stop(
    options: Make, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(options()) as claude, heartbeat() as gap:
        assert claude.pid
        os.kill(claude.pid, signal.SIGSTOP)  # stopped, it heeds no SIGTERM either
        writing = asyncio.create_task(claude.prompt("x" * 5_000_000))
        done, _ = await asyncio.wait({writing}, timeout=0.2)
        assert not done
        started = time.monotonic()
        report = await claude.stop(timeout=0.3)
        took = time.monotonic() - started
    assert report is not None
    assert report.rung is Rung.KILL
    assert took < 5
    assert gap() < 0.5
    assert str(claude.pid) in caplog.text
    with pytest.raises(ProcessEndedError):
        await writing


@pytest.mark.fault(37, via="real")
async def test_two_writers_of_long_prompts_do_not_mix(current: Options) -> None:
    async with running(current) as claude:
        asked = [
            claude.request("set_model", model="x" * 300_000),
            claude.request("set_model", model="y" * 300_000),
        ]
        answers = await asyncio.gather(*asked, claude.prompt("say hello"), return_exceptions=True)
        await eventually(lambda: claude.results)
        assert not [answer for answer in answers if isinstance(answer, ProcessEndedError)]
        assert claude.is_running


@pytest.mark.fault(35, via="fake")
async def test_a_cli_that_closes_its_output_and_lives_on_is_ended() -> None:
    claude = Claude(fake("close-stdout,ignore-sigterm"))
    await claude.start()
    await claude.prompt("hi")
    await eventually(lambda: claude.reasons)
    assert not claude.is_running
    await eventually(lambda: not children())


# The end


@pytest.mark.fault(47, via="real")
async def test_a_busy_cli_gets_sigterm_when_the_end_of_input_was_not_enough(bypass: Options) -> None:
    claude = Claude(bypass)
    await claude.start()
    await claude.prompt("stall")
    await eventually(lambda: any(isinstance(event, StreamEvent) for event in claude.events))
    started = time.monotonic()
    report = await claude.stop(timeout=5)
    took = time.monotonic() - started
    assert report is not None
    show(f"{report} after {took:.2f} s")
    assert report.rung is Rung.TERM
    assert report.returncode == 143
    assert 2 <= took < 5


@pytest.mark.fault(52, via="real")
@pytest.mark.fault(93, via="real")
@pytest.mark.parametrize("how", ["stop", "kill", "kill_now", "SIGKILL", "SIGTERM"])
async def test_a_bash_tools_processes_end_with_the_cli_however_it_ends(bypass: Options, how: str) -> None:
    claude = Claude(bypass)
    await claude.start()
    tool = await with_tool(claude)
    pid = claude.pid
    assert pid
    assert pid not in {os.getsid(process.pid) for process in tool}
    started = time.monotonic()
    match how:
        case "stop":
            await claude.stop(timeout=3)
        case "kill":
            await claude.kill()
        case "kill_now":
            claude.kill_now()
        case _:
            os.kill(pid, signal.Signals[how])
    await eventually(lambda: claude.reasons)
    show(f"{how}: all gone after {time.monotonic() - started:.2f} s, {claude.reasons[0]}")
    assert not any(map(alive, tool))
    assert not claude.is_running


@pytest.mark.fault(50, via="real")
@pytest.mark.parametrize("how", ["stop", "SIGKILL"])
async def test_an_mcp_server_that_ignores_every_signal_ends_with_the_cli(
    bypass: Options, how: str, tmp_path: Path
) -> None:
    word = f"{tmp_path}/deaf"
    claude = Claude(bypass.with_(mcp_config=(deaf_server(word),)))
    await claude.start()
    await eventually(lambda: claude.descendants(word))
    await claude.ask("say hello")
    (server,) = claude.descendants(word)
    if how == "stop":
        await claude.stop(timeout=2)
    else:
        assert claude.pid
        os.kill(claude.pid, signal.SIGKILL)
    await eventually(lambda: claude.reasons)
    assert not alive(server)


@pytest.mark.fault(51, via="fake")
async def test_an_exit_is_told_although_a_grandchild_holds_stdout() -> None:
    claude = Claude(fake("hold-stdout,die-on-prompt"))
    await claude.start()
    (grandchild,) = psutil.Process(claude.pid).children()
    await claude.prompt("hi")
    await eventually(lambda: claude.reasons, bound=5)
    assert not alive(grandchild)


@pytest.mark.fault(30, via="fake")
async def test_a_cli_that_never_exits_after_its_result_is_ended_in_time() -> None:
    claude = Claude(fake("ignore-eof,ignore-sigterm"))
    await claude.start()
    await claude.ask("hi")
    started = time.monotonic()
    report = await claude.stop(timeout=0.2)
    assert report is not None
    assert (report.rung, report.returncode) == (Rung.KILL, -signal.SIGKILL)
    assert time.monotonic() - started < 4


@pytest.mark.fault(43, via="real")
@pytest.mark.fault(44, via="real")
@pytest.mark.parametrize("n", [1, 2])
async def test_a_stop_of_the_real_cli_cancelled_at_any_await_goes_on(options: Make, n: int) -> None:
    claude = Claude(options(permission_mode="bypassPermissions"))
    await claude.start()
    tool = await with_tool(claude)
    assert await cancelled_at(n, claude.stop(timeout=0.5))
    await eventually(lambda: claude.reasons)
    assert not any(map(alive, tool))
    assert len(claude.reasons) == 1


@pytest.mark.fault(61, via="real")
async def test_six_starts_turns_and_stops_leave_everything_as_it_was(options: Make) -> None:
    current = options()
    async with nothing_left():
        for n in range(6):
            async with running(current) as claude:
                await claude.ask("say hello")
                await (claude.stop() if n % 2 else claude.kill())


@pytest.mark.fault(61, via="fake")
async def test_starts_and_stops_of_the_fake_leave_everything_as_it_was() -> None:
    async with nothing_left():
        for n in range(10):
            claude = Claude(fake())
            await claude.start()
            await (claude.stop() if n % 2 else claude.kill())
            assert len(claude.reasons) == 1
