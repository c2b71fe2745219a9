"""Operators, ufuncs of one result and `np.where`: what each combination of layouts means.

What NumPy's rules and the backend's table say about an operation depends on the ufunc and on the
operands' layouts (and the types of scalars) alone. The first time an `Entry` keeps it; from then on
an operation costs a look-up, and either an instruction or a call of NumPy on the same memory.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy._core._ufunc_config import _extobj_contextvar  # type: ignore[attr-defined]

from maniple import _profile, _settings, _ufuncs
from maniple._array import _new, adopt, ndarray, overlaps_itself
from maniple._buffer import LOCAL, PRIVATE, Buffer, Remote
from maniple._dtypes import CHARACTER, CODE, INTEGER_RANGE
from maniple._pace import pace, weight
from maniple._recorder import stream
from maniple._ufuncs import HOST, errors_matter, plan_for, scalar_key
from maniple._views import Layout, address_space, broadcast_shapes, broadcast_strides, intern

_frame = sys._getframe
_error_state = _extobj_contextvar.get

SCALARS: dict[type, Any] = {
    float: float,
    int: int,
    np.float64: np.dtype(np.float64),
    np.float32: np.dtype(np.float32),
    np.int64: np.dtype(np.int64),
}
"""Types of scalar operands, and what NumPy's rules call them."""


class Entry:
    """What is known about one ufunc and its operands.

    Attributes
    ----------
    ufunc : numpy.ufunc
    number : int
        The backend's operation; 0 if it has none, -1 as long as nobody has asked.
    size : int
        Elements of the result.
    work : int
        What they cost, in additions.
    kind : int
        ONE array, PAIR of arrays, array and SCALAR, or scalar and array (REVERSED).
    out, first, second : Layout
        Those of the operands, broadcast.
    into : bool
        Whether the result is written to an array that the caller gave.
    host : Layout or None
        What NumPy returns, once it has been seen, where it is a new array in C order.
    code, dtype, low, high
        Of the scalar: its data type at the backend, and the Python integers it can be.
    """

    __slots__ = ("code", "dtype", "first", "high", "host", "into", "kind", "low", "number", "out",
                 "second", "size", "ufunc", "work")  # fmt: skip

    first: Layout
    host: Layout | None
    out: Layout
    second: Layout
    code: int
    dtype: np.dtype
    high: int
    into: bool
    kind: int
    low: int
    number: int
    size: int
    ufunc: Any
    work: int


ONE, PAIR, SCALAR, REVERSED = range(4)

_COUNTED = 1 << 15
"""Smaller operations say nothing about where those of a middle size should run."""

Table = dict[Any, "Entry | None"]
_tables: dict[np.ufunc, tuple[Table, Table]] = {}


def tables(ufunc: np.ufunc) -> tuple[Table, Table]:
    """Return what is known about `ufunc` with a new result, and with a given one.

    Keys: one or two of Layout or scalar type, then that of the given result. A value of None: it
    is left to the general code.
    """
    found = _tables.get(ufunc)
    if found is None:
        found = ({}, {})
        if _ufuncs.lasts(ufunc):
            _tables[ufunc] = found
    return found


def forget() -> None:
    """For tests that change the backend."""
    for pair in _tables.values():
        for table in pair:
            table.clear()
    _choices.clear()
    _assignments.clear()


def layout_of(a: ndarray) -> Layout | None:
    """Return the layout, and keep it; None for what this module does not do."""
    if type(a) is not ndarray:
        return None
    layout = a._layout = intern(a._dtype, a._shape, a._strides)
    return layout


def learn(table: Table, ufunc: np.ufunc, key: Any, a: Any, b: Any = None, out: Any = None) -> Any:
    """Fill `table` for the operands; return the entry, or None."""
    known = key is not None if type(key) is not tuple else None not in key
    entry = _entry(ufunc, a, b, out) if known else None
    if len(table) > 10_000:
        table.clear()
    table[key] = entry
    return entry


