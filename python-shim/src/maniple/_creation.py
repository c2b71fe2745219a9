"""What creates arrays: large ones are Maniple's, small ones NumPy's."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from types import MethodType
from typing import Any

import numpy as np

from maniple import _attribution, _fallback, _indexing, _profile, _settings, _views
from maniple._array import Fields, adopt, ndarray
from maniple._dtypes import CHARACTER, CODE
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, new_array, scalar_key
from maniple._views import broadcast_shapes

OVERRIDES: dict[str, Callable[..., Any]] = {}
"""Names of the numpy module that the maniple module replaces."""

RECORDED: set[str] = set()
"""Those that record; the others wrap NumPy's result."""


_TAKING_LIKE = frozenset(
    "arange array asanyarray asarray ascontiguousarray asfortranarray empty eye frombuffer "
    "fromfile fromfunction fromiter fromstring full genfromtxt identity loadtxt ones tri "
    "zeros".split()
)
"""Functions of NEP 35. Whose `like` is no array of NumPy's or ours, NumPy calls."""

_COPY_MODES: dict[Any, bool | None] = {
    np._CopyMode.ALWAYS: True,
    np._CopyMode.NEVER: False,
    np._CopyMode.IF_NEEDED: None,
}


class Replacement:
    """A function of the numpy module, replaced.

    Like NumPy's built-in functions, and unlike Python's, it does not become a method when it is an
    attribute of a class.
    """

    def __init__(self, name: str, original: Any, function: Callable[..., Any]) -> None:
        self.__call = function
        self._original = original
        # Below what dispatches by protocol is what has the signature.
        self.__wrapped__ = getattr(original, "__wrapped__", original)
        # Python's own messages about wrong arguments name the function.
        function.__qualname__ = name
        self.__name__ = self.__qualname__ = name
        self.__module__ = "numpy"
        implementation = getattr(original, "_implementation", None)
        if implementation is not None:
            # What ndarray.__array_function__ calls, for a subclass that hands on to it.
            self._implementation = implementation
        self.__doc__ = original.__doc__
        for attribute in ("__signature__", "__text_signature__"):
            value = getattr(original, attribute, None)
            if value is not None:
                setattr(self, attribute, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "like" in kwargs and self.__name__ in _TAKING_LIKE:
            like = kwargs["like"]
            if like is not None and type(like) is not np.ndarray and type(like) is not ndarray:
                # The class of `like` is to have what the user gave (NEP 35).
                return self._original(*args, **kwargs)
            del kwargs["like"]
        return self.__call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<function numpy.{self.__name__} (Maniple)>"

    def __reduce__(self) -> Any:
        return replacement, (self.__name__,)


class _Method(Replacement):
    """A function that does become a method."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)


def replace(name: str, function: Callable[..., Any]) -> None:
    """Let `function` be what the maniple module has under a name of the numpy module."""
    original = getattr(np, name)
    kind = _Method if hasattr(type(original), "__get__") else Replacement
    OVERRIDES[name] = kind(name, original, function)


def replacement(name: str) -> Any:
    """Return what stands for the numpy function `name`; for unpickling."""
    return OVERRIDES[name]


def _cannot_avoid_copy(a: ndarray, dtype: Any, order: Any) -> None:
    """Raise NumPy's own error."""
    np.array(_views.shadow(a), dtype, copy=False, order=order)


def _override(function: Callable[..., Any]) -> Callable[..., Any]:
    name = function.__name__
    function.__doc__ = getattr(np, name).__doc__
    RECORDED.add(name)
    replace(name, function)
    return function


def _shape_of(shape: Any) -> tuple[int, ...] | None:
    if type(shape) is int:
        return (shape,)
    if type(shape) in (tuple, list) and all([type(n) is int for n in shape]):
        return tuple(shape)
    if isinstance(shape, np.integer):
        return (int(shape),)
    return None


_NOTHING: Any = object()


def _is_cast(value: Any, dtype: np.dtype) -> bool:
    """Whether filling with `value` is a cast by rules of its own: warnings, errors, None as NaN."""
    if type(value) is float:
        return dtype.kind in "iu" and not 0 <= value < 128
    return value is None or (type(value) is int and dtype.kind == "b" and value not in (0, 1))


def _filled(shape: Any, dtype: Any, order: Any, value: Any) -> Any:
    """Return a new deferred array filled with `value` (`_NOTHING`: uninitialised), or HOST."""
    dims = _shape_of(shape)
    if not dims or min(dims) < 0:
        return HOST
    size = prod(dims)
    if size < _settings.defer or order not in ("C", "F") or not stream.enabled:
        return HOST
    dtype = np.dtype(dtype)
    if CODE.get(dtype) is None or errors_matter():
        return HOST
    if _is_cast(value, dtype):
        return HOST
    if size * dtype.itemsize >= 1 << 62 or not stream.operations:
        return HOST
    with stream.lock:
        strides = _views.f_strides(dims, dtype.itemsize) if order == "F" else None
        result = new_array(dims, dtype, strides)
    unlike = isinstance(value, (float, complex)) and dtype.kind in "biu"
    if unlike or isinstance(value, (np.generic, np.ndarray)):
        # Cast without checks, unlike an integer of Python.
        value = np.asarray(_fallback.real(value)).astype(dtype)
    if value is not _NOTHING and size and not _indexing.assign(result, value):
        return HOST
    return result


_PLAIN_TYPES = frozenset((type, str, np.dtype, type(np.dtype(float)), type(np.dtype(int))))


def _is_small(shape: Any, dtype: Any, device: Any) -> bool:
    """Whether these plain arguments make an array that is NumPy's own."""
    if device is not None or (type(dtype) not in _PLAIN_TYPES and dtype is not None):
        return False
    kind = type(shape)
    if kind is int:
        return bool(shape < _settings.small)
    if kind is not tuple:
        return False
    size = 1
    for n in shape:
        if type(n) is not int:
            return False
        size *= n
    return size < _settings.small


@_override
def zeros(shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None) -> Any:
    if _is_small(shape, dtype, device):
        return np.zeros(shape, dtype, order)
    if device in (None, "cpu"):
        result = _filled(shape, dtype, order, 0)
        if result is not HOST:
            return result
    return _wrapped_call(np.zeros, (shape, dtype, order), {"device": device})


@_override
def ones(shape: Any, dtype: Any = None, order: Any = "C", *, device: Any = None) -> Any:
    if _is_small(shape, dtype, device):
        return np.ones(shape, dtype, order)
    if device in (None, "cpu"):
        result = _filled(shape, dtype, order, 1)
        if result is not HOST:
            return result
    return _wrapped_call(np.ones, (shape, dtype, order), {"device": device})


@_override
def empty(shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None) -> Any:
    if _is_small(shape, dtype, device):
        return np.empty(shape, dtype, order)
    if device in (None, "cpu"):
        result = _filled(shape, dtype, order, _NOTHING)
        if result is not HOST:
            return result
    return _wrapped_call(np.empty, (shape, dtype, order), {"device": device})


@_override
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None
) -> Any:
    if device in (None, "cpu") and np.ndim(fill_value) == 0:
        kind = dtype
        if kind is None:
            kind = np.asarray(_fallback.real(fill_value)).dtype
        result = _filled(shape, kind, order, fill_value)
        if result is not HOST:
            return result
    return _wrapped_call(np.full, (shape, fill_value, dtype, order), {"device": device})


