"""Random numbers that the server draws: those of which the place in the stream is known beforehand.

The operations carry the generator's state, so doing one again gives the same numbers; the client's
generator is moved on at once, as if it had drawn them itself.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.random as nr

from maniple import _profile, _settings
from maniple._dtypes import CHARACTER, CODE
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, new_array

_WORD = (1 << 64) - 1
_LANES = 4
_LEAST = 16
"""Fewer elements may need no new word of the generator at all."""

_LONG = CODE[np.dtype(np.int64)]
_INT64 = np.dtype(np.int64)
OPERATIONS: dict[type, str] = {
    nr.PCG64: "random.pcg64",
    nr.PCG64DXSM: "random.pcg64dxsm",
    nr.Philox: "random.philox",
}


def draw(
    bit_generator: Any,
    shape: tuple[int, ...],
    dtype: np.dtype,
    width: int,
    low: int,
    span: int,
    rejects: bool = False,
) -> Any:
    """Record the drawing of an array from items of `width` bits; HOST if that cannot be.

    Parameters
    ----------
    low, span : int
        Least number and length of the range: of integers, or the bits of float64 numbers.
    rejects : bool
        Whether the number of items consumed is known only afterwards.
    """
    size = math.prod(shape)
    name = OPERATIONS.get(type(bit_generator))
    if name is None or size < max(_settings.defer, _LEAST) or not stream.enabled:
        return HOST
    number = stream.operations.get(f"{name}:->{CHARACTER[dtype]}l")
    if number is None:
        return HOST
    # The generator's lock before the stream's, everywhere.
    with bit_generator.lock:
        state = bit_generator.state
        words = _state_words(state)
        if words is None:
            return HOST
        held = state["has_uint32"] if width < 64 else 0
        words += [width, held, state["uinteger"], low & _WORD, span & _WORD]
        with stream.lock:
            result = new_array(shape, dtype)
            consumed: Any = new_array((1,), _INT64)
            instruction = Instruction()
            instruction.output(result)
            instruction.output(consumed)
            for word in words:
                instruction.scalar((_LONG, word, 0))
            instruction.emit(number, size)
        items = int(consumed[0]) if rejects else size
        _move(bit_generator, state, items, width)
    if _profile.active:
        _profile.count(name, "deferred", "", size)
    return result


def _state_words(state: dict[str, Any]) -> list[int] | None:
    """Return the seven words of a generator's state; None if no counter gives what it holds."""
    inner = state["state"]
    if state["bit_generator"] != "Philox":
        value, increment = inner["state"], inner["inc"]
        return [value >> 64, value & _WORD, increment >> 64, increment & _WORD, 0, 0, 0]
    used = int(state["buffer_pos"])
    if used < _LANES:
        again = nr.Philox(0)
        _enter(again, state, _counter(state), _LANES)
        if not np.array_equal(again.state["buffer"], state["buffer"]):
            return None  # somebody has set a buffer of his own
    return [int(w) for w in inner["key"]] + [int(w) for w in inner["counter"]] + [used]


def _counter(state: dict[str, Any]) -> int:
    return sum(int(w) << (64 * i) for i, w in enumerate(state["state"]["counter"]))


def _enter(philox: Any, state: dict[str, Any], counter: int, words: int) -> int:
    """Make `philox` hold the block of `counter`, `words` of it spent; return the last of these."""
    before = (counter - 1) % (1 << 256)
    parts = [before >> (64 * i) & _WORD for i in range(_LANES)]
    inner = {"counter": np.array(parts, np.uint64), "key": state["state"]["key"]}
    philox.state = {**state, "state": inner, "buffer_pos": _LANES}
    return int(philox.random_raw(words)[-1])


def _move(bit_generator: Any, state: dict[str, Any], items: int, width: int) -> None:
    """Leave the generator as NumPy does after drawing `items` items of `width` bits."""
    has, half = state["has_uint32"], state["uinteger"]
    words = items
    if width < 64:
        halves = -(-items * width // 32) - has
        words = (halves + 1) // 2
        has = halves & 1
    # All but the last word are jumped over: the last one's high half is part of the state.
    if state["bit_generator"] == "Philox":
        spent = state["buffer_pos"] + words
        blocks = (spent - 1) // _LANES
        last = _enter(bit_generator, state, _counter(state) + blocks, spent - _LANES * blocks)
    else:
        bit_generator.advance(words - 1)
        last = bit_generator.random_raw()
    if width < 64:
        half = last >> 32
    bit_generator.state = {**bit_generator.state, "has_uint32": has, "uinteger": half}


# -- methods of Generator ----------------------------------------------------------------------


def random(generator: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    dtype = np.dtype(dtype)
    if dtype == np.float64:
        return draw(generator.bit_generator, shape, dtype, 64, _bits(0.0), _bits(1.0))
    if dtype == np.float32:
        return draw(generator.bit_generator, shape, dtype, 32, 0, 0)
    return HOST


def uniform(
    generator: Any, shape: tuple[int, ...], low: Any = 0.0, high: Any = 1.0
) -> Any:  # fmt: skip
    low = float(low)
    span = float(high) - low
    if not math.isfinite(span) or math.copysign(1.0, span) < 0 or not _rounds_products():
        return HOST
    dtype = np.dtype(np.float64)
    return draw(generator.bit_generator, shape, dtype, 64, _bits(low), _bits(span))


def integers(
    generator: Any,
    shape: tuple[int, ...],
    low: Any,
    high: Any = None,
    dtype: Any = np.int64,
    endpoint: Any = False,
) -> Any:
    if high is None:
        low, high = 0, low
    if not isinstance(low, (int, np.integer)) or not isinstance(high, (int, np.integer)):
        return HOST
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu" or CHARACTER.get(dtype) != dtype.char:
        return HOST
    first, last = int(low), int(high) - (not endpoint)
    info = np.iinfo(dtype)
    if not info.min <= first < last <= info.max:
        return HOST  # an error, or the one number in the range, for which nothing is drawn
    span = last - first
    width = 32 if dtype.itemsize == 8 and span <= 0xFFFFFFFF else 8 * dtype.itemsize
    rejects = (1 << width) % (span + 1) != 0
    return draw(generator.bit_generator, shape, dtype, width, first, span, rejects)


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


@functools.cache
def _rounds_products() -> bool:
    """Whether this NumPy rounds twice in low + span * u, as the server does, or fuses the two."""
    u = nr.Generator(nr.PCG64(1)).random(256)
    scaled = nr.Generator(nr.PCG64(1)).uniform(-0.1, 0.7, 256)
    return np.array_equal(-0.1 + (0.7 - -0.1) * u, scaled)


METHODS = {"random": random, "uniform": uniform, "integers": integers}
"""Called with the generator, the shape and the arguments but `size`."""
