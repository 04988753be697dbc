"""Loading costs little and starts nothing; unloading puts everything back."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from kernel_client import fresh_environment
from magic_fixtures import FAILED, MagicNotebook, html, read_page, shown

HEAVY = {
    "rich",
    "markdown_it",
    "nh3",
    "markupsafe",
    "psutil",
    "anywidget",
    "nest_asyncio2",
    "mcp",
    "claude_agent_sdk",
}
LIGHT = {"claude_magic.control_characters", "claude_magic.wording.turn", "claude_magic.wording.tables"}
PRINT_NEW_MODULES = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
import ipywidgets
shell = InteractiveShell.instance()
before = set(sys.modules)
begun = time.process_time()
shell.run_line_magic("load_ext", "claude_magic")
took = time.process_time() - begun
print(took * 1000, *sorted(set(sys.modules) - before))
"""
STATE = """
import atexit, signal, asyncio
from IPython import get_ipython
at_exit, register, unregister = [], atexit.register, atexit.unregister
def remember(function, *args, **kwargs):
    at_exit.append(function)
    return register(function, *args, **kwargs)
def forget(function):
    at_exit[:] = [item for item in at_exit if item != function]
    unregister(function)
atexit.register, atexit.unregister = remember, forget
def state():
    ip = get_ipython()
    magics = ip.magics_manager.magics
    return {
        "magics": sorted(name for kind in magics.values() for name in kind),
        "lines": [repr(item) for item in ip.input_transformers_post],
        "tokens": [repr(item) for item in ip.input_transformer_manager.token_transformers],
        "cleanup": [repr(item) for item in ip.input_transformer_manager.cleanup_transforms],
        "configurables": [type(item).__name__ for item in ip.configurables],
        "events": {name: len(found) for name, found in ip.events.callbacks.items()},
        "matchers": [repr(item) for item in ip.Completer.custom_matchers],
        "signal": repr(signal.getsignal(signal.SIGINT)),
        "names": sorted(name for name in ip.user_ns if "claude" in name.lower()),
        "atexit": [repr(item) for item in at_exit],
        "tasks": len(asyncio.all_tasks()),
    }
"""


def loaded_afresh(tmp_path: Path) -> tuple[float, set[str]]:
    """Milliseconds of the processor for a first `%load_ext`, and the modules it has imported."""
    env = fresh_environment(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PRINT_NEW_MODULES],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    milliseconds, *modules = done.stdout.split()
    return float(milliseconds), set(modules)


@pytest.mark.process
def test_loading_imports_nothing_that_is_used_later(tmp_path: Path) -> None:
    _, modules = loaded_afresh(tmp_path)

    top_level = {name.split(".", 1)[0] for name in modules}
    assert "claude_magic" in top_level
    assert top_level & HEAVY == set()
    assert {name for name in modules if name.startswith("claude_magic.views.")} <= LIGHT


@pytest.mark.kernel
@pytest.mark.fault(89, via="real")
def test_loading_and_all_that_only_looks_start_no_process(own_kernel: MagicNotebook) -> None:
    before = psutil.Process(own_kernel.pid).children(recursive=True)

    own_kernel.load()
    own_kernel.do("%claude_status")
    own_kernel.do("%claude?")
    own_kernel.do("%config ClaudeMagics")

    assert psutil.Process(own_kernel.pid).children(recursive=True) == before


@pytest.mark.kernel
@pytest.mark.fault(89, via="real")
def test_showing_a_saved_answer_again_starts_no_process(own_kernel: MagicNotebook) -> None:
    own_kernel.load()
    bundle = dict(own_kernel.do("%claude say one").displays[0].data)
    own_kernel.do("%unload_ext claude_magic")
    own_kernel.restart()
    own_kernel.load()

    own_kernel.do(f"from IPython.display import display\ndisplay({bundle!r}, raw=True)")

    assert psutil.Process(own_kernel.pid).children(recursive=True) == []


@pytest.mark.kernel
@pytest.mark.fault(62, via="real")
@pytest.mark.parametrize("also", ["%load_ext claude_magic", "%reload_ext claude_magic", ""])
def test_unloading_puts_everything_back_and_stops_the_sessions(own_kernel: MagicNotebook, also: str) -> None:
    own_kernel.load()
    own_kernel.do(
        "def f():\n    r = %claude say warm\nf()"
    )  # what others keep after their first use is theirs
    own_kernel.do("%unload_ext claude_magic")
    own_kernel.do(STATE)
    before = own_kernel.value("state()")
    own_kernel.load()
    own_kernel.do(also)
    assert own_kernel.value("state()['magics'].count('claude_stop')") == 1
    own_kernel.do("%claude say one")
    own_kernel.do("def f():\n    r = %claude say two\nf()")
    own_kernel.do("%%claude -b\nstall")
    own_kernel.do("%%claude -b -s other\nheld until never")
    own_kernel.wait_for(lambda: len(own_kernel.children()) >= 3)
    children = own_kernel.children()

    own_kernel.do("%unload_ext claude_magic")

    assert own_kernel.value("state()") == before
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert "not found" in own_kernel.run("%claude say three").stderr
    own_kernel.load()
    own_kernel.do("r = %claude say again")
    assert own_kernel.value("r.text") == "again"