def _entry(ufunc: np.ufunc, a: Any, b: Any, out: Any) -> Entry | None:
    operands = (a,) if b is None else (a, b)
    if ufunc.nout != 1 or ufunc.nin != len(operands) or ufunc.signature is not None:
        return None
    arrays = [x for x in operands if type(x) is ndarray]
    try:
        shape = broadcast_shapes(*[x._shape for x in arrays])
    except ValueError:
        return None
    if not shape or 0 in shape or (out is not None and out._shape != shape):
        return None
    entry = Entry()
    entry.ufunc = ufunc
    entry.number = -1
    entry.host = None
    entry.into = out is not None
    entry.kind = ONE if b is None else PAIR
    if type(b) in SCALARS:
        entry.kind = SCALAR
    elif type(a) in SCALARS:
        entry.kind = REVERSED
    layouts = [intern(x._dtype, shape, broadcast_strides(x._shape, x._strides, shape))
               for x in arrays]  # fmt: skip
    if None in layouts:
        return None
    entry.first = layouts[0]  # type: ignore[assignment]
    entry.second = layouts[-1]  # type: ignore[assignment]
    entry.size = entry.first.size
    entry.work = entry.size * weight(ufunc.__name__)
    return entry


def _plan(entry: Entry, operands: tuple[Any, ...], out: Any) -> None:
    """Find the backend's operation, which starts the backend."""
    entry.number = 0
    ufunc = entry.ufunc
    specs = [x._dtype if type(x) is ndarray else SCALARS[type(x)] for x in operands]
    try:
        plan = plan_for(ufunc, (*specs, None if out is None else out._dtype))
    except TypeError:
        return  # whose message is NumPy's
    if plan is None:
        return
    if ufunc is np.power and (plan.inputs[1].kind in "iu" or entry.kind == SCALAR):
        # Integer exponents must be looked at first, and some exponents are products.
        return
    shape = entry.first.shape
    dtype = plan.outputs[0]
    strides = (
        _ufuncs._result_strides(operands, shape, dtype, "K", plan.inputs)
        if out is None
        else out._strides
    )
    result = intern(dtype if out is None else out._dtype, shape, strides)
    if result is None or result.nbytes > address_space:
        return
    entry.out = result
    if entry.kind >= SCALAR:
        position = 1 if entry.kind == SCALAR else 0
        entry.dtype = plan.inputs[position]
        entry.code = CODE[entry.dtype]
        bounds = plan.ranges[position] or (1 - (1 << 53), (1 << 53) - 1)
        entry.low, entry.high = bounds
    entry.number = plan.number


