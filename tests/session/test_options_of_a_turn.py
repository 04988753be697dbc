"""A turn's options end with the turn, whatever becomes of its process; seen where the model stands."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from endpoint_log import Endpoint
from people import Person, allow
from waiting import wait_until

from claude_magic.claude_cli.session_files import conversation_file, is_recorded
from claude_magic.options import TurnOptions
from claude_magic.session import Session, recovery
from claude_magic.session.turn import Turn

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
HAIKU = "claude-haiku-4-5-20251001"
ON_HAIKU = TurnOptions(model=HAIKU)
SONNET = '{"model": "sonnet"}'


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait before a try is not what is tested here."""
    monkeypatch.setattr(recovery, "DELAYS", (0.05,))


def model(endpoint: Endpoint) -> str:
    """Which model the last request of a turn was for; the CLI's side requests fit no rule."""
    return str([line["body"]["model"] for line in endpoint.requests if line["rule"] != "unknown prompt"][-1])


def config(talk: Session) -> Path:
    folder = Path(talk.options.env["CLAUDE_CONFIG_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def held(talk: Session, options: TurnOptions, eventually: Eventually) -> None:
    """A turn that lasts, and that the CLI has written down."""
    turn = talk.submit(f"held until never-{len(talk.history)}", options=options)
    await eventually(lambda: turn.transcript.answer)
    await asyncio.to_thread(wait_until, lambda: _is_written(talk, turn))


def _is_written(talk: Session, turn: Turn) -> bool:
    env = talk.options.env
    return bool(conversation_file(talk.session_id, env)) and is_recorded(talk.session_id, turn.id, env)


async def stop(talk: Session, _: Eventually) -> None:
    await talk.stop()


async def restart(talk: Session, _: Eventually) -> None:
    await talk.restart()


async def another_option(talk: Session, _: Eventually) -> None:
    talk.options = talk.options.with_(system="You are a lighthouse keeper.")


async def release(talk: Session, eventually: Eventually) -> None:
    talk.options = talk.options.with_(idle_timeout=0.1)
    await talk.ask("say hi", options=ON_HAIKU)
    await eventually(lambda: talk.released)
    talk.options = talk.options.with_(idle_timeout=None)


async def die(talk: Session, eventually: Eventually) -> None:
    assert talk.pid is not None
    os.kill(talk.pid, signal.SIGKILL)
    await eventually(lambda: not talk.is_running)


async def stop_in_mid_turn(talk: Session, eventually: Eventually) -> None:
    await held(talk, ON_HAIKU, eventually)
    await talk.stop()


async def die_in_mid_turn(talk: Session, eventually: Eventually) -> None:
    await held(talk, ON_HAIKU, eventually)
    await die(talk, eventually)
    turn = talk.history[-1]
    await eventually(lambda: not talk.turn)
    assert "Going on." in turn.answer


async def fork(talk: Session, _: Eventually) -> None:
    await talk.stop()
    talk.conversation.resume_from(talk.session_id, talk.turns, copy=True)


@pytest.mark.fault(129, via="real")
@pytest.mark.parametrize("usual", [None, "sonnet"], ids=["no model", "a model of the session"])
async def test_a_model_for_one_turn_is_gone_after_every_kind_of_restart(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually, usual: str | None
) -> None:
    talk = session(cli=str(cli), model=usual)
    await talk.ask("say hi")
    before, after = model(endpoint), {}
    for way in (stop, restart, another_option, release, die, stop_in_mid_turn, die_in_mid_turn, fork):
        await talk.ask("say hi", options=ON_HAIKU)
        assert model(endpoint) == HAIKU
        await way(talk, eventually)
        await talk.ask("say hi")
        after[way.__name__] = model(endpoint)
    assert after == dict.fromkeys(after, before)
    assert before != HAIKU


@pytest.mark.fault(129, via="real")
async def test_a_model_for_one_turn_is_gone_for_a_kernel_that_comes_later(
    session: Sessions, cli: Path, endpoint: Endpoint
) -> None:
    talk = session(cli=str(cli))
    await talk.ask("say hi")
    before = model(endpoint)
    await talk.ask("say hi", options=ON_HAIKU)
    await talk.stop()
    later = session_after(talk)
    assert (await later.ask("what came first?")).text == "First came: say hi"
    assert model(endpoint) == before
    await later.stop()


def session_after(talk: Session) -> Session:
    return Session(talk.options.with_(session_id=talk.session_id), earlier_turns=talk.turns)


@pytest.mark.fault(129, via="real")
@pytest.mark.parametrize("where", ["settings", "variable", "variable of the settings"])
async def test_the_model_of_the_persons_own_settings_comes_back(
    session: Sessions, cli: Path, endpoint: Endpoint, where: str
) -> None:
    talk = session(cli=str(cli), env={"ANTHROPIC_MODEL": "sonnet"} if where == "variable" else {})
    if where != "variable":
        settings = {"settings": SONNET, "variable of the settings": '{"env": {"ANTHROPIC_MODEL": "sonnet"}}'}
        (config(talk) / "settings.json").write_text(settings[where], encoding="utf-8")
    models = []
    for options in (None, ON_HAIKU, None, ON_HAIKU):
        await talk.ask("say hi", options=options)
        models.append(model(endpoint))
    await talk.stop()
    await talk.ask("say hi")
    models.append(model(endpoint))
    talk.options = talk.options.with_(model="opus")
    await talk.ask("say hi")
    talk.options = talk.options.with_(model=None)
    await talk.ask("say hi")
    models.append(model(endpoint))
    assert "sonnet" in models[0]
    assert models == [models[0], HAIKU, models[0], HAIKU, models[0], models[0]]


@pytest.mark.fault(129, via="real")
async def test_a_turns_options_hold_in_the_process_that_takes_over_and_end_with_the_turn(
    session: Sessions,
    cli: Path,
    endpoint: Endpoint,
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk, person = session(cli=str(cli)), Person(allow())
    cases = {
        "run touch allowed": TurnOptions(model=HAIKU, allow=("Bash(touch *)",)),
        "write accepted text": TurnOptions(permission_mode="acceptEdits"),
        "run touch bypassed": TurnOptions(permission_mode="bypassPermissions"),
        "run touch denied": TurnOptions(deny=("Bash",)),
    }
    models, asked = [], []
    for goes_on, options in cases.items():
        monkeypatch.setattr(recovery, "CONTINUE", goes_on)
        await held(talk, options, eventually)
        await die(talk, eventually)
        await eventually(lambda: not talk.turn)
        models.append(model(endpoint))
        asked.append(len(person.asked))
        await talk.ask(goes_on.replace("ed", "ed-later"), asker=person)
        models.append(model(endpoint))
    assert asked == [0, 1, 2, 3]
    assert len(person.asked) == 4
    assert models[0] == HAIKU
    assert set(models[1:]) == {models[1]} != {HAIKU}
    made = {path.name for path in (tmp_path / "work").iterdir()}
    later = {"allowed-later", "accepted-later", "bypassed-later", "denied-later"}
    assert made == later | {"allowed", "accepted", "bypassed"}
