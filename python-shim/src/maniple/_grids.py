"""Grids, and functions whose large results begin a program's work.

A large array often comes of small real ones: `np.where(x[:, None] ** 2 + y ** 2 < 1, …)` of two
axes of 500 points has 250,000 elements, and all before it is NumPy's own. Its result is Maniple's.
The axes of an open grid are Maniple's from a smaller size on than other arrays: they are made to be
broadcast. (Those of linspace are not: they are as often the small data of a loop.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _fallback, _settings
from maniple._array import adopt
from maniple._creation import OVERRIDES, through


def axis(array: Any) -> Any:
    """Return a one-dimensional array as Maniple's if it is long enough to be an axis of a grid."""
    if type(array) is np.ndarray and _settings.axis <= array.size:
        return adopt(array)
    return array


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
    through(_name)


class _Grid:
    """`np.mgrid` and `np.ogrid`: an open grid's arrays are axes, a dense one's are large."""

    def __init__(self, name: str) -> None:
        self._real = getattr(np, name)
        self._name = name
        self.__doc__ = self._real.__doc__

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
OVERRIDES["mgrid"] = mgrid  # type: ignore[assignment]
OVERRIDES["ogrid"] = ogrid  # type: ignore[assignment]
