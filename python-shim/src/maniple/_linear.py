"""Matrix products, and what NumPy composes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy._core import einsumfunc, numeric
from numpy._core.multiarray import c_einsum

from maniple import _fallback, _profile, _settings, _ufuncs
from maniple._array import make, ndarray
from maniple._dtypes import CHARACTER
from maniple._elements import idle
from maniple._linalg import handler, implementations
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, operand, stays
from maniple._views import broadcast_shapes, is_c_contiguous, stacked_order


def _worthwhile(a: Any, b: Any, shape: tuple[int, ...], inner: int) -> bool:
    if not stream.enabled or errors_matter():
        return False
    work = inner
    for n in shape:
        work *= n
    # A product touches its operands many times: count multiplications, not elements.
    return work >= _settings.defer or any(
        type(x) is ndarray and (x._size >= _settings.defer or stays(x)) for x in (a, b)
    )


def at_once(function: Any, a: Any, b: Any) -> Any:
    """Return the product of small vectors or matrices at the host; HOST for others."""
    if _profile.active:
        return HOST
    defer = _settings.defer
    work = 1
    for x in (a, b):
        if type(x) is ndarray:
            if x._size >= defer or not 1 <= len(x._shape) <= 2 or not idle(x._buf):
                return HOST
            work *= x._size
        elif type(x) is np.ndarray and 1 <= x.ndim <= 2:
            work *= x.size
        else:
            return HOST
    if work >= defer * max(b.shape[0], 1):
        return HOST  # as many multiplications as are deferred
    first = a._export() if type(a) is ndarray else a
    second = b._export() if type(b) is ndarray else b
    return _fallback.wrap(function(first, second))


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


def _stacked(a: Any, b: Any, out: Any) -> Any:
    """Record the products of stacks of matrices; HOST if that cannot be."""
    a, b = operand(a), operand(b)
    if type(a) not in (ndarray, np.ndarray) or type(b) not in (ndarray, np.ndarray):
        return HOST
    if 0 in (len(a.shape), len(b.shape)):
        return HOST
    row, column = len(a.shape) == 1, len(b.shape) == 1
    if out is not None and (row or column):
        return HOST
    first = a[None, :] if row else a
    second = b[:, None] if column else b
    inner = first.shape[-1]
    try:
        stack = broadcast_shapes(first.shape[:-2], second.shape[:-2])
    except ValueError:
        return HOST
    shape = (*stack, first.shape[-2], second.shape[-1])
    if second.shape[-2] != inner or 0 in shape or not inner:
        return HOST
    if not _worthwhile(a, b, shape, inner):
        return HOST
    dtype = np.result_type(a.dtype, b.dtype)
    character = CHARACTER.get(dtype)
    number = stream.operations.get(f"matmul:{character}{character}->{character}")
    if number is None:
        return HOST
    if out is not None and (type(out) is not ndarray or out._shape != shape or out._dtype != dtype):
        return HOST
    with stream.lock:
        if out is None:
            stacks = [(x.shape[:-2], x.strides[:-2]) for x in (first, second)]
            order = stacked_order(stacks, stack, shape[-2:], dtype.itemsize)
            target = new_array(shape, dtype, order)
        elif _ufuncs.prepare_outputs([out]):
            target = out
        else:
            return HOST
        instruction = Instruction()
        instruction.output(target)
        instruction.input(first, (*stack, *first.shape[-2:]))
        instruction.input(second, (*stack, *second.shape[-2:]))
        instruction.emit(number, max(target._size, first.size, second.size), out is not None)
    if _profile.active:
        _profile.count("matmul", "deferred", "", max(first.size, second.size))
    result: Any = target
    if column:
        result = result[..., 0]
    if row:
        result = result[..., 0] if column else result[..., 0, :]
    return result


def _any_product(a: Any, b: Any, out: Any = None) -> Any:
    stacked = np.ndim(a) > 2 or np.ndim(b) > 2
    return _stacked(a, b, out) if stacked else product(a, b, out)


def _matmul(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not kwargs.keys() <= {"out"} or len(inputs) != 2:
        return HOST
    out = kwargs.get("out")
    if type(out) is tuple:
        (out,) = out
    stream.call_it("matmul", "matmul")
    result = _any_product(*inputs, out=out)
    return _scalar(result) if out is None else result


def _conjugate(a: Any) -> Any:
    return np.conjugate(a) if a.dtype.kind == "c" else a


def _vecdot(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(inputs) != 2 or any([not isinstance(x, np.ndarray) for x in inputs]):
        return HOST
    a, b = inputs
    if len(a.shape) == len(b.shape) == 1:
        return _scalar(product(_conjugate(a), b))
    dtype = np.result_type(a.dtype, b.dtype)
    if 0 in (len(a.shape), len(b.shape)) or a.shape[-1] != b.shape[-1] or dtype.char not in "fdFD":
        return HOST
    try:
        shape = broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return HOST
    if 0 in shape or not _worthwhile(a, b, shape, 1):
        return HOST
    # One sum for each row, in one pass; a call of BLAS for each would be dear.
    return np.add.reduce(np.multiply(_conjugate(a), b), axis=-1)


def _matvec(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(inputs) != 2 or any([not isinstance(x, np.ndarray) for x in inputs]):
        return HOST
    a, b = inputs
    if ufunc is np.matvec:
        if len(a.shape) < 2 or len(b.shape) < 1:
            return HOST
        result = _any_product(a, b[..., None])
        return result if result is HOST else result[..., 0]
    if len(a.shape) < 1 or len(b.shape) < 2:
        return HOST
    result = _any_product(_conjugate(a)[..., None, :], b)
    return result if result is HOST else result[..., 0, :]


def _scalar(result: Any) -> Any:
    return result._scalar() if type(result) is ndarray and not result._shape else result


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """numpy.dot."""
    if out is None:
        result = at_once(np.dot, a, b)
        if result is not HOST:
            return result
    if out is None and (np.ndim(a) == 0 or np.ndim(b) == 0):
        return _scaled(a, b)
    if out is not None and (type(out) is not ndarray or not is_c_contiguous(out)):
        return HOST
    if np.ndim(a) > 2 or np.ndim(b) > 2:
        return _matrix_dot(a, b) if out is None else HOST
    stream.call_it("matmul", "dot")
    result = product(a, b, out)
    return _scalar(result) if out is None else result


def _scaled(a: Any, b: Any) -> Any:
    """Return the product with a scalar; zero times infinity is zero to BLAS: NumPy's business."""
    # As arrays: unlike to `multiply`, a Python number has a type of its own to `dot`.
    a, b = np.asanyarray(a), np.asanyarray(b)
    scalar, other = (a, b) if a.ndim == 0 else (b, a)
    if scalar == 0:
        return HOST
    # What BLAS multiplies is in C order, whatever the operands are in.
    blas = other.ndim <= 2 and np.result_type(a, b).char in "fdFD"
    return np.multiply(a, b, order="C" if blas else "K")


