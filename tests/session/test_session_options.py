from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint
from people import Absent, Person, allow

from claude_magic.errors import ControlError, TurnFailedError
from claude_magic.options import TurnOptions
from claude_magic.session import Session, SessionState, options_in_force
from claude_magic.transcript.blocks import NoticeBlock

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
HAIKU = "claude-haiku-4-5-20251001"


def _notices(talk: Session) -> list[str]:
    return [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]


@pytest.mark.fault(104, via="real")
async def test_a_model_for_one_turn_is_gone_on_the_next(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    models = []
    for options in (None, TurnOptions(model=HAIKU), None):
        await talk.ask("say hi", options=options)
        models.append(endpoint.last["model"])
    assert models[1] == HAIKU
    assert models[0] == models[2] != HAIKU


@pytest.mark.fault(104, via="real")
async def test_a_permission_mode_for_one_turn_is_gone_on_the_next(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk, person = session(cli=str(cli)), Person(allow())
    pids = set()
    for name, options in (
        ("a", TurnOptions()),
        ("b", TurnOptions(permission_mode="acceptEdits")),
        ("c", TurnOptions()),
    ):
        await talk.ask(f"write {name} text", options=options, asker=person)
        pids.add(talk.pid)
    assert [Path(str(request.input["file_path"])).name for request in person.asked] == ["a", "c"]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a", "b", "c"]
    assert len(pids) == 1


@pytest.mark.fault(104, via="real")
async def test_what_is_allowed_for_one_turn_is_asked_again_on_the_next(session: Sessions, cli: Path) -> None:
    talk, person = session(cli=str(cli)), Person(allow())
    for number, options in enumerate((TurnOptions(), TurnOptions(allow=("Bash(touch *)",)), TurnOptions())):
        await talk.ask(f"run touch {number}", options=options, asker=person)
    assert [request.input["command"] for request in person.asked] == ["touch 0", "touch 2"]


@pytest.mark.fault(104, via="real")
async def test_what_is_denied_for_one_turn_is_allowed_again_on_the_next(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    for number, options in enumerate((TurnOptions(), TurnOptions(deny=("Bash",)), TurnOptions())):
        await talk.ask(f"run touch {number}", options=options)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["0", "2"]


@pytest.mark.fault(104, via="real")
async def test_a_time_limit_ends_its_turn_and_no_other(session: Sessions) -> None:
    talk = session()
    await talk.start()
    with pytest.raises(TurnFailedError, match=r"Stopped after 3 s") as failed:
        await talk.ask("slowly", options=TurnOptions(timeout=3))
    result = failed.value.result
    assert result.interrupted
    assert result.is_error
    assert result.text.startswith("the-1 loop-2")
    assert 3 <= result.duration < 9.5  # the answer would take 30 s
    assert (await talk.ask("two thousand words")).text.endswith("-2000")


@pytest.mark.fault(45, via="real")
async def test_the_time_that_a_person_takes_is_not_counted(
    session: Sessions, tmp_path: Path, eventually: Eventually
) -> None:
    talk, person = session(), Absent()
    await talk.start()
    turn = talk.submit("write a text", options=TurnOptions(timeout=5.0), asker=person)
    await eventually(lambda: turn.duration > 5.2)
    assert talk.state is SessionState.WAITING
    assert turn.working_time < 5.0
    person.came_back.set()
    result = await turn.wait()
    assert not result.interrupted
    assert (tmp_path / "work/a").read_text(encoding="utf-8") == "text"


@pytest.mark.fault(104, via="real")
async def test_a_budget_ends_its_turn_between_two_steps_and_no_other(session: Sessions) -> None:
    talk = session(allow=("Bash",))
    one_step = (await talk.ask("say hi")).cost_usd
    budget = TurnOptions(max_budget_usd=1.5 * one_step)
    with pytest.raises(TurnFailedError, match=r"over --max-budget-usd") as failed:
        await talk.ask("twice echo hi", options=budget)
    result = failed.value.result
    assert result.interrupted
    assert 1 <= len(result.tool_calls) < 3
    assert result.text != "Done twice."
    assert (await talk.ask("twice echo hi")).text == "Done twice."


@pytest.mark.fault(104, via="fake")
async def test_an_option_the_cli_refuses_fails_its_turn_and_no_other(fake: Sessions) -> None:
    talk = fake("refuse-settings")
    with pytest.raises(ControlError, match="Unsupported control request subtype: apply_flag_settings"):
        await talk.ask("hi", options=TurnOptions(allow=("Bash",), permission_mode="plan"))
    assert talk.permission_mode == "default"
    assert (await talk.ask("ho")).text == "You said: ho"


@pytest.mark.fault(86, via="fake")
async def test_a_process_that_does_not_go_back_to_asking_is_not_used_again(
    fake: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options_in_force, "UNDO_TIMEOUT", 0.2)
    talk = fake("no-way-back")
    result = await talk.ask("hi", options=TurnOptions(permission_mode="acceptEdits"))
    assert result.text == "You said: hi"
    assert talk.state is SessionState.STOPPED
    assert talk.pid is None
    assert (await talk.ask("ho")).text == "You said: ho"


@pytest.mark.fault(86, via="real")
async def test_nothing_is_bypassed_unless_it_is_said_and_only_for_that_turn(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk, person = session(cli=str(cli)), Person(allow())
    modes = []
    for name, options in (
        ("a", TurnOptions()),
        ("b", TurnOptions(permission_mode="bypassPermissions")),
        ("c", TurnOptions()),
        ("d", TurnOptions(permission_mode="bypassPermissions")),
    ):
        await talk.ask(f"run touch {name}", options=options, asker=person)
        modes.append(talk.history[-1].permission_mode)
    assert modes == ["default", "bypassPermissions", "default", "bypassPermissions"]
    assert [request.input["command"] for request in person.asked] == ["touch a", "touch c"]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a", "b", "c", "d"]
    assert talk.permission_mode == "default"


@pytest.mark.fault(86, via="real")
async def test_a_process_killed_while_bypassing_asks_again_afterwards(
    session: Sessions, tmp_path: Path, eventually: Eventually
) -> None:
    talk, person = session(), Person(allow())
    turn = talk.submit("stall", options=TurnOptions(permission_mode="bypassPermissions"))
    await eventually(lambda: turn.transcript.answer)
    await talk._engine.supervisor.kill()
    talk.interrupt()
    talk.interrupt()
    await turn.wait()
    await talk.ask("run touch asked", asker=person)
    assert len(person.asked) == 1
    assert (tmp_path / "work/asked").exists()


async def test_a_model_changed_on_a_running_session_stays(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say hi")
    pid, usual = talk.pid, endpoint.last["model"]
    talk.options = talk.options.with_(model=HAIKU)
    await talk.ask("say hi")
    await talk.ask("say hi", options=TurnOptions(model=usual))
    await talk.ask("say hi")
    assert endpoint.last["model"] == HAIKU
    talk.options = talk.options.with_(model=None)
    await talk.ask("say hi")
    assert endpoint.last["model"] == usual
    assert talk.pid == pid


async def test_a_permission_mode_changed_on_a_running_session_stays(
    session: Sessions, tmp_path: Path
) -> None:
    talk, person = session(), Person(allow())
    await talk.ask("write a text", asker=person)
    pid = talk.pid
    talk.options = talk.options.with_(permission_mode="acceptEdits")
    await talk.ask("say planned", options=TurnOptions(permission_mode="plan"), asker=person)
    await talk.ask("write b text", asker=person)
    assert talk.permission_mode == "acceptEdits"
    talk.options = talk.options.with_(permission_mode=None)
    await talk.ask("write c text", asker=person)
    assert [Path(str(request.input["file_path"])).name for request in person.asked] == ["a", "c"]
    assert (tmp_path / "work/b").exists()
    assert talk.pid == pid


async def test_a_persona_given_later_restarts_the_process_and_goes_on_with_the_conversation(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say hi")
    pid, session_id = talk.pid, talk.session_id
    talk.options = talk.options.with_(system="You are a lighthouse keeper.")
    assert (await talk.ask("what came before?")).text == "Before this came: say hi"
    assert "You are a lighthouse keeper." in endpoint.system
    assert "Restarted for system; the conversation goes on." in _notices(talk)
    assert talk.pid != pid
    assert talk.session_id == session_id
    assert talk.turns == 2


async def test_another_folder_restarts_the_process_and_says_so(
    session: Sessions, cli: Path, tmp_path: Path
) -> None:
    talk = session(cli=str(cli), allow=("Bash",))
    await talk.ask("say hi")
    other = tmp_path / "other"
    other.mkdir()
    talk.options = talk.options.with_(cwd=other)
    result = await talk.ask("run pwd > here")
    assert not result.is_error
    assert (other / "here").read_text(encoding="utf-8").strip() == str(other)
    notices = _notices(talk)
    assert "Restarted for cwd; the conversation goes on." in notices
    gone = "The earlier conversation was not found; this is a new one." in notices
    went_on = (await talk.ask("what came first?")).text == "First came: say hi"
    assert went_on is not gone
