"""The workloads that every peer is compared on: NumPy programs in miniature (see registry.py)."""

from typing import Any

import numpy as np
from registry import Inputs, integers, millions, normal, side, uniform, workload

# --- elementwise ------------------------------------------------------------------------------------------------------


def options() -> Inputs:
    rng = np.random.default_rng(1)
    n = millions(10)
    return {"spot": rng.uniform(5, 30, n), "strike": rng.uniform(1, 100, n), "years": rng.uniform(0.25, 10, n)}


def cumulative_normal(d: Any) -> Any:
    k = 1.0 / (1.0 + 0.2316419 * np.abs(d))
    series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = 0.3989422804014327 * np.exp(-0.5 * d * d) * series
    return np.where(d > 0, 1.0 - tail, tail)


@workload("black_scholes_10M", options)
def black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    rate, volatility = 0.02, 0.30
    deviation = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / deviation
    d2 = d1 - deviation
    c1, c2 = cumulative_normal(d1), cumulative_normal(d2)
    discount = np.exp(-rate * years)
    call = spot * c1 - strike * discount * c2
    put = strike * discount * (1.0 - c2) - spot * (1.0 - c1)
    return call, put


def two_vectors() -> Inputs:
    return {"x": uniform(2, millions(30)), "y": uniform(22, millions(30))}


def normal_vector() -> Inputs:
    return {"x": normal(3, millions(20))}


@workload("axpy_30M", two_vectors)
def axpy(x: Any, y: Any) -> Any:
    return 2.5 * x + y


@workload("add_30M", two_vectors)
def add(x: Any, y: Any) -> Any:
    return x + y


@workload("horner6_20M", normal_vector)
def horner6(x: Any) -> Any:
    return (((((0.5 * x + 1.0) * x - 2.0) * x + 0.25) * x - 1.5) * x + 3.0) * x - 0.125


@workload("chain_f32_20M", lambda: {"x": normal(3, millions(20)).astype(np.float32)}, tolerance=2e-6)
@workload("chain_f64_20M", normal_vector)
def chain(x: Any) -> Any:
    return np.sqrt(np.sin(x) ** 2 + np.cos(x) ** 2) + np.exp(-x * x) / (1 + np.abs(x))


@workload("exp_20M", normal_vector)
def exp(x: Any) -> Any:
    return np.exp(x)


@workload("sin_20M", normal_vector)
def sin(x: Any) -> Any:
    return np.sin(x)


@workload("tanh_20M", normal_vector)
def tanh(x: Any) -> Any:
    return np.tanh(x)


@workload("log_20M", lambda: {"x": uniform(4, millions(20)) + 0.1})
def log(x: Any) -> Any:
    return np.log(x)


@workload("power_10M", lambda: {"x": uniform(5, millions(10)) + 0.1, "y": 4.0 * uniform(55, millions(10)) - 2.0})
def power(x: Any, y: Any) -> Any:
    return x**y


@workload("where_20M", normal_vector)
def where(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * x)


@workload("mask_sum_20M", normal_vector)
def mask_sum(x: Any) -> Any:
    return x[x > 0].sum()


@workload("mc_pi_20M", lambda: {"count": millions(20)})
def monte_carlo_pi(count: int) -> Any:
    rng = np.random.default_rng(0)
    x, y = rng.random(count), rng.random(count)
    return 4.0 * (x * x + y * y <= 1.0).sum() / count


@workload("small_100k_ops", lambda: {"x": uniform(6, 10), "y": uniform(66, 10), "count": millions(0.1)})
def small_operations(x: Any, y: Any, count: int) -> Any:
    for _ in range(count // 4):
        t = x * y
        t = t + x
        z = t - y
        total = z.sum()
    return z, total


# --- grids ------------------------------------------------------------------------------------------------------------


@workload("jacobi2d_4000_x50", lambda: {"start": uniform(7, side(4000), side(4000))})
def jacobi2d(start: Any) -> Any:
    grid, new = start.copy(), start.copy()
    for _ in range(50):
        new[1:-1, 1:-1] = 0.2 * (grid[1:-1, 1:-1] + grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:])
        grid, new = new, grid
    return grid


