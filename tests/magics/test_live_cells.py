"""The live widget in a real kernel, with the page's side of its comm played by the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from kernel_client import Cell
from magic_fixtures import MagicNotebook, read_page

from claude_magic.views.live.patches import Item, apply

pytestmark = pytest.mark.kernel


class WidgetPage:
    """What a page with the widget of a cell knows and says."""

    def __init__(self, notebook: MagicNotebook, cell: Cell) -> None:
        self._notebook = notebook
        self._cell = cell
        notebook.wait_for(lambda: self._opened)
        self.id = str(self._opened[0]["content"]["comm_id"])

    @property
    def _opened(self) -> list[dict[str, Any]]:
        return [
            message
            for message in self._notebook.comms
            if message["msg_type"] == "comm_open"
            and message["parent_header"].get("msg_id") == self._cell.id
            and "snapshot" in message["content"]["data"]["state"]
        ]

    def say(self, **content: Any) -> None:
        """Sends what the widget's script would."""
        self._notebook.send_comm(self.id, {"method": "custom", "content": content})

    def hello(self) -> None:
        """What the script says first."""
        self.say(type="do", what="sync")

    @property
    def shown(self) -> tuple[dict[str, Item], list[Mapping[str, Any]]]:
        """The items and cards, from all messages so far."""
        items: dict[str, Item] = {}
        cards: list[Mapping[str, Any]] = []
        number = -1
        for message in self._notebook.comms:
            content = message["content"]
            if content["comm_id"] != self.id or message["msg_type"] == "comm_close":
                continue
            data = content["data"]
            snapshot = data.get("state", {}).get("snapshot")
            patch = snapshot or data.get("content")
            if patch is None or patch.get("type") == "heard":
                continue
            if not snapshot and patch["n"] != number + 1:
                continue
            number = patch["n"]
            items = apply({} if snapshot else items, patch)
            cards = patch.get("cards", cards)
        return items, cards

    @property
    def text(self) -> str:
        """What is to be read."""
        return read_page("".join(item.html for item in self.shown[0].values())).text

    @property
    def cards(self) -> list[Mapping[str, Any]]:
        """What is asked."""
        return self.shown[1]


@contextmanager
def asked(notebook: MagicNotebook, code: str, **how: Any) -> Iterator[tuple[Cell, WidgetPage]]:
    """A cell that runs, and its widget's page, which has said hello."""
    cell = notebook.cells[notebook.start(code, allow_stdin=True, **how)]
    page = WidgetPage(notebook, cell)
    page.hello()
    yield cell, page
    notebook.wait(cell.id)


