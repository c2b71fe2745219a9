"""Puts the array together. Importing this is what makes `maniple` work."""

from maniple import _buffer_protocol, _functions, _indexing, _methods, _operators
from maniple._array import ndarray

_operators.install()
_indexing.install()
_methods.install()
_functions.install()
_buffer_protocol.install(ndarray)

__all__ = ["ndarray"]