def _like(name: str) -> Callable[..., Any]:
    original = getattr(np, name)
    value = {"zeros_like": 0, "ones_like": 1}.get(name, _NOTHING)

    def function(
        a: Any, *args: Any, dtype: Any = None, order: Any = "K", subok: bool = True,
        shape: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        filler = value
        rest = list(args)
        if name == "full_like":
            filler = kwargs.pop("fill_value") if "fill_value" in kwargs else rest.pop(0)
        names = [("dtype", dtype), ("order", order), ("subok", subok), ("shape", shape)]
        given = dict(names)
        for (key, _), positional in zip(names, rest, strict=False):
            given[key] = positional
        if type(a) is ndarray and given["order"] in ("K", "C") and not kwargs.get("device"):
            dims = a._shape if given["shape"] is None else given["shape"]
            kind = a._dtype if given["dtype"] is None else given["dtype"]
            if filler is _NOTHING or np.ndim(filler) == 0:
                order = "C"
                same_rank = given["shape"] is None or np.size(dims) == len(a._shape)
                if given["order"] == "K" and same_rank and not _views.is_c_contiguous(a):
                    order = "F" if _views.is_f_contiguous(a) else "other"
                result = _filled(dims, kind, order, filler)
                if result is not HOST:
                    return result
        positional = (filler,) if name == "full_like" else ()
        return _wrapped_call(original, (a, *positional), {**given, **kwargs})

    function.__name__ = name
    return _override(function)


zeros_like = _like("zeros_like")
ones_like = _like("ones_like")
empty_like = _like("empty_like")
full_like = _like("full_like")


def _wrapped_call(function: Any, args: Any, kwargs: Any) -> Any:
    """Call NumPy; wrap a large result."""
    if "device" in kwargs and kwargs["device"] is None:
        del kwargs["device"]
    from maniple import _rebound

    composed = _rebound.call(function, args, kwargs)
    if composed is not HOST:
        return composed
    known: _fallback.Known = []
    args, kwargs = _fallback.real(tuple(args), known), _fallback.real(kwargs, known)
    return _fallback.wrap(_attribution.call(function, args, kwargs), known)


@_override
def arange(*args: Any, **kwargs: Any) -> Any:
    if not kwargs and 1 <= len(args) <= 2 and type(args[0]) is type(args[-1]) is int:
        if args[-1] - (args[0] if len(args) == 2 else 0) < _settings.small:
            return np.arange(*args)
    result = _arange(*args, **kwargs)
    return _wrapped_call(np.arange, args, kwargs) if result is HOST else result


def _arange(*args: Any, **kwargs: Any) -> Any:
    """Record a large arange of plain numbers, or return HOST."""
    names = ("start", "stop", "step", "dtype")
    if not kwargs.keys() <= set(names) or not 1 <= len(args) <= 4 or errors_matter():
        return HOST
    given: dict[str, Any] = dict(zip(names, args, strict=False))
    if given.keys() & kwargs.keys():
        return HOST
    given.update(kwargs)
    start, stop, step = given.get("start"), given.get("stop"), given.get("step")
    if stop is None:
        start, stop = 0, start
    start = 0 if start is None else start
    step = 1 if step is None else step
    if any([type(v) not in (int, float) for v in (start, stop, step)]) or not step:
        return HOST
    length = (stop - start) / step
    if not max(_settings.defer, 1) <= length < 1 << 53 or not stream.enabled:
        return HOST
    # NumPy's own rules for length and dtype, of an array that is not made.
    n = int(np.ceil(length))
    dtype = given.get("dtype")
    dtype = np.result_type(start, stop, step) if dtype is None else np.dtype(dtype)
    if dtype.kind not in "iuf" or dtype == np.float16 or CODE.get(dtype) is None:
        return HOST
    if dtype.kind in "iu" and not (type(start) is type(stop) is type(step) is int):
        return HOST
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if not all([info.min <= v <= info.max for v in (start, step, start + (n - 1) * step)]):
            return HOST
    first = dtype.type(start)
    delta = dtype.type(start + step) - first if dtype.kind == "f" else dtype.type(step)
    character = CHARACTER[dtype]
    number = stream.operations.get(f"arange:{character}{character}->{character}")
    if number is None:
        return HOST
    with stream.lock:
        result = new_array((n,), dtype)
        instruction = Instruction()
        instruction.output(result)
        instruction.scalar(scalar_key(first, dtype))
        instruction.scalar(scalar_key(delta, dtype))
        instruction.emit(number, n)
    if _profile.active:
        _profile.count("arange", "deferred", "", n)
    return result


@_override
def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False,
             dtype: Any = None, axis: int = 0, *, device: Any = None) -> Any:  # fmt: skip
    result = HOST
    if (
        type(start) in (int, float)
        and type(stop) in (int, float)
        and type(num) is int
        and num >= max(_settings.defer, 2)
        and dtype in (None, float)
        and axis in (0, -1)
    ):
        result = _linspace(float(start), float(stop), num, endpoint, retstep)
    if result is HOST:
        return _wrapped_call(
            np.linspace, (start, stop, num, endpoint, retstep, dtype, axis), {"device": device}
        )
    return result


