"""A tool call in words: its name, what it is about, its state, its result and its to-do list."""

from __future__ import annotations

import pytest

from claude_magic.transcript.blocks import ToolBlock, ToolState
from claude_magic.wording.tool import (
    argument,
    calls_line,
    checklist,
    input_json,
    output,
    question_lines,
    state,
    tail,
    title,
    tool_name,
)
from claude_magic.wording.units import LINE_LIMIT

LONG = "x" * 200
CUT = "x" * (LINE_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Bash", "Bash"),
        ("mcp__kernel__inspect", "inspect (kernel)"),
        ("mcp__kernel__look__twice", "look__twice (kernel)"),
        ("mcp__kernel", "mcp__kernel"),
        ("my__own__tool", "my__own__tool"),
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("", "tool"),
        (LONG, CUT),
    ],
)
def test_a_tool_is_called_as_a_person_knows_it(name: str, shown: str) -> None:
    assert tool_name(name) == shown


TODOS = [{"content": "Look", "status": "completed"}, {"content": "Leap", "status": "pending"}, "no item"]


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("Bash", {"command": "pytest -q", "description": "Run"}, "pytest -q"),
        ("Bash", {"command": "cd a\nls"}, "cd a …"),
        ("Bash", {"command": "\n ls \n"}, "ls"),
        ("Bash", {"command": LONG}, CUT),
        ("Bash", {"command": 7}, ""),
        ("Bash", {}, ""),
        ("mcp__a__b", {"n": 1, "query": "first", "more": "second"}, "first"),
        ("Read", {"file_path": "/home/ada/a.py"}, "a.py"),
        ("Read", {"file_path": "/home/adam/a.py"}, "/home/adam/a.py"),
        ("Read", {"file_path": "a.py", "offset": 3, "limit": 10}, "a.py, lines 3-12"),
        ("Read", {"file_path": "a.py", "limit": 10}, "a.py, lines 1-10"),
        ("Read", {"file_path": "a.py", "offset": 3}, "a.py, from line 3"),
        ("Read", {"file_path": "a.py", "offset": "3", "limit": 10}, "a.py"),
        ("Bash", {"command": "ls", "offset": 3, "limit": 10, "path": "/home/ada/b"}, "ls"),
        ("Grep", {"pattern": "x", "path": "/home/ada/src"}, "x in src"),
        ("Grep", {"pattern": "x", "path": "a\u202e"}, "x in a⟦U+202E⟧"),
        ("Grep", {"pattern": "x", "path": LONG}, f"x in {CUT}"),
        ("Grep", {"pattern": "x", "path": ""}, "x"),
        ("Grep", {"pattern": "x", "path": 7, "offset": 3}, "x"),
        ("TodoWrite", {"todos": TODOS}, "1 of 2 done"),
        ("TodoWrite", {"todos": 7}, "0 of 0 done"),
        ("TaskUpdate", {"taskId": "3", "status": "in_progress"}, "#3 in progress"),
        ("TaskUpdate", {"taskId": "3", "status": "completed"}, "#3 done"),
        ("TaskUpdate", {"status": "deleted"}, "#? to do"),
        ("TaskUpdate", {"taskId": LONG, "status": "pending"}, f"#{CUT[1:]}"),
        ("AskUserQuestion", {"questions": [{"question": "Which?"}, {"question": "When?"}]}, "Which?"),
        ("AskUserQuestion", {"questions": []}, ""),
    ],
)
def test_a_call_says_what_it_is_about_in_one_line(name: str, given: dict[str, object], shown: str) -> None:
    assert argument(name, given, "/home/ada/") == shown


def test_a_path_is_shown_whole_where_no_folder_is_known() -> None:
    assert argument("Read", {"file_path": "/a.py"}) == "/a.py"
    assert argument("Read", {"file_path": "/a\u202e/b.py"}, "/a\u202e") == "b.py"
    assert argument("Bash", {"command": "/home/ada/a.py"}, "/home/ada") == "/home/ada/a.py"


