"""Two pages share a notebook by jupyter-collaboration: both show the answer, and the file has it once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lab import NotebookPage
from live import Shown
from playwright.sync_api import expect
from waiting import wait_until

OpenShared = Callable[..., tuple[NotebookPage, NotebookPage]]
SAVED_TIMEOUT = 30.0  # seconds
BEGUN, END = "event-30", "and on"  # of what the scripted model says until a file is there, and then


def asked(notebook: NotebookPage, other: NotebookPage, held: str) -> tuple[Shown, Shown]:
    """Asks in the one page, and waits until it is seen in both."""
    (notebook.server.notebooks / held).unlink(missing_ok=True)
    notebook.start(1)
    turns = Shown(notebook, 1, held), Shown(other, 1, held)
    expect(turns[0].widget).to_contain_text(BEGUN)
    expect(turns[1].output).to_contain_text(held)
    return turns


def saved_answers(notebook: NotebookPage) -> list[str]:
    """The answers below the second cell in the file, with the end.

    A busy server may save before it takes in what a page has sent just before.
    """
    wait_until(lambda: END in json.dumps(notebook.save()["cells"][1]["outputs"]), SAVED_TIMEOUT)
    outputs = notebook.file["cells"][1]["outputs"]
    return ["".join(output["data"]["text/markdown"]) for output in outputs if output["data"]]


def release(notebook: NotebookPage, held: str) -> None:
    (notebook.server.notebooks / held).touch()


def expect_the_answer_once(*turns: Shown) -> None:
    for turn in turns:
        expect(turn.widget).to_have_count(0)
        expect(turn.static).to_have_count(1)
        expect(turn.static).to_be_visible()
        expect(turn.static.locator(".claude-answer").last).to_contain_text(END)


@pytest.mark.fault(123, via="real")
def test_a_page_that_does_not_trust_the_notebook_says_so_and_shows_the_answer(
    shared_notebook: OpenShared,
) -> None:
    one, two = shared_notebook("%%claude\nheld until untrusted")
    mine, theirs = asked(one, two, "untrusted")
    assert not two.trusted

    expect(theirs.output).to_contain_text("has to be trusted")
    expect(theirs.output.locator(".jp-OutputArea-output:visible")).to_have_count(1)
    release(one, "untrusted")

    mine.wait_until_over()
    expect_the_answer_once(mine, theirs)
    assert [END in answer for answer in saved_answers(one)] == [True]


@pytest.mark.fault(123, via="real")
@pytest.mark.parametrize("reloaded", ["neither", "the one that asked", "the other", "both"])
def test_both_pages_show_the_answer_once_and_so_does_the_file(
    shared_notebook: OpenShared, reloaded: str
) -> None:
    held = reloaded.replace(" ", "-")
    one, two = shared_notebook(f"%%claude\nheld until {held}")
    two.trust()
    turns = asked(one, two, held)
    for page, also in ((one, "the one that asked"), (two, "the other")):
        if reloaded in {also, "both"}:
            page.reload()
    for turn in turns:
        expect(turn.widget).to_contain_text(BEGUN)

    release(one, held)

    expect_the_answer_once(*turns)
    assert [END in answer for answer in saved_answers(one)] == [True]
    assert one.file["cells"][1]["outputs"] == two.file["cells"][1]["outputs"]
