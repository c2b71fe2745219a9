"""Runs workloads with one library, in a process of its own: worker.py ENGINE SCALE REPETITIONS [NAME…].

Prints a line of JSON for each: the seconds of every repetition, and a digest of the result.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy
from workloads import WORKLOADS, Workload

ENGINES = ("numpy", "maniple", "cupy", "cupy fused", "jax jit")
WARM_UP = 2
"""Runs before the clock: peers compile, memory is taken."""


class Engine:
    """How arrays get to a library, and how one waits for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.np: Any = numpy
        if name == "maniple":
            self.np = importlib.import_module("maniple")
        elif name.startswith("cupy"):
            self.np = importlib.import_module("cupy")
            self.np.cuda.runtime.getDeviceCount()
        elif name == "jax jit":
            jax = importlib.import_module("jax")
            jax.config.update("jax_enable_x64", True)
            self.np = importlib.import_module("jax.numpy")

    def version(self) -> str:
        if self.name == "maniple":
            return str(self.np.__maniple_version__)
        return str(getattr(self.np, "__version__", "") or importlib.import_module("jax").__version__)

    def inputs(self, workload: Workload, scale: float) -> dict[str, Any]:
        arrays = workload.inputs(scale)
        if self.name == "numpy":
            return arrays
        # Maniple's asarray leaves NumPy's arrays what they are, and all that is done with them to NumPy.
        make = self.np.array if self.name == "maniple" else self.np.asarray
        moved = {name: make(a) for name, a in arrays.items()}
        if self.name == "maniple":
            if not any(hasattr(a, "_buf") for a in moved.values()):
                raise RuntimeError("none of the arrays is Maniple's: NumPy would be measured")
            # Computed there, so that they are where the work is done from the first run on.
            moved = {name: a + 0 * a for name, a in moved.items()}
        self.wait(list(moved.values()))
        return moved

    def program(self, workload: Workload) -> Callable[..., Any] | None:
        if self.name == "cupy fused":
            return None if workload.fused is None else workload.fused(self.np)
        if self.name == "jax jit":
            jax = importlib.import_module("jax")
            own = workload.jax or workload.run
            return jax.jit(lambda **arrays: own(self.np, **arrays))  # type: ignore[no-any-return]
        return lambda **arrays: workload.run(self.np, **arrays)

    def wait(self, result: Any) -> None:
        """Return when the result is there, without fetching it."""
        if self.name == "maniple":
            for part in result if isinstance(result, tuple | list) else (result,):
                float(abs(part.reshape(-1)[:1]).sum())
        elif self.name.startswith("cupy"):
            self.np.cuda.Device().synchronize()
        elif self.name == "jax jit":
            importlib.import_module("jax").block_until_ready(result)

    def fetch(self, result: Any) -> numpy.ndarray:
        parts = result if isinstance(result, tuple | list) else (result,)
        host = [p.get() if self.name.startswith("cupy") else numpy.asarray(p) for p in parts]
        return numpy.concatenate([numpy.asarray(h).reshape(-1) for h in host])


def digest(values: numpy.ndarray) -> list[float]:
    """Some of the values, and the size that differences are measured by."""
    values = numpy.abs(values) if numpy.iscomplexobj(values) else values
    chosen = values[:: max(1, len(values) // 61)].astype(numpy.float64)
    return [float(numpy.abs(values).max()), *map(float, chosen)]


def main() -> int:
    name, scale, repetitions = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    chosen = sys.argv[4:] or list(WORKLOADS)
    try:
        engine = Engine(name)
    except Exception as error:
        print(json.dumps({"missing": f"{type(error).__name__}: {error}".splitlines()[0][:200]}), flush=True)
        return 0
    print(json.dumps({"version": engine.version()}), flush=True)
    for workload in (WORKLOADS[key] for key in chosen):
        row: dict[str, Any] = {"workload": workload.name}
        try:
            program = engine.program(workload)
            if program is None:
                continue
            arrays = engine.inputs(workload, scale)
            if workload.traffic is not None:
                row["bytes"] = workload.traffic({k: numpy.empty(a.shape, a.dtype) for k, a in arrays.items()})
            result = None
            for _ in range(1 if name == "numpy" else WARM_UP):
                result = program(**arrays)
                engine.wait(result)
            times = []
            for _ in range(repetitions):
                begin = time.perf_counter()
                result = program(**arrays)
                engine.wait(result)
                times.append(time.perf_counter() - begin)
            row |= {"seconds": times, "digest": digest(engine.fetch(result))}
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
