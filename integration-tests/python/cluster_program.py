"""Computes much that is shared out among workers, and prints a checksum of each result's bytes."""

import hashlib

import numpy as np


def show(name, *arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.asarray(array).tobytes())
    print(f"{name:16} {digest.hexdigest()[:16]}", flush=True)


rng = np.random.default_rng(7)
x = rng.random(1_300_001)
y = rng.standard_normal(1_300_001)
show("chain", np.sqrt(x * x + y * y) * np.exp(-x))
show("views", x[::-1] + y, x[1:] - x[:-1], x[::3] * 2, x[5:-5:2] + y[-6:4:-2])
show("folds", x.sum(), y.min(), y.argmax(), x.mean(), y.std(), np.prod(1 + x * 1e-7))
m = y[:1_200_000].reshape(1000, 1200)
for axis in (0, 1):
    show(f"axis {axis}", m.sum(axis), m.mean(axis), m.std(axis), m.max(axis), m.argmin(axis))
    show(f"running {axis}", np.cumsum(m, axis), np.sort(m, axis), np.argsort(m, axis, kind="stable"))
show("running", np.cumsum(x), np.maximum.accumulate(y), np.cumsum((x * 9).astype("i4")))
cube = x[:1_200_000].reshape(20, 200, 300)
show("cube", cube.sum(axis=(0, 2)), cube.sum(axis=1), np.ascontiguousarray(cube.transpose(2, 0, 1)))
show("softmax", np.exp(m - m.max(axis=1, keepdims=True)) / np.exp(m - m.max(axis=1, keepdims=True)).sum(1)[:, None])
for _ in range(7):
    m[1:-1, 1:-1] = 0.25 * (m[:-2, 1:-1] + m[2:, 1:-1] + m[1:-1, :-2] + m[1:-1, 2:])
show("jacobi", m)
m[:, 0] = 1
m[-1] = m[0][::-1]
m[3:900:7, 5::11] *= -1
show("borders", m)
show("transposed", m.T + 1, np.ascontiguousarray(m.T), (m.T[:1000] @ m[:, :50]))
show("products", m[:600] @ m[:600].T, m @ x[:1200], np.stack([m[:90, :90]] * 9) @ m[:90, :80])
f = m.astype("f4")
show(
    "tiles",
    m[:, :900] @ m[:900, :701],
    f @ f[::-1].T[:, :301],
    m.T @ m[:, :333],
    m[:, :7] @ m[:7],
    x[:900].reshape(1, -1) @ m[:900],
)
index = rng.integers(0, x.size, 700_001)
show("gather", x[index], m[index[:900] % 1000], np.take(m, index[:5000] % 1200, axis=1))
z = x.copy()
z[index[:1000]] = -1.0
z[y > 1.5] = 0.0
np.add.at(z, index, 0.5)
show("scatter", z, x[y > 0.3], np.where(y > 0, x, -x), np.flatnonzero(y > 2))
show(
    "order",
    np.sort(y),
    np.argsort(x, kind="stable"),
    np.unique((x * 5000).astype("i8")),
    np.searchsorted(np.sort(x), y),
)
w = np.where(y > 1, -0.0, np.where(y < -1, 0.0, y))
w[::1000] = np.nan
show("sorted", np.sort(w), np.sort(w.astype("f4")), np.sort((x * 300).astype("u1")), np.sort((y * 50).astype("i2")))
show("sorted ties", np.sort((x * 7).astype("i8")), np.sort(np.zeros(300_000)), np.sort(y.astype("f2")))
show("counts", np.bincount((x * 100).astype("i8")), np.histogram(y, 50)[0])
show("fourier", np.fft.rfft(m, axis=1), np.fft.fft(m[:64]), np.fft.fft2(m[:128, :128]))
small = np.linspace(0, 1, 50)
show("small", np.outer(small, small).sum(0), small[::-1].cumsum())
show("types", (x * 200).astype("u1") + np.uint8(3), (x + 1j * y) * (1 - 2j), x.astype("f4") ** 2, x.astype("f2") + 1)
show(
    "random",
    rng.random(200_003),
    rng.random(300_001, dtype="f4"),
    rng.uniform(-1, 3, (301, 700)),
    rng.integers(0, 9, 100_001),
    rng.standard_normal(70_001),
)
