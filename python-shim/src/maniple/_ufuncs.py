"""Elementwise operations: NumPy's rules for dtypes and shapes, one recorded instruction each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy._core._ufunc_config import _extobj_contextvar  # type: ignore[attr-defined]

from maniple import _fallback, _profile, _settings, _warnings
from maniple._array import adopt, make, ndarray, overlaps_itself
from maniple._buffer import PRIVATE, Remote
from maniple._dtypes import BOOL, CHARACTER, CODE, INTEGER_RANGE
from maniple._flags import warn_on_write
from maniple._pace import pace, weight
from maniple._recorder import stream
from maniple._views import (
    address_space,
    broadcast_shapes,
    broadcast_strides,
    c_strides,
    f_strides,
    is_f_contiguous,
    keep_order,
)

HOST = object()
"""Returned by what cannot record an operation: NumPy has to do it (or to raise its error)."""

Layout = tuple[int, tuple[int, ...], tuple[int, ...]]

# -- floating-point errors: only their being ignored or warned about can be deferred -----------

_RAISING = object()

_seen_state: Any = object()
_seen_raises = False


def errors_matter() -> bool:
    """Whether np.errstate asks for exceptions or calls: then NumPy has to compute."""
    global _seen_state, _seen_raises
    state = _extobj_contextvar.get(None)
    if state is not _seen_state:
        asked = np.geterr()
        # Of results that are too small the backend does not tell.
        _seen_raises = asked["under"] != "ignore" or any(
            v in ("raise", "call", "print", "log") for v in asked.values()
        )
        _warnings.note(asked)
        _seen_state = state
        stream.calm = _RAISING if _seen_raises else state
    return _seen_raises


# -- operands ----------------------------------------------------------------------------------


class Plan:
    """What NumPy's rules say about one ufunc and one set of operand types."""

    __slots__ = ("codes", "inputs", "itemsizes", "number", "outputs", "ranges")

    def __init__(self, number: int, inputs: list[np.dtype], outputs: list[np.dtype]) -> None:
        self.number = number
        self.inputs = inputs
        self.outputs = outputs
        self.codes = [CODE[t] for t in outputs]
        self.itemsizes = [t.itemsize for t in outputs]
        self.ranges = [INTEGER_RANGE.get(t) for t in inputs]


_plans: dict[Any, Plan | None] = {}
_PYTHON_SCALARS = (int, float, complex)


def plan_for(
    ufunc: np.ufunc, specs: tuple[Any, ...], signature: Any = None, casting: Any = None
) -> Plan | None:
    """Return the plan for operand types `specs` (dtypes, Python scalar types, None for outputs).

    None if the backend has no such operation.

    Raises
    ------
    TypeError
        As NumPy does, when there is no loop or a cast is not allowed.
    """
    key = (ufunc, specs, signature, casting)
    try:
        return _plans[key]
    except KeyError:
        pass
    options: dict[str, Any] = {}
    if signature is not None:
        options["signature"] = signature
    if casting is not None:
        options["casting"] = casting
    types = ufunc.resolve_dtypes(specs, **options)
    plan = None
    characters = [CHARACTER.get(t) for t in types]
    if None not in characters:
        text = "".join(characters[: ufunc.nin]) + "->" + "".join(characters[ufunc.nin :])  # type: ignore[arg-type]
        number = stream.operations.get(f"{ufunc.__name__}:{text}")
        if number is not None:
            plan = Plan(number, list(types[: ufunc.nin]), list(types[ufunc.nin :]))
    if len(_plans) > 10_000:
        _plans.clear()
    if lasts(ufunc):
        _plans[key] = plan
    return plan


def lasts(ufunc: np.ufunc) -> bool:
    """Whether anything may be kept about a ufunc: those of `frompyfunc` come and go."""
    return not all([set(signature) <= _OBJECTS for signature in ufunc.types])


_OBJECTS = frozenset("O->")


def forget_plans() -> None:
    """For tests that change the backend."""
    _plans.clear()


_pack = struct.Struct("<d").pack
_unpack = struct.Struct("<Q").unpack
_DOUBLE = CODE[np.dtype(np.float64)]
_LONG = CODE[np.dtype(np.int64)]


