"""Kernels as they occur in scientific programs, beside the workloads of the peers.

Stencils, linear algebra, masks, reductions, images of bytes, scattering, and types that are seldom measured. NumPy takes
about 0.1 to 1 s for each.
"""

from typing import Any

import numpy as np
from registry import Inputs, integers, millions, normal, side, uniform, workload

# --- stencils ---------------------------------------------------------------------------------------------------------


def plane(seed: int, length: int) -> Any:
    return uniform(seed, side(length), side(length))


@workload(
    "fdtd2d_1500_x10",
    lambda: {"ex0": plane(201, 1500), "ey0": plane(202, 1500), "hz0": plane(203, 1500)},
    tolerance=1e-8,
)
def fdtd2d(ex0: Any, ey0: Any, hz0: Any) -> Any:
    ex, ey, hz = ex0.copy(), ey0.copy(), hz0.copy()
    for step in range(10):
        ey[0, :] = 0.1 * step
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz


@workload(
    "horizontal_diffusion_256x256x80",
    lambda: {
        "field": uniform(204, side(256) + 4, side(256) + 4, 80),
        "coefficient": uniform(205, side(256), side(256), 80),
    },
)
def horizontal_diffusion(field: Any, coefficient: Any) -> Any:
    laplacian = 4.0 * field[1:-1, 1:-1] - (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2])
    along = laplacian[1:, 1:-1] - laplacian[:-1, 1:-1]
    along = np.where(along * (field[2:-1, 2:-2] - field[1:-2, 2:-2]) > 0, 0.0, along)
    across = laplacian[1:-1, 1:] - laplacian[1:-1, :-1]
    across = np.where(across * (field[2:-2, 2:-1] - field[2:-2, 1:-2]) > 0, 0.0, across)
    return field[2:-2, 2:-2] - coefficient * (along[1:] - along[:-1] + across[:, 1:] - across[:, :-1])


@workload("advection2d_2000_x10", lambda: {"start": plane(206, 2000), "u": plane(207, 2000), "v": plane(208, 2000)})
def advection2d(start: Any, u: Any, v: Any) -> Any:
    density = start.copy()
    for _ in range(10):
        flow = u * density
        side_flow = v * density
        density[1:, 1:] -= 0.2 * (flow[1:, 1:] - flow[:-1, 1:]) + 0.2 * (side_flow[1:, 1:] - side_flow[1:, :-1])
    return density


@workload("wave2d_2000_x10", lambda: {"start": plane(209, 2000)})
def wave2d(start: Any) -> Any:
    before, now = start.copy(), start.copy()
    for _ in range(10):
        around = now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:] - 4.0 * now[1:-1, 1:-1]
        before[1:-1, 1:-1] = 2.0 * now[1:-1, 1:-1] - before[1:-1, 1:-1] + 0.25 * around
        before, now = now, before
    return now


@workload("red_black_2000_x5", lambda: {"start": uniform(210, side(1000) * 2, side(1000) * 2)})
def red_black(start: Any) -> Any:
    u = start.copy()
    for _ in range(5):
        for row, column in ((1, 1), (2, 2), (1, 2), (2, 1)):
            above, below = u[row - 1 : -2 : 2, column:-1:2], u[row + 1 :: 2, column:-1:2]
            left, right = u[row:-1:2, column - 1 : -2 : 2], u[row:-1:2, column + 1 :: 2]
            u[row:-1:2, column:-1:2] = 0.25 * (above + below + left + right)
    return u


def columns() -> Inputs:
    levels, n = 100, side(100_000, 1)
    return {"below": uniform(211, levels, n), "above": uniform(212, levels, n), "right": uniform(213, levels, n)}