def _matrix_dot(a: Any, b: Any) -> Any:
    """Over the last dimension of `a` and the last but one of `b`, as one product of matrices."""
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return HOST
    inner = a.shape[-1]
    if b.shape[-2 if b.ndim > 1 else 0] != inner or 0 in a.shape or 0 in b.shape:
        return HOST
    stream.call_it("matmul", "dot")
    columns = b if b.ndim < 3 else np.moveaxis(b, -2, 0)
    matrix = columns.reshape(inner, -1)
    result = product(a.reshape(-1, inner), matrix)
    return result if result is HOST else result.reshape(a.shape[:-1] + columns.shape[1:])


def inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return _scaled(a, b)
    if np.ndim(b) >= 2 and isinstance(b, np.ndarray):
        b = np.swapaxes(b, -1, -2)
    return dot(a, b)


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


tensordot = handler(implementations(numeric)(np.tensordot))


# -- einsum ------------------------------------------------------------------------------------


_bmm_einsum: Any = vars(einsumfunc)["bmm_einsum"]


def _c_einsum(*operands: Any, **kwargs: Any) -> Any:
    """What NumPy's compiled einsum does: of one or two of Maniple's arrays, by a product."""
    result = HOST if kwargs else _contract(*operands)
    return _fallback.call(c_einsum, operands, kwargs) if result is HOST else result


def _contract(subscripts: Any, *operands: Any) -> Any:
    if type(subscripts) is not str or not 1 <= len(operands) <= 2 or "." in subscripts:
        return HOST
    terms, arrow, out = subscripts.replace(" ", "").partition("->")
    inputs = terms.split(",")
    if not arrow:
        letters = sorted(set(terms) - {","})
        out = "".join([c for c in letters if terms.count(c) == 1])
    arrays = [operand(a) for a in operands]
    if any([type(a) not in (ndarray, np.ndarray) for a in arrays]) or len(inputs) != len(arrays):
        return HOST
    sizes: dict[str, set[int]] = {}
    for term, a in zip(inputs, arrays, strict=True):
        # A diagonal is a view that one may write to, or a sum along it: NumPy's.
        if len(term) != len(a.shape) or len(set(term)) != len(term) or 0 in a.shape:
            return HOST
        if a.dtype.char not in "fdFD":
            return HOST
        for c, n in zip(term, a.shape, strict=True):
            sizes.setdefault(c, set()).add(n)
    plain = all([len(found) == 1 for found in sizes.values()])
    if not plain or not set(out) <= sizes.keys() or len(set(out)) != len(out):
        return HOST
    if len(arrays) == 2:
        return _pairwise(f"{inputs[0]},{inputs[1]}->{out}", *arrays)
    return _summed(inputs[0], out, arrays[0])


def _summed(term: str, out: str, a: Any) -> Any:
    axes = tuple([i for i, c in enumerate(term) if c not in out])
    if type(a) is not ndarray:
        return HOST
    if axes:
        a = np.add.reduce(a, axis=axes)
    kept = [c for c in term if c in out]
    return a.transpose([kept.index(c) for c in out]) if len(out) > 1 else a


def _pairwise(equation: str, a: Any, b: Any) -> Any:
    terms, _, out = equation.partition("->")
    left, _, right = terms.partition(",")
    if set(left) == set(right) and len(left) == len(out) + 1 and left.startswith(out):
        # Rows with rows: one pass instead of a product for each.
        b = b.transpose([right.index(c) for c in left])
        return np.add.reduce(np.multiply(a, b), axis=-1)
    result = _einsum_code(_bmm_einsum)(equation, a, b)
    return _scalar(result)


def _einsum_path(*operands: Any, **kwargs: Any) -> Any:
    return _einsum_code(np.einsum_path)(*operands, **kwargs)


_einsum_code = implementations(einsumfunc, c_einsum=_c_einsum, einsum_path=_einsum_path)
einsum = handler(_einsum_code(np.einsum))

_ufuncs.GENERALIZED.update(
    {np.matmul: _matmul, np.vecdot: _vecdot, np.matvec: _matvec, np.vecmat: _matvec}
)
