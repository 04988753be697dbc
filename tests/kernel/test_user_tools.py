"""Functions as tools: schema, arguments, results and names. No CLI, no kernel, no shell."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import math
import signal
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pandas as pd
import pydantic
import pytest
from IPython.core.interactiveshell import InteractiveShell

from claude_magic.errors import UsageError
from claude_magic.kernel.functions.docstrings import docstring_of
from claude_magic.kernel.functions.function_tool import FunctionTool
from claude_magic.kernel.functions.plain_values import as_json
from claude_magic.kernel.functions.references import fits, name_for
from claude_magic.kernel.functions.user_tools import UserTools, claude_tool, claude_tools
from claude_magic.kernel.tools import kernel_server
from claude_magic.tool_server import Call, ToolError


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Item(pydantic.BaseModel):
    name: str
    count: int = pydantic.Field(default=1, ge=1)


class Row(TypedDict):
    name: str


class Pair(NamedTuple):
    left: int
    right: int


frame = pd.DataFrame({"a": [1, 2]})  # what "$frame" names below: there is no shell here
word = "a word"
api_key = "sk-nothing"


@pytest.fixture(autouse=True)
def no_tools() -> Iterator[None]:
    """What a test offers is gone after it, and so is what it has named."""
    before = set(globals())
    yield
    for name in claude_tools.names:
        claude_tools.remove(name)
    for name in set(globals()) - before:
        if name[-1].isdigit():
            del globals()[name]


def tool(function: Callable[..., Any], **more: Any) -> FunctionTool:
    claude_tool(**more)(function)
    return next(each for each in claude_tools if each.function == function)


def called(function: Callable[..., Any], **given: object) -> str:
    """What Claude is told of a call; "! " before it if it is an error."""
    told: list[str] = []
    call = Call(id="1", input=given, tell=told.append)
    try:
        content = asyncio.run(_content(tool(function), call))
    except ToolError as error:
        return f"! {error}"
    assert [block["type"] for block in content] == ["text"]
    return str(content[0]["text"])


async def _content(tool: FunctionTool, call: Call) -> list[dict[str, object]]:
    return await tool.tool.call(call)


# --- schemas


def everything(
    city: str,
    point: Point,
    items: list[Item],
    how: Literal["fast", "slow"] = "fast",
    limit: int | None = None,
    colour: Colour = Colour.RED,
    *,
    share: Annotated[float, pydantic.Field(ge=0, le=1, description="From 0 to 1.")] = 0.5,
    untold: bool = None,  # type: ignore[assignment]  # noqa: RUF013  # as people write it
    anything: Any = 3,
) -> str:
    """Looks for everything.

    And more of it.

    Args:
        city: Where to look,
            in full.
        point (Point): The middle.
        how: Its pace.

    Returns:
        What there is.
    """
    return f"{city} {point} {items} {how} {limit} {colour} {share} {untold} {anything}"


def test_annotations_defaults_and_docstring_make_the_schema() -> None:
    offered = tool(everything).tool
    parts: Any = offered.schema["properties"]
    assert offered.schema["required"] == ["city", "point", "items"]
    assert offered.schema["additionalProperties"] is False
    assert parts["city"] == {"type": "string", "description": "Where to look, in full."}
    assert parts["point"]["$ref"] == "#/properties/point/$defs/Point"
    assert parts["point"]["description"] == "The middle."
    assert parts["items"]["items"] == {"$ref": "#/properties/items/$defs/Item"}
    assert parts["how"] == {"enum": ["fast", "slow"], "description": "Its pace.", "default": "fast"}
    assert parts["limit"] == {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
    assert parts["colour"]["default"] == "red"
    assert (parts["share"]["minimum"], parts["share"]["description"]) == (0, "From 0 to 1.")
    assert parts["untold"]["anyOf"] == [{"type": "boolean"}, {"type": "null"}]
    assert parts["anything"] == {"default": 3}
    assert offered.description.startswith("Looks for everything.\n\nAnd more of it.\n\nReturns:\n    What")
    assert "city: Where" not in offered.description
    assert offered.listing["_meta"] == {"anthropic/alwaysLoad": True}


def test_arguments_become_values_of_their_types_and_defaults_hold() -> None:
    given = {"city": "Bonn", "point": {"x": 1}, "items": [{"name": "a"}]}
    assert called(everything, **given) == (
        "Bonn Point(x=1, y=0) [Item(name='a', count=1)] fast None Colour.RED 0.5 None 3"
    )
    more = {"how": "slow", "limit": 2, "colour": "red", "share": 1, "untold": True, "anything": [1]}
    assert called(everything, **given, **more).endswith("slow 2 Colour.RED 1.0 True [1]")


BAD: list[tuple[dict[str, object], str]] = [
    ({"city": 1}, "city: expected str, got int"),
    ({"point": {"x": "1"}}, "point.x: expected int, got str"),
    ({"items": [{"name": "a"}, {"name": "b", "count": 0}]}, "items[1].count: input should be greater than"),
    ({"items": {}}, "items: input should be a valid list"),
    ({"how": "slowly"}, "how: invalid enum value 'slowly'"),
    ({"limit": "ten"}, "limit: expected int | null, got str"),
    ({"limit": math.nan}, "limit: expected int | null, got float"),
    ({"share": 2}, "share: input should be less than or equal to 1"),
    ({"citty": "Bonn"}, "citty: no such parameter; it takes city, point, items, how, limit"),
    ({"city": None, "how": None}, "city: expected str, got null; how: "),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
def test_each_argument_that_does_not_fit_is_named_to_the_model(
    changes: dict[str, object], words: str
) -> None:
    given = {"city": "Bonn", "point": {"x": 1}, "items": [], **changes}
    said = called(everything, **given)
    assert said.startswith("! The arguments do not fit. ")
    assert words in said
    assert "\n" not in said


def test_what_is_missing_is_named() -> None:
    assert called(everything, city="Bonn") == (
        "! The arguments do not fit. point: is missing; items: is missing."
    )


def refused_functions() -> dict[str, Callable[..., Any]]:
    def star(*args: int) -> None: ...
    def stars(**options: int) -> None: ...
    def undefined(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
    def größe() -> None: ...  # noqa: PLC2401
    def accent(größe: int) -> None: ...  # noqa: PLC2401
    def mixed(a: Point | Row) -> None: ...
    def run_python() -> None: ...
    def method(self: Any) -> None: ...

    return {
        "star cannot be a tool. It takes *args: int, and Claude has to know": star,
        "stars cannot be a tool. It takes **options: int": stars,
        "undefined cannot be a tool. Its signature cannot be read: name 'Nowhere' is not defined": undefined,
        "'größe' is no name for a tool": größe,
        "accent cannot be a tool. Its parameter 'größe' needs a name of plain letters": accent,
        "mixed cannot be a tool. Its parameter a has no schema: Type unions may not contain more": mixed,
        "The kernel has a tool 'run_python' already": run_python,
        "method cannot be a tool. It is a method: give a bound one, claude_tool(object.method).": method,
        "'<lambda>' is no name for a tool": lambda: None,
    }


@pytest.mark.parametrize(("words", "function"), refused_functions().items(), ids=lambda each: f"{each!s:.20}")
def test_a_function_that_claude_could_not_call_is_refused_in_one_line(
    words: str, function: Callable[..., Any]
) -> None:
    with pytest.raises(UsageError) as error:
        claude_tool(function)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert claude_tools.names == []


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(UsageError, match="3 is no function"):
        claude_tool(3)  # type: ignore[call-overload]


# --- what comes back


async def later(n: int) -> int:
    await asyncio.sleep(0)
    return n + 1


def raises(what: str) -> None:
    print("before")
    if what == "exit":
        raise SystemExit(2)
    raise ValueError("no\nsuch thing, sk-aaaabbbbccccddddeeee")


RESULTS: list[tuple[Any, str]] = [
    (None, "It ran, and returned nothing."),
    ("words", "words"),
    (3, "3"),
    (True, "true"),
    (math.nan, "NaN"),
    ([1, "a", None, (2.5,)], '[1, "a", null, [2.5]]'),
    ({"a": {"b": [1]}}, '{"a": {"b": [1]}}'),
    ({1: date(2026, 1, 2)}, '{"1": "2026-01-02"}'),
    (Point(1), '{"x": 1, "y": 0}'),
    (Item(name="a"), '{"name": "a", "count": 1}'),
    (Pair(1, 2), '{"left": 1, "right": 2}'),
    ([Colour.RED, Decimal("1.5"), Path("/a")], '["red", "1.5", "/a"]'),
    (frame["a"].max(), "2"),
    ({"password": "x"}, '{"password": "[withheld: looks like a secret]"}'),
]


@pytest.mark.parametrize(("value", "words"), RESULTS, ids=lambda each: f"{each!r:.20}")
def test_text_and_json_are_told_as_they_are(value: Any, words: str) -> None:
    def give() -> Any:
        return value

    assert called(give) == words


def test_sync_and_async_functions_bound_methods_and_wrapped_ones_are_called() -> None:
    class Shop:
        def price(self, of: str) -> str:
            return f"{of}: 3"

    assert called(later, n=1) == "2"
    assert called(Shop().price, of="tea") == "tea: 3"
    assert called(functools.wraps(later)(lambda n: f"wrapped {n}"), n=1) == "wrapped 1"


@pytest.mark.parametrize(
    ("what", "words"), [("exit", "SystemExit: 2"), ("error", "ValueError: no\nsuch thing")]
)
def test_an_exception_goes_to_the_model_with_its_type_its_words_and_what_was_printed(
    what: str, words: str
) -> None:
    said = called(raises, what=what)
    assert said.startswith(f"! before\n{words}")
    assert "sk-aaaa" not in said
    assert "function_tool" not in said


@pytest.mark.parametrize("awaits", [False, True])
def test_an_interrupt_ends_the_function_and_the_turn(awaits: bool) -> None:  # noqa: FBT001
    async def awaiting() -> None:
        await asyncio.sleep(0)
        endless()

    def endless() -> None:
        signal.raise_signal(signal.SIGINT)
        while True:
            pass

    interrupted: list[bool] = []
    call = Call(id="1", input={}, tell=print, interrupt=lambda: interrupted.append(True))
    with pytest.raises(ToolError, match=r"KeyboardInterrupt: the user interrupted it\."):
        asyncio.run(_content(tool(awaiting if awaits else endless), call))
    assert interrupted == [True]


def test_what_is_large_is_cut_and_what_json_cannot_hold_is_kept_by_name() -> None:
    assert len(called(lambda_of("x" * 1_000_000))) < 30_000
    for value in (list(range(100_000)), {"a": object()}, 1j, b"bytes", _loop()):
        said = called(lambda_of(value))
        name = said.split()[4].rstrip(";")
        assert said.startswith(f'Kept as the variable {name}; another call may be given "${name}".\n{name}: ')
        assert globals()[name] is value
        assert len(said) < 10_000


def lambda_of(value: object) -> Callable[[], object]:
    def give() -> object:
        return value

    return give


def _loop() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


# --- by reference


def columns(table: pd.DataFrame, more: list[pd.DataFrame] = []) -> list[str]:  # noqa: B006
    return [*table.columns, *(name for each in more for name in each.columns)]


def double(table: pd.DataFrame) -> pd.DataFrame:
    return table * 2


def echo(text: str) -> str:
    return text


def total(numbers: list[int]) -> int:
    return sum(numbers)


def anything(value: Any) -> str:
    return type(value).__name__


def test_a_call_names_an_object_and_a_result_gets_a_name_for_the_next() -> None:
    described = tool(columns).tool.schema["properties"]
    assert described == {
        "table": {"type": "string", "description": "$NAME of a DataFrame in the kernel"},
        "more": {
            "type": "array",
            "items": {"type": "string", "description": "$NAME of a DataFrame in the kernel"},
            "default": [],
        },
    }
    assert called(columns, table="$frame") == '["a"]'
    assert called(columns, table="frame", more=["$frame", "frame"]) == '["a", "a", "a"]'
    said = called(double, table="$frame")
    assert said.startswith('Kept as the variable df_1; another call may be given "$df_1".\ndf_1: pandas')
    assert list(globals()["df_1"]["a"]) == [2, 4]
    assert called(columns, table="$df_1") == '["a"]'
    assert called(lambda_of(frame)).startswith("Kept as the variable frame; "), "it has a name already"
    assert called(anything, value="$frame") == "DataFrame"


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        (columns, {"table": "$nothing"}, "table: expected DataFrame, got $nothing, but there is no such"),
        (columns, {"table": "$word"}, "got $word, but it is a str"),
        (
            columns,
            {"table": "$frame", "more": ["$word"]},
            "more[0]: expected a DataFrame, and $word is a str",
        ),
        (columns, {"table": "nothing"}, "there is no variable 'nothing'"),
        (columns, {"table": {"a": [1]}}, "expected the $NAME of a DataFrame, got dict"),
        (total, {"numbers": "$word"}, "numbers: expected list[int], got $word, but it is a str"),
        (total, {"numbers": "$frame"}, "but it is a DataFrame"),
        (columns, {"table": "$api_key"}, "$api_key looks like a secret, and is not passed on"),
        (echo, {"text": "$api_key"}, "$api_key looks like a secret"),
    ],
)
def test_a_reference_that_leads_nowhere_or_to_something_else_is_an_error(
    function: Callable[..., Any], given: dict[str, object], words: str
) -> None:
    said = called(function, **given)
    assert said.startswith("! The arguments do not fit. ")
    assert words in said


def test_a_text_that_looks_like_a_reference_stays_one_unless_it_names_a_text() -> None:
    assert called(echo, text="$nothing") == "$nothing"
    assert called(echo, text="$frame") == "$frame"
    assert called(echo, text="$word") == "a word"
    assert called(echo, text="$ word") == "$ word"
    assert called(echo, text="it costs $word") == "it costs $word"


@pytest.mark.parametrize(
    ("value", "hint", "does"),
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        (1.0, int, False),
        ([1], list[str], True),
        ({}, list[int], False),
        (None, int | None, True),
        (None, None, True),
        ("a", Literal["a"], True),
        (1, Literal[True], False),
        ({"name": "a"}, Row, True),
        ([], Row, False),
        (Point(1), Annotated[Point, "where"], True),
        (3, Any, True),
    ],
)
def test_an_object_is_checked_against_the_annotation_but_its_items_are_not(
    value: object,
    hint: Any,
    does: bool,  # noqa: FBT001
) -> None:
    assert fits(value, hint) is does


def test_names_for_objects_are_short_and_free() -> None:
    names: dict[str, Any] = {"df_1": 1, "_hidden": frame, "token": frame}
    assert [name_for(each, names) for each in (frame, frame, object(), Point(1))] == [
        "df_2",
        "df_2",
        "object_1",
        "point_1",
    ]


def test_json_is_given_up_on_before_it_is_long() -> None:
    assert as_json(list(range(10**7))) is None
    assert as_json("x" * 10**6) is None
    assert as_json({"a": {"b": object()}}) is None
    assert as_json(msgspec.Struct) is None


# --- names


def test_the_same_function_takes_its_own_place_and_another_of_that_name_is_refused() -> None:
    def make(version: int) -> Callable[..., Any]:
        def count() -> int:
            return version

        return count

    claude_tool(make(1))
    claude_tool(make(2))
    assert [each.function() for each in claude_tools] == [2]
    with pytest.raises(UsageError) as error:
        claude_tool(name="count")(echo)
    assert "There is a tool 'count' already, test_user_tools." in str(error.value)
    assert 'Give this one another name: @claude_tool(name="my_count")' in str(error.value)
    claude_tools.remove("count")
    claude_tool(name="count")(echo)
    with pytest.raises(UsageError, match=r"There is no tool 'cuont' of yours\. There is: count"):
        claude_tools.remove("cuont")


def test_the_names_of_the_kernels_own_tools_are_taken(shell: InteractiveShell) -> None:
    for name in kernel_server(shell).tools:
        with pytest.raises(UsageError, match=f"The kernel has a tool '{name}' already"):
            claude_tool(name=name)(echo)


def test_the_decorator_gives_back_the_function_and_takes_a_name_and_a_description() -> None:
    @claude_tool(name="say_it", description="Says it.", only_reads=True)
    def said(text: str) -> str:
        return text

    assert said("a") == "a"
    (offered,) = claude_tools
    assert (offered.tool.name, offered.tool.only_reads) == ("say_it", True)
    assert offered.tool.description.startswith("Says it.\n\nA parameter may be given")
    assert offered.signature == "say_it(text: str)"
    assert isinstance(claude_tools, UserTools)


# --- docstrings


def google(a: int, b: int) -> None:
    """Adds.

    Args:
        a: One,
            and more of it: even this.
        b (int, optional): Two.

    Raises:
        ValueError: Never.
    """


def numpy(a: int, b: int) -> None:
    """Adds.

    Parameters
    ----------
    a : int
        One,
        and more of it: even this.
    b
        Two.

    Returns
    -------
    None
    """


def sphinx(a: int, b: int) -> None:
    """Adds.

    :param a: One,
        and more of it: even this.
    :param int b: Two.
    :raises ValueError: Never.
    """


def plain(a: int, b: int) -> None:
    """Adds a: one."""


def undocumented(a: int) -> None: ...


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_a_docstring_is_read_in_the_three_ways_that_people_write_it(function: Callable[..., Any]) -> None:
    text, parameters = docstring_of(function)
    assert parameters == {"a": "One, and more of it: even this.", "b": "Two."}
    assert text.startswith("Adds.")
    assert "One" not in text
    assert ("Never" in text) is (function is not numpy)


def test_a_docstring_without_parameters_is_all_description() -> None:
    assert docstring_of(plain) == ("Adds a: one.", {})
    assert docstring_of(undocumented) == ("", {})
    assert tool(undocumented).tool.description.startswith("undocumented(a: int)")


@pytest.mark.parametrize(
    "text", ["Args:", "Args:\n\n", "Parameters\n---", ":param a:", "Args:\nnone", "\n\n"]
)
def test_half_a_docstring_is_read_too(text: str) -> None:
    def odd() -> None: ...

    odd.__doc__ = text
    assert docstring_of(odd).parameters.keys() <= {"a"}
