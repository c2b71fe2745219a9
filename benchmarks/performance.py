"""Measures NumPy, Maniple and their peers on this machine, in one run, and writes docs/performance.md.

For each workload every engine has a process of its own. All make their inputs and warm up, one after the other (peers
compile then); after that they take turns, one repetition each, in an order that changes from round to round. Figures
are medians; results are compared with NumPy's. What a peer needs is in requirements/peers.txt and lives in
.build/peers, which is made on first use; one that is not there is skipped by name.

examples:
  ./run benchmarks/performance.py                       (everything: about two hours)
  ./run benchmarks/performance.py --quick               (three minutes: Maniple / NumPy only, smaller arrays)
  ./run benchmarks/performance.py --install torch       (installs PyTorch, too: 3 GB)
  ./run benchmarks/performance.py --only 'jacobi*' --peers numexpr c --json result.json
  ./run benchmarks/performance.py --page --json result.json      (writes the page again, measures nothing)
"""

import argparse
import datetime
import fnmatch
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from measuring import (
    FOLDER,
    MANIPLE,
    Failure,
    Worker,
    disagreement,
    environment,
    forget_peak,
    geometric_mean,
    is_alive,
    memory,
    server_process,
    settled,
    workloads,
)
from peers import PEERS

ROOT = FOLDER.parent
RESULT = ROOT / ".build" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
PEERS_HOME = ROOT / ".build" / "peers"
PEERS_PYTHON = PEERS_HOME / "bin" / "python"
REQUIREMENTS = {"peers": ROOT / "requirements" / "peers.txt", "torch": ROOT / "requirements" / "peers-torch.txt"}
# A peer that takes longer than this for all repetitions gets fewer of them.
PATIENCE = 30.0
# Threads of libraries spin for some 30 ms after their last work.
PAUSE = 0.05

Row = dict[str, Any]


# --- who takes part ---------------------------------------------------------------------------------------------------


def install(which: str) -> str | None:
    """Install a file of requirements into the peers' environment; what went wrong, if anything did."""
    print(f"installing {REQUIREMENTS[which].relative_to(ROOT)} into .build/peers", flush=True)
    commands = [[str(PEERS_PYTHON), "-m", "pip", "install", "-q", "--no-deps", "-r", str(REQUIREMENTS[which])]]
    if not PEERS_PYTHON.exists():
        commands.insert(0, [sys.executable, "-m", "venv", str(PEERS_HOME)])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return lines[-1] if lines else f"exit status {done.returncode}"
    return None


def absent(peer: str, trouble: str | None) -> str | None:
    """Why a peer cannot take part; None if it can."""
    package = PEERS[peer].package
    if not package:
        return None if shutil.which("gcc") else "needs gcc"
    if PEERS_PYTHON.exists():
        program = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
        if subprocess.run([str(PEERS_PYTHON), "-c", program], cwd=ROOT).returncode == 0:
            return None
    if peer == "torch":
        return "not installed: --install torch does it (3 GB)"
    return f"not installed: {trouble}" if trouble else "not installed"


def participants(asked: list[str], force: str | None) -> tuple[list[str], dict[str, str]]:
    """The peers that take part, and why the others do not."""
    trouble = None
    light = [peer for peer in asked if PEERS[peer].package and peer != "torch"]
    if light and any(absent(peer, None) for peer in light):
        trouble = install("peers")
    if force == "torch" and "torch" in asked and absent("torch", None):
        trouble = install("torch")
    skipped = {peer: reason for peer in asked if (reason := absent(peer, trouble)) is not None}
    return [peer for peer in asked if peer not in skipped], skipped


def command_of(engine: str) -> tuple[list[str], str]:
    """How a worker of this engine is started, and what it is to be told."""
    if engine == "maniple":
        return MANIPLE, "numpy"
    if engine == "numpy" or not PEERS[engine].package:
        return [sys.executable], engine
    return [str(PEERS_PYTHON)], engine


# --- measuring --------------------------------------------------------------------------------------------------------


