"""Numba, h5py, Zarr on arrays of the user's."""

import os
import pathlib
import tempfile

import h5py
import numba
import numpy as np
import zarr

SIZE = int(os.environ["WORLD_SIZE"])
a = np.arange(SIZE) * 0.5
k = np.arange(SIZE) % 5
g = (np.arange(SIZE // 8 * 8) * 1.0).reshape(-1, 8)


def show(name, *values):
    for v in values:
        print(name, type(v).__name__, v)


@numba.njit
def total(x):
    s = 0.0
    for v in x:
        s += v
    return s


@numba.njit
def change(x, y):
    for i in range(x.size):
        x[i] += y[i]


@numba.njit
def made(x, m):
    return x[m] * 2, np.sqrt(x).sum(), x.reshape(-1, 2).shape


@numba.njit(parallel=True)
def rows(x):
    out = np.zeros(x.shape[0])
    for i in numba.prange(x.shape[0]):
        out[i] = x[i].sum()
    return out


@numba.vectorize(["float64(float64, float64)"])
def combine(x, y):
    return x * 2 + y


@numba.guvectorize(["void(float64[:], float64[:])"], "(n)->()")
def last(x, out):
    out[0] = x[-1]


@numba.stencil
def smooth(x):
    return (x[-1] + x[0] + x[1]) / 3


show("njit", total(a), total(a[::2]), total(a * 2), total(a[::-1]))
b = a * 1
change(b, a)
c = b + 1
change(b, a * 2)
show("change", b[:4], c[:4], b.sum(), (b * 1)[-1])
show("made", *made(a, k > 2)[1:], made(a, k > 2)[0][:3], (made(a, k > 2)[0] + 1).sum())
show("rows", rows(g)[:3], (rows(g) * 2).sum(), rows(g + 1)[-1])
show("vectorize", combine(a, k * 1.0)[:3], combine(a, 1.0).sum(), combine.reduce(a[:4]), (combine(a, a) + a)[-1])
show("guvectorize", last(g)[:3], last(g * 2).sum())
show("stencil", smooth(a)[:4])
show("typeof", numba.typeof(a), numba.typeof(g.T), numba.typeof(np.ones(3)))
typed = numba.typed.List()
typed.append(a * 1)
show("typed list", typed[0].sum())

folder = pathlib.Path(tempfile.mkdtemp())
with h5py.File(folder / "x.h5", "w") as f:
    f["a"] = a * 1
    f.create_dataset("g", data=g, chunks=True, compression="gzip")
    d = f.create_dataset("e", (SIZE,), "f8")
    d[...] = a * 3
    d[:5] = np.ones(5) * -1
    d[k[:100] == 3 if False else np.arange(3) * 2] = np.arange(3) * 100.0
    f.attrs["v"] = np.arange(3) * 2
    f["t"] = k > 2
    f["s"] = a.sum()
with h5py.File(folder / "x.h5", "r+") as f:
    out = np.zeros(SIZE)
    f["a"].read_direct(out)
    show("h5py", f["a"][()].sum(), f["g"][1:3].sum(), f["e"][:6], f.attrs["v"], out.sum(), f["t"][()].sum(), f["s"][()])
    show(
        "h5py mixed",
        (f["a"][:] * a).sum(),
        (a + f["a"]).sum(),
        f["a"][a > 10].sum(),
        np.asarray(f["a"])[3],
        np.sqrt(f["a"])[4],
    )
    f["a"][k == 2] = 0
    f["g"].write_direct(g * 2)
    show("h5py write", f["a"][()].sum(), f["g"][-1])

z = zarr.array(a * 2, chunks=1000)
show("zarr", z.shape, z.dtype, z[:].sum(), z[5:9], (z[:] + a)[-1], type(z[:]))
z[:] = a + 1
z[10:20] = np.zeros(10) - 1
show("zarr write", z[:].sum(), z[9:12], z.oindex[np.arange(3) * 2], z.get_coordinate_selection(k[:4]))
z.set_mask_selection(a < 3, np.ones(6) * 99)
show("zarr mask", z[:8], np.asarray(z)[:2], (a * np.asarray(z)).sum())
group = zarr.open_group(folder / "g.zarr", mode="w")
group.create_array("x", data=g)
group["x"][0] = np.ones(8) * 7
show("zarr group", group["x"][:2], zarr.open_group(folder / "g.zarr", mode="r")["x"][:].sum())
