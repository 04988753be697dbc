"""A kernel behind a gateway: it is told of no notebook file, and a new one has another id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from lab import NotebookPage
from playwright.sync_api import expect
from servers import FrontEnd, JupyterServer

_PUT = """(output) => {
  [...window.jupyterapp.shell.currentWidget.content.model.cells][0].outputs.add(output);
}"""
RESUMED = "resumed, 1 earlier turn"


@pytest.fixture
def gateway(server_of: Callable[[FrontEnd], JupyterServer], tmp_path: Path) -> Iterator[JupyterServer]:
    """JupyterLab whose kernels another server runs, in a folder of that one's."""
    server = JupyterServer("lab", tmp_path / "front", [], gateway=server_of("lab"))
    yield server
    server.stop()


def names(notebook: NotebookPage) -> list[tuple[str, str]]:
    """The sessions and conversations that a notebook's file names, in the order of the cells."""
    outputs = (output for cell in notebook.save()["cells"] for output in cell["outputs"])
    facts = (output["metadata"]["claude_magic"] for output in outputs if output.get("metadata"))
    return [(each["session"], each["session_id"]) for each in facts]


def put_answer(notebook: NotebookPage, session: str, session_id: str) -> None:
    """Puts an answer below the first cell that names a conversation."""
    facts = {"claude_magic": {"session": session, "session_id": session_id}}
    output = {"output_type": "display_data", "data": {"text/plain": "An answer."}, "metadata": facts}
    notebook.page.evaluate(_PUT, output)


@pytest.mark.fault(91, via="real")
def test_a_new_kernel_of_a_gateway_goes_on_with_the_conversation_that_the_answers_name(
    gateway: JupyterServer,
    open_in: Callable[..., NotebookPage],
    reopen: Callable[..., NotebookPage],
) -> None:
    notebook = open_in(gateway, "%%claude\nsay hello")
    assert notebook.printed("import os; print(os.environ.get('JPY_SESSION_NAME'))") == "None"
    notebook.run(1)
    expect(notebook.output(1)).not_to_contain_text("resumed")
    ((_, conversation),) = names(notebook)
    stranger = str(uuid4())
    put_answer(notebook, "other", stranger)
    notebook.save()

    again = reopen(notebook, trusted=True)
    again.command("notebook:run-all-cells")  # which empties all answers on the page
    again.wait(1)
    expect(again.output(1)).to_contain_text(RESUMED)
    other = again.ask("say other", "-s other")
    again.wait(other)
    expect(again.output(other)).not_to_contain_text("resumed")

    first, second = names(again)
    assert first == ("main", conversation)
    assert second[0] == "other"
    assert second[1] not in {conversation, stranger}
