"""Index tricks, iterators, testing, einsum, out= everywhere: the same with and without Maniple."""

import os

import numpy as np
from shown import show

SIZE = int(os.environ.get("WORLD_SIZE", "40000"))


a = np.arange(SIZE) * 1.0
i = np.arange(SIZE) * 3 % 11
t = a > SIZE / 2
m = (np.arange(12.0) * 1).reshape(3, 4)
g = (np.arange(SIZE) * 1.0).reshape(-1, 8)
small = np.arange(6) * 2


def iterate():
    x = a * 1
    with np.nditer(x, op_flags=["readwrite"]) as it:
        for k, value in enumerate(it):
            value[...] = value * 2
            if k == 5:
                break
    y = m * 1
    for value in np.nditer(y, op_flags=["readwrite"], order="F"):
        value[...] += 1
    with np.nditer([y, None], op_flags=[["readonly"], ["writeonly", "allocate"]]) as it:
        for p, q in it:
            q[...] = p * p
        z = it.operands[1]
    it = np.nditer(m * 2, flags=["multi_index"])
    indices = [it.multi_index for _ in it]
    with np.nditer(x, flags=["external_loop", "buffered"], op_flags=["readwrite"]) as it:
        for chunk in it:
            chunk += 0.5
    return x[:7], x.sum(), y, z, indices[:3], (x * 1)[:3]


show("nditer", iterate)
show("ndenumerate", lambda: list(np.ndenumerate(m * 2))[:3])
show("ndindex", lambda: list(np.ndindex(*(m * 1).shape))[-1])
show("broadcast", lambda: [tuple(float(v) for v in p) for p in np.broadcast(m[:1] * 1, small[:4] * 1)])
show("flat", lambda: list((m * 2).flat)[:3])


def flat():
    x = m * 1
    x.flat[3] = 9
    x.flat[[0, 1]] = 7
    x.flat = small
    f = x.flat
    f[::5] = -1
    return x, x.flat[2:5], next(f), f.index, f.coords