def perform(entry: Entry, a: ndarray, b: Any, out: Any, depth: int) -> Any:
    """Record the operation, or let NumPy do it where it is small; HOST for the general code.

    `a` is an array; `b` the second array, the scalar, or anything if there is one operand. The
    frame `depth` levels up may be the user's.
    """
    kind = entry.kind
    x = a._buf
    home = x.home
    if entry.size < _settings.defer or not stream.enabled:
        # Small: recorded only where an operand is at the backend already.
        if home == LOCAL:
            if kind != PAIR:
                return _on_host(entry, a, b, out)
            there = b._buf.home
            if there == LOCAL:
                return _on_host(entry, a, b, out)
            if there != PRIVATE or pace.talkative:
                return _middling(entry, a, b, out)
        elif pace.talkative or (home != PRIVATE and (kind != PAIR or b._buf.home != PRIVATE)):
            return _middling(entry, a, b, out)
    if entry.number <= 0:
        if entry.number < 0 and stream.enabled:
            operands = (a,) if kind == ONE else (b, a) if kind == REVERSED else (a, b)
            _plan(entry, operands, out)
        if entry.number <= 0:
            return HOST
    if _error_state(None) is not stream.calm and errors_matter():
        return HOST
    if kind >= SCALAR and type(b) is int and not entry.low <= b <= entry.high:
        return HOST
    target = entry.out
    with stream.lock:
        if stream.guarded:
            # Some handles are of the past; the general path asks for each.
            return HOST
        if entry.into:
            if not out._writeable or (0 in out._strides and overlaps_itself(out)):
                return HOST
            buf = out._buf
            if (buf.home != PRIVATE or buf.selections) and not buf.for_writing():
                return HOST
            home = x.home
        mine = x.handle if home == PRIVATE else x.for_reading()
        if not mine:
            return HOST
        if kind == PAIR:
            y = b._buf
            theirs = y.handle if y.home == PRIVATE else y.for_reading()
            if not theirs:
                return HOST
        # From here on, nothing flushes.
        number = stream.number
        batch = stream.batch
        first = entry.first
        i = first.index if first.number == number else stream.place(first)
        o = target.index if target.number == number else stream.place(target)
        if entry.into:
            result = out
            handle = buf.handle
            offset = out._offset
        else:
            nbytes = target.nbytes
            handle = next(stream.handles)
            batch.buffers.append((handle, nbytes, None, None))
            buf = _new(Remote)
            buf.home = PRIVATE
            buf.handle = handle
            buf.nbytes = nbytes
            buf.owner = buf.memory = buf.selections = None
            buf.typed = False
            buf.touched = buf.snapshot = offset = 0
            result = _new(ndarray)
            result._buf = buf
            result._offset = 0
            result._layout = target
            result._dtype = target.dtype
            result._shape = target.shape
            result._strides = target.strides
            result._size = target.size
            result._root = False
            result._writeable = True
            result._base = None
        frame = _frame(depth)
        source = batch.source_index.get(id(frame.f_code) + frame.f_lasti) or stream.source(frame)
        operation = batch.operation
        frees = stream.frees
        if frees:
            if len(frees) > 1:
                stream._drain_frees()
            else:
                # A temporary that has just died: nearly every instruction has one.
                batch.operand_buffer.append(frees.pop())
                operation.append(0)
                batch.operand_count.append(1)
                batch.source.append(0)
                batch.operand_layout.append(0)
                batch.operand_offset.append(0)
        if kind == ONE:
            batch.operand_buffer += (handle, mine)
            batch.operand_layout += (o, i)
            batch.operand_offset += (offset, a._offset)
            count = 2
        else:
            if kind == PAIR:
                second = entry.second
                j = second.index if second.number == number else stream.place(second)
                batch.operand_buffer += (handle, mine, theirs)
                batch.operand_layout += (o, i, j)
                batch.operand_offset += (offset, a._offset, b._offset)
            else:
                # Zeros are equal, whatever their sign.
                j = batch.scalar_values.get((entry.code, b), -1) if b else -1
                if j < 0:
                    j = stream.scalar(scalar_key(b, entry.dtype))
                    if b:
                        batch.scalar_values[entry.code, b] = j
                if kind == SCALAR:
                    batch.operand_buffer += (handle, mine, 0)
                    batch.operand_layout += (o, i, j)
                    batch.operand_offset += (offset, a._offset, 0)
                else:
                    batch.operand_buffer += (handle, 0, mine)
                    batch.operand_layout += (o, j, i)
                    batch.operand_offset += (offset, 0, a._offset)
            count = 3
        operation.append(entry.number)
        batch.operand_count.append(count)
        batch.source.append(source)
        stream.pending_elements += entry.work
        if stream.must_sync or entry.into or len(operation) >= _settings.batch_instructions:
            stream.send_if_due(entry.into)
    if _profile.active:
        _profile.count(entry.ufunc, "deferred", "", target.size)
    return result


def _middling(entry: Entry, a: ndarray, b: Any, out: Any) -> Any:
    """Let NumPy do what it can where results are looked at all the time; else the general code."""
    private = a._buf.home == PRIVATE or (entry.kind == PAIR and b._buf.home == PRIVATE)
    return _on_host(entry, a, b, out) if pace.talkative and not private else HOST


