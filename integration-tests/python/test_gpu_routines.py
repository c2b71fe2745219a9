"""Selections, searches, counts, updates by index and transforms on the emulated GPU, against NumPy: every type, sizes at every boundary."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the emulated GPU needs g++")

# A block of threads looks at 4,096 elements of a mask and has 4,096 bins; a thread sorts 8 elements.
HEAD = """
import numpy
import maniple as np

KINDS = "?bBhHiIlLefdFD"
SIZES = (1, 7, 8, 9, 15, 16, 17, 300, 4_095, 4_096, 4_097, 9_000)
rng = numpy.random.default_rng(7)


def numbers(n, kind):
    x = (rng.random(n) * 250 - (0 if kind in "?BHIL" else 125)).round()
    if kind in "FD":
        x = x + 1j * (rng.random(n) * 5).round()
    x = (x > 100 if kind == "?" else x).astype(kind)
    if kind in "efdFD" and n > 6:
        x[rng.integers(0, n, 3)] = numpy.nan
        x[rng.integers(0, n, 1)] = -numpy.inf
        x[rng.integers(0, n, 2)] = -0.0
    return x


def there(x):
    return np.array(x)


def same(got, want, *what):
    got = numpy.asarray(got)
    assert got.dtype == want.dtype and got.shape == want.shape, (what, got.dtype, got.shape, want.dtype, want.shape)
    assert numpy.array_equal(got, want, equal_nan=want.dtype.kind in "fc"), (what, got, want)
    if want.dtype.kind == "f":
        ours = want == want
        assert numpy.array_equal(numpy.signbit(got)[ours], numpy.signbit(want)[ours]), (what, got, want)
"""

MASKS = """
for n in SIZES:
    for kind in KINDS:
        x = numbers(n, kind)
        a = there(x)
        for share in (0.0, 0.3, 1.0):
            mask = rng.random(n) < share
            m = there(mask)
            same(a[m], x[mask], n, kind, share)
            y, b = x.copy(), there(x)
            y[mask] = x[::-1][: mask.sum()]
            b[m] = a[::-1][: int(mask.sum())]
            same(b, y, "place", n, kind, share)
            y[mask] = 1
            b[m] = 1
            same(b, y, "fill", n, kind, share)
x = numbers(3 * 4_097 * 2, "d").reshape(3, 4_097, 2)
a = there(x)
for mask in (rng.random((3, 4_097)) < 0.5, numpy.array([True, False, True]), rng.random(x.shape) < 0.1, x[..., 0] > 0):
    same(a[there(mask)], x[mask], mask.shape)
wide = numbers(5 * 3_001, "h").reshape(5, 3_001)
same(there(wide)[there(wide[:, 0] > 0)], wide[wide[:, 0] > 0], "rows")
same(there(x)[:, ::-3][there(x)[:, ::-3] > 1], x[:, ::-3][x[:, ::-3] > 1], "strided")
same(there(x).compress(there(mask.ravel())), x.compress(mask.ravel()), "compress")
"""

PUTS = """
for n in SIZES:
    for kind in KINDS:
        x, values = numbers(n, kind), numbers(2 * n + 1, kind)
        # Most places come several times: of equal ones the last value stays.
        index = rng.integers(-n, n, 2 * n + 1)
        y, b = x.copy(), there(x)
        y[index] = values
        b[there(index)] = there(values)
        same(b, y, n, kind)
        y, b = x.copy(), there(x)
        y[index[:n]] = values[: n][::-1]
        b[there(index)[:n]] = there(values)[:n][::-1]
        same(b, y, "reversed", n, kind)
x, b = numbers(60 * 70 * 3, "f").reshape(60, 70, 3), None
for shape in ((500,), (20, 30), ()):
    i, j = rng.integers(-60, 60, shape), rng.integers(-70, 70, shape)
    values = numbers(i.size * 3, "f").reshape(*shape, 3)
    y, b = x.copy(), there(x)
    y[i, j] = values
    b[there(i), there(j)] = there(values)
    same(b, y, "two", shape)
    y[i] = 7
    b[there(i)] = 7
    same(b, y, "rows", shape)
b = there(x)
try:
    b[there(numpy.array([5, 60]))] = 1
    b.sum()
except IndexError as error:
    print(error)
