"""The programs that are timed side by side: as a NumPy user writes them, and as users of CuPy and JAX do.

A workload makes its inputs with NumPy (`inputs`), and runs with any module that has NumPy's functions (`run`); where JAX
has no in-place update, or a user of CuPy would write a fused kernel, there is a program of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One program.

    Attributes
    ----------
    inputs : callable
        Its arrays, from a scale: 1 for the sizes in the name, less for a dry run.
    run : callable
        The program: a module like numpy, then the inputs.
    jax, fused : callable or None
        The same in JAX's functions, and with CuPy's fuse.
    traffic : callable or None
        Bytes that a single pass over inputs and results moves; None where that says nothing.
    tolerance : float
        How far results may be from NumPy's, of their size.
    """

    name: str
    inputs: Callable[[float], Arrays]
    run: Callable[..., Any]
    jax: Callable[..., Any] | None = None
    fused: Callable[..., Any] | None = None
    traffic: Callable[[Arrays], int] | None = None
    tolerance: float = 1e-9


WORKLOADS: dict[str, Workload] = {}


def add(name: str, inputs: Callable[[float], Arrays], run: Callable[..., Any], **rest: Any) -> None:
    WORKLOADS[name] = Workload(name, inputs, run, **rest)


def count(scale: float, number: int) -> int:
    return max(2048, int(number * scale))


def side(scale: float, number: int, rank: int = 2) -> int:
    return max(48, int(number * scale ** (1 / rank)))


def generator(seed: int) -> numpy.random.Generator:
    return numpy.random.default_rng(seed)


# --- elementwise ----------------------------------------------------------------------------------------------------


def vectors(*names: str, number: int, dtype: str = "f8", shift: float = 0.0) -> Callable[[float], Arrays]:
    def make(scale: float) -> Arrays:
        rng = generator(number)
        return {name: (rng.standard_normal(count(scale, number)) + shift).astype(dtype) for name in names}

    return make


def nbytes(outputs: int = 1) -> Callable[[Arrays], int]:
    def of(arrays: Arrays) -> int:
        sizes = [a.nbytes for a in arrays.values() if isinstance(a, numpy.ndarray)]
        return sum(sizes) + outputs * max(sizes)

    return of


def copy(np: Any, x: Any) -> Any:
    return x.copy()


def jax_copy(np: Any, x: Any) -> Any:
    return np.copy(x)


def chain(np: Any, x: Any, y: Any) -> Any:
    return np.sqrt(x * x + 1) * np.exp(-x * x) + 0.5 * y


def fuse_chain(cupy: Any) -> Callable[..., Any]:
    return cupy.fuse()(lambda x, y: cupy.sqrt(x * x + 1) * cupy.exp(-x * x) + 0.5 * y)


add("copy f64 64M", vectors("x", number=64_000_000), copy, jax=jax_copy, traffic=nbytes())
add("chain f64 64M", vectors("x", "y", number=64_000_000), chain, fused=fuse_chain, traffic=nbytes())
add("copy f32 64M", vectors("x", number=64_000_000, dtype="f4"), copy, jax=jax_copy, traffic=nbytes())
add("chain f32 64M", vectors("x", "y", number=64_000_000, dtype="f4"), chain, fused=fuse_chain, traffic=nbytes(),
    tolerance=1e-5)  # fmt: skip


def options(scale: float) -> Arrays:
    rng, n = generator(1), count(scale, 20_000_000)
    return {"spot": rng.uniform(5, 30, n), "strike": rng.uniform(1, 100, n), "years": rng.uniform(0.25, 10, n)}


def black_scholes(np: Any, spot: Any, strike: Any, years: Any) -> Any:
    rate, volatility = 0.02, 0.30

    def cumulative(d: Any) -> Any:
        k = 1.0 / (1.0 + 0.2316419 * np.abs(d))
        series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
        tail = 0.3989422804014327 * np.exp(-0.5 * d * d) * series
        return np.where(d > 0, 1.0 - tail, tail)

    deviation = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / deviation
    d2 = d1 - deviation
    c1, c2 = cumulative(d1), cumulative(d2)
    discount = np.exp(-rate * years)
    return spot * c1 - strike * discount * c2, strike * discount * (1.0 - c2) - spot * (1.0 - c1)


add("Black-Scholes 20M", options, black_scholes,
    fused=lambda cupy: cupy.fuse()(lambda spot, strike, years: black_scholes(cupy, spot, strike, years)),
    traffic=nbytes(2))  # fmt: skip


# --- grids ----------------------------------------------------------------------------------------------------------


def plate(scale: float) -> Arrays:
    n = side(scale, 4096)
    return {"start": generator(7).random((n, n))}


def jacobi(np: Any, start: Any) -> Any:
    grid, new = start.copy(), start.copy()
    for _ in range(50):
        new[1:-1, 1:-1] = 0.2 * (grid[1:-1, 1:-1] + grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:])
        grid, new = new, grid
    return grid


def fuse_jacobi(cupy: Any) -> Callable[..., Any]:
    around = cupy.fuse()(lambda a, b, c, d, e: 0.2 * (a + b + c + d + e))

    def run(start: Any) -> Any:
        grid, new = start.copy(), start.copy()
        for _ in range(50):
            new[1:-1, 1:-1] = around(grid[1:-1, 1:-1], grid[:-2, 1:-1], grid[2:, 1:-1], grid[1:-1, :-2], grid[1:-1, 2:])
            grid, new = new, grid
        return grid

    return run


def jax_jacobi(np: Any, start: Any) -> Any:
    from jax import lax

    def step(_: int, grid: Any) -> Any:
        around = grid[1:-1, 1:-1] + grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]
        return grid.at[1:-1, 1:-1].set(0.2 * around)

    return lax.fori_loop(0, 50, step, start)