@workload("heat3d_256_x20", lambda: {"start": uniform(8, side(256, 3), side(256, 3), side(256, 3))})
def heat3d(start: Any) -> Any:
    u, v = start.copy(), start.copy()
    for _ in range(20):
        v[1:-1, 1:-1, 1:-1] = u[1:-1, 1:-1, 1:-1] + 0.1 * (
            u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
            + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6.0 * u[1:-1, 1:-1, 1:-1]
        )  # fmt: skip
        u, v = v, u
    return u


def poisson(p: Any) -> Any:
    q = 4.0 * p
    q[1:, :] -= p[:-1, :]
    q[:-1, :] -= p[1:, :]
    q[:, 1:] -= p[:, :-1]
    q[:, :-1] -= p[:, 1:]
    return q


@workload("cg_poisson_1000_x100", lambda: {"right": uniform(9, side(1000), side(1000))}, tolerance=1e-7)
def conjugate_gradient(right: Any) -> Any:
    x, residual, direction = np.zeros_like(right), right.copy(), right.copy()
    squared = (residual * residual).sum()
    for _ in range(100):
        moved = poisson(direction)
        length = squared / (direction * moved).sum()
        x += length * direction
        residual -= length * moved
        new = (residual * residual).sum()
        direction = residual + (new / squared) * direction
        squared = new
    return x


@workload("life_2000_x20", lambda: {"start": integers(10, 0, 2, side(2000), side(2000))}, tolerance=0)
def life(start: Any) -> Any:
    z = start.copy()
    for _ in range(20):
        around = (
            z[:-2, :-2] + z[:-2, 1:-1] + z[:-2, 2:] + z[1:-1, :-2] + z[1:-1, 2:]
            + z[2:, :-2] + z[2:, 1:-1] + z[2:, 2:]
        )  # fmt: skip
        born = (around == 3) & (z[1:-1, 1:-1] == 0)
        stays = ((around == 2) | (around == 3)) & (z[1:-1, 1:-1] == 1)
        z[...] = 0
        z[1:-1, 1:-1][born | stays] = 1
    return z


def complex_plane() -> Inputs:
    n = side(1000)
    return {"c": np.linspace(-2, 0.6, n)[None, :] + 1j * np.linspace(-1.3, 1.3, n)[:, None]}


@workload("mandelbrot_1000_x50", complex_plane, tolerance=1e-3)
def mandelbrot(c: Any) -> Any:
    z = np.zeros_like(c)
    count = np.zeros(c.shape, dtype=np.int64)
    for _ in range(50):
        inside = np.abs(z) <= 2.0
        z[inside] = z[inside] ** 2 + c[inside]
        count[inside] += 1
    return count


def bodies() -> Inputs:
    n = side(2000)
    return {"position": normal(11, n, 3), "velocity": normal(111, n, 3), "mass": uniform(112, n)}


@workload("nbody_2000_x10", bodies, tolerance=1e-7)
def nbody(position: Any, velocity: Any, mass: Any) -> Any:
    p, v = position, velocity
    for _ in range(10):
        apart = p[None, :, :] - p[:, None, :]
        weight = mass[None, :] * ((apart * apart).sum(axis=2) + 1e-2) ** -1.5
        v = v + 1e-3 * (apart * weight[:, :, None]).sum(axis=1)
        p = p + 1e-3 * v
    return p, v


def clusters() -> Inputs:
    rng = np.random.default_rng(12)
    n = millions(1)
    middles = 4.0 * rng.standard_normal((10, 16))
    return {"points": middles[rng.integers(0, 10, n)] + rng.standard_normal((n, 16))}


@workload("kmeans_1Mx16_k10_x10", clusters, tolerance=1e-8)
def kmeans(points: Any) -> Any:
    centres = points[:10].copy()
    squares = (points * points).sum(axis=1)[:, None]
    for _ in range(10):
        distance = squares - 2.0 * (points @ centres.T) + (centres * centres).sum(axis=1)[None, :]
        nearest = distance.argmin(axis=1)
        for j in range(10):
            centres[j] = points[nearest == j].mean(axis=0)
    return centres


# --- reductions -------------------------------------------------------------------------------------------------------


def matrix() -> Inputs:
    return {"x": normal(13, side(8000), side(4000))}


def reduction(operation: str, axis: int | None) -> Any:
    def program(x: Any) -> Any:
        return getattr(x, operation)(axis=axis)

    return program