def test_a_widget_is_shown_beside_the_static_output_and_gives_way_to_it(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nsay **hello** there") as (cell, page):
        pass

    static, widget = cell.displays
    assert "hello" in page.text
    assert "<strong>hello</strong>" in static.data["text/html"]
    assert "still running" not in static.data["text/html"]
    assert widget.data == {}
    assert widget.updates == [{}]


def test_no_widget_is_made_where_nobody_answers(notebook: MagicNotebook) -> None:
    cell = notebook.run("%%claude\nsay hello")

    assert len(cell.displays) == 1
    assert cell.comms == []


@pytest.mark.fault(45, via="real")
def test_a_tool_runs_after_allow_is_clicked_in_an_awaited_cell(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (cell, page):
        notebook.wait_for(lambda: page.cards)
        assert not (notebook.work / "poem.txt").exists()
        page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    assert cell.ok, cell.error
    assert (notebook.work / "poem.txt").read_text() == "roses"
    assert "allowed by you" in page.text
    assert cell.prompts == []


@pytest.mark.fault(45, via="real")
def test_claude_is_told_why_a_tool_was_denied(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        page.say(type="decide", id=page.cards[0]["id"], behavior="deny", message="violets instead")

    assert not (notebook.work / "poem.txt").exists()
    assert any("violets instead" in result for result in notebook.endpoint.tool_results)


def test_a_plan_can_be_read_and_approved(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude --permission-mode plan\nplan it") as (_, page):
        notebook.wait_for(lambda: page.cards)
        assert page.cards[0]["kind"] == "plan"
        assert "Water the roses" in page.text
        page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    assert "approved" in notebook.endpoint.tool_results[-1], notebook.endpoint.tool_results


@pytest.mark.fault(67, via="real")
def test_stop_in_the_middle_of_an_awaited_cell_keeps_what_had_come(notebook: MagicNotebook) -> None:
    notebook.run("%claude say hello")
    pid = notebook.claude_pid()
    with asked(notebook, "%%claude\nstall") as (cell, page):
        notebook.wait_for(lambda: "The first half" in page.text)
        page.say(type="do", what="stop")

    assert cell.error is not None
    assert "Interrupted" in cell.error.text
    assert "The first half" in cell.displays[0].data["text/plain"]
    assert notebook.claude_pid() == pid
    assert notebook.endpoint.lines[-1].get("end") == "aborted"


@pytest.mark.fault(67, via="real")
def test_stop_by_a_subshell_thread_works(notebook: MagicNotebook) -> None:
    subshell = notebook.create_subshell()
    with asked(notebook, "%%claude\nstall") as (cell, page):
        notebook.wait_for(lambda: "The first half" in page.text)
        notebook.send_comm(
            page.id, {"method": "custom", "content": {"type": "do", "what": "stop"}}, subshell=subshell
        )

    assert cell.error is not None
    assert "Interrupted" in cell.error.text


@pytest.mark.fault(67, via="real")
def test_a_nested_turn_says_how_to_stop_it_and_asks_by_input(notebook: MagicNotebook) -> None:
    code = "def ask():\n    return get_ipython().run_line_magic('claude', 'write poem.txt roses')\nr = ask()"
    cell = notebook.run(code, allow_stdin=True, answers=["y"])
    page = WidgetPage(notebook, cell)

    assert cell.ok, cell.error
    assert (notebook.work / "poem.txt").read_text() == "roses"
    assert len(cell.prompts) == 1
    assert page.cards == []
    assert any("interrupt to stop" in str(message["content"]) for message in notebook.comms)


@pytest.mark.fault(45, via="real")
@pytest.mark.fault(108, via="real")
def test_a_background_card_stays_open_while_other_cells_run(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude -b\nwrite poem.txt roses") as (cell, page):
        pass
    notebook.wait_for(lambda: page.cards)
    assert notebook.value("1 + 1") == 2
    assert "waiting" in notebook.status()["state"]
    other = notebook.start(
        "import asyncio, os\nwhile not os.path.exists('poem.txt'): await asyncio.sleep(0.01)"
    )
    page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    notebook.wait(other)
    assert (notebook.work / "poem.txt").read_text() == "roses"
    notebook.wait_for(lambda: cell.displays[1].data == {})


@pytest.mark.fault(45, via="real")
def test_two_pages_may_answer_and_the_first_counts(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        request = page.cards[0]["id"]
        page.say(type="decide", id=request, behavior="deny")
        page.say(type="decide", id=request, behavior="allow")

    assert not (notebook.work / "poem.txt").exists()


@pytest.mark.fault(85, via="real")
@pytest.mark.fault(92, via="real")
def test_a_page_can_set_nothing_in_the_widget_and_reads_no_secret_there(notebook: MagicNotebook) -> None:
    notebook.run("import os; os.environ['ANTHROPIC_AUTH_TOKEN'] = 'sesame-open'")
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        notebook.send_comm(
            page.id, {"method": "update", "state": {"_esm": "evil()", "snapshot": 7}, "buffer_paths": []}
        )
        page.say(type="do", what="stop", argv=["rm"])
        page.say(type="spawn", env={"A": "b"})
        notebook.send_comm(page.id, {"method": "request_state"})
        page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    assert (notebook.work / "poem.txt").exists()
    sent = str([message["content"] for message in notebook.comms])
    assert "evil()" not in sent
    assert "sesame" not in sent


@pytest.mark.fault(71, via="real")
def test_a_page_that_is_loaded_again_gets_the_whole_state(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        before, cards = page.shown
        notebook.comms.clear()
        notebook.send_comm(page.id, {"method": "request_state"})
        notebook.wait_for(lambda: page.cards)
        assert page.shown == (before, cards)
        page.say(type="decide", id=page.cards[0]["id"], behavior="allow")


def test_a_mode_chosen_in_the_header_holds_for_this_turn_and_the_next(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        page.say(type="mode", mode="acceptEdits")
        page.say(type="decide", id=page.cards[0]["id"], behavior="allow")

    assert notebook.run("%%claude\nwrite other.txt violets").ok
    assert (notebook.work / "other.txt").read_text() == "violets"


@pytest.mark.fault(103, via="real")
def test_start_fresh_begins_a_new_conversation_with_the_next_prompt(notebook: MagicNotebook) -> None:
    notebook.run("%claude say first")
    with asked(notebook, "%%claude\nstall") as (_, page):
        notebook.wait_for(lambda: "The first half" in page.text)
        page.say(type="do", what="fresh")
        page.say(type="do", what="stop")
    before = notebook.status()["conversation"]

    assert notebook.run("r = %claude what came first?").ok
    assert notebook.value("r.text") == "First came: what came first?"
    assert notebook.status()["conversation"] != before


def test_a_waiting_prompt_says_its_place_and_can_be_taken_out(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude -b\nstall") as (_, first):
        pass
    notebook.wait_for(lambda: "The first half" in first.text)
    with asked(notebook, "%%claude -b\nsay second"):
        pass
    with asked(notebook, "%%claude -b\nsay third") as (third, page):
        pass
    notebook.wait_for(lambda: "queued, 2 before it" in page.text)
    page.say(type="do", what="cancel")
    notebook.wait_for(lambda: "cancelled" in third.displays[0].data["text/plain"])
    first.say(type="do", what="stop")
    notebook.run("%claude_wait")

    assert "say second" in notebook.endpoint.prompts[-1]
    assert not any("say third" in prompt for prompt in notebook.endpoint.prompts)


def test_the_decisions_are_listed(notebook: MagicNotebook) -> None:
    with asked(notebook, "%%claude\nwrite poem.txt roses") as (_, page):
        notebook.wait_for(lambda: page.cards)
        page.say(type="decide", id=page.cards[0]["id"], behavior="deny", message="no flowers")

    listed = notebook.printed("%claude_history --permissions")

    assert "Write" in listed
    assert "poem.txt" in listed
    assert "denied by you: no flowers" in listed
