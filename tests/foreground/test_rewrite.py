import ast
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_magic.foreground.rewrite import capture_names, rewrite, without_comments_above

NAMES = frozenset({"claude", "claude_wait"})
LINE = "get_ipython().run_line_magic('claude', 'x')"
AWAITED = "(await get_ipython().run_line_magic('_await_claude', 'x'))"
BARE = "(await get_ipython().run_line_magic('_await_bare_claude', 'x'))"


def is_awaitable_cell(source: str) -> bool:
    code = compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return bool(code.co_flags & inspect.CO_COROUTINE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{LINE}\n", f"{BARE}\n"),
        (LINE, BARE),
        (f"r = {LINE}\n", f"r = {AWAITED}\n"),
        (f"r, s = {LINE}, 2\n", f"r, s = {AWAITED}, 2\n"),
        (f"for f in fs:\n    {LINE}\n", f"for f in fs:\n    {BARE}\n"),
        (f"if {LINE}:\n\tr = {LINE}\n", f"if {AWAITED}:\n\tr = {AWAITED}\n"),
        (f"while not ({LINE}): pass\n", f"while not ({AWAITED}): pass\n"),
        (f"with a as b:\n  {LINE}\n", f"with a as b:\n  {BARE}\n"),
        (f"try:\n  {LINE}\nexcept E: pass\n", f"try:\n  {BARE}\nexcept E: pass\n"),
        (f"match {LINE}:\n  case 1: {LINE}\n", f"match {AWAITED}:\n  case 1: {BARE}\n"),
        (f"{LINE}.text\n", f"{AWAITED}.text\n"),
        (f"print({LINE}, 2 ** {LINE})\n", f"print({AWAITED}, 2 ** {AWAITED})\n"),
        (f"a = 1; {LINE}; b = 2\n", f"a = 1; {BARE}; b = 2\n"),
        (f"[{LINE} for x in y if {LINE}]\n", f"[{AWAITED} for x in y if {AWAITED}]\n"),
        (f"{{x: {LINE} for x in y}}\n", f"{{x: {AWAITED} for x in y}}\n"),
        (f"[[{LINE} for x in y] for z in y]\n", f"[[{AWAITED} for x in y] for z in y]\n"),
        (f"größe = '🜁é'; r = {LINE}  # é\n", f"größe = '🜁é'; r = {AWAITED}  # é\n"),
        (f"\x0cr = {LINE}\n\x0c\ns = {LINE}\n", f"\x0cr = {AWAITED}\n\x0c\ns = {AWAITED}\n"),
        (f"a = '\x1c\u2028\x85'\nr = {LINE}\n", f"a = '\x1c\u2028\x85'\nr = {AWAITED}\n"),
        (f"a = 1\r\nr = {LINE}\r\n", f"a = 1\r\nr = {AWAITED}\r\n"),
        (f"a = '''\r'''\nr = {LINE}\n", f"a = '''\r'''\nr = {AWAITED}\n"),
        (f"\n\n# é\n{LINE}\n\n", f"\n\n# é\n{BARE}\n\n"),
        (f"def f(): pass\n{LINE}\n", f"def f(): pass\n{BARE}\n"),
        (
            "get_ipython() . run_line_magic(\n  \"claude\",\n  'x',\n)\n",
            "(await get_ipython() . run_line_magic(\n  '_await_bare_claude',\n  'x',\n))\n",
        ),
        (
            "get_ipython().run_cell_magic('claude', '-m opus', 'é\\n')\n",
            "(await get_ipython().run_cell_magic('_await_bare_claude', '-m opus', 'é\\n'))\n",
        ),
        (
            "get_ipython().run_line_magic('claude', get_ipython().run_line_magic('claude', 'x'))\n",
            f"(await get_ipython().run_line_magic('_await_bare_claude', {AWAITED}))\n",
        ),
        (
            "get_ipython().run_line_magic('claude_wait', '')\n",
            "(await get_ipython().run_line_magic('_await_bare_claude_wait', ''))\n",
        ),
    ],
)
def test_a_top_level_call_becomes_an_await_and_nothing_else_changes(source: str, expected: str) -> None:
    rewritten = rewrite(source, NAMES)

    assert rewritten == expected
    assert is_awaitable_cell(rewritten)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = 1\n",
        "claude = 'claude'\n",
        f"def f():\n    return {LINE}\n",
        f"async def f():\n    {LINE}\n",
        f"f = lambda: {LINE}\n",
        f"class C:\n    r = {LINE}\n",
        f"g = ({LINE} for x in y)\n",
        f"g = [list({LINE} for x in y) for z in y]\n",
        f'f"{{{LINE}}}"\n',
        f"{LINE}\nthis is no Python\n",
        f"{LINE}\n  bad = 'indent'\n",
        f"'{LINE}\n",
        f"{LINE}\0\n",
        f"a = '\ud800'; {LINE}\n",
        "((((" * 200 + f"{LINE}\n",
        "get_ipython().run_line_magic('time', '%claude x')\n",
        "get_ipython().run_cell_magic('time', '', '%claude x\\n')\n",
        "get_ipython().run_line_magic('claude_status', '')\n",
        "get_ipython().run_line_magic(magic_name='claude', line='x')\n",
        "get_ipython().run_line_magic(claude, 'x')\n",
        "get_ipython().run_line_magic()  # claude\n",
        "get_ipython().system('claude')\n",
        "get_ipython(1).run_line_magic('claude', 'x')\n",
        "shell.run_line_magic('claude', 'x')\n",
        "run_line_magic('claude', 'x')\n",
    ],
)
def test_any_other_cell_is_left_alone(source: str) -> None:
    assert rewrite(source, NAMES) is source


