"""What is told of each kind of value, line by line, the most telling first: a reader stops when it is enough.

Nothing is imported for it, nothing lazy is computed, nothing is iterated that could end by it, and of a large
value only a part is looked at.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from claude_magic.kernel.bounded import WITHHELD, kind, own_attributes, short, type_name
from claude_magic.kernel.withheld import source_without_secrets
from claude_magic.support.secret_names import looks_secret

__all__ = ["describe", "headline"]

Lines = Iterator[str]
_SAMPLE = 100_000  # rows or elements that are counted
_HEAD = 5  # rows shown
_COLUMNS = 60
_NAMES = 80
_SOURCE = 4_000  # characters


def headline(value: Any) -> str:
    """A value's type, and its shape or its length where it has one: what costs nothing."""
    facts = [type_name(value)]
    known = _known(value, _MEASURES)
    if known is not None:
        facts.append(_MEASURES[known](value))
    elif type(value) in {list, tuple, set, frozenset, dict, str, bytes, bytearray}:
        facts.append(f"length {len(value):,}")
    return ", ".join(facts)


def describe(value: Any) -> Lines:
    """What is told of a value below its headline."""
    known = _known(value, _KINDS)
    if known is not None:
        yield from _KINDS[known](value)
        return
    for matches, lines in _OTHERS:
        if matches(value):
            yield from lines(value)
            return
    yield from _object(value)


def _known(value: Any, table: Mapping[tuple[str, str], Any]) -> tuple[str, str] | None:
    return next((each for each in kind(value) if each in table), None)


# --- tables


def _pandas_frame(frame: Any) -> Lines:
    yield f"index: {type(frame.index).__name__}, {frame.index.dtype}"
    sample, of = _sampled(frame)
    yield f"columns{of}:"
    for place, name in enumerate(frame.columns[:_COLUMNS]):
        yield f"  {_pandas_column(name, sample.iloc[:, place])}"
    yield from _more(len(frame.columns), _COLUMNS, "columns")
    shown = frame.iloc[:_HEAD, :20]
    hidden = {name: WITHHELD for name in shown.columns if isinstance(name, str) and looks_secret(name)}
    yield f"first rows:\n{shown.assign(**hidden).to_string(max_colwidth=40)}"


def _sampled(rows: Any) -> tuple[Any, str]:
    return (rows, "") if len(rows) <= _SAMPLE else (rows.iloc[:_SAMPLE], f" (of the first {_SAMPLE:,} rows)")


def _pandas_column(name: object, column: Any) -> str:
    facts = [str(column.dtype)]
    if nulls := int(column.isna().sum()):
        facts.append(f"{nulls:,} missing")
    if isinstance(name, str) and looks_secret(name):
        facts.append(WITHHELD)
    elif column.dtype.kind in "iufmM" and len(column):
        facts.append(f"{column.min()} to {column.max()}")
    elif column.dtype.kind == "b":
        facts.append(f"{int(column.sum()):,} true")
    return f"{short(name, 60)}: {', '.join(facts)}"


def _pandas_series(series: Any) -> Lines:
    sample, of = _sampled(series)
    yield f"values{of}: {_pandas_column(series.name, sample)}"
    yield f"first:\n{series.iloc[: 2 * _HEAD].to_string()}"


def _polars_frame(frame: Any) -> Lines:
    types = (f"{name}: {dtype}" for name, dtype in islice(frame.schema.items(), _COLUMNS))
    yield f"columns: {', '.join(types)}"
    hidden = [name for name in frame.columns if looks_secret(name)]
    yield f"first rows:\n{frame.head(_HEAD).drop(hidden)}"


def _polars_lazy(_: Any) -> Lines:
    yield "lazy: nothing is computed before .collect(); its schema comes from .collect_schema()"


def _arrow_table(table: Any) -> Lines:
    yield f"schema:\n{str(table.schema)[:4_000]}"
    shown = [name for name in table.column_names[:20] if not looks_secret(name)]
    yield f"first rows: {short(table.slice(0, _HEAD).select(shown).to_pylist(), 2_000)}"


