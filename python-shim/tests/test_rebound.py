"""NumPy's own code on deferred arrays: one record table against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import maniple as np
from maniple import _rebound
from maniple._array import ndarray
from test_table import assert_same, outcome

pytestmark = pytest.mark.usefixtures("defer_all")

DTYPES = "?bHilefdFD"


def _numbers(n: int, t: str) -> Any:
    values = (numpy.arange(n) * 7 % 11).astype(t)
    if t in "efdFD" and n > 3:
        values[3] = numpy.nan
    return values


SHAPES: dict[str, Callable[[Any, str], Any]] = {
    "empty": lambda m, t: m.zeros((0, 3), t),
    "one": lambda m, t: m.full((1,), 2, t),
    "vector": lambda m, t: m.array(_numbers(13, t)),
    "reversed": lambda m, t: m.array(_numbers(13, t))[::-1],
    "finite": lambda m, t: m.array((numpy.arange(13) * 7 % 11).astype(t)),
    "square": lambda m, t: m.array((numpy.arange(16) * 3 % 7).astype(t).reshape(4, 4)),
    "matrix": lambda m, t: m.array(_numbers(24, t).reshape(4, 6)),
    "strided": lambda m, t: m.array(_numbers(96, t).reshape(8, 12))[::2, ::-2],
    "broadcast": lambda m, t: m.broadcast_to(m.array(_numbers(6, t)), (4, 6)),
    "cube": lambda m, t: m.array(_numbers(24, t).reshape(2, 3, 4)),
}

METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen "
    "weibull linear median_unbiased normal_unbiased lower higher midpoint nearest"
).split()
PADS = "constant edge linear_ramp maximum mean median minimum reflect symmetric wrap empty".split()


def written(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return what `function` makes of a copy of its argument."""

    def call(m: Any, x: Any) -> Any:
        x = x.copy()
        function(m, x)
        return x

    return call


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "diff": lambda m, x: m.diff(x, prepend=1),
    "diff n": lambda m, x: m.diff(x, 2, axis=0, append=x[:1]),
    "ediff1d": lambda m, x: m.ediff1d(x),
    "ediff1d ends": lambda m, x: m.ediff1d(x, to_begin=x[:1], to_end=x[-1:]),
    "gradient": lambda m, x: m.gradient(x),
    "gradient spacing": lambda m, x: m.gradient(x, 2.0, axis=0, edge_order=2),
    "trapezoid": lambda m, x: m.trapezoid(x),
    "trapezoid dx": lambda m, x: m.trapezoid(x, dx=0.5, axis=0),
    "cov": lambda m, x: m.cov(x),
    "cov bias": lambda m, x: m.cov(x, bias=True, rowvar=False),
    "corrcoef": lambda m, x: m.corrcoef(x),
    "percentile": lambda m, x: m.percentile(x, [10, 50, 75]),
    "percentile axis": lambda m, x: m.percentile(x, 30, axis=0, keepdims=True),
    **{f"quantile {k}": lambda m, x, k=k: m.quantile(x, [0.1, 0.5], method=k) for k in METHODS},
    "nanpercentile": lambda m, x: m.nanpercentile(x, [10, 50], axis=0),
    "nanquantile": lambda m, x: m.nanquantile(x, 0.3),
    "median": lambda m, x: m.median(x),
    "median axis": lambda m, x: m.median(x, axis=-1),
    "nanmedian": lambda m, x: m.nanmedian(x, axis=0),
    **{
        f"{name} {axis}": lambda m, x, name=name, axis=axis: getattr(m, name)(x, axis=axis)
        for name in (
            "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax", "nanargmin",
            "nanargmax", "nancumsum", "nancumprod",
        )
        for axis in (None, 0)
    },
    "average": lambda m, x: m.average(x, axis=0, weights=m.arange(1, x.shape[0] + 1)),
    "average returned": lambda m, x: m.average(x, weights=abs(x) + 1, returned=True),
    "roll": lambda m, x: m.roll(x, (1, 2), (0, 0)),
    "rot90": lambda m, x: m.rot90(x),
    **{f"pad {k}": lambda m, x, k=k: m.pad(x, 2, k) for k in PADS if k != "empty"},
    "pad empty": lambda m, x: m.pad(x, 2, "empty")[(slice(2, -2),) * x.ndim],
    "tile": lambda m, x: m.tile(x, 2),
    "tile zero": lambda m, x: m.tile(x, (2, 0)),
    "repeat each": lambda m, x: m.repeat(x, m.arange(x.shape[0]), axis=0),
    "repeat method": lambda m, x: x.repeat(3, 0),
    "kron": lambda m, x: m.kron(x, x),
    "outer": lambda m, x: m.outer(x, x),
    "cross": lambda m, x: m.cross(x[..., :3], x[..., 1:4]),
    "tensordot": lambda m, x: m.tensordot(x, x, axes=(0, 0)),
    "inner": lambda m, x: m.inner(x, x),
    "vdot": lambda m, x: m.vdot(x, x),
    "meshgrid": lambda m, x: tuple(m.meshgrid(x, x[:1])),
    "ix_": lambda m, x: m.ix_(x > 1, m.arange(3)),
    "select": lambda m, x: m.select([x > 3, x > 1], [x, x + 1], 7),
    "piecewise": lambda m, x: m.piecewise(x, [x > 3, x < 2], [lambda v: v * 2, 1, 0]),
    "choose": lambda m, x: m.choose((x > 1).astype(int), [x, x + x]),
    "digitize": lambda m, x: m.digitize(x, m.array([1, 3, 5])),
    "histogram": lambda m, x: m.histogram(x, 5),
    "histogram weights": lambda m, x: m.histogram(x, 5, (1, 6), weights=x + 1),
    "histogram edges": lambda m, x: m.histogram(x, [1, 3, 4, 9], density=True),
    "histogram2d": lambda m, x: m.histogram2d(x, x + 1, 4),
    "histogramdd": lambda m, x: m.histogramdd(x, 3)[0],
    "histogram_bin_edges": lambda m, x: m.histogram_bin_edges(x, "auto"),
    "interp": lambda m, x: m.interp(x, [1, 3, 4], [2.0, 5.0, 1.0]),
    "interp ends": lambda m, x: m.interp(x, [1, 3, 4], [2.0, 5.0, 1.0], left=-1, right=9),
    "interp period": lambda m, x: m.interp(x, [1, 3, 4], [2.0, 5.0, 1.0], period=5),
    "interp complex": lambda m, x: m.interp(x, [1, 3, 4], [2.0, 5.0j, 1.0]),
    "convolve": lambda m, x: m.convolve(x, [1, 2, 3], "same"),
    "correlate": lambda m, x: m.correlate(x, x, "full"),
    "unwrap": lambda m, x: m.unwrap(x),
    "unwrap axis": lambda m, x: m.unwrap(x, axis=0, period=5),
    "angle": lambda m, x: m.angle(x, deg=True),
    "sinc": lambda m, x: m.sinc(x),
    "i0": lambda m, x: m.i0(x),
    "nan_to_num": lambda m, x: m.nan_to_num(x, nan=3.0, posinf=1),
    "isclose": lambda m, x: m.isclose(x, x + 1e-9, equal_nan=True),
    "allclose": lambda m, x: m.allclose(x, x),
    "array_equal": lambda m, x: m.array_equal(x, x, equal_nan=True),
    "array_equiv": lambda m, x: m.array_equiv(x, x[:1]),
    "real_if_close": lambda m, x: m.real_if_close(x),
    "fix": lambda m, x: m.fix(x),
    "iscomplex": lambda m, x: m.iscomplex(x),
    "isreal": lambda m, x: m.isreal(x),
    "isneginf": lambda m, x: m.isneginf(x),
    "isposinf": lambda m, x: m.isposinf(x),
    "vander": lambda m, x: m.vander(x, 3),
    "tril": lambda m, x: m.tril(x, 1),
    "triu": lambda m, x: m.triu(x, -1),
    "diag": lambda m, x: m.diag(x, 1),
    "diagflat": lambda m, x: m.diagflat(x),
    "fill_diagonal": written(lambda m, x: m.fill_diagonal(x, 5)),
    "fill_diagonal wrap": written(lambda m, x: m.fill_diagonal(x.T, [5, 6], wrap=True)),
    "apply_along_axis": lambda m, x: m.apply_along_axis(lambda v: v.sum(), 0, x),
    "apply_over_axes": lambda m, x: m.apply_over_axes(m.sum, x, [0]),
    "insert": lambda m, x: m.insert(x, 1, 9, axis=0),
    "insert many": lambda m, x: m.insert(x, [0, 2], [8, 9]),
    "delete": lambda m, x: m.delete(x, 1, axis=0),
    "delete many": lambda m, x: m.delete(x, [0, 2], axis=-1),
    "delete slice": lambda m, x: m.delete(x, slice(None, None, 2), axis=0),
    "delete mask": lambda m, x: m.delete(x, x.ravel() > 2),
    "append": lambda m, x: m.append(x, x, axis=0),
    "resize": lambda m, x: m.resize(x, (5, 7)),
    "trim_zeros": lambda m, x: m.trim_zeros(x),
    "extract": lambda m, x: m.extract(x > 1, x),
    "place": written(lambda m, x: m.place(x, x > 1, [1, 2, 3])),
    "put": written(lambda m, x: m.put(x, [0, 2, -1], [7, 8])),
    "put clip": written(lambda m, x: x.put([0, 200], 7, mode="clip")),
    "put_along_axis": written(lambda m, x: m.put_along_axis(x, m.argmax(x, -1, keepdims=True), 7,
                                                            -1)),
    "take_along_axis": lambda m, x: m.take_along_axis(x, m.argsort(x, axis=0), axis=0),
    "compress": lambda m, x: m.compress([True, False, True], x, axis=0),
    "compress flat": lambda m, x: x.compress([True, False, True]),
    "unique": lambda m, x: m.unique(x),
    "unique all": lambda m, x: m.unique(x, True, True, True),
    "unique axis": lambda m, x: m.unique(x, axis=0),
    "unique_counts": lambda m, x: tuple(m.unique_counts(x)),
    "intersect1d": lambda m, x: m.intersect1d(x, x + 1),
    "union1d": lambda m, x: m.union1d(x, x + 1),
    "setdiff1d": lambda m, x: m.setdiff1d(x, [1, 2]),
    "setxor1d": lambda m, x: m.setxor1d(x, [1, 2]),
    "isin": lambda m, x: m.isin(x, [1, 2]),
    "isin invert": lambda m, x: m.isin(x, x[:1], invert=True),
    "packbits": lambda m, x: m.packbits(x > 2, axis=-1),
    "unpackbits": lambda m, x: m.unpackbits(x.astype("u1"), axis=0),
    "linspace": lambda m, x: m.linspace(x, x + 3, 5),
    "linspace axis": lambda m, x: m.linspace(0, x, 4, endpoint=False, retstep=True, axis=-1),
    "logspace": lambda m, x: m.logspace(x / 9, 1, 3),
    "geomspace": lambda m, x: m.geomspace(x + 1, 20, 3),
    "polyval": lambda m, x: m.polyval([1, 2, 3], x),
    "polyval array": lambda m, x: m.polyval(x, 2),
    "polyfit": lambda m, x: m.polyfit(m.arange(x.shape[0]), x, 2),
    "polymul": lambda m, x: m.polymul(x, [1, 2]),
    "polynomial": lambda m, x: m.polynomial.polynomial.polyval(x, [1, 2, 3]),
    "chebyshev": lambda m, x: m.polynomial.chebyshev.chebval(x, [1, 2, 3]),
    "hermite vander": lambda m, x: m.polynomial.hermite.hermvander(x, 3),
    "flatnonzero": lambda m, x: m.flatnonzero(x),
    "argwhere": lambda m, x: m.argwhere(x > 2),
    "nonzero": lambda m, x: m.nonzero(x),
    "nonzero method": lambda m, x: (x > 2).nonzero(),
    "where one": lambda m, x: m.where(x > 2),
    "round": lambda m, x: m.round(x / 3, 1),
    "round method": lambda m, x: x.round(),
    "round negative": lambda m, x: m.around(x * 9, -1),
    "take wrap": lambda m, x: m.take(x, [0, 50, -3], axis=0, mode="wrap"),
    "take clip": lambda m, x: x.take([[0, 50], [-3, 1]], mode="clip"),
    "sum initial": lambda m, x: x.sum(initial=3),
    "max initial": lambda m, x: x.max(axis=0, initial=3, where=x > 1),
    "mean where": lambda m, x: x.mean(axis=0, where=x > 1),
    "var where": lambda m, x: x.var(where=x > 1),
    "std where": lambda m, x: m.std(x, axis=-1, where=x < 4, ddof=1),
    "add.at": written(lambda m, x: m.add.at(x, [0, 0, 1], 1)),
    "add.reduceat": lambda m, x: m.add.reduceat(x, [0, 2, 1]),
    "block": lambda m, x: m.block([[x, x], [x, x]]),
    "linalg.norm": lambda m, x: m.linalg.norm(x, 1),
    "linalg.cond": lambda m, x: m.linalg.cond(x),
    "linalg.matrix_power": lambda m, x: m.linalg.matrix_power(x, 3),
    "linalg.vector_norm": lambda m, x: m.linalg.vector_norm(x, ord=3),
    "fft.fftshift": lambda m, x: m.fft.fftshift(x),
}  # fmt: skip

