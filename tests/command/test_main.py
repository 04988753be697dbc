from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import urlsplit

import nbformat
import pexpect
import pytest
from endpoint_log import Endpoint

from claude_magic.command import main as command
from claude_magic.offline.scenario import Scenario
from claude_magic.transcript.explain import LOGIN_REFUSED

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
QUICKSTART = NOTEBOOKS / "01-quickstart.ipynb"
LIVE_KERNEL = NOTEBOOKS / "03-live-kernel.ipynb"


def notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells; a text that begins with # is Markdown."""
    new = nbformat.v4
    made = [
        new.new_markdown_cell(cell) if cell.startswith("#") else new.new_code_cell(cell) for cell in cells
    ]
    nbformat.write(new.new_notebook(cells=made), path)
    return path


def demo(tmp_path: Path, *cells: str) -> int:
    return command.main(["demo", str(notebook(tmp_path / "n.ipynb", *cells)), f"--output={tmp_path / 'out'}"])


@pytest.mark.kernel
def test_a_demo_tells_what_was_asked_and_answered_and_leaves_notebook_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo(tmp_path, "# A title", "x = 6\nprint('hello', x)", "x * 7") == 0
    told = capsys.readouterr().out
    assert told.index("# A title") < told.index("[2] x = 6\n    print('hello', x)") < told.index("hello 6")
    assert told.index("[3] x * 7") < told.index("\n42\n")
    assert told.endswith(f"{tmp_path / 'out' / 'n.ipynb'}\n{tmp_path / 'out' / 'n.html'}\n\n")
    assert nbformat.read(tmp_path / "out" / "n.ipynb", as_version=4).cells[1].outputs[0].text == "hello 6\n"
    assert "hello 6" in (tmp_path / "out" / "n.html").read_text(encoding="utf-8")


@pytest.mark.kernel
def test_an_output_that_changes_later_is_told_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = "from IPython.display import display\nhandle = display({'running': 1}, display_id=True)"
    assert demo(tmp_path, show, "handle.update({'done': 2})", "3") == 0
    told = capsys.readouterr().out
    assert told.index("{'running': 1}") < told.index("[1] now:\n{'done': 2}")
    assert told.count("{'done': 2}\n\n") == 1


@pytest.mark.kernel
def test_a_demo_has_a_home_of_its_own_and_the_offline_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/another/notebook.ipynb")
    names = "'HOME', 'XDG_STATE_HOME', 'CLAUDE_MAGIC_OFFLINE', 'JPY_SESSION_NAME'"
    assert demo(tmp_path, f"import os\nprint([os.environ.get(name) for name in ({names})])") == 0
    told = capsys.readouterr().out
    found = re.search(r"\['(\S+)/home', '\1/xdg_state_home', '1', None\]", told)
    assert found is not None
    assert not Path(found[1]).exists()


@pytest.mark.kernel
def test_a_cell_that_fails_ends_the_demo_with_one_line_and_the_files_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo(tmp_path, "1", "raise ValueError('\\x1b[31mno\\nmore')", "print('never')") == 1
    told = capsys.readouterr()
    assert told.err == "claude-magic: Cell 2 failed: ValueError: no\n"
    assert "\x1b" not in told.out
    assert (tmp_path / "out" / "n.html").is_file()


@pytest.mark.kernel
def test_a_kernel_that_ends_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(tmp_path, "import os\nos._exit(1)") == 1
    assert capsys.readouterr().err == "claude-magic: The kernel ended in cell 1.\n"


def test_a_missing_notebook_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(["demo", "notebooks/mine.ipynb"]) == 1
    assert capsys.readouterr().err == (
        "claude-magic: There is no notebook notebooks/mine.ipynb. "
        "Give a path, or one that comes along: 01-quickstart, 03-live-kernel.\n"
    )


@pytest.mark.parametrize("text", ["not json", "{}", "[]"])
def test_a_file_that_is_no_notebook_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text, encoding="utf-8")
    assert command.main(["demo", str(path)]) == 1
    assert capsys.readouterr().err == f"claude-magic: {path} is not a notebook.\n"


