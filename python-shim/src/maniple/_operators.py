"""The operators of the array: `a + b` with as little Python as possible, then NumPy's protocol."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _fast, _linear, _ufuncs
from maniple._array import ndarray
from maniple._dtypes import CODE
from maniple._fast import SCALARS, layout_of, learn, perform
from maniple._ufuncs import HOST


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


def _binary(ufunc: np.ufunc, general: Callable[[ndarray, Any], Any]) -> tuple[Any, Any]:
    """Return the operator and its reflection; `general` does what is not an `_fast.Entry`."""
    table, _ = _fast.tables(ufunc)

    def forward(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if kind is ndarray:
            key = (self._layout or layout_of(self), other._layout or layout_of(other))
        elif kind in SCALARS:
            key = (self._layout or layout_of(self), kind)
        else:
            return general(self, other)
        try:
            entry = table[key]
        except KeyError:
            entry = learn(table, ufunc, key, self, other)
        if entry is not None:
            result = perform(entry, self, other, None, 2)
            if result is not HOST:
                return result
        return general(self, other)

    def reflected(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if kind in SCALARS:
            key = (kind, self._layout or layout_of(self))
            try:
                entry = table[key]
            except KeyError:
                entry = learn(table, ufunc, key, other, self)
            if entry is not None:
                result = perform(entry, self, other, None, 2)
                if result is not HOST:
                    return result
        elif _defers(other):
            return NotImplemented
        return ufunc(other, self)

    forward.__name__ = forward.__qualname__ = f"__{ufunc.__name__}__"
    return forward, reflected


def _arithmetic(ufunc: np.ufunc, python: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return an operator without shortcuts."""

    def general(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        if (
            isinstance(other, np.ndarray)
            and type(other) is not np.ndarray
            and not issubclass(type(other), ndarray)
        ):
            return python(self._export(), other)
        return ufunc(self, other)

    return general


def _in_place(ufunc: np.ufunc) -> Any:
    _, table = _fast.tables(ufunc)

    def method(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if kind is ndarray:
            mine = self._layout or layout_of(self)
            key = (mine, other._layout or layout_of(other), mine)
        elif kind in SCALARS:
            mine = self._layout or layout_of(self)
            key = (mine, kind, mine)
        elif _defers(other):
            return NotImplemented
        else:
            return ufunc(self, other, out=(self,))
        try:
            entry = table[key]
        except KeyError:
            entry = learn(table, ufunc, key, self, other, self)
        if entry is not None:
            result = perform(entry, self, other, self, 2)
            if result is not HOST:
                return result
        return ufunc(self, other, out=(self,))

    return method


def _unary(ufunc: np.ufunc) -> Any:
    table, _ = _fast.tables(ufunc)

    def method(self: ndarray) -> Any:
        key = self._layout or layout_of(self)
        try:
            entry = table[key]
        except KeyError:
            entry = learn(table, ufunc, key, self)
        if entry is not None:
            result = perform(entry, self, None, None, 2)
            if result is not HOST:
                return result
        return ufunc(self)

    return method


def _comparison(ufunc: np.ufunc, python: Callable[[Any, Any], Any]) -> Any:
    equality = ufunc.__name__ in ("equal", "not_equal")
    arithmetic = _arithmetic(ufunc, python)

    def general(self: ndarray, other: Any) -> Any:
        kind = type(other)
        if kind in _SIMPLE and not (equality and kind is np.ndarray and other.dtype not in CODE):
            return arithmetic(self, other)
        if _defers(other):
            return NotImplemented
        if equality or (
            isinstance(other, np.ndarray)
            and kind is not np.ndarray
            and not issubclass(kind, ndarray)
        ):
            # == compares with anything; NumPy's method knows how.
            if isinstance(other, np.generic) and other.dtype in CODE:
                return ufunc(self, other)
            return _fallback_compare(python, self, other)
        return ufunc(self, other)

    return _binary(ufunc, general)[0]


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


_power_forward, _power_reflected = _binary(np.power, _arithmetic(np.power, operator.pow))


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
        methods[f"__{name}__"], methods[f"__r{name}__"] = _binary(
            binary, _arithmetic(binary, python)
        )
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
    ndarray.__array_ufunc__ = _fast.array_ufunc  # type: ignore[attr-defined]


def _matmul_pair() -> tuple[Any, Any]:
    def forward(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        if (
            isinstance(other, np.ndarray)
            and type(other) is not np.ndarray
            and not issubclass(type(other), ndarray)
        ):
            return self._export() @ other
        result = _linear.at_once(np.matmul, self, other)
        return np.matmul(self, other) if result is HOST else result

    def reflected(self: ndarray, other: Any) -> Any:
        return NotImplemented if _defers(other) else np.matmul(other, self)

    return forward, reflected


def forget_plans() -> None:
    """For tests that change the backend."""
    _ufuncs.forget_plans()
    _fast.forget()
