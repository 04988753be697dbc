"""Which program is started, and what is said when there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from claude_magic.claude_cli import locate
from claude_magic.claude_cli.locate import FoundCLI, find_cli, parse_version, version_warning
from claude_magic.errors import CLINotFoundError


class Machine:
    """A file system with nothing installed but what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.home, self.cwd = root / "home", root / "project"
        self.path = [root / "bin", root / "tools"]
        self.env = {"PATH": os.pathsep.join(map(str, self.path))}
        for folder in (self.home, self.cwd, *self.path):
            folder.mkdir()

    def find(self, cli: str | None = None) -> FoundCLI:
        return find_cli(cli, env=self.env, home=self.home, cwd=self.cwd)

    def error(self, cli: str | None = None) -> str:
        with pytest.raises(CLINotFoundError) as caught:
            self.find(cli)
        message = str(caught.value)
        assert "\n" not in message
        assert 'pip install "claude-magic[cli]"' in message
        return message


def program(path: Path, start: bytes = b"#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start)
    path.chmod(mode)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(locate, "_SYSTEM_FOLDERS", (str(tmp_path / "system"),))
    monkeypatch.setattr(locate, "_BUNDLING_PACKAGE", "no_such_package")
    return Machine(tmp_path)


def test_the_order_is_option_variable_path_install_folders_wheel(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "site" / "bundling_package"
    bundle.mkdir(parents=True)
    (bundle / "__init__.py").write_text("raise RuntimeError('it was imported')")
    monkeypatch.syspath_prepend(bundle.parent)
    monkeypatch.setattr(locate, "_BUNDLING_PACKAGE", bundle.name)
    wheel = program(bundle / "_bundled" / "claude")
    assert machine.find() == FoundCLI(wheel, "the package claude-agent-sdk")
    system = program(tmp_path / "system" / "claude")
    assert machine.find() == FoundCLI(system, str(system.parent))
    local = program(machine.home / ".local/bin/claude")
    assert machine.find() == FoundCLI(local, "~/.local/bin")
    second = program(machine.path[1] / "claude")
    assert machine.find() == FoundCLI(second, "PATH")
    first = program(machine.path[0] / "claude")
    assert machine.find() == FoundCLI(first, "PATH")
    machine.env["CLAUDE_MAGIC_CLI"] = str(second)
    assert machine.find() == FoundCLI(second, "CLAUDE_MAGIC_CLI")
    assert machine.find(str(local)) == FoundCLI(local, "the option cli")


def test_the_copy_in_the_installed_wheel_is_found_without_importing_it() -> None:
    nowhere = Path("/nonexistent")
    found = find_cli(env={}, home=nowhere, cwd=nowhere)
    assert found.path.is_file()
    assert "claude_agent_sdk" not in sys.modules


def test_a_program_that_is_a_link_is_found_by_the_link(machine: Machine) -> None:
    target = program(machine.home / "versions" / "2.1.327", b"\x7fELF")
    link = machine.home / ".local/bin/claude"
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert machine.find().path == link


@pytest.mark.fault(1, via="pure")
def test_nothing_found_names_the_places_and_the_command_to_install(machine: Machine) -> None:
    message = machine.error()
    for place in ("PATH", "~/.local/bin", "~/.claude/local", "claude-agent-sdk", "CLAUDE_MAGIC_CLI"):
        assert place in message


@pytest.mark.fault(1, via="pure")
def test_no_path_variable_and_no_home_are_no_crash(machine: Machine) -> None:
    machine.env.clear()
    machine.home.rmdir()
    assert "PATH" in machine.error()


def unusable(folder: Path, kind: str) -> Path:
    path = folder / "claude"
    match kind:
        case "directory":
            path.mkdir()
        case "mode":
            program(path, mode=0o644)
        case "other machine":
            program(path, b"MZ\x90\x00")
        case "empty":
            program(path, b"")
        case "dangling":
            path.symlink_to(folder / "gone")
    return path


CAUSES = [
    ("directory", "is a directory"),
    ("mode", "is not executable"),
    ("other machine", "is not a program for this machine"),
    ("empty", "is not a program for this machine"),
    ("dangling", "cannot be found"),
]


@pytest.mark.fault(2, via="pure")
@pytest.mark.parametrize(("kind", "cause"), CAUSES)
def test_a_named_program_that_cannot_be_started_is_an_error_with_its_cause(
    machine: Machine, tmp_path: Path, kind: str, cause: str
) -> None:
    program(machine.path[0] / "claude")  # would do, and is not what was asked for
    path = unusable(tmp_path, kind)
    message = machine.error(str(path))
    assert "the option cli" in message
    assert f"{path} {cause}" in message
    machine.env["CLAUDE_MAGIC_CLI"] = str(path)
    assert f"{path} {cause}" in machine.error()


@pytest.mark.fault(2, via="pure")
@pytest.mark.parametrize(("kind", "cause"), CAUSES)
def test_an_unusable_one_on_path_is_passed_over_and_named_if_there_is_no_other(
    machine: Machine, kind: str, cause: str
) -> None:
    path = unusable(machine.path[0], kind)
    assert f"Found, but not usable: {path} {cause}" in machine.error()
    other = program(machine.path[1] / "claude")
    assert machine.find().path == other


@pytest.mark.fault(2, via="pure")
@pytest.mark.parametrize("folder", [Path("/proc/self/mem"), Path("x" * 300)])
def test_a_path_entry_that_cannot_be_looked_into_is_no_crash(machine: Machine, folder: Path) -> None:
    machine.env["PATH"] = str(folder.absolute())
    assert "PATH" in machine.error()


@pytest.mark.fault(11, via="pure")
@pytest.mark.parametrize("cli", ["", "\0", "/bin/claude\0--flag"])
def test_an_empty_path_or_a_nul_is_refused(machine: Machine, cli: str) -> None:
    assert "is no path" in machine.error(cli)


@pytest.mark.fault(11, via="pure")
@pytest.mark.parametrize("name", ["-claude", "--help", "my claude", 'a"b', "new\nline", "$HOME"])
def test_odd_names_become_absolute_paths(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = program(machine.home / name)
    monkeypatch.chdir(machine.home)
    assert machine.find(name).path == path


def test_a_tilde_is_the_home_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(machine.home))
    path = program(machine.home / "own/claude")
    assert machine.find("~/own/claude").path == path
    assert "cannot be found" in machine.error("~no-such-user/claude")


@pytest.mark.fault(90, via="pure")
@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "{cwd}", "{cwd}/.", "{link}"])
def test_what_lies_in_the_current_directory_is_never_started(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.chdir(machine.cwd)
    program(machine.cwd / "claude")
    program(machine.cwd / "bin" / "claude")
    link = machine.home / "link"
    link.symlink_to(machine.cwd)
    machine.env["PATH"] = entry.format(cwd=machine.cwd, link=link)
    machine.error()


@pytest.mark.fault(90, via="pure")
def test_a_link_on_path_into_the_current_directory_is_not_followed(machine: Machine) -> None:
    (machine.path[0] / "claude").symlink_to(program(machine.cwd / "claude"))
    machine.error()
    other = program(machine.path[1] / "claude")
    assert machine.find().path == other


@pytest.mark.fault(90, via="pure")
def test_a_notebook_in_the_home_folder_does_not_hide_the_installed_program(machine: Machine) -> None:
    machine.cwd = machine.home
    path = program(machine.home / ".local/bin/claude")
    machine.env["PATH"] = str(path.parent)
    assert machine.find() == FoundCLI(path, "PATH")


@pytest.mark.fault(90, via="pure")
@pytest.mark.parametrize("name", ["claude.cmd", "claude.BAT"])
def test_batch_files_are_refused_on_windows(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = program(tmp_path / name)
    assert machine.find(str(path)).path == path
    monkeypatch.setattr(locate, "_ON_WINDOWS", True)
    assert "is a batch file" in machine.error(str(path))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.327 (Claude Code)", (2, 1, 327)),
        ("2.1.191 (Claude Code)\n", (2, 1, 191)),
        ("v10.0.1-beta.2", (10, 0, 1)),
        ("", None),
        ("2.1", None),
        ("error: 2.1.327", None),
        ("\x1b[31m2.1.3", None),
        ("9" * 5000 + ".1.1", None),
        ("\u0662.\u0661.\u0663", None),
    ],
)
def test_the_version_is_read_from_the_beginning(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.fault(4, via="pure")
@pytest.mark.parametrize("text", ["2.1.191 (Claude Code)", "2.1.327 (Claude Code)", "2.1.0", "3.0.0"])
def test_versions_from_the_floor_on_are_fine(text: str) -> None:
    assert version_warning(text) == ""


@pytest.mark.fault(4, via="pure")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2.0.99 (Claude Code)", "version 2.0.99, older than 2.1.0"),
        ("1.9.9", "version 1.9.9"),
        ("", "could not be read from ''"),
        ("gar\x1b]0;bled" * 50, r"could not be read from 'gar\x1b]0;bled"),
    ],
)
def test_older_and_unreadable_versions_are_warned_of_in_a_short_line(text: str, said: str) -> None:
    warning = version_warning(text)
    assert said in warning
    assert warning.isprintable()
    assert len(warning) < 200
