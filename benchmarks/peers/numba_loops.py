"""Numba on loops over elements, written for it."""

import math

import numba
import numpy as np
from numba import prange

from peers.base import Engine, Programs, register

# mypy: ignore-errors
compiled = numba.njit(parallel=True)
fast = numba.njit(parallel=True, fastmath=True)

programs: Programs = {}
runs = register(programs)


@numba.njit(inline="always")
def cumulative(d):
    k = 1.0 / (1.0 + 0.2316419 * abs(d))
    series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = 0.3989422804014327 * math.exp(-0.5 * d * d) * series
    return 1.0 - tail if d > 0 else tail


@runs("black_scholes_10M")
@compiled
def black_scholes(spot, strike, years):
    call, put = np.empty_like(spot), np.empty_like(spot)
    for i in prange(spot.size):
        deviation = 0.3 * math.sqrt(years[i])
        d1 = (math.log(spot[i] / strike[i]) + 0.065 * years[i]) / deviation
        c1, c2 = cumulative(d1), cumulative(d1 - deviation)
        due = strike[i] * math.exp(-0.02 * years[i])
        call[i] = spot[i] * c1 - due * c2
        put[i] = due * (1.0 - c2) - spot[i] * (1.0 - c1)
    return call, put


@runs("chain_f64_20M")
@fast
def chain(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = math.sqrt(math.sin(x[i]) ** 2 + math.cos(x[i]) ** 2) + math.exp(-x[i] * x[i]) / (1 + abs(x[i]))
    return out


@runs("mask_sum_20M")
@fast
def mask_sum(x):
    total = 0.0
    for i in prange(x.size):
        if x[i] > 0:
            total += x[i]
    return total


# One thread: there is nothing to share in ten elements.
@runs("small_100k_ops")
@numba.njit
def small_operations(x, y, count):
    z, total = x, 0.0
    for _ in range(count // 4):
        t = x * y
        t = t + x
        z = t - y
        total = z.sum()
    return z, total


@runs("jacobi2d_4000_x50")
@compiled
def jacobi2d(start):
    grid, new = start.copy(), start.copy()
    n, m = start.shape
    for _ in range(50):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                new[i, j] = 0.2 * (grid[i, j] + grid[i - 1, j] + grid[i + 1, j] + grid[i, j - 1] + grid[i, j + 1])
        grid, new = new, grid
    return grid


@runs("heat3d_256_x20")
@compiled
def heat3d(start):
    u, v = start.copy(), start.copy()
    n, m, length = start.shape
    for _ in range(20):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                for k in range(1, length - 1):
                    around = (
                        u[i + 1, j, k]
                        + u[i - 1, j, k]
                        + u[i, j + 1, k]
                        + u[i, j - 1, k]
                        + u[i, j, k + 1]
                        + u[i, j, k - 1]
                    )
                    v[i, j, k] = u[i, j, k] + 0.1 * (around - 6.0 * u[i, j, k])
        u, v = v, u
    return u


@runs("life_2000_x20")
@compiled
def life(start):
    z, new = start.copy(), np.zeros_like(start)
    n, m = start.shape
    for _ in range(20):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                around = (
                    z[i - 1, j - 1] + z[i - 1, j] + z[i - 1, j + 1] + z[i, j - 1] + z[i, j + 1]
                    + z[i + 1, j - 1] + z[i + 1, j] + z[i + 1, j + 1]
                )  # fmt: skip
                new[i, j] = 1 if around == 3 or (around == 2 and z[i, j] == 1) else 0
        z[0, :], z[n - 1, :], z[:, 0], z[:, m - 1] = 0, 0, 0, 0
        z, new = new, z
    return z


@runs("mandelbrot_1000_x50")
@compiled
def mandelbrot(c):
    count = np.zeros(c.shape, np.int64)
    for i in prange(c.shape[0]):
        for j in range(c.shape[1]):
            z = 0j
            for k in range(50):
                if z.real * z.real + z.imag * z.imag > 4.0:
                    break
                z = z * z + c[i, j]
                count[i, j] = k + 1
    return count


@runs("nbody_2000_x10")
@fast
def nbody(position, velocity, mass):
    p, v, n = position.copy(), velocity.copy(), position.shape[0]
    for _ in range(10):
        a = np.empty((n, 3))
        for i in prange(n):
            ax, ay, az = 0.0, 0.0, 0.0
            for j in range(n):
                dx, dy, dz = p[j, 0] - p[i, 0], p[j, 1] - p[i, 1], p[j, 2] - p[i, 2]
                weight = mass[j] * (dx * dx + dy * dy + dz * dz + 1e-2) ** -1.5
                ax += dx * weight
                ay += dy * weight
                az += dz * weight
            a[i, 0], a[i, 1], a[i, 2] = ax, ay, az
        v = v + 1e-3 * a
        p = p + 1e-3 * v
    return p, v


@runs("kmeans_1Mx16_k10_x10")
@compiled
def kmeans(points):
    n, width = points.shape
    centres, threads = points[:10].copy(), numba.get_num_threads()
    share = (n + threads - 1) // threads
    for _ in range(10):
        sums, counts = np.zeros((threads, 10, width)), np.zeros((threads, 10))
        for t in prange(threads):
            for i in range(t * share, min(n, (t + 1) * share)):
                best, least = 0, 1e300
                for j in range(10):
                    square = 0.0
                    for q in range(width):
                        square += (points[i, q] - centres[j, q]) ** 2
                    if square < least:
                        best, least = j, square
                counts[t, best] += 1
                for q in range(width):
                    sums[t, best, q] += points[i, q]
        centres = sums.sum(axis=0) / counts.sum(axis=0).reshape(10, 1)
    return centres


# --- reductions along an axis: rows by each thread, or blocks of columns

WIDTH = 512


@runs("sum_ax0_8000x4000")
@fast
def sum_columns(x):
    n, m = x.shape
    out = np.zeros(m)
    for block in prange((m + WIDTH - 1) // WIDTH):
        for i in range(n):
            for j in range(block * WIDTH, min(m, (block + 1) * WIDTH)):
                out[j] += x[i, j]
    return out


@runs("sum_ax1_8000x4000")
@fast
def sum_rows(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            total += x[i, j]
        out[i] = total
    return out


runs("mean_ax0_8000x4000")(lambda x: sum_columns(x) / x.shape[0])
runs("mean_ax1_8000x4000")(lambda x: sum_rows(x) / x.shape[1])


@runs("var_ax0_8000x4000")
@fast
def variance_columns(x):
    n, m = x.shape
    out = np.zeros(m)
    for block in prange((m + WIDTH - 1) // WIDTH):
        low, high = block * WIDTH, min(m, (block + 1) * WIDTH)
        mean = np.zeros(WIDTH)
        for i in range(n):
            for j in range(low, high):
                mean[j - low] += x[i, j]
        for j in range(low, high):
            mean[j - low] /= n
        for i in range(n):
            for j in range(low, high):
                out[j] += (x[i, j] - mean[j - low]) ** 2
        for j in range(low, high):
            out[j] /= n
    return out


@runs("var_ax1_8000x4000")
@fast
def variance_rows(x):
    n, m = x.shape
    out = np.empty(n)
    for i in prange(n):
        total, square = 0.0, 0.0
        for j in range(m):
            total += x[i, j]
        mean = total / m
        for j in range(m):
            square += (x[i, j] - mean) ** 2
        out[i] = square / m
    return out


runs("std_ax0_8000x4000")(lambda x: np.sqrt(variance_columns(x)))
runs("std_ax1_8000x4000")(lambda x: np.sqrt(variance_rows(x)))


@runs("max_ax0_8000x4000")
@fast
def largest_columns(x):
    n, m = x.shape
    out = x[0].copy()
    for block in prange((m + WIDTH - 1) // WIDTH):
        for i in range(n):
            for j in range(block * WIDTH, min(m, (block + 1) * WIDTH)):
                out[j] = max(out[j], x[i, j])
    return out


@runs("max_ax1_8000x4000")
@fast
def largest_rows(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        found = x[i, 0]
        for j in range(x.shape[1]):
            found = max(found, x[i, j])
        out[i] = found
    return out


@runs("min_ax0_8000x4000")
@fast
def smallest_columns(x):
    n, m = x.shape
    out = x[0].copy()
    for block in prange((m + WIDTH - 1) // WIDTH):
        for i in range(n):
            for j in range(block * WIDTH, min(m, (block + 1) * WIDTH)):
                out[j] = min(out[j], x[i, j])
    return out


@runs("min_ax1_8000x4000")
@fast
def smallest_rows(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        found = x[i, 0]
        for j in range(x.shape[1]):
            found = min(found, x[i, j])
        out[i] = found
    return out


@runs("argmax_ax0_8000x4000")
@compiled
def argmax_columns(x):
    n, m = x.shape
    out, largest = np.zeros(m, np.int64), x[0].copy()
    for block in prange((m + WIDTH - 1) // WIDTH):
        for i in range(1, n):
            for j in range(block * WIDTH, min(m, (block + 1) * WIDTH)):
                if x[i, j] > largest[j]:
                    largest[j] = x[i, j]
                    out[j] = i
    return out


@runs("argmax_ax1_8000x4000")
@compiled
def argmax_rows(x):
    out = np.empty(x.shape[0], np.int64)
    for i in prange(x.shape[0]):
        out[i] = x[i].argmax()
    return out


@runs("einsum_ij_ij_i_8000x4000")
@fast
def square_rows(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            total += x[i, j] * x[i, j]
        out[i] = total
    return out


@runs("logsumexp_ax1_4000")
@fast
def logsumexp(x):
    n, m = x.shape
    out = np.empty(n)
    for i in prange(n):
        largest, total = x[i, 0], 0.0
        for j in range(m):
            largest = max(largest, x[i, j])
        for j in range(m):
            total += math.exp(x[i, j] - largest)
        out[i] = math.log(total) + largest
    return out


@runs("softmax_4000")
@fast
def softmax(x):
    n, m = x.shape
    out = np.empty((n, m))
    for i in prange(n):
        largest, total = x[i, 0], 0.0
        for j in range(m):
            largest = max(largest, x[i, j])
        for j in range(m):
            e = math.exp(x[i, j] - largest)
            out[i, j] = e
            total += e
        for j in range(m):
            out[i, j] /= total
    return out


@runs("gather_20M")
@compiled
def gather(x, index):
    out = np.empty(index.size)
    for i in prange(index.size):
        out[i] = x[index[i]]
    return out


@runs("bmm_500x100", "einsum_bik_bkj_500x100")
@compiled
def bmm(a, b):
    out = np.empty((a.shape[0], a.shape[1], b.shape[2]))
    for k in prange(a.shape[0]):
        out[k] = np.dot(a[k], b[k])
    return out


@runs("histogram_20M_100")
@compiled
def histogram(x):
    low, high, threads = x.min(), x.max(), numba.get_num_threads()
    counts, share = np.zeros((threads, 101), np.int64), (x.size + threads - 1) // threads
    # The edges decide, as with NumPy: the quotient may round across one.
    edges = low + (high - low) / 100 * np.arange(101)
    edges[100] = high
    for t in prange(threads):
        for i in range(t * share, min(x.size, (t + 1) * share)):
            k = min(99, int((x[i] - low) / (high - low) * 100))
            if x[i] < edges[k]:
                k -= 1
            elif k < 99 and x[i] >= edges[k + 1]:
                k += 1
            counts[t, k] += 1
    return counts.sum(axis=0)[:100]


# --- kernels


@runs("fdtd2d_1500_x10")
@compiled
def fdtd2d(ex0, ey0, hz0):
    ex, ey, hz = ex0.copy(), ey0.copy(), hz0.copy()
    n, m = ex.shape
    for step in range(10):
        ey[0, :] = 0.1 * step
        for i in prange(n):
            if i > 0:
                for j in range(m):
                    ey[i, j] -= 0.5 * (hz[i, j] - hz[i - 1, j])
            for j in range(1, m):
                ex[i, j] -= 0.5 * (hz[i, j] - hz[i, j - 1])
        for i in prange(n - 1):
            for j in range(m - 1):
                hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
    return ex, ey, hz


@runs("wave2d_2000_x10")
@compiled
def wave2d(start):
    before, now = start.copy(), start.copy()
    n, m = start.shape
    for _ in range(10):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1] - 4.0 * now[i, j]
                before[i, j] = 2.0 * now[i, j] - before[i, j] + 0.25 * around
        before, now = now, before
    return now


@runs("azimuthal_1000_r100")
@compiled
def azimuthal(picture):
    n, threads = picture.shape[0], numba.get_num_threads()
    rings = n // 10
    sums, counts = np.zeros((threads, rings)), np.zeros((threads, rings), np.int64)
    for t in prange(threads):
        for i in range(t, n, threads):
            for j in range(picture.shape[1]):
                ring = int(math.sqrt((i - 0.5 * n) ** 2 + (j - 0.5 * n) ** 2) / 5)
                if ring < rings:
                    sums[t, ring] += picture[i, j]
                    counts[t, ring] += 1
    return sums.sum(axis=0) / counts.sum(axis=0)


@runs("nearest_4000x2000")
@fast
def nearest(a, b):
    out = np.empty(a.shape[0], np.int64)
    for i in prange(a.shape[0]):
        best, least = 0, 1e300
        for j in range(b.shape[0]):
            square = (a[i, 0] - b[j, 0]) ** 2 + (a[i, 1] - b[j, 1]) ** 2 + (a[i, 2] - b[j, 2]) ** 2
            if square < least:
                best, least = j, square
        out[i] = best
    return out


@runs("blur_u8_4000")
@compiled
def blur(picture):
    n, m = picture.shape
    out = np.empty((n - 2, m - 2), np.uint8)
    for i in prange(n - 2):
        for j in range(m - 2):
            total = np.int32(8)
            for k in range(3):
                weight = 2 if k == 1 else 1
                total += weight * (picture[i + k, j] + 2 * picture[i + k, j + 1] + picture[i + k, j + 2])
            out[i, j] = total >> 4
    return out


@runs("scatter_10M")
@compiled
def scatter(index, values):
    out = np.zeros_like(values)
    for i in prange(index.size):
        out[index[i]] = values[i]
    return out


@runs("outliers_20M")
@fast
def outliers(x):
    mean, limit = x.mean(), 2.0 * x.std()
    count, total, square = 0, 0.0, 0.0
    for i in prange(x.size):
        if abs(x[i] - mean) < limit:
            count += 1
            total += x[i]
            square += x[i] * x[i]
    middle = total / count
    return middle, math.sqrt(square / count - middle * middle)


class NumbaLoops(Engine):
    programs = programs
    tolerances = {"outliers_20M": 1e-8}

    def version(self) -> str:
        return str(numba.__version__)


ENGINE = NumbaLoops
