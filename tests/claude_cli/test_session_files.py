from __future__ import annotations

import json
from pathlib import Path

import pytest

from claude_magic.claude_cli.session_files import conversation_file, is_recorded, projects_folder

CONVERSATION = "6f1c2f0e-5d0b-4a34-9a9e-2f1f4a5d9c01"
PROMPT = "b8d066b6-c6f6-4502-a37e-07bd2db1e950"
ANOTHER = "0d2d2888-44f2-4027-881e-e09c4e0c972e"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"CLAUDE_CONFIG_DIR": str(tmp_path)}


def write(env: dict[str, str], text: str) -> Path:
    folder = projects_folder(env) / "-home-me"
    folder.mkdir(parents=True)
    file = folder / f"{CONVERSATION}.jsonl"
    file.write_text(text, encoding="utf-8")
    return file


def line(**entry: object) -> str:
    return json.dumps(entry) + "\n"


def test_a_conversation_is_found_by_its_id_in_whatever_folder(env: dict[str, str]) -> None:
    assert conversation_file(CONVERSATION, env) is None
    file = write(env, "")
    assert conversation_file(CONVERSATION, env) == file
    assert conversation_file(ANOTHER, env) is None


def test_without_a_folder_of_its_own_the_cli_keeps_them_at_home(tmp_path: Path) -> None:
    assert projects_folder({"HOME": str(tmp_path)}) == tmp_path / ".claude" / "projects"


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        (line(type="user", uuid=PROMPT, message={"content": "hi"}), True),
        (line(type="summary") + "no JSON\n[]\n" + line(type="user", uuid=PROMPT), True),
        (line(type="user", uuid=ANOTHER, parentUuid=PROMPT), False),  # one that follows it
        (line(type="attachment", uuid=PROMPT), False),
        (line(type="user", uuid=PROMPT)[:-3], False),  # it was killed while it wrote
        ("", False),
    ],
)
def test_a_prompt_is_recorded_if_a_whole_line_holds_it_under_its_id(
    env: dict[str, str], text: str, *, recorded: bool
) -> None:
    write(env, text)
    assert is_recorded(CONVERSATION, PROMPT, env) is recorded


def test_without_a_file_nothing_is_recorded(env: dict[str, str]) -> None:
    assert not is_recorded(CONVERSATION, PROMPT, env)
