"""Numba on array programs: NumPy's own code compiled with parallel=True, as far as the compiler takes it."""

from typing import Any

import numba
import numpy as np
import workloads

from peers.base import Engine, Programs, register, unmodified

compiled = numba.njit(parallel=True)

programs: Programs = {}
runs = register(programs)

# Functions that the programs call must be compiled, too.
workloads.cumulative_normal = compiled(workloads.cumulative_normal)
for _operation in ("sum", "mean", "std", "var", "min", "max", "argmax"):
    _names: dict[str, Any] = {}
    exec(f"def program(x): return x.{_operation}()", _names)
    runs(f"{_operation}_all_8000x4000")(compiled(_names["program"]))


@runs("mc_pi_20M")
@compiled
def monte_carlo_pi(count):  # type: ignore[no-untyped-def]
    x, y = np.random.random(count), np.random.random(count)
    return 4.0 * (x * x + y * y <= 1.0).sum() / count


@runs("bincount_20M_1000")
@compiled
def bincount(x):  # type: ignore[no-untyped-def]
    return np.bincount(x, None, 1000)


programs.update({name: compiled(program) for name, program in unmodified("numba", programs).items()})


class NumbaArray(Engine):
    programs = programs
    # A random sequence of its own; other roundings of float32.
    tolerances = {"chain_f32_20M": 1e-5, "mc_pi_20M": 0.05}

    def version(self) -> str:
        return str(numba.__version__)


ENGINE = NumbaArray
