"""The file that stays: readable without a kernel, and nothing in it that should not be."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbconvert
import nbformat
import papermill
import pytest
from endpoint_log import Endpoint
from kernel_client import fresh_environment
from magic_fixtures import Page, offline_environment, read_page
from nbclient import NotebookClient
from places import SCENARIO

from claude_magic import offline
from claude_magic.views.html.style import style

pytestmark = pytest.mark.kernel

KEY = "sk-ant-api03-recognisable-0123456789abcdef"
SECRET = "correct horse battery staple"
CODES = (
    "%load_ext claude_magic",
    "%%claude\nsay **first** answer",
    "%%claude\nhostile",
    "%%claude --allow Bash\nrun env | sort > /dev/null; echo 'done $(x)' <b onclick=x>",
    "%%claude -b\nsay from the background",
    "%claude_wait",
    "%claude_status",
    "%claude_history",
    "r = %claude code\nr",
)
OURS = {"class", "href", "rel", "alt", "src", "open", "start", "type", "target", "title", "align", "colspan"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def endpoint_of_their_own(folder: Path) -> Iterator[Endpoint]:
    """The scripted model in the place of the API, for a kernel that uses the person's own key."""
    with subprocess.Popen(
        offline.command([SCENARIO], folder / "endpoint.jsonl"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        yield Endpoint(offline.url_from(server.stdout.readline()), folder / "endpoint.jsonl")
        server.communicate()


@pytest.fixture(scope="module")
def saved(folder: Path, endpoint_of_their_own: Endpoint) -> Path:
    """A notebook as nbclient leaves it, run with a key of one's own."""
    new = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(code) for code in CODES])
    (folder / "work").mkdir()
    env = fresh_environment(folder) | {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": endpoint_of_their_own.url,
        "MY_PASSWORD": SECRET,
        "IS_SANDBOX": "1",
    }
    client = NotebookClient(notebook, timeout=90, resources={"metadata": {"path": str(folder / "work")}})
    client.execute(env=env)
    path = folder / "saved.ipynb"
    nbformat.write(notebook, path)
    return path


def bundles(path: Path) -> list[dict[str, str]]:
    """The answers in a notebook file, opened without a kernel."""
    outputs = [
        output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", ())
    ]
    return [output.data for output in outputs if "claude_magic" in output.get("metadata", {})]


def foreign(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    """Elements that a page makes or fetches something with, and that we never make."""
    return [
        (tag, attributes)
        for tag, attributes in page.elements
        if (tag, attributes) not in read_page(style()).elements
        and (
            tag
            in {
                "script",
                "iframe",
                "svg",
                "form",
                "input",
                "button",
                "object",
                "math",
                "link",
                "meta",
                "video",
            }
            or not set(attributes) <= OURS
            or (tag == "img" and not str(attributes.get("src")).startswith("data:image/"))
            or (tag == "a" and not str(attributes.get("href")).startswith(("http://", "https://", "mailto:")))
        )
    ]


def test_the_file_holds_each_answer_as_html_markdown_and_plain_text(saved: Path) -> None:
    found = bundles(saved)

    assert len(found) == 5
    for bundle, said in zip(
        found, ("first", "window.ran", "done", "from the background", "Here:"), strict=True
    ):
        assert said in read_page(bundle["text/html"]).text
        assert said in bundle["text/markdown"]
        assert said in bundle["text/plain"]
        assert "done" in bundle["text/plain"].split("\n", 1)[0]
    assert "<strong>first</strong>" in found[0]["text/html"]
    assert "**first**" in found[0]["text/markdown"]


@pytest.mark.fault(77, via="real")
@pytest.mark.fault(79, via="real")
@pytest.mark.fault(81, via="real")
def test_hostile_text_is_text_and_nothing_else(saved: Path) -> None:
    hostile = bundles(saved)[1]
    page = read_page(hostile["text/html"])

    assert foreign(page) == []
    for said in ("<script>", "onerror=", "MathJax", "data-commandlinker", "javascript:alert(1)", "onclick="):
        assert said in page.text
    assert all(foreign(read_page(bundle["text/html"])) == [] for bundle in bundles(saved))


@pytest.mark.fault(92, via="real")
def test_the_file_holds_no_key_no_environment_and_no_widget(
    saved: Path, endpoint_of_their_own: Endpoint
) -> None:
    text = saved.read_text(encoding="utf-8")

    assert endpoint_of_their_own.requests, "the answers came by way of the key"
    for secret in (KEY, KEY[:20], SECRET, "MY_PASSWORD", endpoint_of_their_own.url):
        assert secret not in text
    assert "vnd.jupyter.widget" not in text
    assert "widgets" not in nbformat.read(saved, as_version=4).metadata
    assert os.environ["PATH"] not in text


@pytest.mark.fault(125, via="real")
@pytest.mark.parametrize(
    ("kind", "exporter"), [("html", nbconvert.HTMLExporter), ("markdown", nbconvert.MarkdownExporter)]
)
def test_nbconvert_shows_every_answer(saved: Path, kind: str, exporter: type) -> None:
    body, _ = exporter().from_filename(str(saved))

    text = read_page(body).text if kind == "html" else body
    for said in ("first", "window.ran", "from the background", ["answer", "= 6 * 7"][0]):
        assert said in text
    assert KEY not in body
    if kind == "markdown":
        assert "<style" not in body
        assert "border-left" not in read_page(body).text, "no style sheet to read"
    if kind == "html":
        answers = body[body.index('<details class="claude-static ') :]
        assert "<script>window.ran" not in answers
        assert "onerror=" not in [
            name for _, attributes in read_page(answers).elements for name in attributes
        ]


@pytest.mark.fault(110, via="real")
def test_papermill_runs_it_and_keeps_the_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = nbformat.v4
    codes = (
        "%load_ext claude_magic",
        "word = 'default'",
        "%%claude -b\nsay one",
        "%claude say {word}",
        "%claude_wait",
    )
    cells = [new.new_code_cell(code) for code in codes]
    cells[1].metadata["tags"] = ["parameters"]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), tmp_path / "in.ipynb")
    (tmp_path / "work").mkdir()
    for name, value in (fresh_environment(tmp_path) | offline_environment(tmp_path)).items():
        monkeypatch.setenv(name, value)

    papermill.execute_notebook(
        str(tmp_path / "in.ipynb"),
        str(tmp_path / "out.ipynb"),
        parameters={"word": "injected"},
        cwd=str(tmp_path / "work"),
        progress_bar=False,
    )

    one, injected = bundles(tmp_path / "out.ipynb")
    assert "\none\n" in one["text/markdown"]
    assert "\ninjected\n" in injected["text/markdown"]
