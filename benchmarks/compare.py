"""Compares Maniple with plain NumPy on this machine, workload by workload.

Every workload runs in a process of its own for each engine, one after the other: inputs are made, the computation is
done once (reported as "first": it includes the server's start where none runs, and the planning), once more to warm up,
and then timed; the figure is the median. Results are compared: a workload whose results disagree has no ratio, and the
exit status is 1. Close other programs first; the machine's own noise is shown as the spread, (max - min) / median.

examples:
  ./run benchmarks/compare.py
  ./run benchmarks/compare.py --only 'black*' 'jacobi*' --json result.json
  ./run benchmarks/compare.py --scale 0.01          (arrays of a hundredth of the size: a quick check)
"""

import argparse
import fnmatch
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from measuring import MANIPLE, Failure, Worker, disagreement, environment, geometric_mean, workloads

ENGINES = {"numpy": [sys.executable], "maniple": MANIPLE}


def measure(engine: str, name: str, options: argparse.Namespace) -> dict[str, Any]:
    worker = Worker(ENGINES[engine], "numpy", name, environment(options.scale), options.timeout)
    try:
        worker.ready()
        times = [worker.time() for _ in range(2 + options.repeats)]
        digest = worker.digest()
    except Failure as failure:
        return {"error": str(failure)}
    finally:
        worker.close()
    return {"first": times[0], "median": statistics.median(times[2:]), "times": times[2:], "digest": digest}


def spread(times: list[float], median: float) -> str:
    return f"{(max(times) - min(times)) / median:4.0%}"


def compare(name: str, tolerance: float, options: argparse.Namespace) -> dict[str, Any]:
    row: dict[str, Any] = {"workload": name}
    for engine in ENGINES:
        row[engine] = measure(engine, name, options)
    plain, fast = row["numpy"], row["maniple"]
    row["problem"] = plain.get("error") or fast.get("error")
    if row["problem"] is None:
        row["problem"] = disagreement(plain.pop("digest"), fast.pop("digest"), tolerance)
    if row["problem"] is None:
        row["ratio"] = plain["median"] / fast["median"]
    return row


def show(row: dict[str, Any]) -> None:
    plain, fast = row["numpy"], row["maniple"]
    cells = [f"{row['workload']:<32}"]
    for result in (plain, fast):
        if "error" in result:
            cells.append(f"{'-':>10} {'':>4}")
        else:
            cells.append(f"{result['median'] * 1e3:10.1f} {spread(result['times'], result['median'])}")
    cells.append(f"{fast['first'] * 1e3:10.1f}" if "first" in fast else f"{'-':>10}")
    cells.append(f"{row['ratio']:7.2f}x" if "ratio" in row else f"  {row['problem']}")
    print(" ".join(cells), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", default=["*"], help="workloads by name, * and ? allowed"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed repetitions in each process (default: 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the arrays, as a factor (default: 1)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one answer (default: 300)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--list", action="store_true", help="list the workloads and stop")
    options = parser.parse_args()

    known = workloads()
    chosen = [name for name in known if any(fnmatch.fnmatch(name, pattern) for pattern in options.only)]
    if options.list or not chosen:
        print("\n".join(known))
        return 0 if options.list else 2

    if options.scale != 1.0:
        print(f"arrays are {options.scale:g} times as large as the names say")
    print(f"{'':<32} {'NumPy ms':>10} {'':>4} {'Maniple ms':>10} {'':>4} {'first ms':>10} {'ratio':>8}")
    rows = []
    for name in chosen:
        rows.append(compare(name, known[name]["tolerance"], options))
        show(rows[-1])
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if ratios:
        print(
            f"{len(ratios)} of {len(rows)} workloads agree; geometric mean of the ratios {geometric_mean(ratios):.2f}x"
        )
    if options.json:
        machine = {"platform": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()}
        options.json.write_text(json.dumps({"machine": machine, "scale": options.scale, "rows": rows}, indent=1))
    return 0 if len(ratios) == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