def _linspace(start: float, stop: float, num: int, endpoint: bool, retstep: bool) -> Any:
    # numpy/_core/function_base.py, step by step.
    div = num - 1 if endpoint else num
    delta = stop - start
    step = np.float64(delta) / div
    y = _arange(0.0, float(num))
    if y is HOST:
        return HOST
    if step == 0:
        y /= div
        y *= delta
    else:
        y *= step
    y += start
    if endpoint and num > 1:
        y[-1] = stop
    return (y, step) if retstep else y


_PLAIN = frozenset((bool, int, float, complex, np.float64, np.int64))


def _is_plain(numbers: list[Any]) -> bool:
    """Whether a list holds few numbers, or lists of few in all."""
    if len(numbers) >= _settings.small:
        return False
    if _PLAIN.issuperset(map(type, numbers)):
        return True
    count = 0
    for row in numbers:
        if type(row) is not list or not _PLAIN.issuperset(map(type, row)):
            return False
        count += len(row)
    return count < _settings.small


@_override
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: Any = None,
) -> Any:
    plainly = copy is True and order == "K" and not (subok or ndmin or ndmax)
    if plainly and type(object) is list and _is_plain(object):
        # What programs write down: no array is in it, and none of Maniple's is made.
        return np.array(object, dtype)
    if isinstance(copy, np._CopyMode):
        copy = _COPY_MODES.get(copy, copy)
    elif type(copy) is np.bool:
        copy = bool(copy)
    if issubclass(type(object), ndarray) and ndmax is None:
        result = object
        if dtype is not None and np.dtype(dtype) != object._dtype:
            if copy is False:
                _cannot_avoid_copy(object, dtype, order)
            result = object.astype(dtype, order=order)
        elif copy:
            result = object.copy(order)
        elif order in ("C", "F") and not object.flags[order]:
            if copy is False:
                _cannot_avoid_copy(object, dtype, order)
            result = object.copy(order)
        if result is object and dtype is not None and np.dtype(dtype) is not object._dtype:
            # An equal data type that is another object, with metadata or of another C type.
            result = object._view_as_is()
            result._dtype, result._root = np.dtype(dtype), False
        if isinstance(result, np.ndarray) and result.ndim < ndmin:
            result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
        return result
    options: dict[str, Any] = {"copy": copy, "order": order, "subok": subok, "ndmin": ndmin}
    if ndmax is not None:
        options["ndmax"] = ndmax
    if issubclass(type(object), Fields):
        return _fallback.call(np.array, (object, dtype), options)
    # As elements of an object array they stay what they are.
    if type(object) in (list, tuple) and not _is_object(dtype):
        object = _fallback.real(object)
    elif type(object) is np.ndarray:
        result = np.array(object, dtype, **options)
        # Memory that is not ours to keep (copy=False) stays NumPy's.
        return result if result is object else _fallback.wrap(result)
    return _fallback.convert(np.array, object, (dtype,), options)


