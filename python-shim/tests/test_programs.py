"""Programs that ask NumPy for its protocols, errors and warnings print the same under Maniple."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import printed

FUNCTIONS = """
import numpy as np
from numpy.testing import overrides
known = {np.sum: "sum", np.concatenate: "concatenate", np.array: "array", np.zeros: "zeros",
         np.ones: "ones", np.arange: "arange", np.sort: "sort"}
class Known:
    def __array_function__(self, func, types, args, kwargs):
        return known[func], types == (Known,), len(args), sorted(kwargs)
k = Known()
print(np.sum(k), np.sum(k, axis=0), np.concatenate([k, k]), np.concat([k]), np.sort(k))
print(np.array([1], like=k), np.zeros(3, dtype=int, like=k), np.ones(3, like=k))
print(np.arange(5, like=k), np.arange(3, like=None), np.arange(3, like=np.empty(0)))
print(all(f in overrides.get_overridable_numpy_array_functions() for f in known))
print(all(map(overrides.allows_array_function_override, known)))
print([type(f).__name__ for f in (*known, np.mean, np.where, len)])
for f in (lambda: np.arange(3, like=1), lambda: np.zeros_like(3, like=k), lambda: np.asarray(),
          lambda: np.zeros((2, 2), bad=1)):
    try:
        print(f())
    except TypeError as error:
        print(type(error), str(error).split(" ")[0])
"""

SUBCLASSES = """
import numpy as np
class Sub(np.ndarray):
    def __array_function__(self, func, types, args, kwargs):
        calls.append((func is np.concatenate, [t.__name__ for t in types]))
        return super().__array_function__(func, types, args, kwargs)
calls = []
a = np.arange(60_000.0)
s = np.arange(3.0).view(Sub)
for arrays in ((a, s), (s, a), (s, s), [a, a]):
    r = np.concatenate(arrays)
    print(type(r), r.shape, r[-3:])
print(calls)
class Refuses(np.ndarray):
    def __array_function__(self, func, types, args, kwargs):
        return NotImplemented
r = np.concatenate([a, s.view(Refuses)])
print(type(r), r.shape)
for args in ((a, {}), ((a,), [])):
    try:
        a.__array_function__(np.reshape, (np.ndarray,), *args)
    except TypeError as error:
        print(error)
