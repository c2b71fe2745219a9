"""What is timed: NumPy programs in miniature.

Each function makes its inputs and returns the part to be timed as a function without arguments; that part leaves the
inputs as they are, so that it can be repeated. Nothing here knows which NumPy it runs with.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Computation = Callable[[], Any]


@dataclass(frozen=True)
class Workload:
    make: Callable[[], Computation]
    tolerance: float  # the largest difference from NumPy's result, relative to its largest element


WORKLOADS: dict[str, Workload] = {}
SCALE = float(os.environ.get("BENCHMARK_SCALE", "1"))


def workload(name: str, tolerance: float = 1e-9) -> Callable[[Callable[[], Computation]], Callable[[], Computation]]:
    def register(make: Callable[[], Computation]) -> Callable[[], Computation]:
        WORKLOADS[name] = Workload(make, tolerance)
        return make

    return register


def millions(count: float) -> int:
    return max(2000, int(count * 1_000_000 * SCALE))


def side(length: int, dimensions: int = 2) -> int:
    return max(16, int(length * SCALE ** (1 / dimensions)))


def normal(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).random(shape)


# --- elementwise ------------------------------------------------------------------------------------------------------


@workload("black_scholes_10M")
def black_scholes() -> Computation:
    rng = np.random.default_rng(1)
    n = millions(10)
    spot, strike, years = rng.uniform(5, 30, n), rng.uniform(1, 100, n), rng.uniform(0.25, 10, n)
    rate, volatility = 0.02, 0.30

    def cumulative(d: Any) -> Any:
        k = 1.0 / (1.0 + 0.2316419 * np.abs(d))
        series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
        tail = 0.3989422804014327 * np.exp(-0.5 * d * d) * series
        return np.where(d > 0, 1.0 - tail, tail)

    def compute() -> Any:
        deviation = volatility * np.sqrt(years)
        d1 = (np.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / deviation
        d2 = d1 - deviation
        c1, c2 = cumulative(d1), cumulative(d2)
        discount = np.exp(-rate * years)
        call = spot * c1 - strike * discount * c2
        put = strike * discount * (1.0 - c2) - spot * (1.0 - c1)
        return call, put

    return compute


def chain(x: Any) -> Any:
    return np.sqrt(np.sin(x) ** 2 + np.cos(x) ** 2) + np.exp(-x * x) / (1 + np.abs(x))


@workload("chain_f64_20M")
def chain_f64() -> Computation:
    x = normal(3, millions(20))
    return lambda: chain(x)


@workload("chain_f32_20M", tolerance=2e-6)
def chain_f32() -> Computation:
    x = normal(3, millions(20)).astype(np.float32)
    return lambda: chain(x)


@workload("horner6_20M")
def horner6() -> Computation:
    x = normal(3, millions(20))
    return lambda: (((((0.5 * x + 1.0) * x - 2.0) * x + 0.25) * x - 1.5) * x + 3.0) * x - 0.125


@workload("axpy_30M")
def axpy() -> Computation:
    x, y = uniform(2, millions(30)), uniform(22, millions(30))
    return lambda: 2.5 * x + y


@workload("add_30M")
def add() -> Computation:
    x, y = uniform(2, millions(30)), uniform(22, millions(30))
    return lambda: x + y


@workload("exp_20M")
def exp() -> Computation:
    x = normal(3, millions(20))
    return lambda: np.exp(x)


@workload("sin_20M")
def sin() -> Computation:
    x = normal(3, millions(20))
    return lambda: np.sin(x)


@workload("log_20M")
def log() -> Computation:
    x = uniform(4, millions(20)) + 0.1
    return lambda: np.log(x)


@workload("power_10M")
def power() -> Computation:
    x, y = uniform(5, millions(10)) + 0.1, 4.0 * uniform(55, millions(10)) - 2.0
    return lambda: x**y


@workload("where_20M")
def where() -> Computation:
    x = normal(3, millions(20))
    return lambda: np.where(x > 0, x, 0.1 * x)


@workload("mask_sum_20M")
def mask_sum() -> Computation:
    x = normal(3, millions(20))
    return lambda: x[x > 0].sum()


@workload("monte_carlo_pi_20M")
def monte_carlo_pi() -> Computation:
    n = millions(20)

    def compute() -> Any:
        rng = np.random.default_rng(0)
        x, y = rng.random(n), rng.random(n)
        return 4.0 * (x * x + y * y <= 1.0).sum() / n

    return compute


# --- grids ------------------------------------------------------------------------------------------------------------


@workload("jacobi2d_4000_x50")
def jacobi2d() -> Computation:
    n = side(4000)
    start = uniform(7, n, n)

    def compute() -> Any:
        grid, new = start.copy(), start.copy()
        for _ in range(50):
            new[1:-1, 1:-1] = 0.2 * (
                grid[1:-1, 1:-1] + grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]
            )
            grid, new = new, grid
        return grid

    return compute


@workload("heat3d_256_x20")
def heat3d() -> Computation:
    n = side(256, 3)
    start = uniform(8, n, n, n)

    def compute() -> Any:
        u, v = start.copy(), start.copy()
        for _ in range(20):
            v[1:-1, 1:-1, 1:-1] = u[1:-1, 1:-1, 1:-1] + 0.1 * (
                u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
                + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6.0 * u[1:-1, 1:-1, 1:-1]
            )  # fmt: skip
            u, v = v, u
        return u

    return compute


@workload("conjugate_gradient_1000_x100", tolerance=1e-7)
def conjugate_gradient() -> Computation:
    n = side(1000)
    right = uniform(9, n, n)

    def image(p: Any) -> Any:
        q = 4.0 * p
        q[1:, :] -= p[:-1, :]
        q[:-1, :] -= p[1:, :]
        q[:, 1:] -= p[:, :-1]
        q[:, :-1] -= p[:, 1:]
        return q

    def compute() -> Any:
        x, residual, direction = np.zeros_like(right), right.copy(), right.copy()
        squared = (residual * residual).sum()
        for _ in range(100):
            moved = image(direction)
            length = squared / (direction * moved).sum()
            x += length * direction
            residual -= length * moved
            new = (residual * residual).sum()
            direction = residual + (new / squared) * direction
            squared = new
        return x

    return compute


@workload("life_2000_x20", tolerance=0)
def life() -> Computation:
    n = side(2000)
    start = np.random.default_rng(10).integers(0, 2, (n, n))

    def compute() -> Any:
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

    return compute


@workload("mandelbrot_1000_x50", tolerance=1e-3)
def mandelbrot() -> Computation:
    n = side(1000)
    c = np.linspace(-2, 0.6, n)[None, :] + 1j * np.linspace(-1.3, 1.3, n)[:, None]

    def compute() -> Any:
        z = np.zeros_like(c)
        count = np.zeros(c.shape, dtype=np.int64)
        for _ in range(50):
            inside = np.abs(z) <= 2.0
            z[inside] = z[inside] ** 2 + c[inside]
            count[inside] += 1
        return count

    return compute


@workload("nbody_2000_x10", tolerance=1e-7)
def nbody() -> Computation:
    n = side(2000)
    position, velocity, mass = normal(11, n, 3), normal(111, n, 3), uniform(112, n)

    def compute() -> Any:
        p, v = position.copy(), velocity.copy()
        for _ in range(10):
            apart = p[None, :, :] - p[:, None, :]
            weight = mass[None, :] * ((apart * apart).sum(axis=2) + 1e-2) ** -1.5
            v = v + 1e-3 * (apart * weight[:, :, None]).sum(axis=1)
            p = p + 1e-3 * v
        return p, v

    return compute


@workload("kmeans_1Mx16_k10_x10", tolerance=1e-8)
def kmeans() -> Computation:
    rng = np.random.default_rng(12)
    n = millions(1)
    middles = 4.0 * rng.standard_normal((10, 16))
    points = middles[rng.integers(0, 10, n)] + rng.standard_normal((n, 16))

    def compute() -> Any:
        centres = points[:10].copy()
        squares = (points * points).sum(axis=1)[:, None]
        for _ in range(10):
            distance = squares - 2.0 * (points @ centres.T) + (centres * centres).sum(axis=1)[None, :]
            nearest = distance.argmin(axis=1)
            for j in range(10):
                centres[j] = points[nearest == j].mean(axis=0)
        return centres

    return compute


# --- reductions -------------------------------------------------------------------------------------------------------


def reduction(operation: str, axis: int | None) -> Callable[[], Computation]:
    def make() -> Computation:
        x = normal(13, side(8000), side(4000))
        return lambda: getattr(x, operation)(axis=axis)

    return make


for _operation in ("sum", "mean", "std", "max", "argmax"):
    for _axis in (None, 0, 1):
        _place = "all" if _axis is None else f"ax{_axis}"
        workload(f"{_operation}_{_place}_8000x4000")(reduction(_operation, _axis))


@workload("softmax_4000")
def softmax() -> Computation:
    x = normal(14, side(4000), side(4000))

    def compute() -> Any:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    return compute


@workload("cumsum_30M")
def cumsum() -> Computation:
    x = uniform(15, millions(30))
    return lambda: np.cumsum(x)


# --- moving, sorting, counting ----------------------------------------------------------------------------------------


@workload("gather_20M", tolerance=0)
def gather() -> Computation:
    n = millions(20)
    x, index = uniform(16, n), np.random.default_rng(116).integers(0, n, n)
    return lambda: x[index]


@workload("transpose_copy_5000", tolerance=0)
def transpose_copy() -> Computation:
    x = uniform(17, side(5000), side(5000))
    return lambda: x.T.copy()


@workload("sort_10M", tolerance=0)
def sort() -> Computation:
    x = uniform(18, millions(10))
    return lambda: np.sort(x)


@workload("histogram_20M", tolerance=0)
def histogram() -> Computation:
    x = normal(3, millions(20))
    return lambda: np.histogram(x, bins=100)[0]


@workload("bincount_20M", tolerance=0)
def bincount() -> Computation:
    x = np.random.default_rng(20).integers(0, 1000, millions(20))
    return lambda: np.bincount(x, minlength=1000)


# --- linear algebra ---------------------------------------------------------------------------------------------------


@workload("matmul_f64_2000")
def matmul_f64() -> Computation:
    n = side(2000)
    a, b = uniform(30, n, n), uniform(31, n, n)
    return lambda: a @ b


@workload("matmul_f32_2000", tolerance=1e-4)
def matmul_f32() -> Computation:
    n = side(2000)
    a, b = uniform(30, n, n).astype(np.float32), uniform(31, n, n).astype(np.float32)
    return lambda: a @ b


@workload("matvec_8000")
def matvec() -> Computation:
    n = side(8000)
    a, x = uniform(32, n, n), uniform(33, n)
    return lambda: a @ x


@workload("fft_4M")
def fft() -> Computation:
    n = millions(4)
    x = normal(39, n) + 1j * normal(139, n)
    return lambda: np.fft.fft(x)