add("Jacobi 4096² x 50", plate, jacobi, jax=jax_jacobi, fused=fuse_jacobi)


def block(scale: float) -> Arrays:
    n = side(scale, 320, 3)
    return {"start": generator(8).random((n, n, n))}


def laplace(u: Any) -> Any:
    return (u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
            + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6.0 * u[1:-1, 1:-1, 1:-1])  # fmt: skip


def heat(np: Any, start: Any) -> Any:
    u, v = start.copy(), start.copy()
    for _ in range(20):
        v[1:-1, 1:-1, 1:-1] = u[1:-1, 1:-1, 1:-1] + 0.1 * laplace(u)
        u, v = v, u
    return u


def fuse_heat(cupy: Any) -> Callable[..., Any]:
    new = cupy.fuse()(lambda m, a, b, c, d, e, f: m + 0.1 * (a + b + c + d + e + f - 6.0 * m))

    def run(start: Any) -> Any:
        u, v = start.copy(), start.copy()
        for _ in range(20):
            v[1:-1, 1:-1, 1:-1] = new(
                u[1:-1, 1:-1, 1:-1], u[2:, 1:-1, 1:-1], u[:-2, 1:-1, 1:-1], u[1:-1, 2:, 1:-1],
                u[1:-1, :-2, 1:-1], u[1:-1, 1:-1, 2:], u[1:-1, 1:-1, :-2],
            )  # fmt: skip
            u, v = v, u
        return u

    return run


def jax_heat(np: Any, start: Any) -> Any:
    from jax import lax

    return lax.fori_loop(0, 20, lambda _, u: u.at[1:-1, 1:-1, 1:-1].set(u[1:-1, 1:-1, 1:-1] + 0.1 * laplace(u)), start)


add("heat 320³ x 20", block, heat, jax=jax_heat, fused=fuse_heat)


# --- rows and columns -----------------------------------------------------------------------------------------------


def matrix(rows: int, columns: int, dtype: str = "f8") -> Callable[[float], Arrays]:
    def make(scale: float) -> Arrays:
        return {"x": generator(9).standard_normal((side(scale, rows), side(scale, columns))).astype(dtype)}

    return make


def softmax(np: Any, x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


add("softmax 16384x4096 f32", matrix(16384, 4096, "f4"), softmax, traffic=nbytes(), tolerance=1e-5)
add("sum(axis=0) 8192²", matrix(8192, 8192), lambda np, x: x.sum(axis=0), traffic=nbytes(0))
add("sum(axis=1) 8192²", matrix(8192, 8192), lambda np, x: x.sum(axis=1), traffic=nbytes(0))
add("mean, var 8192²", matrix(8192, 8192), lambda np, x: (x.mean(axis=1), x.var(axis=1)))
add("sum 64M", vectors("x", number=64_000_000), lambda np, x: x.sum().reshape(1), traffic=nbytes(0), tolerance=1e-7)
add("masked sum 64M", vectors("x", number=64_000_000), lambda np, x: x[x > 0].sum().reshape(1),
    jax=lambda np, x: np.where(x > 0, x, 0.0).sum().reshape(1), traffic=nbytes(0))  # fmt: skip
add("cumsum 32M", vectors("x", number=32_000_000), lambda np, x: np.cumsum(x), traffic=nbytes(), tolerance=1e-7)
add("sort 32M", vectors("x", number=32_000_000), lambda np, x: np.sort(x))


def gathered(scale: float) -> Arrays:
    n = count(scale, 32_000_000)
    return {"x": generator(4).random(n), "index": generator(5).integers(0, n, n)}


add("gather 32M", gathered, lambda np, x, index: x[index])


# --- programs -------------------------------------------------------------------------------------------------------


def points(scale: float) -> Arrays:
    return {"x": generator(2).random((count(scale, 1_000_000), 8)), "centers": generator(3).random((16, 8))}


def kmeans(np: Any, x: Any, centers: Any) -> Any:
    for _ in range(5):
        distance = (x * x).sum(axis=1)[:, None] - 2.0 * (x @ centers.T) + (centers * centers).sum(axis=1)[None, :]
        nearest = distance.argmin(axis=1)
        chosen = (nearest[:, None] == np.arange(16)[None, :]).astype(x.dtype)
        centers = (chosen.T @ x) / np.maximum(chosen.sum(axis=0), 1.0)[:, None]
    return centers


add("k-means 1Mx8, 16 x 5", points, kmeans, tolerance=1e-6)


def bodies(scale: float) -> Arrays:
    n, rng = side(scale, 4096), generator(11)
    return {"position": rng.standard_normal((n, 3)), "mass": rng.random(n)}


def nbody(np: Any, position: Any, mass: Any) -> Any:
    velocity = 0.0 * position
    for _ in range(3):
        apart = position[None, :, :] - position[:, None, :]
        squared = (apart * apart).sum(axis=2) + 0.01
        pull = mass[None, :] / (squared * np.sqrt(squared))
        velocity = velocity + 0.01 * (apart * pull[:, :, None]).sum(axis=1)
        position = position + 0.01 * velocity
    return position


add("n-body 4096 x 3", bodies, nbody, tolerance=1e-8)


def two_matrices(scale: float) -> Arrays:
    n, rng = side(scale, 4096), generator(13)
    return {"a": rng.standard_normal((n, n)), "b": rng.standard_normal((n, n))}


add("GEMM 4096²", two_matrices, lambda np, a, b: a @ b)


def signal(scale: float) -> Arrays:
    rng, n = generator(14), 1 << max(11, int(22 + numpy.log2(scale)))
    return {"x": rng.standard_normal(n) + 1j * rng.standard_normal(n)}


add("FFT 2²² complex", signal, lambda np, x: np.fft.fft(x))
