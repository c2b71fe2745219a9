"""Programs on two workers of one thread each, beside Dask's distributed arrays on two processes of one thread each.

Both get the same NumPy programs: Maniple unmodified ones, through a daemon with --master local[2] over TLS; Dask those of
dask.array, with chunks along the first dimension, in its distributed scheduler. They take turns; a time is the least of the
repeats, a ratio is Maniple / Dask. Data is made on the workers before the clock starts (dask: persisted).

examples:
  .venv/bin/python benchmarks/cluster.py
  .venv/bin/python benchmarks/cluster.py --scale 0.1 --repeats 3 --json result.json
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKLOADS = ("chain", "jacobi", "kmeans", "sum_axis0", "sum_axis1", "matmul", "sort")

COMMON = """
import itertools, math, sys, time
numbers = itertools.count()
which, scale, repeats = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
side = int(11_000 * math.sqrt(scale)) // 8 * 8
length = int(120_000_000 * scale)
points = int(7_000_000 * scale)
matrix = int(6_000 * scale ** (1 / 3)) // 8 * 8
rounds = 200


def timed(run):
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        value = run()
        best = min(best, time.perf_counter() - start)
    print(best, float(value), flush=True)
"""

MANIPLE = (
    """
import numpy as np
"""
    + COMMON
    + """
rng = np.random.default_rng(0)


def settle(*arrays):
    for a in arrays:
        float(a.ravel()[0])


if which == "chain":
    x, y = rng.random(length), rng.random(length)
    settle(x, y)
    timed(lambda: (np.sqrt(x * x + y * y) * np.exp(-x)).sum())
elif which == "jacobi":
    x = rng.random((side, side))
    settle(x)

    def run():
        u = x.copy()
        for _ in range(rounds):
            u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
        return u.sum()

    timed(run)
elif which == "kmeans":
    p = rng.random((points, 16))
    settle(p)

    def run():
        c = p[:8].copy()
        for _ in range(5):
            d = ((p[:, None, :] - c) ** 2).sum(axis=2)
            label = d.argmin(axis=1)
            chosen = label[:, None] == np.arange(8)
            c = np.stack([np.where(chosen[:, k : k + 1], p, 0.0).sum(axis=0) for k in range(8)])
            c = c / np.maximum(chosen.sum(axis=0), 1)[:, None]
        return c.sum()

    timed(run)
elif which.startswith("sum_axis"):
    x = rng.random((side, side))
    settle(x)
    timed(lambda: np.asarray(x.sum(axis=int(which[-1])))[5])
elif which == "matmul":
    a, b = rng.random((matrix, matrix)), rng.random((matrix, matrix))
    settle(a, b)
    timed(lambda: (a @ (b + next(numbers)))[3, 4])