show("flat write", flat)
show("vectorize", lambda: np.vectorize(lambda v, w: v if v > w else -w)(a[:9] * 1, 4))
show("vectorize signature", lambda: np.vectorize(lambda r: r.sum(), signature="(n)->()")(g[:3] * 1))
show("vectorize otypes", lambda: np.vectorize(str, otypes=[str])(small * 1))
show("vectorize error", lambda: np.vectorize(lambda v: v)(a[:0]))
show("along", lambda: np.apply_along_axis(lambda r: r[::-1] * 2, 1, m * 1))
show("along scalar", lambda: np.apply_along_axis(np.sum, 0, g * 1))
show("over axes", lambda: np.apply_over_axes(np.sum, g * 1, [0, 1]))
show("piecewise", lambda: np.piecewise(a * 1, [a < 3, a >= 3], [lambda v: -v, 7])[:5])
show("select", lambda: np.select([a < 3, a < 5], [a, a * 10], -1)[:7])
show("choose", lambda: np.choose(i % 3, [a, a * 2, a * 3]).sum())
show("choose error", lambda: np.choose(i, [a, a]))
show("r_", lambda: (np.r_[a[:3], 5, small], np.r_["0,2", m[0], m[1]], np.r_[0:3:4j]))
show("c_", lambda: np.c_[a * 1, a * 2][:2])
show("s_", lambda: a[np.s_[2:9:3]])
show("mgrid", lambda: (np.mgrid[0:3, 0:2] * 2, np.mgrid[0:1:5j]))
show("ogrid", lambda: [x.shape for x in np.ogrid[0:3, 0:200]])
show("ogrid sum", lambda: sum(np.ogrid[0:300, 0:200]).sum())
show("ix_", lambda: g[np.ix_([0, 2], [1, 3])])
show("ix_ bool", lambda: m[np.ix_(m[:, 0] > 1, [0, 2])])
show("indices", lambda: np.indices((3, 2)).sum(axis=0))
show("meshgrid", lambda: [x.sum() for x in np.meshgrid(a[:300] * 1, a[:200] * 1, indexing="ij")])
show("unravel", lambda: np.unravel_index((g * 1).argmax(), g.shape))
show("ravel_multi", lambda: np.ravel_multi_index((np.arange(3) * 1, np.arange(3) * 2), (4, 8)))
show("take", lambda: (np.take(a, i)[:4], np.take(g, [0, 1], axis=1).sum(), np.take(a, [-1, SIZE], mode="wrap")))
show("take error", lambda: np.take(a, [SIZE]))
show("take along", lambda: np.take_along_axis(m, np.argsort(-m, axis=1), axis=1))
show("compress", lambda: (np.compress(t, a)[:2], np.extract(t, a)[:2]))
show("einsum", lambda: (np.einsum("ij,ij->i", g, g)[:3], np.einsum("ii", m[:, :3]), np.einsum("ij,kj->ik", m, m)))
show("einsum path", lambda: np.einsum_path("ij,jk,kl->il", m, m.T, m)[0])
show("einsum error", lambda: np.einsum("ij,jk", m, m))
show(
    "tensordot",
    lambda: (np.tensordot(m, m, 2), np.tensordot(m, m.T, 1).shape, np.inner(m, m)[0], np.outer(small, small)[2]),
)
show("kron", lambda: np.kron(m[:2, :2], np.eye(2) * 1))
show("poly", lambda: (np.poly1d(small[:3] * 1)(a)[:4], np.poly1d([1, 2]) * np.poly1d(small[1:3] * 1)))
show("polyfit", lambda: np.round(np.polyfit(a[:100] * 1, a[:100] ** 2, 2), 6))
show("polynomial", lambda: np.round(np.polynomial.Polynomial.fit(a[:100] * 1, a[:100] * 2 + 1, 1).convert().coef, 6))
show("polyval", lambda: np.polyval(small[:3] * 1, a)[:4])
show("roots", lambda: np.roots(np.array([1.0, -3, 2]) * 1))
show("interp", lambda: np.interp([2.5, 1e9], a, a * 2))
show("gradient", lambda: (np.gradient(a * a)[:3], [x.shape for x in np.gradient(g)]))
show("convolve", lambda: (np.convolve(a, [1, 2, 1])[:4], np.correlate(small * 1, [1, 1])))
show("histogram", lambda: (np.histogram(a, 4), np.histogram2d(a, a, 2)[0], np.bincount(i), np.digitize(a[:5], small)))
show("quantile", lambda: (np.percentile(a, [25, 50]), np.median(g, axis=0)[:2], np.quantile(a, 0.1), np.nanmedian(a)))
show("unique", lambda: (np.unique(i), np.unique(i, return_inverse=True)[1][:5], np.unique_counts(i).counts))
show("set", lambda: (np.intersect1d(i, small), np.union1d(i, small), np.isin(i, small).sum(), np.setdiff1d(i, small)))
show(
    "sort", lambda: (np.sort(-a)[:2], np.argsort(i, kind="stable")[:3], np.partition(i, 3)[:3], np.lexsort((a, i))[:3])
)
show("searchsorted", lambda: (np.searchsorted(a, [3.5, 9]), a.searchsorted(7)))
show("trapezoid", lambda: (np.trapezoid(a), np.cumsum(g, axis=1)[1], np.diff(a, n=2)[:2], np.ediff1d(small * 1)))
show("cross", lambda: np.cross(np.eye(3) * 1, np.ones(3) * 2))
show("pad", lambda: (np.pad(m, 1)[0], np.pad(small * 1, 2, mode="reflect")))
show("roll", lambda: (np.roll(a, 3)[:4], np.flip(m)[0], np.rot90(m).shape, np.tile(small, 2), np.repeat(small, 2)))
show(
    "split",
    lambda: ([x.shape for x in np.split(a, 4)], [x.shape for x in np.array_split(g, 3)], np.hsplit(g, 2)[1].sum()),
)
show("split error", lambda: np.split(a, 7))
show(
    "insert", lambda: (np.insert(small, 1, 9), np.delete(small, [0, 1]), np.append(a, 3).size, np.trim_zeros(small * 1))
)
show("block", lambda: np.block([[m, m], [m, m]]).sum())
show(
    "stack",
    lambda: (np.vstack([a, a]).shape, np.dstack([m, m]).shape, np.column_stack([a, i]).shape, np.unstack(m, axis=1)[1]),
)
show("unstack one", lambda: (np.unstack(small[1:2] * 3, axis=-1), np.unstack(m[:1] + 1, axis=0)))
show("broadcast_to", lambda: (np.broadcast_to(a, (3, SIZE)).sum(), np.broadcast_shapes((3, 1), (4,))))
show("linalg", lambda: (np.linalg.norm(a), round(np.linalg.det(m[:3, :3] + np.eye(3)), 9), np.linalg.matrix_rank(m)))
show(
    "linalg tuple",
    lambda: (type(np.linalg.svd(m)).__name__, np.linalg.eigh(np.eye(3) * 2).eigenvalues, np.linalg.qr(m).R.shape),
)
show("linalg error", lambda: np.linalg.inv(np.zeros((2, 2)) * 1))
show("linalg error 2", lambda: np.linalg.solve(m, m))
show("fft", lambda: (np.fft.rfft(a).shape, np.round(np.fft.ifft(np.fft.fft(m)).real, 9), np.fft.fftshift(small)))
show(
    "nan",
    lambda: (
        np.nansum(a / np.where(a == 3, np.nan, 1)),
        np.nanmax(np.where(t, np.nan, a)),
        np.nan_to_num(a / np.inf)[0],
    ),
)
show(
    "allclose",
    lambda: (np.allclose(a, a + 1e-12), np.array_equal(a, a * 1), np.array_equiv(m, m[None]), np.isclose(a, a).all()),
)


