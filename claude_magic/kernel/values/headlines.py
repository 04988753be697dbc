"""A value in a few words: its type, and its shape or its length where it has one. What costs nothing."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from claude_magic.kernel.values.static import kind, name_of, namespace, own_attributes, type_name

__all__ = ["ARRAYS", "LAZY", "SCALARS", "headline", "is_bulky", "is_one_of", "is_scalar", "row"]

_Row = TypeVar("_Row")

ARRAYS = (
    ("torch", "Tensor"), ("jaxlib", "ArrayImpl"), ("jaxlib", "Array"), ("cupy", "ndarray"),
    ("tensorflow", "EagerTensor"), ("tensorflow", "Variable"), ("mlx", "array"), ("dask", "Array"),
)  # fmt: skip
LAZY = (  # their repr, or their attributes, run a query
    ("polars", "LazyFrame"), ("dask", "DataFrame"), ("dask", "Series"), ("dask_expr", "DataFrame"),
    ("dask_expr", "Series"), ("duckdb", "DuckDBPyRelation"), ("_duckdb", "DuckDBPyRelation"),
    ("django", "QuerySet"), ("pyspark", "DataFrame"), ("ibis", "Expr"), ("snowflake", "DataFrame"),
)  # fmt: skip
SCALARS = (  # short, and harmless to write out
    ("numpy", "generic"), ("datetime", "date"), ("datetime", "time"), ("datetime", "timedelta"),
    ("datetime", "tzinfo"), ("decimal", "Decimal"), ("fractions", "Fraction"), ("pathlib", "PurePath"),
    ("uuid", "UUID"), ("pandas", "NaTType"), ("pandas", "NAType"), ("pandas", "Period"),
    ("pandas", "BaseOffset"), ("pandas", "Interval"),
)  # fmt: skip
_SIZED: tuple[type, ...] = (dict, list, tuple, set, frozenset, deque, str, bytes, bytearray)


def headline(value: Any) -> str:
    """A value's type and size, in one line."""
    if issubclass(type(value), types.ModuleType):
        return f"module {namespace(value).get('__name__')}"
    if issubclass(type(value), type):
        return f"class {name_of(value)}"
    if issubclass(type(value), types.FunctionType | types.BuiltinFunctionType):
        return f"function {value.__name__}"
    if issubclass(type(value), types.MethodType):
        return f"method of {type_name(value.__self__)}"
    return ", ".join([type_name(value), *_length(value), *_measured(value)])


def is_bulky(value: Any) -> bool:
    """Whether a value's own repr may be long, slow or a computation; its headline does as well."""
    return row(value, _MEASURES) is not None or is_one_of(value, LAZY)


def is_scalar(value: Any) -> bool:
    """Whether a value, of a library's type, is one that is written out."""
    return is_one_of(value, SCALARS)


def is_one_of(value: object, kinds: Iterable[tuple[str, str]]) -> bool:
    """Whether a value's type is one of these, or inherits from one."""
    return row(value, dict.fromkeys(kinds, True)) is not None


def row(value: object, table: Mapping[tuple[str, str], _Row]) -> _Row | None:
    """What a table has for a value's type, or for the nearest type that it inherits from."""
    return next((table[each] for each in kind(value) if each in table), None)


def _length(value: Any) -> list[str]:
    base = next((each for each in _SIZED if issubclass(type(value), each)), None)
    return [] if base is None else [f"length {base.__len__(value):,}"]  # type: ignore[attr-defined]


def _measured(value: Any) -> list[str]:
    measure = row(value, _MEASURES)
    if measure is None:
        return []
    try:
        return [measure(value)]
    except Exception as error:  # noqa: BLE001  # of anybody's class that inherits from one of these
        return [f"its size raises {type_name(error)}"]


def _shape(array: Any) -> str:
    shape = " by ".join(f"{each:,}" if type(each) is int else str(each) for each in array.shape)
    return f"shape {shape}, {array.dtype}" if shape else f"scalar, {array.dtype}"


def _rows(table: Any) -> str:
    rows, columns = table.shape
    return f"{rows:,} rows, {columns:,} columns"


def _values(column: Any) -> str:
    return f"{len(column):,} of {column.dtype}"


def _sizes(data: Any) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in data.sizes.items()) or "scalar"


def _grouped(groups: Any) -> str:
    return f"of {headline(own_attributes(groups).get('obj'))}"


_MEASURES: Mapping[tuple[str, str], Callable[[Any], str]] = {
    ("pandas", "DataFrame"): _rows,
    ("pandas", "Series"): _values,
    ("pandas", "Index"): _values,
    ("pandas", "ExtensionArray"): _values,
    ("pandas", "BaseGroupBy"): _grouped,
    ("polars", "DataFrame"): _rows,
    ("polars", "Series"): _values,
    ("pyarrow", "Table"): _rows,
    ("pyarrow", "RecordBatch"): _rows,
    ("pyarrow", "Array"): lambda array: f"{len(array):,} of {array.type}",
    ("pyarrow", "ChunkedArray"): lambda array: f"{len(array):,} of {array.type}",
    ("numpy", "ndarray"): _shape,
    ("numpy", "void"): lambda record: str(record.dtype),
    ("xarray", "Dataset"): _sizes,
    ("xarray", "DataArray"): _sizes,
    ("matplotlib", "Figure"): lambda figure: f"{len(figure.axes)} axes",
    **dict.fromkeys(ARRAYS, _shape),
}
