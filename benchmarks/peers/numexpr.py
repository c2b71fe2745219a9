"""NumExpr: the elementwise parts of a program as expressions in strings."""

from typing import Any

import numexpr
import numpy as np

from peers.base import Engine, Programs, register

programs: Programs = {}
runs = register(programs)


def evaluate(expression: str, **names: Any) -> Any:
    """Only the names that are given: nothing is looked up in frames."""
    out = names.pop("out", None)
    return numexpr.evaluate(expression, local_dict=names, global_dict={}, out=out)


def expression(workload: str, text: str) -> None:
    runs(workload)(lambda **inputs: evaluate(text, **inputs))


CHAIN = "sqrt(sin(x)**2 + cos(x)**2) + exp(-x*x) / (1 + abs(x))"
for _workload, _text in (
    ("axpy_30M", "2.5*x + y"), ("add_30M", "x + y"), ("power_10M", "x**y"),
    ("horner6_20M", "(((((0.5*x + 1.0)*x - 2.0)*x + 0.25)*x - 1.5)*x + 3.0)*x - 0.125"),
    ("chain_f64_20M", CHAIN), ("chain_f32_20M", CHAIN),
    ("exp_20M", "exp(x)"), ("sin_20M", "sin(x)"), ("tanh_20M", "tanh(x)"), ("log_20M", "log(x)"),
    ("where_20M", "where(x > 0, x, 0.1*x)"), ("mask_sum_20M", "sum(where(x > 0, x, 0.0))"),
    ("sum_all_8000x4000", "sum(x)"), ("sum_ax0_8000x4000", "sum(x, axis=0)"), ("sum_ax1_8000x4000", "sum(x, axis=1)"),
    ("min_all_8000x4000", "min(x)"), ("min_ax0_8000x4000", "min(x, axis=0)"), ("min_ax1_8000x4000", "min(x, axis=1)"),
    ("max_all_8000x4000", "max(x)"), ("max_ax0_8000x4000", "max(x, axis=0)"), ("max_ax1_8000x4000", "max(x, axis=1)"),
    ("einsum_ij_ij_i_8000x4000", "sum(x*x, axis=1)"),
    ("where_chain_10M", "where(x < 0.25, 0.1, where(x < 0.5, x*2.0, where(x < 0.75, 1.0 - x, x*x)))"),
    ("integer_division_20M", "(a - ((a % b) + b) % b) / b + ((a % b) + b) % b"),
    ("complex_10M", "abs((z*z + (0.3 - 0.5j)) * conj(z*z + (0.3 - 0.5j)) + z)"),
):  # fmt: skip
    expression(_workload, _text)


@runs("black_scholes_10M")
def black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    series = "k*(0.31938153 + k*(-0.356563782 + k*(1.781477937 + k*(-1.821255978 + k*1.330274429))))"

    def cumulative(d: Any) -> Any:
        k = evaluate("1.0 / (1.0 + 0.2316419*abs(d))", d=d)
        tail = evaluate(f"0.3989422804014327 * exp(-0.5*d*d) * {series}", d=d, k=k)
        return evaluate("where(d > 0, 1.0 - tail, tail)", d=d, tail=tail)

    d1 = evaluate("(log(spot/strike) + 0.065*years) / (0.3*sqrt(years))", spot=spot, strike=strike, years=years)
    d2 = evaluate("d1 - 0.3*sqrt(years)", d1=d1, years=years)
    names = {"spot": spot, "c1": cumulative(d1), "c2": cumulative(d2)}
    names["due"] = evaluate("strike * exp(-0.02*years)", strike=strike, years=years)
    return evaluate("spot*c1 - due*c2", **names), evaluate("due*(1.0 - c2) - spot*(1.0 - c1)", **names)


@runs("mc_pi_20M")
def monte_carlo_pi(count: int) -> Any:
    rng = np.random.default_rng(0)
    x, y = rng.random(count), rng.random(count)
    return 4.0 * evaluate("sum(where(x*x + y*y <= 1.0, 1, 0))", x=x, y=y) / count


