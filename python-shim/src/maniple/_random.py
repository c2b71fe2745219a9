"""numpy.random: the same numbers, large results in Maniple's memory."""

from __future__ import annotations

import copy
import copyreg
import functools
from math import prod
from typing import Any

import numpy as np
import numpy.random as nr

from maniple import _attribution, _draws, _fallback, _profile, _settings
from maniple._array import make
from maniple._buffer import shared_buffer
from maniple._creation import _shape_of
from maniple._dtypes import CODE
from maniple._errors import ManipleError
from maniple._recorder import stream
from maniple._ufuncs import HOST
from maniple._views import c_strides

_PLAIN = frozenset(("bit_generator", "spawn", "seed", "get_state", "set_state", "bytes"))

_SEEDING = frozenset(("seed", "set_state"))

_SIZE: dict[str, int] = {
    name: position
    for position, names in enumerate(
        (
            "random random_sample standard_normal standard_exponential standard_cauchy tomaxint",
            "standard_gamma exponential chisquare standard_t pareto weibull power rayleigh poisson "
            "zipf geometric logseries",
            "uniform normal gamma beta f noncentral_chisquare vonmises laplace gumbel logistic "
            "lognormal wald binomial negative_binomial integers randint",
            "noncentral_f triangular hypergeometric",
        )
    )
    for name in names.split()
}
"""Where `size` stands among the arguments. With scalar parameters each of these draws one element
after the other, so that pieces of an array are the same numbers as the whole."""

_SEEDED = (nr.MT19937, nr.PCG64, nr.PCG64DXSM, nr.Philox, nr.SFC64, nr.SeedSequence)

_DIMENSIONS = {"rand": "random_sample", "randn": "standard_normal"}
"""These take their shape as separate arguments, and are other methods otherwise."""

_INTO = frozenset(("random", "standard_normal", "standard_exponential", "standard_gamma"))
"""Methods of Generator that write where they are told to."""

_PIECE = 32768
"""Elements of a piece: it stays in the processor's cache until it is copied to its place."""

_SCALARS = (int, float, bool)


class _Call:
    """A call of a sampling method with a large size and scalar parameters."""

    __slots__ = ("args", "keywords", "name", "owner", "shape")

    def __init__(self, owner: Any, name: str, args: Any, keywords: Any, shape: Any) -> None:
        self.owner = owner
        self.name = name
        self.args = args
        self.keywords = keywords
        self.shape = shape

    def sample(self) -> Any:
        """Return the array, or HOST."""
        if not stream.enabled:
            return HOST
        if isinstance(self.owner, nr.Generator):
            method: Any = _draws.METHODS.get(self.name)
            if method is not None:
                try:
                    result = method(self.owner, self.shape, *self.args, **self.keywords)
                except TypeError:
                    return HOST  # the arguments are wrong: NumPy says how
                if result is not HOST:
                    return result
            if self.name in _INTO:
                return self._directly()
        dtype = self.keywords.get("dtype", int)
        if self.name in ("integers", "randint") and (
            len(self.args) > 2 or np.dtype(dtype).itemsize < 4
        ):
            # Several small integers are cut from one word, and a call ends with a whole one.
            return HOST
        return self._by_pieces()

    def _directly(self) -> Any:
        if "out" in self.keywords or len(self.args) > (self.name == "standard_gamma"):
            return HOST
        dtype = np.dtype(self.keywords.get("dtype", np.float64))
        if dtype not in (np.float32, np.float64) or not dtype.isnative:
            return HOST
        result = _new(self.shape, dtype)
        if result is not HOST:
            function = getattr(_base(self.owner), self.name)
            out = result._export()
            function(self.owner, *self.args, size=self.shape, out=out, **self.keywords)
        return result

    def _by_pieces(self) -> Any:
        base = _base(self.owner)
        function = getattr(base, self.name)
        size = prod(self.shape)
        first_size = min(_PIECE, size)
        # Nobody else may draw between two pieces.
        with self.owner._bit_generator.lock:
            first = function(self.owner, *self.args, size=first_size, **self.keywords)
            result = _new(self.shape, first.dtype)
            room: np.ndarray
            if result is HOST:
                room = np.empty(self.shape, first.dtype)
            else:
                room = result._export()
            flat = room.reshape(-1)
            flat[:first_size] = first
            for start in range(first_size, size, _PIECE):
                piece = flat[start : start + _PIECE]
                piece[...] = function(self.owner, *self.args, size=len(piece), **self.keywords)
        if result is HOST:
            del flat
            return _fallback.wrap(room)
        return result


