"""What is left in the file: read without kernel, trust or Jupyter, and made without a person."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import NotebookPage
from magic_fixtures import read_page
from playwright.sync_api import Browser, expect
from servers import JupyterServer

CELLS = [
    "%%claude --allow Bash\nrun echo of-the-tool",
    "%%claude\nWhy does the cache grow?",
    "%%claude\nfail 400",
]
SAID = [
    ["run echo of-the-tool", "Running.", "of-the-tool", "It said:", "done", "of context left"],
    [
        "Thought",
        "keyed by the whole request",
        "def price(symbol: str, day: date)",
        "1.3 million",
        "functools",
    ],
    ["fail 400", "failed"],
]


def jupyter(server: JupyterServer, *words: str) -> None:
    """Runs one of Jupyter's programs in the server's surroundings."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=server.notebooks, env=server.env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def backgrounds_of_code(browser: Browser, file: Path) -> set[str]:
    """On what the code of a converted notebook's turns stands, within its blocks."""
    page = browser.new_page()
    page.goto(file.as_uri(), wait_until="domcontentloaded")  # it asks the network for MathJax
    code = page.locator(".claude-static pre code")
    expect(code.first).to_be_visible()
    found = code.evaluate_all("all => all.map(code => getComputedStyle(code).backgroundColor)")
    page.close()
    return set(found)


def of_turns(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """The bundles of a cell's turn in a file."""
    return [
        data
        for output in cell["outputs"]
        if "claude-static" in str((data := output.get("data", {})).get("text/html"))
    ]


@pytest.mark.fault(73, via="real")
def test_a_saved_notebook_reads_everywhere(
    in_lab: Callable[..., NotebookPage],
    reopen: Callable[..., NotebookPage],
    browser: Browser,
    tmp_path: Path,
) -> None:
    notebook = in_lab(*CELLS)
    server = notebook.server
    for number in (1, 2, 3):
        notebook.run(number)
        expect(notebook.output(number).locator(".claude-static")).to_be_visible()
    saved = notebook.save()
    assert "widget-view" not in json.dumps(saved["cells"])
    for number, texts in enumerate(SAID, 1):
        (bundle,) = of_turns(saved["cells"][number])
        assert {"text/html", "text/markdown", "text/plain"} <= set(bundle)
        assert [text for text in texts if text not in read_page("".join(bundle["text/html"])).text] == []

    for kind in ("html", "markdown"):
        jupyter(server, "nbconvert", "--to", kind, "--output-dir", str(tmp_path), notebook.name)
    page = read_page((tmp_path / notebook.name).with_suffix(".html").read_text(encoding="utf-8")).text
    plain = read_page((tmp_path / notebook.name).with_suffix(".md").read_text(encoding="utf-8")).text
    for made in (page, plain):
        assert [text for texts in SAID for text in texts if text not in made] == []
    converted = (tmp_path / notebook.name).with_suffix(".html")
    assert backgrounds_of_code(browser, converted) == {"rgba(0, 0, 0, 0)"}

    again = reopen(notebook)
    for number, texts in enumerate(SAID, 1):
        expect(again.output(number).locator(".claude-static")).to_be_visible()
        said = again.output(number).text_content() or ""
        assert [text for text in texts if text not in said] == []
        assert "model not found" not in said.lower()
    assert again.traffic.outside == []


@pytest.mark.fault(73, via="real")
@pytest.mark.parametrize("program", ["nbclient", "papermill"])
def test_a_notebook_executed_without_a_person_holds_the_answers(
    lab_server: JupyterServer, program: str
) -> None:
    name = lab_server.write(["%load_ext claude_magic", *CELLS[:2], "%%claude\nwrite nobody.txt x"])
    made = lab_server.notebooks / f"made-{name}"
    if program == "papermill":
        jupyter(lab_server, "papermill", "--no-progress-bar", name, made.name)
    else:
        jupyter(lab_server, "nbconvert", "--to", "notebook", "--execute", "--output", made.name, name)

    saved = json.loads(made.read_text(encoding="utf-8"))
    assert "widgets" not in saved["metadata"]
    assert "widget-view" not in json.dumps(saved)
    for cell, texts in zip(saved["cells"][1:3], SAID, strict=False):
        (bundle,) = of_turns(cell)
        assert [text for text in texts if text not in read_page("".join(bundle["text/html"])).text] == []
    assert not (lab_server.notebooks / "nobody.txt").exists()
    assert "--allow Write" in json.dumps(saved["cells"][3]["outputs"])


@pytest.mark.fault(92, via="real")
def test_a_key_in_the_environment_reaches_neither_the_page_nor_the_file(lab: NotebookPage) -> None:
    frames = lab.listening()
    lab.run(lab.add("import os\nassert len(os.environ['ANTHROPIC_API_KEY']) > 20"))

    lab.wait(lab.ask("say hello"))
    lab.run(lab.add("%claude_status\n%claude_history\n%claude fail 400"))

    sent = "".join(json.dumps(frame.content) for frame in frames)
    assert "hello" in sent
    assert lab.server.secret not in sent
    assert lab.server.secret not in json.dumps(lab.save())
