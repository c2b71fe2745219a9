"""What a cluster's workers cost and save: the same programs at a daemon alone, and with 1, 2 and 4 workers of one thread each.

Every program prints the least time of its repeats. `batch` is one small step and its answer, `issued` one sweep of Jacobi over
a small grid, of a thousand that nobody looks at before the last; `chain` and `jacobi` are large: with two workers on two cores
they should take little longer than a daemon with two threads.

examples:
  .venv/bin/python benchmarks/scaling.py
  .venv/bin/python benchmarks/scaling.py --workers 2 --scale 0.2 --json result.json
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from cluster import Maniple

PROGRAM = """
import sys, time
import numpy as np

which, scale = sys.argv[1], float(sys.argv[2])
rng = np.random.default_rng(0)


def least(run, repeats=5, per=1):
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        value = float(run())
        best = min(best, (time.perf_counter() - start) / per)
    print(best, value)


def sweeps(u, count):
    for _ in range(count):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u[1, 1]


if which == "batch":
    # Large enough to be shared out, and to have next to nothing to do.
    x = rng.random(100_000)
    float(x[0])
    numbers = iter(range(100_000))
    least(lambda: (x + next(numbers))[5], repeats=200)
elif which == "issued":
    u = rng.random((300, 300))
    float(u[0, 0])
    least(lambda: sweeps(u, 1000), per=1000)
elif which == "chain":
    n = int(60_000_000 * scale)
    x, y = rng.random(n), rng.random(n)
    float(x[0] + y[0])
    least(lambda: (np.sqrt(x * x + y * y) * np.exp(-x)).sum())
elif which == "jacobi":
    side = int(8_000 * scale**0.5)
    u = rng.random((side, side))
    float(u[0, 0])
    least(lambda: sweeps(u, 50), per=50)
"""


# Small programs would stay with NumPy, and measure nothing.
DEFER = {"MANIPLE_DEFER_ALL": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--scale", type=float, default=1.0, help="1: arrays of half a GB")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    names = ("batch", "issued", "chain", "jacobi")
    threads = str(min(2, os.cpu_count() or 1))
    kinds = {f"daemon, {threads} threads": ("--threads", threads)}
    for count in options.workers:
        kinds[f"{count} workers"] = ("--master", f"local[{count}]", "--worker-threads", "1", "--worker-memory", "4g")
    results: dict[str, dict[str, float]] = {}
    print(f"{'milliseconds':20}" + "".join(f"{name:>10}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(PROGRAM)
        for number, (kind, arguments) in enumerate(kinds.items()):
            maniple = Maniple(Path(folder) / f"daemon{number}", *arguments)
            try:
                results[kind] = {name: 1e3 * maniple.run(program, name, options.scale, **DEFER)[0] for name in names}
            finally:
                maniple.close()
            print(f"{kind:20}" + "".join(f"{results[kind][name]:10.3f}" for name in names), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
