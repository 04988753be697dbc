"""Ways to ask in a cell, and what comes of each."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel


def test_a_cell_is_asked_and_its_answer_is_shown_in_three_ways(shared: MagicNotebook) -> None:
    cell = shared.do("%%claude\nsay **hello** there")

    assert (cell.stdout, cell.stderr, cell.result) == ("", "", None)
    assert len(cell.displays) == 1
    assert "\nhello there\n" in shown(cell).replace("**", "")
    assert "\n**hello** there\n" in markdown(cell)
    assert "<strong>hello</strong> there" in html(cell)
    assert {"main", "offline model, scripted answers", "done"} <= set(
        shown(cell).split("\n", 1)[0].split(" · ")
    )


@pytest.mark.fault(118, via="real")
@pytest.mark.parametrize("magic", ["%%claude", "%%time\n%%claude", "%%capture out\n%%claude -s verbatim"])
def test_a_cell_is_sent_as_it_is_written(shared: MagicNotebook, magic: str) -> None:
    parts = [
        ">>> x = 1\n... y\n>>> z",
        "In [1]: x\n   ...: y\nOut[1]: 2",
        "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic",
        "a\r\nb\u2028>>> c\u2029... d\u0085e\x0c>>> f",
        '    {x} $HOME `!ls` \'it\\n\' """\n    \n\tend  ',
    ]
    for prompt in [*parts, "\n".join(parts), *(part.replace("\n", "\r\n") for part in parts)]:
        shared.do(f"{magic}\n{prompt}")
        assert shared.endpoint.prompts[-1] == prompt
        line_end = "\r\n" if "\r" in prompt else "\n"
        shared.do(f"{magic}{line_end}{prompt}{line_end}")
        assert shared.endpoint.prompts[-1] == prompt


def test_a_line_is_asked(shared: MagicNotebook) -> None:
    cell = shared.do("%claude say hello")

    assert cell.result is None
    assert "\n\nhello\n\n" in shown(cell)


def test_the_value_of_a_line_is_its_result(shared: MagicNotebook) -> None:
    shared.do("r = %claude code")

    assert shared.value("str(r.code)") == "answer = 6 * 7"
    assert shared.value("r.text").startswith("Here:")
    assert shared.value("[r.is_error, r.interrupted, r.prompt]") == [False, False, "code"]
    assert shared.value("r.cost_usd > 0 and r.usage.output_tokens > 0 and r.duration > 0") is True


def test_the_last_result_is_in_the_underscore_and_shows_nothing_more(shared: MagicNotebook) -> None:
    cell = shared.do("%claude say hello")

    assert cell.result is None
    assert shared.value("_.text") == "hello"
    shared.do("%%claude\nsay from a cell")
    assert shared.value("_.text") == "from a cell"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("for word in ('one', 'two'):\n    %claude say {word}", ["one", "two"]),
        ("def f():\n    r = %claude say nested\n    return r\nassert f().text == 'nested'", ["nested"]),
        ("%time r = %claude say timed", ["timed"]),
        ("%%time\n%claude say timed", ["timed"]),
        ("%%time\nr = %claude say timed\nassert r.text == 'timed'", ["timed"]),
        ("if True:\n    %claude say in a branch", ["in a branch"]),
        ("[get_ipython().run_line_magic('claude', f'say {n}') for n in range(2)]", ["0", "1"]),
        ("r = get_ipython().run_cell_magic('claude', '', 'say by call')", ["by call"]),
    ],
)  # fmt: skip
def test_a_turn_may_stand_wherever_a_statement_may(shared: MagicNotebook, code: str, said: list[str]) -> None:
    cell = shared.do(code)

    assert [display.data["text/plain"].split("\n\n")[2] for display in cell.displays] == said
    asked = [request["prompt"] for request in shared.endpoint.requests]
    assert asked[-len(said) :] == [f"say {word}" for word in said]


def test_a_result_goes_into_the_variable_of_out(shared: MagicNotebook) -> None:
    shared.do("%%claude -o answer\nsay kept")
    shared.do("%%claude --out=other\nsay kept too")

    assert shared.value("[answer.text, other.text]") == ["kept", "kept too"]


def test_ten_turns_go_to_one_process_and_each_is_remembered(notebook: MagicNotebook) -> None:
    pids = set()
    for number in range(10):
        notebook.do(f"r = %claude say {number}")
        assert notebook.value("r.text") == str(number)
        pids.add(notebook.claude_pid())

    assert len(pids) == 1
    assert len([p for p in notebook.children() if p.pid in pids]) == 1
    notebook.do("r = %claude what came first?")
    assert notebook.value("r.text") == "First came: say 0"
    assert notebook.status()["turns"] == "11"


