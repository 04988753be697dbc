"""`inspect` and `list_variables`: within a budget of bytes and of time, whatever the values do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from waiting import eventually

from claude_magic.kernel.tools import kernel_server
from claude_magic.kernel.values import inspect as inspection
from claude_magic.kernel.values.bounded import WITHHELD
from claude_magic.kernel.values.inspect import BYTES, SECONDS, inspected
from claude_magic.tool_server import Call, ToolError


@pytest.fixture(autouse=True)
async def no_threads_left() -> AsyncIterator[None]:
    yield
    await eventually(lambda: not [thread for thread in inspection._threads if thread.is_alive()])


class Stuck:
    """A value whose repr does not end before it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __repr__(self) -> str:
        self.go.wait()
        return "free"


# --- what a value says of itself


class Llm:
    def _repr_llm_(self) -> str:
        return "a chart of sales, sk-ant-abcdefghijklmnopqr"


class Bundle:
    async def _ai_repr_(self, **context: object) -> dict[str, object]:
        await asyncio.sleep(0)
        return {"image/png": b"", "text/plain": "plain", "text/markdown": f"rich {context}"}


class NoOptions:
    def _ai_repr_(self) -> dict[str, object]:
        return {"text/plain": "plain"}


class Both(Bundle, Llm):
    pass


class Fails:
    size = 5

    def __init__(self) -> None:
        self.own = 1

    def _repr_llm_(self) -> str:
        raise ArithmeticError


class Pictures:
    def __init__(self) -> None:
        self.own = 1

    def _ai_repr_(self, **_: object) -> dict[str, object]:
        return {"image/png": b""}


class Invents:
    def __init__(self) -> None:
        self.own = 1

    def __getattr__(self, name: str) -> Callable[[], str]:
        raise AssertionError(name)

    _repr_llm_ = property(lambda self: self.missing)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Llm(), f"a chart of sales, {WITHHELD}"),
        (Bundle(), "rich {'multimodal': False}"),
        (NoOptions(), "plain"),
        (Both(), f"a chart of sales, {WITHHELD}"),
        (Fails(), "(_repr_llm_ raises ArithmeticError)\n  .own = 1"),
        (Pictures(), "  .own = 1"),
        (Invents(), "  .own = 1"),
        (Llm, "bases: object\nsource:\nclass Llm:"),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_a_value_is_asked_first_by_the_conventions_for_models(value: object, text: str) -> None:
    lines = (await inspected("x", value)).splitlines()
    assert lines[0].startswith("x: ")
    assert lines[1 : 1 + len(text.splitlines())] == text.splitlines()


# --- the budgets


async def test_of_a_value_that_does_not_end_what_came_before_is_told() -> None:
    value = Stuck()
    text = await inspected("x", value, seconds=0.05)
    assert text.startswith("x: test_inspect.Stuck\n  .go = ")
    assert text.endswith("\n(the rest took longer than 0.05 s and was left out)")
    value.go.set()


async def test_an_exception_that_would_end_a_program_ends_the_description() -> None:
    class Exits:
        def __repr__(self) -> str:
            raise SystemExit

    assert (await inspected("x", Exits())).endswith("\n(the rest raises SystemExit)")


async def test_values_that_are_stuck_hold_a_few_threads_and_no_more() -> None:
    value, before = Stuck(), threading.active_count()
    texts = [await inspected("x", value, seconds=0.02) for _ in range(10)]
    assert threading.active_count() - before == 3
    assert texts[-1] == (
        "x: test_inspect.Stuck\n(not looked at: 3 values that were looked at before do not answer)"
    )
    value.go.set()
    await eventually(lambda: threading.active_count() == before)
    assert "repr: free" in await inspected("x", value)


@pytest.mark.parametrize("limit", [0, 10, 200, BYTES])
async def test_a_description_has_at_most_its_bytes(limit: int) -> None:
    for value in ("é" * 100_000, ["é" * 100] * 1_000, {"🙂" * 50: 1}):
        assert len((await inspected("x", value, limit=limit)).encode()) <= max(limit, 30)


async def test_what_hides_or_reorders_text_is_seen() -> None:
    text = await inspected("x\u202e", {"a\u202eb": "\x1b[31mred\x00 \ud800", "c": "\u200b"})
    assert text.splitlines()[0] == "x⟦U+202E⟧: dict, length 2"
    assert not set(text) & set("\u202e\x1b\x00\ud800\u200b")
    text.encode()


async def test_a_variable_with_a_secret_s_name_is_told_by_its_type() -> None:
    assert await inspected("api_key", "hunter2") == f"api_key: str, {WITHHELD}"


async def test_a_value_that_a_running_cell_changes_does_no_harm() -> None:
    table: dict[int, list[int]] = {number: [number] for number in range(1_000)}
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.is_set():
            number += 1
            table[number % 3_000] = [number]
            table.pop((number * 7) % 3_000, None)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        texts = [await inspected("x", table) for _ in range(30)]
    finally:
        over.set()
        changing.join()
    assert all(text.startswith("x: dict, length ") for text in texts)
    assert not [text for text in texts if "raises" in text]


# --- the table of what must not be evaluated


class Evaluated(list[str]):
    """What was evaluated that should not be."""

    def __call__(self, what: str) -> Any:
        self.append(what)
        raise AssertionError(what)


