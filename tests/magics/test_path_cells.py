"""Paths given in a cell count from the notebook's folder, and a wrong one is refused at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest
from generations import current_cli
from magic_fixtures import MagicNotebook
from places import SCENARIO

pytestmark = pytest.mark.kernel


@pytest.mark.fault(117, via="real")
def test_paths_given_in_cells_count_from_the_notebooks_folder_and_stay(notebook: MagicNotebook) -> None:
    (notebook.work / "project").mkdir()
    (notebook.work / "elsewhere").mkdir()
    (notebook.work / "persona.txt").write_text("You are a pirate.", encoding="utf-8")
    notebook.do("import os; os.chdir('elsewhere')")
    more = "--permission-mode bypassPermissions"
    notebook.do(f"%claude --cwd project --add-dir . --system @persona.txt {more} run pwd > one.txt")
    notebook.do("%claude_stop")
    notebook.do("os.chdir('/')")
    notebook.do(f"%claude {more} run pwd > two.txt")
    notebook.do("%claude_history -o history.md")
    project = notebook.work / "project"
    assert [(project / f"{name}.txt").read_text().strip() for name in ("one", "two")] == [str(project)] * 2
    assert "You are a pirate." in notebook.endpoint.system
    assert (notebook.work / "history.md").exists()
    notebook.do("%config ClaudeMagics.cwd = 'elsewhere'")
    assert notebook.status("main")["directory"] == str(project)
    notebook.do("%claude -s other say hi")
    assert notebook.status("other")["directory"] == str(notebook.work / "elsewhere")


@pytest.mark.fault(117, via="real")
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--add-dir nowhere", "nowhere"),
        ("--mcp-config nowhere.json", "nowhere.json"),
        ("--mcp-config {not", "--mcp-config"),
        ("--cwd ~nobody-here", "'~nobody-here'"),
    ],
)
def test_a_wrong_path_is_refused_at_once_and_forgotten(shared: MagicNotebook, option: str, said: str) -> None:
    assert said in shared.error(f"%claude {option} say hi")
    shared.do("r = %claude say fine")
    assert shared.value("r.text") == "fine"


@pytest.mark.fault(117, via="real")
def test_a_default_path_that_is_not_there_is_refused_when_it_is_set(notebook: MagicNotebook) -> None:
    for name in ("cwd", "cli"):
        cell = notebook.run(f"%config ClaudeMagics.{name} = 'nowhere'")
        said = cell.stdout + cell.stderr + (cell.error.value if cell.error else "")
        assert str(notebook.work / "nowhere") in said
        assert said.strip().count("\n") == 0
        notebook.do(f"value = %config ClaudeMagics.{name}")
        assert notebook.value("value") is None
    notebook.do("r = %claude say it works")
    assert notebook.value("r.text") == "it works"


@pytest.mark.fault(117, via="real")
def test_a_configured_path_that_is_not_there_is_told_in_a_line_and_the_rest_holds(
    notebook: MagicNotebook,
) -> None:
    given = {"model": "haiku", "cwd": "nowhere", "recoveries": -1, "idle_timeout": 60.0}
    notebook.do(f"%unload_ext claude_magic\nget_ipython().config.ClaudeMagics.update({given})")
    lines = notebook.do("%load_ext claude_magic").stderr.splitlines()
    assert [line.split(" keeps its default: ")[0] for line in lines] == [
        "claude_magic: ClaudeMagics.cwd",
        "claude_magic: ClaudeMagics.recoveries",
    ]
    assert repr(str(notebook.work / "nowhere")) in lines[0]
    notebook.do("model = %config ClaudeMagics.model\ncwd = %config ClaudeMagics.cwd")
    notebook.do("idle = %config ClaudeMagics.idle_timeout")
    assert notebook.value("[model, cwd, idle]") == ["haiku", None, 60.0]
    notebook.do("%unload_ext claude_magic")
    assert notebook.do("%load_ext claude_magic").stderr == "", "it is told once"
    notebook.do("model = %config ClaudeMagics.model")
    assert notebook.value("model") == "haiku"


@pytest.mark.fault(117, via="real")
def test_in_vs_code_paths_count_from_the_notebook_that_it_names(notebook: MagicNotebook) -> None:
    folder = notebook.work / "notebooks"
    (folder / "project").mkdir(parents=True)
    (folder / "persona.txt").write_text("You are a pirate.", encoding="utf-8")
    (notebook.work / "project").mkdir()
    notebook.do(f"__vsc_ipynb_file__ = {str(folder / 'one.ipynb')!r}")
    notebook.do("%claude --cwd project --system @persona.txt say hi")
    assert notebook.status("main")["directory"] == str(folder / "project")
    assert "You are a pirate." in notebook.endpoint.system
    notebook.do("del __vsc_ipynb_file__\n%claude --cwd project say hi")
    assert notebook.status("main")["directory"] == str(notebook.work / "project")


@pytest.mark.fault(117, via="real")
def test_paths_in_variables_count_from_the_notebooks_folder_and_stay(notebook: MagicNotebook) -> None:
    (notebook.work / "elsewhere").mkdir()
    (notebook.work / "claude").symlink_to(current_cli())
    shutil.copy(SCENARIO, notebook.work / "scenario.toml")
    given = {
        "CLAUDE_MAGIC_CLI": "claude",
        "CLAUDE_MAGIC_OFFLINE_SCENARIO": "scenario.toml",
        "CLAUDE_MAGIC_OFFLINE_LOG": "log.jsonl",
    }
    notebook.do(f"import os; before = dict(os.environ); os.environ |= {given}; os.chdir('elsewhere')")
    try:
        notebook.do(f"%claude --cwd {notebook.work} say hi")
        notebook.do("%claude_stop\nos.chdir('/')")
        notebook.do("r = %claude what came first?")
        assert notebook.value("r.text") == "First came: say hi"
        assert psutil.Process(notebook.claude_pid()).cmdline()[0] == str(notebook.work / "claude")
        assert (notebook.work / "log.jsonl").exists()
    finally:
        notebook.do("%unload_ext claude_magic\nos.environ.clear(); os.environ.update(before)")


@pytest.mark.fault(117, via="pure")
def test_a_relative_folder_of_claudes_settings_stays_where_it_is(tmp_path: Path) -> None:
    from claude_magic.claude_cli.command import build_env
    from claude_magic.claude_cli.session_files import projects_folder
    from claude_magic.options import Options
    from claude_magic.support.paths import notebook_folder

    env = {"CLAUDE_CONFIG_DIR": "conf"}
    assert build_env(Options(env=env, cwd=tmp_path), {})["CLAUDE_CONFIG_DIR"] == str(
        notebook_folder() / "conf"
    )
    assert projects_folder(env) == notebook_folder() / "conf/projects"