def _is_object(dtype: Any) -> bool:
    return dtype is not None and np.dtype(dtype).kind == "O"


def _as_array(name: str) -> None:
    original = getattr(np, name)

    def function(a: Any, *args: Any, **kwargs: Any) -> Any:
        kind = type(a)
        if issubclass(kind, ndarray):
            if not args and not kwargs and name in ("asarray", "asanyarray"):
                return a
            dtype = args[0] if args else kwargs.get("dtype")
            order = args[1] if len(args) > 1 else kwargs.get("order")
            if name == "ascontiguousarray":
                order = "C"
            elif name == "asfortranarray":
                order = "F"
            result = array(a, dtype, copy=kwargs.get("copy"), order=order or "K")
            if name in ("ascontiguousarray", "asfortranarray") and not result.ndim:
                result = result.reshape(1)
            return result
        if issubclass(kind, Fields):
            return _fallback.call(original, (a, *args), kwargs)
        if kind is np.ndarray or (kind is list and _is_plain(a)):
            return original(a, *args, **kwargs)
        if not _is_object(args[0] if args else kwargs.get("dtype")):
            a = _fallback.real(a)
        return _fallback.convert(original, a, args, kwargs)

    function.__name__ = name
    _override(function)


for _name in ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray"):
    _as_array(_name)


