"""What Claude is told of models, figures, and of Python's own values."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
import enum
import functools
import linecache
import math
import os
import sys
import types
import warnings
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

import msgspec
import pydantic
import pytest
from descriptions import description

from claude_magic.kernel.values.bounded import WITHHELD

TEXT = "two\nlines" * 50


def test_an_estimator_is_told_by_its_parameters_and_what_it_has_learnt(numpy: Any) -> None:
    Ridge = import_module("sklearn.linear_model").Ridge  # noqa: N806  # a class
    make_pipeline = import_module("sklearn.pipeline").make_pipeline
    model = Ridge(alpha=0.5)
    assert "parameters: {'alpha': 0.5" in description(model)
    assert description(model).endswith("fitted: nothing of its own")
    model.fit(numpy.eye(2), [1.0, 2.0])
    assert "fitted:\n" in description(model)
    assert "  coef_: <numpy.ndarray, shape 2, float64>" in description(model)
    assert "[('ridge', Ridge(alpha=0.5))]" in description(make_pipeline(model))


def test_a_network_is_told_by_its_layers() -> None:
    class Module:
        def __repr__(self) -> str:
            return "Linear(in_features=3, out_features=1)"

    Module.__module__, Module.__qualname__ = "torch.nn", "Module"
    assert description(Module()) == "torch.nn.Module\nlayers:\nLinear(in_features=3, out_features=1)"


def test_a_figure_is_told_by_what_is_drawn_and_not_drawn_for_it() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    drawn: list[object] = []
    figure.draw = drawn.append  # type: ignore[assignment, method-assign]
    axes = figure.subplots()
    axes.set_title("Sales")
    axes.set_xlabel("month")
    axes.plot([1, 2], label="Oslo")
    axes.scatter([1], [2])
    assert description(figure).splitlines() == [
        "matplotlib.figure.Figure, 1 axes",
        "size: 6 by 4 inches",
        "axes 0:",
        "  title: 'Sales'",
        "  x: 'month'",
        "  lines: 1 ['Oslo']",
        "  collections: 1",
    ]
    assert description(axes).splitlines()[1:] == description(figure).splitlines()[3:]
    assert not drawn


class Colour(enum.Enum):
    RED = 1


class Size(enum.StrEnum):  # a text too
    LARGE = "large"


@dataclasses.dataclass
class Login:
    """Who may come in."""

    user: str = "ada"
    password: str = "hunter2"

    @property
    def slow(self) -> object:
        raise AssertionError("evaluated")

    @functools.cached_property
    def cached(self) -> object:
        raise AssertionError("evaluated")

    @classmethod
    def guest(cls) -> Login:
        return cls()

    def greet(self) -> str:
        return "hello"


class Model(pydantic.BaseModel):
    user: str = "ada"
    token: pydantic.SecretStr = pydantic.SecretStr("hunter2")


class Record(msgspec.Struct):
    user: str = "ada"
    token: str = "hunter2"


Point = collections.namedtuple("Point", "x password")  # noqa: PYI024  # as people write it


class Slots:
    __slots__ = ("__dict__", "api_key", "unset", "user")

    def __init__(self) -> None:
        self.user, self.api_key = "ada", "hunter2"

    def __repr__(self) -> str:
        return "slots of ada"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (5, ["int = 5"]),
        (None, ["NoneType = None"]),
        ("short", ["str, length 5 = 'short'"]),
        (TEXT, [f"str, length 450 = {TEXT!r:.99}…", *TEXT.splitlines()]),
        (b"raw", ["bytes, length 3 = b'raw'"]),
        (dt.date(2024, 1, 2), ["datetime.date = 2024-01-02"]),
        (Colour.RED, ["test_kinds.Colour = test_kinds.Colour.RED", "value: 1"]),
        (Size.LARGE, ["test_kinds.Size, length 5 = test_kinds.Size.LARGE", "value: 'large'"]),
        ([1, "a"], ["list, length 2", "of: int, str", "  1", "  'a'"]),
        ([], ["list, length 0"]),
        ({"a": [1], "password": "x"}, ["dict, length 2", "  'a': [1]", f"  'password': {WITHHELD}"]),
        (collections.Counter("a"), ["collections.Counter, length 1", "  'a': 1"]),
        (Point(1, "x"), ["test_kinds.Point, length 2", "  x=1", f"  password={WITHHELD}"]),
        (Model(), ["test_kinds.Model", "  .user = 'ada'", f"  .token = {WITHHELD}"]),
        (Record(), ["test_kinds.Record", "  .user = 'ada'", f"  .token = {WITHHELD}"]),
        (Slots(), ["test_kinds.Slots", f"  .api_key = {WITHHELD}", "  .user = 'ada'", "repr: slots of ada"]),
        (
            Login(),
            [
                "test_kinds.Login",
                "  .user = 'ada'",
                f"  .password = {WITHHELD}",
                "properties, not evaluated: slow, cached",
                "methods: guest, greet",
                "documentation: Who may come in.",
            ],
        ),
        (ValueError("bad"), ["ValueError", "repr: ValueError('bad')"]),
        (object(), ["object"]),
    ],
)
def test_values_of_python_s_own_are_told(value: object, lines: list[str]) -> None:
    assert description(value).splitlines() == lines


def test_of_a_long_container_the_rest_is_counted() -> None:
    assert description(list(range(1_000_000))).endswith("  39\n  … 999,960 more entries")
    assert description(dict.fromkeys(range(41))).endswith("  39: None\n  … 1 more entries")


def test_of_the_environment_names_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "some value")
    assert "SOME_NAME" in description(os.environ)
    assert "some value" not in description(os.environ)


def test_nothing_is_iterated_that_ends_by_it() -> None:
    def numbers() -> Iterator[int]:
        yield from range(3)

    async def later() -> AsyncIterator[int]:
        yield 1

    async def one() -> int:
        return 1

    class Own:
        def __next__(self) -> int:
            raise AssertionError("advanced")

    generator, coroutine = numbers(), one()
    line = numbers.__code__.co_firstlineno
    assert description(generator).endswith(
        f"not iterated: that would use it up\nof {numbers.__qualname__}, at line {line}"
    )
    assert list(generator) == [0, 1, 2]
    assert description(generator).endswith("ended")
    assert "not iterated" in description(later())
    assert "not iterated" in description(coroutine)
    assert "not iterated" in description(Own())
    assert asyncio.run(coroutine) == 1


def test_a_function_is_told_by_signature_documentation_and_source() -> None:
    async def fetch(url: str, *, retries: int = 3) -> None:
        """Gets it."""

    lines = description(fetch).splitlines()
    assert lines[:3] == [
        "function fetch",
        "signature: async fetch(url: 'str', *, retries: 'int' = 3) -> 'None'",
        "documentation: Gets it.",
    ]
    assert lines[3:5] == [
        "source:",
        "    async def fetch(url: str, *, retries: int = 3) -> None:",
    ]
    assert description(Login().greet).splitlines()[:2] == [
        "method of test_kinds.Login",
        "signature: greet(self) -> 'str'",
    ]
    assert description(len).endswith("source: not there")
    assert "signature: fromkeys(iterable, value=None, /)" in description(dict.fromkeys)
    vars(fetch)["__signature__"] = "odd"
    assert "signature: not known" in description(fetch)


def test_a_function_that_keeps_its_results_is_told_as_the_function_it_is() -> None:
    @functools.cache
    def double(number: int) -> int:
        """Twice as much."""
        return 2 * number

    assert description(double).splitlines()[1:5] == [
        "signature: double(number: 'int') -> 'int'",
        "documentation: Twice as much.",
        "source:",
        "    @functools.cache",
    ]
    assert double.cache_info().currsize == 0


def test_a_class_of_a_cell_is_told_with_its_source() -> None:
    source = (
        "class Cell:\n    '''In a cell.'''\n\n    size: int = 1\n\n"
        "    def grow(self):\n        self.size += 1\n\nafter = 1\n"
    )
    linecache.cache["ipykernel_1/2.py"] = (len(source), None, source.splitlines(keepends=True), "cell")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "ipykernel_1/2.py", "exec"), namespace)  # noqa: S102
    lines = description(namespace["Cell"]).splitlines()
    assert lines[:5] == [
        "class Cell",
        "bases: object",
        "documentation: In a cell.",
        "fields: size: int",
        "methods: grow",
    ]
    assert lines[5:] == ["source:", *source.splitlines()[:7]]


def test_classes_of_every_kind_are_told() -> None:
    assert "signature: __init__(self, user: 'str' = 'ada'" in description(Login)
    assert "constants: RED" in description(Colour)
    fields = type("Fields", (), {"__annotations__": {"one": int, "many": list[int], "late": "Later"}})
    assert "fields: one: int, many: list[int], late: Later" in description(fields)
    assert "bases: pydantic.main.BaseModel, object" in description(Model)
    assert description(int).startswith("class int\nbases: object")


def test_a_module_is_told_and_one_that_waits_to_be_loaded_is_not_loaded() -> None:
    module = types.ModuleType("tools", "What helps.")
    vars(module).update(__version__="1.2", __file__="/tools.py", use=1, _own=2)
    assert description(module).splitlines() == [
        "module tools",
        "file: /tools.py",
        "version: 1.2",
        "documentation: What helps.",
        "names: use",
    ]
    vars(module)["__all__"] = ["b", "a"]
    assert description(module).endswith("names: a, b")

    class Late(types.ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    assert description(Late("late")) == "module late\nnames: "


def test_attributes_that_a_class_invents_are_not_asked_for() -> None:
    asked: list[str] = []

    class Client:
        def __init__(self) -> None:
            vars(self)["host"] = "db"

        def __getattr__(self, name: str) -> object:
            asked.append(name)
            raise AttributeError(name)

        def __getattribute__(self, name: str) -> object:
            if name != "__dict__":
                asked.append(name)
            return object.__getattribute__(self, name)

        @property  # type: ignore[misc]
        def __class__(self) -> type:
            asked.append("__class__")
            return type(self)

        def __len__(self) -> int:
            asked.append("__len__")
            return 1

    client = Client()
    asked.clear()
    assert "  .host = 'db'" in description(client)
    assert "Client>" in description([client])
    assert not asked


def test_nothing_is_imported_to_tell_of_a_value(numpy: Any, pandas: Any) -> None:
    values = [1, [1], Login(), Model(), math, len, numpy.zeros(3), pandas.DataFrame({"a": [1], "b": ["x"]})]
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in values:
            description(value)
    assert set(sys.modules) == before
