"""Puts the array together. Importing this is what makes `maniple` work."""

from maniple import _functions, _indexing, _methods, _operators, _sorting
from maniple._array import ndarray

_operators.install()
_indexing.install()
_methods.install()
_functions.install()
_sorting.install()

__all__ = ["ndarray"]
