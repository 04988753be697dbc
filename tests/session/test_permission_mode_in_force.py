"""The permission mode is the one asked for before the first prompt, whatever settings begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from generations import OLDER_CLI
from people import Person, allow

from claude_magic import Options, Session
from claude_magic.errors import ClaudeMagicError
from claude_magic.options import TurnOptions
from claude_magic.transcript.blocks import NoticeBlock

pytestmark = pytest.mark.process
Sessions = Callable[..., Session]


def begin_in(mode: str, folder: Path, name: str = "settings.json") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"permissions": {"defaultMode": mode}}), encoding="utf-8")


def config(options: Options) -> Path:
    return Path(options.env["CLAUDE_CONFIG_DIR"])


def warnings(talk: Session) -> list[str]:
    blocks = [block for shown in talk.history for block in shown.blocks if isinstance(block, NoticeBlock)]
    return [block.text for block in blocks if block.level == "warning"]


@pytest.mark.fault(113, via="real")
@pytest.mark.fault(87, via="real")
@pytest.mark.parametrize("whose", ["own", "project"])
@pytest.mark.parametrize("mode", ["acceptEdits", "auto"])
async def test_settings_that_begin_in_a_wider_mode_than_asked_do_not_have_it(
    session: Sessions, whose: str, mode: str
) -> None:
    """A project's `auto` the CLI itself ignores; with 2.1.191 it is told afterwards."""
    talk, person = session(), Person(allow())
    begin_in(mode, config(talk.options) if whose == "own" else talk.options.directory / ".claude")

    await talk.ask("write a.txt hello", asker=person)

    assert [request.tool_name for request in person.asked] == ["Write"]
    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("default", "default")
    source = "your Claude settings" if whose == "own" else ".claude/settings.json"
    told = [text for text in warnings(talk) if mode in text and source in text]
    assert len(told) == (0 if (whose, mode) == ("project", "auto") else 1)
    await talk.stop()
    await talk.ask("write b.txt hello", asker=person)  # resumed, in another process
    assert len(person.asked) == 2


@pytest.mark.fault(113, via="real")
async def test_a_mode_of_ones_own_settings_that_asks_as_often_is_left_and_shown(
    session: Sessions, cli: Path
) -> None:
    talk = session(cli=str(cli))
    begin_in("plan", config(talk.options))

    await talk.ask("say one")
    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("plan", "plan")
    await talk.ask("say two", options=TurnOptions(permission_mode="acceptEdits"))
    assert talk.history[-1].permission_mode == "acceptEdits"
    await talk.ask("say three")
    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("plan", "plan")
    assert warnings(talk) == []


@pytest.mark.fault(113, via="real")
async def test_where_no_mode_is_asked_for_any_more_that_of_ones_own_settings_is_back(
    session: Sessions,
) -> None:
    talk = session()
    begin_in("plan", config(talk.options))

    await talk.start()
    talk.options = talk.options.with_(permission_mode="default")
    await talk.ask("say four")
    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("default", "default")
    talk.options = talk.options.with_(permission_mode=None)
    await talk.ask("say five")
    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("plan", "plan")


@pytest.mark.fault(113, via="real")
async def test_a_mode_that_was_asked_for_is_in_force_whatever_the_settings_say(
    session: Sessions, cli: Path
) -> None:
    talk, person = session(cli=str(cli), permission_mode="acceptEdits"), Person(allow())
    begin_in("plan", config(talk.options))
    begin_in("bypassPermissions", talk.options.directory / ".claude")

    await talk.ask("write a.txt hello", asker=person)

    assert (talk.permission_mode, talk.history[-1].permission_mode) == ("acceptEdits", "acceptEdits")
    assert (talk.options.directory / "a.txt").exists()
    assert person.asked == []
    assert warnings(talk) == []


@pytest.mark.fault(113, via="real")
async def test_a_mode_that_the_settings_forbid_is_told_and_the_one_in_force_is_shown(
    session: Sessions,
) -> None:
    talk, person = session(permission_mode="bypassPermissions"), Person(allow())
    config(talk.options).mkdir(exist_ok=True)
    forbidden = {"permissions": {"disableBypassPermissionsMode": "disable"}}
    (config(talk.options) / "settings.json").write_text(json.dumps(forbidden), encoding="utf-8")

    await talk.ask("write a.txt hello", asker=person)

    assert talk.permission_mode == talk.history[-1].permission_mode == "default"
    assert [request.tool_name for request in person.asked] == ["Write"]
    notices = [block.text for block in talk.history[-1].blocks if isinstance(block, NoticeBlock)]
    assert any("default" in text and "bypassPermissions cannot be had" in text for text in notices)


@pytest.mark.fault(113, via="fake")
async def test_a_process_that_stays_in_a_wider_mode_is_stopped_before_anything_is_sent(
    fake: Sessions,
) -> None:
    talk = fake("begins-wide")
    with pytest.raises(ClaudeMagicError, match=r"permission mode is acceptEdits, not default \(Unsupported"):
        await talk.ask("say one")
    assert not talk.is_running


@pytest.mark.fault(113, via="real")
async def test_the_older_generation_that_does_not_tell_its_mode_is_as_before(session: Sessions) -> None:
    talk = session(cli=str(OLDER_CLI))
    begin_in("acceptEdits", talk.options.directory / ".claude")
    await talk.ask("say one")
    assert talk.history[-1].permission_mode == "acceptEdits"
    assert any("not default: it comes from" in text for text in warnings(talk))
