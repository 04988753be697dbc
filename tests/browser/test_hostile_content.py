"""Whatever model, tools and prompts say stays text: nothing runs, nothing is fetched, all can be read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from checks import ROOTS, harm, unreadable
from lab import NotebookPage
from live import ask
from playwright.sync_api import Browser, expect
from scenarios import HOSTILE
from servers import JupyterServer

ALLOWED = "--allow Bash --allow Read --allow Edit"
PLACES = (".claude-prompt", ".claude-thinking", ".claude-answer", ".claude-tool", ".claude-output")
GROUPS = [pytest.param(number, marks=pytest.mark.fault(number, via="real")) for number in HOSTILE]


def prompt(server: JupyterServer, number: int) -> str:
    """The prompt for a group of payloads; what its tools read is in a file."""
    text = "\n\n".join(HOSTILE[number])
    (server.notebooks / f"hostile-{number}.txt").write_text(text, encoding="utf-8")
    return f"hostile {number} {text}"


@pytest.mark.parametrize(
    "payload", [payload for number in (77, 79, 80) for payload in HOSTILE[number] if "closed" not in payload]
)
def test_the_check_itself_finds_what_it_looks_for(browser: Browser, payload: str) -> None:
    page = browser.new_page()
    page.route("**/*", lambda route: route.abort())

    page.set_content(f'<div class="claude-turn">{payload}</div>', wait_until="commit")

    assert harm(page) != []
    page.close()


@pytest.mark.fault(82, via="real")
@pytest.mark.parametrize("number", GROUPS)
def test_nothing_hostile_acts_in_a_finished_turn(lab: NotebookPage, number: int) -> None:
    cell = lab.ask(prompt(lab.server, number), ALLOWED)
    lab.wait(cell)
    refused = lab.ask(f"refuse {number}")
    expect(lab.output(refused).locator(".claude-static .claude-state")).to_have_text("failed")

    static = lab.output(cell).locator(".claude-static")
    expect(static.locator(".claude-state")).to_have_text("done")
    assert harm(lab.page) == []
    assert (lab.ran(), lab.traffic.outside) == (None, [])
    assert {
        place: bad for place in PLACES if (bad := unreadable(static.locator(place), HOSTILE[number]))
    } == {}
    assert unreadable(lab.output(refused), HOSTILE[number]) == []


@pytest.mark.fault(82, via="real")
@pytest.mark.parametrize("number", GROUPS)
def test_nothing_hostile_acts_in_a_live_turn_and_its_cards(lab: NotebookPage, number: int) -> None:
    payloads = HOSTILE[number]
    turn = ask(lab, f"cards {number} {' '.join(payloads)}", f"-s cards{number}")

    expect(turn.button("allow")).to_be_visible()
    assert harm(lab.page) == []
    assert unreadable(turn.card, payloads) == []
    turn.card.get_by_role("textbox").fill(next(iter(payloads)))
    turn.button("deny").click()

    expect(turn.button("submit")).to_be_visible()
    assert harm(lab.page) == []
    assert unreadable(turn.card, payloads) == []
    turn.card.get_by_role("radio").first.check()
    turn.button("submit").click()

    expect(turn.widget).to_contain_text("All asked.")
    expect(turn.widget.locator(".claude-answer").last).to_contain_text(list(payloads.values())[-1])
    assert harm(lab.page) == []
    for part in (".claude-prompt", ".claude-thinking", ".claude-answer", ".claude-tool"):
        assert unreadable(turn.widget.locator(part), payloads) == [], part
    turn.button("stop").click()
    turn.wait_until_over("interrupted")
    assert harm(lab.page) == []
    assert (lab.ran(), lab.traffic.outside) == (None, [])


@pytest.mark.fault(78, via="real")
def test_only_web_and_mail_addresses_become_links(lab: NotebookPage) -> None:
    cell = lab.ask(
        "say [web](https://example.invalid/a) [mail](mailto:a@example.invalid) [file](file:///etc/passwd)"
    )
    lab.wait(cell)

    links = lab.output(cell).locator(".claude-static .claude-answer a")
    assert links.all_inner_texts() == ["web", "mail"]
    assert [link.get_attribute("rel") for link in links.all()] == ["noopener"] * 2  # Lab's own word
    assert json.dumps(lab.save()).count("noopener noreferrer nofollow") == 2


@pytest.mark.fault(82, via="real")
def test_hostile_names_of_model_and_session_are_text(lab: NotebookPage) -> None:
    name = "<img/src=x/onerror=window.ran=1>"
    cell = lab.ask("say hello", f"-s odd --model={name}")
    expect(lab.output(cell).locator(".claude-static .claude-header")).to_contain_text(name)
    other = lab.ask("say hello", f"-s {name}")
    lab.wait(other)

    assert harm(lab.page) == []
    assert (lab.ran(), lab.traffic.outside) == (None, [])


@pytest.mark.fault(82, via="real")
def test_hostile_stderr_of_a_cli_that_dies_is_text(lab: NotebookPage) -> None:
    program = lab.server.notebooks / "dying-cli"
    program.write_text("#!/bin/sh\necho '<img src=x onerror=window.ran=1>' >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)

    lab.run(lab.add(f"%config ClaudeMagics.cli = {str(program)!r}"))
    cell = lab.ask("say hello", "-s dying")
    lab.wait(cell)
    lab.run(lab.add("%config ClaudeMagics.cli = None"))

    expect(lab.output(cell)).to_contain_text("onerror=window.ran=1")
    assert harm(lab.page) == []
    assert lab.output(cell).locator("img").count() == 0
    assert (lab.ran(), lab.traffic.outside) == (None, [])


@pytest.mark.fault(83, via="real")
@pytest.mark.parametrize("shape", ["one line", "nested", "fences", "split"])
def test_a_monstrous_answer_neither_hangs_nor_acts(lab: NotebookPage, shape: str) -> None:
    cell = lab.ask(f"monster {shape}")

    lab.wait(cell, 60_000)
    expect(lab.output(cell).locator(".claude-static")).to_contain_text("the end of it")
    assert harm(lab.page) == []
    assert (lab.ran(), lab.traffic.outside) == (None, [])


@pytest.mark.fault(77, via="real")
@pytest.mark.fault(79, via="real")
@pytest.mark.fault(81, via="real")
@pytest.mark.fault(82, via="real")
def test_nothing_hostile_acts_when_the_file_is_opened_again(
    in_lab: Callable[..., NotebookPage], reopen: Callable[..., NotebookPage], lab_server: JupyterServer
) -> None:
    cells = [f"%%claude {ALLOWED}\n{prompt(lab_server, number)}" for number in HOSTILE]
    notebook = in_lab(*cells)
    for number in range(1, len(cells) + 1):
        notebook.run(number)
    notebook.save()

    for trusted in (True, False):
        notebook = reopen(notebook, trusted=trusted)

        expect(notebook.page.locator(ROOTS)).to_have_count(len(cells))
        assert harm(notebook.page) == []
        assert (notebook.ran(), notebook.traffic.outside) == (None, [])
        for number, payloads in enumerate(HOSTILE.values(), 1):
            assert unreadable(notebook.output(number), payloads) == []
