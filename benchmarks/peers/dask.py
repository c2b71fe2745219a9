"""Dask's arrays, with threads: NumPy's programs on chunks of its own choice."""

import os
from typing import Any

import dask
import dask.array as da
import numpy as np
import workloads

import kernels
from peers.base import Engine, Inputs, Programs, register, substitute, unmodified

programs: Programs = {}
runs = register(programs)


@runs("jacobi2d_4000_x50")
def jacobi2d(start: Any) -> Any:
    def step(a: Any) -> Any:
        b = a.copy()
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
        return b

    return repeated(step, start, 50)


@runs("heat3d_256_x20")
def heat3d(start: Any) -> Any:
    def step(u: Any) -> Any:
        v, inner = u.copy(), u[1:-1, 1:-1, 1:-1]
        v[1:-1, 1:-1, 1:-1] = inner + 0.1 * (
            u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
            + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6.0 * inner
        )  # fmt: skip
        return v

    return repeated(step, start, 20)


def repeated(step: Any, x: Any, times: int) -> Any:
    for _ in range(times):
        x = da.map_overlap(step, x, depth=1, boundary="none", dtype=x.dtype)
    return x


@runs("mandelbrot_1000_x50")
def mandelbrot(c: Any) -> Any:
    z, count = da.zeros_like(c), da.zeros(c.shape, dtype=np.int64, chunks=c.chunks)
    for _ in range(50):
        inside = da.absolute(z) <= 2.0
        z, count = da.where(inside, z * z + c, z), count + inside
    return count


@runs("transpose_copy_5000")
def transpose_copy(x: Any) -> Any:
    return x.T.map_blocks(np.ascontiguousarray)


@runs("histogram_20M_100")
def histogram(x: Any) -> Any:
    return da.histogram(x, bins=100, range=dask.compute(x.min(), x.max()))[0]


@runs("svd_500")
def svd(a: Any) -> Any:
    return da.linalg.svd(a)


@runs("cholesky_2000")
def cholesky(a: Any) -> Any:
    return da.linalg.cholesky(a, lower=True)


@runs("solve_2000")
def solve(a: Any, b: Any) -> Any:
    return da.linalg.solve(a, b, assume_a="pos")


programs.update(unmodified("dask", programs))


class Dask(Engine):
    programs = programs
    # Random numbers of its own; chunks are summed apart.
    tolerances = {"mc_pi_20M": 0.05}
    shares = {"small_100k_ops": 0.004}

    def version(self) -> str:
        return str(dask.__version__)

    def place(self, inputs: Inputs) -> Inputs:
        dask.config.set(scheduler="threads", num_workers=os.cpu_count())
        substitute((workloads, kernels), da)
        return {
            name: da.from_array(value, chunks="auto").persist() if isinstance(value, np.ndarray) else value
            for name, value in inputs.items()
        }

    def finish(self, result: Any) -> Any:
        parts = result if isinstance(result, tuple) else (result,)
        return dask.persist(*parts)

    def plain(self, part: Any) -> Any:
        return np.asarray(part)


ENGINE = Dask
