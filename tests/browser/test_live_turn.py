"""A turn while it runs, in real front ends: it grows, it stops, it asks, it is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count

import pytest
from lab import NotebookPage
from live import Place, Shown, ask
from playwright.sync_api import Route, expect
from scenarios import STEPS
from servers import FrontEnd, JupyterServer

_numbers = count(1)


@pytest.fixture(params=["lab-awaited", "lab-background", "notebook-awaited"])
def where(
    request: pytest.FixtureRequest,
    desk_on: Callable[[JupyterServer], NotebookPage],
    server_of: Callable[[FrontEnd], JupyterServer],
) -> tuple[NotebookPage, Place]:
    """Where a turn is asked for: in a cell that waits for it, and in one that does not while another runs."""
    front_end, place = request.param.split("-")
    return desk_on(server_of(front_end)), place


@pytest.fixture
def session() -> str:
    """A session that nobody has used, as an option."""
    return f"-s s{next(_numbers)}"


def pid(notebook: NotebookPage, session: str) -> str:
    """The process of a session, as `%claude_status` has it."""
    lines = notebook.printed(f"%claude_status {session.removeprefix('-s ')}").splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("process"))


@pytest.mark.fault(39, via="real")
@pytest.mark.fault(67, via="real")
def test_an_answer_grows_and_stop_keeps_what_had_come(
    where: tuple[NotebookPage, Place], session: str
) -> None:
    notebook, place = where
    notebook.run(notebook.add(f"r = %claude {session} say hello"))
    before = pid(notebook, session)
    turn = ask(notebook, "flow stopped", session, place=place)

    seen = turn.grown()
    turn.button("stop").click()

    turn.wait_until_over("interrupted")
    expect(turn.static.locator(".claude-answer")).to_contain_text(seen[:200])
    expect(turn.static.locator(".claude-answer")).not_to_contain_text("-400")
    assert notebook.server.endpoint.ends("flow stopped") == ["aborted"]
    assert pid(notebook, session) == before


@pytest.mark.fault(45, via="real")
def test_allow_runs_the_tool(where: tuple[NotebookPage, Place], session: str) -> None:
    desk, place = where
    wanted = desk.server.notebooks / "allowed.txt"
    wanted.unlink(missing_ok=True)
    turn = ask(desk, "write allowed.txt granted", session, place=place)
    expect(turn.card).to_contain_text("Write")
    expect(turn.card).to_contain_text("+granted")
    assert not wanted.exists()

    turn.button("allow").click()

    turn.wait_until_over()
    assert wanted.read_text() == "granted"
    expect(turn.static.locator(".claude-tool-state")).to_have_text(
        re.compile(r"^ok(, .*)? · allowed by you$")
    )


@pytest.mark.fault(45, via="real")
def test_deny_runs_nothing_and_claude_is_told_why(where: tuple[NotebookPage, Place], session: str) -> None:
    desk, place = where
    wanted = desk.server.notebooks / "denied.txt"
    turn = ask(desk, "write denied.txt x", session, place=place)

    turn.card.get_by_role("textbox").fill("That name is taken.")
    turn.button("deny").click()

    turn.wait_until_over()
    assert not wanted.exists()
    assert "That name is taken." in desk.server.endpoint.tool_results[-1]


@pytest.mark.fault(45, via="real")
def test_always_allow_asks_no_second_time(where: tuple[NotebookPage, Place], session: str) -> None:
    desk, place = where
    first, second = (desk.server.notebooks / name for name in ("first.txt", "second.txt"))
    for path in (first, second):
        path.unlink(missing_ok=True)
    turn = ask(desk, "write first.txt 1", session, place=place)
    turn.button("always").click()
    turn.wait_until_over()

    again = ask(desk, "write second.txt 2", session, place=place)

    again.wait_until_over()
    expect(again.static.locator(".claude-tool-state")).to_have_text(re.compile(r"^ok(, [\d.]+ s)?$"))
    assert (first.read_text(), second.read_text()) == ("1", "2")


def test_two_clicks_below_the_answer_take_back_what_the_turn_wrote(desk: NotebookPage, session: str) -> None:
    first, second = (desk.server.notebooks / name for name in ("undone.txt", "kept.txt"))
    for path in (first, second):
        path.unlink(missing_ok=True)
    turns = [ask(desk, f"write {path.name} 1", f"{session} --allow Write") for path in (first, second)]
    for turn in turns:
        turn.wait_until_over()
    buttons = [turn.static.locator("button.claude-undo") for turn in turns]

    said = [turn.static.locator(".claude-undone") for turn in turns]

    buttons[0].dblclick()
    expect(said[0]).to_have_text("A later turn goes first: 'write kept.txt 1'.")

    second.write_text("by hand")
    buttons[1].click()
    expect(buttons[1]).to_have_text("Undo files and cells?")
    buttons[1].click()
    expect(said[1]).to_contain_text("Changed since by somebody else: kept.txt. To see it: %claude_undo ")
    assert (first.read_text(), second.read_text()) == ("1", "by hand")

    second.write_text("1")
    for button, text, path in zip(reversed(buttons), reversed(said), (second, first), strict=True):
        button.dblclick()
        expect(text).to_have_text(f"Undone: {path.name}.")
        expect(button).to_have_count(0)
        assert not path.exists()


def test_a_question_is_answered_by_click(where: tuple[NotebookPage, Place], session: str) -> None:
    desk, place = where
    turn = ask(desk, "ask several", session, place=place)

    turn.card.get_by_role("radio", name="Blue").check()
    turn.card.get_by_role("checkbox", name="Small").check()
    turn.card.get_by_role("checkbox", name="Large").check()
    turn.card.get_by_role("textbox").last.fill("Emmy Noether")
    turn.button("submit").click()

    turn.wait_until_over()
    told = desk.server.endpoint.tool_results[-1]
    assert "Blue" in told
    assert "Small" in told
    assert "Large" in told
    assert "Emmy Noether" in told
    assert "Middle" not in told


def test_none_of_several_is_an_answer_that_has_to_be_chosen(lab: NotebookPage, session: str) -> None:
    turn = ask(lab, "Which database shall it be?", session)
    turn.card.get_by_role("radio", name="SQLite").check()
    expect(turn.button("submit")).to_be_disabled()

    turn.card.get_by_role("checkbox", name="Backups").check()
    turn.card.get_by_role("checkbox", name="None of these").check()
    expect(turn.card.get_by_role("checkbox", name="Backups")).not_to_be_checked()
    turn.button("submit").click()

    turn.wait_until_over()
    assert "None of these" in lab.server.endpoint.tool_results[-1]


def test_a_plan_is_approved(where: tuple[NotebookPage, Place], session: str) -> None:
    desk, place = where
    turn = ask(desk, "plan fences", f"{session} --permission-mode plan", place=place)
    expect(turn.card.locator("strong")).to_have_text("everything")
    expect(turn.card).to_contain_text("Mend fences")

    turn.button("allow").click()

    turn.wait_until_over()
    assert "approved" in desk.server.endpoint.tool_results[-1]


def test_a_plan_is_approved_and_its_edits_accepted(desk: NotebookPage, session: str) -> None:
    made = desk.server.notebooks / "planned.txt"
    made.unlink(missing_ok=True)
    turn = ask(desk, "plan and write planned.txt", f"{session} --permission-mode plan")
    expect(turn.widget.locator("select.claude-mode")).to_have_value("plan")
    expect(turn.widget.locator(".claude-warning")).to_have_count(0)

    turn.button("accept").click()

    turn.wait_until_over()
    assert made.read_text() == "as planned"
    expect(turn.static.locator(".claude-permission")).to_have_text(
        re.compile("approved by you, edits accepted")
    )
    expect(turn.static.locator(".claude-fact", has_text="acceptEdits")).to_have_count(1)


def test_a_plan_is_sent_back(desk: NotebookPage, session: str) -> None:
    turn = ask(desk, "plan walls", f"{session} --permission-mode plan")

    turn.card.get_by_role("textbox").fill("Walls are fine. Mend the gate.")
    turn.button("deny").click()

    turn.wait_until_over()
    assert "Mend the gate." in desk.server.endpoint.tool_results[-1]


def test_a_day_of_work_ends_as_a_line_and_its_answer_and_is_saved_in_little_room(
    desk: NotebookPage, session: str
) -> None:
    turn = ask(desk, "a day of work", f"{session} --allow Bash --allow Write --allow Read")
    turn.wait_until_over()

    work = turn.static.locator(".claude-fold")
    expect(work.locator("> summary")).to_have_text(re.compile(r"60 calls: .*20 Bash.* · 2 failed · "))
    expect(turn.static.locator(".claude-answer strong")).to_be_in_viewport()
    box = turn.output.bounding_box()
    assert box is not None
    assert box["height"] < 500

    (saved,) = (cell for cell in desk.save()["cells"] if "a day of work" in "".join(cell["source"]))
    assert len(json.dumps(saved)) < 150_000

    work.locator("> summary").click()
    expect(work.locator(".claude-tool:visible")).to_have_count(60)
    turn.static.locator("> summary").click()
    expect(turn.static.locator(".claude-answer")).not_to_be_visible()


@pytest.mark.fault(38, via="real")
def test_a_waiting_prompt_shows_its_place_and_can_be_cancelled(desk: NotebookPage, session: str) -> None:
    first = ask(desk, "half queue", f"-b {session}")
    expect(first.widget).to_contain_text("The first half of queue")
    second = ask(desk, "say never", f"-b {session}")
    third = ask(desk, "say later", f"-b {session}")
    expect(second.widget.locator(".claude-state")).to_contain_text("queued")
    expect(third.widget).to_contain_text("2")

    second.button("cancel").click()
    second.wait_until_over("cancelled")
    first.button("stop").click()

    first.wait_until_over("interrupted")
    third.wait_until_over()
    assert [line["prompt"] for line in desk.server.endpoint.requests] == ["half queue", "say later"]


@pytest.mark.fault(67, via="real")
@pytest.mark.parametrize("comms", ["disabled", "perCommTarget"])
def test_stop_arrives_by_the_main_shell_and_by_a_subshell(lab: NotebookPage, comms: str) -> None:
    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    before = lab.page.evaluate(f"() => {kernel}.commsOverSubshells")
    lab.page.evaluate(f"(how) => {{ {kernel}.commsOverSubshells = how; }}", comms)
    turn = ask(lab, f"half {comms}")
    expect(turn.widget).to_contain_text("The first half")

    turn.button("stop").click()

    turn.wait_until_over("interrupted")
    assert lab.server.endpoint.ends(f"half {comms}") == ["aborted"]
    lab.page.evaluate(f"(how) => {{ {kernel}.commsOverSubshells = how; }}", before)


@pytest.mark.fault(67, via="real")
def test_a_nested_turn_says_interrupt_to_stop_and_asks_by_input(desk: NotebookPage, session: str) -> None:
    wanted = desk.server.notebooks / "nested.txt"
    wanted.unlink(missing_ok=True)
    cell = desk.add(f"def nested():\n    %claude {session} write nested.txt inside\nnested()")
    desk.start(cell)
    turn = Shown(desk, cell, "write nested.txt inside")
    expect(turn.output).to_contain_text("interrupt to stop")

    box = desk.page.locator(".jp-Stdin-input")
    box.fill("y")
    box.press("Enter")

    turn.wait_until_over()
    assert wanted.read_text() == "inside"


CAREFUL = """
from msgspec.structs import replace
from claude_magic.permissions import PermissionRequest
read = PermissionRequest.from_wire
PermissionRequest.from_wire = lambda *asked: replace(read(*asked), default_to_no=True)
"""


@pytest.mark.fault(114, via="fake")
def test_where_the_cli_wants_no_to_be_nearest_the_focus_is_on_deny(
    desk_on: Callable[[JupyterServer], NotebookPage], lab_server: JupyterServer, session: str
) -> None:
    desk = desk_on(lab_server)
    unwanted = desk.server.notebooks / "unwanted.txt"
    desk.run(desk.add(CAREFUL))
    turn = ask(desk, "write unwanted.txt granted", session)
    expect(turn.button("deny")).to_be_focused()

    desk.page.keyboard.press("Enter")

    turn.wait_until_over()
    assert not unwanted.exists()
    expect(turn.static.locator(".claude-tool-state")).to_have_text("denied by you")
    desk.run(desk.add("PermissionRequest.from_wire = read"))


# The bar's place below the top of what scrolls, and whether it covers what is there.
STUCK = """(bar) => {
  const { left, top } = bar.getBoundingClientRect();
  const scroller = bar.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
  return [Math.round(top - scroller.top), bar.contains(document.elementFromPoint(left + 5, top + 5))];
}"""


def test_the_line_that_stays_in_sight_names_the_call_that_runs_and_leads_to_the_end(
    desk: NotebookPage, session: str
) -> None:
    folder = desk.server.notebooks
    for old in folder.glob("step-*"):
        old.unlink()
    (folder / "at").write_text("0")
    turn = ask(desk, "step by step", f"{session} --allow Bash")
    now = turn.widget.locator(".claude-now")
    for step in range(1, STEPS):
        expect(now).to_have_text(f"Wait for step {step} · {step} call{'s' * (step > 1)}")
        expect(turn.widget.locator(".claude-tool-state.claude-running")).to_have_count(1)
        assert (folder / "at").read_text().strip() in {str(step - 1), str(step)}
        (folder / f"step-{step}").touch()

    expect(now).to_contain_text(f"step {STEPS}")
    desk.page.set_viewport_size({"width": 1280, "height": 500})
    latest = turn.button("latest")
    turn.widget.locator(".claude-fold > summary").click()
    turn.widget.evaluate("(root) => root.querySelector('.claude-prompt').scrollIntoView()")
    latest.click()
    expect(latest).to_be_hidden()
    expect(turn.widget.locator(".claude-tool-state.claude-running")).to_be_in_viewport()
    assert turn.widget.locator(".claude-bar").evaluate(STUCK) == [0, True]
    desk.page.set_viewport_size({"width": 1280, "height": 900})
    (folder / f"step-{STEPS}").touch()
    turn.wait_until_over()


TALL = "\n".join(["# a long cell"] * 80)
# As if the person had done nothing for a while, and as if the turn had begun a minute earlier.
IDLE = "() => { Object.assign(window[Symbol.for('claude_magic.person')], {typed: -1e6, moved: -1e6}); }"
LATER = "() => { const now = performance.now.bind(performance); performance.now = () => now() + 60_000; }"


def with_notifications(route: Route) -> None:
    """Answers with settings in which notifications are shown when they come, as people have it."""
    answer = route.fetch()
    shown = re.sub(r'("doNotDisturbMode":\s*\{[^}]*"default":\s*)true', r"\1false", answer.text())
    route.fulfill(response=answer, body=shown)


def test_who_is_elsewhere_is_called_and_led_to_what_is_asked_and_to_the_end_of_a_long_turn(
    open_in: Callable[..., NotebookPage], server: JupyterServer
) -> None:
    notebook = open_in(server, TALL)
    page, folder = notebook.page, server.notebooks
    page.route(re.compile("/api/settings"), with_notifications)
    notebook.reload()
    for name in ("ask", "end", "called.txt"):
        (folder / name).unlink(missing_ok=True)
    title, toast = page.title(), page.locator(".Toastify__toast")
    turn = ask(notebook, "call me for called.txt", "-b")
    expect(turn.widget).to_contain_text("One moment.")

    def leave() -> None:
        notebook.cell(0).scroll_into_view_if_needed()
        page.keyboard.press("Shift")
        expect(turn.output).not_to_be_in_viewport()

    leave()
    (folder / "ask").touch()
    expect(toast).to_contain_text("Claude asks: Write")
    expect(page).to_have_title("● Claude asks: Write")
    expect(turn.button("allow")).not_to_be_in_viewport()
    toast.get_by_role("button", name="Go there").click()
    expect(turn.button("allow")).to_be_in_viewport()
    turn.button("allow").click()
    expect(page).to_have_title(title)
    expect(toast).to_have_count(0)

    page.evaluate(LATER)
    leave()
    (folder / "end").touch()
    expect(toast).to_contain_text("Claude: done")
    expect(page).to_have_title("● Claude: done")
    toast.get_by_role("button", name="Go there").click()
    expect(turn.static).to_be_in_viewport()
    expect(page).to_have_title(title)
    expect(toast).to_have_count(0)

    notebook.run(notebook.add("%config ClaudeMagics.notify = False"))
    notebook.add(TALL)
    page.evaluate(IDLE)
    turn = ask(notebook, "write quiet.txt x")
    expect(turn.button("allow")).to_be_in_viewport()
    assert page.title() == title
    turn.button("deny").click()
    turn.wait_until_over()


def test_while_a_cell_computes_the_card_says_so_and_keeps_the_click(lab: NotebookPage, session: str) -> None:
    free, wanted = (lab.server.notebooks / name for name in ("free", "kept.txt"))
    for path in (free, wanted):
        path.unlink(missing_ok=True)
    turn = ask(lab, "write kept.txt x", f"-b {session}")
    expect(turn.button("allow")).to_be_visible()
    busy = lab.add("import os, time\nwhile not os.path.exists('free'):\n    time.sleep(0.02)")
    lab.start(busy)
    said = turn.widget.locator(".claude-kept")
    expect(said).to_have_text("The kernel computes; shown and answered when it ends")

    turn.button("allow").click()
    expect(said).to_have_text("Kept: answered when the kernel is free")
    assert not wanted.exists()
    free.touch()

    turn.wait_until_over()
    assert wanted.read_text() == "x"


def test_a_stop_that_the_kernel_cannot_hear_names_the_interrupt(lab: NotebookPage, session: str) -> None:
    free = lab.server.notebooks / "free"
    free.unlink(missing_ok=True)
    loop = (
        "import os, time; print('computes', flush=True)\nwhile not os.path.exists('free'): time.sleep(0.02)"
    )
    turn = ask(lab, f"python {loop}", f"{session} --allow mcp__kernel__run_python")
    expect(turn.widget.locator(".claude-output")).to_contain_text("computes")

    turn.button("stop").click()

    expect(turn.widget.locator(".claude-silence")).to_contain_text("Kernel > Interrupt stops the code")
    free.touch()
    turn.wait_until_over("interrupted")
