"""Paths are where they were given, whatever the kernel's working directory is by then."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from people import Person, allow

from claude_magic import Options, Session
from claude_magic.errors import CLINotFoundError, UsageError, WorkingDirectoryError


@pytest.mark.fault(117, via="real")
@pytest.mark.process
async def test_a_session_stays_in_its_folder_after_a_chdir_a_stop_a_crash_and_a_restart(
    options: Callable[..., Options],
    cli: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., Awaitable[None]],
) -> None:
    (tmp_path / "else" / "more").mkdir(parents=True)
    (tmp_path / "work" / "more").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    session = Session(options(cli=str(cli), cwd=".", add_dirs=("more",)))

    async def crash() -> None:
        assert session.pid is not None
        os.kill(session.pid, signal.SIGKILL)
        await eventually(lambda: not session.is_running)

    for name, end in (("a", session.stop), ("b", crash), ("c", session.restart), ("d", session.stop)):
        monkeypatch.chdir(tmp_path / "else")
        await session.ask(f"write {name} text", asker=Person(allow()))
        assert session.pid is not None
        assert psutil.Process(session.pid).cwd() == str(tmp_path / "work")
        await end()
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a", "b", "c", "d", "more"]
    assert str(tmp_path / "work/more") in repr(session.options)


@pytest.mark.fault(117, via="pure")
def test_every_path_of_the_options_is_absolute_when_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "a", Path.home() / "c"):
        folder.mkdir()
    for file in ("b", "d.json"):
        (tmp_path / file).touch()
    made = Options(cwd="a", cli="b", add_dirs=("~/c",), mcp_config=("d.json", '{"mcpServers":{}}'))
    monkeypatch.chdir("/")
    assert os.fspath(made.cwd) == str(made.directory) == f"{tmp_path}/a"
    assert made.cli == f"{tmp_path}/b"
    assert made.add_dirs == (f"{os.environ['HOME']}/c",)
    assert made.mcp_config == (f"{tmp_path}/d.json", '{"mcpServers":{}}')
    assert made.with_(model="opus").cwd == made.cwd


@pytest.mark.fault(117, via="pure")
def test_in_a_notebook_the_options_count_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("notebooks/more", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv("JPY_SESSION_NAME", f"{tmp_path}/notebooks/one.ipynb")
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = Options(cwd=".", add_dirs=("more",))
    assert made.directory == tmp_path / "notebooks"
    assert made.add_dirs == (f"{tmp_path}/notebooks/more",)
    with pytest.raises(WorkingDirectoryError, match="notebooks/elsewhere"):
        Options(cwd="elsewhere")


@pytest.mark.fault(121, via="pure")
def test_options_with_servers_that_are_no_json_cannot_be_made_and_show_nothing_of_them() -> None:
    with pytest.raises(UsageError, match="--mcp-config is no JSON") as told:
        Options(mcp_config=('{"mcpServers": {"github": {"key": "t0p-s3cret"}}',))
    assert "s3cret" not in str(told.value)


@pytest.mark.fault(117, via="pure")
def test_a_home_of_nobody_is_refused_at_once_and_quoted() -> None:
    with pytest.raises(WorkingDirectoryError, match=r"'~nobody-here/x'"):
        Options(add_dirs=("~nobody-here/x",))


@pytest.mark.fault(117, via="pure")
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"cwd": "missing"}, WorkingDirectoryError),
        ({"add_dirs": (".", "missing")}, WorkingDirectoryError),
        ({"mcp_config": ("{}", "missing")}, UsageError),
        ({"cli": "missing"}, CLINotFoundError),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_with_a_path_that_is_not_there_cannot_be_made(
    given: dict[str, Any], error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(repr(f"{tmp_path}/missing"))) as made:
        Options(**given)
    with pytest.raises(error) as changed:
        Options().with_(**given)
    assert str(made.value) == str(changed.value)
    assert "\n" not in str(made.value)


@pytest.mark.fault(117, via="real")
@pytest.mark.process
async def test_a_folder_that_goes_later_is_missed_at_the_start_alone(
    options: Callable[..., Options], tmp_path: Path
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    session = Session(options(cwd=more, add_dirs=(str(more),)))
    more.rmdir()
    session.options = session.options.with_(model="opus")
    with pytest.raises(WorkingDirectoryError, match=re.escape(f"'{more}' does not exist")):
        await session.ask("say hi")
    more.mkdir()
    assert (await session.ask("say hi")).text == "hi"
    await session.stop()
