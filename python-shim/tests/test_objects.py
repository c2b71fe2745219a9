"""What surrounds an array: its memory, flags, size in place, and how it refuses. Each program runs
with NumPy and with Maniple, every array deferred, and has to print the same.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maniple
from maniple._views import broadcast_shapes
from scripts import printed
from test_identity import needs_buffers

START = """
import ctypes, sys, warnings, weakref
import numpy as np
warnings.simplefilter("always")
def show(function):
    try: print(repr(function()))
    except Exception as error: print(repr(error))
"""

RESIZE = """
x = np.eye(3)
show(lambda: x.resize(5))
x = np.asfortranarray(np.arange(6).reshape(2, 3)).copy("K")
x.resize(3, 3)
print(x, x.flags)
x = np.arange(6)
x.resize((2, 3))
method = x.resize
method(7)
print(x, method.__name__)
def inside():
    x = np.arange(12)
    x.resize(4)
    x.resize(20)
    print(x)
    y = x[2:]
    show(lambda: y.resize(3))
    try: x.resize(3)
    except ValueError as error: print(error)
    del y
    x.resize(refcheck=False)
    x.resize(None)
    x.resize(3, 2)
    x += 1
    x.resize(2, 4)
    print(x, x.sum())
    z = x
    try: x.resize(9)
    except ValueError as error: print(error)
    x.resize(9, refcheck=False)
    print(z)
    del z
    x.resize(())
    print(x, x.shape)
inside()
x = np.arange(3)
reference = weakref.ref(x)
show(lambda: x.resize(9))
for arguments in ({"order": 1}, {"refcheck": "a"}): show(lambda: np.eye(3).resize(**arguments))
for shape in (-1, "a", (2, -1)): show(lambda: np.eye(3).resize(shape))
show(lambda: np.eye(4)[::2, ::2].resize(9))
x = np.zeros((10, 0), int)
view = x[...]
view.resize((0, 10))
view.resize((0, 100))
print(view.shape)
"""

WARN_ON_WRITE = """
a = np.arange(3)
a.flags._warn_on_write = True
print(a.flags, a.flags.num, a[1:].flags.num, memoryview(a).readonly)
show(lambda: setattr(a.flags, "_warn_on_write", False))
a[1] = 10
a[2] = 10
for write in (
    lambda b: b.__setitem__(0, 3), lambda b: b.__iadd__(1), lambda b: np.copyto(b, 1),
    lambda b: b.fill(3), lambda b: b.sort(), lambda b: b.setflags(write=True),
    lambda b: np.add(b, 1, out=b), lambda b: b.T.__setitem__(0, 1),
):
    b, c = np.broadcast_arrays(a, [[1], [2]])
    print(type(c), b.flags.writeable, c.flags.num)
    print(b.flags["W"], b.flags.behaved)
    with warnings.catch_warnings(record=True) as caught:
        write(b)
        write(b)
    print(b.flags.num, [str(w.message)[:30] for w in caught])
with warnings.catch_warnings():
    warnings.simplefilter("error")
    b, _ = np.broadcast_arrays(a, [[1], [2]])
    show(lambda: b.__setitem__(0, 3))
print(a)
b.flags.writeable = True
b[0] = 3
"""

REFUSALS = """
a = np.arange(3)
for name in ("size", "base", "flags", "T", "nbytes", "ctypes", "data", "device", "itemsize"):
    show(lambda: setattr(a, name, 3))
    show(lambda: delattr(a, name))
for value in (None, (1, 2, 3), 3.5): show(lambda: setattr(a, "strides", value))
def delete(o, key): del o[key]
show(lambda: delete(a.flat, 1))
show(lambda: delattr(a.flags, "writeable"))
b = np.array(["a", "b", "c"])
show(lambda: a == b)
show(lambda: a != b)
show(lambda: b == a)
show(lambda: np.array(0.0) == np.array("a"))
show(lambda: np.copyto(a, 1, where=np.ones(4, bool)))
show(lambda: np.broadcast_arrays(a, np.ones(4)))
show(lambda: a.reshape(3, 1) + np.ones((2, 2)))
show(lambda: np.add.reduceat(a, [0, 2], out=np.empty(3, int)))
show(lambda: np.add.reduceat(a, [0, 2], out=np.empty(2, int)))
show(lambda: np.add.outer(np.ones((1,) * 33), np.ones((1,) * 33)))
print(type(a.flags), type(a.flat))
for d in (np.ones(100), np.ones(100)[...], np.ones((10, 10)), np.ones(()), np.ones(0)):
    print(sys.getsizeof(d) - d.nbytes * (d.base is None))