"""

SEARCHES = """
for n in SIZES:
    for kind in KINDS:
        x, v = numpy.sort(numbers(n, kind)), numbers(n + 3, kind)
        for side in ("left", "right"):
            same(np.searchsorted(there(x), there(v), side), numpy.searchsorted(x, v, side), n, kind, side)
    for kind in KINDS[:-2]:
        x = numbers(n, kind)
        for k in {0, n // 2, n - 1}:
            got = numpy.asarray(np.partition(there(x), k))
            want = numpy.sort(x)
            same(got[k] + 0, want[k] + 0, "partition", n, kind, k)
            # Zeros of either sign are equal.
            same(numpy.sort(got[:k]) + 0, want[:k] + 0, "below", n, kind, k)
            same(numpy.sort(got[k:]) + 0, want[k:] + 0, "above", n, kind, k)
edges = numpy.array([1.0, 2.0, numpy.nan, numpy.nan])
v = numpy.array([numpy.nan, -0.0, 0.0, 1.0, 2.0, numpy.inf, -numpy.inf] * 50)
for side in ("left", "right"):
    same(np.searchsorted(there(edges), there(v), side), numpy.searchsorted(edges, v, side), "nan", side)
"""

COUNTS = """
for n in (1, 5, 300, 5_000, 40_000):
    for bins in (1, 2, 63, 4_095, 4_096, 4_097, 20_000):
        values = rng.integers(0, bins, n)
        weights = numbers(n, "d")
        v, w = there(values), there(weights)
        same(np.bincount(v, minlength=bins), numpy.bincount(values, minlength=bins), n, bins)
        same(np.bincount(v, w), numpy.bincount(values, weights), "weights", n, bins)
        x = rng.normal(size=n).round(1)
        for where in ((-1.0, 1.0), (0.0, 0.3)):
            got, want = np.histogram(there(x), bins, where), numpy.histogram(x, bins, where)
            same(got[0], want[0], "histogram", n, bins, where)
x = numpy.concatenate([numpy.linspace(0, 1, 11), [numpy.nan, numpy.inf, -numpy.inf, 1.0, 0.0, -0.0]] * 40)
same(np.histogram(there(x), 10, (0.0, 1.0))[0], numpy.histogram(x, 10, (0.0, 1.0))[0], "edges")
for values in ([3, -1] * 200, [0, 1 << 40] * 200):
    try:
        np.bincount(there(numpy.array(values)), minlength=10).sum()
    except (ValueError, MemoryError) as error:
        print(type(error).__name__)
"""

UPDATES = """
numpy.seterr(all="ignore")
NAMES = {"add": KINDS, "subtract": KINDS[1:], "multiply": KINDS[:-2], "minimum": KINDS[:-2], "maximum": KINDS[:-2]}
for n in SIZES:
    for name, kinds in NAMES.items():
        for kind in kinds:
            x, values = numbers(n, kind), numbers(2 * n + 1, kind)
            index = rng.integers(-n, n, 2 * n + 1)
            y, b = x.copy(), there(x)
            getattr(numpy, name).at(y, index, values)
            getattr(np, name).at(b, there(index), there(values))
            same(b, y, name, n, kind)
x, index = numpy.zeros(50_000), rng.integers(0, 50_000, 300_000)
values = rng.random(300_000)
b = there(x)
np.add.at(b, there(index), there(values))
numpy.add.at(x, index, values)
same(b, x, "rounded sums in order")
b = there(x)
try:
    np.add.at(b, there(numpy.array([5, 50_000])), 1.0)
    b.sum()
except IndexError as error:
    print(error)
"""

SEGMENTS = """
numpy.seterr(all="ignore")
NAMES = {"add": KINDS[:-2], "multiply": KINDS[:-5] + "fd", "minimum": KINDS[:-2], "maximum": KINDS[:-2]}
for n in SIZES:
    for name, kinds in NAMES.items():
        for kind in kinds:
            x = numbers(n, kind)
            if kind in "efd" and name in ("add", "multiply"):
                # Exact in any order.
                x = numpy.where(numpy.isfinite(x), x % 3 - 1, 1).astype(kind)
            starts = rng.integers(0, n, n // 3 + 1)
            if n % 2:
                starts = numpy.sort(starts)
            want = getattr(numpy, name).reduceat(x, starts, dtype=x.dtype)
            if name == "add" and kind == "e":
                want = numpy.add.reduceat(x.astype("f"), starts).astype("e")
            same(getattr(np, name).reduceat(there(x), there(starts), dtype=x.dtype), want, name, n, kind)
x, starts = numbers(12 * 900, "d").reshape(12, 900), numpy.array([0, 300, 300, 5, 899])
x = numpy.where(numpy.isfinite(x), x, 3.0)
same(np.add.reduceat(there(x), there(starts), axis=1), numpy.add.reduceat(x, starts, axis=1), "axis 1")
same(np.add.reduceat(there(x), there(starts) % 12, axis=0), numpy.add.reduceat(x, starts % 12, axis=0), "axis 0")
x = rng.random(30_000)
got = numpy.asarray(np.add.reduceat(there(x), there(numpy.arange(0, 30_000, 1_000))))
assert numpy.allclose(got, x.reshape(30, 1_000).sum(axis=1), rtol=1e-14, atol=0)
print(got.sum(), got.tobytes().hex()[-64:])
"""

TRANSFORMS = """
def close(got, want, *what):
    got = numpy.asarray(got)
    assert got.dtype == want.dtype and got.shape == want.shape, (what, got.dtype, got.shape, want.dtype, want.shape)
    away = abs(got - want).max() / abs(want).max()
    assert away < 20 * numpy.finfo(want.dtype).eps, (what, away)


# Prime factors above 1,000 are too much for the emulated library.
for n in (1, 2, 3, 7, 8, 30, 97, 128, 1_000, 2_018):
    for kind in "fd":
        x = rng.random((5, n)).astype(kind) - numpy.asarray(0.4, kind)
        z = x + 1j * rng.random((5, n)).astype(kind)
        X, Z = there(x), there(z)
        close(np.fft.fft(Z), numpy.fft.fft(z), "fft", n, kind)
        close(np.fft.ifft(Z), numpy.fft.ifft(z), "ifft", n, kind)
        close(np.fft.fft(X, axis=0), numpy.fft.fft(x, axis=0), "axis 0", n, kind)
        close(np.fft.rfft(X), numpy.fft.rfft(x), "rfft", n, kind)
        close(np.fft.ihfft(X), numpy.fft.ihfft(x), "ihfft", n, kind)
        close(np.fft.rfft(X, 2 * n + 1), numpy.fft.rfft(x, 2 * n + 1), "longer", n, kind)
        for length in {1, n, n + 1, 2 * n - 1, 2 * n, 2 * n + 1}:
            close(np.fft.irfft(Z, length), numpy.fft.irfft(z, length), "irfft", n, length, kind)
            close(np.fft.hfft(Z, length, norm="ortho"), numpy.fft.hfft(z, length, norm="ortho"), "hfft", n, length, kind)
        close(np.fft.fft(Z, max(1, n // 2)), numpy.fft.fft(z, max(1, n // 2)), "cut", n, kind)
        close(np.fft.fft(Z[:, ::-1], n + 3), numpy.fft.fft(z[:, ::-1], n + 3), "backwards", n, kind)
        close(np.fft.fft(Z.T[::-1], axis=0), numpy.fft.fft(z.T[::-1], axis=0), "turned", n, kind)
        close(np.fft.fft(np.broadcast_to(Z[0], (3, n))), numpy.fft.fft(numpy.broadcast_to(z[0], (3, n))), "one row", n, kind)
y = rng.random((6, 10, 15)) + 0j
Y = there(y)
close(np.fft.fftn(Y), numpy.fft.fftn(y), "fftn")
close(np.fft.fft2(Y[::2], axes=(0, 2)), numpy.fft.fft2(y[::2], axes=(0, 2)), "fft2")
close(np.fft.ifft(Y, axis=1, norm="forward"), numpy.fft.ifft(y, axis=1, norm="forward"), "ifft")
close(np.fft.irfftn(np.fft.rfftn(Y.real), y.shape), y.real, "irfftn")
y[2, 3, 4] = numpy.inf
assert numpy.isfinite(numpy.asarray(np.fft.fft(there(y)))).sum() == 6 * 10 * 15 - 15
"""


def profiled(folder: Path, text: str, device: str) -> tuple[str, set[tuple[str, str]]]:
    """What a program printed, and which operations ran where."""
    program, profile = folder / "program.py", folder / f"{device}.json"
    program.write_text(HEAD + text)
    done = subprocess.run(
        [sys.executable, "-m", "maniple", "--profile-json", str(profile), str(program)],
        env={**os.environ, "MANIPLE_DEFER_ALL": "1", "MANIPLE_DEVICE": device, "MANIPLE_GPU_EMULATE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    rows = json.loads(profile.read_text())["server"]
    return done.stdout, {(row["operation"], row["device"]) for row in rows}


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        pytest.param(MASKS, {"compress", "place"}, id="masks"),
        pytest.param(PUTS, {"put"}, id="puts"),
        pytest.param(SEARCHES, {"searchsorted", "partition"}, id="searches"),
        pytest.param(COUNTS, {"bincount", "histogram"}, id="counts"),
        pytest.param(UPDATES, {f"{n}.at" for n in ("add", "subtract", "multiply", "minimum", "maximum")}, id="updates"),
        pytest.param(TRANSFORMS, {"fft.complex", "fft.from_real", "fft.to_real"}, id="transforms"),
        pytest.param(SEGMENTS, {f"{n}.reduceat" for n in ("add", "multiply", "minimum", "maximum")}, id="segments"),
    ],
)
def test_operations_with_kernels_of_their_own(tmp_path: Path, text: str, operations: set[str]) -> None:
    out, ran = profiled(tmp_path, text, "gpu")
    assert {name for name, device in ran if device == "gpu"} >= operations
    # Messages, and sums that are rounded, are the processor's.
    assert profiled(tmp_path, text, "cpu")[0] == out