@workload("tridiagonal_100x100k", columns)
def tridiagonal(below: Any, above: Any, right: Any) -> Any:
    levels = len(right)
    c, d = np.zeros_like(above), np.zeros_like(right)
    c[0], d[0] = above[0] / 3.0, right[0] / 3.0
    for k in range(1, levels):
        pivot = 3.0 - below[k] * c[k - 1]
        c[k] = above[k] / pivot
        d[k] = (right[k] - below[k] * d[k - 1]) / pivot
    for k in range(levels - 2, -1, -1):
        d[k] -= c[k] * d[k + 1]
    return d


# --- linear algebra ---------------------------------------------------------------------------------------------------


def square(seed: int, length: int) -> Any:
    n = side(length)
    return uniform(seed, n, n)


@workload(
    "gemm_chain_1200",
    lambda: {name: square(220 + i, 1200) for i, name in enumerate(("a", "b", "c", "d"))},
    tolerance=1e-8,
)
def gemm_chain(a: Any, b: Any, c: Any, d: Any) -> Any:
    return 1.5 * (a @ b) @ c + 1.2 * d


@workload("gramschmidt_600x400", lambda: {"a": normal(224, side(600), side(400))}, tolerance=1e-8)
def gramschmidt(a: Any) -> Any:
    a = a.copy()
    n = a.shape[1]
    q, r = np.zeros_like(a), np.zeros((n, n))
    for k in range(n):
        r[k, k] = np.sqrt((a[:, k] * a[:, k]).sum())
        q[:, k] = a[:, k] / r[k, k]
        r[k, k + 1 :] = q[:, k] @ a[:, k + 1 :]
        a[:, k + 1 :] -= q[:, k][:, None] * r[k, k + 1 :][None, :]
    return q, r


def samples() -> Inputs:
    return {"data": uniform(225, side(3000), side(1500))}


@workload("covariance_3000x1500", samples)
def covariance(data: Any) -> Any:
    data = data - data.mean(axis=0)
    return data.T @ data / (len(data) - 1.0)


@workload("correlation_3000x1500", samples)
def correlation(data: Any) -> Any:
    spread = data.std(axis=0)
    spread = np.where(spread <= 0.1, 1.0, spread)
    data = (data - data.mean(axis=0)) / (np.sqrt(len(data)) * spread)
    return data.T @ data


def system(*vectors: str) -> Any:
    def inputs() -> Inputs:
        n = side(8000)
        return {"a": uniform(226, n, n), **{name: uniform(227 + i, n) for i, name in enumerate(vectors)}}

    return inputs