@contextmanager
def own_server(scale: float) -> Iterator[tuple[dict[str, str], int]]:
    """A server that nobody else uses, and that leaves at the end: the environment that leads to it, its process."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(scale, MANIPLE_RUNTIME_DIR=f"{folder}/server")
        try:
            yield env, server_process(env)
        finally:
            subprocess.run([*MANIPLE, "server", "stop"], env=env, capture_output=True, check=False)


def warm_up(worker: Worker, result: Row, engine: str, options: argparse.Namespace) -> int:
    """Repetitions that do not count: two, or one where it takes long or must be quick; how many are to follow."""
    result["first"] = last = worker.time()
    if last < PATIENCE / 5 and not options.quick:
        last = worker.time()
    if engine in PEERS:
        return max(1, min(options.repeats, int(PATIENCE / max(last, 1e-9))))
    return int(options.repeats)


@contextmanager
def excluding(workers: dict[str, Worker], engine: str, result: Row) -> Iterator[None]:
    """An engine that fails here takes no further part."""
    try:
        yield
    except Failure as failure:
        result["error"] = str(failure)
        del workers[engine]


def measure(workload: str, engines: list[str], env: dict[str, str], server: int, options: argparse.Namespace) -> Row:
    """Times, digests and memory of every engine on one workload."""
    results: dict[str, Row] = {engine: {} for engine in engines}
    workers: dict[str, Worker] = {}
    left: dict[str, int] = {}
    server_before = settled(server)
    with ExitStack() as stack:
        # They start and make their inputs at the same time, and compute one after the other.
        for engine in engines:
            command, told = command_of(engine)
            workers[engine] = Worker(command, told, workload, env, options.timeout)
            stack.callback(workers[engine].close)
        for engine in engines:
            with excluding(workers, engine, results[engine]):
                results[engine].update(workers[engine].ready())
        for engine in list(workers):
            with excluding(workers, engine, results[engine]):
                left[engine] = warm_up(workers[engine], results[engine], engine, options)
                results[engine]["times"] = []
                forget_peak(workers[engine].pid)
                if engine == "maniple":
                    forget_peak(server)
        for turn in range(options.repeats):
            order = list(workers)
            start = turn % max(1, len(order))
            for engine in order[start:] + order[:start]:
                if left[engine] > 0:
                    time.sleep(PAUSE)
                    with excluding(workers, engine, results[engine]):
                        results[engine]["times"].append(workers[engine].time())
                    left[engine] -= 1
        for engine in list(workers):
            with excluding(workers, engine, results[engine]):
                describe(engine, workers[engine], results[engine], server, server_before)
    return {"workload": workload, "engines": results}


def describe(engine: str, worker: Worker, result: Row, server: int, server_before: int) -> None:
    """Median, memory and digest. Memory that client and server have mapped both counts once."""
    result["median"] = statistics.median(result["times"])
    here = memory(worker.pid)
    result["memory"] = here["VmHWM"]
    if engine == "maniple":
        there = memory(server)
        growth = max(0, there["VmHWM"] - server_before)
        result["memory"] += growth - min(growth, here["RssShmem"], there["RssShmem"])
    result["digest"] = worker.digest()


def judge(row: Row, tolerance: float) -> None:
    """Say of each engine whether its results are NumPy's; those of Maniple must have NumPy's types, too."""
    results = row["engines"]
    expected = results["numpy"].pop("digest", None)
    for engine, result in results.items():
        got, own = result.pop("digest", None), result.pop("tolerance", None)
        if engine == "numpy" or "error" in result:
            continue
        if expected is None:
            result["error"] = "NumPy has no result"
            continue
        allowed = max(tolerance, own or 0.0)
        difference = disagreement(expected, got, allowed, types=engine == "maniple")
        if difference is not None:
            result["error"] = difference


def processor() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()


def vectors() -> str:
    flags = Path("/proc/cpuinfo").read_text()
    return "AVX-512" if " avx512f " in flags else "AVX2" if " avx2 " in flags else "no AVX2"


def machine() -> dict[str, Any]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "processor": f"{processor()}, {vectors()}",
        "memory": f"{total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


# --- showing ----------------------------------------------------------------------------------------------------------


def ratio(row: Row, engine: str) -> float | None:
    """Time as a part of NumPy's."""
    result, plain = row["engines"].get(engine, {}), row["engines"]["numpy"]
    if "error" in result or "error" in plain or "median" not in result:
        return None
    return float(result["median"] / plain["median"])


def show(row: Row, engines: list[str]) -> None:
    plain = row["engines"]["numpy"]
    cells = [f"{row['workload']:<32}", f"{plain['median'] * 1e3:10.1f}" if "median" in plain else f"{'-':>10}"]
    problems = []
    for engine in engines[1:]:
        value = ratio(row, engine)
        cells.append(f"{value:11.2f}" if value is not None else f"{'-':>11}")
    for engine, result in row["engines"].items():
        if "error" in result:
            problems.append(f"    {engine}: {result['error']}")
    print("\n".join([" ".join(cells), *problems]), flush=True)


def write_page(result: Path, page: Path) -> int:
    """The page and its picture, by a plain Python, which may import NumPy and Matplotlib."""
    return subprocess.run([sys.executable, str(FOLDER / "page.py"), str(result), str(page)]).returncode


