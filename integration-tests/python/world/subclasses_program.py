"""Subclasses and duck arrays in the user's program."""

import os
import pickle

import numpy as np

SIZE = int(os.environ.get("WORLD_SIZE", "40000"))


def digits(value):
    # A sum to the digits that every order of additions has.
    return f"{value:.12g}" if isinstance(value, float) else value


def show(name, function):
    try:
        value = function()
    except Exception as error:
        print(name, "raised", type(error).__name__, error)
    else:
        print(name, type(value).__name__, digits(value))


class Named(np.ndarray):
    def __new__(cls, values, name=""):
        self = np.asarray(values).view(cls)
        self.name = name
        return self

    def __array_finalize__(self, other):
        if other is None:
            return
        self.name = getattr(other, "name", "unnamed")

    def doubled(self):
        return self * 2


class Units(np.ndarray):
    def __new__(cls, values, unit):
        self = np.asarray(values).view(cls)
        self.unit = unit
        return self

    def __array_finalize__(self, other):
        self.unit = getattr(other, "unit", "?")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        plain = [np.asarray(x) if isinstance(x, Units) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(np.asarray(x) if isinstance(x, Units) else x for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        if isinstance(result, np.ndarray):
            result = result.view(Units)
            result.unit = f"{ufunc.__name__}({','.join(getattr(x, 'unit', '1') for x in inputs)})"
        return result


class Wrapped(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        print("wrap", context[0].__name__ if context else None, return_scalar)
        return super().__array_wrap__(array, context, return_scalar)


a = np.arange(SIZE) * 1.5
c = np.ones(SIZE) * 2
n = Named(a * 1, "n")
u = Units(a * 1, "m")
w = (a * 1).view(Wrapped)


def what(x):
    return type(x).__name__, getattr(x, "name", getattr(x, "unit", None)), x.shape, digits(x.sum())


show("new", lambda: what(n))
show("method", lambda: what(n.doubled()))
show("mixed left", lambda: what(n + a))
show("mixed right", lambda: what(a + n))
show("scalar", lambda: what(1 + n))
show("inplace", lambda: what(a.copy().__iadd__(n)))


def inplace():
    x = a * 1
    x += n
    y = n.copy()
    y += x
    y *= a
    return what(x), what(y)


show("inplace statement", inplace)
show("slice", lambda: what(n[3:9]))
show("mask", lambda: what(n[n > 20]))
show("mask ours", lambda: what(n[a > 20]))
show("fancy", lambda: what(n[np.arange(10) * 2]))
show("set", lambda: n.__setitem__(slice(0, 5), c[:5] * 3))
show("after set", lambda: what(n))
show("ufunc", lambda: what(np.sqrt(n)))
show("two ufunc", lambda: what(np.maximum(a, n)))
show("out", lambda: what(np.add(a, c, out=n.copy())))
show("out ours", lambda: what(np.add(n, c, out=a * 1)))
show("reduce", lambda: (type(n.sum()), type(n.reshape(2, -1).sum(axis=0))))
show("concatenate", lambda: what(np.concatenate([n, a])))
show("concatenate ours", lambda: what(np.concatenate([a, n])))
show("where", lambda: what(np.where(a > 3, n, a)))
show("view", lambda: what(n.view(np.ndarray)))
show("asarray", lambda: what(np.asarray(n)))
show("asanyarray", lambda: what(np.asanyarray(n)))
show("array subok", lambda: (what(np.array(n)), what(np.array(n, subok=True))))
show("view of ours", lambda: what((a * 2).view(Named)))
show("like", lambda: (what(np.zeros_like(n)), what(np.ones_like(n, subok=False)), what(np.full_like(a, 3))))
show("matmul", lambda: what(n.reshape(4, -1) @ a.reshape(-1, 4)))
show("matmul ours", lambda: what(a.reshape(4, -1) @ n.reshape(-1, 4)))
show("transpose", lambda: what(n.reshape(4, -1).T + a.reshape(-1, 4)))
show("isinstance", lambda: (isinstance(n, np.ndarray), issubclass(Named, np.ndarray), isinstance(a, Named)))
show("pickle", lambda: (pickle.loads(pickle.dumps(n)) == n).all())
show("repr", lambda: repr(n[:3]))
show("base shared", lambda: shared())
show("broadcast arrays", lambda: [type(x).__name__ for x in np.broadcast_arrays(n, a, subok=True)])
show("bincount", lambda: np.bincount((n % 5).astype(int)))
show("sort", lambda: what(np.sort(n)))
show("units", lambda: what(u + a))
show("units right", lambda: what(a + u))
show("units both", lambda: what(np.multiply(u, u)))
show("units out", lambda: what(np.multiply(u, a, out=a * 1)))
show("units inplace", lambda: what(a.copy().__imul__(u)))
show("units compare", lambda: what(a < u))
show("units reduce", lambda: (np.add.reduce(u), u.max()))
show("units reduce at", lambda: np.add.at(u, [0, 1], 5))
show("units negative", lambda: what(-u))
show("wrapped", lambda: (w + a).sum())
show("wrapped right", lambda: (a + w).sum())
show("wrapped out", lambda: np.add(a, c, w).sum())
show("wrapped abs", lambda: abs(w)[:2])


def shared():
    x = a * 1
    v = x.view(Named)
    v[:3] = 100
    y = x + 1
    x[5] = -1
    return y[:4], v[5], what(v)


show("shared", shared)


class Duck:
    """Neither a subclass nor an array, but with the protocols."""

    def __init__(self, values):
        self.values = values

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [x.values if isinstance(x, Duck) else x for x in inputs]
        return Duck(getattr(ufunc, method)(*plain, **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        return function.__name__, sorted(t.__name__ for t in types), len(args), sorted(kwargs)

    def __add__(self, other):
        return np.add(self, other)

    def __radd__(self, other):
        return "radd"


class Refuses:
    __array_ufunc__ = None

    def __rmul__(self, other):
        return "refused", type(other).__name__

    def __radd__(self, other):
        return "refused", type(other).__name__

    def __eq__(self, other):
        return "eq"

    __hash__ = None


class Priority:
    __array_priority__ = 100.0

    def __radd__(self, other):
        return "priority"

    def __rmatmul__(self, other):
        return "priority matmul"

    def __rsub__(self, other):
        return "priority sub"

    def __gt__(self, other):
        return "gt"


class AsArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(SIZE) * 1.0


class Plain:
    def __radd__(self, other):
        return "radd", type(other).__name__


d = Duck(a * 1)
show("duck", lambda: (a + d).values.sum())
show("duck left", lambda: (d + a).values.sum())
show("duck ufunc", lambda: round(np.sqrt(d).values.sum(), 6))
show("duck out", lambda: np.add(a, c, out=d))
show("duck inplace", lambda: a.copy().__iadd__(d).values.sum())
show("duck function", lambda: np.concatenate([a, d]))
show("duck sum", lambda: np.sum(d))
show("duck where", lambda: np.where(a > 1, d, a))
show("duck std", lambda: np.std(d, axis=0))
show("duck linalg", lambda: np.linalg.norm(d))
show("duck reduce", lambda: np.add.reduce(d).values)
show("duck stack", lambda: np.stack([d, a]))
show("duck matmul", lambda: np.matmul(d, a).values)
show("duck compare", lambda: (a > d).values.sum())
show("refuses", lambda: (a * Refuses(), a + Refuses()))
show("refuses eq", lambda: a == Refuses())
show("refuses less", lambda: a < Refuses())
show("refuses ufunc", lambda: np.add(a, Refuses()))
show("priority", lambda: (a + Priority(), a - Priority(), a @ Priority()))
show("priority lt", lambda: a < Priority())
show("asarray", lambda: ((a + AsArray()).sum(), np.add(a, AsArray()).sum(), (a > AsArray()).sum()))
show("asarray in", lambda: np.asarray(AsArray()).sum())
show("asarray fun", lambda: np.sum(AsArray()))
show("plain", lambda: a[:3] + Plain())


class Interface:
    def __init__(self, x):
        self.x = np.ascontiguousarray(x)
        self.__array_interface__ = self.x.__array_interface__


show("interface", lambda: (np.asarray(Interface(a * 3)).sum(), (a + Interface(a * 3)).sum()))
show("dlpack", lambda: np.from_dlpack(a * 3).sum())
show("matrix", lambda: what(np.matrix([[1.0, 2], [3, 4]]) * (np.arange(4.0) * 1).reshape(2, 2)))
show("matrix of ours", lambda: what(np.asmatrix(a.reshape(4, -1)) * np.asmatrix(a.reshape(-1, 4))))
show("matrix power", lambda: np.asmatrix((np.arange(4.0) + 1).reshape(2, 2)) ** 2)
show("bmat", lambda: np.bmat([[np.eye(2) * 1, np.eye(2) * 2]]))
show("recarray", lambda: np.rec.fromarrays([a * 1, (a * 2).astype(int)], names="x,y").x.sum())
show("chararray", lambda: np.char.array(["a", "b"]) + "c")
