"""Puts the array together. Importing this is what makes `maniple` work."""

import ctypes
import sys

from maniple import (
    _buffer_protocol,
    _composed,
    _functions,
    _indexing,
    _methods,
    _operators,
    _patches,
    _resizing,
    _sorting,
    _surface,
)
from maniple._array import ndarray

_operators.install()
_indexing.install()
_methods.install()
_functions.install()
_sorting.install()
_buffer_protocol.install(ndarray)
_composed.install()
_resizing.install()
_surface.install()
_patches.install()


def _named_as_numpy() -> None:
    """Make `type(a)` and Python's own messages about the class read as they do with NumPy."""
    ndarray.__module__ = "numpy"
    if sys.implementation.name != "cpython":
        return
    # Messages take the name from the C structure of the class, which says "numpy.ndarray" for
    # NumPy's, while `__name__` is "ndarray" for both. The pointer is there if it is where we think.
    utf8 = ctypes.pythonapi.PyUnicode_AsUTF8
    utf8.argtypes, utf8.restype = [ctypes.py_object], ctypes.c_void_p
    header = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
    slot = ctypes.c_void_p.from_address(id(ndarray) + header)
    if slot.value == utf8(ndarray.__name__):
        slot.value = ctypes.cast(_name, ctypes.c_void_p).value


_name = ctypes.create_string_buffer(b"numpy.ndarray")
_named_as_numpy()

__all__ = ["ndarray"]
