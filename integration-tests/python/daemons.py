"""Daemons of tests: real processes over TLS, and a network between them and their clients that can be broken."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[2]


def maniple(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; its output and exit status."""
    return subprocess.run(
        [sys.executable, "-m", "maniple", *map(str, arguments)],
        env={**os.environ, "MANIPLE_BACKEND": "server", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Daemon:
    """A daemon with a directory of its own, and what its clients need."""

    def __init__(self, directory: Path, *options: object, init: bool = True) -> None:
        self.directory = directory
        self.options = options
        if init:
            made = maniple("server", "init", directory)
            assert made.returncode == 0, made.stderr
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"maniple://localhost:{self.port}"

    @property
    def token(self) -> str:
        return (self.directory / "token").read_text().strip()

    def environment(self, port: int = 0, bulk: int = 0) -> dict[str, str]:
        """What its clients need; through another port nothing goes past it, unless one for contents is named."""
        ports = {"MANIPLE_BULK_PORT": str(bulk or "off")} if port else {}
        return ports | {
            "MANIPLE_BACKEND": "server",
            "MANIPLE_URL": f"maniple://localhost:{port or self.port}",
            "MANIPLE_TOKEN_FILE": str(self.directory / "token"),
            "MANIPLE_CA": str(self.directory / "ca.pem"),
        }

    def start(self) -> "Daemon":
        command: list[object] = [sys.executable, "-m", "maniple", "server", "--config", self.directory]
        command += ["--listen", f"127.0.0.1:{self.port}", "--log", self.directory / "log", *self.options]
        self.await_ready(command)
        return self

    def await_ready(self, command: list[object]) -> None:
        """Run the command of a daemon until it says where it listens."""
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "ready at" in line, (line, self.log())
        self.port = int(line.rpartition(":")[2])

    def log(self) -> str:
        with suppress(FileNotFoundError):
            return (self.directory / "log").read_text()[-3000:]
        return ""

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def run(self, program: str, port: int = 0, bulk: int = 0, **environment: str) -> str:
        """Run a program to its good end; what it printed."""
        process = self.begin(program, port, bulk, **environment)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, f"{out}{err}\n{self.log()}"
        return out

    def begin(self, program: str, port: int = 0, bulk: int = 0, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "maniple", "-c", program],
            env={**os.environ, **self.environment(port, bulk), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def status(self) -> dict[str, Any]:
        import json

        import pyarrow.flight as flight

        client = flight.connect(
            f"grpc+tls://localhost:{self.port}", tls_root_certs=(self.directory / "ca.pem").read_bytes()
        )
        options = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer " + self.token.encode())])
        (result,) = client.do_action(flight.Action("status", b""), options)
        answer: dict[str, Any] = json.loads(result.body.to_pybytes())
        client.close()
        return answer

    def await_sessions(self, count: int, seconds: float) -> float:
        """Wait until there are so many sessions; how long that took."""
        start = time.monotonic()
        while len(self.status()["sessions"]) != count:
            assert time.monotonic() - start < seconds, self.status()
            time.sleep(0.1)
        return time.monotonic() - start


@contextmanager
def daemon(directory: Path, *options: object) -> Iterator[Daemon]:
    running = Daemon(directory, *options).start()
    try:
        yield running
    finally:
        running.stop()


class Network:
    """A TCP proxy in front of a port: connections can be cut, held back, refused."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.open = threading.Event()
        self.open.set()
        self.refusing = False
        self.delay = 0.0
        self.bytes = 0
        self.limit = 0  # cut after so many bytes, once
        self.swallow = 0  # after so many bytes the connections there are carry nothing any more, once
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.connections += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, source is near), daemon=True).start()

    def changed(self, data: bytes, outwards: bool) -> bytes:
        """What becomes of the data on its way."""
        return data

    def _pump(self, source: socket.socket, sink: socket.socket, outwards: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self.open.wait()
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(self.changed(data, outwards))
                self.bytes += len(data)
                if self.swallow and self.bytes > self.swallow:
                    self.swallow = 0
                    time.sleep(3600)
                if self.limit and self.bytes > self.limit:
                    self.limit = 0
                    self.cut()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End all connections, without a word."""
        connections, self.connections = self.connections, []
        for connection in connections:
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                # A thread that waits for it would keep it open.
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def close(self) -> None:
        self.listener.close()
        self.cut()
