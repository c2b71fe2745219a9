"""What the random operations of the program format mean, by NumPy's own bit generators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.random as nr

SIGNATURES = tuple(f"->{c}l" for c in "bBhHiIlLfd")
_WORD = (1 << 64) - 1


def _pcg(kind: Any, state: list[int]) -> Any:
    generator = kind(0)
    inner = {"state": state[0] << 64 | state[1], "inc": state[2] << 64 | state[3]}
    generator.state = {**generator.state, "state": inner}
    return generator


def _philox(state: list[int]) -> Any:
    generator = nr.Philox(0)
    counter = sum(word << (64 * i) for i, word in enumerate(state[2:6]))
    before = (counter - 1) % (1 << 256)
    parts = np.array([before >> (64 * i) & _WORD for i in range(4)], np.uint64)
    inner: Any = {"counter": parts, "key": np.array(state[:2], np.uint64)}
    generator.state = {**generator.state, "state": inner, "buffer_pos": 4}
    generator.random_raw(state[6])
    if not state[6]:
        # The present block is still whole, but has to be made.
        generator.random_raw(1)
        generator.state = {**generator.state, "buffer_pos": 0}
    return generator


GENERATORS: dict[str, Callable[[list[int]], Any]] = {
    "random.pcg64": lambda state: _pcg(nr.PCG64, state),
    "random.pcg64dxsm": lambda state: _pcg(nr.PCG64DXSM, state),
    "random.philox": _philox,
}


def draw(name: str, out: np.ndarray, scalars: Sequence[int]) -> tuple[np.ndarray, int]:
    """Return the elements of `out` in C order, and how many items they took."""
    state = [int(word) & _WORD for word in scalars]
    width, held, half, low, span = state[7:]
    words = GENERATORS[name](state[:7])
    size = out.size
    if out.dtype.kind == "f":
        items = _items(words, size, width, held, half)
        if width == 32:
            return (items >> 8).astype(np.float32) * np.float32(2.0**-24), size
        first, length = np.array([low, span], np.uint64).view(np.float64)
        return first + length * ((items >> 11) * 2.0**-53), size
    numbers = span + 1
    threshold = (1 << width) % numbers
    # What is left of the stream is the same wherever it is cut: draw enough at once.
    count = size
    while True:
        items = _items(GENERATORS[name](state[:7]), count, width, held, half)
        high, remainder = _multiply(items, numbers, width)
        (accepted,) = np.nonzero(remainder >= np.uint64(threshold))
        if len(accepted) >= size:
            break
        count += 2 * (size - len(accepted)) + 16
    accepted = accepted[:size]
    values = high[accepted] + np.uint64(low)
    return values.astype(out.dtype), int(accepted[-1]) + 1 if size else 0


def _items(words: Any, count: int, width: int, held: int, half: int) -> np.ndarray:
    """Return the first `count` items of `width` bits, as uint64."""
    if width == 64:
        return np.asarray(words.random_raw(count))
    halves = -(-count * width // 32)
    raw = np.asarray(words.random_raw((halves + 1) // 2 + 1), dtype="<u8")
    stream = np.concatenate((np.full(held, half, "<u4"), raw.view("<u4")))[:halves]
    return stream.view(f"<u{width // 8}")[:count].astype(np.uint64)


def _multiply(items: np.ndarray, numbers: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the high and the low `width` bits of the products of `items` and `numbers`."""
    if numbers == 1 << width:
        return items, np.zeros_like(items)
    factor = np.uint64(numbers)
    if width < 64:
        product = items * factor
        return product >> width, product & np.uint64((1 << width) - 1)
    mask = np.uint64(0xFFFFFFFF)
    low, high = items & mask, items >> 32
    middle = high * (factor & mask) + (low * (factor & mask) >> 32)
    carried = low * (factor >> 32) + (middle & mask)
    return high * (factor >> 32) + (middle >> 32) + (carried >> 32), items * factor