def scalar_key(value: Any, dtype: np.dtype) -> tuple[int, int, int]:
    """Return (DataType, low, high) of a scalar converted to `dtype` as a ufunc converts it."""
    code = CODE[dtype]
    if code == _LONG and type(value) is int and value >= 0:
        return code, value, 0
    if code == _DOUBLE:
        try:
            return code, _unpack(_pack(value))[0], 0
        except (struct.error, TypeError):
            pass
    with np.errstate(all="ignore"):
        raw = np.asarray(value).astype(dtype).tobytes()
    return code, int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")


def operand(value: Any) -> Any:
    """Return `value` as an operand: a Maniple array, a NumPy array, or a scalar; else HOST."""
    kind = type(value)
    if kind is ndarray or kind in _PYTHON_SCALARS:
        return value
    if kind is np.ndarray:
        return value if CODE.get(value.dtype) is not None else HOST
    if kind is bool:
        return np.bool_(value)
    if isinstance(value, np.generic):
        return value if CODE.get(value.dtype) is not None else HOST
    if issubclass(kind, ndarray):
        # A selection; reading its slots packs it.
        return value._view_as_is()
    if kind in (list, tuple):
        array = np.asarray(_fallback.real(value))
        return array if CODE.get(array.dtype) is not None else HOST
    return HOST


def snapshot(array: np.ndarray) -> tuple[int, int, tuple[int, ...]]:
    """Copy a NumPy array to the backend; return (handle, offset, strides).

    The caller frees the handle after the instruction.
    """
    strides = array.strides
    if 0 in strides and array.ndim and array.size > 1:
        # Broadcast dimensions travel once.
        small = array[tuple(slice(0, 1) if s == 0 else slice(None) for s in strides)]
        handle, offset, inner = snapshot(small.copy())
        return (
            handle,
            offset,
            tuple(0 if s == 0 else t for s, t in zip(strides, inner, strict=True)),
        )
    nbytes = array.nbytes
    layout = c_strides(array.shape, array.itemsize)
    if nbytes <= min(_settings.inline_bytes, stream.limits.inline_bytes):
        return stream.new_buffer(nbytes, array.tobytes()), 0, layout
    if not stream.limits.shared_memory:
        return stream.introduce(np.ascontiguousarray(array)), 0, layout
    region = stream.reserve(nbytes)
    target: np.ndarray = np.ndarray(array.shape, array.dtype, region.array)
    target[...] = array
    handle = stream.new_handle()
    stream.batch.buffers.append((handle, nbytes, None, region.placement))
    return handle, 0, layout


class Instruction:
    """Collects the operands of one instruction. Used with the stream's lock held."""

    __slots__ = ("handles", "layouts", "offsets", "temporary")

    def __init__(self) -> None:
        self.handles: list[int] = []
        self.layouts: list[int] = []
        self.offsets: list[int] = []
        self.temporary: list[int] = []

    def output(self, a: ndarray) -> None:
        """Add an output that `for_writing` has accepted or that is new."""
        self.handles.append(a._buf.handle)
        self.layouts.append(stream.layout((CODE[a._dtype], a._shape, a._strides)))
        self.offsets.append(a._offset)

    def input(self, value: Any, shape: tuple[int, ...] | None = None) -> None:
        """Add a Maniple or NumPy array, broadcast to `shape`."""
        if type(value) is np.ndarray:
            dtype, own = value.dtype, value.shape
            handle, offset, strides = snapshot(value)
            self.temporary.append(handle)
        else:
            dtype, own, strides = value._dtype, value._shape, value._strides
            offset = value._offset
            handle = value._buf.for_reading()
            if not handle:
                handle, offset, strides = snapshot(value._export_current())
                self.temporary.append(handle)
        if shape is not None and own != shape:
            strides = broadcast_strides(own, strides, shape)
            own = shape
        self.handles.append(handle)
        self.layouts.append(stream.layout((CODE[dtype], own, strides)))
        self.offsets.append(offset)

    def scalar(self, key: tuple[int, int, int]) -> None:
        self.handles.append(0)
        self.layouts.append(stream.scalar(key))
        self.offsets.append(0)

    def emit(self, number: int, elements: int, in_place: bool = False) -> None:
        stream.emit(number, self.handles, self.layouts, self.offsets, elements, in_place)
        if self.temporary:
            stream.frees += self.temporary


def new_array(
    shape: tuple[int, ...], dtype: np.dtype, strides: tuple[int, ...] | None = None
) -> ndarray:
    """Return a new, uninitialised array at the backend. Needs the stream's lock."""
    size = prod(shape)
    itemsize = dtype.itemsize
    nbytes = size * itemsize
    if nbytes > address_space:
        raise np._core._exceptions._ArrayMemoryError(shape, dtype)
    buf = Remote(PRIVATE, stream.new_buffer(nbytes), nbytes)
    return make(buf, 0, dtype, shape, strides or c_strides(shape, itemsize), size)