def _on_host(entry: Entry, a: ndarray, b: Any, out: Any) -> Any:
    """Call NumPy on the arrays themselves, which are not at the backend."""
    if _profile.active:
        return HOST
    # An array of its own needs no view, and a copy at the backend stays current.
    if entry.size >= _COUNTED and pace.talkative:
        pace.computed(entry.size)
    x = a._buf
    first = x.owner if a._root and x.typed else a._host()
    kind = entry.kind
    ufunc = entry.ufunc
    if entry.into:
        target = out._buf
        if not out._writeable or target.home == PRIVATE or target.selections:
            return HOST
        target = out._host()
        if kind == PAIR:
            y = b._buf
            ufunc(first, y.owner if b._root and y.typed else b._host(), target)
        elif kind == SCALAR:
            ufunc(first, b, target)
        elif kind == ONE:
            ufunc(first, target)
        else:
            ufunc(b, first, target)
        return out
    if kind == PAIR:
        y = b._buf
        array = ufunc(first, y.owner if b._root and y.typed else b._host())
    elif kind == SCALAR:
        array = ufunc(first, b)
    elif kind == ONE:
        array = ufunc(first)
    else:
        array = ufunc(b, first)
    if entry.size < _settings.small:
        return array
    layout = entry.host
    if layout is None:
        if array.base is None and array.flags.c_contiguous:
            entry.host = intern(array.dtype, array.shape, array.strides)
        return adopt(array)
    buf = _new(Buffer)
    buf.home = LOCAL
    buf.nbytes = layout.nbytes
    buf.owner = buf.memory = array
    buf.selections = None
    buf.typed = True
    buf.handle = buf.touched = buf.snapshot = 0
    result = _new(ndarray)
    result._buf = buf
    result._offset = 0
    result._layout = layout
    result._dtype = layout.dtype
    result._shape = layout.shape
    result._strides = layout.strides
    result._size = layout.size
    result._root = True
    result._writeable = True
    result._base = None
    return result


def call(ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any) -> Any:
    """Do `ufunc(*inputs, out=out)`, called by what the user called; HOST for the general code."""
    table = (_tables.get(ufunc) or tables(ufunc))[out is not None]
    n = len(inputs)
    a = inputs[0]
    b: Any = None
    kind = type(a)
    if n == 1:
        if kind is not ndarray:
            return HOST
        key: Any = a._layout or layout_of(a)
        if out is not None:
            key = (key, out._layout or layout_of(out))
    elif n == 2:
        b = inputs[1]
        if kind is ndarray:
            first = a._layout or layout_of(a)
            other = type(b)
            if other is ndarray:
                second = b._layout or layout_of(b)
            elif other in SCALARS:
                second = other
            else:
                return HOST
        elif kind in SCALARS and type(b) is ndarray:
            first, second = kind, b._layout or layout_of(b)
        else:
            return HOST
        key = (first, second) if out is None else (first, second, out._layout or layout_of(out))
    else:
        return HOST
    try:
        entry = table[key]
    except KeyError:
        entry = learn(table, ufunc, key, a, b, out)
    if entry is None:
        return HOST
    if kind is ndarray:
        return perform(entry, a, b, out, 3)
    return perform(entry, b, a, out, 3)


# -- np.where ----------------------------------------------------------------------------------


class Choice:
    """What is known about `np.where` of three operands: as an `Entry`."""

    __slots__ = ("dtype", "high", "largest", "layouts", "low", "number", "out")

    def __init__(self, number: int, out: Layout, layouts: list[Any]) -> None:
        self.number = number
        self.out = out
        self.layouts = layouts
        self.dtype = out.dtype
        self.low, self.high = INTEGER_RANGE.get(out.dtype) or (1 - (1 << 53), (1 << 53) - 1)
        self.largest = float(np.finfo(out.dtype).max) if out.dtype.kind in "fc" else np.inf

    def holds(self, value: Any) -> bool:
        return not self.largest < abs(value) < np.inf


_choices: dict[Any, Choice | None] = {}


