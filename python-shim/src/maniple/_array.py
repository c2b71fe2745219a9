"""The deferred array: its attributes, its views, and what makes others see its data.

What computes is in other modules (`_operators` attaches it); here is only the object.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from maniple import _views
from maniple._buffer import LOCAL, PRIVATE, Buffer, local_buffer
from maniple._dtypes import CODE
from maniple._elements import at_home
from maniple._flags import Flags

_new = object.__new__

_STRIDES_SET = (
    "Setting the strides on a NumPy array has been deprecated in NumPy 2.4.\n"
    "As an alternative, you can create a new view using np.lib.stride_tricks.as_strided."
)


_COLLECTORS = sys.getsizeof(()) - ().__sizeof__()


class Fields:
    """What an array consists of, whoever works on it (`_foreign`)."""

    __slots__ = (
        "__weakref__",
        "_base",
        "_buf",
        "_dtype",
        "_layout",
        "_offset",
        "_root",
        "_shape",
        "_size",
        "_strides",
        "_writeable",
    )
    # _writeable is None where NumPy warns of the first write (`warn_on_write`).

    _base: Any
    _buf: Buffer
    _dtype: np.dtype
    _layout: _views.Layout | None
    _offset: int
    _root: bool
    _shape: tuple[int, ...]
    _size: int
    _strides: tuple[int, ...]
    _writeable: bool | None


class ndarray(Fields):
    """An array whose operations are recorded and executed later, elsewhere.

    It has all attributes and methods of `numpy.ndarray`, and `isinstance(a, numpy.ndarray)` is
    true. Created by the functions of the `maniple` module, not by calling this class.
    """

    __slots__ = ()

    __array_priority__ = 0.0
    __array_finalize__ = None
    __hash__ = None  # type: ignore[assignment]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        from maniple._fallback import wrap

        return wrap(np.ndarray(*args, **kwargs))

    @property
    def __class__(self) -> type:
        return np.ndarray

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("the class of a Maniple array cannot be changed")

    def __class_getitem__(cls, item: Any, /) -> Any:
        return np.ndarray[item]

    # -- memory --------------------------------------------------------------------------------

    def _host(self) -> np.ndarray:
        """Return a NumPy view of this array's memory, current.

        The result may be the buffer's own array: callers must not hand it out or change its
        attributes; `_export` is for that.
        """
        buf = self._buf
        if buf.home != LOCAL or buf.snapshot or buf.selections:
            buf.look()
        if self._root and buf.typed:
            assert buf.owner is not None
            return buf.owner
        return self._export_current()

    def _export(self) -> np.ndarray:
        """Return a NumPy view of this array's memory, current, that anybody may keep."""
        buf = self._buf
        if buf.home != LOCAL or buf.snapshot or buf.selections:
            buf.look()
        return self._export_current()

    def _export_current(self) -> np.ndarray:
        view: np.ndarray = np.ndarray(
            self._shape, self._dtype, self._buf.memory, self._offset, self._strides
        )
        if self._writeable is None:
            # As `numpy.broadcast_arrays` leaves it: NumPy warns of the first write.
            flags: Any = view.flags
            flags._warn_on_write = True
        elif not self._writeable:
            view.flags.writeable = False
        return view

    def _scalar(self) -> Any:
        """Return the only element (0-d) as a NumPy scalar."""
        buf = self._buf
        if buf.home == PRIVATE:
            itemsize = self._dtype.itemsize
            # What is small is fetched whole.
            if buf.nbytes > 4096 and not at_home(buf, 1, reads=True):
                return buf.read(self._offset, itemsize).view(self._dtype)[0]
        return self._host()[()]

    def _sliced(self, key: Any) -> ndarray:
        """Return the view for a basic index that ends in Ellipsis."""
        result: ndarray = _views.from_shadow(_views.shadow(self)[key], self)
        return result

    # -- attributes ----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Tuple of array dimensions."""
        return self._shape

    @shape.setter
    def shape(self, value: Any) -> None:
        shadow = _views.shadow(self)
        shadow.shape = value
        self._relayout(shadow)

    @shape.deleter
    def shape(self) -> None:
        raise AttributeError("Cannot delete array shape")

    @property
    def strides(self) -> tuple[int, ...]:
        """Tuple of bytes to step in each dimension."""
        return self._strides

    @strides.setter
    def strides(self, value: Any) -> None:
        warnings.warn(_STRIDES_SET, DeprecationWarning, stacklevel=2)
        ndim = len(self._shape)
        if isinstance(value, (tuple, list)) and len(value) != ndim:
            raise ValueError(f"strides must be  same length as shape ({ndim})")
        # The buffer's bounds are checked by NumPy on an array of the buffer's size.
        buf = self._buf
        base = np.ndarray((buf.nbytes,), np.uint8, _views._space)
        try:
            steps = (value,) if hasattr(value, "__index__") else tuple(value)
            shadow: np.ndarray = np.ndarray(self._shape, self._dtype, base, self._offset, steps)
        except TypeError:
            raise TypeError("invalid strides") from None
        except ValueError:
            raise ValueError("strides is not compatible with available memory") from None
        self._relayout(shadow)

    @strides.deleter
    def strides(self) -> None:
        raise AttributeError("Cannot delete array strides")

    @property
    def dtype(self) -> np.dtype:
        """Data-type of the array's elements."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: Any) -> None:
        shadow = _views.shadow(self)
        setattr(shadow, "dtype", value)
        if CODE.get(shadow.dtype) is None:
            from maniple import _foreign

            _foreign.become(self, shadow)
        else:
            self._relayout(shadow)

    @dtype.deleter
    def dtype(self) -> None:
        raise AttributeError("Cannot delete array dtype")

    def _relayout(self, shadow: np.ndarray) -> None:
        self._shape, self._strides, self._dtype = shadow.shape, shadow.strides, shadow.dtype
        self._size = shadow.size
        self._root = False
        self._layout = None

    @property
    def ndim(self) -> int:
        """Number of array dimensions."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """Number of elements in the array."""
        return self._size

    @property
    def itemsize(self) -> int:
        """Length of one array element in bytes."""
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Total bytes consumed by the elements of the array."""
        return self._size * self._dtype.itemsize

    @property
    def base(self) -> Any:
        """The array this one is a view of, or None."""
        return self._base

    @property
    def flags(self) -> Flags:
        """Information about the memory layout of the array."""
        return Flags(self)

    @property
    def device(self) -> str:
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> ndarray:
        if stream is not None:
            raise ValueError(f"The stream argument in to_device() is not supported: {stream!r}")
        if device != "cpu":
            raise ValueError(f"Unsupported device: {device!r}. Only 'cpu' is accepted.")
        return self

    @property
    def T(self) -> ndarray:
        """View of the transposed array."""
        if len(self._shape) < 2:
            return self._view_as_is()
        return make(
            self._buf,
            self._offset,
            self._dtype,
            self._shape[::-1],
            self._strides[::-1],
            self._size,
            False,
            self._writeable,
            self if self._base is None else self._base,
        )

    @property
    def mT(self) -> Any:
        """View of the matrix transposed array."""
        return _views.view(self, lambda s: s.mT)

    def _view_as_is(self) -> ndarray:
        return make(
            self._buf,
            self._offset,
            self._dtype,
            self._shape,
            self._strides,
            self._size,
            self._root,
            self._writeable,
            self if self._base is None else self._base,
        )

    @property
    def real(self) -> Any:
        """The real part of the array."""
        return _views.view(self, lambda s: s.real) if self._dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part of the array."""
        if self._dtype.kind == "c":
            return _views.view(self, lambda s: s.imag)
        from maniple._creation import full_like

        fortran = _views.is_f_contiguous(self) and not _views.is_c_contiguous(self)
        zeros = full_like(self, 0, order="F" if fortran else "C")
        zeros.flags.writeable = False
        return zeros

    @imag.setter
    def imag(self, value: Any) -> None:
        if self._dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    # These hand out NumPy's own objects, which keep a NumPy view of the memory alive.

    @property
    def flat(self) -> Any:
        """A 1-D iterator over the array."""
        return FlatIterator(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        from maniple._fallback import real

        setattr(self._export(), "flat", real(value))

    @property
    def ctypes(self) -> Any:
        """An object to simplify the interaction of the array with the ctypes module."""
        from maniple._addresses import Ctypes

        return Ctypes(self, self._export())

    @property
    def data(self) -> memoryview:
        """Python buffer object pointing to the start of the array's data."""
        return self._export().data

    def __buffer__(self, flags: int) -> memoryview:
        host: Any = self._export()
        return memoryview(host)

    # -- NumPy's protocols for others ----------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        host = self._export()
        if dtype is None:
            return host.copy("K") if copy else host
        return np.array(host, dtype, copy=copy, subok=False)

    # NumPy's C code asks for these two before __array__, and would then refer to this object, not
    # to the memory, so that nobody could tell how long the memory is in use. Python code that
    # names them gets them, and the buffer counts as exported from then on.

    @property
    def __array_interface__(self) -> dict[str, Any]:
        self._refuse_implicit("__array_interface__")
        host = self._pinned()
        interface: dict[str, Any] = host.__array_interface__
        return interface

    @property
    def __array_struct__(self) -> Any:
        self._refuse_implicit("__array_struct__")
        return self._pinned().__array_struct__

    def _refuse_implicit(self, name: str) -> None:
        code = sys._getframe(2).f_code
        if name not in code.co_names and name not in code.co_consts:
            raise AttributeError(name)

    def _pinned(self) -> np.ndarray:
        host = self._export()
        self._buf.keep_in_place()
        return host

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        view: Any = self._export().view(_Held)
        view.held = self
        return view.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        namespace = np.empty(0).__array_namespace__(api_version=api_version)
        from maniple import _hook

        if _hook.installed() and _hook.is_users(sys._getframe(1).f_globals):
            return _hook._translate(namespace)
        return namespace

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if return_scalar and array.ndim == 0:
            return array[()]
        # Of a subclass: its base.
        return array if type(array) in (ndarray, np.ndarray) else array.view(np.ndarray)

    # -- Python's protocols --------------------------------------------------------------------

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of unsized object")
        return self._shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self._shape:
            raise TypeError("iteration over a 0-d array")
        if len(self._shape) == 1:
            return iter(self._export())
        return self._rows()

    def _rows(self) -> Iterator[Any]:
        for i in range(self._shape[0]):
            yield self[i]  # type: ignore[index]

    def __bool__(self) -> bool:
        if self._size == 1:
            return bool(self._one())
        return bool(self._host())

    def _one(self) -> Any:
        if self._shape:
            return self._sliced((0,) * len(self._shape) + (...,))._scalar()
        return self._scalar()

    def __int__(self) -> int:
        return int(self._one()) if not self._shape else int(self._host())

    def __float__(self) -> float:
        return float(self._one()) if not self._shape else float(self._host())

    def __complex__(self) -> complex:
        return complex(self._one()) if not self._shape else complex(self._host())

    def __index__(self) -> int:
        if self._shape or self._dtype.kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self._scalar())

    def __repr__(self) -> str:
        return repr(self._for_print())

    def __str__(self) -> str:
        return str(self._for_print())

    def __format__(self, spec: str) -> str:
        if not self._shape:
            return format(self._scalar(), spec)
        return object.__format__(self._export(), spec) if spec else str(self)

    def _for_print(self) -> np.ndarray:
        if self._buf.home == LOCAL:
            return self._export()
        from maniple._printing import printed

        return printed(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # As NumPy's own array: whoever reads the pickle need not have Maniple.
        return self._export().__reduce_ex__(protocol)

    def __reduce__(self) -> Any:
        return self._export().__reduce__()

    def __setstate__(self, state: Any) -> None:
        raise TypeError("the state of a Maniple array cannot be set")

    def __bytes__(self) -> bytes:
        return self._export().tobytes()

    def __copy__(self) -> Any:
        return self.copy("K")  # type: ignore[attr-defined]

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy("K")  # type: ignore[attr-defined]

    def __sizeof__(self) -> int:
        # `sys.getsizeof` adds what the garbage collector has, which has nothing for NumPy's arrays.
        size = _views.shadow(self).__sizeof__() - _COLLECTORS
        return size + (self.nbytes if self._base is None else 0)


class _Held(np.ndarray):
    """A view that keeps the array it is of alive."""

    held: Any


class FlatIterator:
    """What `a.flat` is: NumPy's iterator over a view, which takes Maniple arrays as an index."""

    __slots__ = ("_array", "_iterator")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: ndarray, iterator: Any = None) -> None:
        self._array = array
        self._iterator: Any = array._export().flat if iterator is None else iterator

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return np.flatiter

    @property
    def base(self) -> ndarray:
        return self._array

    @property
    def index(self) -> int:
        return int(self._iterator.index)

    @property
    def coords(self) -> Any:
        return self._iterator.coords

    def copy(self) -> Any:
        return self._array.flatten()  # type: ignore[attr-defined]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._iterator.__array__(*(() if dtype is None else (dtype,)))

    def __len__(self) -> int:
        return len(self._iterator)

    def __iter__(self) -> FlatIterator:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    def __getitem__(self, key: Any) -> Any:
        from maniple._fallback import real, wrap

        return wrap(self._iterator[real(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        from maniple._fallback import real

        self._iterator[real(key)] = real(value)

    def __delitem__(self, key: Any) -> None:
        del self._iterator[key]

    def _compare(self, name: str, other: Any) -> Any:
        from maniple._fallback import real, wrap

        return wrap(getattr(self._iterator, name)(real(other)))

    def __eq__(self, other: object) -> Any:
        return self._compare("__eq__", other)

    def __ne__(self, other: object) -> Any:
        return self._compare("__ne__", other)

    def __lt__(self, other: Any) -> Any:
        return self._compare("__lt__", other)

    def __le__(self, other: Any) -> Any:
        return self._compare("__le__", other)

    def __gt__(self, other: Any) -> Any:
        return self._compare("__gt__", other)

    def __ge__(self, other: Any) -> Any:
        return self._compare("__ge__", other)


def make(
    buf: Buffer,
    offset: int,
    dtype: np.dtype,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    size: int,
    root: bool = False,
    writeable: bool | None = True,
    base: ndarray | None = None,
) -> ndarray:
    """Return an array; besides `_fast`, the one place that knows the slots."""
    a: ndarray = _new(ndarray)
    a._layout = None
    a._buf = buf
    a._offset = offset
    a._dtype = dtype
    a._shape = shape
    a._strides = strides
    a._size = size
    a._root = root
    a._writeable = writeable
    a._base = base
    return a


def overlaps_itself(a: ndarray) -> bool:
    """Whether several indices address one element, as in a broadcast view."""
    return 0 in a._strides and any(
        [s == 0 and n > 1 for s, n in zip(a._strides, a._shape, strict=True)]
    )


def adopt(array: np.ndarray) -> Any:
    """Return a Maniple array over the memory of a NumPy one; itself where that cannot be."""
    owner = array.base
    if owner is None:
        owner = array
    elif type(owner) is not np.ndarray or owner.base is not None:
        return array
    if CODE.get(array.dtype) is None or not owner.flags.owndata:
        return array
    buf = local_buffer(owner)
    if buf is None:
        return array
    root = owner is array
    offset = 0 if root else _address(array) - _address(owner)
    return make(
        buf,
        _views.placed(offset, array.size, buf.nbytes),
        array.dtype,
        array.shape,
        array.strides,
        array.size,
        root,
        array.flags.writeable,
    )


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def element_count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