"""

BROADCAST = """
a, b = np.arange(6.0).reshape(2, 3), np.arange(3)
m = np.broadcast(a, b, 5)
print(m.shape, m.nd, m.ndim, m.size, m.numiter, m.index, isinstance(m, np.broadcast), type(m))
print(list(m), m.index)
m.reset()
print(next(m), m.index)
print(m.iters[0].base is a, [i for i in m.iters[1]])
both = np.broadcast(m, np.broadcast(1, 2))
print(both.numiter, both.iters[1].base is b, isinstance(3, np.broadcast))
for wrong in ((a, np.ones(4)), (np.ones((1,) * 33), a)): show(lambda: np.broadcast(*wrong))
show(lambda: np.broadcast(a, x=1))
"""

ARRAYS_OF_OTHERS = """
base = np.arange(10)
class Has:
    def __array__(self, dtype=None, copy=None): return base
for copy in (True, None, False): print(np.array(Has(), copy=copy) is base)
print(np.asarray(Has()) is base, np.asarray(Has(), float) is base, np.asanyarray(Has()) is base)
print(np.array(Has(), ndmin=2).base is base, np.array([Has()]).shape, np.sin(Has())[1])
class Old:
    def __array__(self, dtype=None): return base
print(np.array(Old(), copy=None) is base)
with warnings.catch_warnings(record=True) as caught: print(np.array(Old(), copy=True) is base)
print([w.category for w in caught])
for copy in (np.False_, np.True_, np._CopyMode.NEVER):
    show(lambda: np.array(base.reshape(2, 5), copy=copy, order="F"))
