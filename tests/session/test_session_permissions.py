from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint
from people import Person, allow, always, answering, deny

from claude_magic.errors import StateError, UsageError
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.session import Session, SessionState
from claude_magic.session.permission_rules import PermissionRule
from claude_magic.transcript.blocks import ToolBlock, ToolState

Sessions = Callable[..., Session]


async def test_tools_that_are_allowed_act_on_the_folder(
    session: Sessions, cli: Path, tmp_path: Path, endpoint: Endpoint
) -> None:
    talk, person, work = session(cli=str(cli)), Person(allow()), tmp_path / "work"
    await talk.ask("write poem.txt roses", asker=person)
    assert (work / "poem.txt").read_text(encoding="utf-8") == "roses"
    await talk.ask("read poem.txt", asker=person)
    assert "roses" in endpoint.tool_results[-1]
    await talk.ask("change poem.txt from roses to violets", asker=person)
    assert (work / "poem.txt").read_text(encoding="utf-8") == "violets"
    await talk.ask("run cp poem.txt copy.txt && echo copied", asker=person)
    assert (work / "copy.txt").read_text(encoding="utf-8") == "violets"
    assert "copied" in endpoint.tool_results[-1]
    assert [request.tool_name for request in person.asked] == ["Write", "Edit", "Bash"]
    assert person.asked[0].input["content"] == "roses"


async def test_tools_that_are_denied_do_not_act_and_the_model_is_told(
    session: Sessions, tmp_path: Path, endpoint: Endpoint
) -> None:
    talk, person, work = session(), Person(deny("Rather not.")), tmp_path / "work"
    (work / "kept.txt").write_text("old", encoding="utf-8")
    for prompt in ("write new.txt text", "change kept.txt from old to new", "run touch made"):
        await talk.ask(prompt, asker=person)
        assert "Rather not." in endpoint.tool_results[-1]
        tools = [block for block in talk.history[-1].blocks if isinstance(block, ToolBlock)]
        assert tools[-1].state is ToolState.DENIED
    assert [path.name for path in work.iterdir()] == ["kept.txt"]
    assert (work / "kept.txt").read_text(encoding="utf-8") == "old"


@pytest.mark.fault(45, via="real")
async def test_where_nobody_can_be_asked_a_tool_is_denied_at_once_with_the_flag_that_allows_it(
    session: Sessions, tmp_path: Path, endpoint: Endpoint
) -> None:
    talk = session()
    result = await talk.ask("write a text")
    assert "--allow Write" in endpoint.tool_results[-1]
    assert not result.is_error
    assert list((tmp_path / "work").iterdir()) == []
    (block,) = talk.history[-1].asked
    assert block.decision is not None
    assert block.decision.by == "nobody to ask"


async def test_what_is_always_allowed_is_not_asked_again(session: Sessions, tmp_path: Path) -> None:
    talk, person = session(), Person(always())
    await talk.ask("write a text", asker=person)
    await talk.ask("write b text", asker=person)
    assert len(person.asked) == 1
    assert person.asked[0].always_means
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a", "b"]


async def test_what_was_always_allowed_is_asked_again_when_it_is_taken_back(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk, person = session(cli=str(cli), allow=("Write",)), Person(always())
    settings = tmp_path / "work/.claude/settings.local.json"
    await talk.ask("run touch a", asker=person)
    told = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(told | {"kept": "ä"}), encoding="utf-8")
    rules = {rule.text: rule for rule in await talk.permission_rules()}
    assert list(rules) == ["Bash(touch a *)", "Write"]
    await talk.ask("run touch a", asker=person)
    await talk.ask("write b text", asker=person)
    assert len(person.asked) == 1

    await talk.take_back(rules["Bash(touch a *)"])
    await talk.take_back(rules["Write"])

    later = Person(deny())
    await talk.ask("run touch a", asker=later)
    await talk.ask("write c text", asker=later)
    assert [request.tool_name for request in later.asked] == ["Bash", "Write"]
    assert await talk.permission_rules() == []
    assert json.loads(settings.read_text(encoding="utf-8")) == {"permissions": {"allow": []}, "kept": "ä"}
    with pytest.raises(StateError, match="cannot be taken out of"):
        await talk.take_back(rules["Bash(touch a *)"])
    with pytest.raises(UsageError, match=r"Read \(deny\) comes from settings"):
        await talk.take_back(PermissionRule("deny", "Read", "userSettings"))


async def test_the_mode_is_known_at_once_when_a_plan_is_approved(session: Sessions, cli: Path) -> None:
    for mode, later in (("", "default"), ("acceptEdits", "acceptEdits")):
        talk = session(cli=str(cli), permission_mode="plan", name=f"plan {later}")
        await talk.ask("plan it", asker=Person(Decision(behavior=Behavior.ALLOW, mode=mode)))
        assert (talk.permission_mode, talk.history[-1].permission_mode) == (later, later)


async def test_answers_to_a_question_reach_the_model(session: Sessions, endpoint: Endpoint) -> None:
    talk, person = session(), Person(answering({"Which colour?": "Blue"}))
    await talk.ask("ask me", asker=person)
    assert person.asked[0].is_question
    assert "Blue" in endpoint.tool_results[-1]
    assert "Red" not in endpoint.tool_results[-1]


async def test_several_requests_are_asked_one_after_the_other(
    session: Sessions, cli: Path, tmp_path: Path, endpoint: Endpoint
) -> None:
    talk, person = session(cli=str(cli)), Person(allow())
    states: list[SessionState] = []
    talk.on("status", states.append)
    for name in "ab":
        (tmp_path / name).write_text(f"text of {name}", encoding="utf-8")
    await talk.ask(f"read both {tmp_path}/a {tmp_path}/b", asker=person)
    assert len(person.asked) == 2
    assert person.most_at_once == 1
    assert all(any(f"text of {name}" in result for result in endpoint.tool_results) for name in "ab")
    assert states.count(SessionState.WAITING) == 2
    assert talk.state is SessionState.IDLE


async def test_an_asker_that_fails_denies_and_the_turn_goes_on(session: Sessions, tmp_path: Path) -> None:
    async def broken(_: PermissionRequest, /) -> None:
        raise RuntimeError("no screen")

    talk = session()
    result = await talk.ask("write a text", asker=broken)  # type: ignore[arg-type]  # it is broken
    assert not result.is_error
    assert list((tmp_path / "work").iterdir()) == []
    assert "no screen" in json.dumps([getattr(block, "text", "") for block in talk.history[-1].blocks])
    assert talk.state is SessionState.IDLE
