"""What Claude is told of tables, with the real packages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from descriptions import description

from claude_magic.kernel.values.bounded import WITHHELD


def test_a_frame_is_told_by_its_columns_and_first_rows(pandas: Any) -> None:
    frame = pandas.DataFrame(
        {
            "city": ["Oslo", "Bergen", "Oslo"],
            "sold": [1.5, None, 3.5],
            "day": pandas.date_range("2024-01-01", periods=3),
            "open": [True, False, True],
            "size": pandas.Categorical(["S", "M", "S"]),
            "tags": pandas.Series([["a"], None, {}], dtype=object),
            "none": [None, None, None],
            "span": pandas.interval_range(0, 3),
        }
    )
    assert description(frame).splitlines() == [
        "pandas.DataFrame, 3 rows, 8 columns",
        "index: RangeIndex, int64, 0 … 2",
        "columns:",
        "  'city': str, 2 different",
        "  'sold': float64, 1 missing, 1.5 to 3.5",
        "  'day': datetime64[us], 2024-01-01 00:00:00 to 2024-01-03 00:00:00",
        "  'open': bool, 2 true",
        "  'size': category, 2 categories",
        "  'tags': object, 1 missing, of NoneType, dict, list",
        "  'none': object, 3 missing",
        "  'span': interval[int64, right]",
        "first rows:",
        "     city    sold  day                  open   size  tags   none  span",
        "  0  Oslo    1.5   2024-01-01 00:00:00  True   S     ['a']  None  (0, 1]",
        "  1  Bergen  nan   2024-01-02 00:00:00  False  M     None   None  (1, 2]",
        "  2  Oslo    3.5   2024-01-03 00:00:00  True   S     {}     None  (2, 3]",
    ]


def test_of_a_long_wide_frame_a_part_is_looked_at_and_named_as_one(pandas: Any, numpy: Any) -> None:
    values = numpy.zeros((100_001, 41))
    values[-1] = 5
    text = description(pandas.DataFrame(values))
    assert "columns (of the first 100,000 rows):\n  0: float64, 0.0 to 0.0\n" in text
    assert "  … 1 more columns" in text
    assert len(text.partition("first rows:")[2].splitlines()) == 7
    words = pandas.Series(["a"] * 10_000 + ["b"], dtype="str")
    assert "1 different among the first 10,000" in description(words)


def test_of_other_long_tables_a_part_is_looked_at_too(pandas: Any, polars: Any, pyarrow: Any) -> None:
    values = [0] * 100_000 + [None]
    for column in (
        *(pandas.Series(values, dtype="Int64"), polars.Series(values), polars.DataFrame({"a": values})),
        *(pyarrow.table({"a": values}), pyarrow.array(values), pyarrow.chunked_array([values])),
    ):
        assert "(of the first 100,000 rows)" in description(column)
        assert "missing" not in description(column)


def test_secrets_of_a_frame_are_withheld_by_column_by_row_by_index_and_by_form(pandas: Any) -> None:
    secret, form = "hunter2", "postgres://ada:hunter2@host"
    frames = [
        pandas.DataFrame({"password": [secret], "user": ["ada"], "at": [form]}),
        pandas.DataFrame({("login", "token"): [secret], ("login", "user"): ["ada"]}),
        pandas.DataFrame({"value": [secret, "ada"]}, index=["password", "user"]),
        pandas.DataFrame({"user": ["ada"]}, index=pandas.Index([secret], name="api_key")),
        pandas.DataFrame({"n": [1], "token": [secret], "user": ["ada"]}).set_index(["token", "n"]),
        pandas.Series({"password": secret, "user": "ada"}),
        pandas.Series([secret], name="password"),
        pandas.Index([secret], name="password"),
    ]
    for frame in frames:
        assert secret not in description(frame)
        assert WITHHELD in description(frame)
    assert all("ada" in description(frame) for frame in frames[:6])


def test_a_grouping_is_not_computed(pandas: Any) -> None:
    computed = []

    def key(label: object) -> object:
        computed.append(label)
        return label

    groups = pandas.DataFrame({"a": [1, 2]}).groupby("a")
    assert description(groups).endswith(
        "of pandas.DataFrame, 2 rows, 1 columns\nby: 'a'\nthe groups are not computed"
    )
    before = len(computed)
    description(pandas.Series([1, 2]).groupby(key))
    assert len(computed) <= before + 2  # which pandas calls when it is made


def test_a_column_that_cannot_be_computed_is_reported_and_the_others_are_told(pandas: Any) -> None:
    class Dtype(pandas.api.extensions.ExtensionDtype):  # type: ignore[misc]
        name, type, kind, na_value = "odd", int, "i", None

    class Odd(pandas.api.extensions.ExtensionArray):  # type: ignore[misc]
        dtype = Dtype()

        def __len__(self) -> int:
            return 1

        def __getitem__(self, item: object) -> Any:
            return 7 if isinstance(item, int) else self

        def isna(self) -> Any:
            raise ArithmeticError

        def copy(self) -> Any:
            return self

        view = take = copy

    text = description(pandas.DataFrame({"odd": Odd(), "fine": [1]}))
    assert "  'odd': odd, the rest raises ArithmeticError\n  'fine': int64, 1 to 1" in text


def test_an_empty_table_is_told(pandas: Any, polars: Any, pyarrow: Any) -> None:
    tables = [pandas.DataFrame(), pandas.Series(dtype=float), pandas.Index([]), polars.DataFrame()]
    columns = [polars.Series(), pyarrow.table({}), pyarrow.array([]), pyarrow.chunked_array([[]])]
    for empty in tables + columns:
        assert "raises" not in description(empty)


def test_a_polars_frame_is_told_likewise(polars: Any) -> None:
    frame = polars.DataFrame(
        {
            "n": [1, None],
            "word": ["a", "b"],
            "many": [[1, 2], [3]],
            "day": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)],
            "token": ["hunter2", "hunter2"],
        }
    )
    assert description(frame).splitlines() == [
        "polars.dataframe.frame.DataFrame, 2 rows, 5 columns",
        "columns:",
        "  'n': Int64, 1 missing, 1 to 1",
        "  'word': String",
        "  'many': List(Int64)",
        "  'day': Date, 2024-01-01 to 2024-01-02",
        f"  'token': String, {WITHHELD}",
        "first rows:",
        "     n     word  many           day",
        "  0  1     a     <List(Int64)>  2024-01-01",
        "  1  None  b     <List(Int64)>  2024-01-02",
    ]
    assert description(frame["n"]).endswith("2 of Int64\nvalues: Int64, 1 missing, 1 to 1\nfirst: [1, None]")
    assert "hunter2" not in description(frame["token"])


def test_what_is_lazy_stays_so(polars: Any) -> None:
    computed = []

    def watch(frame: Any) -> Any:
        computed.append(frame)
        return frame

    lazy = polars.DataFrame({"a": [1]}).lazy().map_batches(watch)
    assert description(lazy).endswith("LazyFrame\nlazy: nothing of it is evaluated")
    assert description([lazy]).endswith("<polars.lazyframe.frame.LazyFrame>")
    assert not computed


def test_an_arrow_table_is_told_likewise(pyarrow: Any) -> None:
    table = pyarrow.table({"n": [1, None], "pair": [{"x": 1}] * 2, "api_key": ["hunter2"] * 2})
    assert description(table).splitlines() == [
        "pyarrow.lib.Table, 2 rows, 3 columns",
        "columns:",
        "  'n': int64, 1 missing",
        "  'pair': struct<x: int64>",
        f"  'api_key': string, {WITHHELD}",
        "first rows:",
        "     n     pair",
        "  0  1     <struct<x: int64>>",
        "  1  None  <struct<x: int64>>",
    ]
    assert description(table.to_batches()[0]).startswith(
        "pyarrow.lib.RecordBatch, 2 rows, 3 columns\ncolumns:"
    )
    assert description(table["n"]).endswith(
        "ChunkedArray, 2 of int64\nvalues: int64, 1 missing\nfirst: [1, None]"
    )
