"""Finds the user's running server, or starts one.

The server of a user and version announces itself by a file of mode 0600 in the runtime directory.
Whoever finds none,
or one that leads nowhere, starts a server while holding a lock, so that programs that start at
once share one.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maniple._errors import ServerError
from maniple._wire import RefusedError, WireError, call_once

if TYPE_CHECKING:
    import subprocess

VERSION = "0.1.0"
"""Of the server; the client talks to no other."""

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LOG_BYTES = 10 << 20
_LOG_TAIL_BYTES = 2048
FLAGS = (
    # Data lies outside the heap; the serial collector starts fastest and needs no threads.
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-Xmx512m",
    # OpenBLAS's LU factorization takes up to 5 MB of stack (measured at 3,000 to 12,000 rows), in
    # frames so large that to overflow it ends the process without a word, or damages others'.
    "-Xss32m",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    # No files in the temporary directory for jps and its like: other users could read them.
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True)
class Address:
    """A running server, as its discovery file describes it."""

    pid: int
    port: int
    token: str = field(repr=False)
    version: str
    log: str


@dataclass(frozen=True)
class Configuration:
    """Where the server is found and how it is started.

    Attributes
    ----------
    runtime_directory : Path
        Holds the discovery file, the lock and the log.
    java : Path or None
        The `java` command; None to look for one when it is needed.
    class_path : str or None
        The server's jars; None to look for them when they are needed.
    arguments : tuple of str
        Further arguments of the server.
    """

    runtime_directory: Path
    java: Path | None = None
    class_path: str | None = None
    main_class: str = "io.maniple.server.Main"
    arguments: tuple[str, ...] = ()
    version: str = VERSION

    @classmethod
    def from_environment(cls) -> Configuration:
        """As the MANIPLE_* variables say."""
        arguments: list[str] = []
        for option, variable in (
            ("--idle", "MANIPLE_IDLE"),
            ("--memory", "MANIPLE_MEMORY"),
            ("--spill", "MANIPLE_SPILL"),
            ("--spill-dir", "MANIPLE_SPILL_DIR"),
            ("--spill-at", "MANIPLE_SPILL_AT"),
            ("--threads", "MANIPLE_THREADS"),
            ("--blas", "MANIPLE_BLAS"),
            ("--shared-memory", "MANIPLE_SHARED_MEMORY"),
        ):
            value = os.environ.get(variable)
            if not value and option == "--blas":
                value = numpys_blas()
            if value:
                arguments += (option, value)
        return cls(default_runtime_directory(), arguments=tuple(arguments))

    @property
    def discovery_file(self) -> Path:
        return self.runtime_directory / f"server-{self.version}.json"

    @property
    def lock_file(self) -> Path:
        return self.runtime_directory / f"server-{self.version}.lock"

    @property
    def log_file(self) -> Path:
        return self.runtime_directory / f"server-{self.version}.log"


def numpys_blas() -> str:
    """Return the OpenBLAS of NumPy's wheel, or nothing.

    With it matrix products are NumPy's to the bit.
    """
    import numpy

    libraries = Path(numpy.__file__).parent.parent / "numpy.libs"
    return next((str(path) for path in sorted(libraries.glob("libscipy_openblas64_*"))), "")


def default_runtime_directory() -> Path:
    """$MANIPLE_RUNTIME_DIR, or a directory of the user's own that does not outlive the machine's
    run.
    """
    chosen = os.environ.get("MANIPLE_RUNTIME_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK | os.X_OK):
        return Path(base) / "maniple"
    import tempfile

    return Path(tempfile.gettempdir()) / f"maniple-{os.getuid()}"


def find(configuration: Configuration) -> Address | None:
    """The running server, without asking it anything; None if there is none.

    Raises
    ------
    ServerError
        Somebody else could read or have written the files.
    """
    if not configuration.runtime_directory.exists():
        return None
    require_private(configuration.runtime_directory)
    address = _read_discovery(configuration)
    return address if address is not None and _is_alive(address.pid) else None


def find_or_start(configuration: Configuration, *, instead_of: Address | None = None) -> Address:
    """The running server, or a new one; never `instead_of`, which turned out not to answer.

    Raises
    ------
    ServerError
        It cannot be started; the message ends with what its log says.
    """
    address = find(configuration)
    if address is not None and address != instead_of:
        return address
    with _locked(configuration):
        address = find(configuration)
        if address is not None and address != instead_of:
            return address
        configuration.discovery_file.unlink(missing_ok=True)
        return _start(configuration)


def ask(address: Address, method: str, *arguments: str | int | bytes, timeout: float = 5.0) -> str:
    """Call a method of a server on a connection of its own, or raise ServerError."""
    try:
        return call_once(address.port, address.token, method, *arguments, timeout=timeout)
    except (OSError, WireError, RefusedError) as error:
        raise ServerError(f"the server does not answer: {error}", log=address.log) from error


def status(configuration: Configuration) -> dict[str, Any] | None:
    """What the running server says of itself; None if none runs or it does not answer."""
    address = find(configuration)
    if address is None:
        return None
    try:
        answer: dict[str, Any] = json.loads(ask(address, "status"))
    except ServerError:
        return None
    return answer


def stop(configuration: Configuration) -> bool:
    """Stop the running server and wait for its end; False if none runs.

    Raises
    ------
    ServerError
        It is still there after some time.
    """
    address = find(configuration)
    if address is None:
        if configuration.discovery_file.exists():
            # A killed server's.
            with _locked(configuration):
                if find(configuration) is None:
                    configuration.discovery_file.unlink(missing_ok=True)
        return False
    try:
        call_once(address.port, address.token, "stop")
    except RefusedError as error:
        raise ServerError(f"the server refused to stop: {error}", log=address.log) from error
    except (OSError, WireError):
        # Either it ended before its answer got out, or it is not ours: the process id may be
        # somebody else's now.
        if not _is_server(address.pid):
            return False
    end = time.monotonic() + _STOP_SECONDS
    while _is_alive(address.pid):
        if time.monotonic() > end:
            raise ServerError(f"the server, process {address.pid}, does not stop", log=address.log)
        time.sleep(0.01)
    return True


def log_tail(path: Path, limit: int = _LOG_TAIL_BYTES) -> str:
    """The last lines of the log."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - limit))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text if size <= limit else text.partition("\n")[2]


