"""Starts and ends the processes of a Spark cluster on this machine."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maniple._cluster import find_spark, find_spark_java, registration
from maniple._errors import ServerError
from maniple._server import (
    default_runtime_directory,
    java_environment,
    log_tail,
    require_private,
)

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 90.0
_END_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_ATTEMPTS = 3
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
# All processes of the cluster have it, executors and what they start, too: the directory.
_MARK = "MANIPLE_CLUSTER_DIR"
_FLAGS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.lang.invoke",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "sun.nio.ch",
        )
    ),
)
# Beyond what a driver asks for (SparkHost), what only masters and workers can say.
_PROPERTIES = """\
spark.authenticate true
spark.network.crypto.enabled true
spark.network.crypto.saslFallback false
spark.network.crypto.cipher AES/GCM/NoPadding
# It would take applications from anybody: it knows no secret.
spark.master.rest.enabled false
spark.ui.killEnabled false
spark.port.maxRetries 0
# An application whose executors are killed goes on for ever.
spark.deploy.maxExecutorRetries -1
spark.worker.timeout 20
spark.worker.cleanup.enabled true
spark.worker.cleanup.interval 60
spark.worker.cleanup.appDataTtl 600
"""


@dataclass(frozen=True)
class ClusterDirectory:
    """Where a cluster's files are. Nobody but its user can look into it: the secret is there."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "cluster.json"

    @property
    def secret(self) -> Path:
        return self.path / "secret"

    @property
    def properties(self) -> Path:
        return self.path / "spark.conf"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def work(self) -> Path:
        return self.path / "work"

    def read(self) -> dict[str, Any] | None:
        """What `start` has written, or None."""
        try:
            state: dict[str, Any] = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return state

    def processes(self) -> list[int]:
        """All that run of the cluster, what its executors have started among them."""
        mark = f"{_MARK}={self.path}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
                except OSError:
                    # Somebody else's, or gone.
                    continue
        return found


def start(directory: ClusterDirectory, workers: int, threads: int, memory: str, port: int) -> str:
    """Start a cluster and wait until it is ready; the master's URL.

    Parameters
    ----------
    directory : ClusterDirectory
    workers, threads : int
        How many, and the cores of each.
    memory : str
        For each worker, noted for the daemon; may be empty.
    port : int
        The master's; 0 for a free one.

    Raises
    ------
    ServerError
        It runs already, something is missing, or a process has ended; nothing is left then.
    """
    if not sys.platform.startswith("linux"):
        raise ServerError("this needs Linux, where the loopback network has many addresses")
    java, spark = find_spark_java(), find_spark()
    with _locked(directory):
        if directory.processes():
            state = directory.read()
            at = f" at {state['url']}" if state else ""
            raise ServerError(
                f"a cluster runs already{at} in {directory.path}: 'maniple cluster stop' ends it, "
                "--dir DIR starts another one"
            )
        try:
            return _start(directory, java, spark, (workers, threads, memory, port))
        except BaseException:
            _end(directory)
            raise


def _start(
    directory: ClusterDirectory, java: Path, spark: Path, size: tuple[int, int, str, int]
) -> str:
    attempt = 0
    while True:
        attempt += 1
        _prepare(directory)
        try:
            state = _Starting(directory, java, spark).run(*size)
        except _PortTaken:
            # A free one may be taken before Spark listens on it; a given one stays taken.
            if size[-1] or attempt == _ATTEMPTS:
                raise
            _end(directory)
        else:
            _register(directory, state)
            url: str = state["url"]
            return url


def status(directory: ClusterDirectory) -> dict[str, Any] | None:
    """What runs; None if nothing does.

    Raises
    ------
    ServerError
        The master runs, but does not answer.
    """
    state = directory.read()
    alive = set(directory.processes())
    if state is None or not alive & {process["pid"] for process in state["processes"]}:
        return None
    master = state["processes"][0]
    answer: dict[str, Any] = {}
    if master["pid"] in alive:
        answer = _ask(state["web"]) or {}
        if not answer:
            raise ServerError(f"Spark's master does not answer; see {master['log']}")
    return {
        "url": state["url"],
        "web": state["web"],
        "directory": str(directory.path),
        "logs": str(directory.logs),
        "workers": state["workers"],
        "threads": state["threads"],
        "workers_alive": answer.get("aliveworkers", 0),
        "cores": answer.get("cores", 0),
        "cores_used": answer.get("coresused", 0),
        "applications": [
            {"id": application["id"], "name": application["name"], "cores": application["cores"]}
            for application in answer.get("activeapps", [])
        ],
        "ended": [process for process in state["processes"] if process["pid"] not in alive],
    }


def stop(directory: ClusterDirectory) -> bool:
    """End all processes of a cluster; False if there are none.

    Raises
    ------
    ServerError
        One of them does not end.
    """
    if not directory.path.is_dir():
        return False
    with _locked(directory):
        ran = _end(directory)
    return ran


class _PortTaken(ServerError):
    """Somebody else listens there."""