def test_an_empty_cell_reaches_the_magic_and_not_ipythons_own_error() -> None:
    rewritten = rewrite("get_ipython().run_cell_magic('claude', '-m opus', '')\n", NAMES)

    assert rewritten == "(await get_ipython().run_cell_magic('_await_bare_claude', '-m opus', '\\n'))\n"


def test_a_very_long_expression_is_rewritten_too() -> None:
    terms = " + ".join(["1"] * 900)

    assert rewrite(f"r = {terms} + {LINE}\n", NAMES) == f"r = {terms} + {AWAITED}\n"


def test_a_warning_about_the_cell_is_left_to_ipython() -> None:
    assert rewrite(f"a = '\\d'; r = {LINE}\n", NAMES) == f"a = '\\d'; r = {AWAITED}\n"


printable = st.text(st.characters(exclude_characters="'\\\0", exclude_categories=["Cs"]))


@given(before=printable, prompt=st.text())
def test_text_around_a_call_is_kept_to_the_byte(before: str, prompt: str) -> None:
    start = f"a = '''{before}'''; r = "

    rewritten = rewrite(f"{start}get_ipython().run_line_magic('claude', {prompt!r}) # {prompt!a}\n", NAMES)

    assert rewritten == (
        f"{start}(await get_ipython().run_line_magic('_await_claude', {prompt!r})) # {prompt!a}\n"
    )


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("# a\n%%claude -s x\nhi\n# b\n", "%%claude -s x\nhi\n# b\n"),
        ("\n  # a\n\n# b\r\n%%claude\nhi", "%%claude\nhi"),
        ("# a\nx = 1\n%%claude\nhi", None),
        ("# a\n%%time\nx", None),
        ("# a\n%%claudette\nx", None),
        ("%%claude\n# a\n%%claude\nhi", None),
        ("# a\n%claude hi", None),
        ("# only", None),
        ("", None),
    ],
)
def test_comments_above_a_cell_of_ours_are_no_part_of_it(cell: str, left: str | None) -> None:
    lines = cell.splitlines(keepends=True)

    assert without_comments_above(lines, NAMES) == (lines if left is None else left.splitlines(keepends=True))


def test_many_lines_of_comments_take_linear_time() -> None:
    lines = ["#" * 50 + "\n", "\n"] * 50_000

    assert without_comments_above(lines, NAMES) is lines


@pytest.mark.fault(116, via="pure")
def test_a_line_within_a_function_names_its_variables_in_code_that_never_runs() -> None:
    line = "get_ipython().run_line_magic('claude', 'é {x} {y} {x} {if}')"
    source = f"def f(é, x):\n    def g():\n        {line}\n    return g\n"
    captured = capture_names(source, {"claude"})

    assert "((lambda: (x, y,)) and get_ipython()).run_line_magic('claude', 'é {x} {y} {x} {if}')" in captured
    assert captured.count("\n") == source.count("\n")
    space: dict[str, Any] = {"get_ipython": lambda: SimpleNamespace(run_line_magic=lambda *_: None)}
    exec(captured, space)  # noqa: S102  # our own
    inner = space["f"](1, 2)
    inner()
    assert inner.__code__.co_freevars == ("x",)


@pytest.mark.parametrize(
    "source",
    [
        "get_ipython().run_line_magic('claude', '{x}')",
        "def f(): get_ipython().run_line_magic('other', '{x}')",
        "def f(): get_ipython().run_line_magic('claude', 'x {} {1} {x.y}')",
        "def f(): f'{get_ipython().run_line_magic('claude', \"{x}\")}'",
        "def f(: '{x}' 'claude'",
        "claude = [" + "0 + " * 2_000 + "0] # {x}",
    ],
)
def test_other_code_names_nothing_more(source: str) -> None:
    assert capture_names(source, {"claude"}) == source
