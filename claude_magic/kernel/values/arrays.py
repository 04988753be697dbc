"""What is told of arrays: numpy, xarray, those on devices. Of a large one a corner is looked at."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from claude_magic.kernel.values.bounded import is_secret, label, short
from claude_magic.kernel.values.headlines import row
from claude_magic.kernel.values.static import own_attributes, type_name

__all__ = ["numpy_array", "tensor", "xarray_array", "xarray_dataset"]

_SAMPLE = 100_000  # elements that are looked at
_CORNER = 5  # elements written out along each of the last two axes, one along the others
_NAMES = 40


def numpy_array(array: Any) -> Iterator[str]:
    """The range of its first elements, and a corner."""
    numpy: Any = sys.modules["numpy"]
    if type(array) is not numpy.ma.MaskedArray:
        array = numpy.ndarray.view(array, numpy.ndarray)  # what inherits from it may compute, or refuse
    if not array.size:
        return
    if array.dtype.kind in "biufmM":
        yield from _range(array, numpy)
    yield from _corner(array)


def _range(array: Any, numpy: Any) -> Iterator[str]:
    sample = array[_first(array.shape)]
    of = "" if sample.size == array.size else f" (of the first {sample.size:,})"
    if type(sample) is numpy.ma.MaskedArray:
        sample = sample.compressed()
    if sample.dtype.kind == "b":
        yield f"true{of}: {int(sample.sum()):,}"
        return
    missing = int(numpy.isnan(sample).sum()) if sample.dtype.kind in "fmM" else 0
    if missing < sample.size:
        low, high = (numpy.fmin, numpy.fmax) if missing else (numpy.minimum, numpy.maximum)
        ends = [ufunc.reduce(sample, axis=None) for ufunc in (low, high)]
        yield f"range{of}: {label(ends[0])} to {label(ends[1])}"
    if missing:
        yield f"not a number{of}: {missing:,}"


def _first(shape: tuple[int, ...]) -> tuple[slice | types.EllipsisType, ...]:
    """A block at the beginning, of at most as many elements as are looked at; a view of it is no copy."""
    room, block = _SAMPLE, []
    for length in reversed(shape):
        block.append(slice(min(length, room)))
        room = max(1, room // length)
    return (*reversed(block), ...)


def _corner(array: Any) -> Iterator[str]:
    corner = array[(0,) * (array.ndim - 2) + (slice(_CORNER),) * min(array.ndim, 2) + (Ellipsis,)]
    yield "values:" if corner.size == array.size else "values, a corner:"
    if array.dtype.names:
        corner = corner[[name for name in array.dtype.names if not is_secret(name)]]
    values = (corner.astype(str) if array.dtype.kind in "mM" else corner).tolist()
    for each in values if corner.ndim == 2 else [values]:
        yield f"  {short(each, 400)}"


def tensor(array: Any) -> Iterator[str]:
    """Where it is; values are only shown where nothing has to be waited for."""
    device = getattr(array, "device", None)
    yield f"device: {short(device)}"
    if row(array, {("torch", "Tensor"): True}) and str(device) == "cpu":
        corner = array.detach()[(0,) * (array.ndim - 2) + (slice(_CORNER),) * min(array.ndim, 2)]
        yield f"values, a corner: {short(corner.tolist(), 1_000)}"
    else:
        yield "values: not computed, not fetched"


def xarray_dataset(data: Any) -> Iterator[str]:
    """The coordinates and the variables; none is loaded."""
    yield from _variables("coordinates", data.variables, data.coords)
    yield from _variables("variables", data.variables, data.data_vars)
    yield from _attributes(data.attrs)


def xarray_array(array: Any) -> Iterator[str]:
    """The coordinates, and a corner of what is in memory."""
    yield from _variables(
        "coordinates", {name: array.coords[name].variable for name in array.coords}, array.coords
    )
    yield from _attributes(array.attrs)
    yield from _in_memory(array.variable)


def _variables(what: str, variables: Mapping[Any, Any], names: Iterable[Any]) -> Iterator[str]:
    yield f"{what}:"
    for name in islice(names, _NAMES):
        dimensions = ", ".join(map(str, variables[name].dims))
        yield f"  {short(name, 60)} ({dimensions}): {variables[name].dtype}"


def _attributes(attributes: Any) -> Iterator[str]:
    if attributes:
        yield f"attributes: {short(attributes, 1_000)}"


def _in_memory(variable: Any) -> Iterator[str]:
    data = own_attributes(variable).get("_data")
    if row(data, {("numpy", "ndarray"): True}):
        yield from numpy_array(data)
    else:
        yield f"values: not loaded, {type_name(data)}"
