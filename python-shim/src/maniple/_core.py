"""Puts the array together. Importing this is what makes `maniple` work."""

from maniple import (
    _buffer_protocol,
    _composed,
    _functions,
    _indexing,
    _methods,
    _operators,
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
_surface.install()

__all__ = ["ndarray"]