@pytest.mark.fault(75, via="real")
@pytest.mark.parametrize(
    "text",
    [
        "say {x} and {{x}} stay",
        "say $x and $HOME and ${x} stay",
        "say f'{x!r:>10}' stays",
        'say {"a": [1, {"b": null}], "x": "{x}"}',
        "say what's wrong with \"this'?",
        "say is it so?",
        "say  two  spaces\tand a tab \\n stay",
        "say !ls %time @x #no comment \\",
        "say größe 🜁 é",
        "--model is not a flag here",
        "say one\n\n  two  \n\tthree?\n\n",
    ],
)
def test_a_cells_text_reaches_the_model_as_it_is_written(shared: MagicNotebook, text: str) -> None:
    shared.do("x = 'replaced'")

    shared.do(f"%%claude\n{text}\n")

    assert shared.endpoint.prompts[-1] == text


@pytest.mark.fault(75, via="real")
@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("say {x} $a_{y}$ {x}", "say one $a_{y}$ one"),
        ("say {x[0]} {x!r} {x:>5} {{x}} {} { x }", "say o {x!r} {x:>5} {x} {} { x }"),
        ('say $x $HOME {"x": 1}', 'say $x $HOME {"x": 1}'),
        ("say {api_key} {TOKEN} {my_password}", "say {api_key} {TOKEN} {my_password}"),
        ("say {author} {number}", "say Ada 7"),
        ("say what's wrong?", "say what's wrong?"),
        ("say \"quoted\" 'words'  and  spaces", "say \"quoted\" 'words'  and  spaces"),
        ("-m haiku   say  after a flag", "say  after a flag"),
        ("-- --model is asked about", "--model is asked about"),
    ],
)
def test_only_plain_names_are_replaced_in_a_line(shared: MagicNotebook, line: str, sent: str) -> None:
    shared.do("x, number, author = 'one', 7, 'Ada'\napi_key = TOKEN = my_password = 'sesame'")

    cell = shared.do(f"%claude {line}")

    assert shared.endpoint.prompts[-1] == sent
    assert "sesame" not in shared.endpoint.log.read_text(encoding="utf-8")
    assert sent.split("\n", maxsplit=1)[0] in read_page(html(cell)).text, "the prompt is shown as it was sent"


@pytest.mark.fault(75, via="real")
def test_what_a_variable_brings_into_a_line_is_bounded(shared: MagicNotebook) -> None:
    shared.do("x = 'y' * 3_000_000")

    shared.do("%claude say {x}")

    data, words = shared.endpoint.prompts[-2:]
    assert words == "say [data: x]"
    assert 100_000 < len(data) < 110_000
    assert "[2,900,000 characters left out]" in data


@pytest.mark.parametrize(
    "code", ["%claude say is it?", "r = %claude say is it?", "if 1:\n    r = %claude say is it?"]
)
def test_a_prompt_may_end_in_a_question_mark(shared: MagicNotebook, code: str) -> None:
    cell = shared.do(code)

    assert shared.endpoint.prompts[-1] == "say is it?"
    assert "\n\nis it?\n\n" in shown(cell)


@pytest.mark.parametrize("code", ["%claude?", "%%claude?", "?%claude"])
def test_help_documents_every_option(shared: MagicNotebook, code: str) -> None:
    asked = len(shared.endpoint.lines)
    cell = shared.do(code)

    pages = [page["data"]["text/plain"] for page in (cell.reply or {})["payload"]]
    assert len(pages) == 1
    for option in ("--session", "--background", "--out", "--model", "--permission-mode", "--allow", "--deny",
                   "--timeout", "--max-budget-usd", "--busy", "--dry-run", "--cwd", "--add-dir", "--system",
                   "--mcp-config", "--effort", "--setting-sources"):  # fmt: skip
        assert option in pages[0]
    assert shared.endpoint.lines[asked:] == []


@pytest.mark.parametrize(
    "name", ["claude_status", "claude_stop", "claude_restart", "claude_wait", "claude_history"]
)
def test_help_of_the_other_magics_is_their_docstring(shared: MagicNotebook, name: str) -> None:
    cell = shared.do(f"%{name}?")

    assert f"%{name} [NAME]" in (cell.reply or {})["payload"][0]["data"]["text/plain"]


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(notebook: MagicNotebook) -> None:
    notebook.do("x = 'value'")

    said = notebook.printed("%claude --dry-run --model haiku --allow Edit say {x}")

    assert "say value" in said
    assert "haiku" in said
    assert "Edit" in said
    assert notebook.endpoint.lines == []
    assert "%claude_status" not in said


def test_status_says_what_a_session_is_and_what_it_cost(notebook: MagicNotebook) -> None:
    assert "No session yet" in notebook.printed("%claude_status")
    notebook.do("%claude say hello")

    status = notebook.status()

    assert status["session"] == "main"
    assert status["state"] == "idle"
    assert status["answers"] == "offline model, scripted answers"
    assert status["permission mode"] == "default"
    assert status["directory"] == str(notebook.work)
    assert status["turns"] == "1"
    assert status["context left"].endswith("%")
    assert float(status["cost"].removeprefix("$")) > 0
    assert int(status["process"].removeprefix("pid ")) in [child.pid for child in notebook.children()]


def test_the_history_is_the_turns_as_markdown(notebook: MagicNotebook) -> None:
    notebook.do("%claude say one")
    notebook.do("%claude say two")

    history = notebook.printed("%claude_history")

    assert history.index("say one") < history.index("say two")
