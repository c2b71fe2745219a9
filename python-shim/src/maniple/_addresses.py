"""What tells others the address of an array's memory: `a.ctypes`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy._core import _internal

from maniple._array import ndarray

_ctypes: Any = _internal._ctypes


class Ctypes(_ctypes):  # type: ignore[misc]
    """NumPy's own object; a pointer it gives keeps the array and its memory in place."""

    def __init__(self, array: ndarray, memory: np.ndarray) -> None:
        self._array = array
        self._memory = memory
        super().__init__(array, memory.ctypes.data)

    def data_as(self, obj: Any) -> Any:
        pointer = super().data_as(obj)
        pointer._memory = self._memory
        return pointer

    @property
    def data(self) -> Any:
        # A number keeps nothing: the memory stays where it is as long as there is the array.
        self._array._buf.keep_in_place()
        return super().data


Ctypes.__name__ = Ctypes.__qualname__ = "_ctypes"
