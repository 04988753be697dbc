"""One row of TOOLS is all that it takes to show a tool everywhere as what it is."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console
from turns import Page, called, finished, request, returned, said, turn

from claude_magic.prompt import Prompt
from claude_magic.tasks.output import Output
from claude_magic.tasks.records import new_record
from claude_magic.tasks.report import report_of
from claude_magic.tasks.task import Task
from claude_magic.tools import TOOLS, Todos, Tool, ToolKind, names_of, tool_called
from claude_magic.transcript import Transcript
from claude_magic.views.html import turn as html
from claude_magic.views.live.page_messages import card
from claude_magic.views.live.patches import Item, TurnModel, apply
from claude_magic.views.terminal import TerminalView
from claude_magic.wire import events as wire
from claude_magic.wording.markdown import markdown_of, plain_of


class Case(NamedTuple):
    """A made-up tool, a call of it, and what is to be read of the call.

    Args:
        tool: Its row.
        given: The call's input.
        result: What it says in the end.
        shown: Words that are read everywhere.
        hidden: Words that are read nowhere.
        classes: Classes of the HTML that only such a call has.
    """

    tool: Tool
    given: dict[str, Any]
    result: str
    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    classes: tuple[str, ...] = ()


STEPS = [{"content": "Look", "status": "completed"}, {"content": "Leap", "status": "pending"}]
CASES = {
    "edit": Case(
        Tool("Repaint", ToolKind.EDIT, "canvas", removed="was", added="becomes", quiet=True, unfolded=True),
        {"note": "by hand", "canvas": "/home/ada/sky.txt", "was": "grey", "becomes": "blue"},
        "The canvas has been painted.",
        ("Repaint sky.txt", "-grey", "+blue"),
        ("/home/ada/sky.txt", "has been painted", "by hand"),
        ("claude-removed", "claude-added", "claude-diff"),
    ),
    "shell": Case(
        Tool("Zsh", ToolKind.SHELL, "script", language="bash"),
        {"note": "by hand", "script": "ls -l"},
        "total 0",
        ("Zsh ls -l", "total 0"),
        ('"script"', "by hand"),
    ),
    "read": Case(
        Tool("Peek", ToolKind.READ, "page"),
        {"note": "by hand", "page": "/home/ada/sky.txt"},
        "",
        ("Peek sky.txt",),
        ('"page"', "/home/ada", "by hand"),
    ),
    "to-do list": Case(
        Tool("Steps", argument="steps", todos=Todos.ALL_GIVEN, quiet=True, unfolded=True),
        {"note": "by hand", "steps": STEPS},
        "The steps are known.",
        ("To do 1 of 2 done",),
        ("are known", "by hand"),
        ("claude-todos", "claude-todo-done", "claude-todo-to-do"),
    ),
    "subagent": Case(
        Tool("Helper", ToolKind.AGENT, "label", prompt="wish"),
        {"note": "by hand", "label": "Count", "wish": "Count the files."},
        "Three files.",
        ("Helper Count", "Three files."),
        ('"wish"', "by hand"),
        ("claude-asked",),
    ),
}


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    case: Case = request.param
    monkeypatch.setitem(TOOLS, case.tool.name, case.tool)
    return case


def events(case: Case) -> list[wire.Event]:
    """The call, its result, and a word after it."""
    return [called(case.tool.name, **case.given), returned(case.result), said("Done.")]


def live(case: Case) -> str:
    """What a page holds after the patches of a turn that has come event by event."""
    transcript = turn()
    model, items = TurnModel(transcript), dict[str, Item]()
    for event in events(case):
        transcript.apply(event)
        items = apply(items, model.patch() or {})
    return "".join(item.html for item in items.values())


def saved(case: Case) -> str:
    return str(html.turn(finished(*events(case))))


def at_a_terminal(case: Case) -> str:
    console = Console(file=(file := io.StringIO()), width=100, highlight=False, markup=False)
    asyncio.run(TerminalView(finished(*events(case)), console=console).follow())
    return file.getvalue()


def reported(case: Case, folder: Path) -> str:
    """A task's report."""
    owner = {"kernel_pid": 1, "kernel_created": ""}
    task = Task(new_record("one", Prompt("do it"), folder, "{}", owner))
    task.transcripts.append(finished(*events(case)))
    return report_of(task)


