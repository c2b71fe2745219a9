"""Loops in C (loops.c), compiled on first use: no peer that a NumPy program can use, but about what is possible."""

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from peers.base import Engine, Programs, register

SOURCE = Path(__file__).with_name("loops.c")
BUILD = Path(__file__).resolve().parents[2] / ".build"
COMPILE = ["gcc", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-shared"]

programs: Programs = {}
runs = register(programs)


def compiled() -> Path:
    """The library; its name tells source and processor, so that neither is mistaken for another."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join([*COMPILE, cpu]).encode()).hexdigest()[:16]
    library = BUILD / f"loops-{digest}.so"
    if not library.exists():
        BUILD.mkdir(exist_ok=True)
        unfinished = library.with_suffix(f".{os.getpid()}")
        subprocess.run([*COMPILE, str(SOURCE), "-o", str(unfinished), "-lm"], check=True, capture_output=True)
        unfinished.replace(library)
    return library


C = ctypes.CDLL(str(compiled()))


def call(name: str, *arguments: Any, returns: Any = None) -> Any:
    function = getattr(C, name)
    function.restype = returns
    return function(
        *(ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_int64(a) for a in arguments)
    )


def elementwise(workload: str, function: str, *operands: str) -> None:
    @runs(workload)
    def program(**inputs: Any) -> Any:
        arrays = [inputs[name] for name in operands]
        out = np.empty_like(arrays[0])
        call(function, out.size, *arrays, out)
        return out


for _workload, _function, *_operands in (
    ("axpy_30M", "axpy", "x", "y"), ("add_30M", "add", "x", "y"), ("power_10M", "power", "x", "y"),
    ("horner6_20M", "horner6", "x"), ("chain_f64_20M", "chain_f64", "x"), ("chain_f32_20M", "chain_f32", "x"),
    ("exp_20M", "exponential", "x"), ("sin_20M", "sine", "x"), ("tanh_20M", "hyperbolic_tangent", "x"),
    ("log_20M", "logarithm", "x"), ("where_20M", "where", "x"), ("where_chain_10M", "where_chain", "x"),
    ("threshold_u8_100M", "threshold", "picture"), ("clean_20M", "clean", "x"), ("saturate_u8_50M", "saturate", "a", "b"),
    ("integer_division_20M", "integer_division", "a", "b"), ("bits_i32_30M", "bits", "x"),
    ("normalise_30M", "normalise", "x"), ("gather_20M", "gather", "x", "index"),
):  # fmt: skip
    elementwise(_workload, _function, *_operands)


@runs("black_scholes_10M")
def black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    prices, puts = np.empty_like(spot), np.empty_like(spot)
    call("black_scholes", spot.size, spot, strike, years, prices, puts)
    return prices, puts


@runs("complex_10M")
def complex_arithmetic(z: Any) -> Any:
    out = np.empty(z.size)
    call("complex_arithmetic", z.size, z, out)
    return out


def over_all(function: str, finish: Any) -> Any:
    def program(x: Any) -> Any:
        return finish(call(function, x.size, x, returns=ctypes.c_double), x.size)

    return program


def along(function: str, axis: int, finish: Any) -> Any:
    def program(x: Any) -> Any:
        out = np.empty(x.shape[1 - axis])
        call(function, *x.shape, x, out)
        return finish(out, x.shape[axis])

    return program


for _operation, _function, _finish in (
    ("sum", "sum", lambda value, count: value), ("mean", "sum", lambda value, count: value / count),
    ("var", "variance", lambda value, count: value), ("std", "variance", lambda value, count: np.sqrt(value)),
    ("min", "smallest", lambda value, count: value), ("max", "largest", lambda value, count: value),
):  # fmt: skip
    runs(f"{_operation}_all_8000x4000")(over_all(f"{_function}_all", _finish))
    runs(f"{_operation}_ax0_8000x4000")(along(f"{_function}_columns", 0, _finish))
    runs(f"{_operation}_ax1_8000x4000")(along(f"{_function}_rows", 1, _finish))
runs("mask_sum_20M")(over_all("mask_sum", lambda value, count: value))
runs("einsum_ij_ij_i_8000x4000")(along("square_rows", 1, lambda value, count: value))
runs("logsumexp_ax1_4000")(along("logsumexp", 1, lambda value, count: value))


@runs("softmax_4000")
def softmax(x: Any) -> Any:
    out = np.empty_like(x)
    call("softmax", *x.shape, x, out)
    return out


@runs("moments_20M")
def moments(x: Any) -> Any:
    out = np.empty(4)
    call("moments", x.size, x, out)
    return tuple(out)


@runs("spectral_angle_500x500x100")
def spectral_angle(cube: Any, sample: Any) -> Any:
    out = np.empty(cube.shape[:2])
    call("spectral_angle", out.size, sample.size, cube, sample, out)
    return out


@runs("nearest_4000x2000")
def nearest(a: Any, b: Any) -> Any:
    out = np.empty(len(a), dtype=np.int64)
    call("nearest", len(a), len(b), a, b, out)
    return out


@runs("jacobi2d_4000_x50")
def jacobi2d(start: Any) -> Any:
    grid, new = start.copy(), start.copy()
    call("jacobi2d", *start.shape, 50, grid, new)
    return grid


@runs("heat3d_256_x20")
def heat3d(start: Any) -> Any:
    u, v = start.copy(), start.copy()
    call("heat3d", len(start), 20, u, v)
    return u


@runs("life_2000_x20")
def life(start: Any) -> Any:
    z, new = start.copy(), np.empty_like(start)
    call("life", len(start), 20, z, new)
    return z


@runs("wave2d_2000_x10")
def wave2d(start: Any) -> Any:
    before, now = start.copy(), start.copy()
    call("wave2d", len(start), 10, before, now)
    return now


@runs("fdtd2d_1500_x10")
def fdtd2d(ex0: Any, ey0: Any, hz0: Any) -> Any:
    ex, ey, hz = ex0.copy(), ey0.copy(), hz0.copy()
    call("fdtd2d", len(ex), 10, ex, ey, hz)
    return ex, ey, hz


@runs("advection2d_2000_x10")
def advection2d(start: Any, u: Any, v: Any) -> Any:
    density, new = start.copy(), np.empty_like(start)
    call("advection2d", len(start), 10, density, new, u, v)
    return density


@runs("horizontal_diffusion_256x256x80")
def horizontal_diffusion(field: Any, coefficient: Any) -> Any:
    out = np.empty_like(coefficient)
    call("horizontal_diffusion", len(out), out.shape[2], field, coefficient, out)
    return out


@runs("red_black_2000_x5")
def red_black(start: Any) -> Any:
    u = start.copy()
    call("red_black", len(u), 5, u)
    return u


@runs("tridiagonal_100x100k")
def tridiagonal(below: Any, above: Any, right: Any) -> Any:
    c, d = np.empty_like(above), np.empty_like(right)
    call("tridiagonal", *right.shape, below, above, right, c, d)
    return d


@runs("cg_poisson_1000_x100")
def conjugate_gradient(right: Any) -> Any:
    x, residual, direction = np.zeros_like(right), right.copy(), right.copy()
    call("conjugate_gradient", len(right), 100, x, residual, direction)
    return x


@runs("kmeans_1Mx16_k10_x10")
def kmeans(points: Any) -> Any:
    centres = points[:10].copy()
    for _ in range(10):
        call("kmeans", *points.shape, 10, points, centres)
    return centres


@runs("outliers_20M")
def outliers(x: Any) -> Any:
    out = np.empty(2)
    call("outliers", x.size, x, out)
    return tuple(out)


@runs("azimuthal_1000_r100")
def azimuthal(picture: Any) -> Any:
    out = np.empty(len(picture) // 10)
    call("azimuthal", *picture.shape, out.size, picture, out)
    return out


@runs("bincount_20M_1000")
def bincount(x: Any) -> Any:
    counts = np.empty(1000, dtype=np.int64)
    call("bincount", x.size, counts.size, x, counts)
    return counts


@runs("equalise_u8_4000")
def equalise(picture: Any) -> Any:
    counts, out = np.empty(256, dtype=np.int64), np.empty_like(picture)
    call("bincount_u8", picture.size, counts.size, picture, counts)
    call("look_up", picture.size, picture, (np.cumsum(counts) * 255 // picture.size).astype(np.uint8), out)
    return out


@runs("nbody_2000_x10")
def nbody(position: Any, velocity: Any, mass: Any) -> Any:
    p, v, a = position, velocity, np.empty_like(position)
    for _ in range(10):
        call("acceleration", len(p), p, mass, a)
        v = v + 1e-3 * a
        p = p + 1e-3 * v
    return p, v


@runs("mandelbrot_1000_x50")
def mandelbrot(c: Any) -> Any:
    count = np.empty(c.shape, dtype=np.int64)
    call("mandelbrot", len(c), 50, c, count)
    return count


@runs("transpose_copy_5000")
def transpose_copy(x: Any) -> Any:
    out = np.empty_like(x)
    call("transpose", len(x), x, out)
    return out


@runs("scatter_10M")
def scatter(index: Any, values: Any) -> Any:
    out = np.zeros_like(values)
    call("scatter", values.size, index, values, out)
    return out


@runs("permute_rows_1Mx16")
def permute_rows(rows: Any, order: Any) -> Any:
    out = np.empty_like(rows)
    call("permute_rows", *rows.shape, rows, order, out)
    return out


def picture_program(function: str) -> Any:
    def program(picture: Any) -> Any:
        n = len(picture)
        out = np.empty((n - 2, n - 2), dtype=np.uint8)
        call(function, n, picture, out)
        return out

    return program


runs("blur_u8_4000")(picture_program("blur"))
runs("sobel_u8_4000")(picture_program("sobel"))


@runs("grey_u8_4000")
def grey(colours: Any) -> Any:
    out = np.empty(colours.shape[:2], dtype=np.uint8)
    call("grey", out.size, colours, out)
    return out


class Loops(Engine):
    programs = programs

    def version(self) -> str:
        return subprocess.run(["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()


ENGINE = Loops
