"""Axes of grids, and functions whose large results begin a program's work.

A grid is often made of small real arrays: `x[:, None] ** 2 + y ** 2` of two axes of 500 points has
250,000 elements. Axes are therefore Maniple's from a much smaller size on than other arrays, so that
what they span is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _fallback, _settings
from maniple._array import adopt
from maniple._creation import OVERRIDES, Replacement


def axis(array: Any) -> Any:
    """Return a one-dimensional array as Maniple's if it is long enough to be an axis of a grid."""
    if type(array) is np.ndarray and _settings.axis <= array.size:
        return adopt(array)
    return array


def _axes(name: str) -> None:
    inner = OVERRIDES.get(name) or getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        if type(result) is tuple:  # with retstep
            return (axis(result[0]), *result[1:])
        return axis(result)

    OVERRIDES[name] = Replacement(name, function)


for _name in ("linspace", "logspace", "geomspace"):
    _axes(_name)


def _results(name: str) -> None:
    original = getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        return _fallback.wrap(result) if type(result) is np.ndarray else result

    OVERRIDES[name] = Replacement(name, function)


for _name in (
    "where",
    "select",
    "pad",
    "roll",
    "einsum",
    "dot",
    "tensordot",
    "diff",
    "interp",
    "cumsum",
    "cumprod",
    "convolve",
    "correlate",
    "histogram2d",
    "cross",
):
    _results(_name)


class _Grid:
    """`np.mgrid` and `np.ogrid`: an open grid's arrays are axes, a dense one's are large."""

    def __init__(self, name: str) -> None:
        self._real = getattr(np, name)
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        result = self._real[key]
        if type(result) is tuple:
            return tuple([axis(array) for array in result])
        return axis(result) if self._name == "ogrid" else _fallback.wrap(result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __len__(self) -> int:
        return 0

    def __reduce__(self) -> str:
        return self._name


mgrid = _Grid("mgrid")
ogrid = _Grid("ogrid")
OVERRIDES.update(mgrid=mgrid, ogrid=ogrid)  # type: ignore[dict-item]
