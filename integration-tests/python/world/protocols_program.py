"""Python's own protocols on arrays: what is printed is the same with and without Maniple."""

import copy
import ctypes
import dataclasses
import functools
import io
import json
import os
import pickle
import threading
from collections import namedtuple

import numpy as np
from shown import show

SIZE = int(os.environ.get("WORLD_SIZE", "40000"))


a = np.arange(SIZE) * 1.0 + 0.5
b = a * 2 - 3
i = np.arange(SIZE) % 7 - 3
m = (np.arange(12.0) * 2).reshape(3, 4)
z = np.arange(SIZE) * (1 + 2j)
t = a > 100
s = np.array(3.5) * 1
small = np.arange(5) + 1

show("pickle", lambda: [(pickle.loads(pickle.dumps(b, p)) == b).all() for p in range(6)])
show("pickle view", lambda: pickle.loads(pickle.dumps(b[::-7])).tolist()[:5])
show("pickle fortran", lambda: pickle.loads(pickle.dumps(m.T)).flags.f_contiguous)
show("copy", lambda: (copy.copy(b) is b, (copy.copy(b) == b).all(), (copy.deepcopy(b) == b).all()))
show("deepcopy dict", lambda: {k: v.sum() for k, v in copy.deepcopy({"a": b, "b": [b, i]}["b"] and {"a": b}).items()})
show("hash", lambda: hash(b))
show("set", lambda: {b})
show("dict", lambda: {b: 1})
show("bytes", lambda: bytes(small * 2))
show("bytes all", lambda: len(bytes(b)))
show("in", lambda: (0.5 in a, 0.25 in a, 3 in i, "x" in i))
show("in none", lambda: None in a)
show("iteration", lambda: [type(x).__name__ for x in small * 2])
show("iteration 2d", lambda: [row.tolist() for row in m + 1])
show("iteration 0d", lambda: list(s))
show("unpack", lambda: (lambda p, q, r: (p, q, r))(*(m * 1)))


def unpack_many():
    p, *q, r = small * 2
    return p, q, r


def unpack_wrong():
    p, q = small * 2
    return p, q