LOOSE = frozenset(("polyfit", "linalg.cond", "linalg.norm", "corrcoef", "cov", "geomspace",
                   "logspace"))  # fmt: skip
"""Sums of products, whose order is the backend's."""


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_function_agrees_with_numpy(name: str, shape: str) -> None:
    function = FUNCTIONS[name]
    for dtype in DTYPES:
        want = outcome(function, numpy, SHAPES[shape](numpy, dtype))
        x = SHAPES[shape](np, dtype)
        assert type(x) is ndarray
        before = numpy.array(x)
        assert_same(outcome(function, np, x), want)
        numpy.testing.assert_array_equal(numpy.asarray(x), before)


def test_the_table_names_functions_of_numpys() -> None:
    for function in _rebound._rows():
        assert callable(_rebound.rebound(function))


def run_in_the_open(function: Any, args: Any, kwargs: Any) -> Any:
    """Instead of `_rebound.run`: with its errors."""
    return _rebound._packed(function(*args, **kwargs))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", ["finite", "square"])
def test_numpys_code_raises_nothing_of_its_own(
    name: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = outcome(FUNCTIONS[name], numpy, SHAPES[shape](numpy, "d"))
    if isinstance(want, type) or (name, shape) in NUMPY_RAISES:
        return
    monkeypatch.setattr(_rebound, "run", run_in_the_open)
    assert_same(outcome(FUNCTIONS[name], np, SHAPES[shape](np, "d")), want)


NUMPY_RAISES = frozenset((("corrcoef", "finite"), ("cross", "finite")))
"""NumPy catches an error of its own; and a product of two numbers is a scalar."""


@pytest.mark.parametrize("name", sorted(_rebound.CREATORS))
def test_creators_agree_with_numpy(name: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "fromfunction": (lambda i, j: i * 2 + j, (4, 5)),
        "indices": ((3, 4),),
        "kaiser": (9, 2.5),
    }
    given = arguments.get(name, (9,))
    got = getattr(np, name)(*given)
    assert type(got) is ndarray
    assert_same(got, getattr(numpy, name)(*given))


@pytest.mark.parametrize("k", [-7, -4, -1, 0, 2, 4, 5, 9])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 5), (5, 3), (0, 3)])
def test_diagonals_agree_with_numpy(shape: tuple[int, int], k: int) -> None:
    for dtype in ("?", "i2", "f4", "F"):
        assert_same(np.eye(*shape, k, dtype), numpy.eye(*shape, k, dtype))
        assert_same(np.tri(*shape, k, dtype), numpy.tri(*shape, k, dtype))
    assert_same(np.identity(shape[0], "f2"), numpy.identity(shape[0], "f2"))