@pytest.mark.kernel
@pytest.mark.fault(62, via="real")
def test_loading_twice_keeps_the_sessions(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    pid = notebook.claude_pid()

    notebook.do("%load_ext claude_magic")

    assert notebook.claude_pid() == pid


@pytest.mark.kernel
@pytest.mark.fault(1, via="real")
@pytest.mark.fault(2, via="real")
def test_without_a_cli_the_line_says_how_to_get_one(own_kernel: MagicNotebook, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no program")
    own_kernel.load()
    own_kernel.do("import claude_magic.claude_cli.locate as locate, sys\nlocate._SYSTEM_FOLDERS = ()")
    own_kernel.do("sys.modules['claude_agent_sdk'] = None")
    for path, cause in (
        (tmp_path / "missing", "missing"),
        (tmp_path, "directory"),
        (tmp_path / "text.txt", "text.txt"),
    ):
        cell = own_kernel.run(f"%config ClaudeMagics.cli = {str(path)!r}")
        assert cause in cell.stdout + cell.stderr
        own_kernel.do(f"import os; os.environ['CLAUDE_MAGIC_CLI'] = {str(path)!r}")
        assert cause in own_kernel.error("%claude hi")

    own_kernel.do("del os.environ['CLAUDE_MAGIC_CLI']; os.environ['PATH'] = ''")
    said = own_kernel.error("%claude hi")
    assert "pip install" in said
    assert own_kernel.printed("print(6 * 7)") == "42"


def _asks_for_a_code(folder: Path) -> Path:
    """A CLI whose login takes one code and no other."""
    cli = folder / "asks-for-a-code"
    cli.write_text(
        """#!/bin/sh
printf "If the browser didn't open, visit: https://example.org/login\\nPaste code here if prompted > "
read code
[ "$1 $2 $code" = "auth login secret-2" ] || { echo "Login failed: no such code" >&2; exit 1; }
""",
        encoding="utf-8",
    )
    cli.chmod(0o755)
    return cli


@pytest.mark.kernel
@pytest.mark.fault(5, via="real")
@pytest.mark.fault(99, via="real")
def test_without_a_login_the_turn_says_once_how_to_log_in_which_can_be_done_in_a_cell(tmp_path: Path) -> None:
    # What nobody listens on: were there a login, nothing would leave the machine.
    env = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "BROWSER": "/bin/false", "IS_SANDBOX": "1"}
    with MagicNotebook(tmp_path, offline=False, env=env) as kernel:
        kernel.load()
        cell = kernel.run("%claude hi")

        assert cell.error is not None
        assert len(cell.error.traceback) == 1
        assert cell.error.text == FAILED
        page = read_page(html(cell)).text
        assert page.count("Not logged in") == 1
        assert page.count("%claude_login") == 1
        assert "failed" in shown(cell).split("\n", 1)[0]

        # The CLI that was found shows its address and waits for a code.
        asked = kernel.run("%claude_login", allow_stdin=True, answers=[""])
        assert re.search(r"https://claude\.\S+/oauth/authorize\?", asked.stdout)
        assert asked.error is not None
        assert asked.error.text.endswith("To try again, type: %claude_login")
        assert "In a terminal, type: " in kernel.error("%claude_login")
        kernel.do(f"%config ClaudeMagics.cli = {str(_asks_for_a_code(tmp_path))!r}")
        wrong = kernel.run("%claude_login", allow_stdin=True, answers=["secret-1"])
        assert wrong.error is not None
        assert wrong.error.text == (
            "claude_magic: Not logged in: Login failed: no such code. To try again, type: %claude_login"
        )
        right = kernel.do("%claude_login", allow_stdin=True, answers=["secret-2"])
        assert "https://example.org/login" in right.stdout
        assert right.stdout.endswith("Logged in. The next prompt uses it.\n")
        assert "secret" not in right.stdout
        kernel.do("%config ClaudeMagics.cli = None")
        kernel.do('%config ClaudeMagics.backend = "offline"')
        cell = kernel.do("%claude hello")
        assert "offline model, scripted answers" in shown(cell).split("\n", 1)[0]
        assert "resumed" not in shown(cell)
