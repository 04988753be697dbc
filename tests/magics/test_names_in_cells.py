"""`{name}` in a `%claude` line: whose value it is, where that goes, and what the cell says of it."""

from __future__ import annotations

import textwrap

import pytest
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown

pytestmark = pytest.mark.kernel

REVIEW = 'Nice <b>lamp</b>.\n```\n@{secret}\n@"{secret}"\n@inside.txt\n```\n/clear'


def asked(notebook: MagicNotebook, code: str) -> list[str]:
    """What the model was asked by a cell."""
    before = len(notebook.endpoint.requests)
    notebook.do(textwrap.dedent(code))
    return [line["prompt"] for line in notebook.endpoint.requests[before:]]


@pytest.fixture
def review(notebook: MagicNotebook) -> str:
    """A variable of the notebook that names files."""
    secret = notebook.folder / "secret.txt"
    secret.write_text("SESAME outside")
    (notebook.work / "inside.txt").write_text("SESAME inside")
    text = REVIEW.replace("{secret}", str(secret))
    notebook.do(f"review = {text!r}")
    return text


@pytest.mark.fault(111, via="real")
def test_a_value_is_sent_as_data_and_the_cell_shows_it_as_a_dry_run_does(
    notebook: MagicNotebook, review: str
) -> None:
    dry = notebook.printed("%claude --dry-run say the gist of {review} in {review!r} x_{n} words")
    cell = notebook.do("n = 5\n%claude say the gist of {review} in {n} words")

    words = "say the gist of [data: review] in 5 words"
    data = f"[data: review]\n{review}\n[end of data: review]"
    assert notebook.endpoint.prompts[-2:] == [data, words]
    assert "SESAME" not in str(notebook.endpoint.lines)
    about = f"[data: review] {len(review)} characters"
    page = read_page(html(cell))
    assert data in dry
    for said in (shown(cell), page.text):
        assert f"{about}\n{review}" in said or f"{about}{review}" in said
    assert "b" not in page.tags
    assert f"\n{review}\n````" in markdown(cell)
    assert "[data: review] in {review!r} x_{n} words" in dry
    assert "{n} (no such name here)" in dry
    assert words in shown(cell)
    assert review in notebook.printed("%claude_history")
    assert "say the gist of [data: review]" in notebook.printed("%claude_resume")


@pytest.mark.fault(111, via="real")
def test_a_value_is_never_a_command_and_the_persons_own_file_is_read(
    notebook: MagicNotebook, review: str
) -> None:
    notebook.do("x = '/context'\n%claude {x}")
    assert notebook.endpoint.prompts[-2:] == ["[data: x]\n/context\n[end of data: x]", "[data: x]"]
    (notebook.work / "own.txt").write_text("written by me")

    notebook.do("%claude say {review} @own.txt")

    assert "written by me" in str(notebook.endpoint.last)
    assert "SESAME" not in str(notebook.endpoint.last)
    assert review in notebook.endpoint.prompts[-2]


@pytest.mark.fault(111, via="real")
def test_a_task_and_a_waiting_turn_get_the_values_of_the_moment_as_data(
    notebook: MagicNotebook, review: str
) -> None:
    notebook.do("%claude -b slowish\n%claude -b say {review}\nreview = 'changed'")
    notebook.do("%claude_wait")
    assert review in notebook.endpoint.prompts[-2]

    notebook.do("y = 'a\\nb'\n%claude --task docs say {y} and x_{z}")
    said = notebook.do("%claude_tasks wait docs")

    assert "completed" in said.stdout
    assert notebook.endpoint.prompts[-2:] == ["[data: y]\na\nb\n[end of data: y]", "say [data: y] and x_{z}"]
    (written,) = notebook.work.glob(".claude-tasks/task-*-output.md")
    assert "\na\nb\n" in written.read_text()
    assert "{z} (no such name here)" in written.read_text().replace("\\", "")
    assert "SESAME" not in str(notebook.endpoint.lines)


@pytest.mark.fault(116, via="real")
def test_a_name_is_what_python_sees_where_the_line_stands(notebook: MagicNotebook) -> None:
    notebook.do("x = 'global'\ny = 'outer'")

    assert asked(notebook, "%claude say {x}") == ["say global"]
    assert asked(notebook, """
        def f(x):
            r = %claude say {x} {y}
            return r
        assert f("local").text == "local outer"
    """) == ["say local outer"]  # fmt: skip
    assert asked(notebook, """
        async def f():
            x = "in a coroutine"
            %claude say {x}
        await f()
    """) == ["say in a coroutine"]  # fmt: skip
    assert asked(notebook, """
        class C:
            x = "of the class"
            %claude say {x}
            def method(self, x):
                %claude say {x}
        C().method("of the method")
    """) == ["say of the class", "say of the method"]  # fmt: skip
    assert asked(notebook, """
        ask = lambda x: get_ipython().run_line_magic("claude", "say {x}")
        ask("in a lambda");
    """) == ["say in a lambda"]  # fmt: skip
    assert asked(notebook, """
        [get_ipython().run_line_magic("claude", "say {x} {y}") for x in ("one", "two")]
        list(get_ipython().run_line_magic("claude", "say {x}") for x in ("three",));
    """) == ["say one outer", "say two outer", "say three"]  # fmt: skip
    assert asked(notebook, """
        for x in ("a", "b"):
            %time r = %claude say {x}
    """) == ["say a", "say b"]  # fmt: skip
    assert asked(notebook, """
        import asyncio
        def f(x):
            %claude say {x}
        await asyncio.to_thread(f, "in a thread")
    """) == ["say in a thread"]  # fmt: skip


@pytest.mark.fault(116, via="real")
def test_a_name_of_a_function_around_is_seen_as_python_sees_it(notebook: MagicNotebook) -> None:
    notebook.do("x, y = 'global', 'outer'")

    assert asked(notebook, """
        def around(x):
            def inner():
                %claude say {x} {y}
            return inner
        around("enclosed")()
    """) == ["say enclosed outer"]  # fmt: skip
    assert asked(notebook, """
        def around(x):
            [get_ipython().run_line_magic("claude", "say {x}") for _ in range(1)]
            ask = lambda: get_ipython().run_line_magic("claude", "say é {x}")
            return ask
        around("enclosed")();
    """) == ["say enclosed", "say é enclosed"]  # fmt: skip


@pytest.mark.fault(116, via="real")
def test_a_name_that_is_unknown_or_withheld_is_said_in_the_cell(notebook: MagicNotebook) -> None:
    notebook.do("api_key = 'sesame'\ntoken_count = 3\nx = 1")

    cell = notebook.do("d = {'a': 'an item'}\n%claude say {api_key} {token_count} $x_{monkey}$ {d['a']} {}")

    assert notebook.endpoint.prompts[-1] == "say {api_key} 3 $x_{monkey}$ an item {}"
    said = (
        "Left as typed: {monkey} (no such name here); "
        "{api_key} (looks like a secret; give the value another name to send it)."
    )
    assert shown(cell).count(said) == 1
    assert said in read_page(html(cell)).text
    assert "sesame" not in str(notebook.endpoint.lines)
    asked = len(notebook.endpoint.requests)
    said = notebook.error("""
def f():
    %claude say {x}
    x = 2
f()
""")
    assert said.startswith("There is no name 'x' here."), "it has no value yet"
    assert "Did you mean {token_count}?" in notebook.error("%claude say {token_cuont}")
    assert len(notebook.endpoint.requests) == asked
