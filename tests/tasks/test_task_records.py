"""What is remembered of tasks, and whose they are."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from claude_magic.errors import BusyError, UsageError
from claude_magic.notebook.conversation_store import NotebookKey
from claude_magic.options import TurnOptions
from claude_magic.processes.identity import creation_time
from claude_magic.schema import MismatchError
from claude_magic.support.state_file import off_loop
from claude_magic.tasks import TaskManager, TaskStatus
from claude_magic.tasks.records import RETENTION, TaskRecord, TaskRecords
from claude_magic.tasks.task import Task, options_from_json, options_to_json


@dataclass
class Tea:
    minutes: int


HERE = NotebookKey("k1", "/n.ipynb", "1:2")


def record(task_id: str = "a", **changes: object) -> TaskRecord:
    """A task of this kernel that is at work in /work."""
    made = TaskRecord(
        id=task_id,
        name=f"name {task_id}",
        prompt="do it",
        project="/work",
        cwd="/work",
        directory="/work",
        session_id="00000000-0000-4000-8000-000000000000",
        status=TaskStatus.RUNNING,
        started=1.0,
        kernel_pid=os.getpid(),
        kernel_created=creation_time(os.getpid()),
        kernel_id=HERE.kernel_id,
        path=HERE.path,
        inode=HERE.inode,
    )
    return replace(made, **changes)


def dead() -> dict[str, object]:
    """The kernel of a task that is gone."""
    child = subprocess.Popen(["sleep", "30"])
    gone = {"kernel_pid": child.pid, "kernel_created": creation_time(child.pid)}
    child.kill()
    child.wait()
    return gone


def other_kernel() -> dict[str, object]:
    """The kernel of a task that lives, and is not this one."""
    return {"kernel_pid": os.getppid(), "kernel_created": creation_time(os.getppid())}


@pytest.fixture
def records(tmp_path: Path) -> TaskRecords:
    return TaskRecords(tmp_path)


def test_a_directory_is_taken_as_long_as_a_task_is_at_work_there(records: TaskRecords) -> None:
    records.claim(record("a"))
    records.claim(record("elsewhere", directory="/other"))
    with pytest.raises(BusyError, match="'name a' is at work in /work"):
        records.claim(record("b"))
    records.put(record("a", status=TaskStatus.COMPLETED))
    records.claim(record("b"))


def test_a_task_of_another_kernel_is_named_with_its_notebook(records: TaskRecords) -> None:
    records.put(record("a", path="/theirs.ipynb", **other_kernel()))
    with pytest.raises(BusyError) as refused:
        records.claim(record("b"))
    assert f"of /theirs.ipynb (kernel {os.getppid()})" in str(refused.value)
    assert "Cancel it there" in str(refused.value)


def test_what_a_dead_kernel_left_takes_no_directory_and_its_pid_alone_names_nobody(
    records: TaskRecords,
) -> None:
    records.put(record("a", **dead()))
    records.claim(record("b", status=TaskStatus.COMPLETED))
    records.put(record("c", kernel_pid=os.getppid(), kernel_created="somebody else's"))
    records.claim(record("d"))


def test_of_two_kernels_that_go_on_with_one_task_the_second_is_refused(records: TaskRecords) -> None:
    records.put(record("a", **dead()))
    records.claim(record("a", **other_kernel()))
    with pytest.raises(BusyError):
        records.claim(record("a"))


def test_a_notebook_finds_what_its_earlier_kernels_left_by_kernel_id_inode_or_path(
    records: TaskRecords,
) -> None:
    gone = dead()
    records.put(record("a", **gone))
    records.put(record("theirs", kernel_id="k9", path="/other.ipynb", inode="9:9", **gone))
    records.put(record("live", **other_kernel()))
    for notebook in (
        NotebookKey(kernel_id="k1"),
        NotebookKey("k2", "/renamed.ipynb", "1:2"),
        NotebookKey("k2", "/n.ipynb", "3:4"),
    ):
        assert [left.id for left in records.of_notebook(notebook)] == ["a"]
    assert records.of_notebook(NotebookKey("k2", "/new.ipynb", "5:6")) == []


def test_outside_notebooks_only_what_is_not_over_is_taken_up(records: TaskRecords) -> None:
    nowhere = {"kernel_id": "", "path": "", "inode": ""} | dead()
    records.put(record("unfinished", **nowhere))
    records.put(record("over", status=TaskStatus.COMPLETED, **nowhere))
    assert [left.id for left in records.of_notebook(NotebookKey())] == ["unfinished"]
    assert records.of_notebook(HERE) == []


async def test_a_manager_lists_as_interrupted_what_a_dead_kernel_left_and_cancel_ends_that(
    records: TaskRecords, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    left = record("a", project=str(work), cwd=str(work), name="one", **dead())
    await off_loop(records.put, left)
    manager = TaskManager(tmp_path, notebook=HERE)
    (task,) = await manager.look()
    assert (task.status, task.output, manager.running()) == (TaskStatus.INTERRUPTED, [], [])
    assert manager.list() == [task]
    assert manager.get("a") is manager.find_by_name("one") is await manager.look_up("one") is task

    await manager.cancel("one")

    assert task.status is TaskStatus.CANCELLED
    assert task.result_path.read_text().startswith("# Task one: cancelled\n")
    assert await manager.cleanup() == [task]
    assert TaskManager(tmp_path, notebook=HERE).list() == []


def test_tasks_that_ended_long_ago_are_forgotten(records: TaskRecords) -> None:
    long_ago = time.time() - RETENTION - 1
    records.put(record("old", status=TaskStatus.COMPLETED, ended=long_ago, **dead()))
    records.put(record("newer", status=TaskStatus.COMPLETED, ended=time.time(), **dead()))
    records.claim(record("now"))
    assert [left.id for left in records.of_notebook(HERE)] == ["newer"]


def test_options_are_kept_but_for_bypassing_permissions() -> None:
    options = TurnOptions(model="opus", allow=("Edit", "Bash(git *)"), timeout=5.0)
    assert options_from_json(options_to_json(options)) == options
    assert options_from_json(options_to_json(TurnOptions(permission_mode="plan"))).permission_mode == "plan"
    bypass = TurnOptions(permission_mode="bypassPermissions")
    assert options_from_json(options_to_json(bypass)) == TurnOptions()


def test_a_schema_is_kept_as_json_and_in_its_own_kernel_as_the_type() -> None:
    options = TurnOptions(schema=list[Tea])
    task = Task(record(turn_options=options_to_json(options)), lambda *_: None)
    assert task.options_before.schema.name == "list"
    assert task.options_before.schema.data({"value": [{"minutes": 3}]}) == [{"minutes": 3}]
    with pytest.raises(MismatchError, match=r"minutes: must be integer"):
        task.options_before.schema.value([{"minutes": "three"}])
    task.turn = SimpleNamespace(options=options)  # type: ignore[assignment]
    assert task.options_before.schema.data({"value": [{"minutes": 3}]}) == [Tea(3)]


@pytest.mark.fault(97, via="real")
def test_without_a_usable_state_folder_directories_are_still_taken_and_it_is_told_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").write_text("a file")
    records = TaskRecords(tmp_path / "state")
    records.claim(record("a"))
    with pytest.raises(BusyError):
        records.claim(record("b"))
    assert len(records.notices()) == 1
    assert records.notices() == []
    records.close()


@pytest.mark.fault(97, via="real")
def test_a_corrupt_file_is_set_aside_and_begun_anew(records: TaskRecords, tmp_path: Path) -> None:
    (tmp_path / "tasks.sqlite").write_bytes(b"no database" * 100)
    records.claim(record("a"))
    assert [notice.count("begun anew") for notice in records.notices()] == [1]
    with sqlite3.connect(tmp_path / "tasks.sqlite") as database:
        assert database.execute("SELECT id FROM tasks").fetchall() == [("a",)]
    database.close()


async def test_resuming_what_is_nobodys_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no task 'one'"):
        await TaskManager(tmp_path).resume("one")


def test_a_state_folder_from_before_prompts_had_data_is_used_on(tmp_path: Path) -> None:
    records = TaskRecords(tmp_path)
    records.put(record("a", status=TaskStatus.COMPLETED, ended=time.time()))
    with sqlite3.connect(tmp_path / "tasks.sqlite") as database:
        database.execute("ALTER TABLE tasks DROP COLUMN attachments")
    database.close()

    records.put(record("b", status=TaskStatus.COMPLETED, ended=time.time(), attachments='[["x", "1"]]'))

    assert [(left.id, left.attachments) for left in records.of_notebook(HERE)] == [
        ("a", "[]"),
        ("b", '[["x", "1"]]'),
    ]
    assert records.notices() == []
