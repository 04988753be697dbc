"""A folder's earlier conversations, read from the CLI's own files; going on with one, or a copy of it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from endpoint_log import Endpoint

from claude_magic.claude_cli import past_conversations as conversations
from claude_magic.claude_cli.past_conversations import PastConversation, past_conversations
from claude_magic.claude_cli.session_files import conversation_file, projects_folder
from claude_magic.notebook.saved_answers import SIZE_LIMIT, conversation_in_file
from claude_magic.options import Options
from claude_magic.prompt import Attachment, Prompt
from claude_magic.session import Session

# Reading the files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a name of many kinds of characters."""
    made = tmp_path / "wo rk.é_1"
    made.mkdir()
    return made


@pytest.fixture
def write(tmp_path: Path, folder: Path) -> Callable[..., str]:
    """Writes a conversation's file as the CLI does, of these lines; gives its id."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in str(folder))
    place = tmp_path / "projects" / name
    place.mkdir(parents=True)

    def written(*lines: object, age: float = 0.0, cwd: Path = folder, end: bytes = b"\n") -> str:
        session_id = str(uuid.uuid4())
        texts = [line if isinstance(line, bytes) else _line(line, cwd) for line in lines]
        path = place / f"{session_id}.jsonl"
        path.write_bytes(b"\n".join(texts) + end)
        os.utime(path, (1e9 - age, 1e9 - age))
        return session_id

    return written


def _line(content: object, cwd: Path) -> bytes:
    more = {"cwd": str(cwd), "isSidechain": False, "type": "user"}
    whole = content if isinstance(content, dict) else {"message": {"role": "user", "content": content}}
    return json.dumps(more | whole, separators=(",", ":")).encode()


@pytest.fixture
def found(tmp_path: Path, folder: Path) -> Callable[..., list[PastConversation]]:
    return lambda **how: past_conversations(tmp_path / "projects", folder, **how)


def test_the_newest_comes_first_with_its_first_prompt_and_its_turns(
    write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    old = write("first", "second", age=100)
    new = write(b'{"type":"mode"}', "only <b>one</b>\nand more", age=10)

    assert [(past.session_id, past.prompt, past.turns, past.changed) for past in found()] == [
        (new, "only <b>one</b>\nand more", 1, 1e9 - 10),
        (old, "first", 2, 1e9 - 100),
    ]
    assert [past.session_id for past in found(limit=1)] == [new]
    assert [past.session_id for past in found(beginning=old[:5])] == [old]


@pytest.mark.fault(111, via="pure")
def test_a_prompt_with_data_is_listed_by_its_words(
    write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    content = Prompt("Summarise [data: x]", (Attachment("x", "/clear <bash-input>"),)).content
    write(content)

    assert [past.prompt for past in found()] == ["Summarise [data: x]"]


def test_only_what_a_person_asked_counts_as_a_turn(
    write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    def message(content: object) -> dict[str, object]:
        return {"message": {"role": "user", "content": content}}

    write(
        message("<local-command-caveat>not a request") | {"isMeta": True},
        "<command-name>/clear</command-name>\n<command-message>clear</command-message>",
        "<local-command-stdout></local-command-stdout>",
        [{"type": "text", "text": "with a picture"}, {"type": "image", "source": {"data": "x" * 2_000_000}}],
        [{"type": "tool_result", "tool_use_id": "t", "content": 'of "type":"user"'}],
        message("what a subagent was told") | {"isSidechain": True},
        message("what went before in short") | {"isCompactSummary": True},
        "<task-notification>\n<task-id>b1</task-id>",
        [{"type": "text", "text": "[Request interrupted by user for tool use]"}],
        "[claude_magic] Your process ended in the middle of your last turn.",
        {
            "type": "assistant",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "Yes."}]},
        },
        'why is "type":"user" no "tool_result"?',
    )

    (past,) = found()

    assert past.turns == 3, "/clear, the picture, the question"


def test_a_command_is_the_first_prompt_only_if_there_is_no_other(
    write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    write("<command-name>/clear</command-name>", "say after", age=1)
    write("<command-name>/cost</command-name>", age=2)

    assert [past.prompt for past in found()] == ["say after", "/cost"]


def test_garbage_is_left_out_and_harms_nothing(
    tmp_path: Path, write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    good = write("good", b'{"type":"user","message":{"content":"cut o', end=b"")
    write(b'\xff\xfe\x00garbage "type":"user"')
    write(
        b'["type":"user"]',
        b'{"type":"user"}',
        b'{"type":"user","message":7}',
        b"[" * 100_000 + b'"type":"user"',
    )
    write()
    place = next((tmp_path / "projects").iterdir())
    (place / "no-id.jsonl").write_bytes(_line("no id", place))
    (place / f"{uuid.uuid4()}.jsonl").mkdir()
    (place / f"{uuid.uuid4()}.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(place / f"{uuid.uuid4()}.jsonl")

    assert [past.session_id for past in found()] == [good]


def test_another_directory_whose_folder_has_the_same_name_is_another(
    tmp_path: Path, folder: Path, write: Callable[..., str], found: Callable[..., list[PastConversation]]
) -> None:
    write("theirs", cwd=tmp_path / "wo-rk.é_1")
    ours = write("ours")
    link = tmp_path / "link"
    link.symlink_to(folder)

    assert [past.session_id for past in found()] == [ours]
    assert [past.prompt for past in past_conversations(tmp_path / "projects", link)] == ["ours"]
    assert past_conversations(tmp_path / "projects", tmp_path) == []
    assert past_conversations(tmp_path / "nowhere", folder) == []


def test_of_a_thousand_files_no_more_are_read_than_are_wanted(
    write: Callable[..., str],
    found: Callable[..., list[PastConversation]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(1000):
        write(f"prompt {number}", age=number)
    opened: list[Path] = []
    real = conversations._read

    def counted(path: Path, directory: Path) -> PastConversation | None:
        opened.append(path)
        return real(path, directory)

    monkeypatch.setattr(conversations, "_read", counted)

    assert [past.prompt for past in found(limit=20)] == [f"prompt {number}" for number in range(20)]
    assert len(opened) == 20


def test_of_a_very_long_file_only_the_beginning_is_read_and_it_says_so(
    write: Callable[..., str],
    found: Callable[..., list[PastConversation]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "READ_LIMIT", 10_000)
    write(*(f"prompt {number}" for number in range(1000)))

    (past,) = found()

    assert past.more
    assert 0 < past.turns < 200


# What a notebook file says about its answers

ID = "0a1b2c3d-1111-4222-8333-444455556666"


def saved(*facts: object) -> dict[str, object]:
    """A notebook whose outputs have these metadata."""
    outputs = [{"output_type": "display_data", "metadata": {"claude_magic": each}} for each in facts]
    return {"cells": [{"cell_type": "markdown"}, {"outputs": [{"output_type": "stream"}, *outputs]}]}


@pytest.mark.fault(91, via="pure")
@pytest.mark.parametrize(
    ("notebook", "named"),
    [
        (saved({"session": "main", "session_id": ID}), ID),
        (saved({"session": "main", "session_id": "x"}, {"session": "main", "session_id": ID}), ID),
        (saved({"session": "main", "session_id": ID}, {"session": "other", "session_id": "x"}), ID),
        (saved({"session": "main", "session_id": ID}, {"session": "main", "session_id": "x"}), None),
        (saved({"session": "main", "session_id": "--dangerously-skip-permissions"}), None),
        (saved({"session": "main", "session_id": "../../x"}), None),
        (saved({"session": "main", "session_id": [ID]}, 7, None, [], {"session": "main"}), None),
        ({"cells": [{"outputs": [{"metadata": 7}, 7, None]}, None, 7, {"outputs": {}}]}, None),
        ({"cells": 7}, None),
        ([], None),
        (None, None),
    ],
)
def test_from_a_notebook_file_only_an_id_is_taken(
    tmp_path: Path, notebook: object, named: str | None
) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(notebook))

    assert conversation_in_file(str(path), "main") == named


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 200_000, b" " * (SIZE_LIMIT + 1)])
def test_a_notebook_file_that_cannot_be_read_names_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)

    assert conversation_in_file(str(path), "main") is None
    assert conversation_in_file(str(tmp_path), "main") is None
    assert conversation_in_file(str(tmp_path / "nowhere"), "main") is None


# With the real CLI, both generations


@pytest.fixture
def sessions(options: Callable[..., Options], cli: Path) -> Callable[[], Any]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Session]:
        session = Session(options(cli=str(cli)))
        try:
            yield session
        finally:
            await session.stop()

    return made


def listed(session: Session) -> list[PastConversation]:
    options = session.options
    return past_conversations(projects_folder(options.env), options.directory)


@pytest.mark.process
async def test_a_copy_goes_on_by_itself_and_the_original_stays_as_it_is(
    sessions: Callable[[], Any], endpoint: Endpoint, until: Callable[..., None]
) -> None:
    def known() -> list[tuple[str, int]]:
        return [(past.session_id, past.turns) for past in listed(session)]

    async with sessions() as session:
        await session.ask("say one")
        await session.ask("say two")
        original = session.session_id
        await session.stop()
        file = conversation_file(original, session.options.env)
        assert file is not None
        before = file.read_bytes()
        assert [(past.session_id, past.prompt, past.turns) for past in listed(session)] == [
            (original, "say one", 2)
        ]

        session.resume_from(original, 2, copy=True)
        copied = session.session_id
        result = await session.ask("say three")

        assert copied == session.session_id == result.session_id != original
        assert session.history[-1].resumed_turns == 2
        assert session.turns == 3
        assert [prompt for prompt in endpoint.stripped_prompts if prompt.startswith("say ")] == [
            "say one", "say two", "say three",
        ]  # fmt: skip
        assert file.read_bytes() == before
        until(lambda: known() == [(copied, 3), (original, 2)])  # the CLI writes 0.1 s late

        session.resume_from(original, 2)  # ends nothing: it is called while none runs
        await session.stop()
        session.resume_from(original, 2)
        assert (await session.ask("what came before?")).text == "Before this came: say two"
        assert session.session_id == original


@pytest.mark.process
async def test_a_copy_that_was_never_written_is_made_again_and_one_that_was_is_gone_on_with(
    sessions: Callable[[], Any],
) -> None:
    async with sessions() as session:
        await session.ask("say one")
        original = session.session_id
        await session.stop()
        session.resume_from(original, 1, copy=True)
        session.conversation.recorded = True  # as if it had ended right after its `init`

        assert (await session.ask("what came first?")).text == "First came: say one"

        await session.stop()
        session.conversation.forked_from = original  # as if it had ended before its `result`
        session.conversation.recorded = False
        copied = session.session_id
        assert (await session.ask("what came before?")).text == "Before this came: what came first?"
        assert session.session_id == copied


@pytest.mark.process
async def test_a_copy_of_a_conversation_that_is_gone_becomes_a_new_one_and_says_so(
    sessions: Callable[[], Any],
) -> None:
    async with sessions() as session:
        session.resume_from(str(uuid.uuid4()), 3, copy=True)

        assert (await session.ask("what came first?")).text == "First came: what came first?"

        assert session.history[-1].resumed_turns == 0
        assert "this is a new one" in str(session.history[-1].blocks)