# --- arrays


def _numpy_array(array: Any) -> Lines:
    if array.dtype.kind in "iuf" and array.size:
        sample = (
            array.reshape(-1)[:_SAMPLE]
            if array.flags.c_contiguous
            else array[tuple(slice(20) for _ in array.shape)]
        )
        of = "" if sample.size == array.size else f" (of {sample.size:,} of them)"
        yield f"range{of}: {sample.min()} to {sample.max()}"
    yield f"values:\n{array[tuple(slice(_HEAD) for _ in array.shape)]!r}"


def _tensor(tensor: Any) -> Lines:
    yield f"device: {tensor.device}" if hasattr(type(tensor), "device") else "values are not shown"


def _xarray(data: Any) -> Lines:
    yield f"dimensions: {dict(data.sizes)}"
    yield f"coordinates: {', '.join(map(str, data.coords))}"
    variables = getattr(data, "data_vars", None)
    for name in variables or ():
        yield f"  {name}: {data.variables[name].dims}, {data.variables[name].dtype}"


# --- models, figures


def _estimator(estimator: Any) -> Lines:
    own = own_attributes(estimator)
    yield "parameters: " + short(
        {name: value for name, value in own.items() if not name.endswith("_")}, 1_000
    )
    fitted = {
        name: headline(value)
        for name, value in own.items()
        if name.endswith("_") and not name.startswith("_")
    }
    yield f"fitted: {short(fitted, 1_000)}" if fitted else "not fitted"


def _figure(figure: Any) -> Lines:
    width, height = figure.get_size_inches()
    yield f"size: {width:g} by {height:g} inches, {len(figure.axes)} axes"
    for number, axes in enumerate(figure.axes):
        facts = [axes.get_title(), f"x: {axes.get_xlabel()}", f"y: {axes.get_ylabel()}"]
        drawn = {
            name: len(artists)
            for name in ("lines", "patches", "collections", "images")
            if (artists := getattr(axes, name))
        }
        yield f"  axes {number}: {', '.join(fact for fact in facts if fact)}; {drawn}"


# --- Python's own


def _mapping(mapping: Mapping[Any, Any]) -> Lines:
    for key in islice(mapping, _NAMES):
        secret = isinstance(key, str) and looks_secret(key)
        yield f"  {short(key, 80)}: {WITHHELD if secret else short(mapping[key])}"
    yield from _more(len(mapping), _NAMES, "keys")


def _environment(environment: Any) -> Lines:
    yield f"names only: {', '.join(sorted(environment))}"


def _sequence(items: Any) -> Lines:
    kinds = {type_name(item) for item in islice(items, 1_000)}
    yield f"of: {', '.join(sorted(kinds)[:10])}"
    for item in islice(items, 20):
        yield f"  {short(item)}"
    yield from _more(len(items), 20, "items")


def _text(text: Any) -> Lines:
    yield short(text[:4_000], 2_000)


def _callable(function: Any) -> Lines:
    try:
        yield f"signature: {function.__name__}{inspect.signature(function)}"
    except (ValueError, TypeError, AttributeError):
        yield "signature: not known"
    yield from _documentation(function)
    try:
        yield f"source:\n{source_without_secrets(inspect.getsource(function))[:_SOURCE]}"
    except (OSError, TypeError):
        yield "source: not there"


def _class(cls: type) -> Lines:
    yield f"bases: {', '.join(base.__qualname__ for base in cls.__mro__[1:])}"
    yield from _documentation(cls)
    yield from _members(cls)


def _module(module: types.ModuleType) -> Lines:
    names = vars(module)
    yield f"file: {names.get('__file__')}"
    if isinstance(version := names.get("__version__"), str):
        yield f"version: {version}"
    yield from _documentation(module)
    public = names.get("__all__") or [name for name in names if not name.startswith("_")]
    yield f"names: {', '.join(islice(map(str, public), _NAMES))}"
    yield from _more(len(public), _NAMES, "names")


