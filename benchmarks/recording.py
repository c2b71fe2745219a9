"""What recording an operation costs the program: the time of its own thread, and instructions, for each operation.

Large arrays are added, multiplied, cut and so on without anybody looking at a result, so that nothing waits for the
server. The same with plain NumPy on arrays of ten elements is shown beside it: what a call costs there. Instructions are
counted by Valgrind where it is installed (--instructions): they do not depend on what else the machine does.

examples:
  ./run benchmarks/recording.py
  ./run benchmarks/recording.py --instructions --only 'x + 1.0'
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import MANIPLE, environment

OPERATIONS = {
    "x + 1.0": "x + 1.0",
    "x * y": "x * y",
    "x += y": "x.__iadd__(y)",
    "np.sqrt(x)": "np.sqrt(x)",
    "np.where(m, x, y)": "np.where(m, x, y)",
    "x[1:-1]": "x[1:-1]",
}

PROGRAM = """
import sys
import time
import numpy as np
size, count, repeats = map(int, sys.argv[1:])
x, y = np.linspace(0.0, 1.0, size) + 0.5, np.linspace(1.0, 2.0, size) + 0.5
m = x > y
flush = getattr(sys.modules.get("maniple"), "flush", lambda: None)
def run(count):
    for _ in range(count):
        {operation}
run(200)
for _ in range(repeats):
    flush()
    start = time.thread_time()
    run(count)
    print((time.thread_time() - start) / count)
flush()
"""


def output(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout + done.stderr


def microseconds(command: list[str], size: int, options: argparse.Namespace, env: dict[str, str]) -> float:
    text = output([*command, str(size), str(options.count), str(options.repeats)], env)
    return statistics.median(map(float, text.split())) * 1e6


def instructions(command: list[str], size: int, env: dict[str, str]) -> float:
    """Of all the process's threads, for one operation: the difference between few and many."""
    counts = []
    for count in (500, 1500):
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        text = output([*valgrind, *command, str(size), str(count), "1"], env)
        found = re.search(r"Collected : (\d+)", text)
        assert found is not None
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(OPERATIONS), default=list(OPERATIONS), help="(default: all)")
    parser.add_argument("--count", type=int, default=2000, help="operations in each repetition (default: 2000)")
    parser.add_argument("--repeats", type=int, default=7, help="repetitions (default: 7)")
    parser.add_argument("--size", type=int, default=100_000, help="elements of the arrays recorded (default: 100000)")
    parser.add_argument("--instructions", action="store_true", help="count instructions, too (minutes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    options = parser.parse_args()
    if options.instructions and shutil.which("valgrind") is None:
        parser.error("--instructions needs valgrind")

    rows = []
    titles = ["NumPy, 10 elements: us", "Maniple, recorded: us", *(["instructions"] * options.instructions)]
    print(f"{'one operation':<20} " + " ".join(f"{title:>22}" for title in titles))
    with tempfile.TemporaryDirectory() as temporary:
        env = environment(1.0, MANIPLE_RUNTIME_DIR=f"{temporary}/server")
        try:
            script = Path(temporary) / "script.py"
            for name in options.only:
                script.write_text(PROGRAM.replace("{operation}", OPERATIONS[name]))
                plain = microseconds([sys.executable, str(script)], 10, options, env)
                recorded = microseconds([*MANIPLE, str(script)], options.size, options, env)
                figures = [plain, recorded]
                if options.instructions:
                    figures.append(instructions([*MANIPLE, str(script)], options.size, env))
                rows.append(
                    {"operation": name, **dict(zip(("numpy", "maniple", "instructions"), figures, strict=False))}
                )
                print(f"{name:<20} " + " ".join(f"{figure:22,.2f}" for figure in figures), flush=True)
        finally:
            subprocess.run(
                [*MANIPLE, "server", "stop"], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
