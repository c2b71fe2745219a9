"""numpy.linalg: NumPy's own Python code on Maniple's arrays, with LAPACK at the server.

What NumPy's code calls in the end, the generalized ufuncs of `numpy.linalg._umath_linalg`, is
recorded here. Those that can fail numerically are executed at the call, so that LinAlgError comes
where NumPy raises it: of the results only whether they exist is observed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.linalg import _linalg, _umath_linalg

from maniple import _fallback, _profile, _settings, _ufuncs
from maniple._array import ndarray
from maniple._dtypes import INTP
from maniple._errors import ManipleLinAlgError
from maniple._pace import LINEAR_ALGEBRA
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, new_array, operand, scalar_key, stays
from maniple._views import broadcast_shapes, stacked_order

_Shape = tuple[int, ...]


# -- NumPy's Python code -----------------------------------------------------------------------


def as_array(a: Any, dtype: Any = None, order: Any = None, **kwargs: Any) -> Any:
    """numpy.asarray, but for Maniple's arrays."""
    if issubclass(type(a), ndarray) and not kwargs:
        own: Any = a._view_as_is() if type(a) is not ndarray else a
        if order in ("C", "F") and not own.flags[f"{order}_CONTIGUOUS"]:
            own = own.copy(order)
        return own if dtype is None else own.astype(dtype, copy=False)
    return np.asarray(a, dtype, order, **kwargs)


