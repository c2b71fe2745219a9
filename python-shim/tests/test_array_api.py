"""The array API standard, from its text: names, signatures, types and special cases, as NumPy's.

A sample; integration-tests/python/array_api_suite.py runs the standard's whole suite.
"""

from __future__ import annotations

import inspect
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maniple as mp

SOURCE = Path(__file__).resolve().parent.parent / "src"

CONSTANTS = "e inf nan newaxis pi"
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
)
CREATION = (
    "arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones "
    "ones_like tril triu zeros zeros_like"
)
UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor log log10 log1p log2 "
    "negative positive reciprocal sign signbit sin sinh sqrt square tan tanh trunc isfinite isinf "
    "isnan logical_not"
)
BINARY = (
    "add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal "
    "logaddexp logical_and logical_or logical_xor maximum minimum multiply nextafter not_equal "
    "pow remainder subtract bitwise_and bitwise_or bitwise_xor bitwise_left_shift "
    "bitwise_right_shift"
)
OTHERS = (
    "bitwise_invert clip conj imag real round astype broadcast_arrays broadcast_to can_cast "
    "finfo iinfo isdtype result_type take take_along_axis matmul matrix_transpose tensordot "
    "vecdot concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack "
    "tile unstack argmax argmin count_nonzero nonzero searchsorted where unique_all "
    "unique_counts unique_inverse unique_values argsort sort cumulative_prod cumulative_sum "
    "max mean min prod std sum var all any diff __array_namespace_info__ "
    "__array_api_version__ fft linalg"
)
NUMBERS = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e300, -1e-300, np.inf, -np.inf, np.nan])


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


def deferred(values: Any, dtype: Any = None) -> Any:
    """Return an array of Maniple's, whatever its size."""
    from maniple._array import adopt

    return adopt(np.array(values, dtype))


def same(ours: Any, plain: Any) -> None:
    ours = np.asarray(ours)
    assert ours.dtype == plain.dtype
    assert ours.shape == plain.shape
    if plain.dtype.kind in "fc":
        np.testing.assert_allclose(ours, plain, rtol=1e-6 if plain.itemsize == 4 else 1e-13)
        for part in ("real", "imag") if plain.dtype.kind == "c" else ("real",):
            x, y = getattr(ours, part), getattr(plain, part)
            assert (np.signbit(x) == np.signbit(y))[~np.isnan(y)].all()
    else:
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize(
    "name", f"{CONSTANTS} {DTYPES} {CREATION} {UNARY} {BINARY} {OTHERS}".split()
)
def test_the_namespace_has_the_name_with_numpys_signature(name: str) -> None:
    ours, plain = getattr(mp, name), getattr(np, name)
    try:
        expected = inspect.signature(plain)
    except (TypeError, ValueError):
        return
    assert inspect.signature(ours) == expected


@pytest.mark.parametrize("name", BINARY.split())
def test_types_are_promoted_as_numpys(name: str) -> None:
    for first, second in itertools.product(DTYPES.split(), repeat=2):
        x, y = np.array([3, 0, 1], first), np.array([1, 2, 1], second)
        try:
            expected = getattr(np, name)(x, y)
        except TypeError as error:
            with pytest.raises(TypeError, match=str(error)[:20]):
                getattr(mp, name)(deferred(x), deferred(y))
        else:
            same(getattr(mp, name)(deferred(x), deferred(y)), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY.split())
def test_special_cases_of_one_argument(name: str, dtype: str) -> None:
    x = NUMBERS.astype(dtype)
    same(getattr(mp, name)(deferred(x)), getattr(np, name)(x))


FLOATING = [n for n in BINARY.split() if not n.startswith("bitwise")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FLOATING)
def test_special_cases_of_two_arguments(name: str, dtype: str) -> None:
    x, y = [a.ravel() for a in np.meshgrid(NUMBERS.astype(dtype), NUMBERS.astype(dtype))]
    same(getattr(mp, name)(deferred(x), deferred(y)), getattr(np, name)(x, y))


def test_namespace_device_and_exchange() -> None:
    a = deferred(np.arange(6.0).reshape(2, 3))
    assert a.__array_namespace__(api_version="2024.12").__name__ == "numpy"
    with pytest.raises(ValueError, match="not supported"):
        a.__array_namespace__(api_version="1999.1")
    info, plain = mp.__array_namespace_info__(), np.__array_namespace_info__()
    assert info.capabilities() == plain.capabilities()
    assert info.default_dtypes() == plain.default_dtypes()
    assert info.dtypes(kind="integral") == plain.dtypes(kind="integral")
    assert info.devices() == plain.devices() == [a.device]
    assert a.to_device("cpu") is a
    with pytest.raises(ValueError, match="device"):
        a.to_device("gpu")
    assert a.__dlpack_device__() == np.zeros(1).__dlpack_device__()
    names = list(inspect.signature(a.__dlpack__).parameters)
    assert names == ["stream", "max_version", "dl_device", "copy"]
    same(np.from_dlpack(a * 2), np.arange(6.0).reshape(2, 3) * 2)
    same(mp.from_dlpack(a), np.arange(6.0).reshape(2, 3))
    same(a.mT, np.arange(6.0).reshape(2, 3).T)


keys = st.one_of(
    st.integers(-3, 2), st.slices(3), st.just(Ellipsis), st.none(), st.just(slice(None, None, -1))
)


@settings(max_examples=150, deadline=None)
@given(key=st.lists(keys, max_size=4).map(tuple), scale=st.integers(-3, 3))
def test_indexing(key: Any, scale: int) -> None:
    plain = np.arange(27).reshape(3, 3, 3) * scale
    ours = deferred(plain)
    try:
        expected = plain[key]
    except IndexError as error:
        message = str(error)
        with pytest.raises(IndexError, match=re.escape(message)):
            ours[key]
        return
    same(ours[key], np.asarray(expected))
    ours[key] = 7
    plain[key] = 7
    same(ours, plain)


@settings(max_examples=60, deadline=None)
@given(shape=st.lists(st.integers(0, 3), min_size=1, max_size=3), data=st.data())
def test_manipulation(shape: list[int], data: Any) -> None:
    plain = np.arange(int(np.prod(shape)), dtype=data.draw(st.sampled_from(["u1", "f4", "c16"])))
    plain = plain.reshape(shape) + 1
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    ours = deferred(plain)
    for x, y in zip(mp.unstack(ours, axis=axis), np.unstack(plain, axis=axis), strict=True):
        same(x, np.asarray(y))
    same(mp.flip(ours, axis=axis), np.flip(plain, axis=axis))
    same(mp.roll(ours, 2, axis=axis), np.roll(plain, 2, axis=axis))
    same(mp.expand_dims(ours, axis=axis), np.expand_dims(plain, axis=axis))
    same(mp.concat([ours, ours], axis=axis), np.concat([plain, plain], axis=axis))
    same(mp.stack([ours, ours], axis=axis), np.stack([plain, plain], axis=axis))
    same(mp.cumulative_sum(ours, axis=axis), np.cumulative_sum(plain, axis=axis))


def test_all_of_this_with_every_array_deferred() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "not all_of_this",
            __file__,
        ],
        env={**os.environ, "MANIPLE_DEFER_ALL": "1", "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
