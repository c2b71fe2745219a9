"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _profile, _settings, _ufuncs
from maniple._array import make, ndarray
from maniple._buffer import PRIVATE
from maniple._dtypes import CHARACTER
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, operand
from maniple._views import is_c_contiguous


def _worthwhile(a: Any, b: Any, shape: tuple[int, ...], inner: int) -> bool:
    if not stream.enabled or errors_matter():
        return False
    work = inner
    for n in shape:
        work *= n
    # A product touches its operands many times: count multiplications, not elements.
    return work >= _settings.defer or any(
        type(x) is ndarray and (x._size >= _settings.defer or x._buf.home == PRIVATE)
        for x in (a, b)
    )


def _as_matrix(x: Any, column: bool) -> Any:
    """Return a 1-D operand as a row or column."""
    if len(x.shape) == 2:
        return x
    return x[:, None] if column else x[None, :]


def product(a: Any, b: Any, out: Any = None) -> Any:
    """Record the product of arrays of one or two dimensions; HOST if that cannot be."""
    a, b = operand(a), operand(b)
    if type(a) not in (ndarray, np.ndarray) or type(b) not in (ndarray, np.ndarray):
        return HOST
    if not (1 <= len(a.shape) <= 2 and 1 <= len(b.shape) <= 2):
        return HOST
    if a.shape[-1] != b.shape[0] or 0 in a.shape or 0 in b.shape:
        return HOST
    shape = a.shape[:-1] + b.shape[1:]
    if not _worthwhile(a, b, shape, a.shape[-1]):
        return HOST
    dtype = np.result_type(a.dtype, b.dtype)
    character = CHARACTER.get(dtype)
    number = stream.operations.get(f"matmul:{character}{character}->{character}")
    if number is None:
        return HOST
    if out is not None and (type(out) is not ndarray or out._shape != shape or out._dtype != dtype):
        return HOST
    first, second = _as_matrix(a, False), _as_matrix(b, True)
    full = (first.shape[0], second.shape[1])
    with stream.lock:
        if out is None:
            target = new_array(shape, dtype)
        elif _ufuncs.prepare_outputs([out]):
            target = out
        else:
            return HOST
        matrix = target
        if shape != full:
            own = iter(target._strides)
            strides = (
                next(own) if len(a.shape) == 2 else 0,
                next(own) if len(b.shape) == 2 else 0,
            )
            matrix = make(target._buf, target._offset, dtype, full, strides, target._size)
        instruction = Instruction()
        instruction.output(matrix)
        instruction.input(first)
        instruction.input(second)
        instruction.emit(number, max(target._size, first.size, second.size), out is not None)
    if _profile.active:
        _profile.count("matmul", "deferred", "", max(first.size, second.size))
    return target


def _matmul(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not kwargs.keys() <= {"out"} or len(inputs) != 2:
        return HOST
    out = kwargs.get("out")
    if type(out) is tuple:
        (out,) = out
    result = product(*inputs, out=out)
    return _scalar(result) if out is None else result


def _vecdot(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(inputs) != 2 or any(np.ndim(x) != 1 for x in inputs):
        return HOST
    a, b = inputs
    return _scalar(product(np.conjugate(a), b)) if isinstance(a, np.ndarray) else HOST


def _scalar(result: Any) -> Any:
    return result._scalar() if type(result) is ndarray and not result._shape else result


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """numpy.dot for arrays of at most two dimensions."""
    if out is None and (np.ndim(a) == 0 or np.ndim(b) == 0):
        return np.multiply(a, b)
    if out is not None and (type(out) is not ndarray or not is_c_contiguous(out)):
        return HOST
    result = product(a, b, out)
    return _scalar(result) if out is None else result


def inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) == 2 and isinstance(b, np.ndarray):
        b = b.T
    return _scalar(product(a, b))


def vdot(a: Any, b: Any) -> Any:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray) or a.size != b.size:
        return HOST
    a = np.conjugate(a) if a.dtype.kind == "c" else a
    return _scalar(product(a.reshape(-1), b.reshape(-1)))


def outer(a: Any, b: Any, out: Any = None) -> Any:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return HOST
    a, b = a.reshape(-1)[:, None], b.reshape(-1)[None, :]
    return np.multiply(a, b) if out is None else np.multiply(a, b, out=out)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if axes == 1 and 1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2:
        result = product(a, b)
        # NumPy gives a 0-d array here, not a scalar.
        return result
    return HOST


_ufuncs.GENERALIZED.update({np.matmul: _matmul, np.vecdot: _vecdot})
