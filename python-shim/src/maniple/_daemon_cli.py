"""`maniple server` for a daemon that many users share: start it, make what it needs, check it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maniple._address import DaemonAddress, address_of_environment, url_of_environment
from maniple._cluster import SPARK_MASTER, daemon_environment, daemon_options, master_of
from maniple._errors import ServerError
from maniple._server import (
    FLAGS,
    VERSION,
    aot_flags,
    find_class_path,
    find_java,
    java_environment,
    numpys_blas,
    part,
)

if TYPE_CHECKING:
    from maniple._remote import Channel, RemoteBackend

_MAIN = "io.maniple.daemon.Main"
_FLAGS = (
    # Many threads that each make some garbage; arrays and what travels lie outside the heap.
    "-XX:+UseG1GC",
    "-Xmx2g",
    "-XX:MaxDirectMemorySize=4g",
    "-XX:+ExitOnOutOfMemoryError",
    # No native library unpacked to the temporary directory.
    "-Dorg.xerial.snappy.purejava=true",
)
_OK = 0
_FAILED = 1
_USAGE = 2
_SECONDS = 5.0

_CHECK_HELP = """\
usage: maniple server check [URL]

Looks at a connection to a daemon step by step: address, name, port, TLS, token, version, session,
and the port for large arrays.
Without a URL: that of MANIPLE_URL. Uses MANIPLE_TOKEN or MANIPLE_TOKEN_FILE, and MANIPLE_CA.
Exit status 1 if a step fails; what to do is printed with it.
"""


def run(arguments: Sequence[str]) -> int:
    """Carry out a command of the daemon's; the exit status. To serve, this process becomes it."""
    try:
        java = find_java()
        class_path = _class_path()
    except ServerError as error:
        if arguments and arguments[0] in ("-h", "--help"):
            print(error)
            return _OK
        print(f"maniple: {error}", file=sys.stderr)
        return _FAILED
    arguments = list(arguments)
    environment = java_environment()
    if _serves(arguments):
        try:
            arguments += daemon_options(arguments)
            environment.update(daemon_environment())
        except ServerError as error:
            if SPARK_MASTER.match(master_of(arguments)):
                print(f"maniple: {error}", file=sys.stderr)
                return _FAILED
            # A daemon without a cluster needs no Spark; one whose file names a cluster says so.
    blas = numpys_blas()
    if blas and _serves(arguments) and not any(a.partition("=")[0] == "--blas" for a in arguments):
        arguments += ["--blas", blas]
    flags = [flag for flag in FLAGS if not flag.startswith(("-XX:+Use", "-Xmx"))]
    command = [str(java), *flags, *_FLAGS, *aot_flags(class_path, "daemon")]
    command += ["-cp", class_path, _MAIN, *arguments]
    sys.stdout.flush()
    if not _serves(arguments) or {"-h", "--help", "-V", "--version", "--print-config"} & {
        *arguments
    }:
        import subprocess

        return subprocess.run(command, env=environment, check=False).returncode
    # Signals are its own then, and a supervisor sees one process.
    os.execve(str(java), command, environment)


def _serves(arguments: list[str]) -> bool:
    return not arguments or arguments[0].startswith("-")


def _class_path() -> str:
    """The server's jars and the daemon's."""
    jars = find_class_path()
    folder = Path(jars.partition(os.pathsep)[0]).parent / "daemon"
    if not folder.is_dir():
        wheel = part("maniple_daemon", "daemon")
        if wheel is None:
            raise ServerError("the daemon is not installed here: pip install 'maniple[daemon]'")
        folder = Path(wheel.jars)
    own = sorted(folder.glob("*.jar"))
    if not own:
        raise ServerError(f"the daemon's jars are not in {folder}: install it again")
    return os.pathsep.join([jars, *map(str, own)])


