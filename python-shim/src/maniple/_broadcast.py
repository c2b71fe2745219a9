"""`numpy.broadcast`: shapes are known without looking at what the arrays hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _views
from maniple._array import FlatIterator, ndarray
from maniple._creation import OVERRIDES


class _Type(type):
    """Gives NumPy's own object where no argument is ours; `isinstance` cannot tell them apart."""

    def __call__(cls, *arrays: Any, **kwargs: Any) -> Any:
        if kwargs or not any([issubclass(type(a), ndarray) or type(a) is cls for a in arrays]):
            return np.broadcast(*arrays, **kwargs)
        return super().__call__(*arrays)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, np.broadcast)

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(subclass, np.broadcast) or super().__subclasscheck__(subclass)


class broadcast(metaclass=_Type):
    """NumPy's object, made when somebody iterates; before, one of the arrays' shadows."""

    __slots__ = ("_arguments", "_real", "_shadow")
    __wrapped__ = np.broadcast
    __doc__ = np.broadcast.__doc__

    def __init__(self, *arrays: Any) -> None:
        self._arguments = arrays
        self._real: Any = None
        self._shadow = np.broadcast(*[_shadow(a) for a in arrays])

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return np.broadcast

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shadow.shape

    @property
    def nd(self) -> int:
        return self._shadow.nd

    @property
    def ndim(self) -> int:
        return self._shadow.ndim

    @property
    def size(self) -> int:
        return self._shadow.size

    @property
    def numiter(self) -> int:
        return self._shadow.numiter

    @property
    def index(self) -> int:
        return 0 if self._real is None else int(self._real.index)

    @property
    def iters(self) -> tuple[Any, ...]:
        iterators: Any = self._numpys().iters
        return tuple(
            [
                FlatIterator(a, i) if issubclass(type(a), ndarray) else i
                for a, i in zip(self._arrays(), iterators, strict=True)
            ]
        )

    def _arrays(self) -> list[Any]:
        """Return one entry for each iterator; None where it is not of an array of ours."""
        found: list[Any] = []
        for a in self._arguments:
            if type(a) is broadcast:
                found += a._arrays()
            elif isinstance(a, np.broadcast):
                found += [None] * a.numiter
            else:
                found.append(a)
        return found

    def _numpys(self) -> Any:
        if self._real is None:
            self._real = np.broadcast(*[_current(a) for a in self._arguments])
        return self._real

    def reset(self, /) -> None:
        if self._real is not None:
            self._real.reset()

    def __iter__(self) -> broadcast:
        return self

    def __next__(self) -> Any:
        return next(self._numpys())


def _shadow(a: Any) -> Any:
    if type(a) is broadcast:
        return a._shadow
    return _views.shadow(a) if issubclass(type(a), ndarray) else a


def _current(a: Any) -> Any:
    if type(a) is broadcast:
        return a._numpys()
    return a._export() if issubclass(type(a), ndarray) else a


setattr(broadcast.reset, "__wrapped__", np.broadcast.reset)
OVERRIDES["broadcast"] = broadcast
