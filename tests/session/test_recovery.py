"""The process ends by itself in the middle of a turn: another takes its place, and nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from endpoint_log import Endpoint
from people import Absent, allow
from places import FAKE
from streams import send, stream, turn_of

from claude_magic import offline
from claude_magic.errors import ProcessEndedError, StartError
from claude_magic.options import Options, TurnOptions
from claude_magic.session import Session, SessionState, recovery
from claude_magic.session.recovery import CONTINUE, Next, after_exit, quoting
from claude_magic.session.turn import Turn
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import NoticeBlock, ToolBlock, ToolState
from claude_magic.wire.events import ResultEvent

Sessions = Callable[..., Session]
Eventually = Callable[..., Awaitable[None]]
Commands = Callable[[str], list[psutil.Process]]
_S = SessionState
DIED = "claude ended (killed by SIGKILL)"
WAITS = recovery.DELAYS  # as they are when no test has shortened them


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between tries are not what is tested here."""
    monkeypatch.setattr(recovery, "DELAYS", (0.05, 0.1, 0.2))


def kill(talk: Session) -> None:
    assert talk.pid is not None
    os.kill(talk.pid, signal.SIGKILL)


def kill_when_sent(talk: Session, times: int = 1) -> list[int]:
    """Kills the process as soon as a prompt is on its way to it, and before it can read it; gives pids."""
    killed: list[int] = []

    def strike() -> None:
        assert talk.pid is not None
        killed.append(talk.pid)
        kill(talk)

    def follow(state: SessionState) -> None:
        if state is _S.RUNNING and len(killed) < times:
            assert talk.pid is not None
            os.kill(talk.pid, signal.SIGSTOP)  # on a busy machine it recorded the prompt before the kill
            asyncio.get_running_loop().call_soon(strike)

    talk.on("status", follow)
    return killed


def notices(turn: Turn) -> list[str]:
    return [block.text for block in turn.transcript.blocks if isinstance(block, NoticeBlock)]


def recorded(talk: Session) -> list[str]:
    """What was asked, as the CLI's own files have it; without what the CLI asks itself."""
    texts = [path.read_text(encoding="utf-8") for path in files(talk)]
    lines = [
        json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line[-1] == "\n"
    ]
    contents = [line["message"]["content"] for line in lines if line["type"] == "user"]
    return [content for content in contents if isinstance(content, str)]


def files(talk: Session) -> list[Path]:
    """The CLI's own, of its conversations."""
    return list((Path(talk.options.env["CLAUDE_CONFIG_DIR"]) / "projects").glob("*/*.jsonl"))


def record_nothing(talk: Session) -> Path:
    """Puts a file where the CLI would make a folder for its own."""
    projects = Path(talk.options.env["CLAUDE_CONFIG_DIR"]) / "projects"
    projects.parent.mkdir(parents=True, exist_ok=True)
    projects.touch()
    return projects


def asked(endpoint: Endpoint) -> list[str]:
    """What the model was asked, one a request."""
    return [line["prompt"] for line in endpoint.requests]


# --- acknowledged: never repeated


@pytest.mark.fault(96, via="real")
@pytest.mark.parametrize("earlier", [0, 1])
async def test_killed_in_mid_text_claude_is_told_to_continue_and_the_text_is_kept(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually, earlier: int
) -> None:
    talk = session(cli=str(cli))
    for number in range(earlier):
        await talk.ask(f"say {number}")
    states: list[SessionState] = []
    errors: list[BaseException] = []
    talk.on("status", states.append)
    talk.on("error", errors.append)
    turn, queued, spent = talk.submit("slowly"), talk.submit("say on"), talk.cost
    await eventually(lambda: turn.transcript.answer and talk.turn_cost and "slowly" in recorded(talk))
    before = talk.turn_cost
    kill(talk)

    result = await turn.wait()

    assert result.text.startswith("the-1 ")
    assert result.text.endswith("\n\nGoing on.")
    assert (result.error, result.interrupted, turn.error) == ("", False, None)
    assert turn.transcript.state is TurnState.DONE
    assert notices(turn) == [
        f"{DIED}; restarting in 0.05 s, try 1 of 3.",
        f"Resumed; Claude was told to continue. The message sent: {CONTINUE}",
    ]
    crash = states.index(_S.CRASHED)
    assert states[crash - 1 : crash + 3] == [_S.RUNNING, _S.CRASHED, _S.RECOVERING, _S.RUNNING]
    assert [str(error) for error in errors] == [f"{DIED}."]
    then = await queued.wait()
    assert then.text == "on"
    assert result.cost_usd > before + then.cost_usd / 2  # what it had cost, and a continuation
    assert talk.cost == pytest.approx(spent + result.cost_usd + then.cost_usd)
    assert talk.turns == earlier + 2
    assert talk.state is _S.IDLE
    prompts = [*(f"say {number}" for number in range(earlier)), "slowly", CONTINUE, "say on"]
    assert asked(endpoint) == prompts
    await eventually(lambda: recorded(talk) == prompts)