INDICES: dict[str, Callable[[Any], Any]] = {
    "slice and array": lambda m: (slice(1, None), m.array([0, 2])),
    "array and slice": lambda m: (m.array([0, -1]), slice(None, None, -1)),
    "integer, slice, array": lambda m: (0, slice(None), m.array([1, 0, 1])),
    "array, slice, array": lambda m: (m.array([1, 0]), slice(1, None), m.array([0, 3])),
    "array, array, slice": lambda m: (m.array([1, 0]), m.array([[2], [0]]), slice(1, 3)),
    "new axis": lambda m: (None, m.array([1, 0]), slice(None)),
    "new axis between": lambda m: (m.array([1, 0]), None, m.array([1, 0])),
    "ellipsis": lambda m: (..., m.array([0, 3, 3])),
    "ellipsis between": lambda m: (m.array([0, 1]), ..., m.array([0, 3])),
    "mask": lambda m: m.array([True, False]),
    "mask and slice": lambda m: (slice(None), m.array([True, False, True])),
    "masks": lambda m: (m.array([True, True]), m.array([True, False, True]), slice(1, 3)),
    "mask of two": lambda m: m.arange(6).reshape(2, 3) % 2 == 0,
    "mask of two behind": lambda m: (1, m.arange(12).reshape(3, 4) % 5 == 0),
    "integer and mask": lambda m: (slice(None), 1, m.array([True, False, True, True])),
    "list": lambda m: (slice(None), [0, 2]),
    "out of bounds": lambda m: (slice(None), m.array([0, 3])),
    "wrong mask": lambda m: (slice(None), m.array([True, False])),
    "too many": lambda m: (0, 0, 0, m.array([0])),
    "empty": lambda m: (slice(None), m.array([], dtype=int)),
}
SOURCES: dict[str, Callable[[Any], Any]] = {
    "cube": lambda m: m.arange(24.0).reshape(2, 3, 4),
    "transposed": lambda m: m.arange(24).reshape(4, 3, 2).T,
    "strided": lambda m: m.arange(96, dtype="f4").reshape(4, 3, 8)[::-2, :, ::-2],
}


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("source", SOURCES)
def test_mixed_indices_agree_with_numpy(index: str, source: str) -> None:
    def read(m: Any) -> Any:
        return SOURCES[source](m)[INDICES[index](m)]

    def write(m: Any, value: Callable[[Any], Any]) -> Any:
        x = SOURCES[source](m)
        chosen = x[INDICES[index](m)]
        x[INDICES[index](m)] = value(chosen)
        return x

    want = outcome(read, numpy)
    assert_same(outcome(read, np), want)
    values: tuple[Callable[[Any], Any], ...] = (
        lambda chosen: 7,
        lambda chosen: -chosen,
        lambda chosen: chosen[..., :1] + 50,
        lambda chosen: [1, 2, 3, 4, 5],
    )
    for value in values:
        assert_same(outcome(write, np, value), outcome(write, numpy, value))
