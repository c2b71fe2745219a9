"""Compares what does not depend on large arrays: small operations, start-up, the first result.

Each figure is the median over processes of their own, which take turns between NumPy and Maniple. What is compared:
  - a loop of 100,000 operations on arrays of 10, and of 500, elements;
  - a whole script that uses small arrays only, while a server runs;
  - the import alone: `import numpy` and `import maniple` in a plain Python;
  - the first result from arrays of a million elements, with a server running and without one.

The servers that this stops and starts are those of the user who runs it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PLAIN = [sys.executable]
MANIPLE = [sys.executable, "-m", "maniple"]

LOOP = """
import time
import numpy as np
x, y = np.linspace(0.0, 1.0, {size}), np.linspace(1.0, 2.0, {size})
def loop(count):
    z = x
    for _ in range(count // 4):
        t = x * y
        t = t + x
        z = t - y
        s = z.sum()
    return z, s
loop(4000)
start = time.perf_counter()
loop(100_000)
print(time.perf_counter() - start)
"""

SCRIPT = """
import numpy as np
table = np.arange(12.0).reshape(3, 4)
print(table.mean(axis=0), np.linalg.norm(table), np.sort(table.ravel())[::-1][:3])
"""

IMPORT = """
import time
start = time.perf_counter()
import numpy
print(time.perf_counter() - start)
"""

FIRST = """
import time
import numpy as np
start = time.perf_counter()
x = np.linspace(0.0, 1.0, 1_000_000)
y = np.sqrt(x * x + 1.0) * np.exp(-x)
total = float(y.sum())
print(time.perf_counter() - start)
"""


def run(command: list[str], script: Path) -> str:
    return subprocess.run(
        [*command, str(script)], stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True, timeout=300
    ).stdout


def printed(command: list[str], script: Path) -> float:
    """The seconds that the script itself took and printed."""
    return float(run(command, script).split()[-1])


def whole(command: list[str], script: Path) -> float:
    """The seconds from the start of the process to its end."""
    start = time.perf_counter()
    run(command, script)
    return time.perf_counter() - start


def stop_server() -> None:
    subprocess.run([*MANIPLE, "server", "stop"], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="processes for each figure (default: 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    options = parser.parse_args()

    rows: list[dict[str, object]] = []
    print(f"{'':<46} {'NumPy ms':>10} {'Maniple ms':>10} {'NumPy / Maniple':>16}")

    with tempfile.TemporaryDirectory() as folder:

        def compare(
            title: str,
            text: str,
            time_of: Callable[[list[str], Path], float],
            fresh: bool = False,
            library: bool = False,
        ) -> None:
            """fresh: without a running server. library: Maniple is imported by its name, in a plain Python."""
            script = Path(folder) / "script.py"
            script.write_text(text)
            command, own = MANIPLE, script
            if library:
                command, own = PLAIN, Path(folder) / "own.py"
                own.write_text(text.replace("import numpy", "import maniple"))
            plain, fast = [], []
            for _ in range(options.repeats):
                plain.append(time_of(PLAIN, script))
                if fresh:
                    stop_server()
                fast.append(time_of(command, own))
            a, b = statistics.median(plain), statistics.median(fast)
            rows.append({"title": title, "numpy": plain, "maniple": fast, "ratio": a / b})
            print(f"{title:<46} {a * 1e3:10.1f} {b * 1e3:10.1f} {a / b:15.2f}x", flush=True)

        first = Path(folder) / "first.py"
        first.write_text(FIRST)
        run(MANIPLE, first)  # from here on a server runs

        compare("100,000 operations on 10 elements", LOOP.format(size=10), printed)
        compare("100,000 operations on 500 elements", LOOP.format(size=500), printed)
        compare("whole script, small arrays only", SCRIPT, whole)
        compare("import alone", IMPORT, printed, library=True)
        compare("first result, server running", FIRST, printed)
        compare("first result, no server", FIRST, printed, fresh=True)

    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