def _iterator(_: Any) -> Lines:
    yield "not iterated: that would use it up"


def _object(value: Any) -> Lines:
    own = own_attributes(value)
    for name, attribute in islice(own.items(), _NAMES):
        yield f"  .{name} = {WITHHELD if looks_secret(name) else short(attribute)}"
    yield from _more(len(own), _NAMES, "attributes")
    yield from _members(type(value))
    yield from _documentation(type(value))
    if any("__repr__" in vars(cls) for cls in type(value).__mro__[:-1]):
        yield f"repr: {short(value, 1_000)}"


def _members(cls: type) -> Lines:
    public = {
        name: member
        for base in reversed(cls.__mro__[:-1])
        for name, member in vars(base).items()
        if not name.startswith("_")
    }
    properties = [name for name, member in public.items() if inspect.isdatadescriptor(member)]
    methods = [
        name
        for name, member in public.items()
        if callable(member) or isinstance(member, classmethod | staticmethod)
    ]
    if properties:
        yield f"properties, not evaluated: {', '.join(properties[:_NAMES])}"
    if methods:
        yield f"methods: {', '.join(methods[:_NAMES])}"


def _documentation(value: Any) -> Lines:
    text = inspect.getattr_static(value, "__doc__", None)
    if isinstance(text, str) and text.strip():
        yield f"documentation: {inspect.cleandoc(text)[:1_000]}"


def _more(count: int, shown: int, what: str) -> Lines:
    if count > shown:
        yield f"  … {count - shown:,} more {what}"


def _shape(value: Any) -> str:
    return " by ".join(f"{int(each):,}" for each in value.shape) or "scalar"


def _rows(table: Any) -> str:
    rows, columns = table.shape
    return f"{rows:,} rows, {columns:,} columns"


def _typed_shape(array: Any) -> str:
    return f"shape {_shape(array)}, {array.dtype}"


_ARRAYS = {
    ("torch", "Tensor"), ("jaxlib", "ArrayImpl"), ("jaxlib", "Array"), ("cupy", "ndarray"),
    ("tensorflow", "EagerTensor"), ("mlx", "array"), ("dask", "Array"),
}  # fmt: skip
_KINDS: Mapping[tuple[str, str], Callable[[Any], Lines]] = {
    ("pandas", "DataFrame"): _pandas_frame,
    ("pandas", "Series"): _pandas_series,
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "LazyFrame"): _polars_lazy,
    ("pyarrow", "Table"): _arrow_table,
    ("numpy", "ndarray"): _numpy_array,
    ("xarray", "Dataset"): _xarray,
    ("xarray", "DataArray"): _xarray,
    ("sklearn", "BaseEstimator"): _estimator,
    ("matplotlib", "Figure"): _figure,
    ("os", "_Environ"): _environment,
    **dict.fromkeys(_ARRAYS, _tensor),
}
_MEASURES: Mapping[tuple[str, str], Callable[[Any], str]] = {
    ("pandas", "DataFrame"): _rows,
    ("pandas", "Series"): lambda series: f"{len(series):,} of {series.dtype}",
    ("polars", "DataFrame"): _rows,
    ("polars", "Series"): lambda series: f"{len(series):,} of {series.dtype}",
    ("pyarrow", "Table"): _rows,
    ("numpy", "ndarray"): _typed_shape,
    **dict.fromkeys(_ARRAYS, _typed_shape),
}
_OTHERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Lines]], ...] = (
    (lambda value: isinstance(value, types.ModuleType), _module),
    (lambda value: isinstance(value, type), _class),
    (
        lambda value: isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType),
        _callable,
    ),
    (lambda value: issubclass(type(value), str | bytes | bytearray), _text),
    (lambda value: type(value) in {list, tuple, set, frozenset}, _sequence),
    (lambda value: type(value) is dict, _mapping),
    (lambda value: "__next__" in {name for cls in type(value).__mro__ for name in vars(cls)}, _iterator),
    (
        lambda value: type(value) in {int, float, complex, bool, type(None)},
        lambda value: iter([short(value)]),
    ),
)
