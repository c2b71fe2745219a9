"""`a.flags`, and the warnings that come with the flag of `broadcast_arrays`."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from maniple import _views

if TYPE_CHECKING:
    from maniple._array import ndarray


class Flags:
    """What `numpy.ndarray.flags` shows."""

    __slots__ = ("_array",)

    _names = {
        "C": "c_contiguous",
        "CONTIGUOUS": "c_contiguous",
        "C_CONTIGUOUS": "c_contiguous",
        "F": "f_contiguous",
        "FORTRAN": "f_contiguous",
        "F_CONTIGUOUS": "f_contiguous",
        "O": "owndata",
        "OWNDATA": "owndata",
        "W": "writeable",
        "WRITEABLE": "writeable",
        "A": "aligned",
        "ALIGNED": "aligned",
        "X": "writebackifcopy",
        "WRITEBACKIFCOPY": "writebackifcopy",
        "B": "behaved",
        "BEHAVED": "behaved",
        "CA": "carray",
        "CARRAY": "carray",
        "FA": "farray",
        "FARRAY": "farray",
        "FNC": "fnc",
        "FORC": "forc",
    }

    def __init__(self, array: ndarray) -> None:
        self._array = array

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return _flags_class

    @property
    def c_contiguous(self) -> bool:
        return _views.is_c_contiguous(self._array)

    @property
    def f_contiguous(self) -> bool:
        return _views.is_f_contiguous(self._array)

    contiguous = c_contiguous
    fortran = f_contiguous

    @property
    def owndata(self) -> bool:
        return self._array._base is None

    @property
    def writeable(self) -> bool:
        if self._array._writeable is None:
            _warn(_WILL_NOT_BE_WRITEABLE, FutureWarning)
        return self._array._writeable is not False

    @writeable.setter
    def writeable(self, value: Any) -> None:
        array = self._array
        if value and array._writeable is False:
            base = array._base
            memory = array._buf.memory
            if (base is not None and not base._writeable) or (
                memory is not None and not memory.flags.writeable
            ):
                raise ValueError("cannot set WRITEABLE flag to True of this array")
        array._writeable = bool(value)

    @writeable.deleter
    def writeable(self) -> None:
        raise AttributeError("Cannot delete flags writeable attribute")

    def _set_warn_on_write(self, value: Any) -> None:
        if not value:
            raise ValueError(
                "cannot clear '_warn_on_write', set writeable True to clear this private flag"
            )
        if self._array._writeable:
            self._array._writeable = None

    _warn_on_write = property(None, _set_warn_on_write)

    @property
    def aligned(self) -> bool:
        array = self._array
        alignment = array._dtype.alignment
        return not any(x % alignment for x in (array._offset, *array._strides)) or not array._size

    @aligned.setter
    def aligned(self, value: Any) -> None:
        if value and not self.aligned:
            raise ValueError("cannot set aligned flag of mis-aligned array to True")

    @property
    def writebackifcopy(self) -> bool:
        return False

    @writebackifcopy.setter
    def writebackifcopy(self, value: Any) -> None:
        if value:
            raise ValueError("cannot set WRITEBACKIFCOPY flag to True")

    @property
    def behaved(self) -> bool:
        return self.aligned and self.writeable

    @property
    def carray(self) -> bool:
        return self.behaved and self.c_contiguous

    @property
    def farray(self) -> bool:
        return self.behaved and self.f_contiguous and not self.c_contiguous

    @property
    def fnc(self) -> bool:
        return self.f_contiguous and not self.c_contiguous

    @property
    def forc(self) -> bool:
        return self.f_contiguous or self.c_contiguous

    @property
    def num(self) -> int:
        bits = (self.c_contiguous, 1), (self.f_contiguous, 2), (self.owndata, 4)
        warns = self._array._writeable is None, -1 << 31
        more = (self.aligned, 0x100), (self._array._writeable is not False, 0x400), warns
        return sum(n for on, n in (*bits, *more) if on)

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, self._names[key])
        except (KeyError, TypeError):
            raise KeyError("Unknown flag") from None

    def __setitem__(self, key: str, value: Any) -> None:
        name = self._names.get(key)
        if name not in ("writeable", "aligned", "writebackifcopy"):
            raise KeyError("Unknown flag")
        setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return self.num == getattr(other, "num", None)

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'numpy._core.multiarray.flagsobj'")

    def __repr__(self) -> str:
        names = ("C_CONTIGUOUS", "F_CONTIGUOUS", "OWNDATA", "WRITEABLE", "ALIGNED",
                 "WRITEBACKIFCOPY")  # fmt: skip
        warns = self._array._writeable is None
        values = [
            "True  (with WARN_ON_WRITE=True)" if warns and name == "WRITEABLE" else self[name]
            for name in names
        ]
        return "".join([f"  {n} : {value}\n" for n, value in zip(names, values, strict=True)])

    __str__ = __repr__


Flags.__name__ = Flags.__qualname__ = "flagsobj"
_flags_class = type(np.empty(0).flags)


_WARNED_OF = (
    "Numpy has detected that you (may be) writing to an array with\n"
    "overlapping memory from np.broadcast_arrays. If this is intentional\n"
    "set the WRITEABLE flag True or make a copy immediately before writing."
)


_WILL_NOT_BE_WRITEABLE = (
    "future versions will not create a writeable array from broadcast_array. "
    "Set the writable flag explicitly to avoid this warning."
)


def _warn(message: str, category: type[Warning]) -> None:
    """Warn where the user's code, or a library, called Maniple."""
    level = 2
    while sys._getframe(level - 1).f_globals.get("__name__", "").startswith("maniple."):
        level += 1
    warnings.warn(message, category, stacklevel=level)


def warn_on_write(a: ndarray) -> None:
    """Give NumPy's warning before the first write to a result of `broadcast_arrays`."""
    _warn(_WARNED_OF, DeprecationWarning)
    array: ndarray | None = a
    while array is not None and array._writeable is None:
        array._writeable = True
        array = array._base
