"""What a session and a turn can be told: what is refused, and what paths and configurations mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claude_magic.declaration import Option, options_of
from claude_magic.errors import CLINotFoundError, UsageError, WorkingDirectoryError
from claude_magic.options import Options, TurnOptions, checked_id, is_json
from claude_magic.support import paths

ID = "01234567-89ab-4cde-8f01-23456789abcd"
SERVERS = ' {"mcpServers": {"a": {"env": {"KEY": "hunter22"}}, "b": {}}}'


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a notebook, which is not the working directory."""
    folder = tmp_path / "books"
    folder.mkdir()
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "a.ipynb"))
    monkeypatch.chdir(tmp_path)
    return folder


def declared(name: str) -> Option:
    cls: Any = Options
    (found,) = (each for each in options_of(cls) if each.name == name)
    return found


def test_an_id_is_a_uuid_in_its_usual_form() -> None:
    assert checked_id(ID.upper()) == Options(session_id=ID.replace("-", "")).session_id == ID


@pytest.mark.parametrize("text", ["--help", "x" * 61, ""])
def test_an_id_that_is_no_uuid_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Options(session_id=text)
    assert str(refused.value) == f"{text[:60]!r} is not a conversation id (a UUID)."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timeout": 0}, "timeout is 0; give a number above 0."),
        ({"max_budget_usd": float("nan")}, "max-budget-usd is nan; give a number above 0."),
        ({"permission_mode": "yolo"}, "permission mode is 'yolo'; choose one of default, acceptEdits, "),
        ({"model": "a\0"}, "model holds a NUL character; remove it."),
    ],
)
def test_a_value_of_a_turn_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        TurnOptions(**changes)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("value", "is_it"), [(SERVERS, True), ("{", True), ("a{", False), ("", False)])
def test_a_configuration_is_json_where_it_begins_so(value: str, is_it: bool) -> None:  # noqa: FBT001
    assert is_json(value) is is_it


def test_paths_are_absolute_from_the_moment_they_are_given(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    options = Options(
        cwd="~/work",
        cli="bin/claude",
        add_dirs=("data", "/d"),
        mcp_config=("s.json", SERVERS, ""),
        check_paths=False,
    )

    assert (options.cwd, options.directory) == (Path("/home/ann/work"), Path("/home/ann/work"))
    assert options.cli == str(notebook / "bin/claude")
    assert options.add_dirs == (str(notebook / "data"), "/d")
    assert options.mcp_config == (str(notebook / "s.json"), SERVERS, "")
    assert Options().cwd == notebook
    assert Options().cli is None


def test_paths_that_are_given_while_the_working_directory_is_gone_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert Options(check_paths=False).cwd == "."


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"cwd": "none"}, WorkingDirectoryError, r"The folder '.*none' does not exist\. .* another --cwd\."),
        ({"add_dirs": ("none",)}, WorkingDirectoryError, r"'.*none' does not exist\. .* another --add-dir\."),
        (
            {"cli": "none"},
            CLINotFoundError,
            r"^cli is '.*none', but there is no such file\. Give the path of the program claude\.$",
        ),
        (
            {"mcp_config": (SERVERS, "none")},
            UsageError,
            r"^--mcp-config cannot read '.*none': there is no such file\.$",
        ),
        (
            {"mcp_config": ('{"key": hunter22',)},
            UsageError,
            r"^--mcp-config is no JSON\. Put it into quotes: ",
        ),
    ],
)
def test_what_is_not_there_is_refused_when_it_is_given_and_not_looked_at_again(
    notebook: Path, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as refused:
        Options(**changes)
    assert "hunter22" not in str(refused.value)
    with pytest.raises(error, match=said):
        Options().with_(**changes)

    known = Options().with_(check_paths=False, **changes)
    assert known.with_(model="opus").model == "opus"
    assert notebook.is_dir()


def test_what_is_there_is_taken(notebook: Path) -> None:
    for name in ("claude", "servers.json"):
        (notebook / name).touch()

    options = Options(cwd=".", add_dirs=(".",), cli="claude", mcp_config=("servers.json", SERVERS))

    assert options.with_(cli="claude", mcp_config=("servers.json",)).cli == str(notebook / "claude")


def test_json_that_is_none_is_refused_with_what_to_type() -> None:
    with pytest.raises(UsageError) as refused:
        Options(mcp_config=("{",))
    assert str(refused.value) == "--mcp-config is no JSON. Put it into quotes: --mcp-config '{…}'"


def test_a_configuration_in_a_line_counts_from_the_notebook_and_shows_no_keys(notebook: Path) -> None:
    servers = declared("mcp_config")

    assert servers.read("servers.json") == str(notebook / "servers.json")
    assert servers.read(SERVERS) == SERVERS
    assert servers.shown("servers.json") == "servers.json"
    assert servers.shown(SERVERS) == "{a, b}"
    for other in ("{", '{"mcpServers": 7}', '{"KEY": "hunter22"}', "{}"):
        assert servers.shown(other) == "{…}"


def test_folders_in_a_line_count_from_the_notebook(notebook: Path) -> None:
    assert declared("add_dirs").read("data") == declared("cwd").read("data") == str(notebook / "data")


def test_without_a_notebook_paths_in_a_line_count_from_where_the_kernel_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "_START", tmp_path)

    assert declared("add_dirs").read("data") == str(tmp_path / "data")
    with pytest.raises(UsageError, match=str(tmp_path / "none")):
        declared("system").read("@none")


def test_a_persona_is_a_text_or_after_an_at_sign_a_file(notebook: Path) -> None:
    read = declared("system").read
    (notebook / "persona.md").write_text("Ärgerlich.", encoding="utf-8")
    (notebook / "bytes").write_bytes(b"\xff")

    assert read("A persona, a@b.") == "A persona, a@b."
    assert read("@persona.md") == "Ärgerlich."
    for name, why in (("none", "No such file or directory"), ("bytes", "it is no UTF-8 text")):
        with pytest.raises(UsageError) as refused:
            read(f"@{name}")
        assert str(refused.value) == f"--system cannot read {str(notebook / name)!r}: {why}."


def test_a_running_process_is_begun_again_only_for_what_it_is_told_at_its_start() -> None:
    cls: Any = Options
    assert {each.name for each in options_of(cls) if not each.live} == {
        *("allow", "deny", "cwd", "add_dirs", "system", "mcp_config", "effort"),
        *("setting_sources", "cli", "note", "env", "line_limit", "hooks", "servers"),
    }


def test_a_copy_keeps_all_but_what_is_changed() -> None:
    options = Options(model="opus", env={"A": "1"})

    changed = options.with_(effort="high")

    assert (changed.model, changed.env, changed.effort) == ("opus", {"A": "1"}, "high")
    assert options.effort is None
    with pytest.raises(UsageError, match="effort"):
        options.with_(effort="none")


def test_what_may_be_secret_is_in_no_repr() -> None:
    shown = repr(Options(env={"KEY": "hunter22"}, mcp_config=(SERVERS,)))

    assert "hunter22" not in shown
    assert "model" in shown
