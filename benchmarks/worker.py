"""Times one workload with one engine, repetition by repetition; started by measuring.py.

usage: worker.py ENGINE WORKLOAD     (ENGINE: numpy, or a peer's name; run by `maniple` it is Maniple that is timed)

When the inputs are made, one line of JSON says so; then every line on standard input is answered by one: `time` runs
the program once and says how long it took, `digest` describes the last result.
"""

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np
import registry


def engine_called(name: str) -> Any:
    from peers import PEERS

    engine = importlib.import_module(f"peers.{PEERS[name].module}").ENGINE()
    promised, programs = set(PEERS[name].workloads), set(engine.programs)
    if promised != programs:
        raise SystemExit(f"the table and {name} differ: {sorted(promised ^ programs)}")
    return engine


class Numpy:
    """NumPy, or Maniple where that is what `import numpy` means here."""

    def __init__(self) -> None:
        self.tolerances: dict[str, float] = {}
        self.shares: dict[str, float] = {}
        self._flush: Callable[[], None] | None = getattr(sys.modules.get("maniple"), "flush", None)

    def version(self) -> str:
        return str(np.__version__)

    def program(self, name: str) -> Any:
        return registry.WORKLOADS[name].program

    def place(self, inputs: Any) -> Any:
        return inputs

    def finish(self, result: Any) -> Any:
        if self._flush is not None:
            self._flush()
        return result

    def plain(self, part: Any) -> Any:
        return part


def digest(part: Any) -> dict[str, Any]:
    """Enough of an array to tell whether two agree: a sample, the largest element, the mean. By NumPy, whoever made it."""
    numpy = sys.modules["numpy"]
    array = numpy.asarray(part)
    flat = array.reshape(-1)
    size = numpy.abs(flat)
    sample = flat[:: max(1, flat.size // 2000)].astype(numpy.complex128).tolist()
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sample": [[value.real, value.imag] for value in sample],
        "largest": float(size.max()),
        "mean": float(size.mean(dtype=numpy.float64)),
    }


def main() -> None:
    # Whatever a library prints goes elsewhere: standard output is for the answers.
    answers: TextIO = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    name, workload = sys.argv[1:]
    registry.load()
    entry = registry.WORKLOADS[workload]
    engine = Numpy() if name == "numpy" else engine_called(name)
    inputs = entry.inputs()
    share = engine.shares.get(workload, 1.0)
    if share != 1.0:
        whole = inputs["count"]
        inputs["count"] = max(4, int(whole * share))
        share = inputs["count"] / whole
    inputs = engine.place(inputs)
    program = engine.program(workload)
    answer(version=engine.version(), tolerance=engine.tolerances.get(workload))
    result: Any = None
    for line in sys.stdin:
        if line == "digest\n":
            part = entry.compared(result)
            parts = part if isinstance(part, tuple | list) else (part,)
            answer(digest=[digest(engine.plain(part)) for part in parts])
            continue
        # Nothing is left of the last repetition that could answer this one.
        result = None
        gc.collect()
        start = time.perf_counter()
        result = engine.finish(program(**inputs))
        answer(seconds=(time.perf_counter() - start) / share)


if __name__ == "__main__":
    main()