def check(arguments: Sequence[str]) -> int:
    """Look at a connection step by step; the exit status."""
    if any(a in ("-h", "--help") for a in arguments):
        print(_CHECK_HELP, end="")
        return _OK
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        print(f"maniple server check: wrong arguments\n\n{_CHECK_HELP}", end="", file=sys.stderr)
        return _USAGE
    url = arguments[0] if arguments else url_of_environment()
    if not url:
        print("maniple server check: give a URL, or set MANIPLE_URL", file=sys.stderr)
        return _USAGE
    address: list[DaemonAddress] = []
    sessions: list[RemoteBackend] = []

    def settings() -> str:
        address.append(address_of_environment(url))
        return address[0].url

    def session() -> str:
        from maniple._remote import connect
        from maniple._server_backend import session_options

        sessions.append(connect(address[0], session_options()))
        return f"up to {sessions[0].limits.session_memory_bytes >> 20} MiB"

    steps: list[tuple[str, Callable[[], str]]] = [
        ("address and token", settings),
        ("name", lambda: _resolve(address[0])),
        ("port", lambda: _connect(address[0])),
        ("TLS", lambda: _handshake(address[0])),
        ("token", lambda: _accepted(address[0])),
        ("version", lambda: _version(address[0])),
        ("session", session),
        ("large arrays", lambda: _large_arrays(sessions[0].channel)),
    ]
    try:
        for name, step in steps:
            start = time.perf_counter()
            try:
                found = step()
            except (ServerError, OSError) as error:
                print(f"{name:18} FAILED  {error}")
                return _FAILED
            print(f"{name:18} ok      {found} ({1e3 * (time.perf_counter() - start):.0f} ms)")
    finally:
        for opened in sessions:
            opened.close()
    return _OK


def _resolve(address: DaemonAddress) -> str:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise ServerError(
            f"the name {address.host} is not known ({error.strerror}): is it spelt rightly?"
        ) from None
    return ", ".join(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(address: DaemonAddress) -> str:
    try:
        with socket.create_connection((address.host, address.port), _SECONDS):
            return f"{address.port} is open"
    except ConnectionRefusedError:
        raise ServerError(
            f"nobody listens on port {address.port}: is the daemon running, and on this port?"
        ) from None
    except TimeoutError:
        raise ServerError(
            f"port {address.port} does not answer within {_SECONDS:.0f} s: a firewall?"
        ) from None


def _handshake(address: DaemonAddress) -> str:
    if not address.secure:
        return "not used: only for loopback"
    context = ssl.create_default_context()
    if address.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=address.ca.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError) as error:
            raise ServerError(f"MANIPLE_CA holds no certificates: {error}") from None
    if address.client_certificate is not None:
        context.load_cert_chain(os.environ["MANIPLE_CERT"], os.environ.get("MANIPLE_KEY"))
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((address.host, address.port), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as secure,
        ):
            certificate = secure.getpeercert() or {}
            return f"{secure.version()}, certificate valid until {certificate.get('notAfter')}"
    except ssl.SSLCertVerificationError as error:
        message = error.verify_message.rstrip(".")
        if "mismatch" in message:
            advice = "the certificate is for other names"
        elif "expired" in message:
            advice = "the daemon needs a new one"
        else:
            advice = "is MANIPLE_CA the authority that has signed the daemon's certificate?"
        raise ServerError(f"{message}: {advice}") from None
    except (ssl.SSLError, ConnectionError) as error:
        raise ServerError(f"no TLS there ({error}): does the daemon run without?") from None


def _accepted(address: DaemonAddress) -> str:
    from maniple._remote import ask

    ask(address, "version", _SECONDS)
    return "accepted"


def _version(address: DaemonAddress) -> str:
    from maniple._remote import ask

    status = json.loads(ask(address, "status", _SECONDS))
    if status["version"] != VERSION:
        raise ServerError(
            f"the daemon has version {status['version']}, this client {VERSION}: install the same"
        )
    return str(status["version"])


def _large_arrays(channel: Channel) -> str:
    """Send a small one on the connection that large ones take."""
    import uuid

    import numpy as np

    from maniple import _program_pb2 as pb
    from maniple._bulk import LEAST_BYTES, BulkConnection
    from maniple._progress import Progress

    port = channel.bulk_port
    if not port:
        return f"through port {channel.address.port}, too"
    content = np.zeros(LEAST_BYTES, np.uint8)
    transfer = pb.Transfer(session=channel.session, upload=uuid.uuid4().hex, bytes=len(content))
    advice = (
        "open it in the firewall, or set MANIPLE_BULK_PORT to the port where it is reached from "
        "here (off: they go through the other port, more slowly)"
    )
    try:
        connection = BulkConnection(channel.address, port)
        try:
            with Progress("sending", len(content)) as progress:
                reply = connection.upload(content, transfer, progress)
        finally:
            connection.close()
    except ConnectionRefusedError:
        raise ServerError(f"nobody listens on port {port}: {advice}") from None
    except TimeoutError:
        raise ServerError(f"port {port} does not answer: {advice}") from None
    except (ssl.SSLError, ConnectionError) as error:
        raise ServerError(
            f"port {port} is not the daemon's ({error}): is it forwarded to another one? "
            "MANIPLE_BULK_PORT names the right one"
        ) from None
    if reply.status != pb.OK:
        raise ServerError(f"port {port}: {reply.message}")
    return f"through port {port}"