class _Starting:
    """One attempt at starting a cluster."""

    def __init__(self, directory: ClusterDirectory, java: Path, spark: Path) -> None:
        self._directory = directory
        self._java = java
        self._spark = spark
        self._secret = directory.secret.read_text(encoding="ascii").strip()
        self._children: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        self._end = time.monotonic() + _START_SECONDS

    def run(self, workers: int, threads: int, memory: str, port: int) -> dict[str, Any]:
        port = port or _free_port()
        if _listens(port):
            raise _PortTaken(f"port {port} is taken: give another --port, or none")
        web_port = _free_port()
        web = f"http://127.0.0.1:{web_port}"
        url = f"spark://127.0.0.1:{port}"
        self._begin(
            "master",
            "127.0.0.1",
            [_MASTER, "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(web_port)],
        )
        self._await(web, 0)
        for number in range(workers):
            address = f"127.0.0.{2 + number}"
            work = self._directory.work / f"{number + 1}"
            options = ["--host", address, "--cores", str(threads), "--memory", f"{512 * threads}m"]
            options += ["--webui-port", "0", "--work-dir", str(work)]
            self._begin(f"worker-{number + 1}", address, [_WORKER, *options, url])
        self._await(web, workers)
        return {
            "url": url,
            "web": web,
            "directory": str(self._directory.path),
            "workers": workers,
            "threads": threads,
            "memory": memory,
            "processes": [
                {"name": name, "pid": process.pid, "log": str(log)}
                for name, process, log in self._children
            ],
        }

    def _begin(self, name: str, address: str, arguments: list[str]) -> None:
        import subprocess

        log_path = self._directory.logs / f"{name}.log"
        log_path.unlink(missing_ok=True)
        command = [str(self._java), *_FLAGS, "-cp", str(self._spark / "jars" / "*"), arguments[0]]
        command += ["--properties-file", str(self._directory.properties), *arguments[1:]]
        ours = {
            _MARK: str(self._directory.path),
            "_SPARK_AUTH_SECRET": self._secret,
            "JAVA_HOME": str(self._java.parent.parent),
            "SPARK_HOME": str(self._spark),
            "SPARK_CONF_DIR": str(self._directory.path / "conf"),
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_LOCAL_IP": address,
            "SPARK_LOCAL_DIRS": str(self._directory.work / "scratch"),
        }
        others = {
            variable: value
            for variable, value in java_environment().items()
            if not variable.startswith(("SPARK_", "_SPARK_"))
        }
        with open(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as log:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._directory.path,
                    start_new_session=True,
                    env={**others, **ours},
                )
            except OSError as error:
                raise ServerError(f"cannot run {self._java}: {error.strerror}") from error
        self._children.append((name, process, log_path))

    def _await(self, web: str, workers: int) -> None:
        """Wait until the master answers, and so many workers are there."""
        while True:
            for name, process, log in self._children:
                if process.poll() is not None:
                    tail = log_tail(log)
                    if "BindException" in tail:
                        raise _PortTaken(f"Spark's {name} found its port taken\n{tail}".rstrip())
                    raise ServerError(
                        f"Spark's {name} ended at its start, with exit status "
                        f"{process.returncode}; the end of its log:\n{tail}".rstrip()
                    )
            answer = _ask(web)
            if answer is not None and answer["aliveworkers"] >= workers:
                return
            if time.monotonic() > self._end:
                raise ServerError(
                    f"Spark was not ready within {_START_SECONDS:g} s; see {self._directory.logs}"
                )
            time.sleep(0.1)


def _prepare(directory: ClusterDirectory) -> None:
    for path in (directory.work, directory.logs, directory.path / "conf"):
        path.mkdir(exist_ok=True)
    _write(directory.secret, secrets.token_hex(32) + "\n")
    _write(directory.properties, _PROPERTIES)


def _register(directory: ClusterDirectory, state: dict[str, Any]) -> None:
    _write(directory.state, json.dumps(state, indent=2))
    registered = registration(state["url"])
    for private in (registered.parent.parent, registered.parent):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_private(private)
    _write(registered, json.dumps(state))


def _write(path: Path, text: str) -> None:
    """Write a file that only the user can read, in one step."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    new.replace(path)


def _end(directory: ClusterDirectory) -> bool:
    """End what runs, and remove what only makes sense while it does; whether anything ran."""
    state = directory.read()
    left = directory.processes()
    ran = bool(left)
    end = time.monotonic() + _END_SECONDS
    how = signal.SIGTERM
    while left:
        for pid in left:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                continue
        # A second is enough for Spark's own hooks; they remove its files.
        pause = time.monotonic() + (3.0 if how == signal.SIGTERM else 0.5)
        while left and time.monotonic() < pause:
            time.sleep(0.05)
            left = directory.processes()
        how = signal.SIGKILL
        if left and time.monotonic() > end:
            raise ServerError(f"these processes do not end: {', '.join(map(str, left))}")
    if state is not None:
        registration(state["url"]).unlink(missing_ok=True)
    for path in (directory.state, directory.secret, directory.properties):
        path.unlink(missing_ok=True)
    shutil.rmtree(directory.work, ignore_errors=True)
    return ran


def _ask(web: str) -> dict[str, Any] | None:
    """What Spark's master says of itself, or None if it does not answer."""
    import urllib.request

    # Whatever proxy the user has is not for this.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{web}/json/", timeout=_ANSWER_SECONDS) as answer:
            state: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return None
    return state


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _locked(directory: ClusterDirectory) -> Iterator[None]:
    """Have the directory to oneself."""
    try:
        # Only the last one would get the mode, and the runtime directory is to be private, too.
        if directory.path.parent == default_runtime_directory().absolute():
            directory.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(f"cannot make {directory.path}: {error.strerror}") from error
    require_private(directory.path)
    descriptor = os.open(
        directory.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
