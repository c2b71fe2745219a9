"""JAX: programs compiled by jax.jit, in float64; what works in place is written with functional updates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import workloads
from jax import lax

import kernels
from peers.base import Engine, Inputs, Program, Programs, register, substitute, unmodified

jax.config.update("jax_enable_x64", True)

programs: Programs = {}
runs = register(programs)


@runs("mask_sum_20M")
def mask_sum(x: Any) -> Any:
    return jnp.where(x > 0, x, 0.0).sum()


# The key comes with the inputs, so that the compiler cannot draw the numbers beforehand.
@runs("mc_pi_20M")
def monte_carlo_pi(key: Any, count: int) -> Any:
    first, second = jax.random.split(key)
    x, y = jax.random.uniform(first, (count,), jnp.float64), jax.random.uniform(second, (count,), jnp.float64)
    return 4.0 * (x * x + y * y <= 1.0).sum() / count


@runs("bincount_20M_1000")
def bincount(x: Any) -> Any:
    return jnp.bincount(x, length=1000)


@runs("transpose_copy_5000")
def transpose_copy(x: Any) -> Any:
    return jnp.copy(x.T)


@runs("jacobi2d_4000_x50")
def jacobi2d(start: Any) -> Any:
    def step(_: int, grid: Any) -> Any:
        around = grid[1:-1, 1:-1] + grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]
        return grid.at[1:-1, 1:-1].set(0.2 * around)

    return lax.fori_loop(0, 50, step, start)


@runs("heat3d_256_x20")
def heat3d(start: Any) -> Any:
    def step(_: int, u: Any) -> Any:
        inner = u[1:-1, 1:-1, 1:-1]
        around = (
            u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
            + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2]
        )  # fmt: skip
        return u.at[1:-1, 1:-1, 1:-1].set(inner + 0.1 * (around - 6.0 * inner))

    return lax.fori_loop(0, 20, step, start)


@runs("cg_poisson_1000_x100")
def conjugate_gradient(right: Any) -> Any:
    def image(p: Any) -> Any:
        q = (4.0 * p).at[1:, :].add(-p[:-1, :]).at[:-1, :].add(-p[1:, :])
        return q.at[:, 1:].add(-p[:, :-1]).at[:, :-1].add(-p[:, 1:])

    def step(_: int, state: Any) -> Any:
        x, residual, direction, squared = state
        moved = image(direction)
        length = squared / (direction * moved).sum()
        x, residual = x + length * direction, residual - length * moved
        new = (residual * residual).sum()
        return x, residual, residual + (new / squared) * direction, new

    return lax.fori_loop(0, 100, step, (jnp.zeros_like(right), right, right, (right * right).sum()))[0]


@runs("life_2000_x20")
def life(start: Any) -> Any:
    def step(_: int, z: Any) -> Any:
        around = (
            z[:-2, :-2] + z[:-2, 1:-1] + z[:-2, 2:] + z[1:-1, :-2] + z[1:-1, 2:]
            + z[2:, :-2] + z[2:, 1:-1] + z[2:, 2:]
        )  # fmt: skip
        alive = (around == 3) | ((around == 2) & (z[1:-1, 1:-1] == 1))
        return jnp.pad(alive.astype(z.dtype), 1)

    return lax.fori_loop(0, 20, step, start)


@runs("mandelbrot_1000_x50")
def mandelbrot(c: Any) -> Any:
    def step(_: int, state: Any) -> Any:
        z, count = state
        inside = jnp.abs(z) <= 2.0
        return jnp.where(inside, z * z + c, z), count + inside

    return lax.fori_loop(0, 50, step, (jnp.zeros_like(c), jnp.zeros(c.shape, jnp.int64)))[1]


@runs("nbody_2000_x10")
def nbody(position: Any, velocity: Any, mass: Any) -> Any:
    def step(_: int, state: Any) -> Any:
        p, v = state
        apart = p[None, :, :] - p[:, None, :]
        weight = mass[None, :] * ((apart * apart).sum(axis=2) + 1e-2) ** -1.5
        v = v + 1e-3 * (apart * weight[:, :, None]).sum(axis=1)
        return p + 1e-3 * v, v

    return lax.fori_loop(0, 10, step, (position, velocity))


@runs("kmeans_1Mx16_k10_x10")
def kmeans(points: Any) -> Any:
    squares = (points * points).sum(axis=1)[:, None]

    def step(_: int, centres: Any) -> Any:
        distance = squares - 2.0 * (points @ centres.T) + (centres * centres).sum(axis=1)[None, :]
        member = distance.argmin(axis=1)[:, None] == jnp.arange(10)[None, :]
        return (member.astype(points.dtype).T @ points) / member.sum(axis=0)[:, None]

    return lax.fori_loop(0, 10, step, points[:10])


@runs("fdtd2d_1500_x10")
def fdtd2d(ex0: Any, ey0: Any, hz0: Any) -> Any:
    def step(t: Any, state: Any) -> Any:
        ex, ey, hz = state
        ey = ey.at[0, :].set(0.1 * t).at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
        ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
        return ex, ey, hz.at[:-1, :-1].add(-0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]))

    return lax.fori_loop(0, 10, step, (ex0, ey0, hz0))


@runs("advection2d_2000_x10")
def advection2d(start: Any, u: Any, v: Any) -> Any:
    def step(_: int, density: Any) -> Any:
        flow, side_flow = u * density, v * density
        change = 0.2 * (flow[1:, 1:] - flow[:-1, 1:]) + 0.2 * (side_flow[1:, 1:] - side_flow[1:, :-1])
        return density.at[1:, 1:].add(-change)

    return lax.fori_loop(0, 10, step, start)


@runs("wave2d_2000_x10")
def wave2d(start: Any) -> Any:
    def step(_: int, state: Any) -> Any:
        before, now = state
        around = now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:] - 4.0 * now[1:-1, 1:-1]
        return now, before.at[1:-1, 1:-1].set(2.0 * now[1:-1, 1:-1] - before[1:-1, 1:-1] + 0.25 * around)

    return lax.fori_loop(0, 10, step, (start, start))[1]


@runs("tridiagonal_100x100k")
def tridiagonal(below: Any, above: Any, right: Any) -> Any:
    def down(state: Any, rows: Any) -> Any:
        c, d = state
        low, high, value = rows
        pivot = 3.0 - low * c
        state = high / pivot, (value - low * d) / pivot
        return state, state

    def up(x: Any, rows: Any) -> Any:
        c, d = rows
        x = d - c * x
        return x, x

    first = above[0] / 3.0, right[0] / 3.0
    _, (c, d) = lax.scan(down, first, (below[1:], above[1:], right[1:]))
    c, d = jnp.concatenate([first[0][None], c]), jnp.concatenate([first[1][None], d])
    _, x = lax.scan(up, d[-1], (c[:-1], d[:-1]), reverse=True)
    return jnp.concatenate([x, d[-1:]])


@runs("outliers_20M")
def outliers(x: Any) -> Any:
    kept = jnp.abs(x - x.mean()) < 2.0 * x.std()
    mean = x.mean(where=kept)
    return mean, jnp.sqrt(((x - mean) ** 2).mean(where=kept))


@runs("clean_20M")
def clean(x: Any) -> Any:
    y = jnp.clip(x, -1.0, 2.0)
    return jnp.where((y > 0.0) & (y < 0.1), y * 10.0, y)


@runs("scatter_10M")
def scatter(index: Any, values: Any) -> Any:
    return jnp.zeros_like(values).at[index].set(values)


@runs("scatter_add_10M")
def scatter_add(index: Any, values: Any) -> Any:
    return jnp.zeros(100_000).at[index].add(values)


@runs("equalise_u8_4000")
def equalise(picture: Any) -> Any:
    counts = jnp.bincount(picture.ravel(), length=256)
    levels = jnp.cumsum(counts) * 255 // picture.size
    return levels.astype(jnp.uint8)[picture]


programs.update(unmodified("jax", programs))


class Jax(Engine):
    programs = programs
    # Random numbers, and orders of summing, of its own.
    tolerances = {"chain_f32_20M": 1e-5, "mc_pi_20M": 0.05}

    def version(self) -> str:
        return str(jax.__version__)

    def program(self, name: str) -> Program:
        program = self.programs[name]
        if name == "small_100k_ops":
            return program  # a loop of single operations is what is measured
        return jax.jit(program, static_argnames=("count",) if name == "mc_pi_20M" else ())

    def place(self, inputs: Inputs) -> Inputs:
        placed = {
            name: jnp.asarray(value) if isinstance(value, np.ndarray) else value for name, value in inputs.items()
        }
        if inputs.keys() == {"count"}:
            placed["key"] = jax.random.key(0)
        substitute((workloads, kernels), jnp)
        return jax.block_until_ready(placed)

    def finish(self, result: Any) -> Any:
        return jax.block_until_ready(result)

    def plain(self, part: Any) -> Any:
        return np.asarray(part)


ENGINE = Jax