def _base(owner: Any) -> Any:
    return nr.Generator if isinstance(owner, nr.Generator) else nr.RandomState


def _new(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """Return an array in shared memory for NumPy to fill, or HOST."""
    size = prod(shape)
    nbytes = size * dtype.itemsize
    if CODE.get(dtype) is None or nbytes <= _settings.inline_bytes:
        return HOST
    if not stream.operations or not stream.limits.shared_memory:
        return HOST
    try:
        with stream.lock:
            stream.recycle(nbytes)
            buf = shared_buffer(nbytes)
    except ManipleError:
        return HOST  # no room there, or no server: the numbers can be had all the same
    return make(buf, 0, dtype, shape, c_strides(shape, dtype.itemsize), size)


def is_filled(name: str) -> bool:
    """Whether large results of a method are made in shared memory."""
    return name in _SIZE or name in _DIMENSIONS


def _has_dtype(owner: Any, name: str) -> bool:
    """Whether `dtype` follows `size` among the arguments."""
    if isinstance(owner, nr.Generator):
        return name in _INTO or name == "integers"
    return name == "randint"


def _is_scalar(value: Any) -> bool:
    return type(value) in _SCALARS or isinstance(value, np.generic)


def _large(owner: Any, name: str, args: Any, kwargs: Any) -> _Call | None:
    """Return the call if it is one for which Maniple has a way of its own."""
    if name in _DIMENSIONS:
        shape = _shape_of(args)
        if shape is None or kwargs or not args:
            return None
        name, args, keywords = _DIMENSIONS[name], (), {}
    else:
        position = _SIZE.get(name)
        if position is None:
            return None
        keywords = dict(kwargs)
        if "size" in keywords:
            shape = _shape_of(keywords.pop("size"))
            rest = args
            if len(args) > position:
                return None
        elif len(args) > position:
            shape = _shape_of(args[position])
            rest = args[:position]
            extra = args[position + 1 :]
            if extra and (len(extra) > 1 or "dtype" in keywords or not _has_dtype(owner, name)):
                return None
            if extra:
                keywords["dtype"] = extra[0]
        else:
            return None
        args = rest
    if not shape or min(shape) < 0:
        return None
    if prod(shape) < max(_settings.defer, 1):
        return None
    if not all([_is_scalar(v) for v in args]):
        return None
    for key, value in keywords.items():
        if key not in ("dtype", "method") and not (
            _is_scalar(value) or (key == "high" and value is None)
        ):
            return None
    return _Call(owner, name, args, keywords, shape)


def _sample(owner: Any, name: str, function: Any, args: Any, kwargs: Any) -> Any:
    call = _large(owner, name, args, kwargs)
    if call is not None:
        result = call.sample()
        if result is not HOST:
            return result
    if name == "shuffle" and args and type(args[0]) is list:
        # Its own elements change places; a list of NumPy's views would be another list.
        return function(owner, *args, **kwargs)
    known: _fallback.Known | None = None if name == "shuffle" else []  # which has no result
    args, kwargs = _fallback.real((owner, *args), known), _fallback.real(kwargs, known)
    if name in _SIZE:
        result = function(*args, **kwargs)
    else:
        result = _attribution.call(function, args, kwargs)
    if type(result) is not np.ndarray or not result.ndim:
        # NumPy's own methods, which call each other, look at 0-d arrays.
        return result
    if _profile.active:
        _profile.count(f"random.{name}", "fallback", "", result.size)
    if _profile.reporting and result.size >= _settings.defer:
        _profile.fallback(f"random.{name}", "", result.size, 0.0)
    return _fallback.wrap(result, known)


def _method(base: type, name: str) -> Any:
    function = getattr(base, name)

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _sample(self, name, function, args, kwargs)

    return method


def _taking_numpy(function: Any) -> Any:
    """Return a function that gets NumPy's arrays for Maniple's."""

    @functools.wraps(function)
    def taking(*args: Any, **kwargs: Any) -> Any:
        return function(*_fallback.real(args), **_fallback.real(kwargs))

    return taking


def _module_function(name: str) -> Any:
    """Return a function of the module: a method of the one generator that is global."""
    original = getattr(nr, name)
    function = getattr(nr.RandomState, original.__name__)
    owner = original.__self__

    @functools.wraps(original)
    def sampling(*args: Any, **kwargs: Any) -> Any:
        return _sample(owner, original.__name__, function, args, kwargs)

    return sampling


class _Kind(type):
    """The class of these classes: an instance of NumPy's own is an instance of Maniple's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        base = _replaced(cls)
        return super().__instancecheck__(instance) if base is None else isinstance(instance, base)

    def __subclasscheck__(cls, subclass: type) -> bool:
        base = _replaced(cls)
        return super().__subclasscheck__(subclass) if base is None else issubclass(subclass, base)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls in _seeded():
            # The object is NumPy's own: only how it is seeded differs.
            return _replaced(cls)(*_fallback.real(args), **_fallback.real(kwargs))
        return super().__call__(*args, **kwargs)

    @property
    def __signature__(cls) -> Any:
        import inspect

        return inspect.signature(cls.__base__)  # type: ignore[arg-type]


def _again(kind: Any, bit_generator: Any, state: Any = None) -> Any:
    copied = kind(bit_generator)
    if state is not None:
        copied.__setstate__(state)
    return copied


def _copy(self: Any) -> Any:
    """Copy as NumPy does, by what is pickled; that alone would give NumPy's own class."""
    _, args, *state = self.__reduce__()
    return _again(type(self), *args, *state)


def _deep_copy(self: Any, memo: Any) -> Any:
    _, args, *state = self.__reduce__()
    return _again(type(self), *copy.deepcopy((*args, *state), memo))


def _subclass(base: type) -> Any:
    """Return a subclass whose sampling methods wrap what they return."""
    members: dict[str, Any] = {
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__init__": _taking_numpy(base.__init__),  # type: ignore[misc]
        "__copy__": _copy,
        "__deepcopy__": _deep_copy,
        "__slots__": (),
    }
    for member in dir(base):
        if member.startswith("_") or member in _PLAIN or not callable(getattr(base, member)):
            continue
        members[member] = _method(base, member)
    for member in _SEEDING & vars(base).keys():
        members[member] = _taking_numpy(getattr(base, member))
    return _Kind(base.__name__, (base,), members)


def _seeded_class(base: type) -> Any:
    members = {
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__init__": _taking_numpy(base.__init__),  # type: ignore[misc]
    }
    return _Kind(base.__name__, (base,), members)


@functools.cache
def _ours() -> tuple[Any, Any]:
    return _subclass(nr.Generator), _subclass(nr.RandomState)


@functools.cache
def _seeded() -> tuple[Any, ...]:
    """Return what stands for NumPy's classes that are made from a seed."""
    return tuple([_seeded_class(base) for base in _SEEDED])


def _replaced(kind: Any) -> Any:
    """Return the class of NumPy's in whose place `kind` is; None for what the user derives."""
    return kind.__base__ if kind in _ours() or kind in _seeded() else None


def _class_named(name: str) -> Any:
    """Return one of these classes; for unpickling."""
    return next(kind for kind in (*_ours(), *_seeded()) if kind.__name__ == name)


copyreg.pickle(_Kind, lambda kind: (_class_named, (kind.__name__,)))


def _default_rng(seed: Any = None) -> Any:
    seed = _fallback.real(seed)
    generator = nr.default_rng(seed)
    return generator if generator is seed else _ours()[0](generator.bit_generator)


def overrides() -> dict[str, Any]:
    """Return what replaces names of numpy.random."""
    generator, random_state = _ours()
    replaced: dict[str, Any] = {
        "default_rng": functools.wraps(nr.default_rng)(_default_rng),
        "Generator": generator,
        "RandomState": random_state,
        **{kind.__name__: kind for kind in _seeded()},
    }
    for name in nr.__all__:
        function = getattr(nr, name)
        if isinstance(getattr(function, "__self__", None), nr.RandomState) and name not in _PLAIN:
            replaced[name] = _module_function(name)
    replaced.update({name: _taking_numpy(getattr(nr, name)) for name in _SEEDING})
    return replaced