def stays(a: ndarray) -> bool:
    """Whether `a` is at the backend, and to be left there; what is not to be is fetched."""
    if a._buf.home != PRIVATE:
        return False
    if pace.talkative and a._size < _settings.defer and not stream.guarded:
        a._buf.look()
        return a._buf.home == PRIVATE
    return True


def is_private(value: Any) -> bool:
    return type(value) is ndarray and value._buf.home == PRIVATE


def worth_deferring(size: int, operands: Any) -> bool:
    """Whether an operation on `size` elements is recorded (docs/architecture.md, three sizes)."""
    if size >= _settings.defer:
        return stream.enabled
    for value in operands:
        if type(value) is ndarray and (value._size >= _settings.defer or stays(value)):
            return stream.enabled
    return False


def prepare_outputs(outputs: Any) -> bool:
    """Make outputs writable for the backend; False if one is not."""
    for a in outputs:
        if a._buf.selections:
            a._buf.settle()
    # An output that overlaps itself is NumPy's business: which element wins is not ours to say.
    return all([a._writeable and not overlaps_itself(a) and a._buf.for_writing() for a in outputs])


# -- elementwise -------------------------------------------------------------------------------


def elementwise(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record `ufunc(*inputs, **kwargs)`; return HOST if NumPy has to do it."""
    if ufunc.signature is not None or len(inputs) != ufunc.nin:
        return HOST
    for x in inputs:
        if type(x) is not ndarray and issubclass(type(x), ndarray):
            from maniple import _selection

            result = _selection.elementwise(ufunc, inputs, kwargs)
            if result is not HOST:
                return result
            break
    out: Any = None
    where: Any = True
    signature = casting = None
    order = "K"
    for name, value in kwargs.items():
        if name == "out":
            out = value
        elif name == "where":
            where = True if value is np._NoValue else value
        elif name == "casting":
            casting = value
        elif name == "dtype":
            if value is not None:
                signature = (None,) * ufunc.nin + (_dtype(value),) * ufunc.nout
        elif name == "order":
            order = value
        elif name != "subok":
            return HOST
    operands = tuple([operand(x) for x in inputs])
    if any([x is HOST for x in operands]) or order not in ("K", "C", "F"):
        return HOST
    if where is not True:
        where = operand(where)
        if type(where) is np.bool_:
            where = np.asarray(where)
        if where is HOST or type(where) not in (ndarray, np.ndarray) or where.dtype != BOOL:
            return HOST
        if out is None:
            return HOST  # with NumPy's warning
    scalar_result = True
    if out is Ellipsis or (type(out) is tuple and len(out) == 1 and out[0] is Ellipsis):
        out, scalar_result = None, False
    outs: tuple[Any, ...] = (None,) * ufunc.nout
    if out is not None:
        outs = out if type(out) is tuple else (out,)
        if len(outs) != ufunc.nout or any(
            o is not None and not issubclass(type(o), ndarray) for o in outs
        ):
            return HOST
    return _record(ufunc, operands, outs, where, signature, casting, order, scalar_result)


def _dtype(value: Any) -> np.dtype:
    """Return the dtype that a caller asks for; NumPy's own code asks by class."""
    own = isinstance(value, type) and issubclass(value, np.dtype)
    dtype: np.dtype = value() if own else np.dtype(value)
    return dtype


_EXPONENTS = (int, float, np.float64, np.float32, np.int64)


def _power_by_products(exponent: Any) -> str:
    """What the backend may call the power with this exponent."""
    whole = abs(exponent) < 100 and exponent == int(exponent)
    return f"power{int(exponent)}" if whole else f"power{exponent!s}"


def _record(
    ufunc: np.ufunc,
    operands: tuple[Any, ...],
    outs: tuple[Any, ...],
    where: Any,
    signature: Any,
    casting: Any,
    order: str,
    scalar_result: bool,
) -> Any:
    arrays = [x for x in (*operands, where) if type(x) is ndarray or type(x) is np.ndarray]
    given = [o for o in outs if o is not None]
    shapes = {x.shape for x in arrays}
    if len(shapes) == 1:
        shape = shapes.pop()
    else:
        try:
            shape = broadcast_shapes(*shapes)
        except ValueError:
            return HOST  # whose message is NumPy's
    for o in given:
        if o._shape != shape:
            try:
                shape = broadcast_shapes(o._shape, shape)
            except ValueError:
                return HOST
    for o in given:
        if o._writeable is None:
            warn_on_write(o)
    if any([o._shape != shape or not o._writeable for o in given]):
        return HOST
    size = prod(shape)
    if not worth_deferring(size, (*operands, *given)) or errors_matter():
        return HOST
    specs = tuple(
        [x._dtype if type(x) is ndarray else _spec(x) for x in operands]
        + [None if o is None else o._dtype for o in outs]
    )
    try:
        plan = plan_for(ufunc, specs, signature, casting)
    except TypeError:
        return HOST  # for NumPy to raise; a Python integer out of range comes first
    if plan is None or (casting == "unsafe" and _discards(specs, plan)):
        return HOST
    if where is not True:
        for o, t in zip(outs, plan.outputs, strict=True):
            if o is None:
                continue
            if o._dtype.kind == "c" and t.kind != "c":
                return HOST  # which reads the elements left alone, with a warning
            if o._dtype != t and any([x is not o and _shares(x, o) for x in operands]):
                return HOST  # whose copy of `o` has the other type, also where nothing is written
    for x, r in zip(operands, plan.ranges, strict=True):
        if type(x) is int and (r is None or not r[0] <= x <= r[1]) and not _fits(x, r):
            return HOST
    if ufunc is np.power and plan.ranges[1] is not None and _negative(operands[1]):
        return HOST  # with NumPy's error
    number, sources = plan.number, operands
    if ufunc is np.power and type(operands[1]) in _EXPONENTS and plan.inputs[0].kind == "f":
        name = _power_by_products(operands[1])
        c = CHARACTER[plan.inputs[0]]
        product = stream.operations.get(f"{name}:{c}->{c}")
        if product is not None:
            number, sources = product, operands[:1]
            stream.call_it(name, "power")
    with stream.lock:
        if given and not prepare_outputs(given):
            return HOST
        instruction = Instruction()
        results = []
        for o, dtype in zip(outs, plan.outputs, strict=True):
            if o is None:
                o = new_array(
                    shape, dtype, _result_strides(operands, shape, dtype, order, plan.inputs)
                )
            results.append(o)
            instruction.output(o)
        for x, dtype in zip(sources, plan.inputs, strict=False):
            if type(x) is ndarray or type(x) is np.ndarray:
                instruction.input(x, shape)
            else:
                instruction.scalar(scalar_key(x, dtype))
        if where is not True:
            instruction.input(where, shape)
        instruction.emit(number, size * weight(ufunc.__name__), bool(given))
    if _profile.active:
        _profile.count(ufunc, "deferred", "", size)
    if not shape and scalar_result:
        results = [r._scalar() if o is None else r for r, o in zip(results, outs, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _shares(x: Any, o: ndarray) -> bool:
    return type(x) is ndarray and x._buf is o._buf


def _discards(specs: tuple[Any, ...], plan: Plan) -> bool:
    """Whether a complex number becomes a real one, of which NumPy warns."""
    dtypes = zip(specs, plan.inputs, strict=False)
    outputs = zip(plan.outputs, specs[len(plan.inputs) :], strict=True)
    return any(
        isinstance(a, np.dtype) and isinstance(b, np.dtype) and a.kind == "c" and b.kind not in "cb"
        for a, b in (*dtypes, *outputs)
    )


def _negative(exponent: Any) -> bool:
    if type(exponent) in (ndarray, np.ndarray):
        if exponent.dtype.kind != "i" or not exponent.size:
            return False
        return bool(exponent.min() < 0)
    return bool(exponent < 0)


def _fits(x: int, r: tuple[int, int] | None) -> bool:
    # A Python integer that becomes a float or complex number.
    return r is None and abs(x) < 1 << 53


def _spec(x: Any) -> Any:
    kind = type(x)
    return kind if kind in _PYTHON_SCALARS else x.dtype


def _loops_by_columns(
    operands: tuple[Any, ...], shape: tuple[int, ...], inputs: Sequence[np.dtype]
) -> bool:
    """Whether NumPy takes its simplest loop over arrays in Fortran's order, to a result in that.

    It shows in the strides of dimensions of size one alone.
    """
    if 1 not in shape or not inputs:
        return False
    found = False
    for x, dtype in zip(operands, inputs, strict=False):
        if type(x) is ndarray:
            if x._shape != shape or x._dtype != dtype or not is_f_contiguous(x):
                return False
            found = True
        elif type(x) is np.ndarray:
            return False
    return found


def _result_strides(
    operands: tuple[Any, ...],
    shape: tuple[int, ...],
    dtype: np.dtype,
    order: str,
    inputs: Sequence[np.dtype] = (),
) -> tuple[int, ...]:
    """Return the strides of a new result; `inputs`: the types a ufunc converts its operands to."""
    itemsize = dtype.itemsize
    if order == "F":
        return f_strides(shape, itemsize)
    strides = c_strides(shape, itemsize)
    if order == "C" or len(shape) < 2:
        return strides
    views = []
    for x in operands:
        if type(x) is ndarray:
            own = x._strides
            if x._shape == shape and own == c_strides(shape, x._dtype.itemsize):
                continue
            views.append((shape, broadcast_strides(x._shape, own, shape)))
        elif type(x) is np.ndarray:
            views.append((shape, broadcast_strides(x.shape, x.strides, shape)))
    if not views:
        return strides
    if _loops_by_columns(operands, shape, inputs):
        return f_strides(shape, itemsize)
    views = [
        (shape, broadcast_strides(x.shape, x.strides, shape))
        for x in operands
        if type(x) is ndarray or type(x) is np.ndarray
    ]
    return keep_order(views, shape, itemsize)


# -- NumPy's protocol --------------------------------------------------------------------------

_Reducer = Callable[..., Any]
METHODS: dict[str, _Reducer] = {}
"""How ufunc methods other than a call are recorded; filled by `_reductions`."""

GENERALIZED: dict[np.ufunc, _Reducer] = {}
"""How generalized ufuncs (matmul, …) are recorded; filled by `_linear`."""


def array_ufunc(self: ndarray, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NEP 13, where `_fast` has left it: any arguments."""
    if method == "__call__":
        special = GENERALIZED.get(ufunc)
        if special is not None:
            result = special(ufunc, inputs, kwargs)
        else:
            result = elementwise(ufunc, inputs, kwargs)
        if result is not HOST:
            return result
    else:
        handler = METHODS.get(method)
        if handler is not None:
            result = handler(ufunc, inputs, kwargs)
            if result is not HOST:
                return result
    out = kwargs.get("out")
    for value in (*inputs, *(out if type(out) is tuple else (out,))):
        kind = type(value)
        # A class derived from NumPy's hands on to NumPy's, which knows nothing of ours.
        if kind in _KNOWN or issubclass(kind, (ndarray, np.ndarray)):
            continue
        override = getattr(kind, "__array_ufunc__", np.ndarray.__array_ufunc__)
        if override is not np.ndarray.__array_ufunc__:
            return NotImplemented
    return host(ufunc, method, inputs, kwargs)


_KNOWN = (ndarray, np.ndarray, int, float, complex, bool, list, tuple, type(None))


def host(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let NumPy do it on the same memory."""
    known: _fallback.Known = []
    arguments = [_fallback.real(x, known) for x in inputs]
    options = _fallback.real(kwargs, known) if kwargs else kwargs
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    if pace.talkative:
        pace.computed(max([a.size for a, _ in known], default=0))
    try:
        if _profile.active or (_profile.reporting and _is_large(known)):
            result = _timed(ufunc, method, function, arguments, options, known)
        else:
            result = function(*arguments, **options)
    except ValueError as error:
        if not _fallback.made_writeable(known, error):
            raise
        result = function(*arguments, **options)
    if type(result) is np.ndarray and not kwargs:
        # Nearly always: a new array.
        if result.size < _settings.small or CODE.get(result.dtype) is None:
            return result
        if result.base is None:
            return adopt(result)
    return _fallback.wrap(result, known)


def _is_large(known: _fallback.Known) -> bool:
    return any(type(a) is ndarray and a._size >= _settings.defer for a, _ in known)


def _timed(
    ufunc: np.ufunc,
    method: str,
    function: Callable[..., Any],
    arguments: list[Any],
    options: dict[str, Any],
    known: _fallback.Known,
) -> Any:
    arrays = [a for a, _ in known if type(a) is ndarray]
    small = max((a._size for a in arrays), default=0) < _settings.defer
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    place, reason = ("host", "small") if small else ("fallback", "not in the server's table")
    with _profile.timed(name, place, reason, arrays):
        return function(*arguments, **options)
