"""Arrays on paper: what is printed of a large one is its corners, so only these are fetched."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from maniple._buffer import LOCAL, PRIVATE, SHARED
from maniple._recorder import stream
from maniple._sizes import size_text

if TYPE_CHECKING:
    from maniple._array import ndarray

_RICH_BYTES = 1 << 20
"""A notebook says of arrays from here on where they are."""


def printed(a: ndarray) -> np.ndarray:
    """Return an array that NumPy prints as it would print `a`."""
    options = np.get_printoptions()
    edge = options["edgeitems"]
    large = a._size > options["threshold"]
    if not large or a._buf.home != PRIVATE or stream.limits.shared_memory or edge < 1:
        return a._export()
    corners: Any = a
    places = []
    for axis, n in enumerate(a._shape):
        if n <= 2 * edge:
            places.append(np.arange(n))
            continue
        places.append(np.r_[0:edge, n - edge : n])
        before: tuple[Any, ...] = (slice(None),) * axis
        first, last = corners[(*before, slice(edge))], corners[(*before, slice(n - edge, n))]
        corners = np.concatenate((first, last), axis=axis)
    # Pages that nobody touches take no memory.
    whole: np.ndarray = np.zeros(a._shape, a._dtype)
    whole[np.ix_(*places)] = corners._export()
    return whole


def rich(a: Any) -> str | None:
    """Return what a notebook shows of a large array: HTML, or nothing for small ones."""
    if not hasattr(a, "_buf") or a.nbytes < _RICH_BYTES:
        return None
    from maniple._address import url_of_environment

    home = a._buf.home
    url = url_of_environment()
    place = {
        LOCAL: "this process",
        SHARED: "memory shared with this machine's server",
        PRIVATE: f"the daemon at {url}" if url else "this machine's server",
    }[home]
    note = f"{a.shape} {a.dtype}, {size_text(a.nbytes)}, in {place}"
    return f"<pre>{html.escape(repr(a))}</pre><small>{html.escape(note)}</small>"
