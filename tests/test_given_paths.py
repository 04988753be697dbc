"""Paths that a person gives are absolute at once, and count from the notebook's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from claude_magic.errors import WorkingDirectoryError
from claude_magic.support import paths
from claude_magic.support.paths import absolute, check_folder, notebook_folder, notebook_path


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook in a folder that is not the working directory."""
    notebook = tmp_path / "books" / "a.ipynb"
    notebook.parent.mkdir()
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    monkeypatch.chdir(tmp_path)
    return notebook


def test_a_path_counts_from_the_notebooks_folder_whatever_the_working_directory(notebook: Path) -> None:
    assert absolute("data") == notebook.parent / "data"
    assert absolute("/data") == Path("/data")
    assert absolute("data", Path("/else")) == Path("/else/data")


def test_without_a_notebook_it_counts_from_the_working_directory_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert notebook_path() == ""
    assert absolute("data") == tmp_path / "data"
    assert notebook_folder() == paths._START


def test_a_tilde_is_the_home_folder_and_that_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    assert absolute("~/x") == Path("/home/ann/x")
    with pytest.raises(WorkingDirectoryError, match="'~nobody-by-that-name/x' begins with a home folder"):
        absolute("~nobody-by-that-name/x")


def test_what_vs_code_says_of_the_notebook_goes_before_what_the_server_says(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules["__main__"], "__vsc_ipynb_file__", str(tmp_path / "b.ipynb"), raising=False
    )

    assert notebook_path() == str(tmp_path / "b.ipynb") != str(notebook)
    assert notebook_folder() == tmp_path


@pytest.mark.parametrize("name", ["a.ipynb", "1b2c-uuid"])
def test_a_name_that_is_no_absolute_path_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", name)

    assert notebook_path() == ""


def test_where_the_notebooks_folder_is_gone_its_paths_count_from_where_the_kernel_began(
    notebook: Path,
) -> None:
    notebook.parent.rmdir()

    assert notebook_folder() == paths._START


def test_a_kernel_whose_folder_was_gone_from_the_start_begins_at_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert paths._start() == Path("/")


def test_a_folder_that_is_not_there_is_refused_with_its_flag(tmp_path: Path) -> None:
    check_folder("--cwd", tmp_path)

    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(WorkingDirectoryError, match=rf"{name}' does not exist\. .* give another --cwd\."):
            check_folder("--cwd", tmp_path / name)