def listing(known: list[str]) -> str:
    """Which peer runs which workload, and how."""
    lines = [f"{'':<32} " + " ".join(f"{peer:>11}" for peer in PEERS)]
    for name in known:
        styles = (peer.style if name in peer.workloads else "-" for peer in PEERS.values())
        lines.append(f"{name:<32} " + " ".join(f"{style:>11}" for style in styles))
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", default=["*"], help="workloads by name, * and ? allowed"
    )
    parser.add_argument(
        "--peers", nargs="*", metavar="PEER", default=list(PEERS), help=f"some of: {' '.join(PEERS)} (default: all)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="Maniple / NumPy only: no peers, arrays of a fifth, no page"
    )
    parser.add_argument("--repeats", type=int, help="timed repetitions of each engine (default: 5; quick: 3)")
    parser.add_argument("--scale", type=float, help="size of the arrays, as a factor (default: 1; quick: 0.2)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one answer (default: 300)")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="all figures (default, when all is run: .build/performance.json)"
    )
    parser.add_argument("--page", action="store_true", help="only write the page again from the figures")
    parser.add_argument(
        "--page-file", type=Path, metavar="FILE", help="the page (default, when all is run: docs/performance.md)"
    )
    parser.add_argument("--resume", action="store_true", help="keep the workloads that the figures have already")
    parser.add_argument("--install", choices=["torch"], help="install this peer if it is missing")
    parser.add_argument("--list", action="store_true", help="list the workloads and who runs them, and stop")
    options = parser.parse_args()
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if options.quick:
        options.peers = []
    options.repeats = options.repeats or (3 if options.quick else 5)
    options.scale = options.scale or (0.2 if options.quick else 1.0)
    # Only a full run makes the page of the project; anything else must be asked for.
    partial = options.quick or options.only != ["*"] or options.scale != 1.0 or set(options.peers) != set(PEERS)
    if options.page_file is None and (options.page or not partial):
        options.page_file = PAGE
    if options.json is None and (options.page or not partial):
        options.json = RESULT
    if options.json is None and (options.page_file is not None or options.resume):
        parser.error("a part of the whole needs --json for its figures")
    return options


def summary(rows: list[Row], options: argparse.Namespace) -> int:
    """The last lines, and the exit status: 1 where Maniple has no result or another than NumPy."""
    ratios = [value for row in rows if (value := ratio(row, "maniple")) is not None]
    if ratios:
        print(
            f"{len(ratios)} of {len(rows)} workloads agree; Maniple / NumPy: geometric mean {geometric_mean(ratios):.3f}, "
            f"largest {max(ratios):.2f}"
        )
    if options.json:
        print(f"figures: {options.json}")
    if options.page_file:
        status = write_page(options.json, options.page_file)
        if status != 0:
            return status
        print(f"page: {options.page_file}")
    return 0 if len(ratios) == len(rows) else 1


def main() -> int:
    options = parse()
    known = workloads()
    if options.list:
        print(listing(list(known)))
        return 0
    if options.page:
        return write_page(options.json, options.page_file)
    chosen = [name for name in known if any(fnmatch.fnmatch(name, pattern) for pattern in options.only)]
    if not chosen:
        print("no such workload; --list names them", file=sys.stderr)
        return 2
    peers, skipped = participants(options.peers, options.install)
    for peer, reason in skipped.items():
        print(f"skipped: {PEERS[peer].title}: {reason}")
    engines = ["numpy", "maniple", *peers]
    report: Row = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "scale": options.scale,
        "repeats": options.repeats,
        "skipped": skipped,
        "rows": [],
    }
    done: dict[str, Row] = {}
    if options.resume and options.json.exists():
        before = json.loads(options.json.read_text())
        if (before["scale"], before["machine"]) == (report["scale"], report["machine"]):
            done = {row["workload"]: row for row in before["rows"]}
    if options.scale != 1.0:
        print(f"arrays are {options.scale:g} times as large as the names say")
    print(f"{'time / NumPy':<32} {'NumPy ms':>10} " + " ".join(f"{engine:>11}" for engine in engines[1:]), flush=True)
    with own_server(options.scale) as (env, server):
        for name in chosen:
            if name in done:
                row = done[name]
            else:
                if not is_alive(server):
                    print("the server was lost and is started again")
                    server = server_process(env)
                taking_part = [e for e in engines if e not in PEERS or name in PEERS[e].workloads]
                row = measure(name, taking_part, env, server, options)
                row["group"] = known[name]["group"]
                judge(row, known[name]["tolerance"])
            show(row, engines)
            report["rows"].append(row)
            if options.json:
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(report, indent=1))
    return summary(report["rows"], options)


if __name__ == "__main__":
    sys.exit(main())