class Wrapped(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        return super().__array_wrap__(array, context, return_scalar)
print(type(np.arange(3.0).view(Wrapped).__array_wrap__(a)))
"""

RANDOM = """
import copy, pickle, warnings
import numpy as np
from numpy.random import PCG64, SFC64, Generator, MT19937, Philox, SeedSequence
seed = (np.arange(100_000, dtype=np.uint32) * 7)[:64]
for kind in (PCG64, SFC64, MT19937, Philox):
    bits = kind(seed)
    print(kind.__name__, type(bits) is kind, isinstance(bits, kind))
    print(Generator(bits).integers(1 << 40), kind(np.arange(50_000)).random_raw())
    print(kind(seed[0]).random_raw(), kind(seed=3).random_raw())
print(SeedSequence(seed).generate_state(3), SeedSequence(5).spawn(2)[1].generate_state(1))
print(pickle.loads(pickle.dumps(PCG64)) is PCG64)
for rng in (np.random.default_rng(1), np.random.RandomState(2)):
    again = pickle.loads(pickle.dumps(rng))
    print(type(rng) is type(again), type(again).__name__, isinstance(again, type(rng)))
    print(rng.random(50_000).sum() == again.random(50_000).sum(), type(copy.copy(rng)) is type(rng))
class Mine(Generator):
    pass
print(isinstance(np.random.default_rng(1), Mine), isinstance(Mine(PCG64(1)), Mine))
class Seeds:
    def generate_state(self, n, dtype=np.uint32):
        return np.zeros(100_000, dtype)[:n]
np.random.bit_generator.ISeedSequence.register(Seeds)
print(np.random.default_rng(Seeds()).integers(1 << 30))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for shuffling in (np.random, np.random.RandomState(1), np.random.default_rng(1)):
        shuffling.shuffle({0: 1, 1: 2})
print([(w.filename == __file__, w.lineno) for w in caught])
"""

TYPES = """
import warnings
import numpy as np
a = np.arange(100_000, dtype=np.int64)
for dtype in ("q", "l", np.dtype("l", metadata={"a": 1}), "i", ">i8", "f4"):
    b = np.asarray(a, dtype)
    print(b is a, b.base is a, b.dtype.char, b.dtype.metadata, np.array(a, dtype).dtype.char)
    print(b.sum(), (b + 1)[-1], b.flags.owndata)
for dtype in ("O", object):
    held = np.asarray([a, a[:2]], dtype)
    print(held.shape, held[0] is a, np.asarray([a[:3], a[:3]], dtype).shape)
out = np.zeros(3, np.int64) + np.zeros(100_000, np.int64)[:3]
print(np.add.reduceat(a, [0, 10, 20], out=out) is out, out)
print(np.add.reduceat(a, [0, 9], 0, None, None))
masked = np.ma.array(np.arange(50_000.0) / 3, mask=np.arange(50_000) % 2)
room = np.zeros(100_000)[::2]
for method, args in (("cumsum", ()), ("cumprod", ()), ("round", (1,))):
    print(getattr(masked, method)(*args, out=room) is room, room[:5])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        np.lib.math
print([(w.filename == __file__, w.lineno, w.category) for w in caught])
"""

INDICES = """
import traceback
import numpy as np
n = 100_000
a = np.arange(n) * 2
low, high = np.arange(n) - 5, np.arange(n) + 7
late = np.arange(n) + 0
late[n // 2] = n + 7
wide = np.arange(3 * n).reshape(3, n) * 1
def writing(write):
    b = a * 1
    try:
        write(b)
    finally:
        print(b.sum(), b[:3], b[n // 2 - 1 : n // 2 + 2])
for name, call in {
    "take": lambda: np.take(a, high),
    "take along": lambda: np.take(wide, high, axis=1),
    "method": lambda: a.take(late),
    "read": lambda: a[high],
    "two": lambda: wide[high % 5, high],
    "slice": lambda: wide[:, late],
    "negative": lambda: a[-high - 1],
    "out": lambda: writing(lambda b: np.take(a, late, out=b)),
    "write": lambda: writing(lambda b: b.__setitem__(late, 7)),
    "put": lambda: writing(lambda b: np.put(b, late, 7)),
    "put in turn": lambda: writing(lambda b: b.put(late, np.arange(5))),
    "add": lambda: writing(lambda b: np.add.at(b, late, 7)),
    "along": lambda: np.take_along_axis(wide, wide, axis=1),
    "put along": lambda: np.put_along_axis(wide * 1, wide, 5, axis=1),
    "choose": lambda: np.choose(high % 4, [a, a, a]),
    "compress": lambda: np.compress(np.ones(2 * n, bool), a),
    "mask": lambda: a[np.ones(n + 5, bool)],
    "bincount": lambda: np.bincount(low),
    "reduceat": lambda: np.add.reduceat(a, high),
    "delete": lambda: np.delete(a, high),
    "insert": lambda: np.insert(a, high, 2),
    "partition": lambda: np.partition(a, n + 1),
    "sorter": lambda: np.searchsorted(a, a, sorter=high),
    "repeat": lambda: np.repeat(a, low),
}.items():
    try:
        print(name, call().sum())
    except (IndexError, ValueError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        print(name, type(error), error, [f.lineno for f in frames if f.filename == __file__])
"""

WARNINGS = """
import io, traceback, warnings
import numpy as np
n = 100_000
c = np.arange(n) * 1j
for name, call in {
    "cast": lambda: c.astype(float),
    "array": lambda: np.array(c, dtype=float),
    "assignment": lambda: np.zeros(n).__setitem__(slice(None), c),
    "empty file": lambda: np.loadtxt(io.StringIO("")),
    "other empty file": lambda: np.genfromtxt(io.StringIO("")),
    "no mean": lambda: c[:0].mean(),
    "no variance": lambda: np.cov(np.arange(n)[:1]),
    "normal": lambda: np.random.default_rng(1).multivariate_normal([0, 0], [[1, 2], [2, 1]]),
}.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    mine = [w for w in caught if w.filename == __file__]
    print(name, [(w.category, str(w.message)[:24], w.lineno) for w in mine])
try:
    np.add.at(np.zeros(n), "x", 1)
except Exception as error:
    print([f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == __file__])
"""

FULL = """
import warnings
import numpy as np
warnings.simplefilter("error")
n = 100_000
for value in (1.5, np.nan, 1e30, 3e9, -1.0, 300, 1j, "3", True, np.float32(2.5), None, 2**70, -1):
    for dtype in (int, np.int8, np.uint8, float, np.float32, complex, bool, None):
        for make in (np.full, lambda *a: np.full_like(np.zeros(n), *a[1:])):
            try:
                made = make(n, value, dtype)
                print(value, made.dtype, made[:2], made[-1:])
            except Exception as error:
                print(value, dtype, type(error), error)
"""

OBJECTS = """
import sys
import numpy as np
a, pair = {"x": 1}, (1, 2)
big = np.arange(60_000.0) + 1
print(np.array([a, a])[0] is a, np.array([[a, a], [a, a]], order="F")[1, 1] is a)
held = np.array([a, big[:3], pair], dtype=object)
print(held[0] is a, type(held[1]), held[2] is pair)
print(big.__array_namespace__() is np, np.arange(0, 1, np.inf), np.arange(0, -1, np.inf))
count = sys.getrefcount(big)
capsule = big.__dlpack__()
print(sys.getrefcount(big) - count)
shared = np.from_dlpack(big)
del capsule
print(sys.getrefcount(big) - count, type(shared))
big += 1
print(shared[:3], shared.sum())
del shared
print(sys.getrefcount(big) - count)
"""

CASTS = """
import warnings
import numpy as np
n = 100_000
values = [np.array(np.nan), np.float64(np.nan), np.array(3e10), np.array(2 + 1j), np.float32(3.5)]
keys = [slice(None), np.arange(n) % 2 == 0, np.arange(n)[::2], slice(0, None, 3)]
for value in values:
    for key in keys:
        for dtype in ("i8", "f4", "u1"):
            a = np.arange(n).astype(dtype) * np.ones(1, dtype)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    a[key] = value
                except ValueError as error:
                    print(error)
                print(repr(value), dtype, a[:3], a[-1])
            print([(str(w.message), w.lineno, w.filename == __file__) for w in caught])
"""

CHANGED = """
import copy, pickle
import numpy as np
n = 120_000
other = np.arange(n) * 1.0
records = np.arange(n, dtype="f4") * 1
records.dtype = [("x", "f4"), ("y", "f4"), ("z", "f4")]
x = records["x"]
x += 1
records["y"][:3] = 9
print(type(records) is np.ndarray, records.shape, records[:2], records[-1], len(records))
print(records.view(np.recarray).z[:3], records[["x", "z"]][0], records[x > 1000].shape)
several = np.concatenate([records] * 2)
for again in (copy.deepcopy(records), pickle.loads(pickle.dumps(records)), several):
    print(again.dtype, again[-1], np.asarray(records) is records)
swapped = np.arange(n, dtype="f8") + 1
same = swapped[:5]
swapped.dtype = ">f8"
print(swapped.byteswap(inplace=True) is swapped, same.view(">f8"), memoryview(swapped).format)
print((other + swapped)[:3], (swapped - other)[-1], swapped @ other, np.dot(other, swapped).dtype)
print(np.sum(swapped), swapped.max(), np.where(other > 5, swapped, other)[:8], np.sort(swapped)[-1])
other[:] = swapped
other[other > 100] = swapped[other > 100]
swapped[other > 50] = 7
print(other.sum(), swapped.sum(), np.add(other, swapped, out=other)[3], swapped.T[4])
swapped += 1
swapped.shape = 2, -1
print(type(swapped), swapped.strides, swapped.sum(0)[:3], f"{swapped[0, 0]}", repr(swapped)[:40])
swapped.dtype = "i8"
print((swapped.byteswap().view("f8") * 2)[1, :3], (swapped * 0).sum())
for wrong in (lambda: hash(records) and 0, lambda: records.nothing, lambda: records + 1):
    try:
        print(wrong())
    except (TypeError, AttributeError) as error:
        print(type(error))
"""

PROGRAMS = {
    "objects": OBJECTS,
    "casts": CASTS,
    "changed": CHANGED,
    "warnings": WARNINGS,
    "full": FULL,
    "functions": FUNCTIONS,
    "subclasses": SUBCLASSES,
    "random": RANDOM,
    "types": TYPES,
    "indices": INDICES,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_prints_the_same(name: str, tmp_path: Path) -> None:
    outputs = printed(PROGRAMS[name], tmp_path, timeout=300)
    assert outputs[0] != ""
    assert outputs[0] == outputs[1]
