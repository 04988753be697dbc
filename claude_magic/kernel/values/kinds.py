"""What is told of each kind of value, line by line, the most telling first: a reader stops when it is enough.

Nothing is imported for it, nothing lazy is computed, nothing is iterated that could end by it, and of a large
value only a part is looked at.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from claude_magic.kernel.values import arrays, code, objects, tables
from claude_magic.kernel.values.bounded import parts, short
from claude_magic.kernel.values.headlines import ARRAYS, LAZY, SCALARS, headline, is_scalar
from claude_magic.kernel.values.static import kind, lookup, own_attributes, record

__all__ = ["describe", "headline", "summary"]

Lines = Iterator[str]
_AXES = 10  # of a figure
_ARTISTS = 10


def summary(value: Any) -> str:
    """A value in one line: its headline, and a number, a date, a short text itself."""
    is_written = issubclass(type(value), _WRITTEN) or is_scalar(value)
    return f"{headline(value)} = {short(value, 100)}" if is_written else headline(value)


def describe(value: Any) -> Lines:
    """What is told of a value below its summary, by the first row that it fits."""
    names = set(kind(value))
    described = (
        lines
        for each, lines in _KINDS.items()
        if each in names or (isinstance(each, type) and issubclass(type(value), each))
    )
    yield from (next(described, None) or _shaped(value))(value)


def _shaped(value: Any) -> Callable[[Any], Lines]:
    """For what no table has: by what its type can do."""
    if lookup(type(value), "__next__") is not None or lookup(type(value), "__anext__") is not None:
        return objects.iterator
    if record(value) is None and parts(value) is not None:
        return objects.container
    return objects.python_object


# --- models and figures


def _estimator(estimator: Any) -> Lines:
    own = own_attributes(estimator)
    yield f"parameters: {short({name: each for name, each in own.items() if not name.endswith('_')}, 1_000)}"
    fitted = {name: each for name, each in own.items() if name.endswith("_") and not name.startswith("_")}
    yield "fitted:" if fitted else "fitted: nothing of its own"
    for name, each in fitted.items():
        yield f"  {name}: {short(each)}"


def _network(module: Any) -> Lines:
    yield f"layers:\n{repr(module)[:4_000]}"


def _figure(figure: Any) -> Lines:
    width, height = figure.get_size_inches()
    yield f"size: {width:g} by {height:g} inches"
    for number, axes in enumerate(figure.axes[:_AXES]):
        yield f"axes {number}:"
        yield from _axes(axes)


def _axes(axes: Any) -> Lines:
    for what, text in {"title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel()}.items():
        if text:
            yield f"  {what}: {short(text)}"
    for what in ("lines", "patches", "collections", "images", "texts"):
        if artists := list(getattr(axes, what)):
            labels = [name for each in artists[:_ARTISTS] if (name := str(each.get_label()))[:1] != "_"]
            yield f"  {what}: {len(artists):,}{' ' if labels else ''}{short(labels) if labels else ''}"


def _lazy(_: Any) -> Lines:
    yield "lazy: nothing of it is evaluated"


def _nothing(_: Any) -> Lines:
    return iter(())


_PLAIN = (bool, int, float, complex, bytes, bytearray, types.NoneType)
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)
# A library's types by their names, for it is not imported; Python's by themselves.
_KINDS: Mapping[tuple[str, str] | type, Callable[[Any], Lines]] = {
    ("pandas", "DataFrame"): tables.pandas_frame,
    ("pandas", "Series"): tables.pandas_series,
    ("pandas", "Index"): tables.pandas_index,
    ("pandas", "BaseGroupBy"): tables.pandas_groups,
    ("polars", "DataFrame"): tables.polars_frame,
    ("polars", "Series"): tables.polars_series,
    ("pyarrow", "Table"): tables.arrow_table,
    ("pyarrow", "RecordBatch"): tables.arrow_table,
    ("pyarrow", "Array"): tables.arrow_array,
    ("pyarrow", "ChunkedArray"): tables.arrow_array,
    ("numpy", "ndarray"): arrays.numpy_array,
    ("xarray", "Dataset"): arrays.xarray_dataset,
    ("xarray", "DataArray"): arrays.xarray_array,
    ("sklearn", "BaseEstimator"): _estimator,
    ("torch", "Module"): _network,
    ("matplotlib", "Figure"): _figure,
    ("matplotlib", "_AxesBase"): _axes,
    ("os", "_Environ"): objects.environment,
    ("functools", "_lru_cache_wrapper"): code.python_function,
    **dict.fromkeys(SCALARS, _nothing),
    **dict.fromkeys(LAZY, _lazy),
    **dict.fromkeys(ARRAYS, arrays.tensor),
    types.ModuleType: code.python_module,
    type: code.python_class,
    **dict.fromkeys(_FUNCTIONS, code.python_function),
    types.CoroutineType: objects.iterator,
    enum.Enum: objects.enumerated,
    str: objects.text,
    **dict.fromkeys(_PLAIN, _nothing),
}
_WRITTEN = (*_PLAIN, str, enum.Enum)