@_override
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    a = OVERRIDES["asarray"](a, dtype=dtype, order=order)
    if a.dtype.char in "efdgFDG" and not np.isfinite(a).all():
        raise ValueError("array must not contain infs or NaNs")
    return a


def _simple(name: str) -> None:
    """Replace a function by itself with its large results wrapped."""
    original = getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        from maniple import _rebound

        result = _rebound.create(original, args, kwargs)
        return _wrapped_call(original, args, kwargs) if result is HOST else result

    replace(name, function)


for _name in (
    "fromfunction", "fromfile", "fromiter", "fromstring", "loadtxt",
    "genfromtxt", "logspace", "geomspace", "indices", "hanning", "hamming", "blackman", "bartlett",
    "kaiser", "vander", "frombuffer",
):  # fmt: skip
    _simple(_name)


def through(name: str) -> None:
    """Replace a function of several arrays: ours by protocol, real ones with results wrapped."""
    original = getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if type(result) is not np.ndarray or result.size < _settings.small:
            return result
        if any([result is argument for argument in args]):
            return result
        return _fallback.wrap(result)

    replace(name, function)


for _name in (
    "concatenate",
    "stack",
    "vstack",
    "hstack",
    "dstack",
    "column_stack",
    "block",
    "tile",
    "repeat",
    "tril",
    "triu",
    "diag",
    "outer",
    "kron",
    "copy",
):
    through(_name)
OVERRIDES["concat"] = OVERRIDES["concatenate"]


@_override
def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = float, order: Any = "C", *,
        device: Any = None) -> Any:  # fmt: skip
    columns = N if M is None else M
    if _is_small((N, columns), dtype, device):
        return np.eye(N, M, k, dtype, order)
    result = HOST
    if device in (None, "cpu") and type(N) is type(columns) is type(k) is int and order == "C":
        result = _filled((N, columns), dtype, order, 0)
    if result is HOST:
        return _wrapped_call(np.eye, (N, M, k, dtype, order), {"device": device})
    if -N < k < columns:
        first = k if k >= 0 else -k * columns
        flat: Any = result
        flat.reshape(-1)[first : max(0, columns - k) * columns : columns + 1] = 1
    return result


@_override
def identity(n: Any, dtype: Any = None) -> Any:
    if type(n) is not int:
        return _wrapped_call(np.identity, (n, dtype), {})
    return eye(n, dtype=float if dtype is None else dtype)


@_override
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Any:
    columns = N if M is None else M
    if type(N) is type(columns) is type(k) is int:
        if min(N, columns) > 0 and N * columns >= _settings.defer:
            rows = adopt(np.arange(N).reshape(N, 1))
            return np.greater_equal(rows, np.arange(-k, columns - k)).astype(dtype)
    return _wrapped_call(np.tri, (N, M, k, dtype), {})


@_override
def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    path = os.fspath(file) if isinstance(file, (str, os.PathLike)) else None
    if type(path) is str and os.environ.get("MANIPLE_URL") and not os.path.exists(path):
        from maniple import _files

        return _files.load(path)
    return _wrapped_call(np.load, (file, *args), kwargs)


@_override
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> Any:
    size = prod([max(1, int(np.size(x))) for x in xi])
    if size < _settings.defer or sparse or indexing not in ("xy", "ij") or not stream.enabled:
        return _fallback.wrap(
            np.meshgrid(*_fallback.real(xi), copy=copy, sparse=sparse, indexing=indexing)
        )
    # As NumPy: views of one dimension each, broadcast to all, then copied.
    n = len(xi)
    columns = [
        OVERRIDES["asarray"](x).reshape((1,) * i + (-1,) + (1,) * (n - 1 - i))
        for i, x in enumerate(xi)
    ]
    if indexing == "xy" and n > 1:
        columns[0] = columns[0].reshape((1, -1) + (1,) * (n - 2))
        columns[1] = columns[1].reshape((-1, 1) + (1,) * (n - 2))
    shape = broadcast_shapes(*[c.shape for c in columns])
    grids = []
    for c in columns:
        if not copy:
            grids.append(np.broadcast_to(c, shape))
            continue
        grid = empty(shape, c.dtype)
        grid[...] = c
        grids.append(grid)
    return tuple(grids)
