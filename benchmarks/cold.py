"""What a script pays from start to end, from its first import to the last line: plain NumPy against Maniple.

Three programs, each made so long that plain NumPy takes 0.3 s and 2 s for the whole process, in three states:
  cold      no server, empty caches, and nothing of the installation in memory (neither for NumPy)
  start     no server: it is started by the script
  running   a server that has run the same program before
Runs take turns between NumPy and Maniple; figures are medians. The server is one of its own, which leaves at the end.

examples:
  ./run benchmarks/cold.py
  ./run benchmarks/cold.py --only grid --seconds 0.3 --repeats 9 --json result.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measuring import MANIPLE, environment

ROOT = Path(__file__).resolve().parents[1]
PLAIN = [sys.executable]
STATES = ("cold", "start", "running")

PROGRAMS = {
    "elementwise": """
import sys
import numpy as np
x = np.linspace(0.0, 10.0, 1_000_000)
total = 0.0
for step in range(int(sys.argv[1])):
    y = np.sqrt(x * x + step) * np.exp(-x) + np.sin(x) ** 2
    total += float(y.sum()) + float(y[y > 0.5].mean())
print(f"{total:.6e}")
""",
    "grid": """
import sys
import numpy as np
u = np.zeros((1000, 1000))
u[400:600, 400:600] = 1.0
for _ in range(int(sys.argv[1])):
    u[1:-1, 1:-1] += 0.2 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1])
print(f"{u.mean():.6e} {u.max():.6e}")
""",
    "table": """
import sys
import numpy as np
rng = np.random.default_rng(1)
total = 0.0
for _ in range(int(sys.argv[1])):
    group, value = rng.integers(0, 100, 200_000), rng.random(200_000)
    counts, sums = np.bincount(group, minlength=100), np.bincount(group, weights=value, minlength=100)
    ordered = np.sort(value)
    total += float((sums / counts).max()) + float(ordered[::1000].std()) + float(np.histogram(value, bins=50)[0].max())
print(f"{total:.6e}")
""",
}


def seconds(command: list[str], program: Path, steps: int, env: dict[str, str]) -> tuple[float, str]:
    """From the start of the process to its end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [*command, str(program), str(steps)],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    taken = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return taken, done.stdout


def steps_for(target: float, program: Path, env: dict[str, str]) -> int:
    """How often the program's loop must run for plain NumPy to take about so many seconds in all."""
    base = min(seconds(PLAIN, program, 0, env)[0] for _ in range(3))
    steps = 1
    while True:
        taken = seconds(PLAIN, program, steps, env)[0] - base
        if taken > 0.3 * target or steps > 1_000_000:
            return max(1, round(steps * max(target - base, 0.01) / taken))
        steps = max(steps + 1, int(steps * min(10.0, 0.5 * target / max(taken, 1e-3))))


def installation() -> Iterable[Path]:
    """All that either of the two reads: packages, jars, the Java runtime, the server's archive."""
    for folder in (
        Path(sys.prefix),
        ROOT / "python-shim" / "src",
        ROOT / ".build" / "jars",
        ROOT / ".build" / "runtime",
    ):
        yield from (path for path in folder.rglob("*") if path.is_file())
    yield from (ROOT / ".build").glob("server.aot*")


def evict(paths: Iterable[Path]) -> None:
    """Let go of what the system keeps of these files in memory."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def stop_server(env: dict[str, str]) -> None:
    subprocess.run([*MANIPLE, "server", "stop"], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def compare(program: Path, steps: int, state: str, repeats: int, folder: Path) -> dict[str, Any]:
    """Both, in turns, in one state."""
    plain, fast = [], []
    env = environment(1.0, MANIPLE_RUNTIME_DIR=str(folder / "server"), XDG_CACHE_HOME=str(folder / "cache"))
    if state == "running":
        seconds(MANIPLE, program, steps, env)
    for turn in range(repeats):
        if state == "cold":
            env["XDG_CACHE_HOME"] = str(folder / f"cache-{program.stem}-{steps}-{turn}")
            stop_server(env)
            evict(installation())
        taken, expected = seconds(PLAIN, program, steps, env)
        plain.append(taken)
        if state == "cold":
            evict(installation())
        elif state == "start":
            stop_server(env)
        taken, printed = seconds(MANIPLE, program, steps, env)
        fast.append(taken)
        if printed != expected:
            raise SystemExit(f"{program.stem} printed {printed!r} instead of {expected!r}")
    ratio = statistics.median(fast) / statistics.median(plain)
    return {"program": program.stem, "steps": steps, "state": state, "numpy": plain, "maniple": fast, "ratio": ratio}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=list(PROGRAMS), default=list(PROGRAMS), help="programs (default: all)"
    )
    parser.add_argument("--states", nargs="+", choices=STATES, default=list(STATES), help="states (default: all)")
    parser.add_argument(
        "--seconds", nargs="+", type=float, default=[0.3, 2.0], help="what plain NumPy is to take (default: 0.3 2)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    options = parser.parse_args()

    rows = []
    print(f"{'whole process':<16} {'state':<8} {'NumPy s':>9} {'Maniple s':>10} {'Maniple / NumPy':>16}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        env = environment(1.0, MANIPLE_RUNTIME_DIR=str(folder / "server"))
        try:
            for name in options.only:
                program = folder / f"{name}.py"
                program.write_text(PROGRAMS[name])
                for target in options.seconds:
                    steps = steps_for(target, program, env)
                    for state in options.states:
                        row = compare(program, steps, state, options.repeats, folder)
                        rows.append({**row, "seconds": target})
                        plain, fast = statistics.median(row["numpy"]), statistics.median(row["maniple"])
                        title = f"{name} {target:g} s"
                        print(f"{title:<16} {state:<8} {plain:9.2f} {fast:10.2f} {row['ratio']:16.2f}", flush=True)
        finally:
            stop_server(env)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