def choose(condition: Any, x: Any, y: Any) -> Any:
    """Record `np.where(condition, x, y)` of arrays that are large, and scalars; or return HOST."""
    operands = (condition, x, y)
    key = tuple(
        [
            (v._layout or layout_of(v)) if (kind := type(v)) is ndarray
            else kind if kind in SCALARS else None
            for v in operands
        ]
    )  # fmt: skip
    try:
        choice = _choices[key]
    except KeyError:
        choice = _learn_choice(key, operands)
    if choice is None or choice.out.size < _settings.defer or not stream.enabled:
        return HOST
    if _error_state(None) is not stream.calm and errors_matter():
        return HOST
    with stream.lock:
        if stream.guarded:
            return HOST
        handles = [0]
        offsets = [0]
        for v in operands:
            if type(v) is ndarray:
                buf = v._buf
                handle = buf.handle if buf.home == PRIVATE else buf.for_reading()
                if not handle:
                    return HOST
                handles.append(handle)
                offsets.append(v._offset)
            elif not (choice.low <= v <= choice.high if type(v) is int else choice.holds(v)):
                return HOST  # and NumPy's error or warning
            else:
                handles.append(0)
                offsets.append(0)
        # From here on, nothing flushes.
        target = choice.out
        result = _fresh(target)
        handles[0] = result._buf.handle
        number = stream.number
        layouts = [target.index if target.number == number else stream.place(target)]
        for v, layout in zip(operands, choice.layouts, strict=True):
            if layout is None:
                layouts.append(stream.scalar(scalar_key(v, choice.dtype)))
            else:
                layouts.append(layout.index if layout.number == number else stream.place(layout))
        # choose, `_functions._where`, `_functions.array_function`, the user
        _append(choice.number, handles, layouts, offsets, _frame(3))
        stream.pending_elements += target.size
        if stream.must_sync or len(stream.batch.operation) >= _settings.batch_instructions:
            stream.send_if_due(False)
    if _profile.active:
        _profile.count("where", "deferred", "", target.size)
    return result


def _fresh(layout: Layout) -> ndarray:
    """Return a new array at the backend. Needs the stream's lock."""
    handle = next(stream.handles)
    stream.batch.buffers.append((handle, layout.nbytes, None, None))
    buf = _new(Remote)
    buf.home = PRIVATE
    buf.handle = handle
    buf.nbytes = layout.nbytes
    buf.owner = buf.memory = buf.selections = None
    buf.typed = False
    buf.touched = buf.snapshot = 0
    result: ndarray = _new(ndarray)
    result._buf = buf
    result._offset = 0
    result._layout = layout
    result._dtype = layout.dtype
    result._shape = layout.shape
    result._strides = layout.strides
    result._size = layout.size
    result._root = False
    result._writeable = True
    result._base = None
    return result


def _append(
    operation: int, handles: list[int], layouts: list[int], offsets: list[int], frame: Any
) -> None:
    """Append an instruction, and what has died before it. Needs the stream's lock."""
    batch = stream.batch
    source = batch.source_index.get(id(frame.f_code) + frame.f_lasti) or stream.source(frame)
    if stream.frees:
        stream._drain_frees()
    try:
        batch.operand_buffer += handles
        batch.operand_layout += layouts
        batch.operand_offset += offsets
        batch.operation.append(operation)
        batch.operand_count.append(len(handles))
        batch.source.append(source)
    except BaseException:
        # Ctrl-C between two columns.
        batch.cut()
        raise


# -- assignments -------------------------------------------------------------------------------


class Assignment:
    """What is known about `out[...] = value`: as an `Entry`; `value` is None for a scalar."""

    __slots__ = ("dtype", "high", "low", "number", "out", "value")

    def __init__(self, number: int, out: Layout, value: Layout | None) -> None:
        self.number = number
        self.out = out
        self.value = value
        self.dtype = out.dtype
        self.low, self.high = INTEGER_RANGE.get(out.dtype) or (1 - (1 << 53), (1 << 53) - 1)


_assignments: dict[Any, Assignment | None] = {}


