"""Checks Maniple on this machine's GPU and times it beside NumPy, CuPy and JAX: python3 check.py [options].

What is needed of the machine: NVIDIA's driver, Python 3.11 or newer and NumPy 2.4; CuPy and JAX take part where they are
installed. Java, Maniple and NVRTC come with the folder. Results go to result.json and table.md beside this file, or where
--output says; what failed is listed, and the exit status is 1.

  --dry-run        small arrays on an emulated GPU (needs g++)
  --quick          a tenth of the sizes, fewer random programs; of a dry run some examples and programs only
  --only PART      operations, examples, random or timings; may be given several times
  --programs N     random programs (500)
  --output FOLDER  where the results go
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS = ("operations", "examples", "random", "timings")
ENGINES = ("numpy", "maniple", "cupy", "cupy fused", "jax jit")
EXAMPLES: dict[str, list[str]] = {
    "black_scholes": ["1000000"], "color_quantization": ["16", "6"], "conjugate_gradient": ["400", "60"],
    "heat3d": ["128", "20"], "image_filter": ["1"], "jacobi2d": ["1000", "100"], "life": ["1000", "40"],
    "logistic_regression": ["20"], "lstm_forward": ["256", "16"], "mandelbrot": ["600", "40"],
    "monte_carlo_options": ["1000000", "20"], "nbody": ["800", "6"], "pca": ["3"], "wave2d": ["600", "120"],
}  # fmt: skip
SMALL_EXAMPLES: dict[str, list[str]] = {
    "black_scholes": ["50000"], "conjugate_gradient": ["200", "20"], "jacobi2d": ["300", "20"], "life": ["300", "10"],
    "nbody": ["200", "3"], "wave2d": ["200", "20"],
}  # fmt: skip

# What a quick dry run does, in half a minute.
QUICK_EXAMPLES = ("black_scholes", "life")
QUICK_WORKLOADS = ("chain f64 64M", "Jacobi 4096² x 50", "masked sum 64M", "sort 32M", "gather 32M", "GEMM 4096²")
QUICK_PROGRAMS = 5


class Check:
    """The run: where things are, and what came of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.failures: list[str] = []
        self.result: dict[str, Any] = {}
        self.home = Path(tempfile.mkdtemp(prefix="maniple-gpu-check-"))
        self.environment = self._environment()

    def close(self) -> None:
        self.maniple("server", "stop", patience=30)
        shutil.rmtree(self.home, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        for archive in ("runtime.tar.xz", "nvrtc.tar.xz"):
            if (HERE / archive).exists():
                with tarfile.open(HERE / archive) as tar:
                    tar.extractall(self.home, filter="data")
        runtime = self.home / "server"
        runtime.mkdir(mode=0o700)
        environment = {
            **os.environ,
            "MANIPLE_JARS": str(HERE / "jars"),
            "MANIPLE_JAVA_HOME": str(self.home / "runtime"),
            "MANIPLE_RUNTIME_DIR": str(runtime),
            "MANIPLE_KERNEL_CACHE": str(self.home / "kernels"),
            "MANIPLE_CUDA": str(self.home / "nvrtc"),
            "MANIPLE_DEVICE": "gpu",
            "PYTHONPATH": os.pathsep.join([str(HERE / "site"), str(HERE)]),
        }
        if self.options.dry_run:
            environment["MANIPLE_GPU_EMULATE"] = "1"
        return environment

    def run(self, *command: str, patience: float = 900, **extra: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [sys.executable, *command],
                env={**self.environment, **extra},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"not done after {patience:g} s")

    def maniple(self, *command: str, patience: float = 900) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "maniple", *command, patience=patience)

    def quick_dry_run(self) -> bool:
        return bool(self.options.dry_run and self.options.quick)

    def fail(self, what: str) -> None:
        print(f"FAILED: {what}", flush=True)
        self.failures.append(what)

    # -- correctness ---------------------------------------------------------------------------------------------------

    def device(self) -> bool:
        """Whether there is a GPU and kernels run on it; its name."""
        profile = self.home / "profile.json"
        program = self.home / "first.py"
        program.write_text(
            "import numpy as np\nx = np.arange(100_000, dtype=float)\nprint((np.sqrt(x) + 1).sum(), np.sort(-x)[0])\n"
        )
        done = self.maniple("--profile-json", str(profile), str(program))
        device = json.loads(profile.read_text())["device"] if profile.exists() else {}
        self.result["device"] = device
        if done.returncode or device.get("failure") or not device.get("steps"):
            self.fail(f"no kernel ran on the GPU: {device.get('failure') or done.stderr.strip()[-500:]}")
            return False
        print(f"GPU: {device['name']}", flush=True)
        return True

    def operations(self) -> None:
        if self.options.dry_run:
            print("operations: not in a dry run (they are compiled and run by the device alone)", flush=True)
            return
        output = self.options.output / "operations.json"
        folder = self.home / "nvrtc"
        done = self.run(
            str(HERE / "operations.py"), str(HERE / "operations"), "--json", str(output), MANIPLE_NVRTC=str(folder)
        )
        print(done.stdout[-1500:], flush=True)
        if done.returncode:
            self.fail(f"operations: {(done.stdout + done.stderr)[-500:]}")

    def examples(self) -> None:
        sizes = SMALL_EXAMPLES if self.options.dry_run else EXAMPLES
        if self.quick_dry_run():
            sizes = {name: sizes[name] for name in QUICK_EXAMPLES}
        right = 0
        for name, arguments in sizes.items():
            script = str(HERE / "examples" / f"{name}.py")
            want = self.run(script, *arguments)
            if want.returncode:
                print(
                    f"example {name}: left out, NumPy alone fails: {want.stderr.strip().splitlines()[-1]}", flush=True
                )
                continue
            got = self.maniple(script, *arguments)
            if got.stdout != want.stdout or got.returncode:
                self.fail(f"example {name}: {(got.stderr or got.stdout)[-300:]}")
            else:
                right += 1
        print(f"{right} of {len(sizes)} examples print the same", flush=True)
        self.result["examples"] = [right, len(sizes)]

    def random(self) -> None:
        usual = 20 if self.options.dry_run else 100 if self.options.quick else 500
        programs = self.options.programs or (QUICK_PROGRAMS if self.quick_dry_run() else usual)
        done = self.run(
            str(HERE / "tests" / "random_programs.py"), "--programs", str(programs), "--seed", "1", patience=3600
        )
        if done.returncode:
            self.fail(f"random programs: {(done.stdout + done.stderr)[-1500:]}")
        else:
            print(done.stdout.strip().splitlines()[-1], flush=True)
        self.result["random"] = {"programs": programs, "agree": not done.returncode}

    # -- timings -------------------------------------------------------------------------------------------------------

    def timings(self) -> None:
        scale = 1e-4 if self.options.dry_run else 0.1 if self.options.quick else 1.0
        table: dict[str, dict[str, Any]] = {}
        versions = self.result["engines"] = {}
        for engine in ENGINES:
            repetitions = 2 if self.options.dry_run else 1 if engine == "numpy" else 7
            print(f"timing {engine} …", flush=True)
            # Arrays of a dry run are too small to be deferred otherwise.
            small = {"MANIPLE_DEFER_ALL": "1", "MANIPLE_HOST": "0"} if self.options.dry_run else {}
            chosen = QUICK_WORKLOADS if self.quick_dry_run() else ()
            worker = (str(HERE / "worker.py"), engine, str(scale), str(repetitions), *chosen)
            done = self.run(*worker, patience=3600, **small)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if done.returncode or not lines:
                self.fail(f"timing {engine}: {done.stderr.strip()[-500:]}")
                continue
            versions[engine] = lines[0]
            if "missing" in lines[0]:
                print(f"{engine}: not on this machine ({lines[0]['missing']})", flush=True)
            for row in lines[1:]:
                table.setdefault(row["workload"], {})[engine] = row
        self.compare(table)
        self.result["timings"] = table
        text = page(self.result, table)
        (self.options.output / "table.md").write_text(text)
        print(text, flush=True)

    def compare(self, table: dict[str, dict[str, Any]]) -> None:
        from workloads import WORKLOADS

        for name, rows in table.items():
            want = rows.get("numpy", {}).get("digest")
            for engine, row in rows.items():
                if engine == "maniple" and "error" in row:
                    self.fail(f"{name}: {row['error']}")
                if want is None or "digest" not in row:
                    continue
                size = max(want[0], 1e-300)
                furthest = max(
                    0.0 if a == b or (a != a and b != b) else abs(a - b) / size
                    for a, b in zip(want, row["digest"], strict=True)
                )
                row["error_of_size"] = furthest
                if engine == "maniple" and not furthest <= WORKLOADS[name].tolerance:
                    self.fail(f"{name}: {furthest:.1e} away from NumPy's result")


