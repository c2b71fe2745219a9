"""All tunable constants of the shim, with their environment overrides."""

from __future__ import annotations

import os


def _integer(name: str, default: int) -> int:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} must be an integer, not {text!r}") from None


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() not in ("", "0", "no", "false", "off")


defer_all: bool = _flag("MANIPLE_DEFER_ALL")
"""Every array, however small, goes through the backend. For tests."""

small: int = 0 if defer_all else _integer("MANIPLE_SMALL", 1000)
"""Creation of fewer elements returns a real numpy.ndarray."""

axis: int = 0 if defer_all else _integer("MANIPLE_AXIS", 64)
"""The axes of an open grid (np.ogrid) are Maniple's arrays from here on."""

defer: int = 0 if defer_all else _integer("MANIPLE_DEFER", 32768)
"""Operations on fewer elements are computed by NumPy at once."""

host: int = _integer("MANIPLE_HOST", 1 << 20)
"""The same in programs that look at results all the time (`_pace`); 0: never."""

inline_bytes: int = _integer("MANIPLE_INLINE_BYTES", 64 << 10)
"""Up to this many bytes travel inside a batch, more through shared memory."""

batch_instructions: int = _integer("MANIPLE_BATCH_INSTRUCTIONS", 2000)
"""A batch of this many instructions is sent without waiting for an observation."""

pending_elements: int = _integer("MANIPLE_PENDING_ELEMENTS", 512 << 20)
"""Work of this many elements is sent when an in-place write ends it (a loop's body, usually)."""

backend: str = os.environ.get("MANIPLE_BACKEND", "")
"""Empty: the server; "reference": NumPy in this process; "none": never defer."""
