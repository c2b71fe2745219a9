"""Small accesses to large arrays: element by element, or by parts that are not much more.

A large array that the backend has made lies there, and it does not move for a boundary condition
that is written or a corner that is read: an element costs a message then, a hundred times what
NumPy takes. A program that goes on and on like that, a table filled in two loops, gets the array
into its own memory, where such accesses are NumPy's. What that is worth is counted, not timed: a
program runs the same way every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maniple import _settings
from maniple._buffer import LOCAL, SHARED, Buffer
from maniple._recorder import stream
from maniple._views import intern

if TYPE_CHECKING:
    from maniple._array import ndarray

# Bytes of an array that an access is worth to fetch. Shared memory is only mapped; of a backend
# elsewhere all of the array comes through the network, and goes back if it is computed with.
_MAPPED_FOR_READING = 8 << 20
_MAPPED_FOR_WRITING = 2 << 20
_MAPPED_LEAST = 16 << 20
_SENT_FOR_READING = 512 << 10
_SENT_FOR_WRITING = 16 << 10
_SENT_LEAST = 1 << 20

_LARGEST_SENT = 1 << 30
"""More than that is never fetched from elsewhere for this reason: it may not fit."""

_WORK = 4096
"""So many elements of other work between two accesses: a loop over whole arrays."""


def idle(buf: Buffer) -> bool:
    """Whether the content is in the program's memory, and nobody works on it."""
    if buf.home == LOCAL:
        return True
    return (
        buf.home == SHARED
        and buf.touched <= stream.completed
        and buf.written <= stream.sound
        and buf.handle > stream.inherited
    )


_INTEGERS = frozenset((int, np.int64))


def element_view(a: ndarray, key: Any) -> np.ndarray | None:
    """Return a NumPy view of an array that is idle, where `key` names an element; else None.

    The view is kept, so that the next element costs less: it is not to be handed out. (Calls of
    other functions are avoided here, they would be half of the time.)
    """
    if type(key) is tuple:
        if len(key) != len(a._shape):
            return None
        for k in key:
            if type(k) not in _INTEGERS:
                return None
    elif type(key) not in _INTEGERS or len(a._shape) != 1:
        return None
    buf = a._buf
    home = buf.home
    if home != LOCAL and (
        home != SHARED
        or buf.touched > stream.completed
        or buf.written > stream.sound
        or buf.handle <= stream.inherited
    ):
        return None
    if a._root and buf.typed:
        return buf.owner
    try:
        layout, offset, view = buf.window
        if layout is a._layout and offset == a._offset:
            return view
    except AttributeError:
        pass
    view = a._export_current()
    if a._layout is None:
        a._layout = intern(a._dtype, a._shape, a._strides)
    if a._layout is not None and a._writeable:
        buf.looked = True  # which closes it
        buf.window = a._layout, a._offset, view
    return view


def at_home(buf: Buffer, elements: int, *, reads: bool) -> bool:
    """Return whether an access to so many elements is to be NumPy's.

    Fetches the content where this access, and those before it, are worth it.
    """
    if _settings.defer_all:
        return False
    if idle(buf):
        return True
    number, expected, worth = getattr(buf, "accesses", (0, 0, 0))
    pending = stream.pending_elements
    if pending - (expected if number == stream.number else 0) > _WORK:
        worth = 0
    if stream.limits.shared_memory:
        worth += _MAPPED_FOR_READING if reads else _MAPPED_FOR_WRITING
        due = worth >= max(buf.nbytes, _MAPPED_LEAST)
    else:
        worth += _SENT_FOR_READING if reads else _SENT_FOR_WRITING
        due = max(buf.nbytes, _SENT_LEAST) <= min(worth, _LARGEST_SENT)
    if due:
        worth = 0
    buf.accesses = (stream.number, pending + elements, worth)
    if due:
        buf.look()
    return due
