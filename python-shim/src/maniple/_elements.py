"""Single elements: reading and writing them one by one, as loops in Python do.

At the host they are NumPy's, by the shortest way there is. At the backend each costs a message or
an instruction, which is right for a program that looks at one number now and then, and a thousand
times what NumPy needs for one that goes through an array. So what elements of a buffer have cost
since anything else was recorded is counted, and once that is what fetching it would have cost, it
is fetched. It is counted, not timed: a program runs the same way every time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _profile, _settings
from maniple._array import ndarray
from maniple._buffer import LOCAL, PRIVATE, SHARED, Buffer
from maniple._recorder import stream

INTEGERS = frozenset((int, np.int64, np.int32, np.intp))
NUMBERS = frozenset((int, float, bool, np.int64, np.float64, np.float32, np.bool_))
"""Types of values that are assigned to an element without a warning that names a line."""

_READ = 256 << 10
_REMOTE_READ = 32 << 10
_WRITE = 32 << 10
"""What is copied in the time that an element takes, in bytes: one read from the backend, the same
where copies are sent over a network, and one recorded as an assignment."""

_SMALL = 4096
"""Of a buffer of so many bytes all is fetched at once."""


class _Costs:
    """What elements have cost, by buffer, since anything else was recorded."""

    __slots__ = ("_costs", "_instructions", "_number")

    def __init__(self) -> None:
        self._costs: dict[int, int] = {}
        self._number = 0
        self._instructions = 0

    def reached(self, handle: int, cost: int, limit: int) -> bool:
        """Add to the cost of a buffer; return whether it has reached the limit, and begin again."""
        if not self._undisturbed():
            self._costs.clear()
        total = self._costs.pop(handle, 0) + cost
        if total >= limit:
            return True
        self._costs[handle] = total
        return False

    def _undisturbed(self) -> bool:
        recorded = len(stream.batch.operation)
        if stream.number == self._number:
            return recorded == self._instructions or not recorded
        # Or a batch of nothing else was full.
        full = self._instructions >= _settings.batch_instructions - 1
        return not recorded and full and stream.number == self._number + 1

    def note(self) -> None:
        """Take note that what has been recorded up to here was nothing else."""
        self._number = stream.number
        self._instructions = len(stream.batch.operation)


_costs = _Costs()


def is_element(a: ndarray, key: Any) -> bool:
    """Whether `key` has an integer for each dimension."""
    if type(key) is tuple:
        if len(key) != len(a._shape) or not key:
            return False
        for k in key:
            if type(k) not in INTEGERS:
                return False
        return True
    return type(key) in INTEGERS and len(a._shape) == 1


def read(a: ndarray, key: Any) -> Any:
    """Return the element at `key`, for which `is_element` holds."""
    buf = a._buf
    if buf.home != LOCAL and not at_hand(buf):
        if buf.home == PRIVATE and buf.nbytes > _SMALL and not _read_enough(buf):
            element = a._sliced((*key, ...) if type(key) is tuple else (key, ...))._scalar()
            _costs.note()
            return element
        buf.look()
    if a._root and buf.typed:
        return buf.owner[key]  # type: ignore[index]
    view: np.ndarray = np.ndarray(a._shape, a._dtype, buf.memory, a._offset, a._strides)
    return view[key]


def at_hand(buf: Buffer) -> bool:
    """Whether shared memory is current, and nobody writes it."""
    return (
        buf.home == SHARED
        and buf.handle > stream.inherited
        and buf.touched <= stream.completed
        and buf.written <= stream.sound
    )


def _read_enough(buf: Buffer) -> bool:
    if _settings.defer_all or buf.handle <= stream.inherited:
        return False
    cost = _READ if stream.limits.shared_memory else _REMOTE_READ
    return _costs.reached(buf.handle, cost, max(buf.nbytes, 2 * cost))


def write(a: ndarray, key: Any, value: Any) -> bool:
    """Set the element at `key`, for which `is_element` holds; False if that is to be recorded.

    `a` is writeable, and the type of `value` one of `NUMBERS`.
    """
    if _settings.defer_all:
        return False
    buf = a._buf
    if buf.home != LOCAL and not (at_hand(buf) and buf.looked) and not _written_enough(buf):
        return False
    if buf.home != LOCAL or buf.snapshot or buf.selections:
        buf.look()
    if a._root and buf.typed:
        buf.owner[key] = value  # type: ignore[index]
    else:
        view: np.ndarray = np.ndarray(a._shape, a._dtype, buf.memory, a._offset, a._strides)
        view[key] = value
    if _profile.active:
        _profile.count("setitem", "host", "index", 1)
    return True


def _written_enough(buf: Buffer) -> bool:
    if buf.handle <= stream.inherited:
        return False
    limit = buf.nbytes if buf.home == PRIVATE else min(buf.nbytes, _READ)
    return _costs.reached(buf.handle, _WRITE, max(limit, 2 * _WRITE))


def recorded() -> None:
    """Take note that an element was set by an instruction."""
    _costs.note()
