"""What Claude is told of arrays, with the real packages, and with one that only looks like torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from descriptions import description

from claude_magic.kernel.values.bounded import WITHHELD


def test_an_array_is_told_by_its_range_and_a_corner(numpy: Any) -> None:
    assert description(numpy.arange(60.0).reshape(6, 10)).splitlines() == [
        "numpy.ndarray, shape 6 by 10, float64",
        "range: 0.0 to 59.0",
        "values, a corner:",
        *(f"  [{row}.0, {row + 1}.0, {row + 2}.0, {row + 3}.0, {row + 4}.0]" for row in range(0, 50, 10)),
    ]


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (lambda np: np.array(3.5), ["scalar, float64", "range: 3.5 to 3.5", "values:", "  3.5"]),
        (lambda np: np.zeros((0, 3)), ["shape 0 by 3, float64"]),
        (lambda np: np.array([True, False]), ["shape 2, bool", "true: 1", "values:", "  [True, False]"]),
        (
            lambda np: np.array([1, math.nan]),
            ["shape 2, float64", "range: 1.0 to 1.0", "not a number: 1", "values:", "  [1.0, nan]"],
        ),
        (
            lambda np: np.array([math.nan]),
            ["shape 1, float64", "not a number: 1", "values:", "  [nan]"],
        ),
        (
            lambda np: np.array(["2024-01-01", "NaT"], dtype="M8[D]"),
            [
                *("shape 2, datetime64[D]", "range: 2024-01-01 to 2024-01-01", "not a number: 1", "values:"),
                "  ['2024-01-01', 'NaT']",
            ],
        ),
        (lambda np: np.array([1j]), ["shape 1, complex128", "values:", "  [1j]"]),
        (lambda np: np.array(["a"]), ["shape 1, <U1", "values:", "  ['a']"]),
        (
            lambda np: np.array([{"token": "hunter2"}, None]),
            ["shape 2, object", "values:", f"  [{{'token': {WITHHELD}}}, None]"],
        ),
        (
            lambda np: np.array([(1, "x")], dtype=[("n", "i4"), ("password", "U7")]),
            ["shape 1, [('n', '<i4'), ('password', '<U7')]", "values:", "  [(1,)]"],
        ),
        (
            lambda np: np.zeros((2, 2, 1, 2), dtype="i2"),
            ["shape 2 by 2 by 1 by 2, int16", "range: 0 to 0", "values, a corner:", "  [0, 0]"],
        ),
        (
            lambda np: np.arange(4).reshape(2, 2).T,
            ["shape 2 by 2, int64", "range: 0 to 3", "values:", "  [0, 2]", "  [1, 3]"],
        ),
    ],
)
def test_arrays_of_every_kind_are_told(make: Callable[[Any], Any], lines: list[str], numpy: Any) -> None:
    assert description(make(numpy)).splitlines() == [f"numpy.ndarray, {lines[0]}", *lines[1:]]


@pytest.mark.parametrize(
    ("shape", "looked_at"),
    [((300_000,), 100_000), ((3, 40_000), 80_000), ((2, 3, 50_000), 100_000), ((2, 200_000), 100_000)],
)
def test_of_a_large_array_a_block_is_looked_at_and_never_copied(
    shape: tuple[int, ...], looked_at: int, numpy: Any
) -> None:
    array = numpy.ones(shape)
    array.reshape(-1)[-1] = 5
    for view in (array, numpy.flip(array[..., ::1], axis=0)[::-1]):
        assert f"range (of the first {looked_at:,}): 1.0 to 1.0" in description(view)


def test_a_masked_value_is_not_shown(numpy: Any) -> None:
    masked = numpy.ma.masked_array([1, 99, 3], [False, True, False])
    assert (
        description(masked) == "numpy.ma.MaskedArray, shape 3, int64\nrange: 1 to 3\nvalues:\n  [1, None, 3]"
    )


def test_an_array_s_own_ways_to_compute_are_not_used(numpy: Any) -> None:
    class Remote(numpy.ndarray):  # type: ignore[misc]
        def __array_finalize__(self, other: object) -> None:
            if other is not None:
                raise AssertionError("a view was made")

        def __getitem__(self, item: object) -> Any:
            raise AssertionError("asked")

        min = max = tolist = __iter__ = __getitem__

    assert "values:\n  [0.0, 0.0]" in description(Remote((2,), buffer=b"\0" * 16))


def test_a_file_s_array_is_looked_at_where_it_begins(numpy: Any, tmp_path: Path) -> None:
    mapped = numpy.memmap(tmp_path / "data", dtype="u1", mode="w+", shape=(10,))
    assert description(mapped).startswith("numpy.memmap, shape 10, uint8\nrange: 0 to 0\nvalues, a corner:")


def test_numbers_of_numpy_are_numbers(numpy: Any) -> None:
    assert description(numpy.float64(1.5)) == "numpy.float64 = 1.5"
    assert description(numpy.int64(2)) == "numpy.int64 = 2"
    assert description([numpy.int64(2), numpy.float64(1.5)]).endswith("  2\n  1.5")


def test_of_an_xarray_what_is_in_memory_is_told_and_nothing_is_loaded(numpy: Any) -> None:
    import xarray as xr

    memory = xr.DataArray(
        numpy.zeros((2, 3)), dims=("x", "y"), coords={"x": [1, 2]}, attrs={"units": "K", "token": "hunter2"}
    )
    assert description(memory).splitlines() == [
        "xarray.core.dataarray.DataArray, x 2, y 3",
        "coordinates:",
        "  'x' (x): int64",
        f"attributes: {{'units': 'K', 'token': {WITHHELD}}}",
        "range: 0.0 to 0.0",
        "values:",
        "  [0.0, 0.0, 0.0]",
        "  [0.0, 0.0, 0.0]",
    ]
    assert description(xr.Dataset({"t": memory})).splitlines()[1:] == [
        "coordinates:",
        "  'x' (x): int64",
        "variables:",
        "  't' (x, y): float64",
    ]


def test_a_lazy_xarray_is_not_loaded(numpy: Any) -> None:
    import xarray as xr
    from xarray.backends import BackendArray
    from xarray.core.indexing import LazilyIndexedArray

    loaded = []

    class Remote(BackendArray):
        shape, dtype = (1_000_000,), numpy.dtype("f8")

        def __getitem__(self, key: object) -> Any:
            loaded.append(key)
            return numpy.zeros(1)

    lazy = xr.DataArray(xr.Variable(("x",), LazilyIndexedArray(Remote())), name="t")
    assert "values: not loaded" in description(lazy)
    assert "'t' (x): float64" in description(lazy.to_dataset())
    assert not loaded


def tensor(device: str, calls: list[str]) -> Any:
    """Something like an array of torch, which says what is done with it."""

    class Tensor:
        shape, ndim, dtype = (1_000, 1_000), 2, "torch.float32"

        def detach(self) -> Any:
            calls.append("detach")
            return self

        def __getitem__(self, key: object) -> Any:
            calls.append(f"corner {key}")
            return self

        def tolist(self) -> list[float]:
            return [1.0]

        def __repr__(self) -> str:
            raise AssertionError("all of it")

    Tensor.__module__, Tensor.__qualname__ = "torch", "Tensor"
    made = Tensor()
    vars(made)["device"] = device
    return made


def test_an_array_on_a_device_is_not_fetched() -> None:
    calls: list[str] = []
    assert description(tensor("cuda:0", calls)).splitlines() == [
        "torch.Tensor, shape 1,000 by 1,000, torch.float32",
        "device: 'cuda:0'",
        "values: not computed, not fetched",
    ]
    assert description([tensor("cuda:0", calls)]).endswith(
        "<torch.Tensor, shape 1,000 by 1,000, torch.float32>"
    )
    assert not calls
    assert description(tensor("cpu", calls)).endswith("values, a corner: [1.0]")
    assert calls == ["detach", "corner (slice(None, 5, None), slice(None, 5, None))"]