show("unpack many", unpack_many)
show("unpack wrong", unpack_wrong)
show("format", lambda: f"{a.sum():.3e} {a[3]:8.2f} {i[4]:05d} {s:.2f} {t.any()} {small * 1}")
show("format spec", lambda: f"{a:.2f}")
show("format spec small", lambda: f"{small * 1:>30}")
show("format empty", lambda: format(m, ""))
show("percent", lambda: "%s %d %.3f" % (small * 1, i[3], a[5]))  # noqa: UP031
show("percent array", lambda: "%d" % (small * 1))  # noqa: UP031
show("percent one", lambda: "%.1f" % (a[:1] * 1))
show("sum", lambda: sum(i))
show("sum rows", lambda: sum(m))
show("max", lambda: (max(a), min(a), max(i)))
show("max rows", lambda: max(m))
show("sorted", lambda: sorted(i[:20]))
show("sorted rows", lambda: sorted(m))
show("reversed", lambda: list(reversed(small * 1)))
show("zip", lambda: list(zip(small * 1, m.ravel() * 2)))
show("enumerate", lambda: list(enumerate(small * 3)))
show("map", lambda: list(map(float, small * 3)))
show("any", lambda: (any(t), all(t)))
show("round", lambda: round(m / 3, 2))
show("round none", lambda: round(m / 3))
show("abs", lambda: abs(m - 5))
show("divmod", lambda: divmod(i[:4], 3))
show("pow", lambda: pow(m, 2))
show("pow three", lambda: pow(m, 2, 3))
show("json", lambda: json.dumps((small * 2).tolist()))
show("json array", lambda: json.dumps(small * 2))
show("reduce", lambda: functools.reduce(lambda x, y: x + y, m))
show("len", lambda: (len(a), len(m)))
show("len 0d", lambda: len(s))
show("bool", lambda: bool(s * 1))
show("bool many", lambda: bool(a))
show("bool one", lambda: bool(a[:1]))
show("bool empty", lambda: bool(a[:0]))
show("if", lambda: 1 if a == b else 2)
show("and", lambda: a and b)
show("not", lambda: not a)
show("int", lambda: int(s))
show("int many", lambda: int(a))
show("int one", lambda: int(a[:1]))
show("float many", lambda: float(m))
show("float complex", lambda: float(z[1]))
show("complex", lambda: complex(np.array(3) * 2))
show("index", lambda: [10, 20, 30][np.array(1) * 1])
show("index float", lambda: [10, 20, 30][s])
show("index many", lambda: [10, 20, 30][small])
show("range", lambda: list(range(np.array(3) * 1)))
show("list index", lambda: [1, 2, 3].index(np.array(2) * 1))
show("isinstance", lambda: (isinstance(a, np.ndarray), isinstance(a[0], np.floating), isinstance(a, list)))
show(
    "isinstance scalars",
    lambda: (isinstance(a.sum(), float), isinstance(i.sum(), np.integer), isinstance(t.any(), np.bool_)),
)
show("types", lambda: (type(a.sum()), type(a[2]), type(i[2]), type(t[2]), type(z[2]), type(s * 1)))
show("issubclass", lambda: issubclass(type(a), object))
show("callable", lambda: callable(a))
show("call", lambda: a())
show("attribute", lambda: a.nothing)
show("set attribute", lambda: setattr(a, "nothing", 3))
show("delete attribute", lambda: delattr(a, "shape"))
show("delete element", lambda: a.__delitem__(3))
show("class", lambda: a.__class__)
show("doc", lambda: a.__doc__[:20])
show("dir", lambda: [n for n in ("sum", "T", "dtype", "__array__", "reshape") if n not in dir(a)])
show("dir all", lambda: sorted(set(dir(np.ndarray)) - set(dir(a))))
show("with", lambda: a.__enter__())
show("vars", lambda: vars(a))
show("next", lambda: next(a))
show("next iter", lambda: next(iter(a)))
show("index error", lambda: a[SIZE])
show("index error negative", lambda: a[-SIZE - 1])
show("index error 2d", lambda: m[3, 0])
show("index error many", lambda: a[0, 0])
show("index error string", lambda: a["x"])
show("index error float", lambda: a[1.5])
show("index error list", lambda: a[[1, SIZE]])
show("index error mask", lambda: a[np.zeros(3, bool)])
show("set error shape", lambda: a.__setitem__(slice(0, 3), [1, 2]))
show("set error value", lambda: a.__setitem__(0, "x"))
show("set error sequence", lambda: a.__setitem__(0, [1, 2]))
show("shape error", lambda: a + a[:-1])
show("shape error at", lambda: m @ m)
show("reshape error", lambda: a.reshape(7, 11, 13))
show("axis error", lambda: a.sum(axis=1))
show("axis error 2", lambda: m.mean(axis=(0, 0)))
show("empty max", lambda: a[:0].max())
show("empty argmax", lambda: a[:0].argmax())
show("empty mean", lambda: i[:0].sum())
show("type error", lambda: a + "x")
show("type error none", lambda: a + None)
show("type error object", lambda: a + object())
show("type error dict", lambda: a @ {})
show("type error bits", lambda: a & 1)
show("type error invert", lambda: ~a)
show("type error shift", lambda: a << 2)
show("bool subtract", lambda: t - t)
show("bool negative", lambda: -t)
show("iadd cast", lambda: i.__iadd__(1.5))
show("itruediv cast", lambda: i.__itruediv__(2))
show("integer power", lambda: i**-1)
show("overflow", lambda: np.arange(3, dtype=np.uint8) + 300)
show("compare string", lambda: a == "x")
show("compare none", lambda: (a == None).any())  # noqa: E711
show("less string", lambda: a < "x")
show("complex less", lambda: (z < z[::-1]).sum())
show("keyword error", lambda: a.sum(axes=0))
show("dtype error", lambda: a.astype("nonsense"))
show("astype casting", lambda: a.astype(np.int8, casting="safe"))
show("out error", lambda: np.add(a, b, out=np.empty(3)))
show("out type", lambda: np.add(a, b, out=[1, 2]))
show("out cast", lambda: np.add(a, b, out=np.zeros(SIZE, np.int32)))
show("concatenate", lambda: np.concatenate([a, m]))
show("concatenate none", lambda: np.concatenate([]))
show("stack", lambda: np.stack([a, a[1:]]))
show("write readonly", lambda: np.broadcast_to(a, (2, SIZE)).__setitem__(0, 1))


def frozen():
    c = a * 1
    c.flags.writeable = False
    c[0] = 1


