"""Values as short text: bounded, without secrets, and with no code run but a repr that is asked for."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import enum
import functools
import time
import types
from array import array
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_magic.kernel.values.bounded import WITHHELD, is_secret, label, more, short, without_secrets


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (12, "12"),
        (1.5, "1.5"),
        (2j, "2j"),
        ("it's", '"it\'s"'),
        (b"raw", "b'raw'"),
        (bytearray(b"raw"), "bytearray(b'raw')"),
        ([1, [2, [3, [4]]]], "[1, [2, [3, [...]]]]"),
        ((1,), "(1,)"),
        ((1, 2), "(1, 2)"),
        ({"a": 1}, "{'a': 1}"),
        (frozenset({1}), "frozenset({1})"),
        ({1}, "{1}"),
        (collections.deque([1]), "deque([1])"),
        (collections.Counter("aa"), "collections.Counter({'a': 2})"),
        (types.MappingProxyType({"a": 1}), "mappingproxy({'a': 1})"),
        (array("i", [1, 2]), "array([1, 2])"),
        (types.SimpleNamespace(a=1), "types.SimpleNamespace(a=1)"),
        (argparse.Namespace(a=1), "argparse.Namespace(a=1)"),
        (
            functools.partial(print, 1, end=""),
            "functools.partial(func=<function print>, args=(1,), keywords={'end': ''})",
        ),
        (collections.UserDict(a=1), "collections.UserDict(data={'a': 1})"),
        (collections.ChainMap({"a": 1}), "collections.ChainMap(maps=[{'a': 1}])"),
        ({"a": 1}.keys(), "dict_keys(['a'])"),
        ({"a": 1}.values(), "dict_values([1])"),
        ({"a": 1}.items(), "dict_items({'a': 1})"),
        (range(3), "range(0, 3)"),
        (list(range(12)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 2 more]"),
        (Decimal("1.50"), "1.50"),
        (Path("/data"), "/data"),
        (object(), "<object>"),
        (int, "<class int>"),
        (enum, "<module enum>"),
        (len, "<function len>"),
    ],
)
def test_a_value_is_written_as_python_would_but_shorter(value: object, text: str) -> None:
    assert short(value) == text


def test_a_number_of_a_million_digits_is_measured() -> None:
    assert short(10**1_000_000) == "<3,321,929 bits>"


def test_what_wraps_a_million_values_is_read_as_far_as_it_is_shown() -> None:
    class Item:
        def __repr__(self) -> str:
            written.append(1)
            return "item"

    items = [Item()] * 1_000
    keyed = dict.fromkeys(range(1_000), items[0])
    wrappers = [
        *(
            types.SimpleNamespace(items=items),
            argparse.Namespace(items=items),
            functools.partial(print, *items),
        ),
        *(collections.UserList(items), collections.ChainMap(keyed), types.MappingProxyType(keyed)),
    ]
    for wrapper in wrappers:
        written: list[int] = []
        assert "item" in short(wrapper)
        assert len(written) == 10


def test_what_holds_itself_ends_there() -> None:
    loop: list[object] = [1]
    loop.append(loop)
    assert short(loop) == "[1, [...]]"
    table: dict[str, object] = {}
    table["self"] = table
    assert short(table) == "{'self': {...}}"


def test_records_that_are_keys_of_each_other_end() -> None:
    @dataclasses.dataclass(eq=False)
    class Node:
        neighbours: dict[object, int] = dataclasses.field(default_factory=dict)

    one, two = Node(), Node()
    one.neighbours[two], two.neighbours[one] = 1, 1
    assert len(short(one)) <= 200


def test_a_hundred_thousand_levels_are_no_deeper_than_three() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert short(nested) == "[[[[...]]]]"
    while nested:  # or it ends by recursion
        nested = nested.pop()


class Point(NamedTuple):
    x: int
    token: str


@dataclasses.dataclass
class Login:
    user: str
    password: str
    hidden: int = dataclasses.field(default=1, repr=False)

    def __repr__(self) -> str:
        raise AssertionError("the fields say it all")


class Model(pydantic.BaseModel):
    user: str = "ada"
    api_key: str = "hunter2"
    hidden: int = pydantic.Field(default=1, repr=False)


class Record(msgspec.Struct):
    user: str = "ada"
    secret: str = "hunter2"


@attrs.define
class Attributes:
    user: str = "ada"
    password: str = "hunter2"
    hidden: int = attrs.field(default=1, repr=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(1, "hunter2"), f"test_bounded.Point(x=1, token={WITHHELD})"),
        (Login("ada", "hunter2"), f"test_bounded.Login(user='ada', password={WITHHELD})"),
        (Model(), f"test_bounded.Model(user='ada', api_key={WITHHELD})"),
        (Record(), f"test_bounded.Record(user='ada', secret={WITHHELD})"),
        (Attributes(), f"test_bounded.Attributes(user='ada', password={WITHHELD})"),
    ],
)
def test_a_record_is_written_by_its_fields(value: object, text: str) -> None:
    assert short(value) == text


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


def test_a_constant_is_written_by_its_name() -> None:
    assert short([Colour.RED, Level.LOW]) == "[test_bounded.Colour.RED, test_bounded.Level.LOW]"


class Raises:
    def __repr__(self) -> str:
        raise LookupError("no")


class Odd:
    def __repr__(self) -> Any:
        return 5


class Huge:
    def __repr__(self) -> str:
        return "x" * 100_000_000


def test_a_repr_that_fails_is_reported() -> None:
    assert short([Raises(), Odd()]) == (
        "[<test_bounded.Raises, whose repr raises LookupError>,"
        " <test_bounded.Odd, whose repr raises TypeError>]"
    )


def test_a_repr_of_any_length_is_cut() -> None:
    assert short(Huge(), 20) == "x" * 19 + "…"


def test_what_comes_after_the_limit_is_not_evaluated() -> None:
    calls = []

    class Counts:
        def __repr__(self) -> str:
            calls.append(1)
            return "x" * 3_000

    short([Counts() for _ in range(10)], 100)
    assert len(calls) == 1


class Blocks(dict[str, int]):
    """A dict whose every method would never return."""

    def __len__(self) -> int:
        raise AssertionError("asked")

    __iter__ = items = keys = values = __getitem__ = __repr__ = __len__  # type: ignore[assignment]


class BlocksToo(list[int]):
    """And a list."""

    def __len__(self) -> int:
        raise AssertionError("asked")

    __iter__ = __getitem__ = __repr__ = __len__  # type: ignore[assignment]


def test_what_inherits_from_a_container_is_read_by_the_container_s_own_methods() -> None:
    assert short(Blocks(a=1)) == "test_bounded.Blocks({'a': 1})"
    assert short(BlocksToo([1])) == "test_bounded.BlocksToo([1])"


def test_a_class_that_lies_about_itself_is_not_believed() -> None:
    class Liar:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            raise AssertionError("asked")

        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    assert short(Liar()).endswith("Liar>")


class Watched(type):
    """A metaclass that answers to nothing."""

    def __getattribute__(cls, name: str) -> object:
        raise AssertionError(name)

    def __repr__(cls) -> str:
        raise AssertionError("repr")


def test_a_metaclass_is_not_asked() -> None:
    watched = Watched("Hidden", (), {"__module__": 5})
    assert short(watched) == "<class Hidden>"


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-abcdefghijklmnop",
        "ghp_abcdefghijklmnopqrstuv",
        "github_pat_abcdefghijklmnopqrstuv",
        "glpat-abcdefghijklmnopqr",
        "xoxb-1234567890-abc",
        "AKIAABCDEFGHIJKLMNOP",
        "AIzaSyabcdefghijklmnopqrstuvwxyz0123456",
        "hf_abcdefghijklmnopqrstuvwx",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
    ],
)
def test_what_has_the_form_of_a_key_is_withheld(text: str) -> None:
    assert without_secrets(f"before {text} after").startswith(f"before {WITHHELD}")
    assert text not in short({"any": [text]}, 1_000)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgres://ada:hunter2@host/db", "postgres://{}@host/db"),
        ("https://:hunter2@host", "https://{}@host"),
        ("redis://ada:hun@ter2@host", "redis://{}@host"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer {}"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: Basic {}"),
        ("password = 'hunter2'", "password = '{}'"),
        ('{"apiKey": "hunter2"}', '{"apiKey": "{}"}'),
        ("api_key: str = 'hunter2'", "api_key: str = '{}'"),
        ("Login(password='hunter2', user='a')", "Login(password='{}', user='a')"),
        ("password = b'hunter2'", "password = b'{}'"),
        ("password = 'hunt", "password = '{}'"),
        ("https://host/?a=1&access_token=hunter2&b=2", "https://host/?a=1&access_token={}&b=2"),
        ("host=db password=hunter2 port=1", "host=db password={} port=1"),
        ("Server=db;Password=hunter2;", "Server=db;Password={};"),
        ("'password=hunter2'", "'password={}'"),
    ],
)
def test_a_password_is_withheld_where_an_address_or_a_name_says_so(text: str, left: str) -> None:
    assert without_secrets(text) == left.replace("{}", WITHHELD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "monkey = 'banana'",
        "token_count = '12'",
        "def f(password: str, token=None): return g(password=password)",
        "https://host:8080/path",
        "at 12:30 ada@host",
        "Basic understanding",
        'getpass("Your token: ")',
        "input('Your token: ', default)",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "a=" * 100_000, "'" * 200_000, "://" * 70_000, "a: " * 70_000]
)
def test_secrets_are_looked_for_in_bounded_time(text: str) -> None:
    began = time.process_time()
    without_secrets(text)
    assert time.process_time() - began < 5


def test_a_secret_across_the_cut_is_still_seen() -> None:
    assert "hunter2" not in short("x" * 180 + " postgres://ada:hunter2" + "3" * 500 + "@host")
    assert "hunter2" not in label("x" * 30 + " postgres://ada:hunter2" + "3" * 500 + "@host")


@pytest.mark.parametrize("key", ["password", b"api_key", ("auth", "token"), "OPENAI_API_KEY"])
def test_some_keys_are_a_secret_s(key: object) -> None:
    assert is_secret(key)
    assert short({key: "hunter2"}).endswith(f": {WITHHELD}}}")


@pytest.mark.parametrize("key", ["monkey", 5, None, b"\xff", ("a", 1)])
def test_other_keys_are_not(key: object) -> None:
    assert not is_secret(key)


def test_a_heading_is_a_text_without_quotes_in_one_line() -> None:
    assert label("two\nlines") == "two lines"
    assert label(["a"]) == "['a']"
    assert label("x" * 100, 10) == "x" * 9 + "…"


def test_the_rest_is_counted() -> None:
    assert list(more(1_005, 5, "rows")) == ["  … 1,000 more rows"]
    assert list(more(5, 5, "rows")) == []


VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner) | st.tuples(inner),
    max_leaves=50,
)


@settings(deadline=None)
@given(VALUES, st.integers(1, 300))
def test_anything_is_one_line_within_its_limit(value: object, limit: int) -> None:
    text = short(value, limit)
    assert len(text) <= limit
    assert "\n" not in text


@settings(deadline=None)
@given(VALUES)
def test_a_secret_s_value_is_never_written(value: object) -> None:
    nested = {"rest": value, "password": "hunter2", "deep": [{"x": {"token": "hunter2"}}]}
    assert "hunter2" not in short(nested, 5_000)


def test_a_dict_that_changes_meanwhile_does_no_harm() -> None:
    class Grows:
        def __repr__(self) -> str:
            table[len(table)] = self
            return "grows"

    table: dict[int, object] = {0: Grows(), 1: Grows()}
    assert short(table) == "{0: grows, 1: grows}"


def test_an_iterator_is_not_advanced() -> None:
    def numbers() -> Iterator[int]:
        yield from range(3)

    iterator = numbers()
    short([iterator, map(str, iterator)])
    assert list(iterator) == [0, 1, 2]


def test_a_module_that_loads_when_it_is_asked_is_not_asked() -> None:
    class Late(types.ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    assert short(Late("late")) == "<module late>"