def _read_discovery(configuration: Configuration) -> Address | None:
    try:
        descriptor = os.open(
            configuration.discovery_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServerError(
            f"cannot read {configuration.discovery_file}: {error.strerror}"
        ) from error
    with open(descriptor, encoding="utf-8") as file:
        require_own(configuration.discovery_file, os.fstat(descriptor))
        try:
            content = json.load(file)
            address = Address(
                pid=int(content["pid"]),
                port=int(content["port"]),
                token=str(content["token"]),
                version=str(content["version"]),
                log=str(content["log"]),
            )
        except (ValueError, KeyError, TypeError):
            return None
    return address if address.version == configuration.version else None


def require_private(directory: Path) -> None:
    state = os.lstat(directory)
    if not stat.S_ISDIR(state.st_mode):
        raise ServerError(f"{directory} is not a directory; set MANIPLE_RUNTIME_DIR to another one")
    require_own(directory, state)


def require_own(path: Path, state: os.stat_result) -> None:
    """Refuse what others may read (it gives the token away) or write (it leads elsewhere)."""
    if state.st_uid != os.getuid():
        raise ServerError(
            f"{path} belongs to another user; set MANIPLE_RUNTIME_DIR to a directory of your own"
        )
    if state.st_mode & 0o077:
        mode = stat.S_IMODE(state.st_mode)
        raise ServerError(
            f"{path} is open to other users (mode {mode:o}): remove it, or take their rights away"
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's process by now.
        return False
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]


def _is_server(pid: int) -> bool:
    try:
        return b"io.maniple.server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@contextmanager
def _locked(configuration: Configuration) -> Iterator[None]:
    directory = configuration.runtime_directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(
            f"cannot make {directory}: {error.strerror}; set MANIPLE_RUNTIME_DIR"
        ) from error
    require_private(directory)
    descriptor = os.open(
        configuration.lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start(configuration: Configuration) -> Address:
    # Imported here: whoever finds a running server does not need it.
    import subprocess

    java = configuration.java or find_java()
    class_path = configuration.class_path or find_class_path()
    log_path = configuration.log_file
    command = [
        str(java),
        *FLAGS,
        *aot_flags(class_path),
        *gpu_flags(class_path),
        f"-XX:ErrorFile={log_path.parent}/crash-%p.log",
        "-cp",
        class_path,
        configuration.main_class,
        "--discovery",
        str(configuration.discovery_file),
        "--log",
        str(log_path),
        *configuration.arguments,
    ]
    with open_log(log_path) as log:
        beginning = log.seek(0, os.SEEK_END)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                env=java_environment(),
            )
        except OSError as error:
            raise ServerError(f"cannot run {java}: {error.strerror}") from error
    try:
        return _await(configuration, process)
    except ServerError as error:
        tail = log_tail(log_path) if log_path.stat().st_size > beginning else ""
        raise ServerError(f"{error}\n{tail}".rstrip(), log=str(log_path)) from None


def open_log(path: Path) -> Any:
    """Open the log for appending; a long one is set aside first, replacing the one set aside
    before.
    """
    try:
        if path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    except FileNotFoundError:
        pass
    return open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600),
        "ab",
    )