@runs("small_100k_ops")
def small_operations(x: Any, y: Any, count: int) -> Any:
    for _ in range(count // 4):
        t = evaluate("x*y", x=x, y=y)
        t = evaluate("t + x", t=t, x=x)
        z = evaluate("t - y", t=t, y=y)
        total = evaluate("sum(z)", z=z)
    return z, total


@runs("jacobi2d_4000_x50")
def jacobi2d(start: Any) -> Any:
    grid, new = start.copy(), start.copy()
    for _ in range(50):
        evaluate(
            "0.2 * (c + n + s + w + e)", out=new[1:-1, 1:-1],
            c=grid[1:-1, 1:-1], n=grid[:-2, 1:-1], s=grid[2:, 1:-1], w=grid[1:-1, :-2], e=grid[1:-1, 2:],
        )  # fmt: skip
        grid, new = new, grid
    return grid


@runs("heat3d_256_x20")
def heat3d(start: Any) -> Any:
    u, v = start.copy(), start.copy()
    inner = slice(1, -1)
    for _ in range(20):
        evaluate(
            "c + 0.1 * (x1 + x0 + y1 + y0 + z1 + z0 - 6.0*c)", out=v[inner, inner, inner], c=u[inner, inner, inner],
            x1=u[2:, inner, inner], x0=u[:-2, inner, inner], y1=u[inner, 2:, inner], y0=u[inner, :-2, inner],
            z1=u[inner, inner, 2:], z0=u[inner, inner, :-2],
        )  # fmt: skip
        u, v = v, u
    return u


@runs("cg_poisson_1000_x100")
def conjugate_gradient(right: Any) -> Any:
    def image(p: Any) -> Any:
        q = evaluate("4.0*p", p=p)
        for to, of in ((q[1:], p[:-1]), (q[:-1], p[1:]), (q[:, 1:], p[:, :-1]), (q[:, :-1], p[:, 1:])):
            evaluate("a - b", a=to, b=of, out=to)
        return q

    x, residual, direction = np.zeros_like(right), right.copy(), right.copy()
    squared = evaluate("sum(r*r)", r=residual)
    for _ in range(100):
        moved = image(direction)
        length = squared / evaluate("sum(d*m)", d=direction, m=moved)
        evaluate("x + a*d", x=x, a=length, d=direction, out=x)
        evaluate("r - a*m", r=residual, a=length, m=moved, out=residual)
        new = evaluate("sum(r*r)", r=residual)
        direction = evaluate("r + b*d", r=residual, b=new / squared, d=direction)
        squared = new
    return x


@runs("life_2000_x20")
def life(start: Any) -> Any:
    z = start.copy()
    for _ in range(20):
        c = z[1:-1, 1:-1]
        around = evaluate(
            "a + b + c + d + e + f + g + h", a=z[:-2, :-2], b=z[:-2, 1:-1], c=z[:-2, 2:], d=z[1:-1, :-2],
            e=z[1:-1, 2:], f=z[2:, :-2], g=z[2:, 1:-1], h=z[2:, 2:],
        )  # fmt: skip
        alive = evaluate("where((n == 3) | ((n == 2) & (c == 1)), 1, 0)", n=around, c=c)
        z[...] = 0
        z[1:-1, 1:-1] = alive
    return z


@runs("mandelbrot_1000_x50")
def mandelbrot(c: Any) -> Any:
    z, count = np.zeros_like(c), np.zeros(c.shape, dtype=np.int64)
    for _ in range(50):
        inside = evaluate("real(z)**2 + imag(z)**2 <= 4.0", z=z)
        z = evaluate("where(m, z*z + c, z)", m=inside, z=z, c=c)
        count = evaluate("n + where(m, 1, 0)", n=count, m=inside)
    return count


@runs("nbody_2000_x10")
def nbody(position: Any, velocity: Any, mass: Any) -> Any:
    p, v = position, velocity
    for _ in range(10):
        names: dict[str, Any] = {"mass": mass[None, :]}
        for axis, column in zip("xyz", np.ascontiguousarray(p.T), strict=True):
            names[axis + "j"], names[axis + "i"] = column[None, :], column[:, None]
        square = "(xj - xi)**2 + (yj - yi)**2 + (zj - zi)**2 + 1e-2"
        names["w"] = evaluate(f"mass * ({square})**-1.5", **names)
        sums = [evaluate(f"sum(({axis}j - {axis}i)*w, axis=1)", **names) for axis in "xyz"]
        v = v + 1e-3 * np.stack(sums, axis=1)
        p = p + 1e-3 * v
    return p, v


@runs("logsumexp_ax1_4000")
def logsumexp(x: Any) -> Any:
    largest = x.max(axis=1, keepdims=True)
    return np.log(evaluate("sum(exp(x - m), axis=1)", x=x, m=largest)) + largest[:, 0]


@runs("softmax_4000")
def softmax(x: Any) -> Any:
    e = evaluate("exp(x - m)", x=x, m=x.max(axis=1, keepdims=True))
    return evaluate("e / s", e=e, s=e.sum(axis=1, keepdims=True))


@runs("wave2d_2000_x10")
def wave2d(start: Any) -> Any:
    before, now = start.copy(), start.copy()
    for _ in range(10):
        c, old = now[1:-1, 1:-1], before[1:-1, 1:-1]
        evaluate(
            "2.0*c - old + 0.25*(n + s + w + e - 4.0*c)", out=old, c=c, old=old,
            n=now[:-2, 1:-1], s=now[2:, 1:-1], w=now[1:-1, :-2], e=now[1:-1, 2:],
        )  # fmt: skip
        before, now = now, before
    return now


@runs("normalise_30M")
def normalise(x: Any) -> Any:
    low, high = x.min(), x.max()
    return evaluate("(x - low) / (high - low)", x=x, low=low, high=high)


@runs("moments_20M")
def moments(x: Any) -> Any:
    mean = x.mean()
    variance, third, fourth = (evaluate(f"sum((x - m)**{k})", x=x, m=mean) / x.size for k in (2, 3, 4))
    return mean, variance, third / variance**1.5, fourth / variance**2


@runs("clean_20M")
def clean(x: Any) -> Any:
    y = evaluate("where(x < -1.0, -1.0, where(x > 2.0, 2.0, x))", x=x)
    return evaluate("where((y > 0.0) & (y < 0.1), y*10.0, y)", y=y)


@runs("nearest_4000x2000")
def nearest(a: Any, b: Any) -> Any:
    names = {}
    for axis, (p, q) in zip("xyz", zip(a.T, b.T, strict=True), strict=True):
        names[axis + "a"], names[axis + "b"] = p[:, None], q[None, :]
    return evaluate("(xa - xb)**2 + (ya - yb)**2 + (za - zb)**2", **names).argmin(axis=1)


class NumExpr(Engine):
    programs = programs
    tolerances = {"chain_f32_20M": 1e-5}

    def version(self) -> str:
        return str(numexpr.__version__)


ENGINE = NumExpr