def call(name: str = "Bash", how: ToolState = ToolState.OK, **facts: object) -> ToolBlock:
    return ToolBlock(id="t", name=name, state=how, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (call(duration=0.05), "ok, 0.1 s"),
        (call(duration=0.04), "ok"),
        (call(duration=None), "ok"),
        (call(how=ToolState.FAILED, duration=12.0), "failed, 12 s"),
        (call(how=ToolState.DENIED, duration=12.0), "denied"),
        (call(duration=0.3, note="reloaded utils"), "ok, 0.3 s, reloaded utils"),
        (call(note="not\nreloaded: \x1b[2Jwhy"), "ok, not reloaded: why"),
    ],
)
def test_a_call_has_its_state_and_a_time_worth_a_figure(made: ToolBlock, shown: str) -> None:
    assert state(made) == shown


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (call(result="\nX\n lines \n"), "X\n lines "),
        (call(result="10%\r99%\n"), "99%"),
        (call("Write", result="written"), ""),
        (call("Write", how=ToolState.FAILED, result="disk full"), "disk full"),
        (call("Agent", result="id 7", details={"isAsync": True}), "Works in the background."),
        (call("Agent", result="Two files.", details={"isAsync": False}), "Two files."),
        (call("Agent", result="Two files.", details="isAsync"), "Two files."),
        (call(result="x" * 10_000), "x" * 10_000),
    ],
)
def test_a_result_is_shown_where_it_says_more_than_the_call(made: ToolBlock, shown: str) -> None:
    assert output(made) == shown


def test_a_long_result_is_shortened() -> None:
    assert "… 1 characters hidden …" in output(call(result="x" * 10_001))


@pytest.mark.parametrize(
    ("made", "lines"),
    [
        (call(result="1\n2\n3"), ["1", "2", "3"]),
        (call(result="1\n2\n3\n4"), ["… 1 lines hidden …", "2", "3", "4"]),
        (call(result="1\n2\n3\n4\n5"), ["… 2 lines hidden …", "3", "4", "5"]),
        (call(result="x\n" * 1_002 + "x"), ["… 1,000 lines hidden …", "x", "x", "x"]),
        (call(result=""), []),
        (call("Read", result="1"), []),
        (call("Read", how=ToolState.FAILED, result="No such file"), ["No such file"]),
    ],
)
def test_where_nothing_folds_the_last_lines_are_shown_and_none_of_a_file(
    made: ToolBlock, lines: list[str]
) -> None:
    assert tail(made, 3) == lines


def test_an_input_is_shown_as_json_with_its_letters_as_they_are() -> None:
    assert input_json({"ä": ["\u202e"], "b": {1}}) == '{\n  "ä": [\n    "⟦U+202E⟧"\n  ],\n  "b": "{1}"\n}'
    assert "characters hidden" in input_json({"a": "x" * 10_000})


def test_a_to_do_list_is_that_of_the_call_or_the_one_it_was_given() -> None:
    changed = call("TaskUpdate", todos=(("in_progress", "Look\u202e"), ("odd", LONG)))

    assert checklist(changed) == [("in progress", "Look⟦U+202E⟧"), ("to do", CUT)]
    assert title(changed) == ("To do", "0 of 2 done")
    given = [*TODOS, {}, {"content": LONG}]
    assert checklist(call("TodoWrite", input={"todos": given})) == [
        ("done", "Look"),
        ("to do", "Leap"),
        ("to do", ""),
        ("to do", CUT),
    ]
    assert checklist(call("Bash", input={"command": TODOS})) == []
    assert title(call("Read", input={"file_path": "/a/b"}), "/a") == ("Read", "b")
    assert title(call("TaskUpdate", input={"taskId": "1"}, todos=())) == ("TaskUpdate", "#1 to do")


def test_a_question_has_its_options_below_it() -> None:
    options = [{"label": "blue", "description": "as the\nsky"}, {"label": "red"}, {"description": "none"}, 7]

    lines = question_lines([{"question": "Which\ncolour?", "options": options}, "odd", {"options": "odd"}])

    assert lines == ["Which colour?", "- blue: as the sky", "- red", "- : none", "- 7", ""]
    assert question_lines(7) == []


def test_each_line_of_a_question_has_its_limit() -> None:
    lines = question_lines([{"question": LONG, "options": [{"label": LONG, "description": LONG}, LONG]}])

    assert lines == [CUT, f"- {CUT}: {CUT}", f"- {CUT}"]


def test_several_calls_are_one_line_with_what_failed_and_how_long_they_took() -> None:
    def made(name: str, seconds: float, state: ToolState = ToolState.OK) -> ToolBlock:
        return ToolBlock(id="t", name=name, state=state, duration=seconds)

    reads, runs = [made("Read", 0.0)] * 2, [made("Bash", 6.0)] * 3

    assert calls_line([*reads, *runs]) == "5 calls: 3 Bash, 2 Read · 18 s"
    assert calls_line(reads) == "2 calls: 2 Read"
    assert calls_line([*reads, made("mcp__a__b", 1.0, ToolState.FAILED)]) == (
        "3 calls: 2 Read, 1 b (a) · 1 failed · 1.0 s"
    )
    many = [made(name, 0.0) for name in "abcdefg"]
    assert calls_line(many) == "7 calls: 1 a, 1 b, 1 c, 1 d, 1 e, 2 others"