def implementations(module: ModuleType, **replaced: Any) -> Callable[[Any], Any]:
    """Return what gives a function's Python code with other names than its module's.

    Functions that dispatch on their arguments stay NumPy's: they find their way to Maniple by
    themselves. Helpers see the replaced names, too.
    """
    names = {**vars(module), "asarray": as_array, "asanyarray": as_array, **replaced}

    def rebound(function: FunctionType) -> FunctionType:
        copy = FunctionType(
            function.__code__, names, function.__name__, function.__defaults__, function.__closure__
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        return copy

    for name, value in vars(module).items():
        if type(value) is FunctionType and value.__module__ == module.__name__:
            names.setdefault(name, value)
            if name not in replaced:
                names[name] = rebound(value)
    return lambda function: rebound(getattr(function, "_implementation", function))


def concerns(value: Any) -> bool:
    """Whether there is an array in `value` that is worth computing at the server."""
    if issubclass(type(value), ndarray):
        return value._size >= _settings.defer or stays(value)
    return type(value) in (list, tuple) and any([concerns(v) for v in value])


def handler(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """Return what runs NumPy's Python code where an argument is worth it."""

    def handle(*args: Any, **kwargs: Any) -> Any:
        if not stream.enabled or not (concerns(args) or concerns(tuple(kwargs.values()))):
            return HOST
        return implementation(*args, **kwargs)

    return handle


def _make_array(a: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return `a` as an array, and what gives results its class, as NumPy's `_makearray`."""
    if issubclass(type(a), ndarray):
        return as_array(a), _fallback.wrap
    array, wrap = vars(_linalg)["_makearray"](a)
    if type(a) in (np.ndarray, list, tuple):
        return array, lambda result: result
    # Others know NumPy's arrays only.
    return array, lambda result: wrap(_fallback.real(result))


def handlers() -> dict[Any, Callable[..., Any]]:
    """Return NumPy's functions and what handles them."""
    implementation = implementations(_linalg, _makearray=_make_array)
    functions = [getattr(np.linalg, name) for name in _linalg.__all__]
    return {f: handler(implementation(f)) for f in functions if hasattr(f, "_implementation")}


# -- the generalized ufuncs --------------------------------------------------------------------


class Unsuited(Exception):
    """Operands that NumPy has to look at."""


def record(
    name: str,
    types: str,
    inputs: list[tuple[Any, _Shape]],
    outputs: list[_Shape],
    scalars: tuple[int, ...] = (),
    check: bool = False,
) -> list[ndarray]:
    """Record a routine.

    Parameters
    ----------
    types : str
        Its signature, as "dd->d".
    inputs : list of (array, shape it is broadcast to)
    check : bool
        Execute it, too, and raise what went wrong.
    """
    number = stream.operations.get(f"{name}:{types}")
    sizes = [shape for _, shape in inputs] + outputs
    if number is None or any([0 in shape for shape in sizes]):
        raise Unsuited
    loop = len(inputs[0][1]) - 2 if name.startswith("linalg.") else 0
    stacks = [(a.shape[:n], a.strides[:n]) for a, shape in inputs
              if (n := len(a.shape) - len(shape) + loop) > 0]  # fmt: skip
    with stream.lock:
        results = []
        for shape, c in zip(outputs, types.rpartition("->")[2], strict=True):
            dtype = np.dtype(c)
            order = None
            if loop > 1:
                order = stacked_order(stacks, shape[:loop], shape[loop:], dtype.itemsize)
            results.append(new_array(shape, dtype, order))
        instruction = Instruction()
        for result in results:
            instruction.output(result)
        for a, shape in inputs:
            instruction.input(a, shape)
        for value in scalars:
            instruction.scalar(scalar_key(value, INTP))
        elements = max([prod(shape) for shape in sizes])
        instruction.emit(number, elements * LINEAR_ALGEBRA)
        if check:
            stream.flush([(results[0]._buf.handle, 0, 1)])
    if _profile.active:
        _profile.count(name, "deferred", "", elements)
    return results


def _array(value: Any, rank: int) -> Any:
    value = operand(value)
    if type(value) not in (ndarray, np.ndarray) or len(value.shape) < rank:
        raise Unsuited
    return value


def _square(value: Any) -> tuple[Any, _Shape, int]:
    a = _array(value, 2)
    if a.shape[-1] != a.shape[-2]:
        raise Unsuited
    return a, a.shape[:-2], a.shape[-1]


def _scalar(result: Any) -> Any:
    return result if result._shape else result._scalar()


def _solve(types: str, a: Any, b: Any) -> Any:
    a, stack, n = _square(a)
    b = _array(b, 2)
    if b.shape[-2] != n:
        raise Unsuited
    try:
        stack = broadcast_shapes(stack, b.shape[:-2])
    except ValueError:
        raise Unsuited from None
    shape = (*stack, *b.shape[-2:])
    inputs = [(a, (*stack, n, n)), (b, shape)]
    return record("linalg.solve", types, inputs, [shape], check=True)[0]


def _solve1(types: str, a: Any, b: Any) -> Any:
    return _scalar(_solve(types, a, _array(b, 1)[..., None])[..., 0])


def _matrix_to_matrix(name: str, *scalars: int) -> Callable[..., Any]:
    def run(types: str, a: Any) -> Any:
        a, _, _ = _square(a)
        return record(name, types, [(a, a.shape)], [a.shape], scalars, check=True)[0]

    return run


def _det(types: str, a: Any) -> Any:
    a, stack, _ = _square(a)
    return _scalar(record("linalg.det", types, [(a, a.shape)], [stack])[0])


def _slogdet(types: str, a: Any) -> Any:
    a, stack, _ = _square(a)
    results = record("linalg.slogdet", types, [(a, a.shape)], [stack, stack])
    return tuple([_scalar(r) for r in results])


def _qr_r_raw(types: str, a: Any) -> Any:
    a = _array(a, 2)
    if type(a) is not ndarray:
        raise Unsuited
    stack, (m, n) = a.shape[:-2], a.shape[-2:]
    outputs = [a.shape, (*stack, min(m, n))]
    factors, tau = record("linalg.qr", f"{types}{types[0]}", [(a, a.shape)], outputs, check=True)
    # NumPy's leaves the factors where the matrix was.
    np.copyto(a, factors)  # type: ignore[arg-type]
    return tau


def _q(complete: bool) -> Callable[..., Any]:
    def run(types: str, a: Any, tau: Any) -> Any:
        a, tau = _array(a, 2), _array(tau, 1)
        stack, (m, n) = a.shape[:-2], a.shape[-2:]
        shape = (*stack, m, m if complete else min(m, n))
        inputs = [(a, a.shape), (tau, (*stack, min(m, n)))]
        return record("linalg.q", types, inputs, [shape], check=True)[0]

    return run


def _svd(full: bool) -> Callable[..., Any]:
    def run(types: str, a: Any) -> Any:
        a = _array(a, 2)
        stack, (m, n) = a.shape[:-2], a.shape[-2:]
        least = min(m, n)
        outputs = [
            (*stack, m, m if full else least),
            (*stack, least),
            (*stack, n if full else least, n),
        ]
        return tuple(record("linalg.svd", types, [(a, a.shape)], outputs, check=True))

    return run


def _svdvals(types: str, a: Any) -> Any:
    a = _array(a, 2)
    shape = (*a.shape[:-2], min(a.shape[-2:]))
    return record("linalg.svdvals", types, [(a, a.shape)], [shape], check=True)[0]


def _eigenvalues(name: str, *scalars: int) -> Callable[..., Any]:
    def run(types: str, a: Any) -> Any:
        a, stack, n = _square(a)
        return record(name, types, [(a, a.shape)], [(*stack, n)], scalars, check=True)[0]

    return run


def _eigenvectors(name: str, *scalars: int) -> Callable[..., Any]:
    def run(types: str, a: Any) -> Any:
        a, stack, n = _square(a)
        outputs = [(*stack, n), a.shape]
        return tuple(record(name, types, [(a, a.shape)], outputs, scalars, check=True))

    return run


def _lstsq(types: str, a: Any, b: Any, rcond: Any) -> Any:
    a, b = _array(a, 2), _array(b, 2)
    rcond = np.asarray(rcond, np.float64)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != b.shape[0] or rcond.shape:
        raise Unsuited
    (m, n), sides = a.shape, b.shape[1]
    inputs = [(a, a.shape), (b, b.shape), (rcond, ())]
    outputs = [(n, sides), (sides,), (), (min(m, n),)]
    x, residuals, rank, s = record("linalg.lstsq", types, inputs, outputs, check=True)
    return x, residuals, _scalar(rank), s


_GUFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    _umath_linalg.solve: _solve,
    _umath_linalg.solve1: _solve1,
    _umath_linalg.inv: _matrix_to_matrix("linalg.inv"),
    _umath_linalg.det: _det,
    _umath_linalg.slogdet: _slogdet,
    _umath_linalg.cholesky_lo: _matrix_to_matrix("linalg.cholesky", 0),
    _umath_linalg.cholesky_up: _matrix_to_matrix("linalg.cholesky", 1),
    _umath_linalg.qr_r_raw: _qr_r_raw,
    _umath_linalg.qr_reduced: _q(False),
    _umath_linalg.qr_complete: _q(True),
    _umath_linalg.svd_f: _svd(True),
    _umath_linalg.svd_s: _svd(False),
    _umath_linalg.svd: _svdvals,
    _umath_linalg.eig: _eigenvectors("linalg.eig"),
    _umath_linalg.eigvals: _eigenvalues("linalg.eigvals"),
    _umath_linalg.eigh_lo: _eigenvectors("linalg.eigh", 1),
    _umath_linalg.eigh_up: _eigenvectors("linalg.eigh", 0),
    _umath_linalg.eigvalsh_lo: _eigenvalues("linalg.eigvalsh", 1),
    _umath_linalg.eigvalsh_up: _eigenvalues("linalg.eigvalsh", 0),
    _umath_linalg.lstsq: _lstsq,
}


def _generalized(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    types = kwargs.get("signature")
    if kwargs.keys() != {"signature"} or types is None:
        return HOST
    try:
        return _GUFUNCS[ufunc](types, *inputs)
    except Unsuited:
        return HOST
    except ManipleLinAlgError:
        # Once more by NumPy, which raises its own error, or fills in NaN for numpy.linalg.cond.
        return HOST


_ufuncs.GENERALIZED.update(dict.fromkeys(_GUFUNCS, _generalized))
