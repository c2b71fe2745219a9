"""How a daemon is shared: what small calls of many clients wait while a few work with large arrays.

    python sharing.py --seconds 10 [--pause 0.2]

The clients are processes of their own, as programs are; those of small calls have several sessions each, so that the
machine's processors are not lost to their interpreters. All of them are there in every measurement: what is compared with
has the same load of processes, idle ones.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from daemon_clients import Client, address_of
from daemons import Daemon, daemon

LARGE_BYTES = 100_000_000


def percentile(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(part * len(times)))]


@dataclass
class Result:
    """Seconds of each call, by client, and how often the answer was wrong."""

    times: list[list[float]] = field(default_factory=list)
    wrong: int = 0

    @property
    def all(self) -> list[float]:
        return [t for own in self.times for t in own]

    def __str__(self) -> str:
        if not self.all:
            return "none"
        return (
            f"{len(self.all)} calls, median {1e3 * percentile(self.all, 0.5):.1f} ms, 99th percentile "
            f"{1e3 * percentile(self.all, 0.99):.1f} ms, longest {1e3 * max(self.all):.0f} ms"
        )

    def share(self) -> float:
        """How many times as much as the one with the least the client with the most has had done."""
        counts = [len(own) for own in self.times]
        return max(counts) / max(1, min(counts))


def serve(directory: str, port: int, sessions: int, elements: int, pause: float) -> None:
    """A client process: its sessions work for as long as a line says, and it prints what they measured."""
    running = Daemon(Path(directory), init=False)
    running.port = port
    clients = [Client(address_of(running)) for _ in range(sessions)]
    arrays = [np.arange(float(elements)) * (which + 1) for which in range(sessions)]
    for client, x in zip(clients, arrays, strict=True):
        assert np.array_equal(client.add(x, 1.0), x + 1)
    print("ready", flush=True)
    for line in sys.stdin:
        end = time.monotonic() + float(line)
        result = Result([[] for _ in clients])

        def work(which: int, end: float = end, result: Result = result) -> None:
            # Not all at the same moment.
            time.sleep(pause * which / sessions)
            x, k = arrays[which], 0
            while time.monotonic() < end:
                begin = time.perf_counter()
                got = clients[which].add(x, float(k))
                result.times[which].append(time.perf_counter() - begin)
                # The first and last elements; all of them now and then, which takes as long as the call.
                good = got[0] == x[0] + k and got[-1] == x[-1] + k if k % 10 else np.array_equal(got, x + k)
                result.wrong += not good
                k += 1
                if pause:
                    time.sleep(pause)

        threads = [threading.Thread(target=work, args=(which,)) for which in range(sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps({"times": result.times, "wrong": result.wrong}), flush=True)
    for client in clients:
        client.close()


class Processes:
    """Client processes that are told when to work."""

    def __init__(self, running: Daemon, count: int, sessions: int, elements: int, pause: float) -> None:
        command = [sys.executable, __file__, "--serve", str(running.directory), str(running.port)]
        command += [str(sessions), str(elements), str(pause)]
        self.processes = [
            subprocess.Popen(
                command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]

    def await_ready(self) -> None:
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def begin(self, seconds: float) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()

    def result(self) -> Result:
        whole = Result()
        for process in self.processes:
            assert process.stdout is not None
            found: dict[str, Any] = json.loads(process.stdout.readline())
            whole.times += found["times"]
            whole.wrong += found["wrong"]
        return whole

    def measure(self, seconds: float) -> Result:
        self.begin(seconds)
        return self.result()

    def close(self) -> None:
        for process in self.processes:
            process.communicate()
            assert process.returncode == 0


def measure(running: Daemon, seconds: float, pause: float) -> tuple[Result, Result, Result, Result]:
    """One small client alone; 56 of them; the 56 beside 8 with large arrays; those 8."""
    small = Processes(running, 7, 8, 1000, pause)
    single = Processes(running, 1, 1, 1000, 0.0)
    large = Processes(running, 8, 1, LARGE_BYTES // 8, 0.0)
    for group in (small, single, large):
        group.await_ready()
    alone = single.measure(min(seconds, 3.0))
    many = small.measure(seconds)
    # The large ones have begun when it is measured, and go on until after it.
    large.begin(seconds + 3)
    time.sleep(1.5)
    beside = small.measure(seconds)
    loaded = large.result()
    for group in (small, single, large):
        group.close()
    return alone, many, beside, loaded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--pause", type=float, default=0.2, help="between the calls of a small client")
    chosen = parser.parse_args()
    with daemon(Path(tempfile.mkdtemp()) / "trial", "--memory", "8g", "--sessions", "80") as running:
        alone, many, beside, loaded = measure(running, chosen.seconds, chosen.pause)
    print(f"one small client:              {alone}")
    print(f"56 small clients:              {many}")
    print(f"56 beside 8 with large arrays: {beside}")
    print(f"those 8:                       {loaded}")
    print(f"shares: small {beside.share():.2f}, large {loaded.share():.2f}; wrong: {beside.wrong + loaded.wrong}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]))
    else:
        main()