for _operation in ("sum", "mean", "std", "var", "min", "max", "argmax"):
    for _axis in (None, 0, 1):
        _place = "all" if _axis is None else f"ax{_axis}"
        workload(f"{_operation}_{_place}_8000x4000", matrix)(reduction(_operation, _axis))


def square_matrix() -> Inputs:
    return {"x": normal(14, side(4000), side(4000))}


@workload("logsumexp_ax1_4000", square_matrix)
def logsumexp(x: Any) -> Any:
    largest = x.max(axis=1, keepdims=True)
    return np.log(np.exp(x - largest).sum(axis=1)) + largest[:, 0]


@workload("softmax_4000", square_matrix)
def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@workload("cumsum_30M", lambda: {"x": uniform(15, millions(30))})
def cumsum(x: Any) -> Any:
    return np.cumsum(x)


# --- moving, sorting, counting ----------------------------------------------------------------------------------------


@workload(
    "gather_20M",
    lambda: {"x": uniform(16, millions(20)), "index": integers(116, 0, millions(20), millions(20))},
    tolerance=0,
)
def gather(x: Any, index: Any) -> Any:
    return x[index]


@workload("transpose_copy_5000", lambda: {"x": uniform(17, side(5000), side(5000))}, tolerance=0)
def transpose_copy(x: Any) -> Any:
    return x.T.copy()


@workload("sort_10M", lambda: {"x": uniform(18, millions(10))}, tolerance=0)
def sort(x: Any) -> Any:
    return np.sort(x)


@workload("argsort_5M", lambda: {"x": uniform(19, millions(5))}, tolerance=0)
def argsort(x: Any) -> Any:
    return np.argsort(x)


@workload("histogram_20M_100", normal_vector, tolerance=0)
def histogram(x: Any) -> Any:
    return np.histogram(x, bins=100)[0]


@workload("bincount_20M_1000", lambda: {"x": integers(20, 0, 1000, millions(20))}, tolerance=0)
def bincount(x: Any) -> Any:
    return np.bincount(x, minlength=1000)


# --- linear algebra ---------------------------------------------------------------------------------------------------


def two_matrices(dtype: Any) -> Any:
    def inputs() -> Inputs:
        n = side(2000)
        return {"a": uniform(30, n, n).astype(dtype), "b": uniform(31, n, n).astype(dtype)}

    return inputs


@workload("gemm_f32_2000", two_matrices(np.float32), tolerance=1e-4)
@workload("gemm_f64_2000", two_matrices(np.float64))
def gemm(a: Any, b: Any) -> Any:
    return a @ b


@workload("matvec_8000", lambda: {"a": uniform(32, side(8000), side(8000)), "x": uniform(33, side(8000))})
def matvec(a: Any, x: Any) -> Any:
    return a @ x


def two_stacks() -> Inputs:
    count = side(500, 1)
    return {"a": uniform(34, count, 100, 100), "b": uniform(35, count, 100, 100)}


@workload("bmm_500x100", two_stacks)
def bmm(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@workload("einsum_bik_bkj_500x100", two_stacks)
def einsum_stacks(a: Any, b: Any) -> Any:
    return np.einsum("bik,bkj->bij", a, b)


@workload("einsum_ij_ij_i_8000x4000", matrix)
def einsum_rows(x: Any) -> Any:
    return np.einsum("ij,ij->i", x, x)


def positive_definite() -> Any:
    n = side(2000)
    a = normal(36, n, n)
    return a @ a.T / n + np.eye(n)


@workload("cholesky_2000", lambda: {"a": positive_definite()}, tolerance=1e-8)
def cholesky(a: Any) -> Any:
    return np.linalg.cholesky(a)


@workload("solve_2000", lambda: {"a": positive_definite(), "b": uniform(37, side(2000))}, tolerance=1e-8)
def solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b)


# The signs of the vectors are free.
@workload("svd_500", lambda: {"a": normal(38, side(500), side(500))}, tolerance=1e-8, compared=lambda result: result[1])
def svd(a: Any) -> Any:
    return np.linalg.svd(a)


def complex_signal() -> Inputs:
    n = 1 << (millions(4.194304) - 1).bit_length()
    return {"x": normal(39, n) + 1j * normal(139, n)}


@workload("fft_2^22", complex_signal)
def fft(x: Any) -> Any:
    return np.fft.fft(x)