def out_everywhere():
    o = np.empty(SIZE)
    p = np.empty(SIZE // 8)
    print(np.add(a, 1, out=o) is o, o[:3])
    print(np.add(a, 1, o) is o, np.sqrt(a, o) is o, o[:3])
    print(np.multiply(a, 2, out=(o,)) is o, o[-1])
    print(np.sum(g, axis=1, out=p) is p, p[:3], g.mean(axis=1, out=p) is p, p[:3])
    print(g.max(1, p) is p, p[1], np.std(g, axis=1, out=p) is p, p[1])
    print(np.cumsum(a, out=o) is o, o[-1], a.cumprod(out=o) is o, o[0])
    print(np.clip(a, 2, 5, out=o) is o, o[:4], a.clip(1, 3, out=o) is o, o[:4])
    print(np.take(a, i, out=o) is o, o[:4], np.round(a / 3, 1, out=o) is o, o[:4])
    print(np.dot(g, np.ones(8), out=p) is p, p[:2], np.matmul(g, np.ones(8), out=p) is p, p[:2])
    k = np.zeros(8, np.intp)
    print(np.argmax(g, axis=0, out=k) is k, k[:2], np.median(g, axis=1, out=p) is p, p[:2])
    q = np.empty(SIZE, bool)
    print(np.greater(a, 3, out=q) is q, q.sum(), np.logical_not(q, out=q) is q, q.sum(), np.isnan(a, out=q).sum())
    c = np.empty((2, SIZE))
    print(np.stack([a, a * 2], out=c) is c, c.sum(), np.concatenate([a, a], out=c.reshape(-1)).sum())
    print(np.modf(a / 2, out=(o, o.copy()))[0] is o, np.divmod(a, 7, o, o * 1)[0] is o, o[:9])
    print(np.add.reduce(g, axis=1, out=p) is p, np.add.accumulate(a, out=o) is o, np.where(t, a, o).sum())
    print(np.multiply.outer(small, small, out=np.empty((6, 6)))[2], np.choose(i % 2, [a, o], out=o) is o)
    print(np.add(a, 1, out=o, where=t) is o, o[[0, -1]], np.einsum("ij->i", g, out=p) is p, p[0])
    print(np.add(m[:, ::-1], m, out=np.empty((4, 3)).T), np.compress(t, a, out=np.empty(int(t.sum())))[:2])
    s = np.empty(())
    print(np.add(1, 2, out=s) is s, s, np.sum(a, out=s) is s, s, np.sum(t, out=np.empty((), int)))
    print(
        np.percentile(g, 50, axis=1, out=p) is p, np.nansum(g, axis=1, out=p) is p, np.ptp(g, axis=1, out=p) is p, p[0]
    )
    return (
        np.trace(m, out=s) is s,
        np.fft.fft(a, out=np.empty(SIZE, complex))[0],
        np.prod(m + 1, axis=0, out=np.empty(4)),
    )


show("out", out_everywhere)


def put():
    x = a * 1
    np.putmask(x, t, [-1, -2])
    np.copyto(x, 5, where=i == 3)
    np.place(x, i == 4, [100, 200])
    np.put(x, [0, 2], [9, 8])
    x.put([1], 77)
    np.put_along_axis(x, np.array([3, 4]), 0, 0)
    np.fill_diagonal(g2 := g[:8] * 1, 0)
    np.add.at(x, i, 1)
    np.subtract.at(x, [0, 0], 1)
    x.itemset if hasattr(x, "itemset") else None
    y = a * 1
    np.copyto(y[::2], x[::2])
    y.fill(3) if False else None
    y[1::2] = 0
    x[::-1] += x
    return x[:9], x.sum(), g2.sum(), y.sum()


show("put", put)
show("copyto error", lambda: np.copyto(i.copy(), a))
show("putmask error", lambda: np.putmask([1, 2], [True, False], 0))
show("place error", lambda: np.place(a * 1, t, []))


def resize():
    x = np.arange(5) * 2
    try:
        x.resize(8, refcheck=False)
    except ValueError as error:
        print(error)
    return x, np.resize(small * 1, (2, 4))


show("resize", resize)


def methods():
    x = (np.arange(12) * 7 % 5).reshape(3, 4)
    x.sort(axis=1)
    y = x.copy()
    y.partition(1)
    x.byteswap(inplace=True)
    return (
        x,
        y,
        x.byteswap(),
        x.swapaxes(0, 1).shape,
        x.squeeze().ndim,
        y.nonzero(),
        y.diagonal(),
        y.trace(),
        y.argpartition(1)[0],
    )


show("methods", methods)


def checks():
    np.testing.assert_allclose(a * 1, a * 1)
    np.testing.assert_array_equal(m * 1, m)
    np.testing.assert_array_almost_equal(a * 1, a, decimal=3)
    np.testing.assert_equal({"a": a * 1}, {"a": a})
    np.testing.assert_array_less(a, a + 1)
    with np.testing.assert_raises(ValueError):
        a.reshape(7, 11, 13)
    return "checked"


show("testing", checks)
show("assert_allclose", lambda: np.testing.assert_allclose(m * 1.0, m + 1e-3))
show("assert_equal", lambda: np.testing.assert_equal(small * 1, small + 1))
show("assert_equal shape", lambda: np.testing.assert_array_equal(m * 1, m[:2]))
show("assert_less", lambda: np.testing.assert_array_less(m + 1, m))
show("assert_almost", lambda: np.testing.assert_almost_equal(m * 1, m + 1))
show("assert_string", lambda: np.testing.assert_string_equal("a", "b"))


def random():
    rng = np.random.default_rng(7)
    old = np.random.RandomState(7)
    np.random.seed(3)
    return (
        rng.normal(size=SIZE).mean().round(9),
        rng.integers(0, 9, SIZE).sum(),
        rng.permutation(a)[:3],
        rng.choice(a, 3),
        rng.choice(small, 2, replace=False, p=np.ones(6) / 6),
        rng.shuffle(x := a * 1),
        x[:2],
        rng.random(out=np.empty(SIZE))[:1],
        rng.multivariate_normal(np.zeros(2) * 1, np.eye(2) * 1).round(6),
        rng.poisson(a[:3] * 1),
        rng.dirichlet(np.ones(3) * 2).round(6),
        old.randn(SIZE).sum().round(6),
        old.choice(a * 1, 2),
        np.random.rand(SIZE).sum().round(6),
        np.random.permutation(5),
        rng.spawn(1)[0].random(),
        np.random.Generator(np.random.MT19937(5)).random(),
        rng.bit_generator.state["bit_generator"],
        rng.permuted(m * 1, axis=1),
        rng.multinomial(10, np.ones(4) / 4),
        np.random.get_state()[0],
        rng.binomial(i[:4] * 1, 0.5),
    )


show("random", random)
show("random error", lambda: np.random.default_rng(0).normal(scale=-1 * a))
show("random error 2", lambda: np.random.default_rng(0).choice(small, 9, replace=False))
show(
    "ufunc methods",
    lambda: (np.add.reduceat(a, [0, 5, 9])[:2], np.maximum.accumulate(-a)[:2], np.subtract.outer(small, small)[1]),
)
show("reduce", lambda: (np.logical_and.reduce(t), np.multiply.reduce(small[1:] * 1.0), np.add.reduce(g, axis=(0, 1))))
show("ufunc error", lambda: np.add(a, a, a, a))
show("ufunc error 2", lambda: np.sin("x"))
show("ufunc error 3", lambda: np.bitwise_and(a, a))
show("ufunc error 4", lambda: np.add(a, 1, dtype="i1"))
show("ufunc error 5", lambda: np.add.reduce(a, axis=3))
show("ufunc attributes", lambda: (np.add.nin, np.add.types[:2], np.add.identity, repr(np.add)))
show("ufunc where", lambda: np.sqrt(a, where=a > 3, out=np.zeros(SIZE))[:6])
show(
    "dtype",
    lambda: (
        np.result_type(a, i, 3.5),
        np.can_cast(a.dtype, "f4"),
        np.promote_types("i4", "f4"),
        np.min_scalar_type(300),
    ),
)
show(
    "common", lambda: (np.iscomplexobj(a), np.isrealobj(a), np.isscalar(a.sum()), np.ndim(m), np.shape([a]), np.size(a))
)
show(
    "may share", lambda: (np.may_share_memory(a, a[3:]), np.shares_memory(a, a * 1), np.shares_memory(a[::2], a[1::2]))
)
show("errstate", lambda: errors())


def errors():
    results = []
    for bad in (lambda: (a - 5) / (a - 5), lambda: np.log(a - 1e9), lambda: np.exp(a), lambda: i // (i - i)):
        with np.errstate(all="raise"):
            try:
                bad()
            except FloatingPointError as error:
                results.append(str(error))
    with np.errstate(all="ignore"):
        results.append(((a - 5) / (a - 5))[5])
    return results


show("errstate", errors)
show(
    "iterable",
    lambda: (
        np.iterable(a),
        np.array(list(a[:3] * 1)),
        np.array([a[:2] * 1, a[2:4] * 1]),
        np.array((small * 1, small * 2)).sum(),
    ),
)
show(
    "array copies",
    lambda: (
        np.array(a) is a,
        np.asarray(a) is a,
        np.array(a, copy=False) is a,
        np.asanyarray(a) is a,
        np.ascontiguousarray(a) is a,
    ),
)
show("array copy error", lambda: np.array(a, dtype="f4", copy=False))
show("require", lambda: (np.require(g.T, requirements="C").flags.c_contiguous, np.asfortranarray(g).flags.f_contiguous))
show(
    "astype",
    lambda: (
        (a * 1).astype(np.float32)[3],
        a.astype(float, copy=False) is a,
        (a * 1).astype("i1")[3],
        (a + 0.5).astype(int)[:3],
    ),
)
show(
    "strides",
    lambda: (
        (g * 1).strides,
        (g.T * 1).strides,
        (g[:, ::-1] * 1).strides,
        np.asfortranarray(g * 1).strides,
        (g + g.T.copy().T).strides,
    ),
)
show("flags", lambda: (g * 1).flags)
show("base", lambda: ((a * 1).base is None, (a * 1)[2:].base is None, a.reshape(2, -1).base is a))
show("small views", lambda: (g[:3, :2].ravel(), g[1:3, ::-1].flatten(), g[:2, :3].T.ravel("F"), g[:2, 1:].ravel("K")))
show(
    "small views 2",
    lambda: (g[:3, :2].reshape(-1), g[:3, :2].copy().T, g[:3, 1].sum(), np.ravel(g[:2, :2]), g[:2, :2].tolist()),
)