def assign(out: ndarray, value: Any, depth: int) -> bool:
    """Record `out[...] = value` of the same type, or of a number; False for the general code.

    `out` is writeable. The frame `depth` levels up may be the user's.
    """
    mine = out._layout or layout_of(out)
    kind = type(value)
    if mine is None or mine.size < _settings.defer:
        return False
    if kind is ndarray:
        key: Any = (mine, value._layout or layout_of(value))
    elif kind is float or kind is int:
        key = (mine, kind)
    else:
        return False
    try:
        entry = _assignments[key]
    except KeyError:
        entry = _learn_assignment(key, out, value)
    if entry is None or not stream.enabled:
        return False
    if kind is int and not entry.low <= value <= entry.high:
        return False  # with NumPy's error
    if _error_state(None) is not stream.calm and errors_matter():
        return False
    with stream.lock:
        if stream.guarded:
            return False
        buf = out._buf
        if (buf.home != PRIVATE or buf.selections) and not buf.for_writing():
            return False
        handle = 0
        if entry.value is not None:
            other = value._buf
            handle = other.handle if other.home == PRIVATE else other.for_reading()
            if not handle:
                return False
        # From here on, nothing flushes.
        number = stream.number
        o = mine.index if mine.number == number else stream.place(mine)
        if entry.value is None:
            i, offset = stream.scalar(scalar_key(value, entry.dtype)), 0
        else:
            i = entry.value.index if entry.value.number == number else stream.place(entry.value)
            offset = value._offset
        _append(entry.number, [buf.handle, handle], [o, i], [out._offset, offset], _frame(depth))
        stream.pending_elements += mine.size
        stream.send_if_due(True)
    if _profile.active:
        _profile.count("copyto", "deferred", "", mine.size)
    return True


def _learn_assignment(key: Any, out: ndarray, value: Any) -> Assignment | None:
    entry = None if None in key else _assignment(key[0], out, value)
    if len(_assignments) > 10_000:
        _assignments.clear()
    _assignments[key] = entry
    return entry


def _assignment(mine: Layout, out: ndarray, value: Any) -> Assignment | None:
    character = CHARACTER.get(mine.dtype)
    number = stream.operations.get(f"copyto:{character}->{character}")
    if number is None or overlaps_itself(out):
        return None
    if type(value) is not ndarray:
        exact = mine.dtype == np.float64 or (type(value) is int and mine.dtype in INTEGER_RANGE)
        return Assignment(number, mine, None) if exact else None
    shape = value._shape
    if value._dtype != mine.dtype or len(shape) > len(mine.shape) or not shape:
        return None
    try:
        if broadcast_shapes(shape, mine.shape) != mine.shape:
            return None
    except ValueError:
        return None
    layout = intern(value._dtype, mine.shape, broadcast_strides(shape, value._strides, mine.shape))
    return None if layout is None else Assignment(number, mine, layout)


def _learn_choice(key: Any, operands: tuple[Any, ...]) -> Choice | None:
    choice = None if None in key else _choice(operands)
    if len(_choices) > 10_000:
        _choices.clear()
    _choices[key] = choice
    return choice


def _choice(operands: tuple[Any, ...]) -> Choice | None:
    arrays = [v for v in operands if type(v) is ndarray]
    try:
        shape = broadcast_shapes(*[a._shape for a in arrays])
    except ValueError:
        return None
    if type(operands[0]) is not ndarray or 0 in shape or not shape:
        return None
    dtype = np.result_type(*[v._dtype if type(v) is ndarray else type(v)(0) for v in operands[1:]])
    character = CHARACTER.get(dtype)
    number = stream.operations.get(f"where:?{character}{character}->{character}")
    strides = _ufuncs._result_strides(operands, shape, dtype, "K")
    out = intern(dtype, shape, strides)
    if number is None or out is None or out.nbytes > address_space:
        return None
    layouts = [
        intern(v._dtype, shape, broadcast_strides(v._shape, v._strides, shape))
        if type(v) is ndarray
        else None
        for v in operands
    ]
    if sum([layout is not None for layout in layouts]) < len(arrays):
        return None
    return Choice(number, out, layouts)


def array_ufunc(self: ndarray, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NEP 13: what NumPy calls when a Maniple array is an operand of a ufunc."""
    if method == "__call__":
        if not kwargs:
            result = call(ufunc, inputs, None)
            if result is not HOST:
                return result
        elif len(kwargs) == 1 and "out" in kwargs:
            out = kwargs["out"]
            if len(out) == 1 and type(out[0]) is ndarray:
                result = call(ufunc, inputs, out[0])
                if result is not HOST:
                    return result
    return _ufuncs.array_ufunc(self, ufunc, method, *inputs, **kwargs)