def values(evaluated: Evaluated, numpy: Any, pandas: Any, polars: Any) -> Iterator[tuple[str, object]]:
    rows = numpy.arange(10_000_000)
    words = numpy.full(10_000_000, "a word", dtype=object)
    yield (
        "10-million-row DataFrame",
        pandas.DataFrame(
            {
                "n": rows,
                "x": rows / 3,
                "day": rows.astype("M8[s]"),
                "word": pandas.Series(words, dtype=object),
            }
        ),
    )
    yield "1 GB array", numpy.zeros(125_000_000)
    yield "a view of it", numpy.zeros((1_000, 125_000)).T[::2]

    def numbers() -> Iterator[int]:
        evaluated("generator")
        yield 1

    yield "generator", numbers()
    yield "lazy frame", polars.DataFrame({"a": [1]}).lazy().map_batches(lambda _: evaluated("lazy frame"))

    class Slow:
        def __init__(self) -> None:
            self.own = 1

        @property
        def sleeps(self) -> object:
            return evaluated("property")

    yield "property that sleeps", Slow()

    class Client:
        def __getattr__(self, name: str) -> object:
            return evaluated(f"call of the server for {name}")

    yield "__getattr__ that calls a server", Client()

    class Liar:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            return evaluated("__class__")  # type: ignore[no-any-return]

        def __len__(self) -> int:
            return evaluated("__len__")  # type: ignore[no-any-return]

    yield "__class__ and __len__ that lie", Liar()

    class Raises:
        def __repr__(self) -> str:
            raise LookupError

    yield "__repr__ that raises", Raises()

    class Huge:
        def __repr__(self) -> str:
            return "x" * 100_000_000

    yield "__repr__ of 100 MB", Huge()
    yield "__repr__ that sleeps", Stuck()
    loop: list[object] = []
    loop.append(loop)
    yield "recursive list", loop
    yield "list of a million", list(range(1_000_000))
    yield "text of 100 MB", "word " * 20_000_000


async def test_anything_is_told_within_bytes_and_time_and_nothing_else_is_evaluated(
    figure: Callable[[str], None], numpy: Any, pandas: Any, polars: Any
) -> None:
    evaluated = Evaluated()
    figure(f"{'value':34}{'bytes':>7}{'ms':>8}{'gap of the loop, ms':>21}")
    for what, value in values(evaluated, numpy, pandas, polars):
        async with beating() as gap:
            began, memory = time.perf_counter(), psutil.Process().memory_info().rss
            text = await inspected("x", value, seconds=0.5 if type(value) is Stuck else SECONDS)
            seconds = time.perf_counter() - began
            grown = psutil.Process().memory_info().rss - memory
        figure(f"{what:34}{len(text.encode()):7,}{seconds * 1_000:8.1f}{gap() * 1_000:21.1f}")
        assert len(text.encode()) <= BYTES
        assert seconds < SECONDS + 3, what
        assert gap() < 1
        assert grown < 100_000_000, f"{what} was copied or computed"
        assert not evaluated, what
        if type(value) is Stuck:
            assert "took longer" in text
            value.go.set()
        else:
            assert "took longer" not in text, what


@contextlib.asynccontextmanager
async def beating() -> AsyncIterator[Callable[[], float]]:
    """Gives a function that tells the longest time, in seconds, in which the loop did nothing."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)  # a beat
            longest, last = max(longest, time.perf_counter() - last - 0.001), time.perf_counter()

    task = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        yield lambda: longest
    finally:
        task.cancel()


# --- the tools


async def tell(tool: str, variables: dict[str, object], **arguments: object) -> str:
    """What a tool of the server `kernel` answers."""
    hidden = {"exit": exit}
    shell: Any = SimpleNamespace(user_ns=hidden | variables, user_ns_hidden=hidden)
    call = Call(id="", input=arguments, tell=lambda _: None)
    content = await kernel_server(shell).tools[tool].call(call)
    return str(content[0]["text"])


async def test_the_variables_are_listed_with_types_and_sizes_without_secrets(numpy: Any) -> None:
    variables = {
        "n": 5,
        "name": "ada",
        "grid": numpy.zeros((2, 3)),
        "api_key": "hunter2",
        "url": "postgres://ada:hunter2@host",
        "odd\n\u202e": None,
        "_hidden": 1,
        "f": len,
    }
    assert (await tell("list_variables", variables)).splitlines() == [
        "n: int = 5",
        "name: str, length 3 = 'ada'",
        "grid: numpy.ndarray, shape 2 by 3, float64",
        f"api_key: str, {WITHHELD}",
        f"url: str, length 27 = 'postgres://{WITHHELD}@host'",
        "odd ⟦U+202E⟧: NoneType = None",
        "f: function len",
    ]


async def test_no_variables_are_no_error_and_many_are_counted() -> None:
    assert await tell("list_variables", {}) == "The notebook has no variables yet."
    listing = await tell("list_variables", {f"v{number}": number for number in range(250)})
    assert listing.splitlines()[-1] == "… 50 more"


async def test_a_variable_that_cannot_be_measured_hides_no_other(numpy: Any) -> None:
    class Remote(numpy.ndarray):  # type: ignore[misc]
        @property
        def shape(self) -> Any:
            raise TimeoutError

    variables = {"far": Remote((1,)), "stuck": Stuck(), "n": 1}
    assert (await tell("list_variables", variables)).splitlines() == [
        f"far: {Remote.__module__}.{Remote.__qualname__}, its size raises TimeoutError",
        "stuck: test_inspect.Stuck",
        "n: int = 1",
    ]


async def test_a_variable_is_inspected_by_name() -> None:
    assert await tell("inspect", {"n": 5}, name="n") == "n: int = 5"
    assert await tell("inspect", {"token": "hunter2"}, name="token") == f"token: str, {WITHHELD}"
    with pytest.raises(ToolError, match="no variable 'm'"):
        await tell("inspect", {"n": 5}, name="m")
    with pytest.raises(ToolError, match="name has to be text"):
        await tell("inspect", {"n": 5}, name=5)
