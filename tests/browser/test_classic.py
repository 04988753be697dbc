"""The classic notebook (nbclassic): it keeps an emptied widget on the page, and showed every turn twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from servers import FrontEnd, JupyterServer

CONNECTED = "() => window.Jupyter?.notebook?.kernel?.is_connected()"


class ClassicPage:
    """A notebook in the classic front end."""

    def __init__(self, browser: Browser, server: JupyterServer, *cells: str) -> None:
        self.server = server
        self.name = server.write(["%load_ext claude_magic", *cells])
        self.context = browser.new_context()
        self.page: Page = self.context.new_page()
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.goto(server.page_url(self.name))
        self.page.wait_for_function(CONNECTED)
        self.run(0)
        expect(self.page.locator(".code_cell").first.locator(".input_prompt")).to_contain_text("1")

    def run(self, index: int) -> None:
        self.page.evaluate("(index) => Jupyter.notebook.execute_cells([index])", index)

    def shown(self, what: str) -> Locator:
        return self.page.locator(".code_cell").nth(1).locator(f"{what}:visible")

    def save(self) -> list[dict[str, Any]]:
        """Saves, and returns what the file has below the second cell."""
        self.page.evaluate("() => Jupyter.notebook.save_notebook()")
        file = json.loads((self.server.notebooks / self.name).read_text(encoding="utf-8"))
        outputs: list[dict[str, Any]] = file["cells"][1]["outputs"]
        return outputs

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_function(CONNECTED)

    def close(self) -> None:
        self.context.close()
        self.server.shut_down(self.name)


@pytest.fixture
def classic(
    browser: Browser, server_of: Callable[[FrontEnd], JupyterServer]
) -> Iterator[Callable[..., ClassicPage]]:
    opened: list[ClassicPage] = []

    def open_one(*cells: str) -> ClassicPage:
        opened.append(ClassicPage(browser, server_of("classic"), *cells))
        return opened[-1]

    yield open_one
    for page in opened:
        page.close()


@pytest.mark.fault(123, via="real")
@pytest.mark.parametrize("reloaded", [False, True], ids=["as it is", "reloaded in mid-turn"])
def test_a_turn_is_shown_once_and_saved_once(classic: Callable[..., ClassicPage], *, reloaded: bool) -> None:
    held = f"classic-{reloaded}"
    notebook = classic(f"%%claude\nheld until {held}")
    (notebook.server.notebooks / held).unlink(missing_ok=True)
    notebook.run(1)
    expect(notebook.shown(".claude-turn")).to_contain_text("event-30")
    expect(notebook.shown(".claude-static")).to_have_count(0)
    if reloaded:
        notebook.save()
        notebook.reload()
        expect(notebook.shown(".claude-turn")).to_contain_text("event-30")

    (notebook.server.notebooks / held).touch()

    expect(notebook.shown(".claude-turn")).to_have_count(0)
    expect(notebook.shown(".claude-static")).to_have_count(1)
    expect(notebook.shown(".claude-static")).to_contain_text("and on")
    (answer,) = [output for output in notebook.save() if output["data"]]
    assert "and on" in "".join(answer["data"]["text/markdown"])