def unmarked(text: str) -> str:
    """Markdown's words without its marks."""
    return text.replace("**", "").replace("\\", "")


def classes(page: Page) -> set[str]:
    return {name for value in page.values("class") for name in value.split()}


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_made_up_tool_is_shown_as_what_its_row_says(case: Case, tmp_path: Path) -> None:
    for page in map(Page, (live(case), saved(case))):
        assert_said(case, page.text)
        assert set(case.classes) <= classes(page)
    assert_said(case, at_a_terminal(case))
    assert_said(case, unmarked(markdown_of(finished(*events(case)))))
    assert_said(case, unmarked(reported(case, tmp_path)))


def assert_said(case: Case, text: str) -> None:
    for part in case.shown:
        assert part in words(text)
    for part in case.hidden:
        assert part not in text


def test_without_its_row_it_is_shown_as_any_tool(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TOOLS, case.tool.name)

    for page in map(Page, (live(case), saved(case))):
        assert "by hand" in page.text
        assert not set(case.classes) & classes(page)


def test_a_tasks_newest_lines_tell_what_a_call_is_about(case: Case) -> None:
    output, transcript = Output(), turn()
    transcript.listen(output.handle)
    for event in events(case):
        transcript.apply(event)

    about = case.given[case.tool.argument]
    assert output.lines[0] == f"[{case.tool.name}] {about if isinstance(about, str) else ''}"


def asked(tool: Tool, given: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Transcript:
    monkeypatch.setitem(TOOLS, tool.name, tool)
    transcript = turn()
    transcript.ask(request("r", tool.name, given))
    return transcript


def test_a_made_up_question_is_asked_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [{"question": "Which colour?", "options": [{"label": "blue"}]}]
    transcript = asked(Tool("Inquire", ToolKind.QUESTION, "items"), {"items": questions}, monkeypatch)
    (block,) = transcript.pending

    for shown in (Page(html.turn(transcript)).text, markdown_of(transcript), plain_of(transcript)):
        assert "Which colour?" in shown
    assert [each["question"] for each in card(block)["questions"]] == ["Which colour?"]  # type: ignore[attr-defined]


def test_a_made_up_plan_is_shown_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    transcript = asked(Tool("Propose", ToolKind.PLAN, "idea"), {"idea": "Paint **it**."}, monkeypatch)

    assert "<strong>it</strong>" in html.turn(transcript)
    assert "Plan:" in plain_of(transcript)


def test_a_made_up_tool_is_among_those_of_its_kind(case: Case) -> None:
    assert case.tool.name in names_of(case.tool.kind)


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"limit": 3, "blank": " ", "query": "SELECT 1", "table": "t"}, "query"),
        ({"limit": 3}, ""),
        ({}, ""),
    ],
)
def test_a_call_of_a_tool_without_a_row_is_about_the_first_text_of_its_input(
    given: dict[str, object], argument: str
) -> None:
    tool = tool_called("mcp__db__query")

    assert tool == Tool("mcp__db__query")
    assert tool.argument_in(given) == argument


@pytest.mark.parametrize(
    ("name", "given", "path"),
    [
        ("Read", {"file_path": "/a"}, "/a"),
        ("Read", {"file_path": 7}, ""),
        ("Read", {}, ""),
        ("mcp__disk__stat", {"path": "/a"}, "/a"),
        ("Bash", {"command": "ls", "path": "/a"}, ""),
    ],
)
def test_a_call_is_about_a_file_where_its_input_or_its_tools_kind_says_so(
    name: str, given: dict[str, object], path: str
) -> None:
    assert tool_called(name).path_in(given) == path
