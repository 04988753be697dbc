from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from claude_magic import offline
from claude_magic.errors import StartError, UsageError
from claude_magic.offline.conversation import Conversation, is_auxiliary, word_count
from claude_magic.offline.parts import Error, Pause, Text, Tool, code, prose
from claude_magic.offline.scenario import BUILT_IN, Scenario

REMINDER = {"type": "text", "text": "<system-reminder>\nBe kind.\n</system-reminder>\n"}


def user(*texts: str) -> dict[str, object]:
    return {"role": "user", "content": [REMINDER, *({"type": "text", "text": text} for text in texts)]}


def assistant(text: str = "Yes.") -> dict[str, object]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def result(text: str) -> dict[str, object]:
    block = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": text}]}
    return {"role": "user", "content": [block, REMINDER]}


def read(*messages: dict[str, object]) -> Conversation:
    return Conversation.from_body({"messages": list(messages)})


def rules(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return Scenario.load([path])


def answer(scenario: Scenario, prompt: str, step: int = 0, **names: str) -> tuple[object, ...]:
    rule, groups = scenario.find(prompt)
    return rule.answer(step, names | groups)


def test_the_prompt_is_the_text_beside_the_reminders() -> None:
    assert read(user("What is 2 + 2?")).prompt == "What is 2 + 2?"


def test_a_reminder_in_one_text_with_the_prompt_is_cut_off() -> None:
    text = "<system-reminder>A side question.</system-reminder>\n\nwhat is it?"
    assert read({"role": "user", "content": text}).prompt == "what is it?"


def test_messages_of_the_system_role_after_the_prompt_are_no_prompt() -> None:
    assert read(user("hello"), {"role": "system", "content": "# Environment"}).prompt == "hello"


def test_a_tool_result_is_a_step_further_and_no_prompt() -> None:
    conversation = read(
        user("hello"), assistant(), user("write it"), assistant("I write."), result("written")
    )
    assert (conversation.prompt, conversation.step, conversation.result) == ("write it", 1, "written")


def test_the_note_on_an_interrupt_is_no_prompt() -> None:
    noted = user("[Request interrupted by user for tool use]\n", "go on")
    assert read(user("first"), assistant(), noted).prompts == ("first", "go on")


def test_the_notes_of_local_commands_and_summaries_are_no_prompts() -> None:
    summary = user("This session is being continued from a previous conversation that ran out of context.")
    command = user(
        "<command-name>/compact</command-name>", "<local-command-stdout>Compacted</local-command-stdout>"
    )
    assert read(summary, assistant(), command, user("hello")).prompts == ("hello",)


def test_the_working_directory_is_the_one_named_last() -> None:
    body: dict[str, Any] = {
        "system": [{"type": "text", "text": "Primary working directory: /first\nPlatform: linux"}],
        "messages": [
            user("hello"),
            {"role": "system", "content": " - Primary working directory: /second place\n"},
        ],
    }
    assert Conversation.from_body(body).cwd == "/second place"
    reminder = user("<system-reminder>\n - Primary working directory: /third\n</system-reminder>", "hello")
    body["messages"] += [reminder, user(" - Primary working directory: /said by a person")]
    assert Conversation.from_body(body).cwd == "/third"


@pytest.mark.parametrize("body", [{}, {"messages": 1}, {"messages": [None, {"role": "user", "content": 3}]}])
def test_a_body_of_another_shape_has_no_prompt(body: dict[str, object]) -> None:
    assert Conversation.from_body(body).prompt == ""


def test_only_a_request_for_json_without_tools_is_auxiliary() -> None:
    wanted: dict[str, object] = {"output_config": {"format": {"type": "json_schema"}}}
    assert is_auxiliary(wanted)
    assert not is_auxiliary(wanted | {"tools": [{"name": "Bash"}]})
    assert not is_auxiliary({"output_config": {"effort": "high"}})


def test_words_are_counted_in_messages_and_system_prompt() -> None:
    assert word_count({"system": "be kind", "messages": [{"role": "user", "content": "one two three"}]}) == 5


def test_an_exact_prompt_is_found_whatever_its_case_and_outer_space(tmp_path: Path) -> None:
    scenario = rules(tmp_path, '[[rule]]\nmatch = "Say (a+b)*c"\ntext = "abc"')
    assert answer(scenario, "  say (A+b)*c\n") == (Text("abc"),)
    assert answer(scenario, "say (A+b)*c, please") != (Text("abc"),)


def test_groups_of_a_pattern_and_names_are_inserted_and_other_braces_stay(tmp_path: Path) -> None:
    text = r"""
[[rule]]
pattern = '^put (\w+) into (\w+)'
steps = [
  [{ tool = "Write", input = { path = "{cwd}/{2}", text = "{1} {x} {}", deep = [{ a = "{2}", n = 3 }] } }],
  [{ text = "{result}" }],
]
"""
    scenario = rules(tmp_path, text)
    (tool,) = answer(scenario, "Put this into that", cwd="/w")
    filled = {"path": "/w/that", "text": "this {x} {}", "deep": [{"a": "that", "n": 3}]}
    assert tool == Tool("Write", filled)
    assert answer(scenario, "Put this into that", 1, result="done") == (Text("done"),)


def test_after_the_last_step_the_script_ends(tmp_path: Path) -> None:
    scenario = rules(tmp_path, '[[rule]]\nmatch = "a"\ntext = "b"')
    assert answer(scenario, "a", 1) == (Text("The script ends here."),)


def test_every_kind_of_part_is_read(tmp_path: Path) -> None:
    text = """
[[rule]]
match = "all"
steps = [[
  { error = 529, times = 2 }, { thinking = "t", rate = 5 }, { text = "x" }, { words = 3 }, { lines = 2 },
  { pause = 0.5 }, { tool = "Bash" }, { stall = true }, { until = "{cwd}/go" },
  { error = 401, type = "odd", message = "no" },
]]
"""
    assert answer(rules(tmp_path, text), "all", cwd="/here") == (
        Error(529, "overloaded_error", "Scripted error.", 2),
        Text("t", "thinking", 5.0),
        Text("x"),
        Text(prose(3)),
        Text(code(2)),
        Pause(0.5),
        Tool("Bash"),
        Pause(),
        Pause(until="/here/go"),
        Error(401, "odd", "no"),
    )


def test_long_texts_have_the_length_that_was_asked_for() -> None:
    assert len(prose(1000).split()) == 1000
    assert len(code(50).splitlines()) == 52


def test_files_that_are_given_come_before_the_built_in_ones(tmp_path: Path) -> None:
    assert answer(rules(tmp_path, '[[rule]]\nmatch = "hello"\ntext = "mine"'), "hello") == (Text("mine"),)


def test_an_unknown_prompt_gets_the_list_of_the_known(tmp_path: Path) -> None:
    text = (
        '[[rule]]\nmatch = "Sing"\ndescription = "a song"\ntext = "la"\n[[rule]]\npattern = "^x"\ntext = "y"'
    )
    (said,) = answer(rules(tmp_path, text), "Dance")
    assert isinstance(said, Text)
    assert "- `Sing`: a song\n" in said.text
    assert "- `hello`" in said.text
    assert "^x" not in said.text


def test_every_built_in_rule_answers_its_own_prompt() -> None:
    scenario = Scenario.load()
    for rule in scenario.rules:
        if rule.title.startswith("`"):
            assert scenario.find(rule.name)[0] is rule


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rule = ", "is not TOML"),
        ("[other]", "has no [[rule]]"),
        ("rule = [1]", "rule 1: write it as [[rule]]"),
        ('[[rule]]\nmatch = "a"\nanswer = "b"', "rule 1: unknown key 'answer'"),
        ('[[rule]]\ntext = "b"', "rule 1: give either match or pattern"),
        ('[[rule]]\nmatch = "a"\npattern = "a"\ntext = "b"', "rule 1: give either match or pattern"),
        ('[[rule]]\nmatch = 3\ntext = "b"', "rule 1: match is 3; give a text"),
        ('[[rule]]\npattern = "("\ntext = "b"', "rule 1 ((): the pattern is no regular expression"),
        ('[[rule]]\nmatch = "a"', "rule 1 (a): give either text or steps"),
        (
            '[[rule]]\nmatch = "a"\ntext = "b"\nsteps = [[{ text = "b" }]]',
            "rule 1 (a): give either text or steps",
        ),
        ('[[rule]]\nmatch = "a"\nsteps = [{ text = "b" }]', "rule 1 (a): steps is a list of steps"),
        ('[[rule]]\nmatch = "a"\nsteps = [[]]', "rule 1 (a): steps is a list of steps"),
        ('[[rule]]\nmatch = "a"\ntext = 1', "rule 1 (a), step 1: text is 1; give a text"),
        ('[[rule]]\nmatch = "a"\nsteps = [["b"]]', "step 1: a part is a table with one of text"),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ text = "b", tool = "Bash" }]]',
            "step 1: a part is a table with one of",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ text = "b", input = {} }]]',
            "step 1: 'input' does not belong to text",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ words = 2.5 }]]',
            "step 1: words is 2.5; give a whole number above 0",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ words = true }]]',
            "step 1: words is True; give a whole number above 0",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ pause = 0 }]]',
            "step 1: pause is 0; give a whole number above 0",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ text = "b", rate = "x" }]]',
            "rate is 'x'; give a number above 0",
        ),
        ('[[rule]]\nmatch = "a"\nsteps = [[{ stall = false }]]', "step 1: stall is False; write true"),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ error = 42 }]]',
            "error is 42; give an HTTP status from 400 to 599",
        ),
        (
            '[[rule]]\nmatch = "a"\nsteps = [[{ error = 529, times = 2 }]]',
            "an error with times needs parts after it",
        ),
    ],
)
def test_a_bad_scenario_gives_one_line_that_names_file_rule_and_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(UsageError) as caught:
        rules(tmp_path, text)
    message = str(caught.value)
    assert f"The scenario {tmp_path / 'mine.toml'}" in message
    assert reason in message
    assert "\n" not in message


def test_a_missing_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml cannot be read: No such file"):
        Scenario.load([tmp_path / "none.toml"])


def test_the_environment_leads_to_the_server_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "offline"
    variables = offline.environment("http://127.0.0.1:1234", folder)
    assert variables["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1234"
    assert variables["ANTHROPIC_API_KEY"] == "offline"
    assert variables["ANTHROPIC_AUTH_TOKEN"] == variables["CLAUDE_CODE_USE_BEDROCK"] == ""
    for path in (folder, Path(variables["HOME"]), Path(variables["CLAUDE_CONFIG_DIR"])):
        assert path.is_relative_to(folder)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"Traceback", b'{"url": 3}', b'{"url": "http://example.org"}', b"\xff"]
)
def test_a_line_that_is_not_the_servers_is_refused(line: bytes) -> None:
    with pytest.raises(StartError, match="offline model did not start"):
        offline.url_from(line)


def test_the_built_in_scenarios_are_files_of_the_package() -> None:
    assert all(path.is_file() for path in BUILT_IN)
