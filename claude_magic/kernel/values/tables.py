"""What is told of tables: pandas, polars, pyarrow. Of a long one the first rows are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from claude_magic.kernel.values.bounded import WITHHELD, is_secret, label, more, short
from claude_magic.kernel.values.static import own_attributes, type_name

__all__ = [
    "arrow_array", "arrow_table", "pandas_frame", "pandas_groups", "pandas_index", "pandas_series",
    "polars_frame", "polars_series",
]  # fmt: skip

_SAMPLE = 100_000  # rows that are counted
_COLUMNS = 40
_HEAD, _WIDTH = 5, 12  # rows and columns written out
_CELL = 40
_TEXTS = 10_000  # that are compared, which holds the interpreter
_OBJECTS = 1_000  # whose types are looked at

Facts = Iterator[str]


# --- pandas


def pandas_frame(frame: Any) -> Iterator[str]:
    """The index, the columns, the first rows."""
    yield f"index: {_index_facts(frame.index)}"
    sample = frame.iloc[:_SAMPLE, :_COLUMNS]
    yield f"columns{_of(len(frame))}:"
    for place, name in enumerate(sample.columns):
        yield _column(name, sample.iloc[:, place], _pandas_facts)
    yield from more(len(frame.columns), _COLUMNS, "columns")
    yield from _pandas_head(frame)


def pandas_series(series: Any) -> Iterator[str]:
    """The index, the values, the first of them."""
    yield f"index: {_index_facts(series.index)}"
    yield f"values{_of(len(series))}: {_facts(series.name, series.iloc[:_SAMPLE], _pandas_facts)}"
    if not is_secret(series.name):
        yield from _pandas_head(series.iloc[: 2 * _HEAD].to_frame())


def pandas_index(index: Any) -> Iterator[str]:
    """What it is of, and its first and last values."""
    yield f"values: {_index_facts(index)}"


def pandas_groups(groups: Any) -> Iterator[str]:
    """By what it groups; how many groups there are would have to be computed."""
    own = own_attributes(groups)
    yield f"by: {short(own.get('keys'))}"
    yield "the groups are not computed"


def _pandas_head(frame: Any) -> Iterator[str]:
    head = frame.iloc[: 2 * _HEAD if len(frame.columns) == 1 else _HEAD, :_WIDTH]
    places = [place for place, name in enumerate(head.columns) if not is_secret(name)]
    is_open = not any(map(is_secret, head.index.names))
    labels = [head.index[place] if is_open else place for place in range(len(head))]
    rows = ([head.iat[number, place] for place in places] for number in range(len(head)))
    yield from _grid([head.columns[place] for place in places], labels, rows)


def _index_facts(index: Any) -> str:
    ends = [index[0], index[-1]] if len(index) else []
    names = [name for name in index.names if name is not None]
    facts = [type(index).__name__, str(index.dtype), *(f"named {short(name, 60)}" for name in names)]
    if any(map(is_secret, names)):
        facts.append(WITHHELD)
    elif ends:
        facts.append(f"{label(ends[0])} … {label(ends[1])}")
    return ", ".join(facts)


def _pandas_facts(column: Any) -> Facts:
    yield str(column.dtype)
    missing = int(column.isna().sum())
    yield from _missing(missing)
    if missing == len(column):
        return
    if column.dtype.kind in "iufmM":
        yield f"{label(column.min())} to {label(column.max())}"
    elif column.dtype.kind == "b":
        yield f"{int(column.sum()):,} true"
    elif column.dtype.name == "category":
        yield f"{len(column.cat.categories):,} categories"
    elif column.dtype.name == "object":
        yield f"of {', '.join(sorted({type_name(each) for each in column.iloc[:_OBJECTS]})[:5])}"
    elif column.dtype.name in {"str", "string"}:
        among = f" among the first {_TEXTS:,}" if len(column) > _TEXTS else ""
        yield f"{column.iloc[:_TEXTS].nunique():,} different{among}"


# --- polars


def polars_frame(frame: Any) -> Iterator[str]:
    """The columns, the first rows."""
    names = frame.columns
    yield f"columns{_of(frame.height)}:"
    for name in names[:_COLUMNS]:
        yield _column(name, frame.get_column(name).head(_SAMPLE), _polars_facts)
    yield from more(len(names), _COLUMNS, "columns")
    open_names = [name for name in names[:_WIDTH] if not is_secret(name)]
    columns = [frame.get_column(name) for name in open_names]
    rows = ([_polars_value(column, row) for column in columns] for row in range(min(_HEAD, frame.height)))
    yield from _grid(open_names, [], rows)


def polars_series(series: Any) -> Iterator[str]:
    """The values, and the first of them."""
    yield f"values{_of(len(series))}: {_facts(series.name, series.head(_SAMPLE), _polars_facts)}"
    if not is_secret(series.name):
        yield f"first: {short([_polars_value(series, row) for row in range(min(_HEAD, len(series)))], 600)}"


def _polars_facts(series: Any) -> Facts:
    yield str(series.dtype)
    yield from _missing(series.null_count())
    if series.dtype.is_numeric() or series.dtype.is_temporal():
        yield f"{label(series.min())} to {label(series.max())}"


def _polars_value(series: Any, place: int) -> object:
    """What is nested may hold millions, which would all be made objects."""
    return f"<{series.dtype}>" if series.dtype.is_nested() else series[place]


# --- pyarrow


def arrow_table(table: Any) -> Iterator[str]:
    """The columns, the first rows."""
    names = table.schema.names
    yield f"columns{_of(table.num_rows)}:"
    for place, name in enumerate(names[:_COLUMNS]):
        yield _column(name, table.column(place).slice(0, _SAMPLE), _arrow_facts)
    yield from more(len(names), _COLUMNS, "columns")
    places = [place for place, name in enumerate(names[:_WIDTH]) if not is_secret(name)]
    rows = (
        [_arrow_value(table.column(place)[row]) for place in places]
        for row in range(min(_HEAD, table.num_rows))
    )
    yield from _grid([names[place] for place in places], [], rows)


def arrow_array(array: Any) -> Iterator[str]:
    """The values, and the first of them."""
    sample = array.slice(0, _SAMPLE)
    yield f"values{_of(len(array))}: {', '.join(_arrow_facts(sample))}"
    yield f"first: {short([_arrow_value(each) for each in sample.slice(0, _HEAD)], 600)}"


def _arrow_facts(array: Any) -> Facts:
    yield str(array.type)
    yield from _missing(array.null_count)


def _arrow_value(scalar: Any) -> object:
    return f"<{scalar.type}>" if scalar.type.num_fields else scalar.as_py()


# --- all of them


def _of(rows: int) -> str:
    return f" (of the first {_SAMPLE:,} rows)" if rows > _SAMPLE else ""


def _missing(number: int) -> Facts:
    if number:
        yield f"{number:,} missing"


def _column(name: object, column: Any, facts: Callable[[Any], Facts]) -> str:
    return f"  {short(name, 60)}: {_facts(name, column, facts)}"


def _facts(name: object, column: Any, facts: Callable[[Any], Facts]) -> str:
    """What is told of a column; of a secret one its type."""
    about: list[str] = []
    try:
        about.extend([next(facts(column)), WITHHELD] if is_secret(name) else facts(column))
    except Exception as error:  # noqa: BLE001  # columns may be of anybody's types
        about.append(f"the rest raises {type_name(error)}")
    return ", ".join(about)


def _grid(
    names: Sequence[object], labels: Sequence[object], rows: Iterable[Sequence[object]]
) -> Iterator[str]:
    """The first rows as a table in plain text; what stands in a row with a secret's label is withheld."""
    yield "first rows:"
    lines = [["", *(label(name, _CELL) for name in names)]]
    for number, row in enumerate(rows):
        key = labels[number] if labels else number
        cells = [WITHHELD] if is_secret(key) else [label(each, _CELL) for each in row]
        lines.append([label(key, _CELL), *cells])
    widths = [max(len(line[place]) for line in lines if place < len(line)) for place in range(len(lines[0]))]
    for line in lines:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip()
