"""What was changed, from the accounts of the calls."""

from __future__ import annotations

import pytest

from claude_magic.transcript.file_edits import FileEdits


def account(
    path: str = "a.py", before: str | None = "one\n", tool: str = "Edit", **more: object
) -> dict[str, object]:
    key = "notebook_path" if tool == "NotebookEdit" else "file_path"
    response = {"original_file" if tool == "NotebookEdit" else "originalFile": before}
    facts = {"hook_event_name": "PostToolUse", "tool_name": tool, "tool_input": {key: path}, "cwd": "/work"}
    return {**facts, "tool_response": response, **more}


def test_several_edits_of_one_file_are_one_change_from_the_first_text_to_the_last() -> None:
    edits = FileEdits()
    assert edits.take(account(before="one\n"))
    edits.see("/work/a.py", b"two\n")
    assert edits.take(account("./a.py", before="two\n"))
    edits.see("/work/a.py", b"three\n")

    (change,) = edits.files
    assert (change.path, change.before, change.after) == ("/work/a.py", "one\n", "three\n")


def test_a_new_file_a_notebook_and_a_file_that_is_gone_are_changes() -> None:
    edits = FileEdits()
    for path, before, tool in (
        ("/new.py", None, "Write"),
        ("/n.ipynb", "{}", "NotebookEdit"),
        ("/gone", "1", "Edit"),
    ):
        edits.take(account(path, before, tool))
    edits.see("/new.py", b"\xef\xbb\xbfnew\r\n\xff")
    edits.see("/n.ipynb", b'{"cells": []}')
    edits.see("/gone", None)

    assert [(each.path, each.created, each.after) for each in edits.files] == [
        ("/new.py", True, "new\n\N{REPLACEMENT CHARACTER}"),
        ("/n.ipynb", False, '{"cells": []}'),
        ("/gone", False, None),
    ]
    assert edits.is_as_seen("/gone", None)
    assert edits.is_as_seen("/n.ipynb", b'{"cells": []}')
    assert not edits.is_as_seen("/n.ipynb", b'{"cells": [ ]}')


def test_what_comes_to_nothing_is_no_change() -> None:
    edits = FileEdits()
    edits.take(account("/same", "one\n"))
    edits.see("/same", b"one\r\n")
    edits.take(account("/made-and-deleted", None))
    edits.see("/made-and-deleted", None)
    assert edits.files == ()
    assert edits.paths == ["/same", "/made-and-deleted"]


@pytest.mark.parametrize(
    "other",
    [
        account(hook_event_name="PreToolUse"),
        account(hook_event_name="PostToolUseFailure"),
        account(tool="Read"),
        account(tool="Bash"),
        account(tool_input={"file_path": 7}),
        {},
    ],
)
def test_other_accounts_change_nothing(other: dict[str, object]) -> None:
    edits = FileEdits()
    assert not edits.take(other)
    assert edits.paths == []


def test_an_account_without_the_text_before_is_of_a_file_that_was_not_there() -> None:
    edits = FileEdits()
    assert edits.take(account(tool_response="done"))
    edits.see("/work/a.py", b"1")
    assert edits.files[0].created


def test_a_byte_order_mark_and_line_ends_are_no_change() -> None:
    edits = FileEdits()
    edits.take(account(tool_response={"originalFile": "\ufeff1\r\n2\n"}))
    edits.see("/work/a.py", b"\xef\xbb\xbf1\r\n2\r\n")
    assert edits.files == ()


def test_a_file_that_was_empty_before_its_first_edit_is_not_a_new_one() -> None:
    edits = FileEdits()
    before = account("/empty", hook_event_name="PreToolUse")
    assert edits.to_change(before) == "/empty"
    edits.is_empty("/empty")
    edits.take(account("/empty", None, "Write"))
    edits.see("/empty", b"full")

    assert [(each.created, each.before, each.after) for each in edits.files] == [(False, "", "full")]
    assert edits.to_change(before) is None
    assert edits.to_change(account("/other", tool="Read", hook_event_name="PreToolUse")) is None
    assert edits.to_change(account("/other")) is None
