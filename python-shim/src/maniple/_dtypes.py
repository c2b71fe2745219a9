"""The fourteen data types of the program format, and their NumPy counterparts."""

from __future__ import annotations

import numpy as np

CHARACTERS = "?bBhHiIlLefdFD"
"""Type characters in the order of the program format's DataType, which starts at 1."""

CODE: dict[np.dtype, int] = {np.dtype(c): i + 1 for i, c in enumerate(CHARACTERS)}
"""NumPy dtype (native byte order) to DataType. longlong equals int64 here, as it does in NumPy."""

DTYPE: list[np.dtype | None] = [None] + [np.dtype(c) for c in CHARACTERS]
"""DataType to NumPy dtype."""

CHARACTER: dict[np.dtype, str] = {np.dtype(c): c for c in CHARACTERS}

ITEMSIZE: list[int] = [0] + [np.dtype(c).itemsize for c in CHARACTERS]

BOOL = np.dtype(bool)
INTP = np.dtype(np.intp)
FLOAT64 = np.dtype(np.float64)

INTEGER_RANGE: dict[np.dtype, tuple[int, int]] = {
    np.dtype(c): (int(np.iinfo(c).min), int(np.iinfo(c).max)) for c in "bBhHiIlL"
}


def scalar_bits(value: object, dtype: np.dtype) -> tuple[int, int, int]:
    """Return (DataType, low, high) of `value` converted to `dtype`."""
    raw = np.array(value, dtype).tobytes()
    return CODE[dtype], int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")