class A(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        plain = [i.view(np.ndarray) if isinstance(i, A) else i for i in inputs]
        if out: kwargs["out"] = tuple(o.view(np.ndarray) if isinstance(o, A) else o for o in out)
        result = super().__array_ufunc__(ufunc, method, *plain, **kwargs)
        if result is NotImplemented: return result
        return out[0] if out else np.asarray(result).view(A)
d = np.arange(5.0)
a = d.copy().view(A)
print(repr(np.sin(d, out=a)), np.sin(d, out=a) is a)
for pair in ((a, d), (d, a)): show(lambda: np.add(*pair))
show(lambda: d + a)
show(lambda: a + d)
"""


@pytest.mark.parametrize(
    "program",
    [RESIZE, WARN_ON_WRITE, REFUSALS, BROADCAST, ARRAYS_OF_OTHERS],
    ids=["resize", "warn on write", "refusals", "broadcast", "arrays of others"],
)
def test_prints_the_same(program: str, tmp_path: Path) -> None:
    outputs = printed(START + program, tmp_path, stderr=subprocess.STDOUT, MANIPLE_DEFER_ALL="1")
    assert outputs[0] == outputs[1] != ""


SIZES = pytest.mark.parametrize("n", [40, 100_000], ids=["small", "large"])


@needs_buffers
@SIZES
def test_a_memoryview_knows_the_array(n: int) -> None:
    ours: Any = maniple.array(np.arange(n * 1000.0))[: n * 999]
    view = memoryview(ours)
    assert view.obj is ours
    reference = weakref.ref(ours)
    del ours
    part = view[2:4]
    del view
    gc.collect()
    assert reference() is not None
    assert part[1] == 3
    del part
    gc.collect()
    assert reference() is None


@needs_buffers
@pytest.mark.parametrize(
    "through", [lambda a: a, lambda a: memoryview(a)], ids=["array", "memoryview"]
)
@SIZES
def test_numpys_constructor_shares_the_memory(n: int, through: Any) -> None:
    ours: Any = maniple.full(n, 1.0) * 2
    theirs: Any = np.ndarray((10,), float, through(ours))
    assert theirs.base is ours
    theirs[...] = 5
    assert ours[:12].sum() == 54
    ours += 1
    assert theirs.sum() == 60
    doubled = ours * 2
    theirs[...] = 0
    assert (ours * 2)[:12].sum() == 12
    assert doubled[:12].sum() == 132


@SIZES
def test_a_pointer_holds_the_array_and_its_memory(n: int) -> None:
    ours: Any = maniple.full(n, 1.0) * 2
    reference = weakref.ref(ours)
    pointer = ours.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    ours += 1
    pointer[1] = 10.0
    assert (ours * 2)[1] == 20
    assert pointer[2] == 3
    number = ours.ctypes.data
    del pointer
    ours += 1
    in_place = (ctypes.c_double * 4).from_address(number)
    assert list(in_place) == [4, 11, 4, 4]
    in_place[0] = 7
    assert (ours + 1)[0] == 8
    pointer = ours.ctypes.data_as(ctypes.c_void_p)
    del ours
    assert reference() is not None
    del pointer
    assert reference() is None


@pytest.mark.parametrize("key", [slice(5, 5), slice(10, 5), slice(-20, None, -1), slice(3, 0)])
def test_empty_views_point_into_the_memory(key: slice, defer_all: None) -> None:
    plain, ours = np.arange(10), maniple.array(np.arange(10))
    offset = plain[key].ctypes.data - plain.ctypes.data
    assert ours[key].ctypes.data - ours.ctypes.data == (offset if 0 <= offset <= 80 else 0)
    assert (ours[key] + 1).shape == (0,)


@pytest.mark.parametrize("name", ["arange", "zeros", "concatenate", "empty_like", "stack", "full"])
def test_functions_have_numpys_signatures(name: str) -> None:
    ours, plain = getattr(maniple, name), getattr(np, name)
    assert inspect.signature(ours) == inspect.signature(plain)
    for attribute in ("__text_signature__", "__signature__"):
        assert getattr(ours, attribute, None) == getattr(plain, attribute, None)
    assert pickle.loads(pickle.dumps(ours)) is ours
    resize = maniple.array(np.arange(100_000.0)).resize
    assert inspect.signature(resize) == inspect.signature(np.arange(3).resize)
    # As an attribute of a class it becomes a method, or not, as NumPy's does.
    bound = [type("C", (), {"f": f})().f is f for f in (ours, plain)]
    assert bound[0] == bound[1]


@pytest.mark.parametrize("ndim", [32, 33, 64])
def test_more_dimensions_than_numpys_iterators_have(ndim: int, defer_all: None) -> None:
    plain = np.arange(8.0).reshape((1,) * (ndim - 3) + (2, 2, 2))
    ours = maniple.array(plain)
    row = np.arange(2.0).reshape((1,) * (ndim - 1) + (2,))
    for function in (
        lambda a: a + 1,
        lambda a: a + row,
        lambda a: a[a > 2],
        lambda a: a.sum(-1),
        lambda a: np.where(a > row, a, row),
        lambda a: np.concatenate([a, a], -1),
        lambda a: np.add(a, row, out=a),
    ):
        want, got = function(plain), function(ours)
        assert got.shape == want.shape
        assert got.tolist() == want.tolist()


@pytest.mark.parametrize(
    "shapes",
    [
        (),
        ((),),
        ((3,), ()),
        ((2, 1), (3,)),
        ((0, 1), (1, 4)),
        ((5, 1, 1), (4, 1), (3,)),
        ((1,), (0,)),
    ],
)
def test_broadcast_shapes(shapes: tuple[tuple[int, ...], ...]) -> None:
    assert broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)
    with pytest.raises(ValueError, match="cannot be broadcast"):
        broadcast_shapes((2, 3), (4,))


@pytest.mark.parametrize("dtype", ["?", "i1", "u4", "i8", "f2", "f4", "c8"])
@pytest.mark.parametrize("value", [np.inf, -np.nan, 1.7, -1.5, 3, 1 + 2j, np.float32(3.5)])
@pytest.mark.filterwarnings("ignore")
def test_filling(dtype: str, value: Any, defer_all: None) -> None:
    np.testing.assert_array_equal(maniple.full(3, value, dtype), np.full(3, value, dtype))
    like = maniple.arange(4.0)
    np.testing.assert_array_equal(
        maniple.full_like(like, value, dtype=dtype), np.full(4, value, dtype)
    )


def test_nothing_is_kept_of_ufuncs_that_come_and_go(defer_all: None) -> None:
    def function(x: Any) -> Any:
        return x + 1

    before = sys.getrefcount(function)
    for _ in range(5):
        ufunc = np.frompyfunc(function, 1, 1)
        assert ufunc(maniple.arange(3)).tolist() == [1, 2, 3]
        del ufunc
    assert sys.getrefcount(function) == before


def test_interp_at_one_point_is_a_scalar(defer_all: None) -> None:
    for point in (1, 4.5):
        arguments = maniple.array([0, 2, 4]), maniple.array([1, -1, 1])
        got = maniple.interp(maniple.array(point), *arguments)
        assert (type(got), got) == (np.float64, np.interp(point, [0, 2, 4], [1, -1, 1]))
