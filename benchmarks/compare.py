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
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ENGINES = {"numpy": [sys.executable], "maniple": [sys.executable, "-m", "maniple"]}


def measure(engine: str, name: str, repeats: int, timeout: float) -> dict[str, Any]:
    command = [*ENGINES[engine], str(FOLDER / "worker.py"), name, str(repeats)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {timeout:g} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit status {done.returncode}", "stderr": done.stderr}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def disagreement(expected: list[dict[str, Any]], got: list[dict[str, Any]], tolerance: float) -> str | None:
    if len(expected) != len(got):
        return f"{len(got)} results instead of {len(expected)}"
    for want, have in zip(expected, got, strict=True):
        for key in ("dtype", "shape"):
            if want[key] != have[key]:
                return f"{key} {have[key]} instead of {want[key]}"
        allowed = tolerance * max(want["largest"], 1e-300)
        pairs = zip(want["sample"], have["sample"], strict=True)
        worst = max((math.dist(a, b) for a, b in pairs), default=0.0)
        worst = max(worst, abs(want["mean"] - have["mean"]))
        if not worst <= allowed:
            return f"differs by {worst:.3g}, allowed {allowed:.3g}"
    return None


def spread(times: list[float], median: float) -> str:
    return f"{(max(times) - min(times)) / median:4.0%}"


def workloads() -> dict[str, float]:
    """Names and tolerances; asked of another process, so that this one needs no NumPy of either kind."""
    program = "import json, workloads; print(json.dumps({k: w.tolerance for k, w in workloads.WORKLOADS.items()}))"
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER, check=True, capture_output=True, text=True
    ).stdout
    names: dict[str, float] = json.loads(output)
    return names


def compare(name: str, tolerance: float, options: argparse.Namespace) -> dict[str, Any]:
    row: dict[str, Any] = {"workload": name}
    for engine in ENGINES:
        row[engine] = measure(engine, name, options.repeats, options.timeout)
    plain, fast = row["numpy"], row["maniple"]
    row["problem"] = plain.get("error") or fast.get("error")
    if row["problem"] is None:
        row["problem"] = disagreement(plain.pop("digest"), fast.pop("digest"), tolerance)
    if row["problem"] is None:
        row["ratio"] = plain["median"] / fast["median"]
    return row


def show(row: dict[str, Any]) -> None:
    plain, fast = row["numpy"], row["maniple"]
    cells = [f"{row['workload']:<30}"]
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
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one process (default: 300)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--list", action="store_true", help="list the workloads and stop")
    options = parser.parse_args()
    os.environ["BENCHMARK_SCALE"] = str(options.scale)

    known = workloads()
    chosen = [name for name in known if any(fnmatch.fnmatch(name, pattern) for pattern in options.only)]
    if options.list or not chosen:
        print("\n".join(known))
        return 0 if options.list else 2

    if options.scale != 1.0:
        print(f"arrays are {options.scale:g} times as large as the names say")
    print(f"{'':<30} {'NumPy ms':>10} {'':>4} {'Maniple ms':>10} {'':>4} {'first ms':>10} {'ratio':>8}")
    rows = []
    for name in chosen:
        rows.append(compare(name, known[name], options))
        show(rows[-1])
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"{len(ratios)} of {len(rows)} workloads agree; geometric mean of the ratios {mean:.2f}x")
    if options.json:
        machine = {"platform": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()}
        options.json.write_text(json.dumps({"machine": machine, "scale": options.scale, "rows": rows}, indent=1))
    return 0 if len(ratios) == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