@pytest.mark.fault(96, via="real")
@pytest.mark.fault(50, via="real")
async def test_a_command_that_ran_is_not_run_again_and_what_it_left_is_ended(
    session: Sessions,
    cli: Path,
    endpoint: Endpoint,
    eventually: Eventually,
    commands: Commands,
    watch: str,
    tmp_path: Path,
) -> None:
    talk, ran = session(cli=str(cli), allow=("Bash",)), tmp_path / "ran"
    command = f"echo once >> {ran}; {watch} > /dev/null"
    turn = talk.submit(f"run {command}")
    await eventually(lambda: ran.exists() and commands(watch) and f"run {command}" in recorded(talk))
    kill(talk)

    result = await turn.wait()

    assert not commands(watch)
    assert ran.read_text() == "once\n"
    assert result.text == "Running.\n\nGoing on."
    (tool,) = (block for block in turn.transcript.blocks if isinstance(block, ToolBlock))
    assert tool.state is ToolState.INTERRUPTED
    assert [(call.name, call.is_error) for call in result.tool_calls] == [("Bash", True)]
    assert asked(endpoint) == [f"run {command}", CONTINUE]
    await eventually(lambda: recorded(talk) == [f"run {command}", CONTINUE])


@pytest.mark.fault(96, via="real")
async def test_a_command_that_ran_is_not_run_again_though_nothing_was_recorded(
    session: Sessions, cli: Path, endpoint: Endpoint, eventually: Eventually, tmp_path: Path
) -> None:
    talk, ran = session(cli=str(cli), allow=("Bash",)), tmp_path / "ran"
    record_nothing(talk)
    prompt = f"run echo once >> {ran}; tail -f /dev/null"
    turn = talk.submit(prompt)
    await eventually(ran.exists)
    kill(talk)

    await turn.wait()

    assert ran.read_text() == "once\n"
    assert notices(turn)[-1] == "Restarted; Claude was told to continue, with the prompt quoted."
    first, second = asked(endpoint)
    assert first == prompt
    assert second.startswith("[claude_magic] ")
    assert second.endswith(f"\n\n> {prompt}")


# --- not acknowledged: sent again


@pytest.mark.fault(96, via="real")
@pytest.mark.fault(35, via="real")
@pytest.mark.parametrize("earlier", [0, 1])
async def test_killed_before_the_prompt_is_recorded_it_is_sent_again_and_recorded_once(
    session: Sessions, cli: Path, eventually: Eventually, tmp_path: Path, earlier: int
) -> None:
    talk = session(cli=str(cli))
    for number in range(earlier):
        await talk.ask(f"say {number}")
        await eventually(lambda: recorded(talk))
    conversation = talk.session_id
    prompt = "run touch made"
    kill_when_sent(talk)
    turn = talk.submit(prompt, options=TurnOptions(allow=("Bash(touch *)",)))

    result = await turn.wait()

    assert result.text.startswith("Running.\n\nIt said:")
    assert notices(turn)[0] == f"{DIED}; restarting in 0.05 s, try 1 of 3."
    assert notices(turn)[1] == ("Resumed" if earlier else "Restarted") + "; the prompt was sent again."
    assert len(notices(turn)) == 2
    assert (tmp_path / "work" / "made").exists()  # what holds for the turn holds in the new process too
    await eventually(lambda: recorded(talk) == [*(f"say {number}" for number in range(earlier)), prompt])
    assert talk.session_id == conversation
    assert (await talk.ask("what came before?")).text == f"Before this came: {prompt}"


async def test_what_was_never_recorded_is_not_resumed_and_the_cell_says_so(
    session: Sessions, cli: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli))
    projects = record_nothing(talk)
    await talk.ask("say lost")
    kill_when_sent(talk)
    turn = talk.submit("stall at once")
    await eventually(lambda: len(notices(turn)) == 2 and talk.conversation.recorded)
    lost = "without the 1 earlier turn, which had not been recorded"
    assert notices(turn)[1] == f"Restarted {lost}; the prompt was sent again."
    await talk.stop()
    projects.unlink()
    projects.mkdir()
    turn = talk.submit("say on")
    assert (await turn.wait()).text == "on"
    assert notices(turn) == ["The earlier conversation was not found; this is a new one."]


