"""How a turn looks, in ten states: it fits, it can be read, it can be used without a mouse or eyes.

With CLAUDE_MAGIC_SCREENSHOTS=FOLDER each state is kept there as pictures; `make screenshots` does that.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from checks import check
from lab import NotebookPage
from live import Shown, ask
from playwright.sync_api import Browser, Locator, expect
from servers import JupyterServer

SCREENSHOTS = os.environ.get("CLAUDE_MAGIC_SCREENSHOTS", "")
WIDTHS = (480, 1200)
CACHE = """from decimal import Decimal
from functools import cache


@cache
def price(request: Request) -> Decimal:
    return fetch(request.symbol, request.day)
"""
PLOT = base64.b64decode(  # two pixels by two
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mOQz38NRAwQCgAmGgXldPvgagAAAABJRU5ErkJggg=="
)
# All that an element says from now on.
SAYS = """(element) => {
  const said = [];
  new MutationObserver(() => said.push(element.textContent)).observe(element, {childList: true});
  return said;
}"""
State = Callable[[NotebookPage], Shown]


def streaming(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Why does the cache grow without bound?", "-b")
    expect(turn.widget).to_contain_text("1.3 million")
    return turn


def tool_running(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Run the tests.", "-b --allow Bash")
    expect(turn.widget.locator(".claude-tool-state")).to_contain_text("running")
    return turn


def bash_done(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Run the tests at once.", "--allow Bash")
    turn.wait_until_over()
    turn.static.locator(".claude-tool > summary").click()
    return turn


def edit_diff(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Bound the cache in cache.py.", "--allow Edit --allow Read")
    turn.wait_until_over()
    expect(turn.static.locator(".claude-added").first).to_be_visible()
    return turn


def permission(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Bound the cache in cache.py.", "-b -s fresh")
    expect(turn.button("allow")).to_be_visible()
    return turn


def question(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Which database shall it be?", "-b")
    turn.card.get_by_role("radio", name="PostgreSQL").check()
    return turn


def error(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Publish it.", "--allow Bash")
    turn.wait_until_over("failed")
    return turn


def queued(desk: NotebookPage) -> Shown:
    expect(ask(desk, "half way", "-b").widget).to_contain_text("The first half")
    turn = ask(desk, "Why does the cache grow?", "-b")
    expect(turn.button("cancel")).to_be_visible()
    return turn


def helped(desk: NotebookPage) -> Shown:
    (desk.server.notebooks / "plot.png").write_bytes(PLOT)
    turn = ask(desk, "Who calls the cache?", "-s tasks --model claude-sonnet-4-5 --allow Bash --allow Read")
    inner = turn.widget.locator(".claude-tool .claude-children .claude-tool")
    expect(inner.locator(".claude-tool-argument")).to_be_visible()  # as long as the subagent works
    (desk.server.notebooks / "go").touch()
    turn.wait_until_over()
    agent, todo, read = turn.static.locator(".claude-answer ~ .claude-tool").all()
    expect(inner).to_have_count(0)
    expect(turn.static.locator(".claude-children .claude-tool")).not_to_be_visible()
    agent.locator("summary").first.click()
    expect(agent.locator("> .claude-answer strong")).to_have_text("three")
    expect(todo.locator("li")).to_have_text(
        ["✓ Key the cache by symbol and day (done)", "○ Leave the open day out (to do)"]
    )
    expect(read.locator("img")).to_be_visible()
    assert read.locator("img").evaluate("(picture) => picture.naturalWidth") == 2
    expect(turn.static.get_by_role("link", name="a chart")).to_have_attribute(
        "href", "https://evil.invalid/chart.png"
    )
    return turn


def finished(desk: NotebookPage) -> Shown:
    turn = ask(desk, "Why does the cache grow?")
    turn.wait_until_over()
    return turn


STATES: list[State] = [
    streaming,
    tool_running,
    bash_done,
    edit_diff,
    permission,
    question,
    error,
    queued,
    helped,
    finished,
]


@pytest.fixture(scope="module")
def gallery(browser: Browser, lab_server: JupyterServer) -> Iterator[NotebookPage]:
    """A notebook with as little around it as Lab allows."""
    notebook = NotebookPage.fresh(browser, lab_server, ["%load_ext claude_magic"], size=(1200, 900))
    notebook.run(0)
    notebook.command("application:toggle-left-area")
    notebook.command("application:toggle-mode")
    yield notebook
    notebook.close()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_fits_and_can_be_read_by_everybody(gallery: NotebookPage, state: State) -> None:
    (gallery.server.notebooks / "cache.py").write_text(CACHE, encoding="utf-8")
    (gallery.server.notebooks / "go").unlink(missing_ok=True)
    turn = state(gallery)
    roots = turn.output.locator(".claude-turn, .claude-static")

    wrong: dict[str, Any] = {}
    for dark, widths in ((False, WIDTHS), (True, WIDTHS[::-1])):  # so that axe sees both
        gallery.use_theme(dark=dark)
        for width in widths:
            name = f"{state.__name__}-{'dark' if dark else 'light'}-{width}"
            gallery.page.set_viewport_size({"width": width, "height": 900})
            keep(turn, name)
            wrong[f"{name} too wide"] = settled(roots, "overflow")
        wrong[f"{name} too faint"] = settled(roots, "faint")
        wrong[f"{name} axe"] = violations(gallery, turn)
    (gallery.server.notebooks / "go").touch()
    assert gallery.tidy_after_stop()
    assert {what: found for what, found in wrong.items() if found} == {}


def settled(roots: Locator, name: str) -> Any:
    """What a check finds that stays: Lab lays a resized notebook out bit by bit."""
    for _ in range(50):
        if not (found := check(roots, name)):
            break
        roots.page.wait_for_timeout(100)
    return found


def keep(turn: Shown, name: str) -> None:
    """Keeps a picture of a cell, if pictures are wanted."""
    if SCREENSHOTS:
        turn.notebook.cell(turn.cell).screenshot(
            path=Path(SCREENSHOTS) / f"{name}.png", animations="disabled"
        )


def violations(notebook: NotebookPage, turn: Shown) -> list[str]:
    """What axe-core finds serious in the turn's view."""
    shown = ".claude-turn" if turn.widget.count() else ".claude-static"
    found = Axe().run(notebook.page, context=shown).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def test_code_can_be_copied(lab: NotebookPage) -> None:
    lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = ask(lab, "Why does the cache grow without bound?", "-b")
    expect(turn.widget).to_contain_text("1.3 million")

    copy = turn.button("copy").first
    said = copy.evaluate_handle(SAYS)  # "Copied" stands for 1.5 s, which a look now and then can miss
    copy.click()

    lab.page.wait_for_function("(said) => said.includes('Copied')", arg=said)
    copied = lab.page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("from functools import lru_cache\n\n\n@lru_cache(maxsize=1024)\ndef price(")
    assert "Cop" not in copied
    turn.button("stop").click()
    turn.wait_until_over("interrupted")


def test_nothing_moves_for_who_asked_for_that(
    open_in: Callable[..., NotebookPage], lab_server: JupyterServer
) -> None:
    notebook = open_in(lab_server, motion=False)
    turn = ask(notebook, "flow still", "-b")
    turn.grown(2)

    moving = turn.widget.evaluate("(root) => root.getAnimations({subtree: true}).length")

    assert moving == 0
    turn.button("stop").click()
    turn.wait_until_over("interrupted")


def test_what_happens_is_said_politely(lab: NotebookPage) -> None:
    turn = ask(lab, "write said.txt x", "-s said")
    expect(turn.button("deny")).to_be_visible()

    said = turn.widget.get_by_role("status")

    expect(said).to_have_count(1)
    expect(said).to_contain_text("Write")
    assert said.get_attribute("aria-live") in {None, "polite"}
    turn.button("deny").click()
    turn.wait_until_over()