@workload("mvt_8000", system("x1", "x2", "y1", "y2"))
def mvt(a: Any, x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return x1 + a @ y1, x2 + a.T @ y2


@workload("atax_8000", system("x"))
def atax(a: Any, x: Any) -> Any:
    return (a @ x) @ a


@workload("bicg_8000", system("p", "r"))
def bicg(a: Any, p: Any, r: Any) -> Any:
    return r @ a, a @ p


@workload("doitgen_160", lambda: {"a": uniform(231, side(160, 3), side(160, 3), 160), "c": uniform(232, 160, 160)})
def doitgen(a: Any, c: Any) -> Any:
    return (a.reshape(-1, 1, a.shape[2]) @ c).reshape(a.shape)


@workload(
    "perceptron_4000",
    lambda: {"x": normal(233, side(4000, 1), 800), "w1": normal(234, 800, 1000), "w2": normal(235, 1000, 500)},
)
def perceptron(x: Any, w1: Any, w2: Any) -> Any:
    hidden = np.maximum(x @ w1, 0.0)
    e = (hidden @ w2) / 1000.0
    e = np.exp(e - e.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# --- masks ------------------------------------------------------------------------------------------------------------


def image(seed: int, *shape: int) -> Any:
    return integers(seed, 0, 256, *shape, dtype=np.uint8)


@workload("threshold_u8_100M", lambda: {"picture": image(240, millions(100))}, tolerance=0)
def threshold(picture: Any) -> Any:
    return np.where(picture > 128, np.uint8(255), np.uint8(0))


@workload("where_chain_10M", lambda: {"x": uniform(241, millions(10))})
def where_chain(x: Any) -> Any:
    middle = np.where(x < 0.5, x * 2.0, np.where(x < 0.75, 1.0 - x, x * x))
    return np.where(x < 0.25, 0.1, middle)


def measurements() -> Inputs:
    return {"x": normal(242, millions(20))}


@workload("outliers_20M", measurements)
def outliers(x: Any) -> Any:
    kept = x[np.abs(x - x.mean()) < 2.0 * x.std()]
    return kept.mean(), kept.std()


@workload("clean_20M", measurements)
def clean(x: Any) -> Any:
    y = x.copy()
    y[y < -1.0] = -1.0
    y[y > 2.0] = 2.0
    y[(y > 0.0) & (y < 0.1)] *= 10.0
    return y


@workload("select_rows_5Mx4", lambda: {"table": uniform(243, millions(5), 4)}, tolerance=0)
def select_rows(table: Any) -> Any:
    return table[(table[:, 0] > 0.3) & (table[:, 1] < 0.7) & (table[:, 2] != 0.5)]


# --- reductions -------------------------------------------------------------------------------------------------------


@workload("azimuthal_1000_r100", lambda: {"picture": plane(250, 1000)})
def azimuthal(picture: Any) -> Any:
    n = picture.shape[0]
    axis = np.arange(n) - 0.5 * n
    radius = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    rings = n // 10
    return np.array([picture[(radius >= 5 * i) & (radius < 5 * (i + 1))].mean() for i in range(rings)])


@workload(
    "spectral_angle_500x500x100", lambda: {"cube": uniform(251, side(500), side(500), 100), "sample": uniform(252, 100)}
)
def spectral_angle(cube: Any, sample: Any) -> Any:
    product = (cube * sample).sum(axis=2)
    return np.arccos(product / (np.sqrt((cube * cube).sum(axis=2)) * np.sqrt((sample * sample).sum())))


@workload("moments_20M", measurements, tolerance=1e-8)
def moments(x: Any) -> Any:
    mean = x.mean()
    away = x - mean
    variance = (away**2).mean()
    return mean, variance, (away**3).mean() / variance**1.5, (away**4).mean() / variance**2


@workload("normalise_30M", lambda: {"x": uniform(253, millions(30))})
def normalise(x: Any) -> Any:
    low, high = x.min(), x.max()
    return (x - low) / (high - low)


@workload("moving_average_20M", measurements, tolerance=1e-7)
def moving_average(x: Any) -> Any:
    total = np.cumsum(x)
    return (total[1000:] - total[:-1000]) / 1000.0


@workload("cumsum_axes_4000", lambda: {"x": plane(254, 4000)})
def cumsum_axes(x: Any) -> Any:
    return np.cumsum(np.cumsum(x, axis=0), axis=1)


@workload(
    "nearest_4000x2000", lambda: {"a": uniform(255, side(4000), 3), "b": uniform(256, side(2000), 3)}, tolerance=0
)
def nearest(a: Any, b: Any) -> Any:
    apart = a[:, None, :] - b[None, :, :]
    return (apart * apart).sum(axis=2).argmin(axis=1)


@workload("spectrum_filter_2000", lambda: {"picture": plane(257, 2000)})
def spectrum_filter(picture: Any) -> Any:
    spectrum = np.fft.fft2(picture)
    n, m = picture.shape
    weight = np.exp(-50.0 * (np.fft.fftfreq(n)[:, None] ** 2 + np.fft.fftfreq(m)[None, :] ** 2))
    return np.fft.ifft2(spectrum * weight).real


# --- images of bytes --------------------------------------------------------------------------------------------------


def picture() -> Inputs:
    return {"picture": image(260, side(4000), side(4000))}


@workload("blur_u8_4000", picture, tolerance=0)
def blur(picture: Any) -> Any:
    wide = picture.astype(np.uint16)
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4).astype(np.uint8)


@workload("sobel_u8_4000", picture, tolerance=0)
def sobel(picture: Any) -> Any:
    p = picture.astype(np.int16)
    across = p[:-2, 2:] - p[:-2, :-2] + 2 * (p[1:-1, 2:] - p[1:-1, :-2]) + p[2:, 2:] - p[2:, :-2]
    along = p[2:, :-2] - p[:-2, :-2] + 2 * (p[2:, 1:-1] - p[:-2, 1:-1]) + p[2:, 2:] - p[:-2, 2:]
    return np.minimum(np.abs(across) + np.abs(along), 255).astype(np.uint8)


@workload("grey_u8_4000", lambda: {"colours": image(261, side(4000), side(4000), 3)}, tolerance=0)
def grey(colours: Any) -> Any:
    wide = colours.astype(np.uint16)
    return ((77 * wide[:, :, 0] + 150 * wide[:, :, 1] + 29 * wide[:, :, 2]) >> 8).astype(np.uint8)


@workload("equalise_u8_4000", picture, tolerance=0)
def equalise(picture: Any) -> Any:
    counts = np.bincount(picture.ravel(), minlength=256)
    levels = np.cumsum(counts) * 255 // picture.size
    return levels.astype(np.uint8)[picture]


# --- scattering and searching -----------------------------------------------------------------------------------------


def scattered() -> Inputs:
    n = millions(10)
    return {"index": np.random.default_rng(270).permutation(n), "values": uniform(271, n)}


@workload("scatter_10M", scattered, tolerance=0)
def scatter(index: Any, values: Any) -> Any:
    out = np.zeros_like(values)
    out[index] = values
    return out


@workload(
    "scatter_add_10M", lambda: {"index": integers(272, 0, 100_000, millions(10)), "values": uniform(273, millions(10))}
)
def scatter_add(index: Any, values: Any) -> Any:
    out = np.zeros(100_000)
    np.add.at(out, index, values)
    return out


@workload(
    "permute_rows_1Mx16",
    lambda: {"rows": uniform(274, millions(1), 16), "order": np.random.default_rng(275).permutation(millions(1))},
    tolerance=0,
)
def permute_rows(rows: Any, order: Any) -> Any:
    return rows[order]


@workload(
    "searchsorted_2M",
    lambda: {"table": np.sort(uniform(276, millions(2))), "x": uniform(277, millions(2))},
    tolerance=0,
)
def searchsorted(table: Any, x: Any) -> Any:
    return np.searchsorted(table, x)


@workload("unique_5M", lambda: {"x": integers(278, 0, 100_000, millions(5))}, tolerance=0)
def unique(x: Any) -> Any:
    return np.unique(x)


# --- other types ------------------------------------------------------------------------------------------------------


@workload("float16_20M", lambda: {"x": uniform(280, millions(20)).astype(np.float16)}, tolerance=2e-3)
def half(x: Any) -> Any:
    return 0.5 * np.sqrt(x * x + x)


def divided() -> Inputs:
    return {"a": integers(281, -1_000_000, 1_000_000, millions(20)), "b": integers(282, 1, 1000, millions(20))}


@workload("integer_division_20M", divided, tolerance=0)
def integer_division(a: Any, b: Any) -> Any:
    return a // b + a % b


@workload("saturate_u8_50M", lambda: {"a": image(283, millions(50)), "b": image(284, millions(50))}, tolerance=0)
def saturate(a: Any, b: Any) -> Any:
    return np.minimum(a.astype(np.uint16) + b, 255).astype(np.uint8)


@workload("complex_10M", lambda: {"z": normal(285, millions(10)) + 1j * normal(286, millions(10))})
def complex_arithmetic(z: Any) -> Any:
    w = z * z + (0.3 - 0.5j)
    return np.abs(w * np.conj(w) + z)


@workload("bits_i32_30M", lambda: {"x": integers(287, 0, 2**31 - 1, millions(30), dtype=np.int32)}, tolerance=0)
def bits(x: Any) -> Any:
    y = x ^ (x >> 16)
    y = y ^ (y << 5)
    return (y & 0xFFFF) | (x & 0x10000)