def frozen_add():
    c = a * 1
    c.setflags(write=False)
    c += 1


show("frozen", frozen)
show("frozen add", frozen_add)


def match(value):
    match value:
        case np.ndarray(ndim=1, shape=(n,)) if n > 10:
            return "long", n
        case np.ndarray(ndim=2):
            return "matrix", value.shape
        case [x, *_]:
            return "sequence", x
        case float() | int():
            return "number", value
        case _:
            return "other", type(value).__name__


show("match", lambda: [match(v) for v in (a * 1, m * 1, small * 1, [1, 2], a.sum(), i.sum(), s)])


@dataclasses.dataclass
class Particle:
    x: np.ndarray
    v: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(SIZE) * 2)


p = Particle(a * 1)
show("dataclass", lambda: (p.x.sum(), dataclasses.replace(p, x=p.v).x.sum(), list(dataclasses.asdict(p))))
show("dataclass eq", lambda: p == Particle(a * 1, p.v))
show("dataclass astuple", lambda: dataclasses.astuple(p)[1].sum())
show("namedtuple", lambda: namedtuple("N", "x y")(m, m)._replace(x=1).y.sum())
show("lru cache", lambda: functools.lru_cache(lambda x: x)(a))
show("singledispatch", lambda: dispatch(a))
show("partial", lambda: functools.partial(np.add, a)(1).sum())


@functools.singledispatch
def dispatch(x):
    return "object"


@dispatch.register
def _(x: np.ndarray):
    return "array"


show("singledispatch", lambda: dispatch(a * 1))
show("list of arrays eq", lambda: [a] == [a])
show("list of arrays in", lambda: m in [m])
show("tuple compare", lambda: (1, a) == (1, a * 1))


def threads():
    results = [0.0] * 8

    def work(k):
        c = a * k
        for _ in range(5):
            c = c + k
        results[k] = float(c.sum())

    running = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for r in running:
        r.start()
    for r in running:
        r.join()
    return results


show("threads", threads)
show(
    "ctypes",
    lambda: ((a * 2).ctypes.data_as(ctypes.POINTER(ctypes.c_double))[3], a.ctypes.shape[0], a.ctypes.strides[0]),
)


def through_pointer():
    c = a * 2
    pointer = c.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    pointer[0] = 1000.0
    d = c + 1
    pointer[1] = 2000.0
    return d[0], c[1], (c * 1)[1], c.sum()


show("through pointer", through_pointer)
show("as_ctypes", lambda: np.ctypeslib.as_ctypes(small * 3)[2])
show("ndpointer", lambda: np.ctypeslib.ndpointer(np.float64, ndim=1).from_param(a * 1) is not None)
show("ndpointer error", lambda: np.ctypeslib.ndpointer(np.float32).from_param(a * 1))
show("as_array", lambda: np.ctypeslib.as_array((ctypes.c_int * 4)(1, 2, 3, 4)) * 2)
show("as_strided", lambda: np.lib.stride_tricks.as_strided(a * 1, (3, 4), (8, 16)))
show("windows", lambda: np.lib.stride_tricks.sliding_window_view(a * 1, 5).mean(axis=1)[:3])


def through_strided():
    c = a * 1
    v = np.lib.stride_tricks.as_strided(c, (SIZE // 2,), (16,))
    v += 1000
    w = c.copy()
    v[:] = 0
    return w.sum(), c.sum()


show("through as_strided", through_strided)
show("sys", lambda: (a * 1).__sizeof__() > 8 * SIZE)
show("repr", lambda: repr(a * 1))
show("str", lambda: str(t & t))
show("repr 0d", lambda: repr(np.array(3.5) * np.array(2)))
show("print", lambda: print(a * 1, m * 1, s * 1, z * 2))
show("item", lambda: (a.item(3), m.item(1, 2), (s * 1).item()))
show("item error", lambda: a.item())
show("item range", lambda: a.item(SIZE))
show("tolist", lambda: ((m * 2).tolist(), (s * 1).tolist(), small.tolist()))
show("memo", lambda: copy.deepcopy([b, b])[0] is copy.deepcopy([b, b])[1])


def memo():
    c = copy.deepcopy([b, b])
    return c[0] is c[1]


show("deepcopy twice", memo)
show("stringio", lambda: print(m, file=io.StringIO()))
