"""The task manager: what it starts, finds, lists, ends, forgets, tells and writes down."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import stat
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from endpoint_log import Endpoint

from claude_magic.errors import BusyError, UsageError, WorkingDirectoryError
from claude_magic.options import Options, TurnOptions
from claude_magic.prompt import Attachment, Prompt
from claude_magic.tasks import Task, TaskManager, TaskStatus
from claude_magic.tasks.records import new_record
from claude_magic.tasks.work import keep_alive

pytestmark = pytest.mark.process

Spawn = Callable[..., Awaitable[Task]]
Eventually = Callable[..., Awaitable[None]]
ALLOWED = TurnOptions(allow=("Bash",))
BYPASS = TurnOptions(permission_mode="bypassPermissions")


def commands(text: str) -> set[int]:
    """The processes whose command line holds a text."""
    found = psutil.process_iter(["cmdline"])
    return {process.pid for process in found if text in " ".join(process.info["cmdline"] or ())}


def report(task: Task) -> str:
    return task.result_path.read_text(encoding="utf-8")


# What it starts


async def test_spawn_gives_each_task_a_session_and_a_process_of_its_own_and_ends_it_after_the_work(
    spawn: Spawn, eventually: Eventually, endpoint: Endpoint
) -> None:
    tasks = [await spawn("one", "say first"), await spawn("two", "say second")]
    assert [task.status for task in tasks] == [TaskStatus.PENDING] * 2
    sessions = [task.session for task in tasks if task.session]
    await eventually(lambda: all(session.pid for session in sessions))
    pids = {session.pid for session in sessions}
    assert len(pids) == len({task.session_id for task in tasks}) == 2

    results = [await task.wait() for task in tasks]

    assert [result.text for result in results if result] == ["first", "second"]
    assert [task.status for task in tasks] == [TaskStatus.COMPLETED] * 2
    assert [task.session_id for task in tasks] == [result.session_id for result in results if result]
    assert {request["prompt"] for request in endpoint.requests} == {"say first", "say second"}
    assert 0 < tasks[0].elapsed == tasks[0].ended - tasks[0].started
    await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids if pid))


async def test_what_nobody_has_allowed_is_denied_and_what_its_options_allow_is_done(
    spawn: Spawn, tmp_path: Path
) -> None:
    tasks = [
        await spawn("denied", "run touch done.txt"),
        await spawn("allowed", "run touch done.txt", turn_options=ALLOWED),
    ]

    results = [await task.wait() for task in tasks]

    assert [call.is_error for result in results if result for call in result.tool_calls] == [True, False]
    assert [(tmp_path / folder / "done.txt").exists() for folder in ("in denied", "in allowed")] == [
        False,
        True,
    ]
    assert "--allow Bash" in report(tasks[0])


@pytest.mark.parametrize("name", ["", "two words", "../up", "-x", "a/b"])
async def test_a_name_that_is_none_is_refused(spawn: Spawn, manager: TaskManager, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        await spawn(name, "say hello", "folder")
    assert manager.list() == []


async def test_a_directory_that_does_not_exist_is_refused(
    manager: TaskManager, options: Callable[..., Options], tmp_path: Path
) -> None:
    with pytest.raises(WorkingDirectoryError, match="nowhere"):
        await manager.spawn("one", "say hello", options(cwd=tmp_path / "nowhere"))
    assert manager.list() == []


@pytest.mark.usefixtures("as_before")
async def test_a_task_to_which_nobody_refers_goes_on_after_a_collection(
    options: Callable[..., Options], tmp_path: Path, eventually: Eventually
) -> None:
    folder = tmp_path / "work"
    before = len(asyncio.all_tasks())
    await TaskManager(tmp_path / "state").spawn(
        "one", "run sleep 0.3", options(cwd=folder), turn_options=BYPASS
    )

    def collected_and_written() -> bool:
        gc.collect()
        return any(folder.glob(".claude-tasks/*-output.md"))

    await eventually(collected_and_written)

    (written,) = folder.glob(".claude-tasks/*-output.md")
    assert written.read_text().startswith("# Task one: completed\n")
    await eventually(lambda: len(asyncio.all_tasks()) == before)  # its process is released, too


@pytest.mark.usefixtures("as_before")
async def test_what_works_on_a_task_is_referred_to_until_it_is_done(tmp_path: Path) -> None:
    """The loop itself keeps no task alive."""

    async def endless() -> None:
        await asyncio.get_running_loop().create_future()

    owner = {"kernel_pid": 0, "kernel_created": ""}
    task = Task(new_record("one", Prompt("do it"), tmp_path, "{}", owner))
    keep_alive(task, endless())
    assert task.work is not None
    work = weakref.ref(task.work)
    del task
    await asyncio.sleep(0)
    gc.collect()
    alive = work()
    assert alive is not None
    alive.cancel()
    await asyncio.wait({alive})


@pytest.mark.fault(31, via="real")
async def test_what_claude_has_in_the_background_goes_on_after_the_turn_and_its_words_reach_the_file(
    spawn: Spawn, eventually: Eventually, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_magic.tasks.work.RELEASE_AFTER", 1.0)
    flag = tmp_path / "flag"
    prompt = f"background until [ -e {flag} ]; do sleep 0.05; done"
    task = await spawn("one", prompt, turn_options=ALLOWED)
    result = await task.wait()
    assert result is not None
    assert "It has ended" not in report(task)
    assert task.session is not None
    pid = task.session.pid
    assert pid is not None
    with pytest.raises(TimeoutError):  # longer than it would be released after
        await asyncio.wait_for(eventually(lambda: not psutil.pid_exists(pid)), 2.5)

    flag.touch()

    await eventually(lambda: not psutil.pid_exists(pid))
    await eventually(lambda: "It has ended" in report(task))
    assert report(task).startswith("# Task one: completed\n")


# What it finds and lists


async def test_get_gives_the_task_of_an_id_and_find_by_name_that_of_a_name(
    spawn: Spawn, manager: TaskManager
) -> None:
    task = await spawn("one", "stall")
    assert manager.get(task.id) is manager.find_by_name("one") is task
    assert manager.get("one") is manager.find_by_name(task.id) is None
    assert [manager.find(which) for which in (task.id, "one")] == [task, task]
    with pytest.raises(UsageError, match=r"no task 'two'.*Known: one.*%%claude --task"):
        manager.find("two")


async def test_find_by_name_prefers_the_one_at_work_and_a_name_at_work_is_refused(
    spawn: Spawn, manager: TaskManager
) -> None:
    first = await spawn("one", "stall")
    with pytest.raises(BusyError, match=r"'one' is at work.*%claude_tasks cancel one"):
        await spawn("one", "say no", "elsewhere")
    await manager.cancel("one")

    second = await spawn("one", "stall")

    assert manager.find_by_name("one") is second
    assert manager.list() == [first, second]


async def test_running_has_the_tasks_at_work_and_list_has_all(spawn: Spawn, manager: TaskManager) -> None:
    first, second = await spawn("one", "say hello"), await spawn("two", "stall")
    assert manager.running() == [first, second]
    await first.wait()
    assert manager.running() == [second]
    assert manager.list() == [first, second]


# What it ends and forgets


@pytest.mark.fault(52, via="real")
@pytest.mark.fault(93, via="real")
@pytest.mark.parametrize("generation", ["current", "older"])
async def test_cancel_ends_every_process_of_a_task_and_keeps_what_it_has_said(
    generation: str,
    spawn: Spawn,
    manager: TaskManager,
    eventually: Eventually,
    tmp_path: Path,
    clis: dict[str, Path],
) -> None:
    watched = tmp_path / "watched"
    watched.touch()
    task = await spawn("one", f"run tail -f {watched}", turn_options=BYPASS, cli=str(clis[generation]))
    assert task.session is not None
    await eventually(lambda: commands(f"tail -f {watched}"))
    pid = task.session.pid
    assert pid is not None

    assert await manager.cancel("one") is task

    assert not commands(f"tail -f {watched}")
    assert not psutil.pid_exists(pid)
    assert task.status is TaskStatus.CANCELLED
    assert manager.running() == []
    assert report(task).startswith("# Task one: cancelled\n")
    assert "Running." in report(task)
    assert task.output[0] == "Running."


async def test_cancel_ends_a_task_that_has_not_begun_too(spawn: Spawn, manager: TaskManager) -> None:
    task = await spawn("one", "say hello")
    await manager.cancel(task.id)
    assert task.status is TaskStatus.CANCELLED
    assert report(task).startswith("# Task one: cancelled\n")


async def test_cleanup_forgets_what_is_over_and_leaves_the_files(spawn: Spawn, manager: TaskManager) -> None:
    over, at_work = await spawn("one", "say hello"), await spawn("two", "stall")
    await over.wait()

    assert await manager.cleanup() == [over]

    assert manager.list() == [at_work]
    assert manager.get(over.id) is None
    assert over.session is not None
    assert over.session.pid is None
    assert "hello" in report(over)
    assert await manager.cleanup() == []


async def test_close_interrupts_what_is_at_work_and_a_later_manager_can_go_on(
    spawn: Spawn,
    manager: TaskManager,
    eventually: Eventually,
    endpoint: Endpoint,
) -> None:
    task = await spawn("one", "stall", turn_options=ALLOWED)
    await eventually(lambda: "The first half" in task.last_line)

    await manager.close()

    assert task.status is TaskStatus.INTERRUPTED
    assert report(task).startswith("# Task one: interrupted\n")
    (left,) = manager.list()
    assert (left.id, left.status, left.session) == (task.id, TaskStatus.INTERRUPTED, None)
    assert await manager.cleanup() == [], "it can still be resumed"
    again = await manager.resume("one", task.session.options if task.session else None)
    assert again.turn is not None
    assert again.turn.options == ALLOWED
    result = await again.wait()
    assert again.status is TaskStatus.COMPLETED
    assert result is not None
    assert (result.text, result.session_id) == ("Going on.", task.session_id)
    assert [prompt for prompt in endpoint.stripped_prompts if prompt == "stall"] == ["stall"]
    assert endpoint.requests[-1]["prompt"].startswith("[claude_magic] ")
    assert endpoint.requests[-1]["prompt"].endswith("> stall")
    with pytest.raises(UsageError, match="completed"):
        await manager.resume("one")


@pytest.mark.fault(111, via="real")
async def test_the_data_of_a_task_goes_before_its_words_at_first_and_when_it_goes_on(
    spawn: Spawn, manager: TaskManager, eventually: Eventually, endpoint: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("SESAME")
    data = Attachment("x", f"@{tmp_path}/secret.txt")
    task = await spawn("one", Prompt("stall", (data,)), turn_options=ALLOWED)
    await eventually(lambda: "The first half" in task.last_line)
    await manager.close()
    assert data.text in report(task)
    manager.list()  # read from disk

    again = await manager.resume("one", task.session.options if task.session else None)
    await again.wait()

    assert again.asked == Prompt("stall", (data,))
    before, words = endpoint.stripped_prompts[-2:]
    assert before == data.block["text"]
    assert words.endswith("\n\n> stall")
    assert endpoint.prompts.count(str(data.block["text"])) == 2
    assert "SESAME" not in str(endpoint.last)


# What it tells


async def test_complete_failed_and_output_are_told(spawn: Spawn, manager: TaskManager) -> None:
    told: list[tuple[object, ...]] = []
    for event in ("complete", "failed"):
        manager.on(event, lambda task, event=event: told.append((event, task.name, task.status.value)))
    lines: list[tuple[str, str]] = []
    manager.on("output", lambda task, line: lines.append((task.name, line)))
    off = manager.on("output", lambda *_: told.append(("never",)))
    off()

    well = await spawn("well", "say one\ntwo\n\nthree")
    await well.wait()
    badly = await spawn("badly", "fail 400")
    await badly.wait()
    cancelled = await spawn("cancelled", "stall")
    await manager.cancel(cancelled.id)

    assert told == [
        ("complete", "well", "completed"),
        ("failed", "badly", "failed"),
        ("failed", "cancelled", "cancelled"),
    ]
    assert [line for name, line in lines if name == "well"] == ["one", "two", "", "three"]
    assert "400" in badly.error
    assert badly.error in report(badly)


async def test_a_callback_that_raises_is_logged_and_changes_nothing(
    spawn: Spawn, manager: TaskManager, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Task] = []
    for event in ("complete", "output"):
        manager.on(event, lambda *_: 1 / 0)
    manager.on("complete", told.append)
    with caplog.at_level(logging.ERROR):
        task = await spawn("one", "say hello")
        await task.wait()
    assert told == [task]
    assert task.status is TaskStatus.COMPLETED
    assert "A callback for 'output' failed" in caplog.text
    assert "A callback for 'complete' failed" in caplog.text


async def test_the_ring_buffer_keeps_the_newest_thousand_lines(spawn: Spawn) -> None:
    said = "\n".join(f"line {number}" for number in range(1, 1501))
    task = await spawn("one", f"say {said}")
    result = await task.wait()
    assert task.output == said.split("\n")[500:]
    assert task.last_line == "line 1500"
    assert result is not None
    assert result.text == said, "the result has all of it"


# One per directory


async def test_one_task_per_directory_by_its_real_path(
    spawn: Spawn, manager: TaskManager, tmp_path: Path
) -> None:
    first = await spawn("one", "stall", "shared")
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    (tmp_path / "shared" / "nested").mkdir()

    for taken in ("shared", "link", "shared/../shared"):
        with pytest.raises(BusyError) as refused:
            await spawn("two", "say no", taken)
        message = str(refused.value)
        assert f"Task 'one' is at work in {first.cwd}." in message
        assert "%claude_tasks cancel one" in message
        assert "--worktree" in message
        assert "\n" not in message
    assert manager.list() == [first]

    nested = await spawn("nested", "say below", "shared/nested")
    assert await nested.wait()
    await manager.cancel("one")
    later = await spawn("two", "say later", "link")
    assert await later.wait()


async def test_a_directory_is_taken_for_the_other_managers_of_the_machine_too(
    spawn: Spawn, manager: TaskManager, options: Callable[..., Options], tmp_path: Path
) -> None:
    task = await spawn("one", "stall")
    other = TaskManager(tmp_path / "state")
    assert other.list() == []
    with pytest.raises(BusyError, match="Task 'one' is at work"):
        await other.spawn("two", "say no", options().with_(cwd=task.cwd))
    assert other.list() == []
    assert manager.running() == [task]


# What it writes down


async def test_the_result_file_has_what_was_asked_what_was_done_and_what_came_of_it(spawn: Spawn) -> None:
    task = await spawn("one", "run echo  '<b> `x`'", turn_options=ALLOWED)
    await task.wait()

    assert task.result_path == task.cwd / ".claude-tasks" / f"task-{task.id}-output.md"
    text = report(task)
    for part in (
        "# Task one: completed",
        f"- id: `{task.id}`",
        f"- directory: `{task.cwd}`",
        f"- session id: `{task.session_id}`",
        "- cost: `$",
        "- took: `",
        "> run echo  '\\<b\\> \\`x\\`'",
        "Running.",
        "**Bash** echo '\\<b\\> \\`x\\`' (ok",
        "\n<b> `x`\n",
    ):
        assert part in text, part
    folder = task.result_path.parent
    assert {path.name for path in folder.iterdir()} == {".gitignore", task.result_path.name}
    assert (folder / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(task.result_path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_where_no_file_can_be_written_the_turn_says_so_once_and_nothing_is_lost(
    spawn: Spawn, tmp_path: Path, kind: str
) -> None:
    place, elsewhere = tmp_path / "in one" / ".claude-tasks", tmp_path / "elsewhere"
    place.parent.mkdir()
    elsewhere.mkdir()
    if kind == "file":
        place.write_text("somebody's")
    else:
        place.symlink_to(elsewhere)

    task = await spawn("one", "say hello")
    result = await task.wait()

    assert (task.status, result and result.text) == (TaskStatus.COMPLETED, "hello")
    assert "%claude_tasks show one" in task.warning
    notices = [getattr(block, "text", "") for block in task.transcripts[0].blocks]
    assert notices.count(task.warning) == 1
    assert list(elsewhere.iterdir()) == []
    assert kind == "link" or place.read_text() == "somebody's"


@pytest.mark.fault(115, via="real")
@pytest.mark.parametrize("prompt", ["fail in colours", "control characters"])
async def test_what_a_task_leaves_does_nothing_to_a_terminal(
    spawn: Spawn, clis: dict[str, Path], prompt: str
) -> None:
    task = await spawn("docs", prompt, cli=str(clis["older"]))  # the current one cleans errors itself
    await task.wait()

    for text in (task.error, report(task)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), ascii(text)
    assert "over" in report(task)