def median(row: dict[str, Any] | None) -> float:
    return statistics.median(row["seconds"]) if row and "seconds" in row else math.nan


def page(result: dict[str, Any], table: dict[str, dict[str, Any]]) -> str:
    """The table for people, in Markdown."""
    versions = result.get("engines", {})
    heads = [f"{e} {versions.get(e, {}).get('version', '-')}" for e in ENGINES]
    lines = [
        f"{result['date']}, {result['device'].get('name', '?')}, Python {platform.python_version()}; medians in ms",
        "",
        "| workload | " + " | ".join(heads) + " | GB/s | of the copy |",
        "|---" * (len(ENGINES) + 3) + "|",
    ]
    ratios: dict[str, list[float]] = {engine: [] for engine in ENGINES if engine != "maniple"}
    copies = {kind: rate(table.get(f"copy {kind} 64M", {}).get("maniple")) for kind in ("f64", "f32")}
    for name, rows in table.items():
        times = {engine: median(rows.get(engine)) for engine in ENGINES}
        own = rate(rows.get("maniple"))
        of_copy = own / copies["f32" if "f32" in name else "f64"] if own else math.nan
        cells = [f"{1e3 * t:.3g}" if t == t else "-" for t in times.values()]
        cells += [f"{own / 1e9:.0f}" if own == own else "", f"{of_copy:.2f}" if of_copy == of_copy else ""]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        for engine, list_ in ratios.items():
            ratio = times["maniple"] / times[engine]
            if ratio == ratio and not name.startswith("copy"):
                list_.append(ratio)
    lines.append("")
    for engine, list_ in ratios.items():
        if list_:
            mean = math.exp(statistics.fmean(map(math.log, list_)))
            lines.append(f"Maniple's time over that of {engine}, geometric mean of {len(list_)}: {mean:.2f}")
    return "\n".join(lines) + "\n"


def rate(row: dict[str, Any] | None) -> float:
    """Bytes a second of one pass over inputs and results."""
    return row["bytes"] / median(row) if row and "bytes" in row and "seconds" in row else math.nan


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--programs", type=int, default=0)
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        import numpy
    except ImportError:
        raise SystemExit("NumPy is needed: pip install numpy") from None
    if tuple(map(int, numpy.__version__.split(".")[:2])) < (2, 4):
        print(f"NumPy {numpy.__version__} is here; Maniple is made for 2.4: some of it may differ", flush=True)
    check = Check(options)
    check.result |= {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "numpy": numpy.__version__,
        "dry_run": options.dry_run,
        "failures": check.failures,
    }
    try:
        if check.device():
            for part in options.only or PARTS:
                getattr(check, part)()
    finally:
        check.close()
    (options.output / "result.json").write_text(json.dumps(check.result, indent=1))
    for failure in check.failures:
        print(f"FAILED: {failure}")
    print(f"{len(check.failures)} failures")
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