async def test_killed_twice_in_one_turn_it_goes_on_twice(
    session: Sessions, eventually: Eventually, endpoint: Endpoint
) -> None:
    talk = session()
    kill_when_sent(talk)
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer and "slowly" in recorded(talk))
    assert endpoint.requests
    kill(talk)
    assert (await turn.wait()).text.endswith("\n\nGoing on.")
    assert [notice.partition(";")[2] for notice in notices(turn)][::2] == [
        " restarting in 0.05 s, try 1 of 3.",
        " restarting in 0.1 s, try 2 of 3.",
    ]
    await eventually(lambda: recorded(talk) == ["slowly", CONTINUE])


async def test_a_new_conversation_asked_for_in_mid_turn_begins_after_the_recovery(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    await talk.ask("say before")
    await eventually(lambda: recorded(talk))
    kill_when_sent(talk)
    turn = talk.submit("say after")
    conversation = talk.session_id
    await eventually(lambda: talk.state is _S.RECOVERING)
    talk.start_fresh()
    assert (await turn.wait()).session_id == conversation
    assert (await talk.ask("what came first?")).text == "First came: what came first?"
    assert talk.session_id != conversation


# --- what a person is asked


@pytest.fixture
def asks_again(tmp_path: Path) -> Iterator[str]:
    """A model that, told to go on, calls the tool of the prompt before once more."""
    scenario = tmp_path / "asks_again.toml"
    call = '[[{ tool = "Bash", input = { command = "%s", description = "x" } }], [{ text = "Done." }]]'
    scenario.write_text(
        f"[[rule]]\npattern = '^touch '\nsteps = {call % '{prompt}'}\n"
        f"[[rule]]\npattern = '^.claude_magic. '\nsteps = {call % '{last_prompt}'}\n"
    )
    child = subprocess.Popen(
        offline.command([scenario], tmp_path / "log"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    yield offline.url_from(child.stdout.readline())
    child.communicate(timeout=10)


@pytest.mark.fault(96, via="real")
@pytest.mark.fault(45, via="real")
async def test_killed_while_a_person_is_asked_the_card_is_withdrawn_and_asked_anew(
    asks_again: str, session: Sessions, tmp_path: Path, eventually: Eventually
) -> None:
    talk, person = session(env={"ANTHROPIC_BASE_URL": asks_again}), Absent(allow())
    prompt = f"touch {tmp_path}/made"
    turn = talk.submit(prompt, asker=person)
    await eventually(lambda: person.asked and prompt in recorded(talk))
    kill(talk)
    await eventually(lambda: len(person.asked) == 2)

    assert talk.state is _S.WAITING
    first, second = turn.transcript.asked
    assert first.withdrawn
    assert first.decision is None
    assert turn.transcript.pending == (second,)
    assert not (tmp_path / "made").exists()
    person.came_back.set()
    assert (await turn.wait()).text == "Done."
    assert (tmp_path / "made").exists()


# --- three tries and no fourth


@pytest.mark.fault(96, via="real")
async def test_three_recoveries_and_no_fourth(session: Sessions, cli: Path) -> None:
    talk = session(cli=str(cli))
    states: list[SessionState] = []
    errors: list[BaseException] = []
    talk.on("status", states.append)
    talk.on("error", errors.append)
    killed = kill_when_sent(talk, 4)
    turn = talk.submit("say hi")

    result = await turn.wait()

    assert len(set(killed)) == 4
    assert states.count(_S.RECOVERING) == 3
    assert talk.state is _S.CRASHED
    said = f"{DIED}. It was restarted 3 times in vain. The next prompt resumes the conversation."
    assert (result.is_error, result.error, str(turn.error)) == (True, said, said)
    assert isinstance(turn.error, ProcessEndedError)
    assert [str(error) for error in errors] == [f"{DIED}."] * 3 + [said]
    assert turn.transcript.state is TurnState.FAILED
    assert [text for text in notices(turn) if "try 4" in text] == []
    assert (await talk.ask("say on")).text == "on"


@pytest.mark.fault(9, via="fake")
async def test_a_cli_that_no_longer_starts_is_tried_three_times_and_its_last_word_is_shown(
    fake: Sessions, tmp_path: Path
) -> None:
    cli, starts = tmp_path / "claude", tmp_path / "starts"
    cli.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = -v ] && exec {FAKE} "$@"\n'
        f"echo x >> {starts}\n"
        f'[ "$(wc -l < {starts})" -gt 1 ] && export FAKE_CLAUDE=exit=$(wc -l < {starts})\n'
        f'exec {FAKE} "$@"\n'
    )
    cli.chmod(0o755)
    talk = fake("die-on-prompt", cli=str(cli))
    states: list[SessionState] = []
    talk.on("status", states.append)
    with pytest.raises(ProcessEndedError, match=r"exit code 4: fake: could not start.*restarted 3 times"):
        await talk.ask("hi")
    assert starts.read_text() == "x\n" * 4
    assert states == [_S.STARTING, _S.IDLE, _S.RUNNING, _S.CRASHED, *[_S.RECOVERING, _S.CRASHED] * 3]
    assert not talk.is_running


@pytest.mark.fault(21, via="fake")
async def test_an_exit_in_the_middle_of_a_line_is_told_as_an_exit(fake: Sessions) -> None:
    talk = fake("half-line", recoveries=1)
    turn = talk.submit("hi")
    result = await turn.wait()
    assert result.error.startswith("claude ended (exit code 1). It was restarted once in vain.")
    assert result.text == "You said: hi\n\nYou said: hi"
    assert notices(turn)[0] == "claude ended (exit code 1); restarting in 0.05 s, try 1 of 1."


@pytest.mark.fault(5, via="real")
async def test_killed_while_the_turn_starts_its_first_process_it_fails_at_once(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    turn = talk.submit("say hi")
    await eventually(lambda: commands(talk.session_id))
    commands(talk.session_id)[0].kill()
    assert "killed by SIGKILL" in (await turn.wait()).error
    assert isinstance(turn.error, StartError)
    assert notices(turn) == [str(turn.error)]
    assert (await talk.ask("say on")).text == "on"
    await talk.stop()


@pytest.mark.fault(96, via="real")
async def test_killed_while_it_starts_again_that_was_one_of_the_tries(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    kill_when_sent(talk)
    turn = talk.submit("say hi")
    await eventually(lambda: talk.state is _S.RECOVERING and commands(talk.session_id))
    commands(talk.session_id)[0].kill()
    assert (await turn.wait()).text == "hi"
    tries = [text for text in notices(turn) if "restarting" in text]
    assert "while starting (killed by SIGKILL); restarting in 0.1 s, try 2 of 3." in tries[1]
    await eventually(lambda: recorded(talk) == ["say hi"])
    await talk.stop()


async def test_without_recoveries_the_turn_fails_and_the_next_prompt_resumes(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session(recoveries=0)
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer and "slowly" in recorded(talk))
    kill(talk)
    assert (await turn.wait()).error == f"{DIED}. The next prompt resumes the conversation."
    assert (await talk.ask("what came first?")).text == "First came: slowly"


# --- the wait between two tries


@pytest.fixture
async def waiting(
    session: Sessions, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> tuple[Session, Turn]:
    """A session that waits for long before it tries again."""
    monkeypatch.setattr(recovery, "DELAYS", (600.0,))
    talk = session()
    turn = talk.submit("slowly")
    await eventually(lambda: turn.transcript.answer and "slowly" in recorded(talk))
    kill(talk)
    await eventually(lambda: talk.state is _S.RECOVERING)
    assert turn.transcript.state is TurnState.STARTING
    return talk, turn


@pytest.mark.parametrize("how", ["interrupt", "twice", "stop", "restart"])
async def test_the_wait_ends_at_once_when_a_person_stops_the_turn(
    waiting: tuple[Session, Turn], how: str
) -> None:
    talk, turn = waiting
    match how:
        case "stop":
            assert await talk.stop() is None
        case "restart":
            await talk.restart()
        case _:
            assert talk.interrupt(turn)
            assert how == "interrupt" or talk.interrupt(turn)

    result = await turn.wait()

    assert result.interrupted
    assert result.text.startswith("the-1")
    assert turn.transcript.state is TurnState.INTERRUPTED
    assert len(notices(turn)) == 1  # the wait
    assert talk.state is (_S.IDLE if how == "restart" else _S.STOPPED)
    assert (await talk.ask("what came first?")).text == "First came: slowly"


async def test_the_wait_counts_towards_the_turns_time(
    session: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "DELAYS", (600.0,))
    talk = session()
    kill_when_sent(talk)
    turn = talk.submit("say hi", options=TurnOptions(timeout=0.5))
    assert (await turn.wait()).error == "Stopped after 0.5 s (--timeout)."
    assert talk.state is _S.STOPPED


def test_a_loop_that_ends_during_the_wait_leaves_a_session_for_the_next(
    options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(recovery, "DELAYS", (600.0,))
    talk = Session(options())

    async def leave() -> None:
        kill_when_sent(talk)
        talk.submit("say lost")
        await eventually(lambda: talk.state is _S.RECOVERING)

    async def go_on() -> str:
        answer = await talk.ask("say on")
        await talk.stop()
        return answer.text

    asyncio.run(leave())
    assert talk.history[0].state is TurnState.FAILED
    assert asyncio.run(go_on()) == "on"


async def test_an_interrupt_while_it_starts_again_leaves_no_process(
    session: Sessions, commands: Commands, eventually: Eventually
) -> None:
    talk = session()
    kill_when_sent(talk)
    turn = talk.submit("slowly")
    await eventually(lambda: talk.state is _S.RECOVERING and commands(talk.session_id))
    talk.interrupt(turn)
    assert (await turn.wait()).interrupted
    assert not commands(talk.session_id)
    assert talk.state is _S.STOPPED
    assert (await talk.ask("say on")).text == "on"
    await talk.stop()


# --- the next kernel


async def test_a_conversation_is_told_of_as_soon_as_it_can_be_resumed(
    session: Sessions, cli: Path, eventually: Eventually
) -> None:
    talk = session(cli=str(cli))
    ids: list[str] = []
    talk.on("conversation", ids.append)
    turn = talk.submit("stall at once")
    await eventually(lambda: ids)
    assert not turn.done
    assert ids == [talk.session_id]
    talk.interrupt()
    await turn.wait()
    await talk.ask("say on")
    assert len(ids) == 1
    await talk.ask("/clear")
    assert ids[1:] == [talk.session_id]


# --- figures


async def test_the_budget_of_a_turn_counts_what_went_before(
    session: Sessions, eventually: Eventually
) -> None:
    talk = session()
    usual = (await talk.ask("say hi")).cost_usd
    turn = talk.submit("slowly", options=TurnOptions(max_budget_usd=1.5 * usual))
    await eventually(lambda: talk.turn_cost and "slowly" in recorded(talk))
    kill(talk)
    assert "over --max-budget-usd" in (await turn.wait()).error


# --- the decision


@pytest.mark.parametrize(
    ("is_recorded", "is_prompt", "acted", "then"),
    [
        (False, True, False, Next.AGAIN),
        (False, True, True, Next.QUOTE),
        (False, False, False, Next.AGAIN),  # our own word may come twice
        (False, False, True, Next.AGAIN),
        (True, True, False, Next.CONTINUE),
        (True, True, True, Next.CONTINUE),
        (True, False, True, Next.CONTINUE),
    ],
)
def test_a_prompt_is_sent_again_only_if_it_can_have_done_nothing(
    *, is_recorded: bool, is_prompt: bool, acted: bool, then: Next
) -> None:
    assert after_exit(recorded=is_recorded, is_prompt=is_prompt, acted=acted) is then


async def test_what_the_next_process_says_before_it_has_the_prompt_is_not_the_turns() -> None:
    turn, process, next_process = turn_of("hi"), stream(), stream()
    send(turn, process)
    turn.lose(ProcessEndedError("claude ended."))
    turn.start()
    next_process.handle(ResultEvent(is_error=True, result="No conversation found"))
    assert turn.outcome is None
    send(turn, next_process)
    next_process.handle(ended := ResultEvent())
    assert turn.outcome is ended


def test_a_quoted_prompt_keeps_its_lines_and_what_is_no_text() -> None:
    image: dict[str, object] = {"type": "image", "source": {}}
    text, kept = list(quoting([{"type": "text", "text": "one\ntwo"}, image]))
    assert isinstance(text, dict)
    assert str(text["text"]).endswith("\n\n> one\n> two")
    assert kept is image


def test_each_try_waits_longer_than_the_one_before() -> None:
    assert WAITS == (1, 2, 4)


def test_fewer_recoveries_than_none_are_refused() -> None:
    with pytest.raises(Exception, match="recoveries is -1; give 0 or more"):
        Options(recoveries=-1)
