"""Runs workers (worker.py), reads their times and memory, and compares their results.

Nothing here imports NumPy of either kind, so that it can be used in a process of any.
"""

import json
import math
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
MANIPLE = [sys.executable, "-m", "maniple"]
STATUS = {"VmRSS": 0, "VmHWM": 0, "RssShmem": 0}


class Failure(Exception):
    """A worker gave no result; the message says why in one line."""


# Before an engine has its turn.
SETTLING_SECONDS = 0.06


def environment(scale: float, **more: str) -> dict[str, str]:
    """That of the workers. An OpenBLAS kernel chosen by hand would not be the one that NumPy has for this machine."""
    unwanted = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "BENCHMARK_SCALE": str(scale), **more}


class Worker:
    """A process that runs one workload with one engine."""

    def __init__(self, command: list[str], engine: str, workload: str, env: dict[str, str], timeout: float) -> None:
        self._timeout = timeout
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [*command, str(FOLDER / "worker.py"), engine, workload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=env,
        )  # fmt: skip
        self._buffer = b""
        self.pid = self._process.pid

    def ready(self) -> dict[str, Any]:
        """Wait until the inputs are made: what the worker says of itself."""
        return self._answer()

    def time(self) -> float:
        # OpenBLAS's threads of another engine go on looking for work for some 25 ms after its turn.
        time.sleep(SETTLING_SECONDS)
        return float(self._ask("time")["seconds"])

    def digest(self) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self._ask("digest")["digest"]
        return result

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _ask(self, question: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{question}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failure(self._reason()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + self._timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise Failure(f"no result within {self._timeout:g} s")
            more = os.read(self._process.stdout.fileno(), 1 << 16)
            if not more:
                raise Failure(self._reason())
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _reason(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        lines = [line for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit status {status}"


def disagreement(
    expected: list[dict[str, Any]], got: list[dict[str, Any]], tolerance: float, types: bool = True
) -> str | None:
    """In what the results differ by more than they may; types: their data types count, too."""
    if len(expected) != len(got):
        return f"{len(got)} results instead of {len(expected)}"
    for want, have in zip(expected, got, strict=True):
        for key in ("dtype", "shape") if types else ("shape",):
            if want[key] != have[key]:
                return f"{key} {have[key]} instead of {want[key]}"
        allowed = tolerance * max(want["largest"], 1e-300)
        pairs = zip(want["sample"], have["sample"], strict=True)
        worst = max((math.dist(a, b) for a, b in pairs), default=0.0)
        worst = max(worst, abs(want["mean"] - have["mean"]))
        if not worst <= allowed:
            return f"differs by {worst:.3g}, allowed {allowed:.3g}"
    return None


def memory(pid: int) -> dict[str, int]:
    """Bytes: what is resident, the most that ever was, and what of it is shared."""
    found = dict(STATUS)
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        raise Failure(f"process {pid} is gone") from None
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key in found:
            found[key] = int(value.split()[0]) * 1024
    return found


def forget_peak(pid: int) -> None:
    """From now on VmHWM counts anew."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        raise Failure(f"process {pid} is gone") from None


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def settled(pid: int, patience: float = 3.0) -> int:
    """Resident bytes, once they no longer become fewer: what a process before this one left is freed by then."""
    deadline = time.monotonic() + patience
    last, now = 0, memory(pid)["VmRSS"]
    while now != last and time.monotonic() < deadline:
        time.sleep(0.05)
        last, now = now, memory(pid)["VmRSS"]
    return now


def server_process(env: dict[str, str]) -> int:
    """The local server's process; it is started where none runs."""
    subprocess.run([*MANIPLE, "server", "start"], env=env, check=True, capture_output=True, text=True)
    status = subprocess.run(
        [*MANIPLE, "server", "status", "--json"], env=env, check=True, capture_output=True, text=True
    )
    return int(json.loads(status.stdout)["pid"])


def workloads() -> dict[str, dict[str, Any]]:
    """Names, tolerances and groups; asked of another process, so that this one needs no NumPy of either kind."""
    program = (
        "import json, registry; registry.load();"
        "print(json.dumps({k: {'tolerance': w.tolerance, 'group': w.group} for k, w in registry.WORKLOADS.items()}))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER, check=True, capture_output=True, text=True
    ).stdout
    names: dict[str, dict[str, Any]] = json.loads(output)
    return names


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))