def _await(configuration: Configuration, process: subprocess.Popen[bytes]) -> Address:
    end = time.monotonic() + _START_SECONDS
    while True:
        address = _read_discovery(configuration)
        if address is not None and address.pid == process.pid:
            # It may outlive this program, or this program it: then somebody has to take note of
            # its end.
            threading.Thread(target=process.wait, name="maniple-server-end", daemon=True).start()
            return address
        code = process.poll()
        if code is not None:
            raise ServerError(f"the server ended at its start, with exit status {code}")
        if time.monotonic() > end:
            process.kill()
            process.wait()
            raise ServerError(f"the server was not ready within {_START_SECONDS:g} s")
        time.sleep(0.005)


def java_environment() -> dict[str, str]:
    """Without variables by which the user's own Java settings would change ours or print to the
    log.
    """
    unwanted = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def find_java() -> Path:
    """The java command of version 25: the wheel's own first, then what the machine has."""
    for home in _java_homes():
        java = home / "bin" / "java"
        if java.is_file() and os.access(java, os.X_OK) and java_version(home) >= 25:
            return java
    raise ServerError(
        "no Java 25 found: install the package maniple-runtime, "
        "or set MANIPLE_JAVA_HOME to a Java 25 runtime"
    )


def _java_homes() -> Iterator[Path]:
    chosen = os.environ.get("MANIPLE_JAVA_HOME")
    if chosen:
        home = Path(chosen)
        if not (home / "bin" / "java").is_file():
            raise ServerError(f"MANIPLE_JAVA_HOME is {chosen}, where there is no bin/java")
        yield home
    try:
        runtime = importlib.import_module("maniple_runtime")
    except ImportError:
        pass
    else:
        yield Path(runtime.path)
    tree = checkout()
    if tree is not None:
        yield tree / ".build" / "runtime"
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    yield from sorted(Path("/usr/lib/jvm").glob("*25*"))
    import shutil

    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parent.parent


def part(package: str, extra: str) -> Any:
    """Return a package that an extra of this one brings; None if it is not installed.

    Raises
    ------
    ServerError
        It is of another version.
    """
    try:
        found = importlib.import_module(package)
    except ImportError:
        return None
    if found.__version__ != VERSION:
        raise ServerError(
            f"{package.replace('_', '-')} has version {found.__version__}, maniple {VERSION}: "
            f"pip install 'maniple[{extra}]=={VERSION}'"
        )
    return found


def java_version(home: Path) -> int:
    """The major version of the Java in a directory; 0 where it does not say."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return 0
    for line in release.splitlines():
        name, _, value = line.partition("=")
        if name == "JAVA_VERSION":
            major = value.strip('"').partition(".")[0].partition("+")[0].partition("-")[0]
            return int(major) if major.isdigit() else 0
    return 0


def find_class_path() -> str:
    """The server's jars: where $MANIPLE_JARS says, in the wheel, or in a source checkout."""
    chosen = os.environ.get("MANIPLE_JARS")
    folders = [Path(chosen)] if chosen else [Path(__file__).parent / "jars"]
    tree = checkout()
    if not chosen and tree is not None:
        folders.append(tree / ".build" / "jars")
    for folder in folders:
        # Listed one by one, not by a wildcard: an AOT cache wants the same order every time.
        jars = sorted(folder.glob("*.jar"))
        if jars:
            return os.pathsep.join(map(str, jars))
    where = " or ".join(map(str, folders))
    raise ServerError(
        f"the server's jars are not in {where}: build them, or set MANIPLE_JARS to their directory"
    )


def gpu_flags(class_path: str) -> tuple[str, ...]:
    """Where the native library for NVIDIA's driver lies, and where pip has put CUDA's libraries.

    Nothing is opened: the server does that if a session uses a GPU.
    """
    import importlib.util

    native = Path(class_path.partition(os.pathsep)[0]).parent / "native"
    # A namespace package: each wheel of NVIDIA's adds a folder to it.
    wheels = importlib.util.find_spec("nvidia")
    folders = (wheels.submodule_search_locations if wheels is not None else None) or ()
    chosen = os.environ.get("MANIPLE_CUDA", "")
    libraries = os.pathsep.join([*([chosen] if chosen else []), *map(str, folders)])
    flags = (f"-Djava.library.path={native}",) if native.is_dir() else ()
    return (*flags, f"-Dmaniple.cuda={libraries}") if libraries else flags


def aot_flags(class_path: str, name: str = "server") -> tuple[str, ...]:
    """Use the cache of loaded and linked classes beside the jars' folder, if set-up has made one.

    The Java runtime ignores one that does not fit it or the jars.
    """
    record = os.environ.get("MANIPLE_AOT_RECORD")
    if record:
        return (f"-XX:AOTCacheOutput={record}",)
    cache = Path(class_path.partition(os.pathsep)[0]).parent.parent / f"{name}.aot"
    return (f"-XX:AOTCache={cache}", "-Xlog:disable", "-Xlog:all=off") if cache.is_file() else ()


def checkout() -> Path | None:
    """The working tree that this is imported from, or None."""
    parents = Path(__file__).resolve().parents
    root = parents[3] if len(parents) > 3 else None
    return root if root is not None and (root / "arrow-bridge").is_dir() else None
