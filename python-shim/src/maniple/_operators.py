"""The operators of the array: `a + b` with as little Python as possible, then NumPy's protocol."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _profile, _settings, _ufuncs
from maniple._array import _new, ndarray
from maniple._buffer import LOCAL, PRIVATE, Buffer
from maniple._dtypes import CODE
from maniple._recorder import stream
from maniple._ufuncs import Plan, errors_matter, plan_for, scalar_key
from maniple._views import c_strides

_Key = tuple[Any, Any]


def _defers(other: Any) -> bool:
    """Whether Python shall ask the other operand's reflected method instead (NEP 13)."""
    kind = type(other)
    if kind in _ufuncs._KNOWN or issubclass(kind, (ndarray, np.ndarray, np.generic)):
        return False
    override = getattr(kind, "__array_ufunc__", False)
    if override is not False:
        return override is None
    priority = getattr(other, "__array_priority__", None)
    return priority is not None and priority > ndarray.__array_priority__


def _binary(ufunc: np.ufunc, python: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return the operator and its reflection."""
    plans: dict[_Key, Plan | None] = {}
    name = ufunc.__name__
    checked = ufunc is np.power  # whose integer exponents must be looked at first

    def forward(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if self._size >= _settings.defer and self._shape and stream.enabled:
            # The common cases: an array of the same shape, or a Python float; C order.
            if kind is ndarray:
                if other._shape == self._shape and type(self) is ndarray:
                    key = (self._dtype, other._dtype)
                    plan = plans[key] if key in plans else _plan(key)
                    if (
                        plan is not None
                        and not checked
                        and self._strides == c_strides(self._shape, self._dtype.itemsize)
                        and (
                            other._strides is self._strides
                            or other._strides == c_strides(other._shape, other._dtype.itemsize)
                        )
                        and not errors_matter()
                    ):
                        return record(self, plan, other, None)
            elif (kind is float or kind is int) and type(self) is ndarray:
                key = (self._dtype, kind)
                plan = plans[key] if key in plans else _plan(key)
                if (
                    plan is not None
                    and not checked
                    and (kind is float or _in_range(other, plan.ranges[1]))
                    and self._strides == c_strides(self._shape, self._dtype.itemsize)
                    and not errors_matter()
                ):
                    return record(self, plan, None, scalar_key(other, plan.inputs[1]))
        elif kind is ndarray and other._size < _settings.defer:
            # Both small: straight to NumPy unless the server has one.
            a, b = self._buf, other._buf
            if a.home == LOCAL and b.home == LOCAL and not _profile.active:
                return _wrap_new(ufunc(self._host(), other._host()))
        if _defers(other):
            return NotImplemented
        if isinstance(other, np.ndarray) and kind not in _EXACT:
            return python(self._export(), other)
        return ufunc(self, other)

    def reflected(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        return ufunc(other, self)

    def _plan(key: _Key) -> Plan | None:
        plan = plan_for(ufunc, (key[0], key[1], None))
        plans[key] = plan
        return plan

    def record(self: ndarray, plan: Plan, other: ndarray | None, scalar: Any) -> ndarray:
        shape = self._shape
        itemsize = plan.itemsizes[0]
        size = self._size
        mine_code = CODE[self._dtype]
        same = mine_code == plan.codes[0]
        strides = self._strides if same else c_strides(shape, itemsize)
        with stream.lock:
            mine = self._buf.for_reading()
            theirs = 0 if other is None else other._buf.for_reading()
            if not mine or (other is not None and not theirs):
                # A snapshot must be taken.
                general: ndarray = _ufuncs.elementwise(
                    ufunc, (self, other if other is not None else _value(scalar)), {}
                )
                return general
            layouts = stream.batch.layout_index
            key = (plan.codes[0], shape, strides)
            out_layout = layouts[key] if key in layouts else stream.layout(key)
            in_layout = out_layout
            if not same:
                key = (mine_code, shape, self._strides)
                in_layout = layouts[key] if key in layouts else stream.layout(key)
            nbytes = size * itemsize
            handle = stream.new_buffer(nbytes)
            result: ndarray = _new(ndarray)
            result._buf = Buffer(PRIVATE, handle, nbytes)
            result._offset = 0
            result._dtype = plan.outputs[0]
            result._shape = shape
            result._strides = strides
            result._size = size
            result._root = False
            result._writeable = True
            result._base = None
            if other is None:
                stream.emit(
                    plan.number,
                    (handle, mine, 0),
                    (out_layout, in_layout, stream.scalar(scalar)),
                    (0, self._offset, 0),
                    size,
                )
            else:
                other_layout = in_layout
                if other._dtype is not self._dtype:
                    key = (CODE[other._dtype], shape, other._strides)
                    other_layout = layouts[key] if key in layouts else stream.layout(key)
                stream.emit(
                    plan.number,
                    (handle, mine, theirs),
                    (out_layout, in_layout, other_layout),
                    (0, self._offset, other._offset),
                    size,
                )
        if _profile.active:
            _profile.count(ufunc, "deferred", "", size)
        return result

    forward.__name__ = forward.__qualname__ = f"__{name}__"
    _caches.append(plans)
    return forward, reflected


def _in_range(value: int, bounds: tuple[int, int] | None) -> bool:
    return abs(value) < 1 << 53 if bounds is None else bounds[0] <= value <= bounds[1]


_caches: list[dict[_Key, Plan | None]] = []
_EXACT = (np.ndarray, ndarray)


def _value(scalar: tuple[int, int, int]) -> Any:
    from maniple._dtypes import DTYPE

    raw = scalar[1].to_bytes(8, "little") + scalar[2].to_bytes(8, "little")
    return np.frombuffer(raw, DTYPE[scalar[0]], 1)[0]


def _wrap_new(result: Any) -> Any:
    if type(result) is not np.ndarray or result.size < _settings.small:
        return result
    from maniple._array import adopt

    return adopt(result)


def _in_place(ufunc: np.ufunc) -> Any:
    def method(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        result = _ufuncs.fast(ufunc, (self, other), self)
        return ufunc(self, other, out=(self,)) if result is _ufuncs.HOST else result

    return method


def _unary(ufunc: np.ufunc) -> Any:
    def method(self: ndarray) -> Any:
        return ufunc(self)

    return method


def _comparison(ufunc: np.ufunc, python: Callable[[Any, Any], Any]) -> Any:
    forward, _ = _binary(ufunc, python)
    equality = ufunc.__name__ in ("equal", "not_equal")

    def method(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if kind in _SIMPLE:
            return forward(self, other)
        if _defers(other):
            return NotImplemented
        if equality or (isinstance(other, np.ndarray) and kind not in _EXACT):
            # == compares with anything; NumPy's method knows how.
            if isinstance(other, np.generic) and other.dtype in CODE:
                return ufunc(self, other)
            return _fallback_compare(python, self, other)
        return ufunc(self, other)

    return method


def _fallback_compare(python: Callable[[Any, Any], Any], a: ndarray, other: Any) -> Any:
    from maniple import _fallback

    return _fallback.call(python, (a, other), {}, "comparison with another kind of object")


_SIMPLE = (ndarray, np.ndarray, int, float, complex, bool)


def _power(self: ndarray, other: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        return NotImplemented
    kind = type(other)
    if kind is int or kind is float:
        # The exponents for which NumPy has a faster ufunc (array_power in number.c).
        fast = _fast_power(self, other)
        if fast is not None:
            return fast(self)
    return _power_forward(self, other)


def _fast_power(a: ndarray, exponent: Any) -> np.ufunc | None:
    inexact = a._dtype.kind in "fc"
    if exponent == 2 and (inexact or type(exponent) is int):
        return np.square
    if not inexact:
        return None
    if exponent == 1:
        return np.positive
    if exponent == -1:
        return np.reciprocal
    if exponent == 0.5:
        return np.sqrt
    return None


def _in_place_power(self: Any, other: Any) -> Any:
    kind = type(other)
    if kind is int or kind is float:
        fast = _fast_power(self, other)
        if fast is not None:
            return fast(self, out=(self,))
    if _defers(other):
        return NotImplemented
    return np.power(self, other, out=(self,))


_power_forward, _power_reflected = _binary(np.power, operator.pow)


def _divmod(self: ndarray, other: Any) -> Any:
    return NotImplemented if _defers(other) else np.divmod(self, other)


def _rdivmod(self: ndarray, other: Any) -> Any:
    return NotImplemented if _defers(other) else np.divmod(other, self)


def _in_place_matmul(self: Any, other: Any) -> Any:
    if _defers(other):
        return NotImplemented
    if len(self._shape) < 1 or np.ndim(other) < 2:
        raise ValueError(
            "inplace matrix multiplication requires the first operand to have at least one and "
            "the second at least two dimensions."
        )
    core: Any = (-2, -1) if len(self._shape) > 1 else (-1,)
    return np.matmul(self, other, out=(self,), axes=[core, (-2, -1), core])


def install() -> None:
    """Attach the operators to the class."""
    pairs = {
        "add": (np.add, operator.add),
        "sub": (np.subtract, operator.sub),
        "mul": (np.multiply, operator.mul),
        "truediv": (np.true_divide, operator.truediv),
        "floordiv": (np.floor_divide, operator.floordiv),
        "mod": (np.remainder, operator.mod),
        "and": (np.bitwise_and, operator.and_),
        "or": (np.bitwise_or, operator.or_),
        "xor": (np.bitwise_xor, operator.xor),
        "lshift": (np.left_shift, operator.lshift),
        "rshift": (np.right_shift, operator.rshift),
    }
    methods: dict[str, Any] = {}
    for name, (binary, python) in pairs.items():
        methods[f"__{name}__"], methods[f"__r{name}__"] = _binary(binary, python)
        methods[f"__i{name}__"] = _in_place(binary)
    methods["__matmul__"], methods["__rmatmul__"] = _matmul_pair()
    methods["__imatmul__"] = _in_place_matmul
    methods["__pow__"], methods["__rpow__"] = _power, _power_reflected
    methods["__ipow__"] = _in_place_power
    methods["__divmod__"], methods["__rdivmod__"] = _divmod, _rdivmod
    ufunc: Any
    for name, ufunc in (
        ("neg", np.negative),
        ("pos", np.positive),
        ("abs", np.absolute),
        ("invert", np.invert),
    ):
        methods[f"__{name}__"] = _unary(ufunc)
    for name, ufunc, python in (
        ("lt", np.less, operator.lt),
        ("le", np.less_equal, operator.le),
        ("gt", np.greater, operator.gt),
        ("ge", np.greater_equal, operator.ge),
        ("eq", np.equal, operator.eq),
        ("ne", np.not_equal, operator.ne),
    ):
        methods[f"__{name}__"] = _comparison(ufunc, python)
    for name, method in methods.items():
        setattr(ndarray, name, method)
    ndarray.__array_ufunc__ = _ufuncs.array_ufunc  # type: ignore[attr-defined]


def _matmul_pair() -> tuple[Any, Any]:
    def forward(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        if isinstance(other, np.ndarray) and type(other) not in _EXACT:
            return self._export() @ other
        return np.matmul(self, other)

    def reflected(self: ndarray, other: Any) -> Any:
        return NotImplemented if _defers(other) else np.matmul(other, self)

    return forward, reflected


def forget_plans() -> None:
    """For tests that change the backend."""
    _ufuncs.forget_plans()
    for cache in _caches:
        cache.clear()
