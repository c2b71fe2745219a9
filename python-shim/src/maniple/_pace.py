"""Where operations of a middle size run: with NumPy, in programs that look at results all the time.

An observation costs about as much as NumPy needs for some hundred thousand elements. A program that
computes less than that between two of them is faster on the host, so the least size that is
deferred is raised for it. Whether that is still right is tried again now and then. All of it is
counted, not timed: a program runs the same way every time.
"""

from __future__ import annotations

from maniple import _settings

WORTH = 800_000
"""Work, in additions of two elements, that an observation has to be worth."""

_LOOKS = 8
"""The first observations say nothing: programs begin with small things."""

_INSTRUCTION = 2048
"""Work, in additions of two elements, that an instruction has to be worth."""

_PATIENCE = 1 << 27
"""Elements computed by NumPy before the backend is tried again; twice as many each time."""

_MOST_PATIENCE = 1 << 34

_FUNCTIONS = frozenset(
    """
    cos divide exp exp2 log log10 log2 sin sqrt tanh true_divide
    """.split()
)
_HEAVY = frozenset(
    """
    arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt cosh divmod expm1 float_power
    floor_divide fmod hypot log1p logaddexp logaddexp2 nextafter power remainder sinh tan
    """.split()
)
_COSTS = {**dict.fromkeys(_FUNCTIONS, 3), **dict.fromkeys(_HEAVY, 8)}

LINEAR_ALGEBRA = 32
TRANSFORM = 16
"""What an element costs there, in additions."""

_SEARCHING = 16
_GAINS = {"sort": 1, "partition": 1, "argsort": 2, "bincount": 2, "unique": 4, "accumulate": 8}
"""What an element gains in operations that NumPy does about as fast on arrays of a middle size."""

_LEAST = {
    "sort": 1 << 20,
    "partition": 1 << 20,
    "histogram": 1 << 19,
    "argsort": 1 << 18,
    "bincount": 1 << 18,
    "unique": 1 << 18,
}
"""Fewer elements are NumPy's, wherever they lie."""


class Pace:
    """How often the program looks, and what follows from it.

    Attributes
    ----------
    talkative : bool
        The program computes little between observations: what is smaller than `_settings.defer`,
        which is raised then, is fetched rather than left at the backend.
    usual : int
        What `_settings.defer` is where it is not raised.
    """

    __slots__ = ("_elements", "_looks", "_patience", "_work", "talkative", "usual")

    def __init__(self) -> None:
        self.talkative = False
        self.usual = 0
        self._elements = 0
        self._patience = _PATIENCE
        self._begin()

    def _begin(self) -> None:
        self._looks = 0
        self._work = 0

    def reset(self) -> None:
        """Begin as in a new program."""
        if self.talkative:
            self._leave()
        self._patience = _PATIENCE
        self._begin()

    def looked(self, work: int) -> None:
        """Take note of an observation after so much work for the backend."""
        self._looks += 1
        # An average in which one observation counts an eighth.
        self._work += (min(work, 64 * WORTH) - self._work) >> 3
        if self.talkative:
            if self._work > 4 * WORTH:
                self._leave()
        elif self._looks >= _LOOKS and self._work < WORTH:
            self._enter()

    def filled(self, work: int, instructions: int) -> None:
        """Take note of a batch that is full: of small operations on parts of arrays, perhaps."""
        if not self.talkative and work < instructions * _INSTRUCTION:
            self._enter()

    def _enter(self) -> None:
        if 0 < _settings.defer < _settings.host:
            self.usual = _settings.defer
            _settings.defer = _settings.host
            self.talkative = True
            self._elements = 0
            self._begin()

    def computed(self, elements: int) -> None:
        """Take note of an operation done by NumPy; called while the program is talkative."""
        self._elements += elements
        if self._elements > self._patience:
            self._patience = min(2 * self._patience, _MOST_PATIENCE)
            self._leave()

    def _leave(self) -> None:
        self.talkative = False
        _settings.defer = self.usual
        self._begin()


pace = Pace()


def weight(name: str) -> int:
    """Return what an element of a ufunc costs, in additions."""
    return _COSTS.get(name, 1)


def sorting_weight(name: str) -> int:
    """Return what an element gains in an operation that sorts, searches or counts."""
    return _GAINS.get(name, _SEARCHING)


def least(name: str) -> int:
    """Return the size from which an operation that orders, counts or accumulates is recorded."""
    usual = _LEAST.get(name, 0)
    defer = pace.usual if pace.talkative else _settings.defer
    # The same relation to what is deferred at all where that was set.
    size = max(defer, min(usual, defer * (usual >> 15)))
    if pace.talkative:
        size = max(size, _settings.defer // _GAINS.get(name, 1))
    return size