elif which == "sort":
    x = rng.random(length)
    settle(x)
    timed(lambda: np.sort(x + next(numbers))[length // 3])
"""
)

DASK = (
    """
import dask
import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster, wait
"""
    + COMMON
    + """

def main():
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit="9GiB")
    client = Client(cluster)
    rng = da.random.default_rng(0)
    half = -(-side // 2)

    def settle(*arrays):
        kept = [a.persist() for a in arrays]
        wait(kept)
        return kept

    if which == "chain":
        x, y = settle(*(rng.random(length, chunks=length // 16) for _ in range(2)))
        timed(lambda: (da.sqrt(x * x + y * y) * da.exp(-x)).sum().compute())
    elif which == "jacobi":
        (x,) = settle(rng.random((side, side), chunks=(-(-side // 2), side)))

        def step(u):
            v = u.copy()
            v[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
            return v

        def run():
            u = x
            for number in range(rounds):
                u = u.map_overlap(step, depth={0: 1, 1: 0}, boundary="none")
                if number % 20 == 19:
                    u = u.persist()
                    wait(u)
            return u.sum().compute()

        timed(run)
    elif which == "kmeans":
        (p,) = settle(rng.random((points, 16), chunks=(points // 16, 16)))

        def run():
            c = p[:8].compute()
            for _ in range(5):
                d = ((p[:, None, :] - c) ** 2).sum(axis=2)
                label = d.argmin(axis=1)
                chosen = label[:, None] == np.arange(8)
                sums = [da.where(chosen[:, k : k + 1], p, 0.0).sum(axis=0) for k in range(8)]
                *sums, count = dask.compute(*sums, chosen.sum(axis=0))
                c = np.stack(sums) / np.maximum(count, 1)[:, None]
            return c.sum()

        timed(run)
    elif which.startswith("sum_axis"):
        (x,) = settle(rng.random((side, side), chunks=(-(-side // 8), side)))
        # All of it: of one element Dask would read an eighth.
        timed(lambda: x.sum(axis=int(which[-1])).compute()[5])
    elif which == "matmul":
        size = -(-matrix // 4)
        a, b = settle(*(rng.random((matrix, matrix), chunks=(size, size)) for _ in range(2)))

        def run():
            # The same product again would be found in the workers' memory.
            c = (a @ (b + next(numbers))).persist()
            wait(c)
            return c[3, 4].compute()

        timed(run)
    elif which == "sort":
        # dask.array has no sort: dask.dataframe's would be another program. One chunk is sorted by one worker. What it
        # has of the others' chunks stays there, so the same numbers again would cost no way.
        (x,) = settle(rng.random(length, chunks=length // 16))
        timed(lambda: (x + next(numbers)).rechunk(-1).map_blocks(np.sort)[length // 3].compute())
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
"""
)


class Maniple:
    """A daemon with workers of one thread each."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        command = [sys.executable, "-m", "maniple", "server"]
        subprocess.run([*command, "init", directory], check=True, stdout=subprocess.DEVNULL)
        # The workers' OpenBLAS has one thread, as Dask's.
        self.process = subprocess.Popen(
            [
                *command,
                "--config",
                directory,
                "--listen",
                "127.0.0.1:0",
                "--memory",
                "18g",
                "--session-memory",
                "18g",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def run(self, program: Path, *arguments: object, **more: str) -> list[float]:
        environment = more | {
            "MANIPLE_URL": f"maniple://localhost:{self.port}",
            "MANIPLE_CA": str(self.directory / "ca.pem"),
            "MANIPLE_TOKEN_FILE": str(self.directory / "token"),
        }
        return figures([sys.executable, "-m", "maniple", program, *arguments], environment)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def figures(command: list[object], environment: dict[str, str]) -> list[float]:
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr[-3000:]}")
    return [float(word) for word in done.stdout.split()[-2:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], help="all by default")
    parser.add_argument("--scale", type=float, default=1.0, help="1: arrays of about 1 GB")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dask", default=sys.executable, help="the Python that has dask.distributed")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    chosen = options.workloads or WORKLOADS
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        own, theirs = Path(folder) / "own.py", Path(folder) / "theirs.py"
        own.write_text(MANIPLE)
        theirs.write_text(DASK)
        maniple = Maniple(
            Path(folder) / "daemon", "--master", "local[2]", "--worker-threads", "1", "--worker-memory", "9g"
        )
        try:
            print(f"{'workload':12} {'Maniple s':>10} {'Dask s':>10} {'ratio':>7}")
            for name in chosen:
                mine, _ = maniple.run(own, name, options.scale, options.repeats)
                peer, _ = figures([options.dask, theirs, name, options.scale, options.repeats], {})
                results[name] = {"maniple": mine, "dask": peer, "ratio": mine / peer}
                print(f"{name:12} {mine:10.3f} {peer:10.3f} {mine / peer:7.3f}", flush=True)
        finally:
            maniple.close()
    mean = math.exp(sum(math.log(row["ratio"]) for row in results.values()) / len(results))
    print(f"geometric mean {mean:.3f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