def test_a_demo_without_its_packages_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "claude_magic.command.demo", raising=False)
    monkeypatch.setitem(sys.modules, "nbclient", None)
    assert command.main(["demo"]) == 1
    expected = 'claude-magic: The demo needs nbclient. Type: pip install "claude-magic[lab]"\n'
    assert capsys.readouterr().err == expected


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody listens on: nothing leaves the machine."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")


@pytest.fixture
def logged_in(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """There is a login, with the scripted model for an API."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sesame-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
    return endpoint


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """What the doctor found: how each is, and the words."""
    lines = (line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines())
    return {name: (word, text) for word, name, text in lines}


@pytest.mark.process
def test_the_doctor_finds_everything_and_asks_the_api_once(
    logged_in: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["doctor"]) == 0
    found = findings(capsys)
    assert list(found) == ["Python", "IPython", "ipykernel", "claude", "login", "API", "offline"]
    assert {word for word, _ in found.values()} == {"ok"}
    assert re.search(r"\d+\.\d+\.\d+", found["claude"][1])
    assert found["login"][1] == "logged in (ANTHROPIC_API_KEY)"
    assert found["API"][1] == f"{urlsplit(logged_in.url).netloc} answers, streams and keeps tools"
    assert len(logged_in.requests) == 1


@pytest.mark.fault(99, via="real")
@pytest.mark.process
def test_the_doctor_names_a_login_that_is_refused_and_an_api_that_is_not_there(
    logged_in: Endpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_magic.command.api_check.QUESTION", "fail 401")
    assert command.main(["doctor"]) == 1
    found = findings(capsys)
    assert found["API"] == ("problem", f"{urlsplit(logged_in.url).netloc}: {LOGIN_REFUSED}")

    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://ada:sesame@127.0.0.1:9/x")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CLAUDE_MAGIC_CLI", "")
    assert command.main(["doctor"]) == 1
    found = findings(capsys)
    assert found["API"][0] == "problem"
    assert found["API"][1].startswith("127.0.0.1:9 cannot be reached: connection refused. ")
    assert found["claude"][0] == found["offline"][0] == "problem"
    assert "login" not in found


@pytest.mark.process
def test_without_a_login_the_doctor_names_the_command_for_it_which_runs_the_cli_that_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no claude-magic is
    assert command.main(["doctor"]) == 1
    word, text = findings(capsys)["login"]
    named = re.fullmatch(r"not logged in\. Type: (.+) \(in a notebook: %claude_login\)", text)
    assert (word, named is not None) == ("problem", True)

    assert named is not None
    cli = tmp_path / "claude"
    cli.write_text('#!/bin/sh\necho "$0 $@, a tty: $(test -t 0 && echo yes)"\n', encoding="utf-8")
    cli.chmod(0o755)
    terminal = pexpect.spawn("/bin/sh", ["-c", f"PATH={tmp_path}:/bin:/usr/bin {named[1]}"], encoding="utf-8")
    terminal.expect(pexpect.EOF, timeout=60)
    assert f"{cli} auth login, a tty: yes" in str(terminal.before)


def test_a_login_in_a_cell_is_refused_with_what_works_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert command.main(["login"]) == 1
    assert "Type in a cell: %claude_login, or in a terminal: " in capsys.readouterr().err


@pytest.mark.process
def test_the_doctor_says_what_is_wrong_with_the_cli(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_MAGIC_CLI", str(tmp_path / "none"))
    assert command.main(["doctor"]) == 1
    found = findings(capsys)
    assert found["claude"][0] == "problem"
    assert f"CLAUDE_MAGIC_CLI is '{tmp_path}/none'" in found["claude"][1]
    assert found["offline"] == ("problem", "needs the program claude, too")


@pytest.mark.fault(115, via="fake")
@pytest.mark.process
def test_what_a_program_says_of_its_version_does_nothing_to_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "claude"
    cli.write_text(r"""#!/bin/sh
printf '2.1.999 (\033]52;c;aGk=\007\033[31mred)\n'
""")
    cli.chmod(0o755)
    monkeypatch.setenv("CLAUDE_MAGIC_CLI", str(cli))
    command.main(["doctor"])
    said = capsys.readouterr().out
    assert "2.1.999 (red)" in said
    assert not set(said) & {"\x1b", "\x07"}


def test_the_doctor_says_which_ipykernel_to_install_and_is_content_without_one_as_the_prompt_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _: "6.29.5")
    old = command._ipykernel()
    monkeypatch.setattr(
        "importlib.metadata.version", Mock(side_effect=importlib.metadata.PackageNotFoundError)
    )
    none = command._ipykernel()

    assert (old.word, none.word) == ("problem", "note")
    assert old.text.startswith("6.29.5; buttons cannot answer")
    assert re.fullmatch("not installed; .* pip install ipykernel", none.text)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_clean_and_each_of_its_prompts_has_a_script(path: Path) -> None:
    lesson = nbformat.read(path, as_version=4)
    nbformat.validate(lesson)
    sources = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    assert not any(cell.get("outputs") for cell in lesson.cells)
    prompts = [
        text
        for source in sources
        for text in re.findall(r"(?s)\A%%claude[^\n]*\n(.*)|%claude(?:_explain)? ([^\n]*)", source)
    ]
    assert len(prompts) > 5
    scenario = Scenario.load()
    for prompt in ("".join(groups) for groups in prompts):
        assert scenario.find(prompt)[0].name == prompt.strip()


@pytest.mark.kernel
@pytest.mark.process
def test_the_lesson_of_the_live_kernel_runs_with_nobody_there_and_its_checks_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint("", tmp_path / "endpoint.jsonl")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("CLAUDE_MAGIC_OFFLINE_LOG", str(endpoint.log))
    monkeypatch.setenv("TMPDIR", str(temporary))

    assert command.main(["demo", str(LIVE_KERNEL), f"--output={tmp_path}"]) == 0

    listed, inspected, _, cleaned, drawn, proposed, *rain, _, module, edited = endpoint.tool_results
    assert "weather: pandas.DataFrame, 6 rows, 3 columns" in listed
    assert "6 different" in inspected
    assert "float64" in cleaned
    assert '"media_type": "image/png"' in drawn
    assert "proposed as the user's next cell" in proposed
    assert [json.loads(result)[0]["text"] for result in rain] == ["660.0", "1020.0", "2280.0"]
    assert "return mm / 25" in module
    assert "has been updated" in edited
    asked = endpoint.prompts.index("Why is there no mean?")
    assert "TypeError" in "".join(endpoint.prompts[asked - 2 : asked])
    executed = nbformat.read(tmp_path / LIVE_KERNEL.name, as_version=4)
    (mend,) = (cell for cell in executed.cells if cell.id == "mend")
    assert "data:image/png;base64," in mend.outputs[-1].data["text/html"]
    assert list(temporary.glob("live-kernel-*")) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("01-quickstart", QUICKSTART),
        ("03-live-kernel.ipynb", LIVE_KERNEL),
        ("live-kernel", LIVE_KERNEL),
        ("03", LIVE_KERNEL),
        (str(LIVE_KERNEL), LIVE_KERNEL),
    ],
)
def test_what_comes_along_is_run_by_name_or_number(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Path] = []
    monkeypatch.setattr("claude_magic.command.demo.demo", lambda notebook, _output: run.append(notebook))

    assert command.main(["demo", name]) == 0
    assert run == [path]


def test_a_notebook_of_ones_own_comes_before_one_that_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Path] = []
    monkeypatch.setattr("claude_magic.command.demo.demo", lambda notebook, _output: run.append(notebook))
    monkeypatch.chdir(tmp_path)
    Path("03-live-kernel.ipynb").touch()

    assert command.main(["demo", "03-live-kernel.ipynb"]) == 0
    assert run == [Path("03-live-kernel.ipynb")]
