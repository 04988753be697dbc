"""The real CLI on the scripted model: what it asks, does and reports. With each generation that is there."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from claude_magic import offline

pytestmark = pytest.mark.process

Serve = Callable[[str], str]
Logged = Callable[[], list[dict[str, object]]]
Event = dict[str, object]
FLAGS = (
    "--output-format=stream-json",
    "--input-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--permission-prompt-tool=stdio",
)


class Driver:
    """The least that talks to the CLI: prompts in, events out, every permission granted."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def send(self, message: Event) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def events(self, prompt: str) -> AsyncIterator[Event]:
        """The events of one turn."""
        assert self._process.stdout is not None
        self.send({"type": "user", "message": {"role": "user", "content": prompt}})
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["type"] == "control_request":
                answer = {"behavior": "allow", "updatedInput": event["request"]["input"]}
                response = {"subtype": "success", "request_id": event["request_id"], "response": answer}
                self.send({"type": "control_response", "response": response})
            yield event
            if event["type"] == "result":
                return

    async def ask(self, prompt: str) -> list[Event]:
        return [event async for event in self.events(prompt)]


@asynccontextmanager
async def claude(cli: Path, url: str, folder: Path, *more: str) -> AsyncIterator[Driver]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"]} | offline.environment(url, folder / "state")
    process = await asyncio.create_subprocess_exec(
        cli, *FLAGS, *more, stdin=-1, stdout=-1, cwd=work, env=env, start_new_session=True, limit=2**24
    )
    assert process.stdin is not None
    async with asyncio.timeout(60):
        yield Driver(process)
        process.stdin.close()
        await process.communicate()


def last(events: list[Event]) -> str:
    return str(events[-1].get("result"))


def requests(logged: list[Event], prompt: str) -> list[Event]:
    return [entry for entry in logged if entry.get("prompt") == prompt and entry["rule"] != "auxiliary"]


def tool_results(entry: Event) -> list[str]:
    body = entry["body"]
    assert isinstance(body, dict)
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    return [str(block["content"]) for block in blocks if block["type"] == "tool_result"]


async def test_tools_really_run_with_permission_and_their_results_reach_the_model(
    cli: Path, serve: Serve, logged: Logged, tmp_path: Path
) -> None:
    prompt = "Write a script primes.py that prints the primes below 50, run it, and tell me what it printed."
    async with claude(cli, serve(""), tmp_path) as driver:
        events = await driver.ask(prompt)
    asked = [event["request"] for event in events if event["type"] == "control_request"]
    assert [request["tool_name"] for request in asked if isinstance(request, dict)] == ["Write", "Bash"]
    assert "is_prime" in (tmp_path / "work" / "primes.py").read_text(encoding="utf-8")
    printed = "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47"
    assert f"```\n{printed}\n```" in last(events)
    assert tool_results(requests(logged(), prompt)[2])[1] == printed


async def test_several_tools_in_one_message_all_run_in_one_step(
    cli: Path, serve: Serve, logged: Logged, tmp_path: Path
) -> None:
    calls = ", ".join(
        f'{{ tool = "Bash", input = {{ command = "echo {word} > {word}.txt; cat {word}.txt" }} }}'
        for word in ("red", "green")
    )
    scenario = f'[[rule]]\nmatch = "both"\nsteps = [[{calls}], [{{ text = "The last said {{result}}." }}]]'
    async with claude(cli, serve(scenario), tmp_path) as driver:
        events = await driver.ask("both")
    first, second = requests(logged(), "both")
    assert (first["step"], second["step"]) == (0, 1)
    assert tool_results(second) == ["red", "green"]
    assert last(events) == "The last said green."


async def test_an_interrupt_in_a_stalled_answer_aborts_the_request(
    cli: Path, serve: Serve, logged: Logged, until: Callable[[Callable[[], bool]], None], tmp_path: Path
) -> None:
    async with claude(cli, serve(""), tmp_path) as driver:
        async for event in driver.events("Stop answering in the middle"):
            if "half," in str(event.get("event")):
                driver.send(
                    {"type": "control_request", "request_id": "i", "request": {"subtype": "interrupt"}}
                )
        assert event["subtype"] == "error_during_execution"
        (request,) = requests(logged(), "Stop answering in the middle")
        until(lambda: {"id": request["id"], "end": "aborted"} in logged())
        assert "offline model" in last(await driver.ask("hello"))


async def test_two_errors_529_are_retried_and_seen(cli: Path, serve: Serve, tmp_path: Path) -> None:
    async with claude(cli, serve(""), tmp_path) as driver:
        events = await driver.ask("Be busy at first")
    retries = [event for event in events if event.get("subtype") == "api_retry"]
    assert [(event["attempt"], event["error_status"]) for event in retries] == [(1, 529), (2, 529)]
    assert last(events) == "Now there is time for you."


async def test_an_unknown_prompt_is_told_the_known_ones(cli: Path, serve: Serve, tmp_path: Path) -> None:
    async with claude(cli, serve(""), tmp_path) as driver:
        events = await driver.ask("Dance with me")
    assert "- `hello`" in last(events)


async def test_a_resumed_conversation_remembers_its_first_prompt(
    cli: Path, serve: Serve, tmp_path: Path
) -> None:
    url, name = serve(""), str(uuid4())
    async with claude(cli, url, tmp_path, f"--session-id={name}") as driver:
        await driver.ask("hello")
    async with claude(cli, url, tmp_path, f"--resume={name}") as driver:
        assert last(await driver.ask("What did I ask first?")) == "You asked first:\n\n> hello"


async def test_a_compacted_conversation_goes_on(
    cli: Path, serve: Serve, logged: Logged, tmp_path: Path
) -> None:
    async with claude(cli, serve(""), tmp_path) as driver:
        await driver.ask("hello")
        await driver.ask("Think before you answer")  # one turn is too little for the older CLI to compact
        await driver.ask("/compact")
        await driver.ask("Show me some code")
    assert "The conversation began with: hello" in str(requests(logged(), "Show me some code")[0]["body"])


async def test_cost_and_tokens_are_reported(cli: Path, serve: Serve, tmp_path: Path) -> None:
    async with claude(cli, serve(""), tmp_path) as driver:
        result = (await driver.ask("hello"))[-1]
    cost, usage = result["total_cost_usd"], result["usage"]
    assert isinstance(cost, float)
    assert cost > 0
    assert isinstance(usage, dict)
    assert usage["output_tokens"] == 17
