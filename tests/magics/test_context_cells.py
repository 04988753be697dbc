"""What goes with a prompt from the kernel, as it reaches the model: cells, variables, pictures, errors."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from generations import OLDER_CLI
from magic_fixtures import MagicNotebook, html, read_page, shown

pytestmark = pytest.mark.kernel


def last_message(notebook: MagicNotebook) -> list[dict[str, Any]]:
    """The blocks of ours in the last message of the person."""
    message = [each for each in notebook.endpoint.last["messages"] if each["role"] == "user"][-1]
    by_the_cli = ("<system-reminder>", "<local-command-", "<command-", "[Image: source: ")
    return [block for block in message["content"] if not str(block.get("text")).startswith(by_the_cli)]


def texts(notebook: MagicNotebook) -> list[str]:
    return [block["text"].strip() for block in last_message(notebook) if block["type"] == "text"]


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^In \[(\d+)\]", text, re.MULTILINE)]


@pytest.fixture(params=["current", "older"])
def either(notebook: MagicNotebook, request: pytest.FixtureRequest) -> MagicNotebook:
    """The notebook, with either generation of the CLI."""
    if request.param == "older":
        notebook.do(f"%config ClaudeMagics.cli = {str(OLDER_CLI)!r}")
    return notebook


@pytest.mark.fault(111, via="real")
def test_the_cells_since_the_last_turn_go_in_order_once_and_are_only_data(either: MagicNotebook) -> None:
    secret = either.folder / "secret.txt"
    secret.write_text("SESAME file")
    either.do("import functools\n@functools.cache\ndef f(n):\n    return n * 2")
    either.do(f"print('@{secret}')\nprint('/clear')\npassword = 'SESAME literal'\nf(21)")
    either.run("/context\n@secret.txt")

    cell = either.do("%claude say one")

    data, words = texts(either)
    first = numbers(data)[0]
    assert (words, numbers(data)) == ("say one", [first, first + 1, first + 2])
    assert data.startswith(
        "[data: cells]\nCells that the notebook has run since your last turn, oldest first."
    )
    assert "@functools.cache\ndef f(n):" in data
    assert f"Output:\n@{secret}\n/clear\n42" in data
    assert "SyntaxError" in data
    assert "SESAME" not in str(either.endpoint.lines)
    page = read_page(html(cell))
    assert "3 cells attached" in page.text
    assert data.removeprefix("[data: cells]\n").removesuffix("\n[end of data: cells]") in page.text
    assert "3 cells attached" in shown(cell)

    either.do("x = 1")
    either.do("%claude -b say two\n")
    either.do("%claude_wait")
    assert texts(either)[-1] == "say two"
    assert numbers(texts(either)[0]) == [first + 4]
    either.do("%claude say three")
    assert texts(either) == ["say three"], "nothing was run since"


def test_each_session_has_its_own_last_turn_and_a_command_takes_no_cells(notebook: MagicNotebook) -> None:
    notebook.do("x = 1")
    notebook.do("%claude say one")
    notebook.do("%claude -s other say two")
    assert len(numbers(texts(notebook)[0])) == 1
    notebook.do("x = 2")

    notebook.do("%claude /cost")
    notebook.do("%claude --context none say none")
    assert texts(notebook) == ["say none"]
    notebook.do("%config ClaudeMagics.context = 'none'\n")
    notebook.do("%claude say none")
    assert texts(notebook) == ["say none"]
    notebook.do("%claude --context auto say three")
    assert "x = 2" in texts(notebook)[0]
    assert "x = 1" not in texts(notebook)[0]
    notebook.do("%config ClaudeMagics.context = 'auto'\n%claude_restart --fresh")
    notebook.do("%claude say fresh")
    assert "x = 1\n\n" in texts(notebook)[0], "a new conversation has seen nothing"


def test_a_turn_that_was_never_taken_up_loses_no_cells(notebook: MagicNotebook) -> None:
    notebook.do("x = 'first'")
    notebook.error("%claude --cwd /nowhere/at/all say lost")
    (notebook.folder / "broken").write_text("#!/bin/sh\nexit 3\n")
    (notebook.folder / "broken").chmod(0o755)
    notebook.do(f"%config ClaudeMagics.cli = {str(notebook.folder / 'broken')!r}")
    assert notebook.run("%claude say lost").error is not None
    notebook.do("%config ClaudeMagics.cli = None")

    notebook.do("%claude say again")

    assert "x = 'first'" in texts(notebook)[0]


def test_what_is_drawn_goes_as_a_small_picture(notebook: MagicNotebook) -> None:
    notebook.do(
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(20, 10))\nax.plot([1, 3, 2]);"
    )

    cell = notebook.do("%claude say it")

    (thumbnail,) = [str(about["src"]) for tag, about in read_page(html(cell)).elements if tag == "img"]
    assert 500 < len(base64.b64decode(thumbnail.removeprefix("data:image/jpeg;base64,"))) <= 3_600
    data, picture, words = last_message(notebook)
    assert "Output:\n[a picture]" in data["text"]
    assert words["text"].strip() == "say it"
    assert picture["source"]["media_type"] in {"image/png", "image/jpeg"}
    assert 1_000 < len(base64.b64decode(picture["source"]["data"])) <= 150_000


def test_a_dry_run_shows_byte_for_byte_what_then_reaches_the_model(notebook: MagicNotebook) -> None:
    notebook.do(
        "import numpy as np\npicture = np.eye(9)\nrow = {'a': 1}\nnote = 'first line\\n@second'\nprint('hi')"
    )
    line = "-v row -i picture --context auto say the gist of {note}"

    dry = notebook.printed(f"%claude --dry-run {line}")
    notebook.do(f"%claude {line}")

    blocks = last_message(notebook)
    assert [block["type"] for block in blocks] == ["text", "text", "text", "image", "text", "text"]
    parts = dry.partition("This would be sent:\n\n")[2]
    for block in blocks:
        if block["type"] == "text":
            assert block["text"].strip() in parts
            parts = parts.partition(block["text"].strip())[2]
        else:
            data = base64.b64decode(block["source"]["data"])
            assert (
                f"[image/png, 9 by 9 pixels, {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}]"
                in parts
            )
    assert parts.strip() == ""
    assert "[data: row]\nrow: dict" in blocks[1]["text"]


def test_a_variable_and_a_picture_that_are_named_are_attached_or_one_line_says_why_not(
    notebook: MagicNotebook,
) -> None:
    notebook.do(
        "import types\nframe = [1, 2]\napi_key = 'SESAME'\nmodel = types.SimpleNamespace(depth=3)\nnumber = 5"
    )
    (notebook.work / "secret.png").write_text("SESAME")

    cell = notebook.do("def f(local):\n    %claude -v local -v model.depth -v api_key say both\nf([7])")

    assert texts(notebook)[-3].startswith("[data: local]\nlocal: list, length 1\n")
    assert texts(notebook)[-2:] == [
        "[data: model.depth]\nmodel.depth: int = 3\n[end of data: model.depth]",
        "say both",
    ]
    assert "Not attached: api_key (looks like a secret; give the value another name to send it)." in shown(
        cell
    )
    requests = len(notebook.endpoint.requests)
    errors = {
        "-v qqq": "-v 'qqq' is no variable. %who lists the variables.",
        "-v frme": "-v 'frme' is no variable. Did you mean frame?",
        "-v model.width": "-v model.width cannot be had: AttributeError",
        "-v 1+1": "--var '1+1' is no variable name. Use for instance: --var df",
        "-i frme": "-i 'frme' is no variable and no file. Did you mean frame?",
        "-i number": "-i 'number' cannot be sent as a picture: int has no picture; -v attaches",
        "-i secret.png": "-i 'secret.png' cannot be sent as a picture: it is no PNG, JPEG, GIF or WebP.",
        "-i plot.png": "-i 'plot.png' cannot be sent as a picture: no such file or directory.",
    }
    for option, line in errors.items():
        assert notebook.error(f"%claude {option} say no").startswith(line)
    assert len(notebook.endpoint.requests) == requests
    assert "SESAME" not in str(notebook.endpoint.lines)


def test_pictures_of_all_sources_reach_the_model_and_are_seen_in_the_turn(notebook: MagicNotebook) -> None:
    notebook.do(
        "import matplotlib.pyplot as plt, PIL.Image\n"
        "PIL.Image.new('RGB', (40, 30)).save('saved.png')\nfig, axes = plt.subplots(); axes.plot([1, 2]);"
    )

    cell = notebook.do("%claude --context none -i saved.png -i axes -i _ say seen")

    blocks = last_message(notebook)
    pictures = [block["source"] for block in blocks if block["type"] == "image"]
    assert base64.b64decode(pictures[0]["data"]) == (notebook.work / "saved.png").read_bytes()
    assert len(pictures) == 3
    images = [attributes for tag, attributes in read_page(html(cell)).elements if tag == "img"]
    assert images[0]["alt"] == "image/png, 40 by 30 pixels"
    assert len(images) == 3
    assert all(len(str(image["src"])) < 11_000 for image in images)


@pytest.mark.fault(75, via="real")
def test_the_error_of_a_thread_is_explained_too(notebook: MagicNotebook) -> None:
    notebook.do("import threading\ndef work(rows):\n    return 7 / rows\nstarted = threading.Event()")
    notebook.do("late = threading.Thread(target=lambda: started.wait() and work(0))\nlate.start()")
    assert notebook.error("%claude_explain").startswith("There is no error to explain")

    cell = notebook.do("started.set(); late.join()")

    assert "ZeroDivisionError" in cell.stderr, "it is shown as ever"
    notebook.do("%claude_explain")
    error = texts(notebook)[-2]
    assert error.startswith("[data: error]\nIn [")
    assert "return 7 / rows" in error
    assert error.count("ZeroDivisionError: division by zero") == 1
    notebook.do("fine = 1")
    dry = notebook.printed("%claude_explain --dry-run")
    assert "started.set(); late.join()" in dry


def test_an_error_is_explained_by_the_magic_and_by_an_empty_cell_right_after_it(
    notebook: MagicNotebook,
) -> None:
    assert notebook.error("%claude_explain").startswith("There is no error to explain")
    usage = notebook.error("%%claude\n")
    assert usage.startswith("The cell is empty.")
    notebook.do("def share(total, parts):\n    return total / parts\nempty = []\nbystander = 1")
    notebook.run("import asyncio\nawait asyncio.sleep(0)\nshare(10, len(empty))")

    notebook.do("%%claude\n")

    data, words = texts(notebook)[-2:]
    assert words == "Explain this error: what went wrong, and how to fix it."
    assert data.startswith("[data: error]\nIn [")
    assert "await asyncio.sleep(0)\nshare(10, len(empty))\nError:\nTraceback" in data
    assert "return total / parts\nZeroDivisionError: division by zero" in data
    described = data.partition("The variables that the failing lines name:\n")[2]
    assert {"total: int = 10", "parts: int = 0", "empty: list, length 0"} <= set(
        re.findall(r"^(?:total: int = 10|parts: int = 0|empty: list, length 0)$", described, re.MULTILINE)
    )
    assert "bystander" not in described

    notebook.do("fine = 1")
    assert notebook.error("%%claude\n") == usage
    notebook.do("%claude_explain -v bystander why {fine} and not two?")
    assert texts(notebook)[-1] == "why 1 and not two?"
    assert texts(notebook)[-2].startswith("[data: bystander]")
    assert texts(notebook)[-3].startswith("[data: error]")
    dry = notebook.printed("%claude_explain --dry-run")
    assert "ZeroDivisionError" in dry


def test_a_task_has_the_cells_too(notebook: MagicNotebook) -> None:
    notebook.do("x = 'for the task'")
    notebook.do("%claude --task job say done")
    notebook.do("%claude_tasks wait job")

    assert "x = 'for the task'" in texts(notebook)[0]
    assert texts(notebook)[-1] == "say done"
