#!/usr/bin/env python3
"""Runs a daemon and one program that uses it, while the start of the daemon is recorded (MANIPLE_AOT_RECORD).

usage: training_daemon.py DIRECTORY     an empty one, for a certificate and a token
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

PROGRAM = """
import numpy as np
a = np.random.default_rng(1).random(300_000)
b = np.array(a.tolist()[:100_000] * 3)
print(float((np.sqrt(a * b) + 1).sum()), (a[a > 0.5] * 2)[:3], np.sort(b)[-1])
"""


PAGES = (
    "ready",
    "metrics",
    "",
    *(f"api/{name}" for name in ("overview", "sessions", "users", "throughput", "timeline", "errors", "fallbacks")),
)


def look(directory: Path, port: int) -> None:
    """Read what the dashboard reads."""
    context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    token = (directory / "token").read_text().strip()
    for page in PAGES:
        request = urllib.request.Request(
            f"https://localhost:{port}/{page}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            answer.read()


def main() -> None:
    directory = Path(sys.argv[1])
    command = [sys.executable, "-m", "maniple"]
    recorded = dict(os.environ)
    plain = {name: value for name, value in os.environ.items() if name != "MANIPLE_AOT_RECORD"}
    subprocess.run([*command, "server", "init", str(directory)], env=plain, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        http = free.getsockname()[1]
    options = ["--config", str(directory), "--listen", "127.0.0.1:0", "--http", f"127.0.0.1:{http}"]
    daemon = subprocess.Popen(
        [*command, "server", *options],
        env=recorded,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    try:
        line = next(line for line in daemon.stdout if "ready at" in line)
        # The Java runtime says a lot when it writes the record, and waits for somebody to read it.
        threading.Thread(target=daemon.stdout.read, daemon=True).start()
        url = line.rpartition(" ")[2].strip().replace("127.0.0.1", "localhost")
        environment = {
            **plain,
            "MANIPLE_CA": str(directory / "ca.pem"),
            "MANIPLE_TOKEN_FILE": str(directory / "token"),
        }
        for _ in range(2):
            subprocess.run([*command, "--connect", url, "-c", PROGRAM], env=environment, check=True)
            look(directory, http)
    finally:
        # The record is written when it ends.
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


if __name__ == "__main__":
    main()
