"""`a.resize(…)`: shape and size of an array change in place."""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np

from maniple._array import adopt, ndarray

_REFERRED_TO = (
    "cannot resize an array that references or is referenced\n"
    "by another object in this way.\n"
    "Use the np.resize function to get a new resized copy or\n"
    " set refcheck=False to disable this check"
)

_REFERENCES = 3
"""To the array, when one variable has it: the variable, `Resize._array`, getrefcount's argument."""


class Resize:
    """The bound method.

    It counts references to the array as NumPy does, which a function of Python cannot: called
    directly or not, the array is one of its arguments.
    """

    __slots__ = ("_array",)
    __name__ = "resize"
    __doc__ = np.ndarray.resize.__doc__

    def __init__(self, array: ndarray) -> None:
        self._array = array

    @property
    def __wrapped__(self) -> Any:
        return np.empty(0).resize  # where `inspect.signature` looks

    def __call__(self, *shape: Any, **options: Any) -> None:
        if not self._array.flags.forc:
            raise ValueError("resize only works on single-segment arrays")
        # NumPy checks the arguments, and gives strides and zeros.
        order: Any = "F" if self._array.flags.fnc else "C"
        resized: np.ndarray = np.empty(self._array._shape, self._array._dtype, order)
        resized.resize(*shape, **options)
        if resized.nbytes == self._array.nbytes:
            self._array._relayout(resized)
            return
        if self._array._base is not None:
            raise ValueError("cannot resize this array: it does not own its data")
        checked = options.get("refcheck", True)
        if weakref.getweakrefcount(self._array) or (
            checked and sys.getrefcount(self._array) > _REFERENCES
        ):
            raise ValueError(_REFERRED_TO)
        n = min(resized.size, self._array._size)
        resized.reshape(-1, order="A")[:n] = self._array._host().reshape(-1, order="A")[:n]
        new = adopt(resized)
        array = self._array
        array._relayout(resized)
        array._buf, array._offset, array._root = new._buf, new._offset, new._root


class _Method:
    __name__ = "resize"
    __doc__ = np.ndarray.resize.__doc__

    def __init__(self) -> None:
        self.__func__ = Resize.__call__
        self.__wrapped__ = np.ndarray.resize

    def __get__(self, array: ndarray | None, owner: type | None = None) -> Any:
        return self if array is None else Resize(array)

    def __call__(self, array: ndarray, *shape: Any, **options: Any) -> None:
        Resize(array)(*shape, **options)


def install() -> None:
    ndarray.resize = _Method()  # type: ignore[attr-defined]
